"""The engine server as a real process on a real socket, with a real vault behind it."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from onestory.cut.encode import VideoWriter
from onestory.cut.probe import decode_frames, probe_video
from onestory.documents import digest_of
from onestory.engine_server.client import EngineClient
from onestory.engine_server.messages import TakeAnswer, TakeRequest, VerdictRequest
from onestory.engine_server.stage import machine_class
from onestory.engines.recipe import EngineFingerprint, Recipe, imported_for
from onestory.engines.take import NgReason
from onestory.errors import EngineFaultError, MediaError, MissingBlobError, OutOfMemoryError
from onestory.vault.store import Vault

Answer = TypeVar("Answer")
Serve = Callable[..., EngineClient]


class _Server:
    """Starts engine servers and ends them."""

    def __init__(self, vault: Vault, folder: Path) -> None:
        self.vault, self.folder = vault, folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, engine: str, options: dict[str, Any]) -> Path:
        """Serve an engine; returns its socket once it answers."""
        address = self.vault.address
        socket = self.folder / f"{len(self.processes)}.sock"
        environment = {
            **os.environ,
            "ONESTORY_ENGINE": engine,
            "ONESTORY_ENGINE_OPTIONS": json.dumps(options),
            "ONESTORY_MINIO_ENDPOINT": address.endpoint,
            "ONESTORY_MINIO_ACCESS_KEY": address.access_key,
            "ONESTORY_MINIO_SECRET_KEY": address.secret_key,
            "ONESTORY_BUCKET": address.bucket,
        }
        argv = [sys.executable, "-m", "onestory.engine_server.server", "--socket", str(socket)]
        self.processes.append(subprocess.Popen(argv, env=environment))
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if socket.exists():
                try:
                    ask(socket, lambda engine: engine.health())
                except EngineFaultError:
                    time.sleep(0.05)
                else:
                    return socket
            time.sleep(0.05)
        raise AssertionError("the engine server did not answer within 180 s")


@pytest.fixture(name="server")
def _server(vault: Vault, tmp_path: Path) -> Iterator[_Server]:
    server = _Server(vault, tmp_path)
    yield server
    for process in server.processes:
        process.kill()
        process.wait()


def ask(socket: Path, question: Callable[[EngineClient], Coroutine[Any, Any, Answer]]) -> Answer:
    """Ask a server one thing."""

    async def asked() -> Answer:
        client = EngineClient(socket)
        try:
            return await question(client)
        finally:
            await client.aclose()

    return asyncio.run(asked())


def recipe_of(caption: str, *, num_frames: int = 24) -> Recipe:
    """A recipe that no other test has, small and quick."""
    return Recipe(
        engine=EngineFingerprint(name="painted", weights="none", config="c", recipe_version=1),
        caption=f"{caption} {os.urandom(6).hex()}",
        seed=1,
        width=48,
        height=80,
        num_frames=num_frames,
        fps="24",
    )


def request(recipe: Recipe, *, limit: float = 60) -> TakeRequest:
    """Ask for a take of a recipe."""
    return TakeRequest(recipe=recipe, slate="s01e01-sc01-sh001-tk01", time_limit_seconds=limit)


def sabotage(folder: Path, *faults: str) -> dict[str, Any]:
    """Options of an engine that fails in these ways, one after the other."""
    state = str(folder / "played.json")
    return {"inner": "painted", "faults": {"target": list(faults)}, "state": state}


def test_a_take_lies_in_the_vault_whole(server: _Server, vault: Vault) -> None:
    """Whatever a take document names can be read, and the video holds what it says."""
    socket = server.start("painted", {})
    recipe = recipe_of("a bar")

    answer = ask(socket, lambda engine: engine.take(request(recipe)))
    take = vault.get_take(answer.address)

    assert answer.address == recipe.digest
    assert not answer.is_reused
    assert probe_video(vault.get_blob(take.media.video), decode=True).num_frames == 24
    assert vault.get_blob(take.media.first_frame) != vault.get_blob(take.media.last_frame)
    assert (take.media.width, take.media.height) == (48, 80)


def test_a_finished_take_is_never_rendered_again(server: _Server) -> None:
    """The vault is the only cache: another server finds the take too."""
    recipe = recipe_of("a bar")
    first = server.start("painted", {})
    ask(first, lambda engine: engine.take(request(recipe)))
    second = server.start("painted", {})

    answers = [ask(socket, lambda e: e.take(request(recipe))) for socket in (first, second)]
    healths = [ask(socket, lambda e: e.health()) for socket in (first, second)]

    assert [answer.is_reused for answer in answers] == [True, True]
    assert [(health.rendered, health.reused) for health in healths] == [(1, 1), (0, 1)]


@pytest.mark.parametrize(("engine", "remembers"), [("painted", False), ("remembering", True)])
def test_a_persons_footage_becomes_a_take(
    server: _Server, vault: Vault, tmp_path: Path, engine: str, remembers: bool
) -> None:
    """Not filmed but brought to size and length; with latents if the engine remembers."""
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, width=160, height=90, fps="30") as writer:
        for index in range(40):
            writer.write(np.full((90, 160, 3), 4 * index, np.uint8))
    clip = vault.put_file(path, media_type="video/mp4")
    socket = server.start(engine, {})
    recipe = recipe_of("a clip")
    recipe = recipe.model_copy(update={"engine": imported_for(recipe.engine, clip)})

    answer = ask(socket, lambda client: client.take(request(recipe)))
    media = vault.get_take(answer.address).media

    assert (media.num_frames, media.width, media.height) == (24, 48, 80)
    assert probe_video(vault.get_blob(media.video), decode=True).num_frames == 24
    shades = [decoded.mean() for decoded in decode_frames(vault.get_blob(media.video))]
    assert shades == pytest.approx([4 * (index * 5 // 4) for index in range(24)], abs=3)
    assert (media.latents is not None) == remembers


def test_whoever_asks_meanwhile_waits_for_the_same_take(server: _Server) -> None:
    """Two callers with one recipe cost one rendering."""
    socket = server.start("painted", {"seconds_per_take": 2.0})
    recipe = recipe_of("a bar")

    async def both(engine: EngineClient) -> list[TakeAnswer]:
        return list(await asyncio.gather(*(engine.take(request(recipe)) for _ in range(2))))

    answers = ask(socket, both)

    assert answers[0] == answers[1]
    assert ask(socket, lambda engine: engine.health()).rendered == 1


def test_equal_recipes_give_equal_bytes(server: _Server, vault: Vault) -> None:
    """A take that was forgotten is rendered again to the very same blobs."""
    socket = server.start("painted", {})
    recipe = recipe_of("a bar")
    ask(socket, lambda engine: engine.take(request(recipe)))
    first = vault.get_take(recipe.digest)
    vault.forget_take(recipe.digest)

    answer = ask(socket, lambda engine: engine.take(request(recipe)))

    assert not answer.is_reused
    assert vault.get_take(recipe.digest).media == first.media


def test_a_class_of_machines_has_a_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that are shared among threads are rounded by how many there are."""
    named = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        named.append(machine_class())
    assert named[0] != named[1]
    assert named[0].endswith("-1")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("black", NgReason.BLACK),
        ("frozen", NgReason.FROZEN),
        ("wrong length", NgReason.WRONG_LENGTH),
    ],
)
def test_a_bad_take_is_ng_for_the_right_reason(
    server: _Server, tmp_path: Path, fault: str, reason: NgReason
) -> None:
    """What can be read but not used is a take with a verdict, not an error."""
    socket = server.start("sabotaged", sabotage(tmp_path, fault))
    recipe = recipe_of("target", num_frames=48)

    ask(socket, lambda engine: engine.take(request(recipe)))
    verdict = ask(
        socket, lambda engine: engine.verdict(VerdictRequest(take=recipe.digest, slate="tk01"))
    )

    assert not verdict.is_passed
    assert reason in verdict.reasons


