"""
What happens between `onestory season` and the report of the night?

    SEASON.yaml read ── studio up ──┬── a worker is there ── each episode is a run for workers
                                    └── none is ── every episode locked ── filmed here, in turn
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.locks import only_producer
from deployments.opening import PLANNING, open_unit
from deployments.producing import mended
from deployments.studio.embedded import studio
from deployments.studio.services import POOL
from deployments.studio.settings import StudioSettings
from deployments.verbs import ordered, table
from onestory.errors import OneStoryError
from onestory.production.season import SeasonOrder, read_season

if TYPE_CHECKING:
    from onestory.dailies.season import SeasonReport
    from onestory.production.night import Admission, Outcome
    from onestory.production.unit import Unit

Say = Callable[[str], None]


def season_order_of(*, here: bool, **fields: Any) -> SeasonOrder:
    """
    The order that the flags describe.

    Raises:
        OrderError: If a flag asks for something that cannot be had.
    """
    fields["season"] = str(Path(fields["season"]).resolve())
    return ordered(SeasonOrder, fields | {"crew": "here" if here else "workers"})


def filmed_here(order: SeasonOrder) -> tuple[str, ...]:
    """Ids of the episodes that the order's own run films, sorted; none if it cannot be read."""
    with suppress(OneStoryError):
        if order.crew == "here":
            return tuple(sorted(one.episode for one in read_season(order).episodes))
    return ()


def admissions(order: SeasonOrder, settings: StudioSettings) -> dict[str, Any]:
    """Whether every episode can be filmed, and what that would take; spends nothing."""
    from onestory.production.night import admit

    season = read_season(order)

    async def admitted(unit: "Unit", tracking_uri: str) -> "list[Admission]":
        found: dict[str, Admission] = {}
        for episode in season.in_turn():
            found[episode.episode] = await admit(unit, episode, found, tracking_uri)
        return [*found.values()]

    with open_unit(settings, PLANNING) as (unit, addresses):
        found = asyncio.run(admitted(unit, addresses.mlflow_tracking_uri))
    return {
        "season": season.season,
        "is_admitted": all(one.is_admitted for one in found),
        "episodes": [one.model_dump(mode="json") | {"decision": one.decision} for one in found],
    }


def admissions_text(document: Mapping[str, Any]) -> str:
    """What is decided of every episode, as a table."""
    rows = [
        (one["episode"], one["title"], one["queue"], one["decision"])
        for one in document["episodes"]
    ]
    none = "" if document["is_admitted"] else "\nno episode would be filmed: mend these first"
    return table(("episode", "title", "queue", "decision"), rows) + none


def produce(order: SeasonOrder, settings: StudioSettings, *, say: Say) -> dict[str, Any]:
    """
    Have every episode filmed, by workers if there are any, and wait for them all.

    Args:
        order: Which season; whether workers are wanted at all.
        settings: Which studio.
        say: Called with one line for whatever happens.

    Returns:
        The report, with the exit code: 0 all are done, 3 shots wait for review, 4 an episode
        waits for a person, 1 an episode is not done.

    Raises:
        OneStoryError: Whatever stood in the way of the whole season.
    """
    season, started = read_season(order), time.perf_counter()
    with studio(settings) as addresses, ExitStack() as work:
        os.environ.update(addresses.as_environment())
        if order.crew == "workers" and not asyncio.run(_has_workers()):
            order = order.model_copy(update={"crew": "here"})
        for episode in filmed_here(order):
            work.enter_context(only_producer(settings.home, episode))
        for line in addresses.summary().splitlines():
            say(line)
        say(f"{len(season.episodes)} episodes, crew: {order.crew}")
        with mended(settings):
            told, flow_run = _run_flow(order, say)
    return told.model_dump(mode="json") | {
        "exit_code": _exit_code(told),
        "flow_run": flow_run,
        "seconds": round(time.perf_counter() - started, 2),
    }


def report_text(document: Mapping[str, Any]) -> str:
    """The report as a table."""
    from onestory.dailies.season import EpisodeReport

    heads = ("episode", "state", "shots", "takes", "seconds", "yield", "drift", "why")
    episodes = [EpisodeReport.model_validate(one) for one in document["episodes"]]
    rows = [
        (
            one.episode,
            one.job,
            f"{one.num_circled} of {one.num_shots}",
            str(one.num_takes_tonight),
            f"{one.render_seconds:.1f}",
            "" if one.yield_share is None else f"{100 * one.yield_share:.0f} %",
            one.drift_words,
            one.why,
        )
        for one in episodes
    ]
    return f"{table(heads, rows)}\npage  {document['page']}"


async def _has_workers() -> bool:
    """Whether somebody carries out what is submitted."""
    # Prefect reads its settings at import.
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    async with get_client() as client:
        try:
            workers = await client.read_workers_for_work_pool(POOL)
        except ObjectNotFound:
            return False
    return any(worker.status == "ONLINE" for worker in workers)


def _run_flow(order: SeasonOrder, say: Say) -> "tuple[SeasonReport, str]":
    from deployments.live import Lines
    from flows.season import produce_season
    from tasks import report
    from tasks import season as office

    def tell(outcome: "Outcome") -> None:
        joined = "its run was there" if outcome.is_joined else ""
        moved = f"moved to the pool {outcome.moved_to}" if outcome.moved_to else ""
        say("  ".join(filter(None, (outcome.episode, outcome.job, joined, moved, outcome.why))))

    async def produced() -> "tuple[SeasonReport, str]":
        state = await produce_season(order, return_state=True)
        told: Any = await state.aresult()
        return told, str(state.state_details.flow_run_id or "")

    report.watchers[:], office.watchers[:] = [Lines(say)], [tell]
    try:
        return asyncio.run(produced())
    finally:
        report.watchers.clear()
        office.watchers.clear()


def _exit_code(told: "SeasonReport") -> int:
    if told.of_job("failed", "cancelled", "waiting", "running"):
        return 1
    if told.of_job("suspended"):
        return 4
    return 3 if told.num_waiting_for_review else 0
