"""
Who carries an order out? The film unit: a vault, an engine, a voice, and one verb a step.

    break_down ── read_through ── survey ─┬─ keyframe ─ shoot ─ judge ─ circle ─┬─ deliver
                                          └──────── shot after shot ────────────┘

Every verb may be called again, in another process, after any crash: what was finished is
found in the vault, what was said stands in the ledger.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from onestory.breakdown.address import ModelAddress
from onestory.breakdown.alignment import align
from onestory.breakdown.checks import check_dialogue, check_references
from onestory.breakdown.imports import import_looks
from onestory.breakdown.layout import BreakdownRecord
from onestory.continuity.ladder import best_of, rung_of
from onestory.cut.voice import Voice
from onestory.documents import Digest, Document, Frozen, digest_of_json
from onestory.engine_server.client import EngineClient
from onestory.engine_server.messages import (
    KeyframeRequest,
    RecallAnswer,
    RecallRequest,
    TakeAnswer,
    TakeRequest,
    VerdictAnswer,
    VerdictRequest,
)
from onestory.engines.take import Comparison, Reference, Take, Verdict
from onestory.errors import (
    CorruptBlobError,
    CutError,
    GateError,
    MediaError,
    MissingBlobError,
    OrderError,
    OutOfMemoryError,
    ScriptError,
)
from onestory.memory.lineage import Remembered
from onestory.production.evidence import exhibit
from onestory.production.order import EpisodeOrder, with_music
from onestory.production.plan import (
    Call,
    Carried,
    Plan,
    ShotPlan,
    intent,
    keyframe_attempt,
    keyframe_recipe,
    known_keyframe,
    make_plan,
    plan_shot,
    planned_recipe,
    recall_recipe,
)
from onestory.production.preflight import Finding, preflight, refuse_fatal
from onestory.production.recipes import Filming, Keyframe
from onestory.production.rehearsal import rehearse
from onestory.production.sheets import SHEETS, Sheets, circled_sheets
from onestory.production.standing import as_ordered, standing
from onestory.production.table_read import TableRead
from onestory.production.writing import break_down_as_ordered
from onestory.screenplay.episode import Aspect, Episode, Shot
from onestory.screenplay.reading import read_screenplay
from onestory.vault.ledger import EpisodeState, Ledger, TakeEntry
from onestory.vault.store import PARALLEL_READS, Vault

logger = logging.getLogger("onestory.production")

RECALL = "recall"
"""Kind of lookup that says what a recipe remembers of takes."""
FILM_RECALL = "film-recall"
"""Kind of lookup that says it for all shots of a film: one object in place of hundreds."""

LAST_KNOWN = 2
"""How many of the newest takes of somebody, or some place, a new one is held against, beside the
first, which nothing has drifted from yet."""

DELIVERY_SIZES: Mapping[Aspect, tuple[int, int]] = {
    Aspect.VERTICAL: (720, 1280),
    Aspect.WIDE: (1280, 720),
}
"""(width, height) in pixels unless the order says otherwise."""


class Import(Frozen):
    """What looks as in another episode."""

    episode: str
    """Id of the other one."""
    document: Digest
    """Its breakdown."""
    names: tuple[str, ...]
    """Cast and sets."""
    takes: tuple[Carried, ...] = ()
    """Of these, what is remembered."""


class CallSheet(Document):
    """What a flow holds of an episode: names and digests, nothing heavy."""

    schema_name: ClassVar[str] = "CallSheet.1"

    order: EpisodeOrder
    episode: str
    title: str
    prefix: str
    document: Digest
    """Blob of the `Episode`."""
    table_read: Digest | None = None
    """Blob of the `TableRead`; None until the script was read through."""
    breakdown: BreakdownRecord | None = None
    """Who broke the script down, and from what; None in sheets of before that was kept."""
    slates: tuple[str, ...]
    imports: tuple[Import, ...] = ()

    def lent(self) -> dict[Digest, str]:
        """Slate, with its episode, of the shot of every take that an earlier episode lends."""
        carried = [take for one in self.imports for take in one.takes]
        return {address: one.slate for one in carried for address in one.coverage}


class Circled(Frozen):
    """What came of a shot."""

    slate: str
    """Slate of the take."""
    address: Digest
    is_waiting_for_review: bool = False


class TakeInHand(Frozen):
    """A take that was just rendered or found, not yet judged."""

    shot: str
    slate: str
    address: Digest
    is_reused: bool
    is_own: bool = False
    """Whether it is a person's footage, which no gate decides on."""
    seconds: float


