"""
What does a person need to see, to choose among the takes of one shot?

    ComparisonPage ── ComparedTake … ─┬─ Picture … first, middle and last frame
                                      ├─ gates, measures
                                      └─ what its recipe has otherwise than the reference's

Plain values, as on the dailies page: as JSON they are the same, but for the pictures' bytes.
"""

from typing import Literal, TypeAlias

from pydantic import Field

from onestory.continuity.measures import Measure
from onestory.dailies.page import JudgedTake
from onestory.documents import Digest, Frozen
from onestory.engines.recipe import Difference
from onestory.engines.take import NgReason
from onestory.screenplay.episode import Reference

FrameName: TypeAlias = Literal["first", "middle", "last"]
FRAMES: tuple[FrameName, ...] = ("first", "middle", "last")
"""In the order in which they are shown."""


class Picture(Frozen):
    """One frame of a take."""

    frame: FrameName
    blob: Digest
    is_readable: bool
    """False if the blob is missing or damaged."""
    content: bytes = Field(default=b"", exclude=True)
    """JPEG; empty if it is not readable. No part of the JSON."""


class ComparedTake(JudgedTake):
    """One take beside the others of its shot."""

    is_gone: bool = False
    """Whether it is not in the vault any more: only what was said of it is known."""
    is_passed: bool | None = None
    """What the gates in force say of it; None if they were not asked."""
    reasons: tuple[NgReason, ...] = ()
    """Why it is no good, worst gate first."""
    rejected_why: str = ""
    """Empty if no person rejected it."""
    pictures: tuple[Picture, ...] = ()
    """First, middle and last frame; empty if it is gone."""
    measures: tuple[Measure, ...] = ()
    """Empty if it was not measured."""
    differences: tuple[Difference, ...] = ()
    """`one` is the reference's value, `other` its own; empty if it is the reference, or gone."""
    memory_changes: tuple[str, ...] = ()
    """What it remembered otherwise than the reference, a phrase for each frame."""


class ComparisonPage(Frozen):
    """Every take of one shot."""

    title: str
    episode: str
    prefix: str = ""
    """`s01e03`."""
    slate: str
    """`sc04-sh012`."""
    set_name: str
    caption: str
    """As the shot is to be filmed today."""
    references: tuple[Reference, ...] = ()
    circled: str | None = None
    """Slate of the circled take."""
    circled_why: str = ""
    circled_by: str = ""
    reference: str | None = None
    """Slate of the take that the others' recipes are held against: the circled one; the latest
    that is there if none is circled, or the circled one is gone; None if none is there."""
    takes: tuple[ComparedTake, ...] = ()
    """In the order in which they were filmed."""
