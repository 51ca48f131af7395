"""Films that are short of device memory, run by hand in the pools of a real Prefect server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import diffusers
import pytest
import torch
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import run_flow_async

from flows.episode import produce_episode
from flows.retake import retake_shots
from onestory.engine_server.stage import Stage
from onestory.engines.painted import PaintedEngine
from onestory.engines.protocol import Engine
from onestory.engines.wan.engine import WanEngine
from onestory.errors import OutOfMemoryError
from onestory.production.unit import Unit
from onestory.testing.drafts import Beat, Draft
from onestory.testing.in_process import engine_of
from onestory.testing.tiny_wan import write_tiny_wan
from onestory.vault.history import versions_of
from onestory.vault.ledger import Ledger
from onestory.vault.store import Vault
from tasks import _bridge
from tasks.moving import FROM, TO, way_of

pytestmark = pytest.mark.studio

SMALL, BIG, NOWHERE = "small", "big", "nowhere"
PIXELS = 48 * 80 * 8
"""For which the small device has memory: a shot of eight frames."""
TINY = {"dtype": "float32", "steps": 2, "stretch_frames": 5, "fps": 8}

AS_OFFERED: dict[str, Any] = {
    "entrypoint": "flows.somewhere.film",
    "path": ".",
    "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/films"}}],
    "job_variables": {"command": "python -P -m deployments.shift"},
    "description": "Films.",
    "tags": ["films"],
}
"""What a worker reads of a deployment, and a person."""

Film = Flow[[Any], Any]


class Floor:
    """Two pools and their devices, and no worker: runs are begun by hand."""

    def __init__(self, client: SyncPrefectClient, vault: Vault) -> None:
        self.client, self.vault = client, vault
        self.rendered: dict[str, int] = {SMALL: 0, BIG: 0}
        self.devices: dict[str, Engine] = {
            SMALL: PaintedEngine(memory_pixels=PIXELS),
            BIG: PaintedEngine(),
        }
        for pool in (SMALL, BIG):
            client.create_work_pool(WorkPoolCreate(name=pool, type="process"), overwrite=True)

    def ordered(self, film: Film, order: dict[str, Any]) -> FlowRun:
        """A run of a flow's deployment in the small pool."""
        offered = self.client.create_deployment(
            self.client.create_flow(film),
            film.name,
            work_pool_name=SMALL,
            **AS_OFFERED,
        )
        run = self.client.create_flow_run_from_deployment(
            offered, parameters={"order": order}, tags=["night one"]
        )
        return self.read(run.id)

    def read(self, run: UUID | str) -> FlowRun:
        """A run as the server tells it."""
        return self.client.read_flow_run(UUID(str(run)))

    def carried_out(self, film: Film, run: FlowRun) -> State[Any]:
        """How a run ends, filmed with the device of its pool."""
        pool = str(run.work_pool_name)
        stage = Stage(self.devices[pool], self.vault)

        async def film_it() -> State[Any]:
            """Film in this process."""
            unit = Unit(self.vault, engine_of(stage), None, run=str(run.id))
            units = _bridge._units.setdefault(asyncio.get_running_loop(), {})
            units[str(run.id)] = unit
            state = await run_flow_async(
                film, flow_run=run, parameters=run.parameters, return_type="state"
            )
            self.rendered[pool] += (await unit.engine.health()).rendered
            assert isinstance(state, State)
            return state

        return asyncio.run(film_it())


@pytest.fixture(name="floor")
def _floor(
    prefect_client: SyncPrefectClient, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Floor]:
    told = {
        "MINIO_ENDPOINT": vault.address.endpoint,
        "MINIO_ACCESS_KEY": vault.address.access_key,
        "MINIO_SECRET_KEY": vault.address.secret_key,
        "BUCKET": vault.address.bucket,
        "ENGINE_SOCKET": "nobody.sock",
        "BIGGER_POOL": BIG,
    }
    for name, value in told.items():
        monkeypatch.setenv(f"ONESTORY_{name}", value)
    _bridge.settings.cache_clear()
    yield Floor(prefect_client, vault)
    _bridge.settings.cache_clear()


@pytest.fixture(name="order")
def _order(tmp_path: Path, episode_id: str) -> dict[str, Any]:
    """A film of a short shot and one that is too long for the small device."""
    draft = Draft(beats=(Beat(action="waves", num_frames=8), Beat(action="dances", num_frames=12)))
    script = draft.written(tmp_path / "script.json", episode=episode_id)
    order: dict[str, Any] = {"script": str(script), "out": str(tmp_path / "films")}
    return order | {"width": 48, "height": 80, "has_scratch_voice": False, "max_takes": 1}


