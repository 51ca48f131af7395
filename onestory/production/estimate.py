"""
What will a plan cost? As much as takes of the same engine at the same size have cost.

    history ─┬─ takes that a shot needed ──┐
             └─ seconds for each frame ────┴── the plan's shots, filmed 2000 times in mind
                                               middle, and the 5th and 95th of a hundred

A short history is uncertain about itself, too: every imagined film draws from another sample of
it, with replacement, so that the interval is wide where little is known. Without any history
nothing is said.

Reference: Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from onestory.documents import Frozen
from onestory.tracking.history import PastTake

FILMS = 2000
"""How often the plan is filmed in mind."""

TAIL = 5.0
"""Percent of these films that lie below the interval, and above it."""


class Span(Frozen):
    """A number that is not known yet."""

    middle: float
    low: float
    high: float


class Estimate(Frozen):
    """What is still to be paid for a film."""

    takes: Span
    seconds: Span
    """Rendering, encoding and storing, one after another."""
    based_on: int
    """Takes that it is concluded from."""


def estimate(frames: Sequence[int], history: Sequence[PastTake]) -> Estimate | None:
    """
    Say what filming shots will cost.

    Args:
        frames: Frames of every shot that is to be filmed.
        history: What takes have cost.

    Returns:
        Equal estimates for equal arguments; None if there is no history.
    """
    if not history:
        return None
    per_frame_N = np.array([take.seconds / take.num_frames for take in history])
    per_shot_S = np.array(list(Counter(take.shot for take in history).values()))
    rng = np.random.default_rng(0)
    takes, seconds = np.zeros(FILMS), np.zeros(FILMS)
    for film in range(FILMS):
        known_N, known_S = (rng.choice(known, len(known)) for known in (per_frame_N, per_shot_S))
        needed = rng.choice(known_S, len(frames))
        filmed = np.repeat(np.asarray(frames, dtype=np.float64), needed)
        takes[film] = needed.sum()
        seconds[film] = filmed @ rng.choice(known_N, len(filmed))
    return Estimate(takes=_span(takes), seconds=_span(seconds), based_on=len(history))


def _span(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Span:
    low, middle, high = np.percentile(values, (TAIL, 50, 100 - TAIL)).tolist()
    return Span(middle=middle, low=low, high=high)
