"""
A language model's server, as small as one can be: HTTP on loopback, answers by what it reads.

It speaks the chat completions of OpenAI's API and answers a question well: each element of a scene
becomes a shot, every word is said. A test may hand it answers of its own instead, one for each
request, or have it wait.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from onestory.documents import Digest

Reply: TypeAlias = Callable[[dict[str, Any]], tuple[int, bytes]]
"""Status and body of the response to a request."""

_TOPS = ("green", "orange", "purple", "white", "black", "pink", "navy", "olive")


class MemoryBook:
    """Keeps answers in memory."""

    def __init__(self) -> None:
        self.kept: dict[Digest, dict[str, Any]] = {}

    def find(self, key: Digest) -> dict[str, Any] | None:
        """What was kept."""
        return self.kept.get(key)

    def keep(self, key: Digest, answer: dict[str, Any]) -> None:
        """Keep an answer."""
        self.kept[key] = answer


@dataclass
class ChatServer:
    """What tests see of the server."""

    url: str
    """To be used as ONESTORY_BREAKDOWN_URL."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Everything that was asked."""
    keys: list[str] = field(default_factory=list)
    """The authorization of each request; empty if there was none."""
    replies: list[Reply] = field(default_factory=list)
    """What the next requests get; after them all are answered well."""
    always: Reply | None = None
    """What every request gets, instead."""

    def reply_to(self, request: dict[str, Any]) -> tuple[int, bytes]:
        """Status and body for a request."""
        if self.always is not None:
            return self.always(request)
        return self.replies.pop(0)(request) if self.replies else answered_well(request)


def told_in(request: dict[str, Any]) -> dict[str, Any]:
    """What a request tells the model, apart from instructions and corrections."""
    first = next(one for one in request["messages"] if one["role"] == "user")
    told: dict[str, Any] = json.loads(first["content"])
    return told


def good_answer(told: dict[str, Any]) -> dict[str, Any]:
    """The object that a question asks for."""
    if "elements" in told:
        return {"shots": [_shot(element) for element in told["elements"]]}
    if "place" in told:
        return {"look": "a quiet place with grey walls and a round lamp"}
    top = _TOPS[len(told["others"]) % len(_TOPS)]
    kind, said = told["kind"] or "person", told["said"]
    return {"look": f"a {kind} with brown hair and a {top} coat" + (f", {said}" if said else "")}


def _shot(element: dict[str, Any]) -> dict[str, Any]:
    lines = element.get("lines", [element] if element["kind"] == "dialogue" else [])
    speakers = [line["character"] for line in lines if not line.get("unseen")]
    speaking = f"{' and '.join(speakers) or 'The room'} waits by the lamp"
    spoken = element["kind"] == "dialogue" or not element.get("text")
    return {
        "elements": [element["number"]],
        "framing": element.get("framing", "medium shot"),
        "move": element.get("move", "static"),
        "cast": speakers,
        "action": speaking if spoken else " ".join(element["text"].split()),
        "lines": [{"character": line["character"], "text": line["text"]} for line in lines],
    }


def completion(text: object) -> tuple[int, bytes]:
    """A response that says a text."""
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
    }
    return 200, json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def answered_well(request: dict[str, Any]) -> tuple[int, bytes]:
    """What a good model answers."""
    return completion(json.dumps(good_answer(told_in(request)), ensure_ascii=False))


def says(text: object) -> Reply:
    """Reply with a text, whatever is asked."""
    return lambda _: completion(text)


def status(code: int, body: str = "") -> Reply:
    """Reply with a status and no completion."""
    return lambda _: (code, body.encode())


def after(seconds: float, reply: Reply = answered_well) -> Reply:
    """Reply, but late."""

    def late(request: dict[str, Any]) -> tuple[int, bytes]:
        time.sleep(seconds)
        return reply(request)

    return late


def altered(change: Callable[[dict[str, Any]], object]) -> Reply:
    """Reply with a good answer, once it was changed in place."""

    def reply(request: dict[str, Any]) -> tuple[int, bytes]:
        answer = good_answer(told_in(request))
        change(answer)
        return completion(json.dumps(answer, ensure_ascii=False))

    return reply


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    """Serve on a free port of loopback until the context is left."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            request = json.loads(self.rfile.read(length))
            served.requests.append(request)
            served.keys.append(self.headers.get("authorization", ""))
            is_known = self.path == "/v1/chat/completions"
            code, body = served.reply_to(request) if is_known else (404, b"no such path")
            self.send_response(code)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            # Whoever was in a hurry has left.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    served = ChatServer(url=f"http://127.0.0.1:{http.server_address[1]}/v1")
    serving = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield served
    finally:
        http.shutdown()
        http.server_close()
        serving.join()
