"""
What is the state of an episode, and who says so?

    event, event, event … ── fold, in the order of their keys ── EpisodeState

The ledger is an append-only log: no event is ever overwritten, so two writers cannot lose
each other's words, and every reader folds to the same state. A snapshot holds the events up
to some point in one object; it only speeds reading up and may be deleted at any time.

A version of an episode is its state after all events up to a sequence. Takes are immutable, so
a version is restored by one more event that names it, which can be reverted like any other:

    1 broken down   2 rendered   3 circled …   9 reverted to 3   10 reverted to 8
"""

import json
import os
import secrets
import socket
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from onestory.documents import Digest, canonical_json
from onestory.engines.take import NgReason
from onestory.errors import OrderError, StorageError
from onestory.vault.events import Circler, Event, EventKind, Hold, ShotOrder
from onestory.vault.store import Vault

SNAPSHOT_EVERY_EVENTS = 64
"""A snapshot is worth its object when this many events are not in one yet."""


@dataclass(slots=True, kw_only=True)
class TakeEntry:
    """One take of a shot, as the ledger knows it."""

    slate: str
    address: Digest
    rung: int
    is_passed: bool | None = None
    reasons: tuple[NgReason, ...] = ()
    badness: float = 0.0
    question: Digest | None = None
    """What the gates were asked of it last; None if they never were."""
    rejected_why: str = ""
    rejected_for: NgReason | None = None
    """Word of the vocabulary; None if no person rejected it."""


@dataclass(slots=True, kw_only=True)
class Circling:
    """Which take is circled, by whom and why."""

    slate: str
    address: Digest
    rung: int
    by: Circler
    why: str
    is_waiting_for_review: bool
    person: str = ""
    """Name of the person who circled it, if one did and gave it."""

    @property
    def who(self) -> str:
        """Who circled it: a person's name, if it is known."""
        return self.person or self.by


@dataclass(slots=True, kw_only=True)
class ShotState:
    """Coverage of one shot."""

    takes: list[TakeEntry] = field(default_factory=list)
    circled: Circling | None = None
    keyframes: dict[Digest, Digest] = field(default_factory=dict)
    """Blobs of the first frames that were drawn for it, by the recipes that they were drawn of."""
    quarantined: list[str] = field(default_factory=list)
    order: ShotOrder | None = None
    """The newest that was not withdrawn; whether it lapsed, the script says."""
    hold: Hold | None = None
    """As the order."""
    highest_seed: int | None = None
    """Of all orders, those that were withdrawn too; None if none gave a seed."""
    num_decisions: int = 0
    """How often a person circled, rejected or ordered something of it, or nobody did in time."""
    num_takes_when_rejected: int = 0
    """How many takes there were when one was last rejected."""
    crashed: str = ""
    """Which workers crashed in it, in words, until a person has decided something of it."""

    @property
    def seen_when_rejected(self) -> list[TakeEntry]:
        """The takes that were there when one was last rejected; none if none is rejected."""
        is_rejected = any(take.rejected_why for take in self.takes)
        return self.takes[: self.num_takes_when_rejected] if is_rejected else []

    def entry(self, address: Digest) -> TakeEntry | None:
        """The take of that address, if it was entered."""
        return next((take for take in self.takes if take.address == address), None)

    def slate_of(self, address: Digest, *, prefix: str) -> str:
        """Slate of that take: the one under which it was entered, or the next one."""
        known = self.entry(address)
        return known.slate if known else f"{prefix}-tk{len(self.takes) + 1:02d}"


