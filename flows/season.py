"""
Produce a season in one night: many episodes, each its own flow run.

    SEASON.yaml ── admission ──┬── episode ── episode that comes after it ──┬── report
                   all or none ├── episode ─────────────────────────────────┤
                               └── episode, failed: said, and no more ──────┘

Workers film the episodes, by the priority of their queues; without workers they are filmed here,
one after another. Killing this process stops no worker; running it again that night joins the
runs that are there.
"""

import asyncio
from collections.abc import Sequence

from prefect import flow
from prefect.client.schemas.objects import State

from flows.episode import produce_episode
from onestory.dailies.season import SeasonReport
from onestory.production.night import Admission, Outcome, refuse_unless_all
from onestory.production.season import SeasonEpisode, SeasonOrder
from tasks.season import (
    Board,
    admit_episode,
    announce_admissions,
    announce_outcome,
    announce_season,
    ended,
    left_out,
    outcome_here,
    read,
    report_night,
    submit,
    watch,
)


@flow(name="produce-season", flow_run_name="season {order.name}", validate_parameters=True)
async def produce_season(order: SeasonOrder) -> State[SeasonReport]:
    """Admit every episode or none, have each of them filmed, and report the night."""
    night = await read(order)
    admissions: dict[str, Admission] = {}
    for episode in night.season.in_turn():
        admissions[episode.episode] = await admit_episode(episode, admissions)
    await announce_admissions(night, [*admissions.values()])
    refuse_unless_all(night.season, [*admissions.values()])

    board = Board(night, [*admissions.values()])
    await board.show()
    stage = asyncio.Lock()
    filming: dict[str, asyncio.Task[Outcome]] = {}
    # In this order they are submitted; which of them is filmed first, the queues decide.
    for episode in night.season.in_turn():
        before = [filming[name] for name in sorted(episode.waits_for) if name in filming]
        filmed = film(board, episode, admissions[episode.episode], before, stage)
        filming[episode.episode] = asyncio.create_task(filmed)
    outcomes = await asyncio.gather(*filming.values())
    told = await report_night(night, outcomes)
    await announce_season(told)
    return ended(told)


async def film(
    board: Board,
    episode: SeasonEpisode,
    admission: Admission,
    before: Sequence[asyncio.Task[Outcome]],
    stage: asyncio.Lock,
) -> Outcome:
    """Have an episode filmed, once those are done that it comes after."""
    outcome = left_out(episode, await asyncio.gather(*before))
    if outcome is None and board.night.crew == "workers":
        # One by one, in turn: a worker that is free takes whatever is there.
        async with stage:
            submitted = await submit(board.night, episode, admission)
        await board.show(submitted)
        outcome = await watch(board.night, episode, submitted)
    elif outcome is None:
        async with stage:
            outcome = await film_here(episode)
    announce_outcome(outcome)
    await board.show(outcome)
    return outcome


async def film_here(episode: SeasonEpisode) -> Outcome:
    """Film an episode in this process, in a flow run of its own."""
    return await outcome_here(episode, await produce_episode(episode.order, return_state=True))
