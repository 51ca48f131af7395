"""
How does a flow speak to the engine server without blocking, and what if it is away?

Errors cross the socket as members of the family; a server that cannot be reached is an
`EngineFaultError`, which is retryable.
"""

import asyncio
import time
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import BaseModel

from onestory.documents import Digest
from onestory.engine_server.messages import (
    CancelRequest,
    Health,
    KeyframeAnswer,
    KeyframeRequest,
    RecallAnswer,
    RecallRequest,
    TakeAnswer,
    TakeRequest,
    VerdictAnswer,
    VerdictRequest,
)
from onestory.errors import EngineFaultError, from_json

Answer = TypeVar("Answer", bound=BaseModel)

_WAITING_SECONDS = 24 * 3600.0
"""The server keeps the time limit of a render; a caller may wait long for its turn."""
_CALL_AGAIN_SECONDS = 0.2


class EngineClient:
    """Speaks to one engine server. One per event loop."""

    def __init__(
        self,
        socket: Path,
        *,
        patience_seconds: float = 0.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """
        Args:
            socket: Where the server listens.
            patience_seconds: How long a server is called that does not listen, since somebody
                is starting it again.
            transport: Another way to it; None: over the socket.
        """
        self._socket = socket
        self._patience_seconds = patience_seconds
        self._http = httpx.AsyncClient(
            transport=transport or httpx.AsyncHTTPTransport(uds=str(socket)),
            base_url="http://engine",
            timeout=httpx.Timeout(_WAITING_SECONDS, connect=5.0),
        )

    async def health(self) -> Health:
        """How the server is. Raises EngineFaultError if it is away."""
        return await self._call("GET", "/health", None, Health)

    async def take(self, request: TakeRequest) -> TakeAnswer:
        """Shoot a take, or find it."""
        return await self._call("POST", "/takes", request, TakeAnswer)

    async def keyframe(self, request: KeyframeRequest) -> KeyframeAnswer:
        """Draw a keyframe, or find it."""
        return await self._call("POST", "/keyframes", request, KeyframeAnswer)

    async def recall(self, request: RecallRequest) -> RecallAnswer:
        """What a take would remember."""
        return await self._call("POST", "/recall", request, RecallAnswer)

    async def verdict(self, request: VerdictRequest) -> VerdictAnswer:
        """What the gates say of a take."""
        return await self._call("POST", "/verdicts", request, VerdictAnswer)

    async def cancel(self, address: Digest) -> None:
        """Stop a take at its next step."""
        await self._call("POST", "/cancel", CancelRequest(address=address), _Anything)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(
        self, method: str, path: str, request: BaseModel | None, kind: type[Answer]
    ) -> Answer:
        content = request.model_dump_json() if request is not None else None
        try:
            response = await self._sent(method, path, content)
        except httpx.TransportError as error:
            raise EngineFaultError(
                f"the engine server at {self._socket.name} is away: {type(error).__name__}",
                hint="the studio's watch restarts it; onestory doctor tells more",
            ) from error
        if response.status_code == httpx.codes.OK:
            return kind.model_validate_json(response.content)
        if response.headers.get("content-type", "").startswith("application/json"):
            document = response.json()
            if "kind" in document:
                raise from_json(document)
        raise EngineFaultError(
            f"the engine server answered {response.status_code} to {path}: {response.text[:200]}"
        )

    async def _sent(self, method: str, path: str, content: str | None) -> httpx.Response:
        deadline = time.monotonic() + self._patience_seconds
        while True:
            try:
                return await self._http.request(
                    method, path, content=content, headers={"content-type": "application/json"}
                )
            except httpx.ConnectError:
                # It has heard nothing, so it is no fault of what it was to be asked.
                if time.monotonic() >= deadline:
                    raise
                await asyncio.sleep(_CALL_AGAIN_SECONDS)


class _Anything(BaseModel):
    """An answer nobody reads."""