@dataclass(slots=True, kw_only=True)
class EpisodeState:
    """The fold of all events of an episode."""

    title: str = ""
    episode: Digest | None = None
    """Blob of the newest `Episode` document."""
    sheet: Digest | None = None
    """Blob of the newest call sheet."""
    shots: dict[str, ShotState] = field(default_factory=dict)
    """By slate; shots that the script has lost keep their coverage."""
    delivery: Digest | None = None
    imports: dict[str, Digest] = field(default_factory=dict)
    """Breakdowns of other episodes that looks were taken from last, by episode."""
    lent: dict[str, str] = field(default_factory=dict)
    """Which of their shots are remembered, in words, by episode."""
    runs: set[str] = field(default_factory=set)
    """Flow runs whose orders are entered, and their crashes and moves that are."""
    sequence: int = 0

    def shot(self, slate: str) -> ShotState:
        """Coverage of that shot, empty if nothing happened to it yet."""
        return self.shots.setdefault(slate, ShotState())


def fold(events: Iterable[Event]) -> EpisodeState:
    """State of an episode after these events, which must be in the order of their keys."""
    told = list(events)
    wanted = sorted({event.version for event in told if event.version is not None})
    versions: dict[int, EpisodeState] = {}
    state = EpisodeState()
    for event in told:
        while wanted and wanted[0] < event.sequence:
            versions[wanted.pop(0)] = deepcopy(state)
        if event.kind is EventKind.REVERTED and event.version in versions:
            _restore(state, versions[event.version])
        _apply(state, event)
    return state


def _restore(state: EpisodeState, version: EpisodeState) -> None:
    """
    Say again what was in force in a version, and forget nothing that is known since.

    Coverage, verdicts and quarantine are facts and stay; whatever somebody decided, from the
    breakdown to a rejection, is as it was.
    """
    state.title, state.episode, state.sheet = version.title, version.episode, version.sheet
    state.delivery = version.delivery
    state.imports, state.lent = dict(version.imports), dict(version.lent)
    for slate, shot in state.shots.items():
        then = version.shots.get(slate, ShotState())
        shot.circled = then.circled
        shot.keyframes |= then.keyframes
        shot.order, shot.hold = then.order, then.hold
        for take in shot.takes:
            if (entry := then.entry(take.address)) is not None:
                take.rejected_why, take.rejected_for = entry.rejected_why, entry.rejected_for


def _apply(state: EpisodeState, event: Event) -> None:
    state.sequence = max(state.sequence, event.sequence)
    if event.kind is EventKind.BROKEN_DOWN:
        state.title, state.episode, state.sheet = event.title, event.blob, event.sheet
    elif event.kind is EventKind.DELIVERED:
        state.delivery = event.blob
    elif event.kind is EventKind.IMPORTED:
        if event.blob:
            state.imports[event.source] = event.blob
            state.lent[event.source] = event.why
    elif event.kind in (EventKind.ORDERED, EventKind.KEPT):
        _apply_orders(state, event)
    elif event.kind in (EventKind.CRASHED, EventKind.MOVED):
        state.runs |= {event.run} - {""}
        if event.kind is EventKind.CRASHED:
            state.shot(event.shot).crashed = event.why
    elif event.kind is not EventKind.REVERTED:
        _apply_to_shot(state.shot(event.shot), event)


def _apply_orders(state: EpisodeState, event: Event) -> None:
    state.runs |= {event.run} - {""}
    for slate in event.withdrawn:
        state.shot(slate).order = state.shot(slate).hold = None
        state.shot(slate).num_decisions += 1
        state.shot(slate).crashed = ""
    for order in event.orders:
        shot = state.shot(order.shot)
        shot.num_decisions += 1
        shot.order, shot.hold, shot.crashed = order, None, ""
        if order.seed is not None:
            shot.highest_seed = max(order.seed, shot.highest_seed or 0)
    for hold in event.holds:
        state.shot(hold.shot).hold = hold


