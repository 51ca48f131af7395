"""A chat model in a folder: loaded as it lies there, and as little trusted as any other."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from onestory.breakdown.chat import Message
from onestory.breakdown.chat_local import LocalChat
from onestory.breakdown.layout import break_down_by_model
from onestory.errors import ModelAnswerError, WeightsError
from onestory.screenplay.reading import parse_screenplay
from onestory.testing.chatting import MemoryBook

WORDS = ("<unk>", "</s>", "{", "}", '"', "look", ":", "shots", "a", "woman", "user", "system")
TEMPLATE = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} {% endfor %}"
ASKED: list[Message] = [{"role": "user", "content": "a woman"}]
SCRIPT = b"Title: Tiny\n\nINT. KITCHEN - DAY\n\nMara waves.\n\nMARA\nHello.\n"


def tiny_model(folder: Path, *, seed: int = 0, template: str | None = TEMPLATE) -> Path:
    """Write a chat model with random weights that knows twelve words."""
    words = {word: index for index, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="</s>"
    )
    fast.chat_template = template
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    # A random model never ends by itself.
    (folder / "generation_config.json").write_text(json.dumps({"max_length": 4096}))
    return folder


def short(folder: Path, *, seconds: float = 60.0, context: int = 2048) -> LocalChat:
    """Somebody who asks a model that reads so many tokens."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"max_position_embeddings": context}))
    return LocalChat(folder, seconds=seconds)


def test_equal_questions_get_equal_answers(tmp_path: Path) -> None:
    """Word by most likely word: nothing is left to chance, in another process neither."""
    folder = tiny_model(tmp_path / "tiny")

    one = short(folder, context=40).answer(ASKED, {})
    other = short(folder, context=40).answer(ASKED, {})

    assert one == other
    assert one


def test_a_model_is_named_by_its_content(tmp_path: Path) -> None:
    """Other weights under the same name are another model; a copied folder is the same one."""
    one, same = tiny_model(tmp_path / "a" / "tiny"), tiny_model(tmp_path / "b" / "tiny")
    other = tiny_model(tmp_path / "c" / "tiny", seed=1)

    prints = [LocalChat(folder).fingerprint for folder in (one, same, other)]

    assert prints[0] == prints[1] != prints[2]
    assert LocalChat(one).name == "tiny"


def test_rubbish_is_refused_clearly(tmp_path: Path) -> None:
    """A random model speaks, and nothing that it says becomes a shot."""
    screenplay = parse_screenplay(SCRIPT, path="a.fountain", suffix=".fountain")
    book = MemoryBook()
    chat = short(tiny_model(tmp_path / "tiny"), context=1400)

    with pytest.raises(ModelAnswerError, match="the look of MARA: none of 3 answers of tiny"):
        break_down_by_model(screenplay, chat, book, by="transformers")

    assert not book.kept


def test_a_question_that_is_too_long_is_said_so(tmp_path: Path) -> None:
    """How many tokens it has, and how many the model reads."""
    chat = short(tiny_model(tmp_path / "tiny"), context=4)

    with pytest.raises(ModelAnswerError, match="the question has 4 tokens, and tiny reads 4"):
        chat.answer(ASKED, {})


def test_a_slow_model_is_left_in_time(tmp_path: Path) -> None:
    """Generation ends when its time is over, and what was said by then is not used."""
    chat = short(tiny_model(tmp_path / "tiny"), seconds=0.01, context=4096)

    with pytest.raises(ModelAnswerError, match=r"did not answer within 0\.01 seconds"):
        chat.answer(ASKED, {})


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """Before anything is loaded, and by the folder's name only."""
    with pytest.raises(WeightsError, match="no chat model in safetensors in 'empty'"):
        LocalChat(tmp_path / "empty")


def test_a_model_without_conversations_is_refused(tmp_path: Path) -> None:
    """A tokenizer without a chat template belongs to a model that does not chat."""
    chat = short(tiny_model(tmp_path / "tiny", template=None))

    with pytest.raises(WeightsError, match="'tiny' has no chat template"):
        chat.answer(ASKED, {})


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    """Weights that cannot be read are named with their cause."""
    folder = tiny_model(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"no weights")

    with pytest.raises(WeightsError, match="the chat model in 'tiny' cannot be loaded"):
        LocalChat(folder).answer(ASKED, {})