def test_a_film_goes_on_in_the_bigger_pool(
    floor: Floor, order: dict[str, Any], episode_id: str
) -> None:
    """Once, as the same order with what was filmed; so does a retake, which is ordered once."""
    run = floor.ordered(produce_episode, order)
    ended = floor.carried_out(produce_episode, run)

    assert (ended.name, ended.is_completed()) == ("Moved", True)
    there = floor.read(str(floor.read(run.id).labels[TO]))
    assert f"Goes on in the pool {BIG} as run {there.name} ({there.id})" in str(ended.message)
    assert "sh002-tk01] there is memory for" in str(ended.message)
    assert (there.work_pool_name, there.name, there.tags) == (BIG, run.name, run.tags)
    assert there.parameters["order"] == order | {"plan_first": False}
    assert there.labels[FROM] == str(run.id)
    assert there.deployment_id is not None
    offered = floor.client.read_deployment(there.deployment_id)
    assert {name: getattr(offered, name) for name in AS_OFFERED} == AS_OFFERED
    # Begun again by a reaper that saw it die before it had ended, it goes on in the same run.
    again = floor.carried_out(produce_episode, floor.read(run.id))
    assert str(there.id) in str(again.message)

    assert floor.carried_out(produce_episode, there).name == "Completed"
    assert floor.rendered == {SMALL: 1, BIG: 1}
    assert [one.id for one in asyncio.run(_way(run.id))] == [run.id, there.id]

    retake = floor.ordered(retake_shots, {"episode": episode_id, "shots": "2"})
    assert floor.carried_out(retake_shots, retake).name == "Moved"
    goes_on = floor.read(str(floor.read(retake.id).labels[TO]))
    assert floor.carried_out(retake_shots, goes_on).name == "Completed"
    assert floor.rendered == {SMALL: 1, BIG: 2}
    happened = [one.what for one in versions_of(Ledger(floor.vault, episode_id).history())]
    assert happened.count("seed of sc01-sh002 ordered") == 1
    why = f"there is memory for {PIXELS} pixels, and the take has"
    moves = [one for one in happened if "moved" in one]
    assert len(moves) == 2
    assert moves[0].startswith(f"filming moved at sc01-sh002: to the pool {BIG}, since {why}")


def test_a_film_goes_on_whose_weights_do_not_fit(
    floor: Floor,
    order: dict[str, Any],
    episode_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From its first shot; nothing is filmed part by part, and nobody tries the same again."""
    folder = write_tiny_wan(tmp_path / "t2v", "t2v")
    small, big = (WanEngine(TINY, weights=folder, device=place) for place in ("meta", "cpu"))
    floor.devices = {SMALL: small, BIG: big}
    usual, came = diffusers.WanPipeline.to, list[str]()

    def come(pipeline: Any, place: str) -> Any:
        came.append(place)
        if place == "meta":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return usual(pipeline, place)

    monkeypatch.setattr(diffusers.WanPipeline, "to", come)
    run = floor.ordered(produce_episode, order)

    ended = floor.carried_out(produce_episode, run)

    assert ended.name == "Moved"
    assert "sh001-tk01] the device has too little memory for the weights: CUDA" in ended.message
    assert "is_offloaded" in str(ended.message)
    assert came == ["meta"]
    there = floor.read(str(floor.read(run.id).labels[TO]))
    assert floor.carried_out(produce_episode, there).name == "Completed"
    assert floor.rendered == {SMALL: 0, BIG: 2}
    happened = [one.what for one in versions_of(Ledger(floor.vault, episode_id).history())]
    (moved,) = [one for one in happened if "moved" in one]
    assert moved.startswith(f"filming moved at sc01-sh001: to the pool {BIG}, since the device has")


@pytest.mark.parametrize("bigger", ["", NOWHERE, SMALL])
def test_where_there_is_no_bigger_pool_the_ladder_ends_a_film(
    floor: Floor,
    order: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    bigger: str,
) -> None:
    """None is named, or one that is not there, or the run is in it already."""
    monkeypatch.setenv("ONESTORY_BIGGER_POOL", bigger)
    _bridge.settings.cache_clear()
    run = floor.ordered(produce_episode, order)

    ended = floor.carried_out(produce_episode, run)

    assert ended.is_failed()
    with pytest.raises(OutOfMemoryError, match="there is memory for"):
        asyncio.run(_result(ended))
    assert TO not in floor.read(run.id).labels


async def _way(run: UUID) -> tuple[FlowRun, ...]:
    async with get_client() as client:
        return await way_of(client, await client.read_flow_run(run))


async def _result(state: State[Any]) -> Any:
    return await state.aresult()
