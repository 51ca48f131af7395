"""
What becomes of a shot in which worker after worker crashes?

    crash, crash, crash ── same shot ── labels of the flow run ── ledger ── a person is asked

Whoever counts crashes knows flow runs and no vault. So it writes what it found to the run's labels
and has the run begun once more; that enters it in the ledger of its film, before anything is
filmed, and the shot is left alone until somebody has decided (`onestory.production.review`).
"""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from onestory.documents import Frozen

if TYPE_CHECKING:
    from onestory.production.call_sheet import CallSheet
    from onestory.production.unit import Unit

Value = str | int | float | bool

SHOT, WHY, COUNT = (f"onestory.to-review.{name}" for name in ("shot", "why", "count"))
"""Labels of a flow run one of whose shots goes to review."""


class CrashedShot(Frozen):
    """A shot that was on the floor whenever a worker of its film crashed."""

    shot: str
    """Slate with the prefix of its film, as tasks name it: `s01e03-sc01-sh002`."""
    why: str
    """How often it crashed and on which workers, in words."""
    count: int
    """The last of its crashes, counted since the flow run was first begun."""

    def as_labels(self) -> dict[str, Value]:
        """Labels by which its flow run remembers it."""
        return {SHOT: self.shot, WHY: self.why, COUNT: self.count}


def crashed_shot(labels: Mapping[str, Value]) -> CrashedShot | None:
    """The latest shot of a flow run that went to review, as its labels remember it."""
    if SHOT not in labels:
        return None
    return CrashedShot(
        shot=str(labels[SHOT]), why=str(labels.get(WHY, "")), count=int(labels.get(COUNT, 0))
    )


async def enter_crashes(unit: "Unit", sheet: "CallSheet", found: CrashedShot, *, run: str) -> None:
    """
    Enter in the ledger that a shot waits for a person; once, whatever is decided afterwards.

    Args:
        unit: Whose ledger.
        sheet: Which episode; a shot that its script has lost meanwhile is left out.
        found: Which shot, and why.
        run: The flow run that crashed.
    """
    ledger = unit.records.ledger(sheet.episode)
    for slate in sheet.slates:
        if f"{sheet.prefix}-{slate}" == found.shot:
            await asyncio.to_thread(
                ledger.crashed, slate, why=found.why, run=f"{run}/crash-{found.count}"
            )
