"""
How is a language model asked that lies on this machine? By transformers, in this process.

    folder ── config.json · safetensors · tokenizer with a chat template
                                 └── greedy decoding, of what the schema allows

A folder as `save_pretrained` writes it. Nothing is downloaded, no code out of the folder runs,
nothing is unpickled. The model is loaded when the first question is asked, so that a script whose
answers are known loads none.

Shape suffixes, for this module only:
    B  conversations: one    T  tokens of the question
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from llguidance import LLTokenizer
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, LogitsProcessorList

from onestory.breakdown.chat import MOST_TOKENS, Message
from onestory.breakdown.held import DECODER, Held, vocabulary_of
from onestory.errors import ModelAnswerError, WeightsError

_HINT = "ONESTORY_BREAKDOWN_MODEL names a folder of a chat model, as save_pretrained writes it"
_PARTS = ("*.json", "*.safetensors", "*.model", "*.jinja", "*.txt")
"""Files of a folder that decide answers."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    tokenizer: Any
    vocabulary: LLTokenizer
    model: Any


class LocalChat:
    """Asks the model of one folder, word by most likely word of those that the schema allows."""

    def __init__(self, folder: str | Path, *, seconds: float = 120.0) -> None:
        """
        Args:
            folder: Where the model lies.
            seconds: Longest wait for one answer, once the model is loaded.

        Raises:
            WeightsError: If no model lies there.
        """
        self.folder = Path(folder).expanduser().absolute()
        self._seconds = seconds
        if not (self.folder / "config.json").is_file() or not self._weights:
            raise WeightsError(
                f"there is no chat model in safetensors in {self.folder.name!r}", hint=_HINT
            )

    @property
    def _weights(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"))

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @cached_property
    def fingerprint(self) -> str:
        """How it is held to a schema, and sha256 over every file of it that decides answers."""
        digest = hashlib.sha256()
        for path in sorted({path for part in _PARTS for path in self.folder.glob(part)}):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.name}\0{content}\n".encode())
        return f"transformers:{DECODER}:sha256:{digest.hexdigest()}"

    def answer(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> str:
        """
        Ask the model, and hold it to the schema token by token.

        Returns:
            JSON that follows the schema, whatever the model is worth.

        Raises:
            WeightsError: If it cannot be loaded, knows no conversations, or cannot be held.
            ModelAnswerError: If the question is too long for it, the answer takes too long, or has
                not ended after as many tokens as there is room for.
        """
        loaded, model = self._loaded, self._loaded.model
        token_BT = self._tokens(messages)
        num_tokens = token_BT.shape[1]
        context = getattr(model.config, "max_position_embeddings", None) or 2**20
        if num_tokens >= context:
            raise ModelAnswerError(
                f"the question has {num_tokens} tokens, and {self.name} reads {context}",
                hint="choose a model with a longer context",
            )
        held = Held(loaded.vocabulary, schema, num_tokens)
        # Half of what is left, so that there is room for a correction.
        most_tokens = min(MOST_TOKENS, -(-(context - num_tokens) // 2))
        deadline = time.monotonic() + self._seconds
        with torch.inference_mode():
            said_BT = model.generate(
                token_BT.to(model.device),
                attention_mask=torch.ones_like(token_BT).to(model.device),
                do_sample=False,
                num_beams=1,
                logits_processor=LogitsProcessorList([held]),
                max_new_tokens=most_tokens,
                max_time=self._seconds,
                eos_token_id=loaded.vocabulary.eos_tokens,
                pad_token_id=loaded.tokenizer.pad_token_id or loaded.tokenizer.eos_token_id,
            )
        if time.monotonic() > deadline:
            raise ModelAnswerError(
                f"{self.name} did not answer within {self._seconds:g} seconds",
                hint="wait longer: ONESTORY_BREAKDOWN_SECONDS; or choose a smaller model",
            )
        answer = held.whole(said_BT)
        if answer is None:
            raise ModelAnswerError(
                f"{self.name} did not end its answer within {most_tokens} tokens",
                hint="choose a model that follows instructions better, or with a longer context; "
                "or --breakdown rules",
            )
        return answer

    def _tokens(self, messages: Sequence[Message]) -> torch.Tensor:
        # Two steps, for what one returns differs from version to version.
        tokenizer = self._loaded.tokenizer
        try:
            words = tokenizer.apply_chat_template(
                [dict(message) for message in messages],
                add_generation_prompt=True,
                tokenize=False,
                # The schema leaves no room to think aloud. Templates that do not ask, ignore it.
                enable_thinking=False,
            )
        except ValueError as error:
            raise WeightsError(
                f"the tokenizer of {self.name!r} has no chat template", hint=_HINT
            ) from error
        token_BT = tokenizer(words, add_special_tokens=False, return_tensors="pt")["input_ids"]
        assert isinstance(token_BT, torch.Tensor)
        return token_BT

    @cached_property
    def _loaded(self) -> _Loaded:
        place = {"local_files_only": True, "trust_remote_code": False}
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.folder, **place)
            # In evaluation mode, as `from_pretrained` leaves it.
            model = AutoModelForCausalLM.from_pretrained(
                self.folder, use_safetensors=True, dtype="auto", **place
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
            cause = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise WeightsError(
                f"the chat model in {self.name!r} cannot be loaded: {cause}", hint=_HINT
            ) from error
        vocabulary = vocabulary_of(tokenizer, self.name)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        # By its parent: the method that transformers wraps around it has lost its types.
        return _Loaded(tokenizer, vocabulary, torch.nn.Module.to(model, device))