def _apply_to_shot(shot: ShotState, event: Event) -> None:
    entry = shot.entry(event.take) if event.take else None
    if event.kind is EventKind.KEYFRAME:
        if event.take and event.blob:
            shot.keyframes[event.take] = event.blob
    elif event.kind is EventKind.QUARANTINED:
        shot.quarantined.append(event.why)
    elif event.kind is EventKind.RENDERED and event.take and entry is None:
        shot.takes.append(TakeEntry(slate=event.slate, address=event.take, rung=event.rung))
    elif event.kind is EventKind.VERDICT and entry:
        entry.is_passed, entry.reasons = event.is_passed, event.reasons
        entry.badness, entry.question = event.badness, event.question
    elif event.kind is EventKind.REJECTED and entry:
        entry.rejected_why = event.why
        entry.rejected_for = event.reasons[0] if event.reasons else None
        shot.num_decisions += 1
        shot.crashed = ""
        shot.num_takes_when_rejected = len(shot.takes)
        if shot.circled and shot.circled.address == event.take:
            shot.circled = None
    elif event.kind is EventKind.CIRCLED and entry and event.by:
        if event.by in ("person", "nobody"):
            shot.num_decisions += 1
            entry.rejected_why, entry.rejected_for = "", None
        shot.crashed = ""
        shot.circled = Circling(
            slate=entry.slate,
            address=entry.address,
            rung=entry.rung,
            by=event.by,
            why=event.why,
            is_waiting_for_review=event.is_waiting_for_review,
            person=event.person,
        )