@pytest.mark.parametrize("fault", ["truncated", "zero bytes"])
def test_unreadable_media_goes_to_quarantine(
    server: _Server, vault: Vault, tmp_path: Path, fault: str
) -> None:
    """It never becomes a take, and the very same recipe succeeds the next time."""
    socket = server.start("sabotaged", sabotage(tmp_path, fault))
    recipe = recipe_of("target")

    with pytest.raises(MediaError, match="is unreadable") as caught:
        ask(socket, lambda engine: engine.take(request(recipe)))
    again = ask(socket, lambda engine: engine.take(request(recipe)))

    assert caught.value.retryable
    assert any("s01e01-sc01-sh001-tk01" in key for key in vault.list_keys("quarantine/"))
    assert not again.is_reused
    assert vault.find_take(recipe.digest) is not None


def test_an_exception_in_the_engine_is_a_fault_that_may_pass(
    server: _Server, tmp_path: Path
) -> None:
    """
    A bug in an engine does not end its server, and the caller hears what it was; a lack of main
    memory is another error, which the film may move for.
    """
    socket = server.start("sabotaged", sabotage(tmp_path, "exception", "no memory"))
    recipe = recipe_of("target")

    with pytest.raises(EngineFaultError, match="raised RuntimeError: sabotaged"):
        ask(socket, lambda engine: engine.take(request(recipe)))
    with pytest.raises(OutOfMemoryError, match="has too little main memory") as caught:
        ask(socket, lambda engine: engine.take(request(recipe)))

    assert caught.value.slate
    assert ask(socket, lambda engine: engine.take(request(recipe))).address == recipe.digest


