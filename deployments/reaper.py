"""
Who notices that a worker died? The reaper, which looks at the runs of work pools in rounds.

    every 10 s ── runs that are at work, or have crashed ── latest sign of life ── reaping.rule
                     ▲                                                                  │
                     └── crashed, with all that it left open ◄── and begun again ◄──────┘

A sign of life is any event that names the run: Prefect's heartbeats, which `prefect.yaml` asks
for every 30 s, those of a shift that waits for its turn, and whatever its tasks report. A server
that was away has heard nothing, nor has a machine that slept: so silence counts only as long as
this process itself has been asking and getting answers.

Several reapers may be at work, here or elsewhere. Each looks once more before it acts, crashes
only what has not ended, and counts nothing of its own. A worker whose runs keep crashing while
those of others do not is drained: see `deployments.draining`.

    python -P -m deployments.reaper [--pool onestory …] [--every 10] [--silent 75]
                                    [--attempts 3] [--rest 20] [--port PORT] [--once]

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
    FlowRunFilterExpectedStartTime,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterStartTime,
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
from prefect.client.schemas.responses import SetStateStatus
from prefect.events.filters import EventAnyResourceFilter, EventFilter
from prefect.exceptions import PrefectException
from prefect.states import AwaitingRetry, Cancelled, Crashed

from deployments.draining import IN_A_ROW, Shift, crashed_shifts, drain, failing_workers
from deployments.reaping import (
    WORKER,
    Moment,
    Patience,
    Ruling,
    Sighting,
    Step,
    crash_labels,
    crash_now,
    crashes_in,
    forgiven_crashes,
    labelled_crashes,
    rule,
)
from deployments.studio.services import POOL
from onestory.production.season import GIVEN_UP

logger = logging.getLogger("onestory.deployments.reaper")

EVERY_SECONDS = 10.0
PAGE = 200
"""How many runs Prefect's server tells at once."""
AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
ENDED_WELL = (StateType.COMPLETED, StateType.FAILED)
OPEN = [*AT_WORK, StateType.SCHEDULED, StateType.PAUSED]
AWAY = (httpx.HTTPError, PrefectException)
"""What a server that is away, busy, or just being started raises, and what a run does that
somebody has deleted meanwhile."""


class Reaper:
    """Looks after the flow runs of some work pools."""

    def __init__(self, pools: Sequence[str], patience: Patience, *, is_hasty: bool = False) -> None:
        """
        Begin to look after pools.

        Args:
            pools: Names of the work pools; one that is not there has no runs.
            patience: How long is waited, and how often a run is tried.
            is_hasty: Whether silence counts that was before this process began to listen.
        """
        self.pools = [*pools]
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
                number = sum(self._looked_after(client, run) for run in self._runs(client))
        except AWAY as error:
            self._listens_since = _now()
            logger.warning("reaper.server_away pools=%s error=%r", self.pools, error)
            return 0
        finally:
            self._last_round = _now()
        self._drain()
        return number

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
        at_work = _all_runs(client, FlowRunFilter(state=_in(AT_WORK)), self.pools)
        return [*at_work, *_all_runs(client, crashed, self.pools)]

    def _looked_after(self, client: SyncPrefectClient, run: FlowRun) -> bool:
        """Whether something was done with a run."""
        try:
            seen = self._seen(client, run)
            ruling = rule(seen, self.patience)
            if ruling is None or not _is_as_seen(client, run):
                return False
            if not _done(client, run, ruling, self.patience):
                return False
        except AWAY as error:
            logger.warning("reaper.run_left run=%s name=%s error=%r", run.id, run.name, error)
            return False
        logger.info("reaper.%s run=%s name=%s %s", ruling.deed, run.id, run.name, ruling.words)
        return True

    def _drain(self) -> None:
        """Drain the workers of which nothing comes any more."""
        try:
            with get_client(sync_client=True) as client:
                for worker in failing_workers(self._shifts(client)):
                    why = f"its last {IN_A_ROW} runs crashed, while those of other workers did not"
                    if drain(client, worker, why):
                        logger.warning("reaper.drain worker=%s: %s", worker, why)
        except AWAY as error:
            logger.warning("reaper.nobody_drained pools=%s error=%r", self.pools, error)

    def _shifts(self, client: SyncPrefectClient) -> Iterator[Shift]:
        """What workers have ended of late."""
        since = _now() - timedelta(seconds=self.patience.forget_seconds)
        # What crashes before it begins to film, as on a broken machine, has never been started.
        of_late = (
            FlowRunFilter(start_time=FlowRunFilterStartTime(after_=since)),
            FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime(after_=since)),
        )
        runs = [run for wanted in of_late for run in _all_runs(client, wanted, self.pools)]
        for run in {run.id: run for run in runs}.values():
            yield from crashed_shifts(run.labels)
            # A failure is the film's own: its worker did what it should.
            if run.end_time and run.state_type in ENDED_WELL and WORKER in run.labels:
                worker = str(run.labels[WORKER])
                yield Shift(worker=worker, ended=run.end_time, has_crashed=False)

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
            return seen.model_copy(update=_noted_crashes(client, run))
        if seen.silent_seconds <= self.patience.silent_seconds:
            return seen
        heard = max(self._listens_since, _heard(client, run.id))
        return seen.model_copy(update={"heard": heard})


