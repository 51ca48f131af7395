"""
Tasks of the production office: a season's episodes are admitted, submitted and reported.

    submit ── the night's run of that episode ──┬── there: joined, unless it failed or has work
                                                └── not there: made, under the night's key
    watch ─── a worker films it ── done, failed, cancelled, suspended
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
from prefect import Task, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.client.schemas.objects import FlowRun, State, StateType, TaskRun
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from onestory import errors
from onestory.dailies.season import Job, SeasonReport
from onestory.documents import Frozen
from onestory.errors import ReviewNeededError, StudioError
from onestory.production.night import (
    Admission,
    Outcome,
    admissions_in_markdown,
    admit,
    report,
    report_in_markdown,
    standing_in_markdown,
)
from onestory.production.season import (
    GIVEN_UP,
    Crew,
    Season,
    SeasonEpisode,
    SeasonOrder,
    night_key,
    read_season,
)
from tasks._bridge import settings, unit
from tasks._policy import RETRIED, RetryPolicy
from tasks.moving import way_of
from tasks.report import emit

PRODUCE = "produce-episode/produce-episode"
"""The deployment by which workers film."""
ASK_EVERY_SECONDS = 3.0
BELIEVED_SECONDS = 60.0
"""After how long a crashed run counts as failed: until then it may yet go on elsewhere."""

JOBS: Mapping[StateType, Job] = {
    StateType.COMPLETED: "done",
    StateType.FAILED: "failed",
    StateType.CRASHED: "failed",
    StateType.CANCELLED: "cancelled",
    StateType.PAUSED: "suspended",
    StateType.RUNNING: "running",
    StateType.CANCELLING: "running",
    StateType.PENDING: "waiting",
    StateType.SCHEDULED: "waiting",
}


UNTOLD = ("Scheduled", "Pending", "Running")
"""Names of states that say no more than the job does."""
RAISED = "Flow run encountered an exception: "
"""What Prefect says before the words of an error."""


class Night(Frozen):
    """What is produced in one night."""

    season: Season
    name: str
    crew: Crew
    until: datetime | None = None
    """When what is not done is reported as it stands; None: never."""

    @property
    def is_over(self) -> bool:
        """Whether nothing is waited for any more."""
        return self.until is not None and datetime.now(UTC) >= self.until


AWAY = (httpx.TransportError, PrefectHTTPStatusError)
"""Errors of a dashboard that does not answer."""

watchers: list[Callable[[Outcome], None]] = []
"""Called with what became of every episode, in the flow's own process."""
_shown: dict[tuple[str, str], UUID] = {}
"""Tables on the dashboard, by run and name."""


