"""
How is a model held to a schema while it speaks? It chooses among the tokens that may come next.

    said so far ── a grammar made of the schema ── which tokens may follow ── the likeliest of them

llguidance makes the grammar and follows it in bytes, wherever a tokenizer cuts them. Blanks are as
`json.dumps` writes them: where they are free, a weak model may say nothing else.

Shape suffixes, for this module only:
    B  conversations: one    T  tokens so far, the question's first    V  tokens that there are
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from transformers import LogitsProcessor

from onestory.errors import ModelAnswerError, WeightsError

if TYPE_CHECKING:  # It is in the stub alone.
    from llguidance._lib import JsonCompileOptions

DECODER = "schema-1"
"""How answers are held. Its number is raised by hand when the same model would answer otherwise."""

_SPELLING: "JsonCompileOptions" = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    # Without u: the grammar knows it for control characters only, and would make one of an é.
    "json_allowed_escapes": '"\\bfnrt',
}
_SILENT = 0


def vocabulary_of(tokenizer: Any, name: str) -> LLTokenizer:
    """
    The bytes of every token, which take a moment to read.

    Args:
        tokenizer: As transformers loads it, with an end token.
        name: What people call its model.

    Raises:
        WeightsError: If it does not say which bytes its tokens are, or knows no end.
    """
    if tokenizer.eos_token_id is None:
        raise WeightsError(
            f"the tokenizer of {name!r} has no end token",
            hint="choose a chat model: its tokenizer_config.json names an eos_token",
        )
    try:
        return from_tokenizer(tokenizer)
    except ValueError as error:
        raise WeightsError(
            f"{name!r} cannot be held to a schema by its tokenizer: {error}",
            hint="choose a model with a tokenizer.json of byte-level or byte-fallback BPE",
        ) from error


class Held(LogitsProcessor):
    """Leaves a model only tokens after which its answer can still follow the schema; once."""

    def __init__(self, vocabulary: LLTokenizer, schema: Mapping[str, Any], asked: int) -> None:
        """
        Args:
            vocabulary: The model's tokens.
            schema: JSON Schema.
            asked: Tokens of the question, behind which the answer begins.

        Raises:
            ModelAnswerError: If nothing can follow that schema.
        """
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_SPELLING)
        self._matcher = LLMatcher(vocabulary, grammar, log_level=_SILENT)
        self._vocabulary = vocabulary
        self._asked = self._read = asked
        if self._matcher.is_error():
            raise ModelAnswerError(
                f"no model can be held to this schema: {self._matcher.get_error()}",
                hint="mend the schema in onestory/breakdown/answers.py",
            )

    def __call__(self, token_BT: torch.Tensor, score_BV: torch.Tensor) -> torch.Tensor:
        """Scores of the next token; minus infinity for those that are not allowed."""
        self._follow(token_BT)
        # A byte a token. After the last brace only the end is left; a model may score more tokens
        # than its tokenizer has, to be a round number.
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8)
        is_barred_V = torch.ones(score_BV.shape[1], dtype=torch.bool)
        num_known = min(len(allowed), len(is_barred_V))
        is_barred_V[:num_known] = allowed[:num_known] == 0
        return score_BV.masked_fill(is_barred_V.to(score_BV.device), -torch.inf)

    def whole(self, token_BT: torch.Tensor) -> str | None:
        """The answer in these tokens, byte for byte; None if it has not come to its end."""
        self._follow(token_BT)
        if self._matcher.is_error() or not self._matcher.is_accepting():
            return None
        ends = self._vocabulary.eos_tokens
        tokens = [token for token in token_BT[0, self._asked :].tolist() if token not in ends]
        return self._vocabulary.decode_str(tokens)

    def _follow(self, token_BT: torch.Tensor) -> None:
        for token in token_BT[0, self._read :].tolist():
            self._matcher.consume_token(token)
        self._read = token_BT.shape[1]
