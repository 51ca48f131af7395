"""
What do the shots of a film remember? The engine says it once, and it is written down.

    shot, and the takes before it ─┬─ known in this process ──────────┬─► lineage
                                   ├─ written down, for a shot or     │
                                   │  for all shots of a film         │
                                   └─ asked of the engine, then ──────┘
                                      written down

Latents that are remembered are read once, so that damage is found before it is needed.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from onestory.continuity.ladder import rung_of
from onestory.documents import Digest, digest_of_json
from onestory.engine_server.client import EngineClient
from onestory.engine_server.messages import RecallAnswer, RecallRequest
from onestory.engines.take import Take
from onestory.errors import CorruptBlobError, MissingBlobError
from onestory.memory.lineage import Remembered
from onestory.production.plan import Call, plan_shot, recall_recipe
from onestory.production.records import Records
from onestory.screenplay.episode import Shot
from onestory.vault.store import PARALLEL_READS

logger = logging.getLogger("onestory.production")

RECALL = "recall"
"""Kind of lookup that says what a recipe remembers of takes."""
FILM_RECALL = "film-recall"
"""Kind of lookup that says it for all shots of a film: one object in place of hundreds."""


class Recollection:
    """What takes remember, as far as one process was told."""

    def __init__(self, records: Records, engine: EngineClient) -> None:
        self.damaged: frozenset[Digest] = frozenset()
        """Takes whose latents are not what their name says."""
        self._records = records
        self._vault = records.vault
        self._engine = engine
        self._recalled: dict[Digest, tuple[Remembered, ...]] = {}
        self._written_down: set[tuple[Digest, ...]] = {()}
        """What was asked for whole films, and is kept as one."""
        self._seen_whole: set[Digest] = set()
        """Latents that were read, and are what their names say."""

    async def of_film(self, call: Call) -> Call:
        """The call, with what the takes remember that a plan of it names."""
        asked = await asyncio.to_thread(self._read_ahead, call)
        for shot in call.episode.shots:
            call = await self.of_planned(shot, call)
        await asyncio.to_thread(self._write_down, asked)
        return call

    async def of_planned(self, shot: Shot, call: Call) -> Call:
        """The call, with what the takes of a shot remember that a plan of it names."""
        for attempt in _planned_attempts(shot, call):
            call = await self.of_take(shot, call, attempt)
        if call.state.shot(shot.slate).seen_when_rejected:
            # Which take comes next is known once it is known which of them are today's.
            call = await self.of_take(shot, call, plan_shot(shot, call).attempt)
        return call

    async def of_take(self, shot: Shot, call: Call, attempt: int) -> Call:
        """
        The call, with what a shot's n-th take remembers.

        Where latents are damaged, the call says of which takes instead.
        """
        takes = call.takes_before(shot) if call.asks_for_memory(shot) else None
        if takes is None:
            return call
        request = recall_request(shot, call, takes, attempt=attempt)
        try:
            lineage = await self._recalled_by(request, takes, call.filming.memory_policy)
        except (CorruptBlobError, MissingBlobError):
            damaged = await asyncio.to_thread(self._with_damaged_latents, takes)
            if not damaged:
                raise
            self.damaged |= damaged
            return replace(call, damaged=self.damaged)
        return replace(call, lineages={**call.lineages, request.recipe.digest: lineage})

    def forget_damaged(self, address: Digest) -> None:
        """Drop a take whose latents are damaged, so that it is rendered anew."""
        take = self._records.takes([address]).get(address)
        if take is not None:
            self._records.forget_take(address)
            if take.media.latents is not None:
                self._vault.discard_blob(take.media.latents)
        self.damaged -= {address}

    async def _recalled_by(
        self, request: RecallRequest, takes: Mapping[Digest, Take], policy: str
    ) -> tuple[Remembered, ...]:
        """What a recipe remembers of takes: known, or written down once, or asked of the engine."""
        key = recall_key(request, takes, policy)
        if key not in self._recalled:
            found = await asyncio.to_thread(self._find_recalled, key)
            if found is None:
                answer = await self._engine.recall(request)
                said = answer.model_dump(mode="json")
                await asyncio.to_thread(self._vault.put_lookup, RECALL, key, said)
                found = answer.lineage
            else:
                for latents in _latents_of(found, takes):
                    await asyncio.to_thread(self._look_at, latents)
            self._recalled[key] = found
        return self._recalled[key]

    def _find_recalled(self, key: Digest) -> tuple[Remembered, ...] | None:
        found = self._vault.find_lookup(RECALL, key)
        return None if found is None else RecallAnswer.model_validate(found).lineage

    def _look_at(self, latents: Digest) -> None:
        """Read what the engine did not, once in a process: damage is found before it is needed."""
        if latents not in self._seen_whole:
            self._vault.get_blob(latents)
            self._seen_whole.add(latents)

    def _read_ahead(self, call: Call) -> tuple[Digest, ...]:
        """
        Read what is written down of every shot's memory, and the latents, many at a time.

        Returns:
            Names of what is asked of an engine that remembers, for all shots.
        """
        asked = tuple(
            sorted(
                recall_key(request, takes, call.filming.memory_policy)
                for shot in call.episode.shots
                if call.asks_for_memory(shot) and (takes := call.takes_before(shot)) is not None
                for attempt in _planned_attempts(shot, call)
                for request in [recall_request(shot, call, takes, attempt=attempt)]
            )
        )

        def look_at(latents: Digest) -> None:
            # What is damaged is met again when its shot's turn comes.
            with suppress(CorruptBlobError, MissingBlobError):
                self._look_at(latents)

        with ThreadPoolExecutor(PARALLEL_READS) as pool:
            lineages = self._find_film_recalled(asked)
            if lineages is None:
                unread = [key for key in asked if key not in self._recalled]
                found = zip(unread, pool.map(self._find_recalled, unread), strict=True)
                lineages = {key: lineage for key, lineage in found if lineage is not None}
            remembered = [one for lineage in lineages.values() for one in lineage]
            list(pool.map(look_at, sorted(_latents_of(remembered, call.takes))))
        self._recalled.update(
            (key, lineage)
            for key, lineage in lineages.items()
            if _latents_of(lineage, call.takes) <= self._seen_whole
        )
        return asked

    def _find_film_recalled(
        self, asked: Sequence[Digest]
    ) -> dict[Digest, tuple[Remembered, ...]] | None:
        """What a film's shots remember, if a plan wrote it down as one."""
        found = self._vault.find_lookup(FILM_RECALL, digest_of_json(list(asked))) if asked else None
        if found is None:
            return None
        self._written_down.add(tuple(asked))
        return {
            Digest(key): RecallAnswer.model_validate(said).lineage for key, said in found.items()
        }

    def _write_down(self, asked: tuple[Digest, ...]) -> None:
        """Keep what a film's shots remember as one, so that the next plan reads it at once."""
        if asked in self._written_down or not all(key in self._recalled for key in asked):
            return
        said: dict[str, Any] = {
            key: RecallAnswer(lineage=self._recalled[key]).model_dump(mode="json") for key in asked
        }
        self._vault.put_lookup(FILM_RECALL, digest_of_json(list(asked)), said)
        self._written_down.add(asked)

    def _with_damaged_latents(self, takes: Mapping[Digest, Take]) -> frozenset[Digest]:
        damaged = set()
        for address, take in takes.items():
            try:
                self._vault.get_blob(take.media.latents or take.media.video)
            except (CorruptBlobError, MissingBlobError) as error:
                logger.warning("take.latents_damaged slate=%s cause=%s", take.slate, error)
                damaged.add(address)
        return frozenset(damaged)


