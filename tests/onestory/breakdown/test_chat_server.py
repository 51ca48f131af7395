"""A language model behind HTTP: asked politely, left when it is late, named when it fails."""

import logging
import threading
from typing import Any

import pytest

from onestory.breakdown.chat import Message
from onestory.breakdown.chat_server import MAX_ANSWER_BYTES, ServerChat
from onestory.errors import BreakdownError, ModelAnswerError, ModelAwayError, OrderError
from onestory.testing.chatting import ChatServer, chat_server, completion, says, status

MESSAGES: list[Message] = [{"role": "user", "content": "Where is Mara?"}]
SCHEMA: dict[str, Any] = {"type": "object"}
KEY = "sk-hush-hush"


def chat(server: ChatServer, **changes: Any) -> ServerChat:
    """Somebody who asks the server."""
    return ServerChat(server.url, "tiny", **changes)


def test_a_question_leaves_nothing_to_chance(server: ChatServer) -> None:
    """Temperature 0, a fixed seed, the schema as response format, and the key as a token."""
    server.always = says("In the kitchen.")

    said = chat(server, api_key=KEY).answer(MESSAGES, SCHEMA)

    (asked,) = server.requests
    assert said == "In the kitchen."
    assert (asked["model"], asked["temperature"], asked["seed"]) == ("tiny", 0, 0)
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA
    assert asked["messages"] == MESSAGES
    assert server.keys == [f"Bearer {KEY}"]


def test_a_server_that_knows_no_schemas_is_asked_without(server: ChatServer) -> None:
    """The schema is in the prompt, too, so a server that cannot enforce it is no dead end."""
    server.replies = [status(400, "unknown field response_format"), says("{}")]

    assert chat(server).answer(MESSAGES, SCHEMA) == "{}"
    assert ["response_format" in asked for asked in server.requests] == [True, False]


def test_a_refused_connection_may_succeed_later() -> None:
    """Nobody listens: the sentence has the address, and the same call is worth another try."""
    with chat_server() as gone:
        pass

    with pytest.raises(ModelAwayError, match=r"127\.0\.0\.1:\d+ cannot be reached") as caught:
        chat(gone).answer(MESSAGES, SCHEMA)

    assert caught.value.retryable
    assert "ONESTORY_BREAKDOWN_URL" in str(caught.value)


def test_a_slow_server_is_left_in_time(server: ChatServer) -> None:
    """No answer is waited for longer than was said; the same call would be as slow again."""
    is_left = threading.Event()

    def late(request: dict[str, Any]) -> tuple[int, bytes]:
        """Reply once nobody waits for it any more."""
        assert is_left.wait(120)
        return says("late")(request)

    server.always = late

    with pytest.raises(ModelAnswerError, match=r"did not answer within 0\.3 seconds") as caught:
        chat(server, seconds=0.3).answer(MESSAGES, SCHEMA)
    is_left.set()

    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (401, BreakdownError, "ONESTORY_BREAKDOWN_API_KEY"),
        (404, BreakdownError, "ONESTORY_BREAKDOWN_URL"),
        (429, ModelAwayError, "try again later"),
        (500, ModelAwayError, "look at its log"),
    ],
)
def test_a_refusal_says_what_to_do(
    server: ChatServer, code: int, kind: type[BreakdownError], words: str
) -> None:
    """What the server said, with its number and a hint; only its own faults are tried again."""
    server.always = status(code, "no, not so")

    with pytest.raises(BreakdownError, match=f"answered {code}: no, not so") as caught:
        chat(server).answer(MESSAGES, SCHEMA)

    assert type(caught.value) is kind
    assert words in str(caught.value)


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"choices": []}', "[" * 100_000])
def test_what_is_no_completion_is_shown(server: ChatServer, body: str) -> None:
    """Broken JSON, or somebody else's API: one short sentence, never a traceback."""
    server.always = status(200, body)

    with pytest.raises(ModelAnswerError, match="did not answer as a chat completion") as caught:
        chat(server).answer(MESSAGES, SCHEMA)

    assert len(str(caught.value)) < 400


def test_an_answer_without_text_is_refused(server: ChatServer) -> None:
    """A model that calls a tool instead has not answered."""
    server.always = lambda _: completion(None)

    with pytest.raises(ModelAnswerError, match=r"tiny at .* answered without text"):
        chat(server).answer(MESSAGES, SCHEMA)


def test_an_endless_answer_is_left(server: ChatServer) -> None:
    """Whatever is at that address, it does not fill the memory."""
    server.always = says("a" * (MAX_ANSWER_BYTES + 1))

    with pytest.raises(ModelAnswerError, match="more than 4 MB"):
        chat(server).answer(MESSAGES, SCHEMA)


def test_the_key_is_never_shown(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    """Neither by a server that repeats it, nor by a log, nor by what names the model."""
    caplog.set_level(logging.DEBUG)
    server.always = status(401, f"wrong key {KEY}")
    asking = chat(server, api_key=KEY)

    with pytest.raises(BreakdownError, match=r"wrong key \*\*\*") as caught:
        asking.answer(MESSAGES, SCHEMA)

    shown = f"{caught.value} {caplog.text} {asking.name} {asking.fingerprint} {asking!r}"
    assert KEY not in shown


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_cannot_be_sent_is_bad_input(key: str) -> None:
    """Refused before anything is asked, without repeating it."""
    with pytest.raises(OrderError, match="characters that HTTP cannot carry") as caught:
        ServerChat("http://127.0.0.1/v1", "tiny", api_key=key)

    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://a/v1", "127.0.0.1:80", "http://me:secret@a/v1", "http://"])
def test_an_address_that_is_none_is_bad_input(url: str) -> None:
    """Refused before anything is asked, without repeating what may be a password."""
    with pytest.raises(OrderError, match="address of the language model's server") as caught:
        ServerChat(url, "tiny")

    assert "secret" not in str(caught.value)
