"""
Who notices that a worker died? The reaper, which looks at the runs of the work pool in rounds.

    every 10 s ── runs that are at work, or have crashed ── latest sign of life ── reaping.rule
                     ▲                                                                  │
                     └── crashed, with all that it left open ◄── and begun again ◄──────┘

A sign of life is any event that names the run: Prefect's heartbeats, which `prefect.yaml` asks
for every 30 s, those of a shift that waits for its turn, and whatever its tasks report. A server
that was away has heard nothing, nor has a machine that slept: so silence counts only as long as
this process itself has been asking and getting answers.

Several reapers may be at work, here or elsewhere. Each looks once more before it acts, crashes
only what has not ended, and counts nothing of its own.

    python -P -m deployments.reaper [--pool onestory] [--every 10] [--silent 75] [--attempts 3]
                                    [--rest 20] [--port PORT] [--once]

It talks to the Prefect server of PREFECT_API_URL. With --port it answers GET /health there.
"""

import argparse
import http
import logging
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun
from prefect.events.filters import EventAnyResourceFilter, EventFilter
from prefect.exceptions import PrefectException
from prefect.states import AwaitingRetry, Cancelled, Crashed

from deployments.reaping import (
    Crash,
    Moment,
    Patience,
    Ruling,
    Sighting,
    Step,
    crash_labels,
    crash_now,
    crashes_in,
    labelled_crashes,
    rule,
)
from deployments.studio.services import POOL
from tasks.season import GIVEN_UP

logger = logging.getLogger("onestory.deployments.reaper")

EVERY_SECONDS = 10.0
PAGE = 200
"""How many runs Prefect's server tells at once."""
AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
OPEN = [*AT_WORK, StateType.SCHEDULED, StateType.PAUSED]
AWAY = (httpx.HTTPError, PrefectException)
"""What a server that is away, busy, or just being started raises, and what a run does that
somebody has deleted meanwhile."""


class Reaper:
    """Looks after the flow runs of one work pool."""

    def __init__(self, pool: str, patience: Patience, *, is_hasty: bool = False) -> None:
        """
        Begin to look after a pool.

        Args:
            pool: Name of the work pool.
            patience: How long is waited, and how often a run is tried.
            is_hasty: Whether silence counts that was before this process began to listen.
        """
        self.pool = pool
        self.patience = patience
        self.asked = time.monotonic()
        """When the last round began."""
        self._listens_since = datetime.min.replace(tzinfo=UTC) if is_hasty else _now()
        self._last_round = _now()

    def round(self) -> int:
        """
        Look at every run once, and do what is to be done.

        A server that does not answer is logged: the next round asks again.

        Returns:
            How many runs something was done with.
        """
        self.asked = time.monotonic()
        now = _now()
        # A machine that slept has heard nothing; its clock ran on.
        if (now - self._last_round).total_seconds() > self.patience.silent_seconds:
            self._listens_since = now
        try:
            with get_client(sync_client=True) as client:
                return sum(self._looked_after(client, run) for run in self._runs(client))
        except AWAY as error:
            self._listens_since = _now()
            logger.warning("reaper.server_away pool=%s error=%r", self.pool, error)
            return 0
        finally:
            self._last_round = _now()

    def _runs(self, client: SyncPrefectClient) -> list[FlowRun]:
        """Those at work, and those that crashed of late."""
        crashed = FlowRunFilter(
            state=FlowRunFilterState(
                type=FlowRunFilterStateType(any_=[StateType.CRASHED]),
                name=FlowRunFilterStateName(not_any_=[GIVEN_UP]),
            ),
            end_time=FlowRunFilterEndTime(
                after_=_now() - timedelta(seconds=self.patience.forget_seconds)
            ),
        )
        # All of them before anything is done: a run that crashes in this round may rest.
        at_work = _all_runs(client, FlowRunFilter(state=_in(AT_WORK)), self.pool)
        return [*at_work, *_all_runs(client, crashed, self.pool)]

    def _looked_after(self, client: SyncPrefectClient, run: FlowRun) -> bool:
        """Whether something was done with a run."""
        try:
            seen = self._seen(client, run)
            ruling = rule(seen, self.patience)
            # Somebody else may have acted since it was listed.
            if ruling is None or client.read_flow_run(run.id).state_id != run.state_id:
                return False
            _do(client, run, ruling, self.patience)
        except AWAY as error:
            logger.warning("reaper.run_left run=%s name=%s error=%r", run.id, run.name, error)
            return False
        logger.info("reaper.%s run=%s name=%s %s", ruling.deed, run.id, run.name, ruling.words)
        return True

    def _seen(self, client: SyncPrefectClient, run: FlowRun) -> Sighting:
        assert run.state is not None
        seen = Sighting(
            name=run.name, now=_now(), state=_moment(run.state), heard=self._listens_since
        )
        # Most runs are well or at rest: they are looked at no closer than that.
        if run.state.is_crashed():
            rested = seen.now - run.state.timestamp
            if rested.total_seconds() < self.patience.rest_seconds:
                return seen
            return seen.model_copy(update={"crashes": tuple(_noted_crashes(client, run))})
        if seen.silent_seconds <= self.patience.silent_seconds:
            return seen
        heard = max(self._listens_since, _heard(client, run.id))
        return seen.model_copy(update={"heard": heard})


