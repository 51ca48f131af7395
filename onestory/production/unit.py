"""
Who carries an order out? The film unit: a vault, an engine, a voice, and one verb a step.

    break_down ── read_through ── survey ─┬─ keyframe ─ shoot ─ judge ─ circle ─┬─ deliver
                                          └──────── shot after shot ────────────┘

Every verb may be called again, in another process, after any crash: what was finished is
found in the vault, what was said stands in the ledger.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from onestory.breakdown.address import ModelAddress
from onestory.continuity.ladder import best_of
from onestory.cut.voice import Voice
from onestory.documents import Digest
from onestory.engine_server.client import EngineClient
from onestory.engine_server.messages import (
    KeyframeRequest,
    TakeAnswer,
    TakeRequest,
    VerdictAnswer,
    VerdictRequest,
)
from onestory.errors import GateError, MediaError, OutOfMemoryError
from onestory.production.call_sheet import CallSheet, Circled, TakeInHand, Workload
from onestory.production.calling import Caller, shot_of
from onestory.production.evidence import exhibit
from onestory.production.order import EpisodeOrder
from onestory.production.plan import (
    Call,
    Plan,
    ShotPlan,
    intent,
    keyframe_attempt,
    keyframe_recipe,
    known_keyframe,
    make_plan,
    plan_shot,
    planned_recipe,
)
from onestory.production.preflight import Finding, preflight, refuse_fatal
from onestory.production.recipes import Keyframe
from onestory.production.recollection import Recollection
from onestory.production.records import Records
from onestory.production.references import comparison_for
from onestory.production.scripting import break_down, read_through
from onestory.production.standing import standing
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.store import Vault


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
        self.records = Records(vault, run=run)
        self._recollection = Recollection(self.records, engine)
        self._caller = Caller(self.records, engine, self._recollection)

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
        return await asyncio.to_thread(break_down, order, drafts, self.records, self.model)

    async def read_through(self, sheet: CallSheet, *, is_entered: bool = True) -> CallSheet:
        """
        Speak every line, measure it, and fit the shots to the dialogue.

        Args:
            sheet: The episode, as broken down.
            is_entered: Whether the ledger is told that this breakdown is in force now.

        Raises:
            ScriptError: If lines do not fit into a shot whose length the script fixed.
        """
        voice = self.voice if sheet.order.has_scratch_voice else None
        return await asyncio.to_thread(
            read_through, sheet, self.records, voice, is_entered=is_entered
        )

    async def survey(self, sheet: CallSheet) -> Plan:
        """Say what there is to do; spends nothing."""
        call = await self._recollection.of_film(await self._caller.call(sheet))
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
        health, read = await self.engine.health(), self.records.read_of(sheet)
        episode = await asyncio.to_thread(self.records.episode_as_ordered, sheet)
        held = await asyncio.to_thread(self._clips, episode, sheet)
        to_film = {shot.slate for shot in shots if shot.is_to_be_filmed} - held
        found = preflight(episode, read, health, self.records.size_of(sheet), to_film=to_film)
        refuse_fatal(found)
        return list(found)

    async def workload(self, sheet: CallSheet, shots: Collection[ShotPlan]) -> Workload:
        """Say what some shots of a plan ask of the engine."""
        filming, read = await self._caller.filming(sheet), self.records.read_of(sheet)
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
        call = await self._caller.call(sheet)
        shot = shot_of(call.episode, slate)
        return plan_shot(shot, await self._recollection.of_planned(shot, call))

    async def keep(self, sheet: CallSheet, slate: str) -> None:
        """Enter instead of what a shot's take is kept, now that every shot before it is filmed."""
        call = await self._caller.call(sheet)
        shot, coverage = shot_of(call.episode, slate), call.state.shot(slate)
        call = await self._recollection.of_planned(shot, call)
        if coverage.hold is None or coverage.circled is None or call.unknown_source(shot):
            return
        attempt = coverage.circled.rung + 1
        known = known_keyframe(shot, call, attempt=attempt)
        recipe = planned_recipe(shot, call, attempt=attempt, keyframe=known)
        instead_of = intent(recipe, shot, call, attempt=attempt)
        settled = coverage.hold.model_copy(update={"instead_of": instead_of})
        await asyncio.to_thread(self.records.ledger(sheet.episode).kept, settled)

    async def keyframe(self, sheet: CallSheet, slate: str, attempt: int = 1) -> Keyframe | None:
        """
        The first frame that a shot's n-th take starts from: the first take's, but on some rungs.

        Returns:
            The user's; without a cut the last frame of the take before; a drawn one; or none.
        """
        call = await self._caller.call_for(sheet, slate, attempts=(1, attempt))
        shot = shot_of(call.episode, slate)
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
        ledger = self.records.ledger(sheet.episode)
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
        call = await self._caller.call_for(sheet, slate, attempts=(1, attempt))
        ledger = self.records.ledger(sheet.episode)
        answer = await self._take(sheet, shot_of(call.episode, slate), call, attempt)
        entry = await asyncio.to_thread(
            ledger.rendered, slate, prefix=sheet.prefix, address=answer.address, rung=attempt - 1
        )
        return TakeInHand(
            shot=slate,
            slate=entry.slate,
            address=answer.address,
            is_reused=answer.is_reused,
            is_own=call.clip(shot_of(call.episode, slate)) is not None,
            seconds=answer.seconds,
        )

    async def judge(self, sheet: CallSheet, take: TakeInHand) -> VerdictAnswer:
        """Let the gates judge a take, and enter what they say into the ledger."""
        comparison = await asyncio.to_thread(comparison_for, sheet, take, self.records)
        answer = await self.engine.verdict(
            VerdictRequest(take=take.address, slate=take.slate, comparison=comparison)
        )
        await asyncio.to_thread(
            self.records.ledger(sheet.episode).judged,
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
            self.records.ledger(sheet.episode).moved,
            slates[0] if slates else "",
            why=f"to the pool {pool}, since {error.message}",
            run=f"{self.run}/to-{pool}",
        )

    async def exhibit(self, answer: VerdictAnswer) -> str | None:
        """Where a picture lies of what the gates that said NG compared, if they compared any."""
        return await asyncio.to_thread(self._exhibit, answer)

    async def circle(self, sheet: CallSheet, take: TakeInHand) -> Circled:
        """Circle a take that passed, or that a person brought, which nobody has to review."""
        ledger = self.records.ledger(sheet.episode)
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
        call = await self._caller.call_for(sheet, slate, attempts=attempts)
        shot = shot_of(call.episode, slate)
        # Takes of another caption, or of another memory, are other shots' takes by now.
        climbed = frozenset(
            planned_recipe(
                shot, call, attempt=attempt, keyframe=known_keyframe(shot, call, attempt=attempt)
            ).digest
            for attempt in attempts
        )
        return await asyncio.to_thread(self._circle_best, sheet, slate, climbed)

    async def _take(self, sheet: CallSheet, shot: Shot, call: Call, attempt: int) -> TakeAnswer:
        keyframe = known_keyframe(shot, call, attempt=attempt)
        recipe = planned_recipe(shot, call, attempt=attempt, keyframe=keyframe)
        if recipe.digest in self._recollection.damaged:
            await asyncio.to_thread(self._recollection.forget_damaged, recipe.digest)
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
            ledger = self.records.ledger(sheet.episode)
            await asyncio.to_thread(ledger.quarantined, shot.slate, why=error.message)
            raise

    def _clips(self, episode: Episode, sheet: CallSheet) -> set[str]:
        """Slates of the shots whose takes are a person's own footage."""
        orders = standing(episode, self.records.ledger(sheet.episode).state).orders
        return {slate for slate, order in orders.items() if order.clip}

    def _exhibit(self, answer: VerdictAnswer) -> str | None:
        verdict = self.vault.find_verdict(answer.take, answer.question)
        picture = exhibit(self.vault, verdict) if verdict else b""
        if not picture:
            return None
        return self.vault.link(self.vault.put_blob(picture, media_type="image/jpeg"))

    def _circle_best(self, sheet: CallSheet, slate: str, climbed: Collection[Digest]) -> Circled:
        ledger = self.records.ledger(sheet.episode)
        takes = [take for take in ledger.state.shot(slate).takes if take.address in climbed]
        usable = [take for take in takes if not take.rejected_why]
        verdicts = [(take, self.records.verdict_of(take)) for take in usable]
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
