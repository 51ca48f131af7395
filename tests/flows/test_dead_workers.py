"""Workers that are killed in the middle of a film, which the reaper has go on elsewhere."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from deployments.studio.embedded import ensure_studio, status
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio

PRODUCE = "produce-episode/produce-episode"
ACTIONS = ("waves", "sits down", "dances", "jumps")
STORED = re.compile(r"take\.stored slate=\S+ take=(\S+)")


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
        process.terminate()
        process.wait(timeout=20)


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float = 90.0) -> None:
    """Ask until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.1)


def worker_of(crew: Producer) -> psutil.Process:
    """The studio's worker."""
    worker = next(one for one in status(_settings(crew)).services if one.name == "worker")
    assert worker.pid is not None
    return psutil.Process(worker.pid)


def shifts_of(crew: Producer, run: str) -> list[psutil.Process]:
    """Processes of a flow run."""
    found = []
    for process in worker_of(crew).children(recursive=True):
        try:
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                found.append(process)
        except psutil.Error:
            continue
    return found


def takes_in(states: dict[str, str], *names: str) -> int:
    """How many takes are in states of some names."""
    return sum(name.startswith("take ") and state in names for name, state in states.items())


def test_a_film_whose_worker_died_goes_on_with_another_worker(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """Nobody does anything; its place in the pool is free, its tasks end, no take is made twice."""
    dashboard.limit_pool(1)
    run = dashboard.submit(PRODUCE, _order(crew, episode_id))
    wait_until(
        lambda: (
            takes_in(dashboard.task_states(run), "Completed") == 1
            and takes_in(dashboard.task_states(run), "Running") == 1
        ),
        "the second take is on the floor",
    )
    worker = worker_of(crew)
    for one in [*worker.children(recursive=True), worker]:
        os.kill(one.pid, signal.SIGKILL)

    with reaping(crew, "--silent", "20", "--rest", "5") as log:
        assert worker_of(crew).pid != worker.pid, "a new worker was hired"
        dashboard.wait(run, ("CRASHED",))
        assert "Its worker died: no sign of life" in dashboard.read(run)["state"]["message"]
        assert dashboard.wait(run, ("COMPLETED", "FAILED")) == "COMPLETED"

    told = dashboard.read(run)
    assert told["run_count"] == 2
    wait_until(
        lambda: not {"Running", "Pending"} & {state for _, state in dashboard.tasks(run)},
        "the server has heard of the end of every task",
    )
    # The second, or one after it: the film went on between the question and the kill.
    shot = told["labels"]["onestory.crash.1.shot"]
    assert re.search(r"sh00[2-9]$", shot)
    assert [name for name, state in dashboard.tasks(run) if state == "Crashed" and shot in name]
    assert told["labels"]["onestory.crash.1.worker"] != told["labels"]["prefect.worker.name"]
    stored = Counter(STORED.findall((crew.home / "logs" / "engine.log").read_text()))
    assert set(stored.values()) == {1}
    assert f"reaper.begin again run={run}" in log.read_text()


def test_a_film_that_always_crashes_is_given_up(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """After its last attempt nobody begins it again; a person who does has as many attempts."""
    run = dashboard.submit(PRODUCE, _order(crew, episode_id))

    def is_filming(attempt: int) -> bool:
        is_at_work = takes_in(dashboard.task_states(run), "Running") == 1
        return is_at_work and dashboard.read(run)["run_count"] == attempt

    with reaping(crew, "--attempts", "2", "--rest", "12"):
        for attempt in (1, 2):
            wait_until(partial(is_filming, attempt), f"attempt {attempt} films")
            for process in shifts_of(crew, run):
                process.kill()
            dashboard.wait(run, ("CRASHED",))
        wait_until(lambda: dashboard.read(run)["state_name"] == "GivenUp", "it is given up")
        time.sleep(5)
        told = dashboard.read(run)

    assert (told["state_type"], told["state_name"], told["run_count"]) == ("CRASHED", "GivenUp", 2)
    assert "Given up after 2 crashes: worker " in told["state"]["message"]
    assert "sh00" in told["state"]["message"]
    wait_until(
        lambda: not {"Running", "Pending"} & {state for _, state in dashboard.tasks(run)},
        "the server has heard of the end of every task",
    )


def test_an_order_that_cannot_be_filmed_has_failed(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """It has not crashed: no other worker would make more of it."""
    order = _order(crew, episode_id) | {"script": "nowhere.fountain"}

    run = dashboard.submit(PRODUCE, order)

    assert dashboard.wait(run) == "FAILED"
    assert "nowhere.fountain" in dashboard.read(run)["state"]["message"]
