"""A device that is short of memory hands its film over to a pool whose device has more."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, season_of, two_lives
from onestory.testing.waiting import WAIT_SECONDS

pytestmark = pytest.mark.studio

PRODUCE = "produce-episode/produce-episode"
RETAKE = "retake-shots/retake-shots"
SEASON = "produce-season/produce-season"
BIG = "onestory-big"
SHORT, USUAL = 12, 24
"""Frames of a take that the small device has memory for, and of one that it has not."""


def _settings(crew: Producer) -> StudioSettings:
    options = {"engine": crew.engine, "engine_options": crew.options}
    return read_settings(home=crew.home, bigger_pool=BIG, **options)


@pytest.fixture(name="crew", scope="module")
def _crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Producer]:
    """A project folder whose studio has a worker with a small device, which knows of a big one."""
    folder = tmp_path_factory.mktemp("project")
    crew = Producer(
        folder / ".onestory",
        folder,
        options={"memory_pixels": 96 * 160 * SHORT},
        environment={"ONESTORY_BIGGER_POOL": BIG},
    )
    hiring = crew.run("studio", "up", "--worker", "--home", str(crew.home))
    try:
        assert hiring.process.wait(timeout=WAIT_SECONDS) == 0, "\n".join(hiring.lines)
        yield crew
    finally:
        # Whoever is still at it would start what is stopped.
        hiring.kill()
        stop_studio(_settings(crew))


@pytest.fixture(name="dashboard", scope="module")
def _dashboard(crew: Producer) -> Dashboard:
    return Dashboard(ensure_studio(_settings(crew)).prefect_api_url)


@pytest.fixture(name="big", scope="module")
def _big(crew: Producer) -> Iterator[Path]:
    """A machine of its own with a worker of the big pool; the folder of its services."""
    home = crew.out / ".big"
    # It has the same settings, of the pool too: where it is the biggest, nothing goes on.
    addresses = replace(
        ensure_studio(_settings(crew)), home=home, is_embedded=False, engine_options={}
    )
    told = addresses.as_environment()
    del told["ONESTORY_ENGINE_SOCKET"]
    python = [sys.executable, "-P", "-m"]
    options = ["--pool", BIG, "--type", "process", "--name", "big"]
    with (crew.out / "big.log").open("w") as log:
        worker = subprocess.Popen(
            [*python, "prefect", "worker", "start", *options],
            cwd=crew.out,
            env={
                **os.environ,
                **told,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PREFECT_HOME": str(home / "prefect"),
                "PREFECT_WORKER_QUERY_SECONDS": "1",
            },
            stdout=log,
            stderr=log,
        )
    yield home
    worker.kill()
    worker.wait()
    stop_studio(read_settings(home=home, engine=crew.engine))


def order_of(crew: Producer, episode: str) -> dict[str, object]:
    """A film of a short shot and a longer one."""
    two_lives(crew.out, episode, ("Mara waves.", "Jonas waves."), duration=f"{SHORT} frames")
    order = {"script": f"{episode}.json", "out": "films", "width": 96, "height": 160}
    return order | {"max_takes": 1}


def stored(home: Path, shot: str) -> int:
    """How many takes an engine has stored of a shot."""
    return sum(
        "take.stored" in line and f"-{shot}-" in line
        for line in (home / "logs" / "engine.log").read_text().splitlines()
    )


def moved_to(dashboard: Dashboard, run: str) -> dict[str, Any]:
    """The run in which a run's film goes on."""
    assert dashboard.wait(run) == "COMPLETED"
    told = dashboard.read(run)
    assert told["state_name"] == "Moved", told["state"]
    assert f"Goes on in the pool {BIG}" in told["state"]["message"]
    assert "there is memory for" in told["state"]["message"]
    there = dashboard.read(told["labels"]["onestory.moved.to"])
    assert there["work_pool_name"] == BIG
    return there


def test_a_film_goes_on_in_the_bigger_pool(
    crew: Producer, dashboard: Dashboard, big: Path, episode_id: str
) -> None:
    """From the shot that does not fit; what was filmed is found there, and the history says it."""
    dashboard.wait_for_pool(BIG)
    run = dashboard.submit(PRODUCE, order_of(crew, episode_id))
    there = moved_to(dashboard, run)

    assert dashboard.wait(there["id"]) == "COMPLETED"

    assert dashboard.read(there["id"])["state_name"] == "Completed"
    assert (stored(crew.home, "sh001"), stored(crew.home, "sh002")) == (1, 0)
    assert (stored(big, "sh001"), stored(big, "sh002")) == (0, 1)
    manifest = json.loads((crew.out / "films" / episode_id / "manifest.json").read_text())
    assert [one["take"][-10:] for one in manifest["shots"]] == ["sh001-tk01", "sh002-tk01"]
    moves = [one for one in crew.phrases(episode_id) if one.startswith("filming moved")]
    assert moves == [
        f"filming moved at sc02-sh002: to the pool {BIG}, since there is memory for "
        f"{96 * 160 * SHORT} pixels, and the take has {96 * 160 * USUAL}"
    ]

    # A retake moves as well, and is ordered once: there is one other seed, not two.
    again = dashboard.submit(RETAKE, {"episode": episode_id, "shots": "2"})
    assert dashboard.wait(moved_to(dashboard, again)["id"]) == "COMPLETED"
    ordered = [one for one in crew.phrases(episode_id) if "ordered" in one]
    assert ordered == ["seed of sc02-sh002 ordered"]
    assert stored(big, "sh002") == 2


def test_a_season_follows_an_episode_to_the_bigger_pool(
    crew: Producer, dashboard: Dashboard, big: Path, episode_id: str
) -> None:
    """It is delivered there, and the report counts what was filmed in either pool."""
    dashboard.wait_for_pool(BIG)
    episode = f"{episode_id}-a"
    order = order_of(crew, episode)
    entry = {"episode": episode, **order, "max_takes": 1}
    season = season_of(crew.out, episode_id, [entry])

    night = dashboard.submit(SEASON, {"season": season.name, "night": "tonight"})

    assert dashboard.wait(night) == "COMPLETED"
    assert dashboard.read(night)["state_name"] == "Completed"
    folder = crew.out / "films" / episode_id
    (told,) = json.loads((folder / "season.json").read_text())["episodes"]
    assert (told["job"], told["is_delivered"], told["moved_to"]) == ("done", True, BIG)
    (left,) = told["moved_from"]
    assert moved_to(dashboard, left)["id"] == told["flow_run"]
    assert told["num_takes_tonight"] == told["num_circled"] == 2
    assert f"moved to the pool <bdi>{BIG}</bdi>" in (folder / "season.html").read_text()
    assert f"* {episode}, to the pool {BIG}" in dashboard.artifact(f"season-{episode_id}")


def test_without_a_bigger_pool_a_film_fails_as_ever(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """A command at a terminal has no run that could move: its engine's ladder ends there."""
    order_of(crew, episode_id)

    code, document = crew.produce(crew.out / f"{episode_id}.json")

    assert (code, document["error"]["kind"]) == (1, "OutOfMemoryError")
    assert document["error"]["slate"].endswith("sh002-tk01")
    assert not [one for one in crew.phrases(episode_id) if one.startswith("filming moved")]
