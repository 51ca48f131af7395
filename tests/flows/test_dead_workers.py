"""Workers that are killed in the middle of a film, which the reaper has go on elsewhere."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from deployments.studio.embedded import ensure_studio, status
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, kill_tree, shot_list
from onestory.testing.waiting import wait_until

pytestmark = pytest.mark.studio

PRODUCE = "produce-episode/produce-episode"
ACTIONS = ("waves", "sits down", "dances", "jumps")
STORED = re.compile(r"take\.stored slate=\S+ take=(\S+)")
ENGINEERED = ("keyframe ", "take ", "gates ")
"""How tasks are called that the engine works for."""


def _settings(crew: Producer) -> StudioSettings:
    return read_settings(home=crew.home, engine=crew.engine, engine_options=crew.options)


def _order(crew: Producer, episode: str) -> dict[str, object]:
    shot_list(crew.out, episode, ACTIONS)
    return {"script": f"{episode}.json", "out": "films", "width": 96, "height": 160}


@contextmanager
def reaping(crew: Producer, *options: str) -> Iterator[Path]:
    """A reaper in a process of its own; the path of its log."""
    addresses = ensure_studio(_settings(crew))
    log = crew.out / "reaper.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "deployments.reaper", "--every", "1", *options],
            env={**os.environ, **addresses.as_environment()},
            stderr=written,
        )
    try:
        yield log
    finally:
        process.kill()
        process.wait()


def service_of(crew: Producer, name: str) -> psutil.Process:
    """A service of the studio."""
    service = next(one for one in status(_settings(crew)).services if one.name == name)
    assert service.pid is not None
    return psutil.Process(service.pid)


def stored_in(crew: Producer) -> list[str]:
    """Takes that the engine has stored, as often as it has."""
    return STORED.findall((crew.home / "logs" / "engine.log").read_text())


def open_tasks(dashboard: Dashboard, run: str) -> list[str]:
    """Names of a flow run's tasks that have not ended, as far as the server has heard."""
    return [name for name, state in dashboard.tasks(run) if state in ("Running", "Pending")]


@contextmanager
def halted_in_a_shot(crew: Producer, dashboard: Dashboard, run: str) -> Iterator[None]:
    """
    A film that stands still after its next take, and not before the server has heard where.

    The engine does nothing meanwhile, so that the film goes no further, however long that takes.
    """
    before, engine = len(stored_in(crew)), service_of(crew, "engine")
    wait_until(lambda: len(stored_in(crew)) > before, "a take is stored")
    engine.suspend()
    try:
        wait_until(
            lambda: any(name.startswith(ENGINEERED) for name in open_tasks(dashboard, run)),
            "the server has heard of what waits for the engine",
        )
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            engine.resume()


def test_a_film_whose_worker_died_goes_on_with_another_worker(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """Nobody does anything; its place in the pool is free, its tasks end, no take is made twice."""
    dashboard.limit_pool(1)
    worker = service_of(crew, "worker")
    run = dashboard.submit(PRODUCE, _order(crew, episode_id))
    with halted_in_a_shot(crew, dashboard, run):
        kill_tree(worker.pid)

    # Rested for ever: what the run says can be read at leisure.
    with reaping(crew, "--silent", "20", "--rest", "600"):
        assert service_of(crew, "worker").pid != worker.pid, "a new worker was hired"
        dashboard.wait(run, ("CRASHED",))
        assert "Its worker died: no sign of life" in dashboard.read(run)["state"]["message"]
    # With its usual patience: who has just begun may be silent for long.
    with reaping(crew, "--rest", "5") as log:
        assert dashboard.wait(run, ("COMPLETED", "FAILED")) == "COMPLETED"

    told = dashboard.read(run)
    assert told["run_count"] == 2
    wait_until(lambda: not open_tasks(dashboard, run), "every task has ended")
    shot = told["labels"]["onestory.crash.1.shot"]
    assert re.search(r"sh00\d$", shot)
    assert [name for name, state in dashboard.tasks(run) if state == "Crashed" and shot in name]
    assert told["labels"]["onestory.crash.1.worker"] != told["labels"]["prefect.worker.name"]
    assert set(Counter(stored_in(crew)).values()) == {1}
    assert f"reaper.begin again run={run}" in log.read_text()


def test_a_film_that_always_crashes_is_given_up(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """After its last attempt nobody begins it again; a person who does has as many attempts."""
    run = dashboard.submit(PRODUCE, _order(crew, episode_id))

    with reaping(crew, "--attempts", "2", "--rest", "12"):
        worker = service_of(crew, "worker")
        for _ in range(2):
            with halted_in_a_shot(crew, dashboard, run):
                for process in shifts_of(worker, run):
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
            dashboard.wait(run, ("CRASHED", "SCHEDULED"))
        wait_until(lambda: dashboard.read(run)["state_name"] == "GivenUp", "it is given up")
        time.sleep(5)
        told = dashboard.read(run)

    assert (told["state_type"], told["state_name"], told["run_count"]) == ("CRASHED", "GivenUp", 2)
    assert "Given up after 2 crashes: worker " in told["state"]["message"]
    assert "sh00" in told["state"]["message"]
    wait_until(lambda: not open_tasks(dashboard, run), "every task has ended")


def shifts_of(worker: psutil.Process, run: str) -> list[psutil.Process]:
    """Processes of a flow run."""
    found = []
    for process in worker.children(recursive=True):
        try:
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_an_order_that_cannot_be_filmed_has_failed(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """It has not crashed: no other worker would make more of it."""
    order = _order(crew, episode_id) | {"script": "nowhere.fountain"}

    run = dashboard.submit(PRODUCE, order)

    assert dashboard.wait(run) == "FAILED"
    assert "nowhere.fountain" in dashboard.read(run)["state"]["message"]