async def _is_away(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether the dashboard did not answer: the same episode may be submitted again."""
    error = await state.result(raise_on_failure=False)  # type: ignore[misc]
    return isinstance(error, AWAY)


PATIENT = RetryPolicy(
    retries=5, retry_delay_seconds=[2.0, 5.0, 10.0, 30.0, 60.0], retry_condition_fn=_is_away
)
"""`@task(**PATIENT)`: a server that is started anew is waited for."""


@task(task_run_name="read {order.name}", **RETRIED)
async def read(order: SeasonOrder) -> Night:
    """Read SEASON.yaml, and say which night it is."""
    return _night_of(order)


@task(task_run_name="admit {episode.episode}", **RETRIED)
async def admit_episode(episode: SeasonEpisode, admitted: Mapping[str, Admission]) -> Admission:
    """Say whether an episode can be filmed, and what that would take."""
    return await admit(unit(), episode, admitted, settings().mlflow_tracking_uri)


@task(task_run_name="submit {episode.episode}", **PATIENT)
async def submit(night: Night, episode: SeasonEpisode, admission: Admission) -> Outcome:
    """Order an episode from the workers, once in a night."""
    return await _submitted(night, episode, admission)


@task(task_run_name="film {episode.episode}", **PATIENT)
async def watch(night: Night, episode: SeasonEpisode, submitted: Outcome) -> Outcome:
    """Wait until a worker has filmed an episode, or the night is over."""
    return await _watched(night, episode, submitted)


@task(task_run_name="report {night.season.season}", **RETRIED)
async def report_night(night: Night, outcomes: Sequence[Outcome]) -> SeasonReport:
    """Say what every episode has by now, as a page and as JSON."""
    return await report(unit(), night.season, night.name, outcomes)


@dataclass(frozen=True, slots=True)
class Board:
    """Where every episode stands, as the dashboard shows it until the report replaces it."""

    night: Night
    admissions: Sequence[Admission]
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """What is known of those that were submitted or left out, by id."""

    async def show(self, *outcomes: Outcome) -> None:
        """Show where some episodes stand by now, beside all others."""
        self.outcomes.update({one.episode: one for one in outcomes})
        season = self.night.season
        table = standing_in_markdown(self.admissions, self.outcomes)
        words = f"Where every episode stands: {season.title}, {self.night.name}"
        try:
            await _show_season(season.season, table, words)
        except AWAY as error:
            # A table that is late is put right by the next one; no night ends for it.
            get_run_logger().warning("the season's table could not be shown: %s", error)


def left_out(episode: SeasonEpisode, before: Sequence[Outcome]) -> Outcome | None:
    """What is said of an episode that comes after others that are not done; None if all are."""
    missing = [f"{one.episode} is {one.job}" for one in before if one.job != "done"]
    if not missing:
        return None
    why = f"comes after others: {', '.join(missing)}"
    return Outcome(episode=episode.episode, job="waiting", why=why)


def in_own_words(message: str) -> str:
    """What an error says, without what Prefect says before it; kinds of our own name nothing."""
    kind, colon, words = message.removeprefix(RAISED).partition(": ")
    return words if colon and hasattr(errors, kind) else message.removeprefix(RAISED)


def outcome_of(episode: SeasonEpisode, state: State[Any], run: str) -> Outcome:
    """What the state of an episode's run says of it."""
    job = JOBS[state.type]
    words = state.message or ("" if state.name in UNTOLD else state.name) or ""
    why = "" if job == "done" else in_own_words(words)
    return Outcome(episode=episode.episode, job=job, why=why, flow_run=run)


async def outcome_here(episode: SeasonEpisode, state: State[Any]) -> Outcome:
    """What the state of a run in this process says, which cannot ask a person anything."""
    outcome = outcome_of(episode, state, str(state.state_details.flow_run_id or ""))
    error = await state.aresult(raise_on_failure=False)
    is_asked = isinstance(error, ReviewNeededError)
    return outcome.model_copy(update={"job": "suspended"}) if is_asked else outcome


async def announce_admissions(night: Night, admissions: Sequence[Admission]) -> None:
    """Show what was decided of every episode."""
    await acreate_markdown_artifact(
        markdown=admissions_in_markdown(admissions),
        key=f"admission-{night.season.season}",
        description=f"What can be filmed, and what cannot: {night.season.title}, {night.name}",
    )


def announce_outcome(outcome: Outcome) -> None:
    """Say what became of an episode."""
    for watch in watchers:
        watch(outcome)
    emit(f"onestory.season.{outcome.job}", outcome.episode, outcome.model_dump(mode="json"))


async def announce_season(told: SeasonReport) -> None:
    """Put the table of episodes on the dashboard."""
    jobs = {one.episode: one.job for one in told.episodes}
    emit("onestory.season.reported", told.season, {"night": told.night, "episodes": jobs})
    words = f"What came of every episode: {told.title}, {told.night}"
    await _show_season(told.season, report_in_markdown(told), words)


async def _show_season(season: str, markdown: str, description: str) -> None:
    """One artifact of a run, which changes: not one for every change."""
    key = f"season-{season}"
    run = (str(flow_run.id), key)
    if run not in _shown:
        _shown[run] = await acreate_markdown_artifact(
            markdown=markdown, key=key, description=description
        )
        return
    changed = ArtifactUpdate(data=markdown, description=description)
    async with get_client() as client:
        await client.update_artifact(_shown[run], changed)


def ended(told: SeasonReport) -> State[SeasonReport]:
    """The state of a night: a failed episode is a failed run of its own, not of the season."""
    name = "Completed" if told.of_job("done") == told.episodes else "Partly"
    return Completed(name=name, message=told.in_words, data=told)


def _night_of(order: SeasonOrder) -> Night:
    now = datetime.now(UTC)
    return Night(
        season=read_season(order),
        # A run that begins late, or again, belongs to the night that it was meant for.
        name=order.night_of(flow_run.scheduled_start_time or now),
        crew=order.crew,
        until=now + timedelta(hours=order.hours) if order.hours else None,
    )


async def _submitted(night: Night, episode: SeasonEpisode, admission: Admission) -> Outcome:
    """Where the night's run of an episode stands, which is there from now on."""
    async with get_client() as client:
        offered, earlier = await _deployment(client), list[str]()
        for attempt in count(1):
            key = night_key(night.season, episode, night=night.name, attempt=attempt)
            same = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[key]))
            known = await client.read_flow_runs(flow_run_filter=same)
            if not known:
                break
            way = await way_of(client, known[0])
            if not _is_over(way[-1], admission):
                break
            earlier.extend(str(run.id) for run in way)
        # Two who submit at once get the same run: the server keeps to the key.
        run = await client.create_flow_run_from_deployment(
            offered,
            parameters={"order": episode.order.model_dump(mode="json")},
            name=episode.order.name,
            idempotency_key=key,
            work_queue_name=episode.queue,
            tags=[f"season {night.season.season}", f"night {night.name}"],
        )
        way = await way_of(client, run)
    found = {"is_joined": bool(known), "earlier_runs": tuple(earlier)}
    return _standing(episode, *way).model_copy(update=found)


