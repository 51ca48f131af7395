"""
What is known when a shot is planned or filmed? A `Call`: gathered from records and the engine.
"""

import asyncio
from collections.abc import Collection
from pathlib import Path

from onestory.documents import Digest
from onestory.engine_server.client import EngineClient
from onestory.errors import OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.order import EpisodeOrder
from onestory.production.plan import Call
from onestory.production.recipes import Filming
from onestory.production.recollection import Recollection
from onestory.production.records import Records
from onestory.production.sheets import Sheets
from onestory.production.standing import as_ordered, standing
from onestory.screenplay.episode import Episode, Shot


class Caller:
    """Gathers calls, in one process."""

    def __init__(self, records: Records, engine: EngineClient, recollection: Recollection) -> None:
        self._records = records
        self._engine = engine
        self._recollection = recollection
        self._filmings: dict[tuple[Digest, EpisodeOrder], Filming] = {}

    async def filming(self, sheet: CallSheet) -> Filming:
        """
        How a film is filmed by the engine that is there.

        Raises:
            OrderError: If the engine cannot draw pictures of that size.
        """
        key = (sheet.document, sheet.order)
        if key not in self._filmings:
            health = await self._engine.health()
            width, height = self._records.size_of(sheet)
            if width % health.multiple_of or height % health.multiple_of:
                raise OrderError(
                    f"{width}x{height} does not divide by {health.multiple_of}",
                    hint="choose --width and --height that do",
                )
            self._filmings[key] = Filming(
                engine=health.engine,
                remembers=health.remembers,
                draws_keyframes=health.draws_keyframes,
                painter=health.painter,
                paints_from_sheets=health.paints_from_sheets,
                continues=health.continues,
                memory_budget=health.memory_budget,
                memory_policy=health.memory_policy,
                width=width,
                height=height,
                seed=sheet.order.seed,
                seeds_of=sheet.order.seeds_of or sheet.episode,
            )
        return self._filmings[key]

    async def call(self, sheet: CallSheet) -> Call:
        """Everything that is known of a film now, but what its shots remember."""
        filming = await self.filming(sheet)
        return await asyncio.to_thread(self._call_now, sheet, filming)

    async def call_for(self, sheet: CallSheet, slate: str, *, attempts: Collection[int]) -> Call:
        """
        Everything that these takes of a shot are made from.

        Raises:
            OrderError: If a shot that it may remember, or starts from, has no whole take.
        """
        call = await self.call(sheet)
        shot = shot_of(call.episode, slate)
        for attempt in attempts:
            call = await self._recollection.of_take(shot, call, attempt)
        if (unknown := call.unknown_source(shot)) is not None:
            raise OrderError(
                f"{unknown} has no whole take, so what this shot starts from is not known",
                slate=f"{sheet.prefix}-{slate}",
                hint="film the shots before it first: onestory produce",
            )
        return call

    def _call_now(self, sheet: CallSheet, filming: Filming) -> Call:
        records = self._records
        episode, state = records.episode_of(sheet), records.ledger(sheet.episode).state
        brought = records.user_keyframes(sheet.document, Path(sheet.order.script).parent)
        held = standing(episode, state)
        ordered = {slate: one.keyframe for slate, one in held.orders.items() if one.keyframe}
        circled = [state.shot(shot.slate).circled for shot in episode.shots]
        carried = tuple(take for one in sheet.imports for take in one.takes)
        wanted = [one.address for one in circled if one is not None]
        return Call(
            episode=as_ordered(episode, held.orders),
            read=records.read_of(sheet),
            filming=filming,
            state=state,
            user_keyframes={**brought, **ordered},
            takes=records.takes([*(one.address for one in carried), *wanted]),
            carried=carried,
            damaged=self._recollection.damaged,
            spoilt=records.spoilt_frames(state, episode),
            standing=held,
            sheets=records.sheets_for(episode) if filming.paints_from_sheets else Sheets(),
        )


def shot_of(episode: Episode, slate: str) -> Shot:
    """The shot of a slate, which is one of the episode's."""
    return next(shot for shot in episode.shots if shot.slate == slate)
