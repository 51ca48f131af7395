"""
How much of the past fits into a token budget, and how finely?

    rank    0     1    2    3    4      best frame first, finest patches first
    level   0     1    1    2    2      budget 2 on the 10 x 18 grid: 45 + 2 * 15 + 2 * 6 = 87 of 90
            fine  breadth
            └───┘ └────────────────┘
    every further   the first
    frame's worth   frame's worth

A budget counts in latent-frame equivalents: 1.0 is the tokens of one frame at the model's own
patch, so the cost of a denoising step does not grow with the number of earlier shots.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from onestory.errors import MemoryBudgetError

PATCH: tuple[int, int, int] = (1, 2, 2)
"""The model's own patch (T H W, in latent cells): the unit of budgets and of positions."""

LEVELS: tuple[tuple[int, int, int], ...] = ((1, 2, 2), (1, 4, 4), (1, 8, 8))
"""Patchifier kernels, finest first. Their temporal size is 1: chosen frames are no neighbours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryLayout:
    """Which rank is cut at which level."""

    levels: tuple[int, ...]
    """Level of each rank, best frame first; never falls, 0 is the finest."""
    num_tokens: int
    """Tokens of all of them together."""

    @property
    def num_frames(self) -> int:
        """How many frames are remembered."""
        return len(self.levels)


def tokens_per_frame(height: int, width: int, level_kernel: tuple[int, int, int]) -> int:
    """Tokens of one latent frame; a kernel that does not divide it is padded, not dropped."""
    _, kernel_height, kernel_width = level_kernel
    return -(-height // kernel_height) * -(-width // kernel_width)


def solve_layout(
    budget: float,
    num_frames: int,
    grid: tuple[int, int],
    levels: Sequence[tuple[int, int, int]] = LEVELS,
) -> MemoryLayout:
    """
    Share a budget among the best frames: first breadth, then sharpness.

    The first frame's worth of tokens goes to the coarse levels, each getting twice the share
    of the next coarser one; every further frame's worth buys a frame at the finest level. What
    rounding leaves over refines the best frame that can be refined, then the next.

    Args:
        budget: Most tokens, in latent-frame equivalents; 0 remembers nothing.
        num_frames: Frames there are to remember.
        grid: Height and width of a latent frame, in cells.
        levels: Patchifier kernels, finest first.

    Returns:
        A layout that never exceeds the budget. The number of frames never falls as the budget
        grows, and levels never fall with rank.

    Raises:
        MemoryBudgetError: If the budget is negative or not a number, or too small for even one
            frame at the coarsest level.
        ValueError: If `levels` is empty or not ordered from fine to coarse.
    """
    if not budget >= 0 or math.isinf(budget):
        raise MemoryBudgetError(f"memory budget must be a number from 0 on, got {budget}")
    costs = [tokens_per_frame(*grid, kernel) for kernel in levels]
    if not costs or costs != sorted(costs, reverse=True):
        raise ValueError(f"levels must go from fine to coarse, got {tuple(levels)}")
    if budget == 0 or num_frames <= 0:
        return MemoryLayout(levels=(), num_tokens=0)

    unit = tokens_per_frame(*grid, PATCH)
    # Rational, so that 0.7 of 10 tokens is 7 of them, and no count is off by a rounding.
    tokens = Fraction(budget).limit_denominator(1_000_000) * unit
    if math.floor(tokens) < costs[-1]:
        raise MemoryBudgetError(
            f"memory budget {budget:g} is {math.floor(tokens)} tokens, "
            f"the coarsest frame needs {costs[-1]}",
            hint=f"give at least {costs[-1] / unit:.3f} latent frames, or 0 for no memory",
        )
    counts = _counts(tokens, unit, costs)
    chosen = [level for level, n in enumerate(counts) for _ in range(min(n, num_frames))]
    chosen = (chosen or [len(costs) - 1])[:num_frames]
    return _refined(chosen, math.floor(tokens), costs)


def _counts(tokens: Fraction, unit: int, costs: Sequence[int]) -> list[int]:
    """Frames per level. Each count alone never falls with `tokens`, so neither does their sum."""
    if len(costs) == 1:
        return [math.floor(tokens / costs[0])]
    breadth = min(tokens, Fraction(unit))
    parts = [2 ** (len(costs) - 1 - level) for level in range(1, len(costs))]
    coarse = [
        math.floor(breadth * part / (sum(parts) * cost))
        for part, cost in zip(parts, costs[1:], strict=True)
    ]
    return [math.floor((tokens - breadth) / costs[0]), *coarse]


def _refined(chosen: Sequence[int], tokens: int, costs: Sequence[int]) -> MemoryLayout:
    """Spend what is left, best frame first. A later rank never gets finer than an earlier one:
    the earlier one could not pay for a smaller step."""
    left = tokens - sum(costs[level] for level in chosen)
    levels: list[int] = []
    for level in chosen:
        finest = next(f for f in range(level + 1) if costs[f] - costs[level] <= left)
        left -= costs[finest] - costs[level]
        levels.append(finest)
    return MemoryLayout(levels=tuple(levels), num_tokens=tokens - left)
