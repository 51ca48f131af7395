"""Weights are trained by an order on the dashboard, and by who goes on after a crash."""

import re

import pytest

from deployments.studio.embedded import start_worker, status
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, kill_tree
from onestory.testing.tiny_pocket import TINY_TRAINING, write_tiny_data
from onestory.testing.waiting import wait_until

pytestmark = [pytest.mark.studio, pytest.mark.slow]

TRAIN = "train/train"
ORDER = {"config": "tiny.yaml", "data": "data", "out": "run"}
"""Named from the project folder, as scripts are."""


def _settings(crew: Producer) -> StudioSettings:
    return read_settings(home=crew.home, engine=crew.engine, engine_options=crew.options)


def _kill_worker(crew: Producer) -> None:
    """Kill -9, with everything it has started."""
    worker = next(one for one in status(_settings(crew)).services if one.name == "worker")
    assert worker.pid is not None
    kill_tree(worker.pid)


def test_a_crash_loses_no_step_that_was_kept(crew: Producer, dashboard: Dashboard) -> None:
    """A worker is killed when a checkpoint lies there; the next order goes on from it."""
    write_tiny_data(crew.out / "data")
    # A checkpoint is kept every fifty steps; there are more to come, however late the kill is.
    (crew.out / "tiny.yaml").write_text(TINY_TRAINING.replace("steps: 3", "steps: 600"))
    log = crew.out / "run" / "log.jsonl"

    def num_steps() -> int:
        return log.read_text().count("\n") if log.exists() else 0

    killed = dashboard.submit(TRAIN, ORDER)
    wait_until(lambda: num_steps() >= 55, "a checkpoint is kept")
    _kill_worker(crew)
    goal = num_steps() + 10
    dashboard.cancel(killed)

    start_worker(_settings(crew))
    last = dashboard.submit(TRAIN, ORDER | {"steps": goal})
    assert dashboard.wait(last) == "COMPLETED"
    assert num_steps() == goal
    began = re.compile(rf"from step (\d*[05]0) to {goal}\b")
    wait_until(lambda: bool(began.search(dashboard.log(last))), f"its log says {began.pattern}")
    told = dashboard.artifact("training")
    assert f"{goal} of 1200 steps" in told
    assert str(crew.out / "run" / "export") in told


def test_two_orders_do_not_train_at_once(crew: Producer, dashboard: Dashboard) -> None:
    """One of them waits for the other, and a training file that is none is a sentence."""
    orders = [ORDER | {"config": f"nowhere-{number}.yaml"} for number in range(2)]
    runs = [dashboard.submit(TRAIN, order) for order in orders]

    assert [dashboard.wait(run) for run in runs] == ["FAILED", "FAILED"]
    one, other = sorted((dashboard.read(run) for run in runs), key=lambda run: run["start_time"])
    assert one["end_time"] <= other["start_time"]
    for run in (one, other):
        assert "is no training file" in run["state"]["message"]
