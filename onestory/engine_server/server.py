"""
Who keeps the weights loaded? One process per GPU, which answers on a unix socket.

    POST /takes      recipe in, take in the vault out; idempotent by recipe
    POST /keyframes  first frame of a recipe
    POST /recall     what a take would remember
    POST /verdicts   what the gates say
    POST /cancel     stop at the next step
    GET  /health     what it is, what it did, how far it is

Rendering happens in one thread, one take at a time; whoever asks for a recipe that is being
rendered waits for that one. An engine that hangs past its time limit and does not listen is
ended together with its process; the studio's watch starts a new one.
"""

import argparse
import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from onestory.documents import Digest
from onestory.engine_server.looking import open_lookout
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
from onestory.engine_server.registry import open_engine
from onestory.engine_server.stage import Stage, TakeControl
from onestory.errors import EngineFaultError, OneStoryError
from onestory.vault.address import VaultAddress
from onestory.vault.store import Vault

logger = logging.getLogger("onestory.engine_server")

GRACE_SECONDS = 2.0
"""How long a cancelled take may go on before its process is ended."""


class Performer:
    """Runs one take at a time for many callers."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.rendered = 0
        self.reused = 0
        self.working_on: Digest | None = None
        self._turn = asyncio.Lock()
        self._running: dict[Digest, asyncio.Task[TakeAnswer]] = {}
        self._controls: dict[Digest, TakeControl] = {}

    async def take(self, request: TakeRequest) -> TakeAnswer:
        """Shoot, join or find a take."""
        address = request.recipe.digest
        if address not in self._running:
            running = asyncio.create_task(self._take(request, address))
            self._running[address] = running
            running.add_done_callback(lambda _: self._running.pop(address, None))
        # A caller that goes away must not end the take: whoever comes next will want it.
        return await asyncio.shield(self._running[address])

    async def keyframe(self, request: KeyframeRequest) -> KeyframeAnswer:
        """Draw or find a keyframe."""
        known = await asyncio.to_thread(self.stage.find_keyframe, request.recipe)
        if known is not None:
            return KeyframeAnswer(blob=known, is_reused=True)
        async with self._turn:
            blob = await asyncio.to_thread(
                self.stage.draw_keyframe,
                request.recipe,
                slate=request.slate,
                lineage=request.lineage,
                control=TakeControl(has_bigger_device=request.has_bigger_device),
            )
        return KeyframeAnswer(blob=blob, is_reused=False)

    def cancel(self, address: Digest) -> bool:
        """Ask a running take to stop; whether there was one."""
        control = self._controls.get(address)
        if control is not None:
            control.cancel()
        return control is not None

    def share(self) -> float:
        """How much of the running take is done."""
        control = self._controls.get(self.working_on) if self.working_on else None
        return control.share if control else 0.0

    async def _take(self, request: TakeRequest, address: Digest) -> TakeAnswer:
        if await asyncio.to_thread(self.stage.find, request.recipe) is not None:
            self.reused += 1
            return TakeAnswer(address=address, is_reused=True, seconds=0.0)
        async with self._turn:
            control = TakeControl(has_bigger_device=request.has_bigger_device)
            self.working_on = address
            self._controls[address] = control
            try:
                return await self._shoot(request, address, control)
            finally:
                self._controls.pop(address, None)
                self.working_on = None

    async def _shoot(
        self, request: TakeRequest, address: Digest, control: TakeControl
    ) -> TakeAnswer:
        started = time.perf_counter()
        work = asyncio.create_task(
            asyncio.to_thread(
                self.stage.shoot,
                request.recipe,
                slate=request.slate,
                control=control,
                lineage=request.lineage,
            )
        )
        done, _ = await asyncio.wait({work}, timeout=request.time_limit_seconds)
        if not done:
            control.cancel()
            done, _ = await asyncio.wait({work}, timeout=GRACE_SECONDS)
            if not done:
                _end_process_soon(request.slate)
            raise EngineFaultError(
                f"the take ran past its time limit of {request.time_limit_seconds:g} s",
                slate=request.slate,
            )
        work.result()
        self.rendered += 1
        return TakeAnswer(
            address=address, is_reused=False, seconds=round(time.perf_counter() - started, 4)
        )


def _end_process_soon(slate: str) -> None:
    """A thread that hangs cannot be stopped, but its process can, once the answer is out."""
    logger.error("engine.hangs slate=%s", slate)
    # On a busy machine an answer may take longer than the moment that it takes otherwise.
    threading.Timer(1.0, os._exit, args=(75,)).start()


def create_app(stage: Stage) -> FastAPI:
    """The HTTP face of a stage."""
    performer = Performer(stage)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(stage.vault.prepare)
        yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    fingerprint, capabilities = stage.engine.fingerprint(), stage.engine.capabilities()

    @app.exception_handler(OneStoryError)
    async def _deliberate(_: Request, error: OneStoryError) -> JSONResponse:
        return JSONResponse(error.as_json(), status_code=503 if error.retryable else 422)

    @app.get("/health")
    async def health() -> Health:
        return Health(
            pid=os.getpid(),
            engine=fingerprint,
            remembers=capabilities.remembers,
            draws_keyframes=capabilities.draws_keyframes,
            accepts_keyframes=capabilities.accepts_keyframes,
            painter=capabilities.painter,
            paints_from_sheets=capabilities.paints_from_sheets,
            continues=capabilities.continues,
            memory_budget=capabilities.memory_budget,
            memory_policy=capabilities.memory_policy,
            max_frames=capabilities.max_frames,
            multiple_of=capabilities.multiple_of,
            trained_sizes=capabilities.trained_sizes,
            resamples=capabilities.resamples,
            rendered=performer.rendered,
            reused=performer.reused,
            working_on=performer.working_on,
            share=performer.share(),
        )

    @app.post("/takes")
    async def takes(request: TakeRequest) -> TakeAnswer:
        return await performer.take(request)

    @app.post("/keyframes")
    async def keyframes(request: KeyframeRequest) -> KeyframeAnswer:
        return await performer.keyframe(request)

    @app.post("/recall")
    def recall(request: RecallRequest) -> RecallAnswer:
        return RecallAnswer(lineage=stage.recall(request))

    @app.post("/verdicts")
    def verdicts(request: VerdictRequest) -> VerdictAnswer:
        verdict = stage.judge(request.take, request.comparison)
        return VerdictAnswer(
            take=verdict.take,
            question=verdict.question,
            is_passed=verdict.is_passed,
            reasons=verdict.reasons,
            badness=verdict.badness,
        )

    @app.post("/cancel")
    async def cancel(request: CancelRequest) -> dict[str, bool]:
        return {"was_running": performer.cancel(request.address)}

    return app


def stage_from_environment(environment: dict[str, str]) -> Stage:
    """
    The stage that the environment describes.

    `ONESTORY_ENGINE`, `ONESTORY_ENGINE_OPTIONS`, `ONESTORY_MINIO_…`, and `ONESTORY_ENCODERS`: a
    folder of encoders with its `calibration.json`; without it those that are shipped.
    """
    options: dict[str, Any] = json.loads(environment.get("ONESTORY_ENGINE_OPTIONS") or "{}")
    address = VaultAddress(
        endpoint=environment["ONESTORY_MINIO_ENDPOINT"],
        access_key=environment["ONESTORY_MINIO_ACCESS_KEY"],
        secret_key=environment["ONESTORY_MINIO_SECRET_KEY"],
        bucket=environment.get("ONESTORY_BUCKET", "onestory"),
        secure=environment.get("ONESTORY_MINIO_SECURE", "").lower() in ("1", "true"),
    )
    engine = open_engine(environment.get("ONESTORY_ENGINE", "pocket"), options)
    vault = Vault(address)
    encoders = environment.get("ONESTORY_ENCODERS")
    lookout = open_lookout(vault, engine.fingerprint().name, Path(encoders) if encoders else None)
    return Stage(engine, vault, lookout=lookout)


def main() -> None:
    """Serve the engine that the environment names on a unix socket."""
    parser = argparse.ArgumentParser(description="Serve one engine on a unix socket.")
    parser.add_argument("--socket", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    app = create_app(stage_from_environment(dict(os.environ)))
    arguments.socket.unlink(missing_ok=True)
    uvicorn.run(app, uds=str(arguments.socket), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