def _do(client: SyncPrefectClient, run: FlowRun, ruling: Ruling, patience: Patience) -> None:
    """Do what was ruled on a run."""
    if ruling.deed == "crash":
        # Not by force: whatever has ended meanwhile stays as it ended.
        client.set_flow_run_state(run.id, Crashed(message=ruling.words))
        _close(client, run.id, Crashed(message="Its worker died."))
    elif ruling.deed == "cancel":
        client.set_flow_run_state(run.id, Cancelled(message=ruling.words))
        _close(client, run.id, Cancelled(message="Its flow run was cancelled."))
    else:
        # Of runs that their worker reported as crashed, nobody has closed the tasks yet.
        _close(client, run.id, Crashed(message="Its flow run crashed."))
        if ruling.deed == "begin again":
            start = _now() + timedelta(seconds=patience.start_seconds)
            client.set_flow_run_state(
                run.id, AwaitingRetry(scheduled_time=start, message=ruling.words)
            )
        else:
            # By force: it has ended already, and only its name and its message are new.
            given_up: State[None] = Crashed(name=GIVEN_UP, message=ruling.words)
            client.set_flow_run_state(run.id, given_up, force=True)


def _close(client: SyncPrefectClient, run: UUID, end: State[None]) -> None:
    """End what a dead run has left open: its task runs, and the runs that were in its process."""
    for task in _steps(client, run, OPEN):
        client.set_task_run_state(task.id, end, force=True)
    children = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]), state=_in(OPEN)
    )
    for child in list(_all_runs(client, children)):
        # A child with a deployment has a worker of its own.
        if child.deployment_id is None:
            client.set_flow_run_state(child.id, end)
            _close(client, child.id, end)


def _noted_crashes(client: SyncPrefectClient, run: FlowRun) -> list[Crash]:
    """What a run has crashed of; the latest is noted before the next worker takes the run."""
    history = sorted(
        (_moment(state) for state in client.read_flow_run_states(run.id)), key=lambda one: one.at
    )
    steps = [
        Step(name=task.name, began=task.start_time)
        for task in _steps(client, run.id, [*OPEN, StateType.CRASHED])
    ]
    number, forgiven = crashes_in(history)
    crash = crash_now(history, steps, run.labels)
    client.update_flow_run_labels(run.id, crash_labels(number, crash))
    return [*labelled_crashes(forgiven + 1, number - 1, run.labels), crash]