class Ledger:
    """The log of one episode: reads the state and appends to it."""

    def __init__(self, vault: Vault, episode: str, *, run: str = "") -> None:
        if not episode or set(episode) - set("abcdefghijklmnopqrstuvwxyz0123456789-"):
            raise OrderError(f"episode id {episode!r} is not a slug of a-z, 0-9 and -")
        self._vault = vault
        self._run = run
        self.episode = episode
        self._events: dict[str, Event] = {}
        self._num_in_snapshot = 0
        self._is_in_pencil = False
        self.refresh()

    @property
    def state(self) -> EpisodeState:
        """Fold of everything read and written so far."""
        return self._state

    def write_in_pencil(self) -> None:
        """Tell nobody else what is said from now on: for asking what would be if."""
        self._is_in_pencil = True

    def refresh(self) -> None:
        """Read whatever others wrote since."""
        keys = self._vault.list_keys(f"ledger/{self.episode}/")
        if not self._events and len(keys) > SNAPSHOT_EVERY_EVENTS // 2:
            self._read_snapshot()
        unread = [key for key in keys if key not in self._events]
        for key, content in self._vault.read_keys(unread):
            self._events[key] = Event.from_json(content)
        self._state = fold(event for _, event in sorted(self._events.items()))

    def history(self) -> list[Event]:
        """Every event, in the order in which they are folded."""
        return [event for _, event in sorted(self._events.items())]

    def state_at(self, version: int) -> EpisodeState:
        """
        The state of a version.

        Raises:
            OrderError: If there is no such version.
        """
        events = self.history()
        if version not in {event.sequence for event in events}:
            raise OrderError(
                f"episode {self.episode} has no version {version}, its last is "
                f"{self.state.sequence}",
                hint=f"onestory history {self.episode} lists them",
            )
        return fold(event for event in events if event.sequence <= version)

    def broken_down(self, *, title: str, episode: Digest, sheet: Digest) -> None:
        """Say which breakdown is in force, unless it is in force already."""
        if (self.state.episode, self.state.sheet) != (episode, sheet):
            self._append(EventKind.BROKEN_DOWN, blob=episode, sheet=sheet, title=title)

    def imported(
        self, source: str, *, episode: Digest, names: Sequence[str], shots: Sequence[str] = ()
    ) -> None:
        """
        Say from where looks are taken, unless that is what was said last.

        Args:
            source: Id of the other episode.
            episode: Its breakdown.
            names: Cast and sets that look as they do there.
            shots: Those of its shots that are remembered.
        """
        why = f"{', '.join(shots)} remembered" if shots else ""
        if (self.state.imports.get(source), self.state.lent.get(source)) != (episode, why):
            names = tuple(names)
            self._append(EventKind.IMPORTED, source=source, blob=episode, names=names, why=why)

    def keyframe(self, shot: str, blob: Digest, *, recipe: Digest) -> None:
        """Say which first frame was drawn of a recipe."""
        if self.state.shot(shot).keyframes.get(recipe) != blob:
            self._append(EventKind.KEYFRAME, shot=shot, blob=blob, take=recipe)

    def rendered(self, shot: str, *, prefix: str, address: Digest, rung: int) -> TakeEntry:
        """Enter a take into the coverage of a shot, once; returns it with its slate."""
        known = self.state.shot(shot).entry(address)
        if known is None:
            slate = self.state.shot(shot).slate_of(address, prefix=f"{prefix}-{shot}")
            self._append(EventKind.RENDERED, shot=shot, slate=slate, take=address, rung=rung)
            known = self.state.shot(shot).entry(address)
        if known is None:
            raise StorageError(f"take {address} did not enter the ledger", slate=shot)
        return known

    def judged(
        self,
        shot: str,
        *,
        address: Digest,
        question: Digest,
        is_passed: bool,
        reasons: tuple[NgReason, ...],
        badness: float,
    ) -> None:
        """Enter a verdict, unless it says what the ledger already says."""
        entry = self.state.shot(shot).entry(address)
        said = (question, is_passed, reasons)
        if entry is None or (entry.question, entry.is_passed, entry.reasons) != said:
            self._append(
                EventKind.VERDICT,
                shot=shot,
                take=address,
                question=question,
                is_passed=is_passed,
                reasons=reasons,
                badness=badness,
            )

    def circle(
        self,
        shot: str,
        *,
        address: Digest,
        by: Circler,
        why: str,
        is_waiting_for_review: bool = False,
        person: str = "",
    ) -> None:
        """
        Circle a take, unless it is circled for the same reason already.

        Args:
            shot: Whose take.
            address: Which take.
            by: Who circles it.
            why: One phrase.
            is_waiting_for_review: Whether a person has yet to look at it.
            person: Name of the person, if one circles it.

        Raises:
            OrderError: If the shot has no such take.
        """
        coverage = self.state.shot(shot)
        if coverage.entry(address) is None:
            raise OrderError(
                f"take {address} is none of the {len(coverage.takes)} takes", slate=shot
            )
        now, wanted = coverage.circled, (address, by, is_waiting_for_review)
        is_said = now and (now.address, now.by, now.is_waiting_for_review) == wanted
        if is_said and not coverage.crashed:
            return
        self._append(
            EventKind.CIRCLED,
            shot=shot,
            take=address,
            by=by,
            why=why,
            is_waiting_for_review=is_waiting_for_review,
            person=person,
        )

    def reject(
        self, shot: str, *, address: Digest, reason: NgReason, note: str = "", person: str = ""
    ) -> None:
        """
        Say that a person rejects a take; if it is circled, no take of the shot is any more.

        Args:
            shot: Whose take.
            address: Which take.
            reason: Word of the vocabulary.
            note: What else there is to say.
            person: Name of who rejects it.

        Raises:
            OrderError: If the shot has no such take.
        """
        coverage = self.state.shot(shot)
        entry = coverage.entry(address)
        if entry is None:
            raise OrderError(f"take {address} is none of its takes", slate=shot)
        why = f"{reason}, {note}" if note else str(reason)
        if entry.rejected_why != why or coverage.crashed:
            self._append(
                EventKind.REJECTED,
                shot=shot,
                take=address,
                reasons=(reason,),
                by="person",
                person=person,
                why=why,
            )

    def revert(self, version: int) -> None:
        """
        Restore a version, unless what it said is in force already.

        Raises:
            OrderError: If there is no such version.
        """
        restored = deepcopy(self.state)
        _restore(restored, self.state_at(version))
        if restored != self.state:
            self._append(EventKind.REVERTED, version=version, by="person")

    def ordered(
        self,
        run: str,
        *,
        orders: Sequence[ShotOrder] = (),
        holds: Sequence[Hold] = (),
        withdrawn: Sequence[str] = (),
        person: str = "",
    ) -> None:
        """
        Enter what a person orders, all of it or nothing, and once.

        Args:
            run: Who orders it; what is ordered under the same name again is left out.
            orders: How shots are to be filmed.
            holds: Takes that are to stay.
            withdrawn: Slates of shots of which nothing is ordered or held any more.
            person: Name of who orders it, if it is known.
        """
        if run not in self.state.runs:
            self._append(
                EventKind.ORDERED,
                run=run,
                orders=tuple(orders),
                holds=tuple(holds),
                withdrawn=tuple(withdrawn),
                person=person,
            )

    def kept(self, hold: Hold) -> None:
        """Say instead of what a take stays, unless the ledger says so."""
        if self.state.shot(hold.shot).hold != hold:
            self._append(EventKind.KEPT, holds=(hold,))

    def quarantined(self, shot: str, *, why: str) -> None:
        """Say that media of a shot could not be read."""
        self._append(EventKind.QUARANTINED, shot=shot, why=why)

    def crashed(self, shot: str, *, why: str, run: str) -> None:
        """
        Say that a shot waits for a person, since workers crashed in it; once.

        Args:
            shot: Which shot.
            why: Which workers crashed, in words.
            run: Names the crashes; what is said under the same name again is left out.
        """
        if run not in self.state.runs:
            self._append(EventKind.CRASHED, shot=shot, why=why, run=run)

    def moved(self, shot: str, *, why: str, run: str) -> None:
        """
        Say that filming goes on elsewhere; once.

        Args:
            shot: From which shot on; empty if that is not known.
            why: Where to, and why, in words.
            run: Names the move; what is said under the same name again is left out.
        """
        if run not in self.state.runs:
            self._append(EventKind.MOVED, shot=shot, why=why, run=run)

    def delivered(self, blob: Digest) -> None:
        """Say what left the house, unless it is what left it last."""
        if self.state.delivery != blob:
            self._append(EventKind.DELIVERED, blob=blob)
        if len(self._events) - self._num_in_snapshot >= SNAPSHOT_EVERY_EVENTS // 2:
            self._write_snapshot()

    def _append(self, kind: EventKind, **fields: Any) -> None:
        now = datetime.now(UTC)
        event = Event(
            kind=kind,
            sequence=self._state.sequence + 1,
            at=now.isoformat(timespec="microseconds"),
            writer=f"{socket.gethostname()}:{os.getpid()}",
            **{"run": self._run, **fields},
        )
        stamp = now.strftime("%Y%m%dT%H%M%S%f")
        key = f"ledger/{self.episode}/{event.sequence:010d}-{stamp}-{secrets.token_hex(6)}.json"
        if not self._is_in_pencil:
            self._vault.put_new(key, event.to_json())
        self._events[key] = event
        if kind is EventKind.REVERTED:
            self._state = fold(self.history())
        else:
            _apply(self._state, event)

    def _read_snapshot(self) -> None:
        keys = self._vault.list_keys(f"snapshots/{self.episode}/")
        for _, content in self._vault.read_keys(keys[-1:]):
            events = json.loads(content)["events"]
            self._events = {key: Event.model_validate(event) for key, event in events.items()}
            self._num_in_snapshot = len(self._events)

    def _write_snapshot(self) -> None:
        events = {key: event.model_dump(mode="json") for key, event in self._events.items()}
        key = f"snapshots/{self.episode}/{self._state.sequence:010d}-{secrets.token_hex(6)}.json"
        self._vault.put_new(key, canonical_json({"schema": "Snapshot.1", "events": events}))
        self._num_in_snapshot = len(events)
