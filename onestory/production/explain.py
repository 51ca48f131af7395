"""What did a take remember, and why do two takes differ?"""

from collections.abc import Mapping
from typing import Any

from onestory.documents import Digest, Frozen
from onestory.engines.recipe import Difference, differences
from onestory.engines.take import Take


class RememberedOf(Frozen):
    """One frame that a take remembered."""

    slate: str
    """Slate of the take it belongs to; empty if that take is gone."""
    take: Digest
    frame: int
    """Latent frame within that take."""
    score: float
    level: int
    """Patchifier level, 0 is the finest."""
    latent: Digest


class Explanation(Frozen):
    """Why a take looks as it does."""

    slate: str
    address: str
    recipe: dict[str, Any]
    remembered: tuple[RememberedOf, ...]
    """In the order in which it was read."""
    remarks: tuple[str, ...]
    unknown_words: tuple[str, ...]
    mapped_words: tuple[tuple[str, str], ...]
    render_seconds: float
    machine: str
    rendered_at: str
    differences: tuple[Difference, ...] = ()
    """Against the other take, if one was named; the most important first."""


def explain(
    take: Take, other: Take | None = None, *, slates: Mapping[Digest, str] | None = None
) -> Explanation:
    """
    Lay a take's recipe and memory open; with another take, name what differs.

    Args:
        take: Which take.
        other: The take it is compared with, if any.
        slates: Slates of the takes that it remembers, as far as they are there.
    """
    report = take.caption_report
    return Explanation(
        slate=take.slate,
        address=take.address,
        recipe=take.recipe.model_dump(mode="json"),
        remembered=tuple(
            RememberedOf(
                slate=(slates or {}).get(frame.take, ""),
                take=frame.take,
                frame=frame.frame_index,
                score=frame.score,
                level=frame.level,
                latent=frame.latent,
            )
            for frame in take.lineage
        ),
        remarks=take.remarks,
        unknown_words=report.unknown if report else (),
        mapped_words=report.mapped if report else (),
        render_seconds=take.timings.render_seconds,
        machine=take.machine,
        rendered_at=take.rendered_at,
        differences=differences(take.recipe, other.recipe) if other else (),
    )
