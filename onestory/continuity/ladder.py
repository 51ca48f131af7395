"""
What is tried next, once the gates said NG?

    new seed ─ larger memory and stronger guidance ─ new caption ─ best of the takes so far

The ladder is data: a flow climbs one rung a take, and when it ends circles the least bad
take provisionally, as waiting for review. Factors are against the shot's own recipe, not
against the rung before.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from onestory.continuity.gates import is_unreadable
from onestory.engines.take import Verdict
from onestory.errors import GateError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """How a retake differs from the shot's own recipe."""

    name: str
    """In words, for the ledger and the dashboard."""
    new_seed: bool = True
    """Whether it is shot on a seed of its own."""
    memory_budget_factor: float = 1.0
    """What the memory budget is multiplied by."""
    guidance_factor: float = 1.0
    """What the guidance is multiplied by."""
    re_expand_caption: bool = False
    """Whether the caption is expanded from the script anew."""

    def __post_init__(self) -> None:
        """Refuse a rung that would repeat the take, or that turns memory or guidance off."""
        if min(self.memory_budget_factor, self.guidance_factor) <= 0:
            raise ValueError(f"factors of a rung must be positive, got {self}")
        changes = (self.new_seed, self.re_expand_caption)
        if not any(changes) and self.memory_budget_factor == self.guidance_factor == 1:
            raise ValueError(f"rung {self.name!r} would render the very same take again")


DEFAULT_LADDER: tuple[Rung, ...] = (
    Rung(name="new seed"),
    Rung(name="larger memory, stronger guidance", memory_budget_factor=1.5, guidance_factor=1.25),
    Rung(name="re-expanded caption", re_expand_caption=True),
)
"""What holds unless an order says otherwise: four takes of a shot at most."""


def rung_of(attempt: int, ladder: Sequence[Rung] = DEFAULT_LADDER) -> Rung | None:
    """
    Say on which rung a shot's n-th take is made.

    Args:
        attempt: Which take of the shot, from 1.
        ladder: The rungs, first to last; the last is used for whatever comes after.

    Returns:
        The rung; None for a first take, and for every take if there are no rungs.

    Raises:
        ValueError: If `attempt` counts from 0.
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}")
    return ladder[min(attempt - 2, len(ladder) - 1)] if attempt > 1 and ladder else None


def seed_for(first_seed: int, attempt: int) -> int:
    """
    Derive the seed of a later take, the same on every machine.

    Args:
        first_seed: Seed of the shot's first take.
        attempt: Which take, from 1; the first keeps its seed.

    Returns:
        A seed in [0, 2**63).
    """
    if attempt == 1:
        return first_seed
    content = f"{first_seed}/{attempt}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8]) >> 1


def best_of(coverage: Sequence[tuple[T, Verdict]]) -> tuple[T, Verdict]:
    """
    Choose the least bad take of a shot.

    Args:
        coverage: Every take with its verdict, earliest first.

    Returns:
        A take that passed before one that did not, then the least badness, then the
        earliest. Never one that could not be read.

    Raises:
        GateError: If there is no take that can be read.
    """
    legible = [pair for pair in coverage if not is_unreadable(pair[1])]
    if not legible:
        raise GateError(f"none of {len(coverage)} takes can be read")
    return min(legible, key=lambda pair: (not pair[1].is_passed, pair[1].badness))
