"""
How is a language model asked that somebody serves? By the chat completions of OpenAI's API.

    POST {url}/chat/completions   vLLM, Ollama, llama.cpp, and whatever else speaks it

Temperature 0, a fixed seed, and the schema as `response_format`, so that a server which can hold
its model to it does. Whatever comes back is only text to us; an answer that comes too slowly, or
is too large, is left.
"""

import json
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

import httpx

from onestory.breakdown.chat import MOST_TOKENS, Message
from onestory.errors import BreakdownError, ModelAnswerError, ModelAwayError, OrderError
from onestory.screenplay.refusal import printable

SEED = 0
MAX_ANSWER_BYTES = 4_000_000
"""Largest response that is read."""
CONNECT_SECONDS = 5.0

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HIDDEN = "***"


class ServerChat:
    """Asks one model of one server. The key is sent, and neither shown, logged nor kept."""

    def __init__(
        self, url: str, model: str, *, api_key: str | None = None, seconds: float = 120.0
    ) -> None:
        """
        Args:
            url: Where the API is: `http://127.0.0.1:8000/v1`.
            model: The server's name for the model.
            api_key: Sent as a bearer token; None: no token.
            seconds: Longest wait for one answer.

        Raises:
            OrderError: If that is no address of a server, or holds a password, or the key is none
                that HTTP can carry.
        """
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise OrderError(
                "the key of the language model's server has characters that HTTP cannot carry",
                hint="mend ONESTORY_BREAKDOWN_API_KEY",
            )
        self._url = _address(url)
        self._model = model
        self._key = api_key
        self._seconds = seconds

    @property
    def name(self) -> str:
        """The server's name for the model."""
        return self._model

    @property
    def fingerprint(self) -> str:
        """The model's name: a server that moves is still asked nothing twice."""
        return f"server:{self._model}"

    def answer(self, messages: Sequence[Message], schema: Mapping[str, Any]) -> str:
        """
        Ask the server.

        Raises:
            ModelAwayError: If it refuses connections, breaks off, is busy or at fault.
            ModelAnswerError: If it answers too late, too much, or with something else than text.
            BreakdownError: If it refuses the question: key, model or address are wrong.
        """
        asked = {
            "model": self._model,
            "messages": list(messages),
            "temperature": 0,
            "seed": SEED,
            "max_tokens": MOST_TOKENS,
            "stream": False,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema), "strict": True},
            },
        }
        status, content = self._post(asked)
        if status in (400, 422) and b"response_format" in content:
            # It cannot hold the model to a schema. The schema is in the prompt, too, and what is
            # answered is checked just the same.
            del asked["response_format"]
            status, content = self._post(asked)
        if status != httpx.codes.OK:
            self._refused(status, content)
        return self._text_of(content)

    def _post(self, asked: Mapping[str, Any]) -> tuple[int, bytes]:
        """Status and body of the response, read until the time is over."""
        deadline = time.monotonic() + self._seconds
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        content = bytearray()
        try:
            with self._http.stream("POST", self._url, json=asked, headers=headers) as response:
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise ModelAnswerError(
                            f"{self._place} answered with more than "
                            f"{MAX_ANSWER_BYTES / 1e6:.0f} MB",
                            hint="is that address a language model's?",
                        )
                    if time.monotonic() > deadline:
                        self._too_late()
                return response.status_code, bytes(content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise ModelAwayError(
                f"the language model's server at {self._place} cannot be reached: "
                f"{type(error).__name__}",
                hint="start it, or mend ONESTORY_BREAKDOWN_URL; what it answered so far is kept",
            ) from error
        except httpx.TimeoutException as error:
            self._too_late(error)
        except httpx.TransportError as error:
            raise ModelAwayError(
                f"the language model's server at {self._place} broke off: {type(error).__name__}",
                hint="look at its log; what it answered so far is kept",
            ) from error

    @cached_property
    def _http(self) -> httpx.Client:
        # A proxy cannot know this machine's loopback.
        is_near = self._url.host in _LOOPBACK
        timeout = httpx.Timeout(self._seconds, connect=min(CONNECT_SECONDS, self._seconds))
        return httpx.Client(timeout=timeout, trust_env=not is_near)

    @property
    def _place(self) -> str:
        return self._url.netloc.decode("ascii")

    def _too_late(self, cause: Exception | None = None) -> NoReturn:
        raise ModelAnswerError(
            f"{printable(self._model)} at {self._place} did not answer within "
            f"{self._seconds:g} seconds",
            hint="wait longer: ONESTORY_BREAKDOWN_SECONDS; or choose a smaller model",
        ) from cause

    def _refused(self, status: int, content: bytes) -> NoReturn:
        """
        Say what a status means.

        Raises:
            BreakdownError: Always; as `ModelAwayError` if the same call may succeed later.
        """
        said = printable(self._without_key(content.decode(errors="replace")), limit=200)
        sentence = f"the language model's server at {self._place} answered {status}: {said}"
        if status in (401, 403):
            raise BreakdownError(sentence, hint="is ONESTORY_BREAKDOWN_API_KEY the right one?")
        if status in (408, 429) or status >= 500:
            raise ModelAwayError(sentence, hint="look at its log; try again later")
        raise BreakdownError(
            sentence, hint="check ONESTORY_BREAKDOWN_URL (it ends in /v1) and ..._MODEL"
        )

    def _text_of(self, content: bytes) -> str:
        try:
            choice = json.loads(content)["choices"][0]
            text = choice["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            shown = printable(self._without_key(content.decode(errors="replace")), limit=100)
            raise ModelAnswerError(
                f"{self._place} did not answer as a chat completion, but: {shown}",
                hint="does ONESTORY_BREAKDOWN_URL point at an OpenAI-compatible API?",
            ) from error
        if not isinstance(text, str):
            raise ModelAnswerError(
                f"{printable(self._model)} at {self._place} answered without text",
                hint="choose a model that follows instructions",
            )
        return text

    def _without_key(self, text: str) -> str:
        """What a server said, which may be so careless as to repeat the key."""
        return text.replace(self._key, _HIDDEN) if self._key else text


def _address(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.rstrip("/") + "/chat/completions")
    except httpx.InvalidURL as error:
        raise OrderError(
            "the address of the language model's server cannot be read",
            hint="set ONESTORY_BREAKDOWN_URL, for example to http://127.0.0.1:8000/v1",
        ) from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise OrderError(
            "the address of the language model's server must be http:// or https://, with a host "
            "and without a password",
            hint="set ONESTORY_BREAKDOWN_URL; a key goes into ONESTORY_BREAKDOWN_API_KEY",
        )
    return parsed