def _heard(client: SyncPrefectClient, run: UUID) -> datetime:
    """When the latest event was that names a run."""
    named = EventAnyResourceFilter(id=[f"prefect.flow-run.{run}"])
    page = client.read_events(EventFilter(any_resource=named), limit=1)
    return page.events[0].occurred if page.events else datetime.min.replace(tzinfo=UTC)


def _all_runs(
    client: SyncPrefectClient, wanted: FlowRunFilter, pool: str | None = None
) -> Iterator[FlowRun]:
    within = WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])) if pool else None
    for offset in count(0, PAGE):
        page = client.read_flow_runs(
            flow_run_filter=wanted, work_pool_filter=within, limit=PAGE, offset=offset
        )
        yield from page
        if len(page) < PAGE:
            return


def _steps(client: SyncPrefectClient, run: UUID, types: Sequence[StateType]) -> list[TaskRun]:
    """Task runs of a run, by the type of their state."""
    of_run = FlowRunFilter(id=FlowRunFilterId(any_=[run]))
    in_state = TaskRunFilterState(type=TaskRunFilterStateType(any_=[*types]))
    found: list[TaskRun] = []
    for offset in count(0, PAGE):
        page = client.read_task_runs(
            flow_run_filter=of_run,
            task_run_filter=TaskRunFilter(state=in_state),
            limit=PAGE,
            offset=offset,
        )
        found += page
        if len(page) < PAGE:
            return found
    return found


def _in(types: Sequence[StateType]) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=[*types]))


def _moment(state: State[Any]) -> Moment:
    return Moment(at=state.timestamp, type=state.type.value, name=state.name or "")


def _now() -> datetime:
    return datetime.now(UTC)


class _Health(BaseHTTPRequestHandler):
    """Says whether rounds are being made."""

    def __init__(self, reaper: Reaper, stale_seconds: float, *rest: Any) -> None:
        self._reaper, self._stale_seconds = reaper, stale_seconds
        super().__init__(*rest)

    def do_GET(self) -> None:
        is_well = time.monotonic() - self._reaper.asked < self._stale_seconds
        self.send_response(http.HTTPStatus.OK if is_well else http.HTTPStatus.SERVICE_UNAVAILABLE)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: it is asked every few seconds."""


def _answer_health(reaper: Reaper, port: int, stale_seconds: float) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Health, reaper, stale_seconds))
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Make rounds until this process is ended."""
    usual = Patience()
    parser = argparse.ArgumentParser(
        description="Has flow runs whose worker died go on elsewhere.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--pool", default=POOL, help="Work pool whose runs are looked after.")
    parser.add_argument("--every", type=float, default=EVERY_SECONDS, help="Seconds of a round.")
    parser.add_argument(
        "--silent",
        type=float,
        default=usual.silent_seconds,
        help="Seconds without a sign of life after which a run's worker is dead.",
    )
    parser.add_argument(
        "--attempts", type=int, default=usual.attempts, help="How often a run is begun in all."
    )
    parser.add_argument(
        "--rest",
        type=float,
        default=usual.rest_seconds,
        help="Seconds that a crashed run is left alone before it is begun again.",
    )
    parser.add_argument("--port", type=int, help="Loopback port that answers GET /health.")
    parser.add_argument(
        "--once",
        action="store_true",
        help="One round; silence counts that was before it, so not just after a server started.",
    )
    asked = parser.parse_args()
    # By force: Prefect has set up logging when it was imported.
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    patience = Patience(
        silent_seconds=asked.silent, attempts=asked.attempts, rest_seconds=asked.rest
    )
    reaper = Reaper(asked.pool, patience, is_hasty=asked.once)
    if asked.port is not None:
        _answer_health(reaper, asked.port, stale_seconds=60.0 + 3 * asked.every)
    logger.info("reaper.begins pool=%s %s", asked.pool, patience)
    while True:
        reaper.round()
        if asked.once:
            return
        time.sleep(asked.every)


if __name__ == "__main__":
    main()