def test_a_hanging_engine_is_ended_with_its_server(server: _Server, tmp_path: Path) -> None:
    """A render past its time limit that listens to nobody costs the process, not the night."""
    socket = server.start("sabotaged", sabotage(tmp_path, "hang"))

    with pytest.raises(EngineFaultError, match=r"past its time limit of 0\.5 s"):
        ask(socket, lambda engine: engine.take(request(recipe_of("target"), limit=0.5)))

    assert server.processes[0].wait(timeout=120) == 75


def test_a_slow_engine_is_stopped_between_steps(server: _Server) -> None:
    """An engine that listens is cancelled at its limit, and its server lives on."""
    socket = server.start("painted", {"seconds_per_take": 30.0})
    started = time.monotonic()

    with pytest.raises(EngineFaultError, match="time limit"):
        ask(socket, lambda engine: engine.take(request(recipe_of("slow"), limit=0.5)))

    assert time.monotonic() - started < 30
    with pytest.raises(subprocess.TimeoutExpired):
        # Only an engine that does not listen costs its process, after a second.
        server.processes[0].wait(timeout=2)
    assert ask(socket, lambda engine: engine.health()).working_on is None


def test_a_caller_that_goes_away_does_not_lose_the_take(server: _Server, vault: Vault) -> None:
    """The take of a flow that was killed is finished and found by the next one."""
    socket = server.start("painted", {"seconds_per_take": 1.5})
    recipe = recipe_of("left alone")

    async def leave(engine: EngineClient) -> None:
        asked = asyncio.create_task(engine.take(request(recipe)))
        while not asked.done() and (await engine.health()).working_on != recipe.digest:
            await asyncio.sleep(0.05)
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await asked

    ask(socket, leave)
    deadline = time.monotonic() + 120
    while vault.find_take(recipe.digest) is None and time.monotonic() < deadline:
        time.sleep(0.1)

    assert ask(socket, lambda engine: engine.take(request(recipe))).is_reused


def test_judging_what_is_not_there_says_so(server: _Server) -> None:
    """A verdict on a take that nobody made is an error of the family, across the socket."""
    socket = server.start("painted", {})
    nothing = VerdictRequest(take=digest_of(b"nothing"), slate="tk01")

    with pytest.raises(MissingBlobError, match="no take lies under"):
        ask(socket, lambda engine: engine.verdict(nothing))


def test_a_server_that_is_away_may_be_asked_again(tmp_path: Path) -> None:
    """No server is a fault of the machine."""
    with pytest.raises(EngineFaultError, match=r"gone\.sock is away") as caught:
        ask(tmp_path / "gone.sock", lambda engine: engine.health())

    assert caught.value.retryable


def test_a_server_that_is_being_started_is_waited_for(server: _Server) -> None:
    """Who calls before it listens is heard once it does; what breaks off in a call is a fault."""
    socket = server.folder / "0.sock"

    async def called_early() -> str:
        client = EngineClient(socket, patience_seconds=60)
        calling = asyncio.create_task(client.health())
        await asyncio.sleep(0.5)
        assert not calling.done()
        await asyncio.to_thread(server.start, "sabotaged", sabotage(server.folder, "crash"))
        assert (await calling).engine.name
        with pytest.raises(EngineFaultError) as caught:
            await client.take(request(recipe_of("a target")))
        await client.aclose()
        return str(caught.value)

    assert "is away: " in asyncio.run(called_early())
