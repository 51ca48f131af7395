"""A language model breaks scripts down: checked, kept, and asked nothing twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from onestory.breakdown import questions
from onestory.breakdown.chat_server import ServerChat
from onestory.breakdown.checks import check_dialogue, check_references
from onestory.breakdown.layout import LaidOut, break_down_by_model
from onestory.errors import ModelAnswerError, ModelAwayError
from onestory.screenplay.reading import parse_screenplay, read_screenplay
from onestory.screenplay.script import Screenplay
from onestory.testing.chatting import (
    ChatServer,
    MemoryBook,
    altered,
    completion,
    good_answer,
    says,
    status,
    told_in,
)

EXAMPLES = Path(__file__).parents[3] / "deployments" / "examples"
SCRIPT = """Title: Tiny

INT. KITCHEN - DAY

MARA (30s, red coat) waits at the table.

MARA
Late again.

EXT. STREET - NIGHT

Jonas runs through the rain.

JONAS (V.O.)
She will not wait for me.
"""


def screenplay(text: str = SCRIPT) -> Screenplay:
    """A script of two scenes."""
    return parse_screenplay(text.encode(), path="tiny.fountain", suffix=".fountain")


def laid_out(script: Screenplay, server: ChatServer, book: MemoryBook, model: str = "m") -> LaidOut:
    """What the server's model makes of a script."""
    return break_down_by_model(script, ServerChat(server.url, model), book, by="server")


def asked_about(server: ChatServer) -> list[str]:
    """What each request was about: a person, a place, a scene's heading."""
    asked = map(told_in, server.requests)
    return [told.get("scene") or told.get("place") or told["name"] for told in asked]


@pytest.mark.parametrize(
    "name", ["last-train.fountain", "two-shots.fountain", "yu-ye.fountain", "six-shots.yaml"]
)
def test_every_example_can_be_laid_out(name: str, server: ChatServer, book: MemoryBook) -> None:
    """Every word is said, every reference means somebody, as if a person had listed the shots."""
    script = read_screenplay(EXAMPLES / name)

    episode, record = laid_out(script, server, book)

    check_dialogue(script, episode)
    check_references(episode)
    assert len(record.answers) == len(server.requests) > 0


def test_ready_captions_are_nobodys_to_rewrite(server: ChatServer, book: MemoryBook) -> None:
    """A script that brings its captions asks no model anything."""
    laid_out(read_screenplay(EXAMPLES / "storymem.json"), server, book)

    assert server.requests == []


def test_looks_that_the_script_lacks_are_the_models(server: ChatServer, book: MemoryBook) -> None:
    """What is said in brackets is kept word for word, and nobody is called invented."""
    episode, _ = laid_out(screenplay(), server, book)

    looks = {member.name: member.look for member in episode.cast}
    assert "red coat" in looks["MARA"]
    assert looks["JONAS"].startswith("a man with brown hair and a orange coat")
    assert not any(member.is_look_invented for member in episode.cast)
    assert episode.sets[0].look == "a quiet place with grey walls and a round lamp"
    assert looks["MARA"] in episode.shots[0].caption


def test_a_second_breakdown_asks_nobody(server: ChatServer, book: MemoryBook) -> None:
    """Answers are kept: the same episode, the same record, and no request."""
    first = laid_out(screenplay(), server, book)
    asked = len(server.requests)

    second = laid_out(screenplay(), server, book)

    assert second == first
    assert len(server.requests) == asked


def test_an_edited_scene_is_asked_about_alone(server: ChatServer, book: MemoryBook) -> None:
    """A change in one scene leaves the answers of all others in force."""
    laid_out(screenplay(), server, book)
    server.requests.clear()

    laid_out(screenplay(SCRIPT.replace("waits at the table", "eats an apple")), server, book)

    assert asked_about(server) == ["INT. KITCHEN - DAY"]


