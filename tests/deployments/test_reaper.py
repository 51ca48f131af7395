"""
What the reaper does with runs of a real Prefect server.

They lie in a pool that no worker looks at, and are put into the states in which a worker that
dies leaves them.
"""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingRetry, Cancelling, Completed, Crashed, Pending, Running

from deployments import reaper as reaper_module
from deployments import shift
from deployments.draining import why_drained
from deployments.reaper import Reaper
from deployments.reaping import Patience
from deployments.studio.health import HealthCheck
from deployments.studio.state import free_port
from onestory.production.crashes import CrashedShot, crashed_shot

pytestmark = pytest.mark.studio

POOL = "nobody"
SILENT_SECONDS = 90
"""Of the clock that a test moves on: what a busy machine takes for a test is nothing beside it."""
HASTY = Patience(silent_seconds=SILENT_SECONDS, rest_seconds=0, start_seconds=0, attempts=3)


class Office:
    """A pool without any worker, on a real server."""

    def __init__(self, client: SyncPrefectClient) -> None:
        self.client = client
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        self.flow = client.create_flow_from_name("film")
        self.deployment = client.create_deployment(
            self.flow, "film", work_pool_name=POOL, concurrency_limit=1
        )

    def taken(self, worker: str = "worker-1") -> UUID:
        """A run that a worker has taken."""
        run = self.client.create_flow_run_from_deployment(self.deployment).id
        self.take(run, worker)
        return run

    def take(self, run: UUID, worker: str) -> None:
        """Have a worker take a run, and say nothing of it any more."""
        self.client.update_flow_run_labels(run, {"prefect.worker.name": worker})
        self.client.set_flow_run_state(run, Pending())

    def begin(self, run: UUID, task: str) -> UUID:
        """Have a run film, with a task at work."""
        assert self.client.set_flow_run_state(run, Running()).status.value == "ACCEPT"
        asked = {
            "flow_run_id": str(run),
            "task_key": "take",
            "dynamic_key": str(time.monotonic()),
            "name": task,
            "state": {"type": "RUNNING"},
        }
        made = self.client._client.post("/task_runs/", json=asked)
        return UUID(made.raise_for_status().json()["id"])

    def child(self, task: UUID) -> UUID:
        """A run that a task of another run has begun in its own process."""
        asked = {"flow_id": str(self.flow), "parent_task_run_id": str(task)}
        made = self.client._client.post("/flow_runs/", json=asked)
        return UUID(made.raise_for_status().json()["id"])

    def read(self, run: UUID) -> FlowRun:
        """A run as the server tells it."""
        return self.client.read_flow_run(run)

    def state(self, run: UUID) -> str:
        """Name of a run's state."""
        return str(self.read(run).state_name)

    def places(self) -> int:
        """Places of the deployment that are taken."""
        limits = self.client._client.post("/v2/concurrency_limits/filter", json={}).json()
        return sum(int(limit["active_slots"]) for limit in limits if limit["limit"] == 1)


@pytest.fixture(name="office", scope="module")
def _office(prefect_client: SyncPrefectClient) -> Office:
    return Office(prefect_client)


def go_on(clock: pytest.MonkeyPatch, seconds: float) -> None:
    """Let the reaper's clock be ahead of everybody's."""
    ahead = timedelta(seconds=seconds)
    clock.setattr(reaper_module, "_now", lambda: datetime.now(UTC) + ahead)


def reap(*, attempts: int = 3, seconds: float = 2 * SILENT_SECONDS) -> int:
    """One round, after a while in which nobody is heard."""
    patience = HASTY.model_copy(update={"attempts": attempts})
    with pytest.MonkeyPatch.context() as clock:
        go_on(clock, seconds)
        return Reaper([POOL, "nowhere"], patience, is_hasty=True).round()


def test_a_dead_run_leaves_nothing_open(office: Office) -> None:
    """Nor does a run in its process; its place under the limit is free, and it is begun again."""
    run = office.taken()
    task = office.begin(run, "take s01-sc01-sh002-tk01")
    child = office.child(task)
    grandchild = office.begin(child, "take s01-sc01-sh002-tk01")
    assert office.places() == 1

    assert reap() == 1
    assert office.state(run) == "Crashed"
    assert office.state(child) == "Crashed"
    for one in (task, grandchild):
        assert office.client.read_task_run(one).state_name == "Crashed"
    assert office.places() == 0
    assert reap(seconds=0) == 1

    told = office.read(run)
    assert told.state_name == "AwaitingRetry"
    assert told.state is not None
    assert told.state.message == (
        "Goes on elsewhere, attempt 2 of 3: worker worker-1 in s01-sc01-sh002 crashed."
    )
    assert reap() == 0, "whoever waits for a worker is left alone"
    office.client.delete_flow_run(run)


def test_a_run_that_dies_before_it_begins(office: Office) -> None:
    """A worker that took it and died is missed, too."""
    run = office.taken()
    assert reap(seconds=0) == 0
    assert reap() == 1
    assert office.state(run) == "Crashed"
    office.client.delete_flow_run(run)


def test_nobody_is_left_to_cancel_a_run(office: Office) -> None:
    """It is cancelled with its tasks, and stays so."""
    run = office.taken()
    task = office.begin(run, "take s01-sc01-sh002-tk01")
    office.client.set_flow_run_state(run, Cancelling())

    assert reap() == 1

    assert office.state(run) == "Cancelled"
    assert office.client.read_task_run(task).state_name == "Cancelled"
    assert office.places() == 0
    assert reap(seconds=0) == 0
    office.client.delete_flow_run(run)


