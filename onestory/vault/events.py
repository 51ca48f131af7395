"""
What can be said of an episode, once and for ever?

An event is one small immutable document under a sortable unique key. Its sequence is one
more than the highest its writer had seen, so that skewed clocks do not reorder a story; the
UTC and the random part decide between writers who saw the same.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from onestory.documents import Digest, Document, Frozen, Upgrade
from onestory.engines.take import NgReason


class EventKind(StrEnum):
    """The vocabulary of the ledger."""

    BROKEN_DOWN = "broken down"
    KEYFRAME = "keyframe"
    RENDERED = "take rendered"
    VERDICT = "verdict"
    CIRCLED = "circled"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DELIVERED = "delivered"
    REVERTED = "reverted"
    ORDERED = "ordered"
    KEPT = "kept"
    IMPORTED = "imported"
    CRASHED = "crashed"
    MOVED = "moved"


Circler = Literal["gates", "best of", "person", "nobody"]
"""Nobody: a person was asked, and did not answer in time."""


class ShotOrder(Frozen):
    """How a person wants one shot to be filmed, whole: a newer order replaces it."""

    shot: str
    written: Digest
    """What the script said of the shot; the order lapses when it says something else."""
    caption: str | None = None
    """The person's words, names and all; None: the script's."""
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """In place of the film's seed; None: the film's."""
    keyframe: Digest | None = None
    """The person's own first frame."""
    clip: Digest | None = None
    """The person's own footage: nothing is filmed."""

    @property
    def words(self) -> tuple[str, ...]:
        """What of the shot is ordered, in words."""
        fields = ("caption", "seed", "keyframe", "clip")
        return tuple(name for name in fields if getattr(self, name) is not None)


class Hold(Frozen):
    """A circled take that a person wants to stay, although it may be stale."""

    shot: str
    take: Digest
    """The hold ends with this take's being circled."""
    is_frozen: bool = False
    """Whether it stays whatever happens, until it is withdrawn."""
    written: Digest
    """What the script said of the shot; a hold that is not frozen lapses as an order does."""
    instead_of: Digest | None = None
    """What it stays instead of, if it is not frozen: the intent of the take that would be filmed
    (`onestory.production.recipes.intent_of`). None as long as that is not known, since an earlier
    shot waits to be filmed."""


class Event(Document):
    """Something that happened to an episode."""

    schema_name: ClassVar[str] = "Event.5"
    upgrades: ClassVar[Mapping[str, Upgrade]] = {
        "Event.1": lambda old: {"schema": "Event.2", **old},  # knew neither run nor version
        "Event.2": lambda old: {  # gates were the whole question
            "schema": "Event.3",
            "question": old.get("gates"),
            **{name: value for name, value in old.items() if name != "gates"},
        },
        "Event.3": lambda old: {"schema": "Event.4", **old},  # knew no imports
        "Event.4": lambda old: {"schema": "Event.5", **old},  # knew neither crashes nor moves
    }

    kind: EventKind
    sequence: int = Field(ge=1)
    at: str
    """UTC, ISO 8601, microseconds."""
    writer: str
    """Who wrote it: host and process, for people to read."""
    run: str = ""
    """The flow run that wrote it; empty if a person's command did."""
    shot: str = ""
    """Slate of the shot within the episode."""
    slate: str = ""
    """Slate of the take."""
    take: Digest | None = None
    """Address of the take: its recipe's digest."""
    rung: int = 0
    """Which take it is, counted from 0: its number, less one, says on which rung of the retake
    ladder it was made, see `onestory.continuity.ladder.DEFAULT_LADDER`."""
    blob: Digest | None = None
    """Episode, keyframe or delivery that the event speaks of; or what is imported from."""
    sheet: Digest | None = None
    """Blob of the call sheet in force."""
    question: Digest | None = None
    """What the gates were asked of the take: with its address it names the verdict."""
    is_passed: bool | None = None
    reasons: tuple[NgReason, ...] = ()
    badness: float = 0.0
    by: Circler | None = None
    person: str = ""
    """Name of the person who decided; empty if none did, or none was given."""
    why: str = ""
    is_waiting_for_review: bool = False
    title: str = ""
    source: str = ""
    """Id of the episode that is imported from."""
    names: tuple[str, ...] = ()
    """Cast and sets that look as they do there."""
    version: int | None = Field(default=None, ge=1)
    """Which version is restored: the state after all events up to that sequence."""
    orders: tuple[ShotOrder, ...] = ()
    holds: tuple[Hold, ...] = ()
    withdrawn: tuple[str, ...] = ()
    """Slates of the shots of which nothing is ordered or held any more."""
