"""
Which shots does each shot remember?

          ╭───────────╮
      ╭───┼───╮   ╭───┤        an arc from every shot to the earlier ones whose frames it read,
      1   2   3   4   5        thicker for more frames

Geometry only, in the units of an SVG view box; the template draws it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from onestory.dailies.page import DailiesShot

STEP = 64
"""Distance between two shots."""
_MARGIN = 40
_BASE = 26
"""Room under the line for the shots' numbers."""
_THICKEST = 7.0


@dataclass(frozen=True, slots=True)
class Node:
    """A shot on the line."""

    x: float
    index: int
    """Position of the shot on the page, from 0."""
    label: str


@dataclass(frozen=True, slots=True)
class Arc:
    """What one shot remembered of one earlier shot."""

    path: str
    """SVG path data."""
    thickness: float
    strength: float
    """Score against the best score, [0.25, 1]."""
    words: str
    """The same in a sentence."""
    earlier: int
    """Position of the remembered shot, from 0."""
    later: int
    """Position of the shot that remembers, from 0."""


@dataclass(frozen=True, slots=True)
class LineagePicture:
    """Everything to draw."""

    width: float
    height: float
    baseline: float
    nodes: tuple[Node, ...]
    arcs: tuple[Arc, ...]


def lineage_picture(shots: Sequence[DailiesShot]) -> LineagePicture | None:
    """
    Lay out the memory of an episode.

    Args:
        shots: The shots in story order.

    Returns:
        The picture; None if no shot remembers another. What names an unknown shot, or one that
        is not earlier, is left out.
    """
    places = {shot.slate: index for index, shot in enumerate(shots)}
    found = [
        (places[memory.shot], later, memory)
        for later, shot in enumerate(shots)
        for memory in shot.remembered
        if places.get(memory.shot, later) < later
    ]
    if not found:
        return None
    most_frames = max(memory.num_frames for _, _, memory in found)
    best_score = max(memory.score for _, _, memory in found)
    highest = max(later - earlier for earlier, later, _ in found)
    baseline = 24 + _rise(highest)
    arcs = tuple(
        Arc(
            path=_path(earlier, later, baseline),
            thickness=round(1.2 + (_THICKEST - 1.2) * memory.num_frames / most_frames, 2),
            strength=round(max(0.25, memory.score / best_score), 2) if best_score > 0 else 1.0,
            words=f"{shots[later].slate} remembers {memory.num_frames} "
            f"{'frame' if memory.num_frames == 1 else 'frames'} of {memory.shot}",
            earlier=earlier,
            later=later,
        )
        for earlier, later, memory in found
    )
    return LineagePicture(
        width=2 * _MARGIN + STEP * (len(shots) - 1),
        height=baseline + _BASE,
        baseline=baseline,
        nodes=tuple(
            Node(x=_x(index), index=index, label=shot.slate.rsplit("sh", 1)[-1])
            for index, shot in enumerate(shots)
        ),
        arcs=arcs,
    )


def _x(index: int) -> float:
    return _MARGIN + STEP * index


def _rise(distance: int) -> float:
    """Long arcs rise higher, but ever less so, so that the picture stays flat."""
    return float(round(34 * distance**0.62, 2))


def _path(earlier: int, later: int, baseline: float) -> str:
    left, right = _x(earlier), _x(later)
    # A cubic's top lies at three quarters of its handles' height.
    top = round(baseline - _rise(later - earlier) * 4 / 3, 2)
    return f"M{left:g} {baseline:g} C{left:g} {top:g} {right:g} {top:g} {right:g} {baseline:g}"