def recall_request(
    shot: Shot, call: Call, takes: Mapping[Digest, Take], *, attempt: int
) -> RecallRequest:
    """What an engine is asked when it chooses the memory of a shot's n-th take."""
    rung = rung_of(attempt, call.ladder)
    return RecallRequest(
        recipe=recall_recipe(shot, call, attempt=attempt),
        slate=shot.slate,
        takes=tuple(takes),
        spoilt={take: frames for take, frames in call.spoilt.items() if take in takes},
        has_people_first=bool(rung and rung.has_people_first),
    )


def recall_key(request: RecallRequest, takes: Mapping[Digest, Take], policy: str) -> Digest:
    """The name of a lookup: what a recipe remembers of takes."""
    # Latents by content: a take that another machine filmed again may differ in a bit.
    told = [[address, take.media.latents] for address, take in takes.items()]
    terms = [sorted(request.spoilt.items()), request.has_people_first]
    return digest_of_json([request.recipe.digest, policy, told, terms])


def _latents_of(lineage: Iterable[Remembered], takes: Mapping[Digest, Take]) -> set[Digest]:
    """Blobs of the latents that some remembered frames are in."""
    addresses = {one.take for one in lineage}
    return {latents for one in addresses if (latents := takes[one].media.latents) is not None}


def _planned_attempts(shot: Shot, call: Call) -> tuple[int, ...]:
    """The takes of a shot whose memory a plan has to know."""
    coverage = call.state.shot(shot.slate)
    circled = coverage.circled
    first = (1,) if circled is None or call.filming.draws_keyframes else ()
    planned = (*first, circled.rung + 1) if circled else first
    # Which of these are today's says what was rejected of today's.
    seen = {take.rung + 1 for take in coverage.seen_when_rejected}
    return (*planned, *sorted(seen - set(planned)))
