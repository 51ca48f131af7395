"""A chat model in a folder: loaded as it lies there, and as little trusted as any other."""

import json
from pathlib import Path

import pytest

from onestory.breakdown import chat_local
from onestory.breakdown.answers import LookAnswer, SceneAnswer
from onestory.breakdown.chat import Message
from onestory.breakdown.chat_local import LocalChat
from onestory.breakdown.layout import break_down_by_model
from onestory.errors import ModelAnswerError, WeightsError
from onestory.screenplay.reading import parse_screenplay
from onestory.testing.chatting import MemoryBook
from onestory.testing.tiny_chat import TEMPLATE, tiny_chat

ASKED: list[Message] = [{"role": "user", "content": "a woman"}]
LOOK = LookAnswer.model_json_schema()
SCRIPT = b"Title: Tiny\n\nINT. KITCHEN - DAY\n\nMara waves.\n\nMARA\nHello.\n"


def short(folder: Path, *, seconds: float = 60.0, context: int = 2048) -> LocalChat:
    """Somebody who asks a model that reads so many tokens."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"max_position_embeddings": context}))
    return LocalChat(folder, seconds=seconds)


@pytest.mark.parametrize("seed", range(4))
def test_a_model_that_knows_nothing_answers_in_form(tmp_path: Path, seed: int) -> None:
    """Its weights are random, and what it says is a look all the same."""
    said = LocalChat(tiny_chat(tmp_path / "tiny", seed=seed)).answer(ASKED, LOOK)

    assert len(LookAnswer.model_validate_json(said).look) >= 3


def test_an_answer_without_an_end_is_said_so(tmp_path: Path) -> None:
    """A scene may be long, and this model has not come to its end when there is no more room."""
    chat = short(tiny_chat(tmp_path / "tiny"), context=315)

    with pytest.raises(ModelAnswerError, match="tiny did not end its answer within 150 tokens"):
        chat.answer(ASKED, SceneAnswer.model_json_schema())


def test_equal_questions_get_equal_answers(tmp_path: Path) -> None:
    """Word by most likely word: nothing is left to chance, in another process neither."""
    folder = tiny_chat(tmp_path / "tiny")

    one = short(folder, context=2048).answer(ASKED, LOOK)
    other = short(folder, context=2048).answer(ASKED, LOOK)

    assert one == other
    assert one


def test_a_model_is_named_by_its_content(tmp_path: Path) -> None:
    """Other weights under the same name are another model; a copied folder is the same one."""
    one, same = tiny_chat(tmp_path / "a" / "tiny"), tiny_chat(tmp_path / "b" / "tiny")
    other = tiny_chat(tmp_path / "c" / "tiny", seed=1)

    prints = [LocalChat(folder).fingerprint for folder in (one, same, other)]

    assert prints[0] == prints[1] != prints[2]
    assert LocalChat(one).name == "tiny"


def test_a_model_is_named_by_how_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same weights, held in another way, give other answers: none is taken for the other."""
    folder = tiny_chat(tmp_path / "tiny")
    before = LocalChat(folder).fingerprint

    monkeypatch.setattr(chat_local, "DECODER", "schema-2")

    assert LocalChat(folder).fingerprint != before


def test_rubbish_is_refused_clearly(tmp_path: Path) -> None:
    """A random model speaks, and nothing that it says becomes a shot."""
    screenplay = parse_screenplay(SCRIPT, path="a.fountain", suffix=".fountain")
    book = MemoryBook()
    chat = short(tiny_chat(tmp_path / "tiny"), context=16384)

    with pytest.raises(ModelAnswerError, match="the look of MARA: none of 3 answers of tiny"):
        break_down_by_model(screenplay, chat, book, by="transformers")

    assert not book.kept


def test_a_question_that_is_too_long_is_said_so(tmp_path: Path) -> None:
    """How many tokens it has, and how many the model reads."""
    chat = short(tiny_chat(tmp_path / "tiny"), context=4)

    with pytest.raises(ModelAnswerError, match="the question has 15 tokens, and tiny reads 4"):
        chat.answer(ASKED, LOOK)


def test_a_model_that_thinks_is_told_not_to(tmp_path: Path) -> None:
    """Its template begins no thoughts, for which a schema has no room."""
    template = f"{TEMPLATE}{{% if enable_thinking is not false %}}<think>{{% endif %}}"
    chat = short(tiny_chat(tmp_path / "tiny", template=template), context=4)

    with pytest.raises(ModelAnswerError, match="the question has 15 tokens, and tiny reads 4"):
        chat.answer(ASKED, LOOK)


def test_a_slow_model_is_left_in_time(tmp_path: Path) -> None:
    """Generation ends when its time is over, and what was said by then is not used."""
    chat = short(tiny_chat(tmp_path / "tiny"), seconds=0.01, context=4096)

    with pytest.raises(ModelAnswerError, match=r"did not answer within 0\.01 seconds"):
        chat.answer(ASKED, LOOK)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    """Before anything is loaded, and by the folder's name only."""
    with pytest.raises(WeightsError, match="no chat model in safetensors in 'empty'"):
        LocalChat(tmp_path / "empty")


def test_a_model_without_conversations_is_refused(tmp_path: Path) -> None:
    """A tokenizer without a chat template belongs to a model that does not chat."""
    chat = short(tiny_chat(tmp_path / "tiny", template=None))

    with pytest.raises(WeightsError, match="'tiny' has no chat template"):
        chat.answer(ASKED, LOOK)


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    """Weights that cannot be read are named with their cause."""
    folder = tiny_chat(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes(b"no weights")

    with pytest.raises(WeightsError, match="the chat model in 'tiny' cannot be loaded"):
        LocalChat(folder).answer(ASKED, LOOK)