async def _watched(night: Night, episode: SeasonEpisode, submitted: Outcome) -> Outcome:
    outcome, found = submitted, {"is_joined", "earlier_runs"}
    ordered = UUID([*submitted.moved_from, submitted.flow_run][0])
    async with get_client() as client:
        while outcome.is_under_way and not night.is_over:
            await asyncio.sleep(ASK_EVERY_SECONDS)
            run = await client.read_flow_run(ordered)
            outcome = _standing(episode, *await way_of(client, run))
    return outcome.model_copy(update=submitted.model_dump(include=found))


def _standing(episode: SeasonEpisode, *way: FlowRun) -> Outcome:
    """What is known of an episode, of whose runs the last one films."""
    *left, run = way
    moved: dict[str, Any] = {
        "moved_from": tuple(str(one.id) for one in left),
        "moved_to": str(run.work_pool_name) if left else "",
    }
    if run.state is None:
        return Outcome(episode=episode.episode, job="waiting", flow_run=str(run.id), **moved)
    outcome = outcome_of(episode, run.state, str(run.id))
    if may_go_on(run.state):
        moved["job"] = "waiting"
    return outcome.model_copy(update=moved)


def may_go_on(state: State[Any]) -> bool:
    """Whether a run has crashed just now: it is begun again unless it was given up."""
    if not state.is_crashed() or state.name == GIVEN_UP:
        return False
    return datetime.now(UTC) - state.timestamp < timedelta(seconds=BELIEVED_SECONDS)


def _is_over(run: FlowRun, admission: Admission) -> bool:
    """Whether a run has ended and left something to do."""
    if run.state is None or not run.state.is_final() or may_go_on(run.state):
        return False
    return not run.state.is_completed() or admission.to_film > 0


async def _deployment(client: PrefectClient) -> UUID:
    try:
        return (await client.read_deployment_by_name(PRODUCE)).id
    except ObjectNotFound as error:
        raise StudioError(
            f"no worker would film anything: there is no deployment {PRODUCE}",
            hint="onestory studio up --worker offers it; or film here",
        ) from error