def test_a_shot_that_crashes_on_three_workers(office: Office) -> None:
    """The run is begun once more, and knows that a person is to be asked of that very shot."""
    run = office.taken("worker-1")
    for worker in ("worker-1", "worker-2", "worker-3"):
        office.take(run, worker)
        office.begin(run, "take s01-sc01-sh002-tk01")
        office.client.set_flow_run_state(run, Crashed())
        office.client.set_flow_run_state(run, Crashed())
        assert reap(seconds=0) == 1

    told = office.read(run)
    why = "on the floor at each of 3 crashes, on workers worker-1, worker-2, worker-3"
    assert told.state is not None
    assert told.state.name == "AwaitingRetry"
    assert told.state.message == f"Goes to review: shot s01-sc01-sh002 was {why}."
    assert crashed_shot(told.labels) == CrashedShot(shot="s01-sc01-sh002", why=why, count=3)

    office.take(run, "worker-4")
    office.begin(run, "take s01-sc01-sh002-tk01")
    office.client.set_flow_run_state(run, Crashed())
    assert reap(seconds=0) == 1
    state = office.read(run).state
    assert state is not None
    assert state.message == (
        "Goes on elsewhere, attempt 2 of 3: worker worker-4 in s01-sc01-sh002 crashed."
    )
    office.client.delete_flow_run(run)


def test_a_run_whose_last_attempt_crashed_is_given_up(office: Office) -> None:
    """It stays so; begun again by a person it has as many attempts."""
    run = office.taken()
    for shot in ("sh001", "sh002"):
        office.take(run, "worker-1")
        office.begin(run, f"take s01-sc01-{shot}-tk01")
        office.client.set_flow_run_state(run, Crashed())
        assert reap(attempts=2, seconds=0) == 1
    told = office.read(run).state
    assert told is not None
    assert (told.name, told.is_crashed()) == ("GivenUp", True)
    assert reap(attempts=2, seconds=0) == 0, "it stays given up"
    assert office.state(run) == "GivenUp"

    office.client.set_flow_run_state(run, AwaitingRetry())
    office.take(run, "worker-4")
    office.begin(run, "take s01-sc01-sh002-tk01")
    office.client.set_flow_run_state(run, Crashed())
    assert reap(attempts=2, seconds=0) == 1
    assert office.state(run) == "AwaitingRetry"
    office.client.delete_flow_run(run)


def test_a_run_that_ended_meanwhile_stays_as_it_ended(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks of the reaper it was completed after all."""
    run = office.taken()
    office.begin(run, "take s01-sc01-sh002-tk01")
    listed = office.read(run)
    office.client.set_flow_run_state(run, Completed())
    monkeypatch.setattr(Reaper, "_runs", lambda *_: [listed])

    assert reap() == 0

    assert office.state(run) == "Completed"
    office.client.delete_flow_run(run)


def test_another_reaper_was_faster(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waits for its next worker is not begun again."""
    run = office.taken()
    office.begin(run, "take s01-sc01-sh002-tk01")
    office.client.set_flow_run_state(run, Crashed())
    listed = office.read(run)
    assert reap(seconds=0) == 1
    before = office.read(run).state_id
    monkeypatch.setattr(Reaper, "_runs", lambda *_: [listed])

    assert reap(seconds=0) == 0

    assert office.read(run).state_id == before
    office.client.delete_flow_run(run)


def test_a_reaper_that_makes_no_rounds_is_not_well() -> None:
    """Whoever starts services asks it over HTTP."""
    port = free_port(None)
    reaper = Reaper([POOL, "nowhere"], HASTY)
    health = HealthCheck(path="/health", port=port)
    reaper_module._answer_health(reaper, port, stale_seconds=60)
    assert health.passes()

    reaper.asked -= 61

    assert not health.passes()


def test_silence_counts_from_when_somebody_listens(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reaper that has just begun, like a server that was just started, has heard nothing yet."""
    run = office.taken()
    office.begin(run, "take s01-sc01-sh002-tk01")
    go_on(monkeypatch, 200)
    reaper = Reaper([POOL, "nowhere"], HASTY)

    assert reaper.round() == 0
    go_on(monkeypatch, 260)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert reaper.round() == 0, "nobody answers"
    go_on(monkeypatch, 320)
    assert reaper.round() == 0, "somebody answers again"
    go_on(monkeypatch, 380)
    assert reaper.round() == 1
    office.client.delete_flow_run(run)


def test_a_worker_whose_runs_all_crash_is_drained(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once another worker has finished something; whatever it takes then is left to others."""
    runs = [office.client.create_flow_run_from_deployment(office.deployment).id for _ in range(5)]
    for run in runs[:3]:
        office.take(run, "worker-bad")
        office.client.set_flow_run_state(run, Crashed())
    assert reap(attempts=1, seconds=0) == 3
    assert why_drained(office.client, "worker-bad") is None

    office.take(runs[3], "worker-good")
    office.begin(runs[3], "take s01-sc01-sh002-tk01")
    office.client.set_flow_run_state(runs[3], Completed())
    office.take(runs[4], "worker-bad")
    office.client.set_flow_run_state(runs[4], Crashed())
    assert reap(seconds=0) == 1

    assert "last 3 runs crashed" in (why_drained(office.client, "worker-bad") or "")
    assert why_drained(office.client, "worker-good") is None
    office.take(runs[4], "worker-bad")
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(runs[4]))
    monkeypatch.setenv("PREFECT__WORKER_NAME", "worker-bad")
    shift.main()
    told = office.read(runs[4]).state
    assert told is not None
    assert told.name == "AwaitingRetry"
    assert told.message is not None
    assert "worker-bad is drained, since its last 3 runs crashed" in told.message
    for run in runs:
        office.client.delete_flow_run(run)
