"""
What does a flow hold of a film? Names and digests, which travel between processes.

    CallSheet ── the episode, as ordered and broken down
    TakeInHand ── a take that nobody judged yet ──► Circled ── what came of its shot
"""

from collections.abc import Mapping
from typing import ClassVar

from onestory.breakdown.layout import BreakdownRecord
from onestory.documents import Digest, Document, Frozen
from onestory.production.order import EpisodeOrder
from onestory.production.plan import Carried
from onestory.screenplay.episode import Aspect

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