class Workload(Frozen):
    """What a plan asks of the engine."""

    engine: str
    """Its name."""
    width: int
    height: int
    frames: tuple[int, ...]
    """Of every shot that is to be filmed."""


class Unit:
    """One film unit in one process. Verbs are async; the vault is asked in threads."""

    def __init__(
        self,
        vault: Vault,
        engine: EngineClient,
        voice: Voice | None,
        *,
        run: str = "",
        model: ModelAddress | None = None,
    ) -> None:
        self.vault = vault
        self.model = model or ModelAddress()
        """The language model that orders may ask for."""
        self.run = run
        """The flow run that it works for, for the ledger; empty if a person's command."""
        self.engine = engine
        self.voice = voice
        self.bigger_pool: str | None = None
        """Where the film goes on if this engine's device is short of memory; None: nowhere, and
        the engine goes down its ladder."""
        self._ledgers: dict[str, Ledger] = {}
        self._episodes: dict[Digest, Episode] = {}
        self._reads: dict[Digest, TableRead] = {}
        self._takes: dict[Digest, Take] = {}
        self._filmings: dict[tuple[Digest, EpisodeOrder], Filming] = {}
        self._keyframes: dict[Digest, dict[str, Digest]] = {}
        self._recalled: dict[Digest, tuple[Remembered, ...]] = {}
        self._marked: dict[tuple[Digest, Digest], tuple[int, ...]] = {}
        """Frames that a verdict marked bad, by take and question."""
        self._written_down: set[tuple[Digest, ...]] = {()}
        """What was asked for whole films, and is kept as one."""
        self._seen_whole: set[Digest] = set()
        """Latents that were read, and are what their names say."""
        self._damaged: frozenset[Digest] = frozenset()

    async def break_down(
        self, order: EpisodeOrder, *, drafts: Mapping[str, Digest] = MappingProxyType({})
    ) -> CallSheet:
        """
        Turn the script into shots, and keep the slates that the ledger knows.

        Args:
            order: Which script, and whose looks it takes over.
            drafts: Breakdowns of other episodes that will be in force by then, by id.

        Raises:
            ScriptError: If the script cannot be shot as written, or its id is another film's.
            BreakdownError: If the language model that the order names fails, and the order says
                to stop then. Nothing is entered, and what it answered is kept.
            OrderError: If there is no such episode to take looks from.
        """
        return await asyncio.to_thread(self._break_down, order, drafts)

    async def read_through(self, sheet: CallSheet, *, is_entered: bool = True) -> CallSheet:
        """
        Speak every line, measure it, and fit the shots to the dialogue.

        Args:
            sheet: The episode, as broken down.
            is_entered: Whether the ledger is told that this breakdown is in force now.

        Raises:
            ScriptError: If lines do not fit into a shot whose length the script fixed.
        """
        return await asyncio.to_thread(self._read_through, sheet, is_entered)

    async def survey(self, sheet: CallSheet) -> Plan:
        """Say what there is to do; spends nothing."""
        call = await self._call(sheet)
        asked = await asyncio.to_thread(self._read_ahead, call)
        for shot in call.episode.shots:
            call = await self._recall_planned(shot, call)
        await asyncio.to_thread(self._write_down, asked)
        return await asyncio.to_thread(make_plan, call)

    async def preflight(self, sheet: CallSheet, shots: Collection[ShotPlan]) -> list[Finding]:
        """
        Name what contradicts itself in a film, before it is filmed.

        Args:
            sheet: The episode, read through.
            shots: Of its plan.

        Returns:
            What may be filmed all the same.

        Raises:
            PreflightError: If a shot that is to be filmed cannot be.
        """
        health, read = await self.engine.health(), self.read_of(sheet)
        episode = await asyncio.to_thread(self.episode_as_ordered, sheet)
        held = await asyncio.to_thread(self._clips, episode, sheet)
        to_film = {shot.slate for shot in shots if shot.is_to_be_filmed} - held
        found = preflight(episode, read, health, self.size_of(sheet), to_film=to_film)
        refuse_fatal(found)
        return list(found)

    async def workload(self, sheet: CallSheet, shots: Collection[ShotPlan]) -> Workload:
        """Say what some shots of a plan ask of the engine."""
        filming, read = await self._filming(sheet), self.read_of(sheet)
        return Workload(
            engine=filming.engine.name,
            width=filming.width,
            height=filming.height,
            frames=tuple(
                read.shot(shot.slate).num_frames for shot in shots if shot.is_to_be_filmed
            ),
        )

    async def look_again(self, sheet: CallSheet, slate: str) -> ShotPlan:
        """Say where a shot stands, now that every shot before it is filmed; spends nothing."""
        call = await self._call(sheet)
        shot = _shot(call.episode, slate)
        return plan_shot(shot, await self._recall_planned(shot, call))

    async def keep(self, sheet: CallSheet, slate: str) -> None:
        """Enter instead of what a shot's take is kept, now that every shot before it is filmed."""
        call = await self._call(sheet)
        shot, coverage = _shot(call.episode, slate), call.state.shot(slate)
        call = await self._recall_planned(shot, call)
        if coverage.hold is None or coverage.circled is None or call.unknown_source(shot):
            return
        attempt = coverage.circled.rung + 1
        known = known_keyframe(shot, call, attempt=attempt)
        recipe = planned_recipe(shot, call, attempt=attempt, keyframe=known)
        instead_of = intent(recipe, shot, call, attempt=attempt)
        settled = coverage.hold.model_copy(update={"instead_of": instead_of})
        await asyncio.to_thread(self.ledger(sheet.episode).kept, settled)

    async def keyframe(self, sheet: CallSheet, slate: str, attempt: int = 1) -> Keyframe | None:
        """
        The first frame that a shot's n-th take starts from: the first take's, but on some rungs.

        Returns:
            The user's; without a cut the last frame of the take before; a drawn one; or none.
        """
        call = await self._call_for(sheet, slate, attempts=(1, attempt))
        shot = _shot(call.episode, slate)
        known = known_keyframe(shot, call, attempt=attempt)
        if known is not None or not call.filming.draws_keyframes or call.clip(shot):
            return known
        recipe = keyframe_recipe(shot, call, attempt=attempt)
        # A painter remembers nothing.
        drawn_for = keyframe_attempt(attempt, call)
        lineage = () if call.filming.painter else call.lineage(shot, attempt=drawn_for)
        answer = await self.engine.keyframe(
            KeyframeRequest(
                recipe=recipe,
                slate=slate,
                lineage=lineage,
                has_bigger_device=self.bigger_pool is not None,
            )
        )
        ledger = self.ledger(sheet.episode)
        await asyncio.to_thread(ledger.keyframe, slate, answer.blob, recipe=recipe.digest)
        return Keyframe(blob=answer.blob, by="engine")

    async def shoot(self, sheet: CallSheet, slate: str, *, attempt: int) -> TakeInHand:
        """
        Render a shot's n-th take, or find it, and enter it into the ledger.

        Args:
            sheet: The episode.
            slate: Which shot.
            attempt: Which take of it, from 1; it decides the rung of the retake ladder.

        Raises:
            RenderError: If the engine cannot make it.
            OutOfMemoryError: If its device has too little memory: at once if there is a bigger
                pool, else when its ladder has ended.
            EngineFaultError: If it could not be made this time (retryable).
            MediaError: If what was made cannot be read (retryable; entered as quarantined).
            CorruptBlobError: If what it remembers is damaged.
            OrderError: If a shot that it may remember has no take.
        """
        if attempt > 1:
            await self.keyframe(sheet, slate, attempt)
        call = await self._call_for(sheet, slate, attempts=(1, attempt))
        ledger = self.ledger(sheet.episode)
        answer = await self._take(sheet, _shot(call.episode, slate), call, attempt)
        entry = await asyncio.to_thread(
            ledger.rendered, slate, prefix=sheet.prefix, address=answer.address, rung=attempt - 1
        )
        return TakeInHand(
            shot=slate,
            slate=entry.slate,
            address=answer.address,
            is_reused=answer.is_reused,
            is_own=call.clip(_shot(call.episode, slate)) is not None,
            seconds=answer.seconds,
        )

    async def judge(self, sheet: CallSheet, take: TakeInHand) -> VerdictAnswer:
        """Let the gates judge a take, and enter what they say into the ledger."""
        comparison = await asyncio.to_thread(self._comparison, sheet, take)
        answer = await self.engine.verdict(
            VerdictRequest(take=take.address, slate=take.slate, comparison=comparison)
        )
        await asyncio.to_thread(
            self.ledger(sheet.episode).judged,
            take.shot,
            address=take.address,
            question=answer.question,
            is_passed=answer.is_passed,
            reasons=answer.reasons,
            badness=answer.badness,
        )
        return answer

    async def move(self, sheet: CallSheet, pool: str, error: OutOfMemoryError) -> None:
        """Enter in the ledger that filming goes on in a bigger pool, and at which shot."""
        slates = [one for one in sheet.slates if f"{sheet.prefix}-{one}-" in f"{error.slate}-"]
        await asyncio.to_thread(
            self.ledger(sheet.episode).moved,
            slates[0] if slates else "",
            why=f"to the pool {pool}, since {error.message}",
            run=f"{self.run}/to-{pool}",
        )

    async def exhibit(self, answer: VerdictAnswer) -> str | None:
        """Where a picture lies of what the gates that said NG compared, if they compared any."""
        return await asyncio.to_thread(self._exhibit, answer)

    async def circle(self, sheet: CallSheet, take: TakeInHand) -> Circled:
        """Circle a take that passed, or that a person brought, which nobody has to review."""
        ledger = self.ledger(sheet.episode)
        is_waiting = sheet.order.review == "every" and not take.is_own
        await asyncio.to_thread(
            ledger.circle,
            take.shot,
            address=take.address,
            by="person" if take.is_own else "gates",
            why="a clip of one's own" if take.is_own else "passed every gate that ran",
            is_waiting_for_review=is_waiting,
        )
        return Circled(slate=take.slate, address=take.address, is_waiting_for_review=is_waiting)

    async def circle_best(self, sheet: CallSheet, slate: str, attempts: Sequence[int]) -> Circled:
        """
        Circle the least bad take of a shot whose ladder has ended, provisionally.

        Args:
            sheet: The episode.
            slate: Which shot.
            attempts: Which takes of it were filmed, by number.

        Raises:
            GateError: If the order says to stop there, or no take can be used.
        """
        call = await self._call_for(sheet, slate, attempts=attempts)
        shot = _shot(call.episode, slate)
        # Takes of another caption, or of another memory, are other shots' takes by now.
        climbed = frozenset(
            planned_recipe(
                shot, call, attempt=attempt, keyframe=known_keyframe(shot, call, attempt=attempt)
            ).digest
            for attempt in attempts
        )
        return await asyncio.to_thread(self._circle_best, sheet, slate, climbed)

    def ledger(self, episode: str) -> Ledger:
        """The ledger of an episode, read once and then kept."""
        if episode not in self._ledgers:
            self._ledgers[episode] = Ledger(self.vault, episode, run=self.run)
        return self._ledgers[episode]

    def episode_as_ordered(self, sheet: CallSheet) -> Episode:
        """The episode of a call sheet, with the captions that persons ordered."""
        episode = self.episode_of(sheet)
        return as_ordered(episode, standing(episode, self.ledger(sheet.episode).state).orders)

    def episode_of(self, sheet: CallSheet) -> Episode:
        """The episode document of a call sheet: what the script says."""
        return self._episode(sheet.document)

    def _episode(self, document: Digest) -> Episode:
        if document not in self._episodes:
            self._episodes[document] = Episode.from_json(self.vault.get_blob(document))
        return self._episodes[document]

    def read_of(self, sheet: CallSheet) -> TableRead:
        """The table read of a call sheet. Raises OrderError if there was none yet."""
        if sheet.table_read is None:
            raise OrderError("the script was not read through yet", slate=sheet.prefix)
        if sheet.table_read not in self._reads:
            content = self.vault.get_blob(sheet.table_read)
            self._reads[sheet.table_read] = TableRead.from_json(content)
        return self._reads[sheet.table_read]

    def takes(self, addresses: Sequence[Digest]) -> dict[Digest, Take]:
        """Those of the takes that really lie in the vault. Takes never change: read once."""
        unread = [address for address in addresses if address not in self._takes]
        if unread:
            with ThreadPoolExecutor(PARALLEL_READS) as pool:
                found = zip(unread, pool.map(self.vault.find_take, unread), strict=True)
                self._takes.update((address, take) for address, take in found if take)
        return {address: self._takes[address] for address in addresses if address in self._takes}

    def verdict_of(self, entry: TakeEntry) -> Verdict | None:
        """What the gates said of a take when they were asked last; None if they never were."""
        if entry.question is None:
            return None
        return self.vault.find_verdict(entry.address, entry.question)

    def forget(self, take: Take) -> None:
        """Drop a take whose media is damaged, so that the next run renders it anew."""
        self.vault.forget_take(take.address)
        self.vault.discard_blob(take.media.video)
        self._takes.pop(take.address, None)

    def _break_down(self, order: EpisodeOrder, drafts: Mapping[str, Digest]) -> CallSheet:
        script = Path(order.script)
        sources = {one: drafts.get(one) or self._in_force(one) for one in order.imports}
        earlier = [self._episode(document) for document in sources.values()]
        imported = import_looks(read_screenplay(script, episode=order.episode), earlier)
        screenplay = imported.screenplay
        fresh, record = break_down_as_ordered(screenplay, order, self.vault, self.model)
        if fresh.episode in self._ledgers:
            self._ledgers[fresh.episode].refresh()
        known = self.ledger(fresh.episode).state
        if known.title and known.title != fresh.title:
            raise ScriptError(
                f"{script.name} is titled {fresh.title!r}, but episode {fresh.episode} is "
                f"{known.title!r} already",
                hint="give the new film an id of its own: --episode ID",
            )
        if known.episode is not None:
            previous = Episode.from_json(self.vault.get_blob(known.episode))
            current_slates = frozenset(shot.slate for shot in previous.shots)
            retired = frozenset(known.shots) - current_slates
            fresh = align(previous, fresh, retired=retired)
        check_dialogue(screenplay, fresh)
        check_references(fresh)
        blob = self.vault.put_blob(fresh.to_json(), media_type="application/json")
        self._episodes[blob] = fresh
        self._keyframes[blob] = self._bring_keyframes(fresh, script.parent)
        return CallSheet(
            order=with_music(order, fresh),
            episode=fresh.episode,
            title=fresh.title,
            prefix=fresh.prefix,
            document=blob,
            breakdown=record,
            slates=tuple(shot.slate for shot in fresh.shots),
            imports=tuple(
                self._import(one, document, imported.names.get(one, ()))
                for one, document in sources.items()
            ),
        )

    def _import(self, episode: str, document: Digest, names: Sequence[str]) -> Import:
        """What another episode lends: looks, and of everybody and every place the last take."""
        state, shots = self.ledger(episode).state, self._episode(document).shots
        known = {name.casefold(): name for name in names}
        carried: dict[Digest, Carried] = {}
        seen: set[str] = set()
        for shot in reversed(shots):
            people = [known[one.casefold()] for one in shot.on_screen if one.casefold() in known]
            place = known.get(shot.set_name.casefold())
            shown = {*people, *([place] if place else [])}
            coverage = state.shot(shot.slate)
            circled = coverage.circled
            if circled is None or circled.is_waiting_for_review or shown <= seen:
                continue
            seen |= shown
            carried[circled.address] = Carried(
                slate=f"{episode}/{shot.slate}",
                address=circled.address,
                coverage=tuple(entry.address for entry in coverage.takes),
                people=tuple(people),
                place=place,
            )
        takes = tuple(reversed(carried.values()))
        return Import(episode=episode, document=document, names=tuple(names), takes=takes)

    def _clips(self, episode: Episode, sheet: CallSheet) -> set[str]:
        """Slates of the shots whose takes are a person's own footage."""
        orders = standing(episode, self.ledger(sheet.episode).state).orders
        return {slate for slate, order in orders.items() if order.clip}

    def _in_force(self, episode: str) -> Digest:
        """Blob of the breakdown in force of another episode."""
        ledger = self.ledger(episode)
        ledger.refresh()
        if ledger.state.episode is None:
            raise OrderError(
                f"there is no episode {episode!r} to take looks from",
                hint="produce it first, or name another: onestory status lists them all",
            )
        return ledger.state.episode

    def _bring_keyframes(self, episode: Episode, folder: Path) -> dict[str, Digest]:
        """Put the user's own first frames into the vault."""
        return {
            shot.slate: self.vault.put_file(folder / shot.keyframe, media_type="image/png")
            for shot in episode.shots
            if shot.keyframe
        }

    def _read_through(self, sheet: CallSheet, is_entered: bool) -> CallSheet:
        voice = self.voice if sheet.order.has_scratch_voice else None
        try:
            read = rehearse(self.episode_of(sheet), voice, self.vault)
        except CutError as error:
            raise ScriptError(error.message, slate=error.slate, hint=error.hint) from error
        blob = self.vault.put_blob(read.to_json(), media_type="application/json")
        self._reads[blob] = read
        read_sheet = sheet.model_copy(update={"table_read": blob})
        if is_entered:
            for one in sheet.imports:
                self.ledger(sheet.episode).imported(
                    one.episode,
                    episode=one.document,
                    names=one.names,
                    shots=[take.slate for take in one.takes],
                )
            self.ledger(sheet.episode).broken_down(
                title=sheet.title,
                episode=sheet.document,
                sheet=self.vault.put_blob(read_sheet.to_json(), media_type="application/json"),
            )
        return read_sheet

    def sheet_of(self, episode: str) -> CallSheet:
        """
        The call sheet in force of an episode.

        Raises:
            OrderError: If there is no such episode.
        """
        blob = self.ledger(episode).state.sheet
        if blob is None:
            raise OrderError(
                f"there is no episode {episode!r}", hint="onestory status lists them all"
            )
        return CallSheet.from_json(self.vault.get_blob(blob))

    async def _take(self, sheet: CallSheet, shot: Shot, call: Call, attempt: int) -> TakeAnswer:
        keyframe = known_keyframe(shot, call, attempt=attempt)
        recipe = planned_recipe(shot, call, attempt=attempt, keyframe=keyframe)
        if recipe.digest in self._damaged:
            await asyncio.to_thread(self._forget_damaged, recipe.digest)
        coverage = call.state.shot(shot.slate)
        request = TakeRequest(
            recipe=recipe,
            slate=coverage.slate_of(recipe.digest, prefix=f"{sheet.prefix}-{shot.slate}"),
            lineage=call.lineage(shot, attempt=attempt),
            time_limit_seconds=sheet.order.time_limit_seconds,
            has_bigger_device=self.bigger_pool is not None,
        )
        try:
            return await self.engine.take(request)
        except MediaError as error:
            ledger = self.ledger(sheet.episode)
            await asyncio.to_thread(ledger.quarantined, shot.slate, why=error.message)
            raise

    async def _call_for(self, sheet: CallSheet, slate: str, *, attempts: Collection[int]) -> Call:
        """Everything that these takes of a shot are made from."""
        call = await self._call(sheet)
        shot = _shot(call.episode, slate)
        for attempt in attempts:
            call = await self._recall(shot, call, attempt)
        if (unknown := call.unknown_source(shot)) is not None:
            raise OrderError(
                f"{unknown} has no whole take, so what this shot starts from is not known",
                slate=f"{sheet.prefix}-{slate}",
                hint="film the shots before it first: onestory produce",
            )
        return call

    async def _recall_planned(self, shot: Shot, call: Call) -> Call:
        """The call, once the engine was asked what the take that a plan names would remember."""
        for attempt in _planned_attempts(shot, call):
            call = await self._recall(shot, call, attempt)
        if call.state.shot(shot.slate).seen_when_rejected:
            # Which take comes next is known once it is known which of them are today's.
            call = await self._recall(shot, call, plan_shot(shot, call).attempt)
        return call

    async def _recall(self, shot: Shot, call: Call, attempt: int) -> Call:
        """The call, once the engine was asked what a shot's n-th take would remember."""
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
            self._damaged |= damaged
            return replace(call, damaged=self._damaged)
        return replace(call, lineages={**call.lineages, request.recipe.digest: lineage})

    async def _recalled_by(
        self, request: RecallRequest, takes: Mapping[Digest, Take], policy: str
    ) -> tuple[Remembered, ...]:
        """What a recipe remembers of takes: known, or written down once, or asked of the engine."""
        key = recall_key(request, takes, policy)
        if key not in self._recalled:
            found = await asyncio.to_thread(self._find_recalled, key)
            if found is None:
                answer = await self.engine.recall(request)
                said = answer.model_dump(mode="json")
                await asyncio.to_thread(self.vault.put_lookup, RECALL, key, said)
                found = answer.lineage
            else:
                for latents in _latents_of(found, takes):
                    await asyncio.to_thread(self._look_at, latents)
            self._recalled[key] = found
        return self._recalled[key]

    def _find_recalled(self, key: Digest) -> tuple[Remembered, ...] | None:
        found = self.vault.find_lookup(RECALL, key)
        return None if found is None else RecallAnswer.model_validate(found).lineage

    def _look_at(self, latents: Digest) -> None:
        """Read what the engine did not, once in a process: damage is found before it is needed."""
        if latents not in self._seen_whole:
            self.vault.get_blob(latents)
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
        found = self.vault.find_lookup(FILM_RECALL, digest_of_json(list(asked))) if asked else None
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
        self.vault.put_lookup(FILM_RECALL, digest_of_json(list(asked)), said)
        self._written_down.add(asked)

    def _with_damaged_latents(self, takes: Mapping[Digest, Take]) -> frozenset[Digest]:
        damaged = set()
        for address, take in takes.items():
            try:
                self.vault.get_blob(take.media.latents or take.media.video)
            except (CorruptBlobError, MissingBlobError) as error:
                logger.warning("take.latents_damaged slate=%s cause=%s", take.slate, error)
                damaged.add(address)
        return frozenset(damaged)

    def _forget_damaged(self, address: Digest) -> None:
        """Drop a take whose latents are damaged, so that it is rendered anew."""
        take = self.takes([address]).get(address)
        if take is not None:
            self.vault.forget_take(address)
            if take.media.latents is not None:
                self.vault.discard_blob(take.media.latents)
        self._takes.pop(address, None)
        self._damaged -= {address}

    async def _call(self, sheet: CallSheet) -> Call:
        filming = await self._filming(sheet)
        return await asyncio.to_thread(self._call_now, sheet, filming)

    def _call_now(self, sheet: CallSheet, filming: Filming) -> Call:
        episode, state = self.episode_of(sheet), self.ledger(sheet.episode).state
        if sheet.document not in self._keyframes:
            folder = Path(sheet.order.script).parent
            self._keyframes[sheet.document] = self._bring_keyframes(episode, folder)
        held = standing(episode, state)
        ordered = {slate: one.keyframe for slate, one in held.orders.items() if one.keyframe}
        circled = [state.shot(shot.slate).circled for shot in episode.shots]
        carried = tuple(take for one in sheet.imports for take in one.takes)
        wanted = [one.address for one in circled if one is not None]
        return Call(
            episode=as_ordered(episode, held.orders),
            read=self.read_of(sheet),
            filming=filming,
            state=state,
            user_keyframes={**self._keyframes[sheet.document], **ordered},
            takes=self.takes([*(one.address for one in carried), *wanted]),
            carried=carried,
            damaged=self._damaged,
            spoilt=self._spoilt(state, episode),
            standing=held,
            sheets=self._sheets(episode) if filming.paints_from_sheets else Sheets(),
        )

    def _sheets(self, episode: Episode) -> Sheets:
        """What is circled by now: another process may have circled something else."""
        ledger = self.ledger(SHEETS)
        ledger.refresh()
        return circled_sheets(ledger.state, episode)

    def _spoilt(self, state: EpisodeState, episode: Episode) -> dict[Digest, tuple[int, ...]]:
        """Frames of circled takes that a gate marked bad."""
        spoilt = {}
        for shot in episode.shots:
            coverage = state.shot(shot.slate)
            entry = coverage.entry(coverage.circled.address) if coverage.circled else None
            if entry is None or entry.is_passed is not False or entry.question is None:
                continue
            key = (entry.address, entry.question)
            if key not in self._marked:
                verdict = self.verdict_of(entry)
                self._marked[key] = verdict.spoilt_frames if verdict else ()
            if self._marked[key]:
                spoilt[entry.address] = self._marked[key]
        return spoilt

    async def _filming(self, sheet: CallSheet) -> Filming:
        key = (sheet.document, sheet.order)
        if key not in self._filmings:
            health = await self.engine.health()
            width, height = self.size_of(sheet)
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

    def size_of(self, sheet: CallSheet) -> tuple[int, int]:
        """Width and height of an episode's film, in pixels."""
        width, height = DELIVERY_SIZES[self.episode_of(sheet).aspect]
        return sheet.order.width or width, sheet.order.height or height

    def _exhibit(self, answer: VerdictAnswer) -> str | None:
        verdict = self.vault.find_verdict(answer.take, answer.question)
        picture = exhibit(self.vault, verdict) if verdict else b""
        if not picture:
            return None
        return self.vault.link(self.vault.put_blob(picture, media_type="image/jpeg"))

    def _comparison(self, sheet: CallSheet, take: TakeInHand) -> Comparison:
        """The circled takes of earlier shots, and episodes, that a take is held against."""
        episode, state = self.episode_as_ordered(sheet), self.ledger(sheet.episode).state
        shot = _shot(episode, take.shot)
        earlier = [
            (one, circled.address)
            for one in episode.shots[: episode.shots.index(shot)]
            if (circled := state.shot(one.slate).circled) is not None
        ]
        alike = [address for one, address in earlier if _look(one) == _look(shot)]
        lent = [take for one in sheet.imports for take in one.takes]
        people = {
            name: [
                *(one.address for one in lent if name in one.people),
                *(address for one, address in earlier if name in one.on_screen),
            ]
            for name in shot.on_screen
        }
        place = [one.address for one in lent if one.place == shot.set_name]
        place += [address for one, address in earlier if one.set_name == shot.set_name]
        return Comparison(
            anchor=alike[0] if alike else None,
            people=tuple(
                Reference(name=name, takes=_telling(takes))
                for name, takes in people.items()
                if takes
            ),
            place=_telling(place),
        )

    def _circle_best(self, sheet: CallSheet, slate: str, climbed: Collection[Digest]) -> Circled:
        ledger = self.ledger(sheet.episode)
        takes = [take for take in ledger.state.shot(slate).takes if take.address in climbed]
        usable = [take for take in takes if not take.rejected_why]
        verdicts = [(take, self.verdict_of(take)) for take in usable]
        best, verdict = best_of([(take, found) for take, found in verdicts if found])
        reasons = ", ".join(verdict.reasons) or "no gate ran"
        if sheet.order.when_exhausted == "block":
            raise GateError(
                f"{len(usable)} takes are NG, the best of them for {reasons}",
                slate=best.slate,
                hint="circle one by hand, or order when_exhausted: go on",
            )
        ledger.circle(
            slate,
            address=best.address,
            by="best of",
            why=f"least bad of {len(usable)} takes: {reasons}",
            is_waiting_for_review=True,
        )
        return Circled(slate=best.slate, address=best.address, is_waiting_for_review=True)


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


def _telling(takes: Sequence[Digest]) -> tuple[Digest, ...]:
    """Of takes that show the same, those that a new one is held against: the first and the last."""
    return tuple(dict.fromkeys([*takes[:1], *takes[-LAST_KNOWN:]]))


def _look(shot: Shot) -> tuple[int, str, str, str, str]:
    return shot.scene, shot.set_name, shot.light, shot.weather, shot.framing


def _shot(episode: Episode, slate: str) -> Shot:
    return next(shot for shot in episode.shots if shot.slate == slate)
