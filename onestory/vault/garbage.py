"""
What may be deleted from a vault, and why does nothing circled ever go?

    every event of every ledger ── names ──┬── breakdowns, voices, keyframes, deliveries
                                           └── takes that are circled, or were in any version
    what those documents name ─────────────┬── media, latents, reports
                                           └── the takes whose frames they remembered
    the vault  −  all that  −  what is fresh  =  garbage

Every version of an episode can be restored, for ever: that is why the takes of all of them are
held. The other takes that a ledger knows go only if a policy asks for it. Whatever was put a
moment ago may be on its way into a ledger, and stays.

A document goes before what it names, so that a gc that is killed leaves nothing broken, only
some garbage for the next one. Two at once delete the same, which is deleted once.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Self

from onestory.documents import Digest
from onestory.errors import MissingBlobError, OrderError
from onestory.vault.events import Event, EventKind
from onestory.vault.ledger import Ledger
from onestory.vault.store import LINK_LIFE, TOUCHED_WITHIN, Stored, Vault

GRACE = 4 * TOUCHED_WITHIN
"""Longer than anything takes from its put to the ledger; the longest render takes hours."""

BATCH = 100
"""Objects that are looked at once more and then deleted in one call."""

_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")

_ONLY_KNOWN = frozenset({EventKind.RENDERED, EventKind.VERDICT, EventKind.REJECTED})
"""Events that know a take without choosing it. Any other, one of tomorrow too, holds it."""

_MEDIA = frozenset({EventKind.KEYFRAME, EventKind.DELIVERED})
"""Events whose blob names nothing further."""

_READ_DEPTH = 2
"""A call sheet names documents, and documents name media, which name nothing."""


class Why(StrEnum):
    """Why something goes."""

    UNKNOWN_TAKE = "a take that no ledger knows"
    OLD_TAKE = "an uncircled take, older than asked for"
    SURPLUS_TAKE = "an uncircled take, over the size asked for"
    TAKE_IS_GONE = "a report on a take that is gone"
    UNUSED_ANSWER = "an answer that no ledger uses"
    SUPERSEDED = "a snapshot that a newer one holds"
    OLD_QUARANTINE = "quarantined media, older than asked for"
    UNNAMED = "a blob that nothing names"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What goes besides what no ledger reaches. Never anything that was ever circled."""

    older_than: timedelta | None = None
    """Uncircled takes and quarantined media of more than this age go; None: age is no reason."""
    keep_bytes: int | None = None
    """Of uncircled takes so many bytes stay, the newest; None: size is no reason."""
    grace: timedelta = GRACE
    """What was put less long ago stays, whatever it is."""

    @classmethod
    def ordered(
        cls, *, older_than_days: float | None, keep_bytes: int | None, grace_hours: float
    ) -> Self:
        """
        The policy of an order, at a terminal or for the night.

        Args:
            older_than_days: Age at which uncircled takes go; None: age is no reason.
            keep_bytes: How much of them stays; None: size is no reason.
            grace_hours: How long whatever was just put stays.

        Raises:
            OrderError: If an age or a size is negative.
        """
        if min(older_than_days or 0, keep_bytes or 0, grace_hours) < 0:
            raise OrderError("age and size of what is kept cannot be negative")
        return cls(
            older_than=None if older_than_days is None else timedelta(days=older_than_days),
            keep_bytes=keep_bytes,
            grace=timedelta(hours=grace_hours),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Condemned:
    """One object that may go."""

    stored: Stored
    why: Why


@dataclass(frozen=True, kw_only=True, slots=True)
class Garbage:
    """What may go, and what stays."""

    stages: tuple[tuple[Condemned, ...], ...]
    """One after the other, so that a document goes before what it names."""
    num_held_takes: int
    """Takes that are circled or were in some version, and those that they remembered."""
    num_uncircled_takes: int
    """Takes that stay besides."""
    num_waiting: int
    """Objects that may not go as long as films are being made."""
    kept_bytes: int

    @property
    def condemned(self) -> tuple[Condemned, ...]:
        """All that may go, in the order in which it goes."""
        return tuple(one for stage in self.stages for one in stage)

    @property
    def num_bytes(self) -> int:
        """What would be won."""
        return sum(one.stored.num_bytes for one in self.condemned)


def find_garbage(
    vault: Vault, policy: Policy, *, now: datetime, is_filming: bool = False
) -> Garbage:
    """
    Say what may be deleted; deletes nothing.

    Args:
        vault: Where.
        policy: What goes besides what no ledger reaches.
        now: UTC.
        is_filming: Whether films are being made. A producer may lay hands on any document that
            answers its question, and enter it into a ledger at once: documents wait.

    Raises:
        CorruptBlobError: If a document that a ledger names is damaged: what it holds is unknown.
    """
    # Listed before the ledgers are read: whatever is put meanwhile is no candidate.
    stored = vault.list_stored("")
    names = sorted({key.split("/")[1] for key in vault.list_keys("ledger/")})
    events = [event for name in names for event in Ledger(vault, name).history()]
    return _Census(vault, policy, now, stored, is_filming=is_filming).taken(events)


def discard(
    vault: Vault,
    garbage: Garbage,
    *,
    on_batch: Callable[[Sequence[Condemned]], None] = lambda _: None,
) -> list[Condemned]:
    """
    Delete what was found, but for what was put anew since; returns what was deleted.

    Raises:
        StorageError: If something could not be deleted; what was deleted until then is gone.
    """
    deleted: list[Condemned] = []
    with ThreadPoolExecutor(8) as pool:
        for batch in _batches(garbage.stages):
            modified = pool.map(vault.modified_at, [one.stored.key for one in batch])
            going = [
                one for one, now in zip(batch, modified, strict=True) if now == one.stored.modified
            ]
            vault.remove_keys([one.stored.key for one in going])
            deleted += going
            on_batch(going)
    return deleted


def _batches(stages: Iterable[Sequence[Condemned]]) -> Iterator[Sequence[Condemned]]:
    for stage in stages:
        for start in range(0, len(stage), BATCH):
            yield stage[start : start + BATCH]


@dataclass(slots=True)
class _Held:
    """What stays."""

    takes: set[Digest] = field(default_factory=set)
    blobs: set[Digest] = field(default_factory=set)


class _Census:
    """One count of a whole vault."""

    def __init__(
        self,
        vault: Vault,
        policy: Policy,
        now: datetime,
        stored: Sequence[Stored],
        *,
        is_filming: bool,
    ) -> None:
        self._vault = vault
        self._policy = policy
        self._now = now
        self._is_filming = is_filming
        self._stored = stored
        self._blobs = {
            Digest("sha256:" + one.key.removeprefix("blobs/").replace("/", "")): one
            for one in self._under("blobs/")
        }
        self._takes = {_digest_in(one.key): one for one in self._under("takes/")}
        self._read: dict[Digest, frozenset[Digest]] = {}
        self._held = _Held()
        self._waiting = 0
        self._let_go: set[Digest] = set()
        """Blobs that a document names which goes."""

    def taken(self, events: Sequence[Event]) -> Garbage:
        """Count everything, given all that was ever said."""
        named = self._named_by(list(self._takes.values()))
        self._read = {t: names - {t} for t, names in zip(self._takes, named, strict=True)}
        for event in events:
            self._hold_what_is_said(event)
        num_held_takes = len(self._held.takes)
        going = self._takes_that_go(frozenset(event.take for event in events if event.take))
        num_takes = len(self._held.takes)
        lookups = self._lookups_that_go()
        papers = self._papers_that_go(going)
        stages = (
            papers,
            [Condemned(stored=self._takes[take], why=why) for take, why in going.items()],
            [*lookups, *self._snapshots_that_go(), *self._quarantine_that_goes()],
            self._blobs_that_go(),
        )
        won = sum(one.stored.num_bytes for stage in stages for one in stage)
        return Garbage(
            stages=tuple(tuple(stage) for stage in stages),
            num_held_takes=num_held_takes,
            num_uncircled_takes=num_takes - num_held_takes,
            num_waiting=self._waiting,
            kept_bytes=sum(one.num_bytes for one in self._stored) - won,
        )

    # What stays

    def _hold_what_is_said(self, event: Event) -> None:
        digests = _digests(event.to_json())
        if event.kind in _ONLY_KNOWN and event.take:
            digests -= {event.take}
        for digest in digests:
            is_media = event.kind in _MEDIA and digest == event.blob
            self._hold(digest, depth=_READ_DEPTH if is_media else 0)

    def _hold(self, digest: Digest, *, depth: int) -> None:
        if digest in self._takes:
            self._hold_take(digest)
        if digest in self._blobs:
            self._held.blobs.add(digest)
            if depth < _READ_DEPTH:
                for named in self._named_by_blob(digest):
                    self._hold(named, depth=depth + 1)

    def _hold_take(self, take: Digest) -> None:
        waiting = [take]
        while waiting:
            one = waiting.pop()
            if one in self._held.takes:
                continue
            self._held.takes.add(one)
            named = self._named_by_take(one)
            self._held.blobs |= named & self._blobs.keys()
            waiting += named & self._takes.keys()

    def _named_by_take(self, take: Digest) -> frozenset[Digest]:
        return self._read[take]

    def _named_by_blob(self, blob: Digest) -> frozenset[Digest]:
        if blob not in self._read:
            try:
                content = self._vault.get_blob(blob)
            except MissingBlobError:
                content = b""
            self._read[blob] = _digests(content) if content[:1] == b"{" else frozenset()
        return self._read[blob]

    def _named_by(self, documents: Sequence[Stored]) -> list[frozenset[Digest]]:
        """Digests in each document; none if another gc was faster."""
        with ThreadPoolExecutor(8) as pool:
            contents = pool.map(self._vault.find_key, [one.key for one in documents])
            return [_digests(content or b"") for content in contents]

    # What goes

    def _takes_that_go(self, known: Collection[Digest]) -> dict[Digest, Why]:
        """Takes that go, by address; whatever the others name is held from now on."""
        why: dict[Digest, Why] = {}
        newest_first = sorted(
            self._takes.keys() - self._held.takes,
            key=lambda take: (self._takes[take].modified, take),
            reverse=True,
        )
        spent = 0
        for take in newest_first:
            reason = self._reason(take, spent) if take in known else Why.UNKNOWN_TAKE
            if reason and self._may_go(self._takes[take]):
                why[take] = reason
                if reason is Why.SURPLUS_TAKE and self._policy.keep_bytes is not None:
                    spent = self._policy.keep_bytes + 1  # so that all older ones go, too
                continue
            spent += self._bytes_of(take) if take in known else 0
            self._hold_take(take)
        # A take that stays may have remembered one that was to go.
        going = {take: reason for take, reason in why.items() if take not in self._held.takes}
        for take in going:
            self._let_go |= self._named_by_take(take)
        return going

    def _reason(self, take: Digest, spent: int) -> Why | None:
        policy, age = self._policy, self._now - self._takes[take].modified
        if policy.older_than is not None and age > policy.older_than:
            return Why.OLD_TAKE
        if policy.keep_bytes is not None and spent + self._bytes_of(take) > policy.keep_bytes:
            return Why.SURPLUS_TAKE
        return None

    def _bytes_of(self, take: Digest) -> int:
        """Bytes that are there for this take alone, so far."""
        own = (self._named_by_take(take) & self._blobs.keys()) - self._held.blobs
        return sum(self._blobs[blob].num_bytes for blob in own)

    def _papers_that_go(self, going: Mapping[Digest, Why]) -> list[Condemned]:
        """Measures and verdicts of takes that go or are gone."""
        papers = [*self._under("measures/"), *self._under("verdicts/")]
        found = []
        for paper in papers:
            take = _digest_in(paper.key)
            if take in going:
                found.append(Condemned(stored=paper, why=going[take]))
            elif take not in self._takes and self._may_go(paper):
                found.append(Condemned(stored=paper, why=Why.TAKE_IS_GONE))
        return found

    def _lookups_that_go(self) -> list[Condemned]:
        """Answers that name only what nothing else does; whatever the others name is held."""
        lookups = self._under("lookups/")
        in_use = frozenset(self._held.blobs | self._held.takes)
        found = []
        for lookup, named in zip(lookups, self._named_by(lookups), strict=True):
            if named and not named & in_use and self._may_go(lookup):
                found.append(Condemned(stored=lookup, why=Why.UNUSED_ANSWER))
                self._let_go |= named
            else:
                self._held.blobs |= named & self._blobs.keys()
        return found

    def _snapshots_that_go(self) -> list[Condemned]:
        """All but the newest of an episode, once that one has had time to be known."""
        snapshots = self._under("snapshots/")
        return [
            Condemned(stored=older, why=Why.SUPERSEDED)
            for older, newer in pairwise(snapshots)
            if older.key.split("/")[1] == newer.key.split("/")[1] and self._is_old(newer)
        ]

    def _quarantine_that_goes(self) -> list[Condemned]:
        limit = self._policy.older_than
        return [
            Condemned(stored=one, why=Why.OLD_QUARANTINE)
            for one in self._under("quarantine/")
            if limit is not None and self._now - one.modified > limit and self._is_old(one)
        ]

    def _blobs_that_go(self) -> list[Condemned]:
        """
        Blobs that nothing names which stays.

        One that never was named may be a page that a link opens: it goes when no link can.
        """
        link_life = LINK_LIFE + TOUCHED_WITHIN
        return [
            Condemned(stored=stored, why=Why.UNNAMED)
            for blob, stored in self._blobs.items()
            if blob not in self._held.blobs
            and self._is_old(stored)
            and (blob in self._let_go or self._now - stored.modified > link_life)
        ]

    def _may_go(self, document: Stored) -> bool:
        if not self._is_old(document):
            return False
        self._waiting += self._is_filming
        return not self._is_filming

    def _is_old(self, stored: Stored) -> bool:
        return self._now - stored.modified > self._policy.grace

    def _under(self, prefix: str) -> list[Stored]:
        return [one for one in self._stored if one.key.startswith(prefix)]


def _digests(content: bytes) -> frozenset[Digest]:
    return frozenset(Digest(found.decode()) for found in _DIGEST.findall(content))


def _digest_in(key: str) -> Digest:
    """The digest of a take in the key of its document or of a report on it."""
    return Digest("sha256:" + key.split("/")[1][:64])