def _done(client: SyncPrefectClient, run: FlowRun, ruling: Ruling, patience: Patience) -> bool:
    """Do what was ruled on a run; whether the server agreed."""
    state: State[None]
    ends: State[None]
    if ruling.deed == "crash":
        state, ends = Crashed(message=ruling.words), Crashed(message="Its worker died.")
    elif ruling.deed == "cancel":
        state = Cancelled(message=ruling.words)
        ends = Cancelled(message="Its flow run was cancelled.")
    elif ruling.deed in ("begin again", "ask a person"):
        start = _now() + timedelta(seconds=patience.start_seconds)
        state = AwaitingRetry(scheduled_time=start, message=ruling.words)
        ends = Crashed(message="Its flow run crashed.")
    else:
        state = Crashed(name=GIVEN_UP, message=ruling.words)
        ends = Crashed(message="Its flow run crashed.")
    # Of runs that their worker reported as crashed, nobody has closed the tasks yet: that comes
    # first, since whoever begins them again opens others.
    if run.state_type == StateType.CRASHED:
        _close(client, run.id, ends)
        # That takes a while, and another reaper may be faster.
        if not _is_as_seen(client, run):
            return False
        if ruling.crashed is not None:
            client.update_flow_run_labels(run.id, ruling.crashed.as_labels())
    # By force only what has ended already, and gets another name: all else stays as it ended.
    answer = client.set_flow_run_state(run.id, state, force=ruling.deed == "give up")
    is_agreed = answer.status == SetStateStatus.ACCEPT
    if is_agreed and run.state_type != StateType.CRASHED:
        _close(client, run.id, ends)
    return is_agreed


def _is_as_seen(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether nobody has acted since a run was listed."""
    return client.read_flow_run(run.id).state_id == run.state_id


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


def _noted_crashes(client: SyncPrefectClient, run: FlowRun) -> dict[str, Any]:
    """
    What a run has crashed of; the latest is noted before the next worker takes the run.

    Returns:
        Fields of its `Sighting`.
    """
    history = sorted(
        (_moment(state) for state in client.read_flow_run_states(run.id)), key=lambda one: one.at
    )
    steps = [
        Step(name=task.name, began=task.start_time)
        for task in _steps(client, run.id, [*OPEN, StateType.CRASHED])
    ]
    number, forgiven = crashes_in(history)
    crash = crash_now(history, steps, run.labels)
    client.update_flow_run_labels(run.id, crash_labels(number, crash, history[-1].at))
    forgiven = max(forgiven, forgiven_crashes(run.labels))
    counted = (*labelled_crashes(forgiven + 1, number - 1, run.labels), crash)
    return {"crashes": counted, "forgiven": forgiven}


def _heard(client: SyncPrefectClient, run: UUID) -> datetime:
    """When the latest event was that names a run."""
    named = EventAnyResourceFilter(id=[f"prefect.flow-run.{run}"])
    page = client.read_events(EventFilter(any_resource=named), limit=1)
    return page.events[0].occurred if page.events else datetime.min.replace(tzinfo=UTC)


def _all_runs(
    client: SyncPrefectClient, wanted: FlowRunFilter, pools: list[str] | None = None
) -> Iterator[FlowRun]:
    within = WorkPoolFilter(name=WorkPoolFilterName(any_=pools)) if pools else None
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
    parser.add_argument(
        "--pool", nargs="+", default=[POOL], help="Work pools whose runs are looked after."
    )
    parser.add_argument("--every", type=float, default=EVERY_SECONDS, help="Seconds of a round.")
    parser.add_argument(
        "--silent",
        type=float,
        default=usual.silent_seconds,
        help="Seconds without a sign of life, of which Prefect's are 30 s apart, after which a "
        "run's worker is dead.",
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
    logger.info("reaper.begins pools=%s %s", asked.pool, patience)
    while True:
        reaper.round()
        if asked.once:
            return
        time.sleep(asked.every)


if __name__ == "__main__":
    main()