def test_another_model_or_prompt_is_asked_anew(
    server: ChatServer, book: MemoryBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer belongs to its model and to the words that it was asked with."""
    laid_out(screenplay(), server, book)
    all_of_it = len(server.requests)

    _, other = laid_out(screenplay(), server, book, model="other")
    monkeypatch.setattr(questions, "PROMPT_VERSION", 99)
    laid_out(screenplay(), server, book)

    assert len(server.requests) == 3 * all_of_it
    assert (other.model, other.fingerprint, other.prompt_version) == ("other", "server:other", 1)


def test_a_faulty_answer_may_be_mended(server: ChatServer, book: MemoryBook) -> None:
    """The model is told what is wrong with its answer, beside that answer, and gets another go."""

    def misquote(answer: dict[str, Any]) -> None:
        answer["shots"][1]["lines"][0]["text"] = "Always late."

    server.replies = [_well] * 4 + [altered(misquote)]

    episode, _ = laid_out(screenplay(), server, book)

    mended = server.requests[5]["messages"]
    assert episode.shots[1].lines[0].text == "Late again."
    assert [message["role"] for message in mended] == ["system", "user", "assistant", "user"]
    assert 'in the script MARA says "Late again."' in mended[-1]["content"]


@pytest.mark.parametrize(
    "answer",
    [
        "```json\n{}\n```",
        "<think>{no}</think> Sure: {}",
    ],
)
def test_words_around_the_object_do_no_harm(
    answer: str, server: ChatServer, book: MemoryBook
) -> None:
    """Fences, thoughts and manners are left out."""
    server.always = lambda request: completion(
        answer.replace("{}", json.dumps(good_answer(told_in(request))))
    )

    assert laid_out(screenplay(), server, book).episode.shots


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("I cannot do that.", "no JSON object"),
        ('{"look": "a woman', "no JSON object"),
        ('{"look": 7}', "look: Input should be a valid string"),
        ('{"look": "a woman with a blue coat", "age": 3}', "age: Extra inputs"),
        ('{"look": "a tall man with a red coat"}', 'of "MARA" does not say woman'),
        ('{"look": "a woman with a blue coat"}', 'leaves out "red coat"'),
        ('{"look": "Mara, a woman with a red coat"}', "does not begin with a or an"),
        ('{"look": "a woman called Mara with a red coat"}', 'the look names "MARA"'),
        ('{"look": "a woman in the same red coat"}', 'says "the same"'),
        ('{"look": "a woman. A red coat"}', "more than one noun phrase"),
    ],
)
def test_an_answer_that_stays_bad_is_refused(
    answer: str, words: str, server: ChatServer, book: MemoryBook
) -> None:
    """After two corrections; with what was wrong, and nothing of it kept."""
    server.always = says(answer)

    with pytest.raises(ModelAnswerError, match="the look of MARA: none of 3 answers") as caught:
        laid_out(screenplay(), server, book)

    assert words in caught.value.message
    assert "--breakdown rules" in str(caught.value)
    assert (len(server.requests), book.kept) == (3, {})


def test_people_can_be_told_apart(server: ChatServer, book: MemoryBook) -> None:
    """Hair and clothes of one are not given to another of the same kind."""
    two = SCRIPT.replace("Jonas", "Anna").replace("JONAS", "ANNA")
    server.always = says('{"look": "a woman with brown hair and a red coat"}')

    with pytest.raises(ModelAnswerError, match=r"the look of ANNA: .* are those of"):
        laid_out(screenplay(two), server, book)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("The same tall woman waits.", "no reference says who"),
        ("She waits at the table.", 'says "she", and shows nobody by name'),
    ],
)
def test_a_reference_to_nobody_is_refused(
    action: str, words: str, server: ChatServer, book: MemoryBook
) -> None:
    """Before an answer is kept, its captions pass the proofs that every script passes."""

    def nobody(answer: dict[str, Any]) -> None:
        answer["shots"][0] |= {"action": action, "cast": []}

    server.replies = [_well] * 4 + [altered(nobody)] * 3

    with pytest.raises(ModelAnswerError, match=f"scene 1: .*{words}"):
        laid_out(screenplay(), server, book)


def test_a_failure_loses_no_answer(server: ChatServer, book: MemoryBook) -> None:
    """What was answered before the server failed is not asked again."""
    server.replies = [_well] * 5 + [status(500, "out of memory")]
    with pytest.raises(ModelAwayError, match="answered 500: out of memory"):
        laid_out(screenplay(), server, book)
    server.requests.clear()

    laid_out(screenplay(), server, book)

    assert asked_about(server) == ["EXT. STREET - NIGHT"]


def test_a_kept_answer_that_no_longer_holds_is_asked_again(
    server: ChatServer, book: MemoryBook
) -> None:
    """Checks that became stricter hold for old answers, too."""
    laid_out(screenplay(), server, book)
    for key, answer in book.kept.items():
        if "shots" in answer and answer["shots"][0]["action"].startswith("Jonas"):
            book.kept[key] = {"shots": answer["shots"][:1]}
    server.requests.clear()

    laid_out(screenplay(), server, book)

    assert asked_about(server) == ["EXT. STREET - NIGHT"]


def _well(request: dict[str, Any]) -> tuple[int, bytes]:
    return completion(json.dumps(good_answer(told_in(request))))
