"""
What is tried next, once the gates said NG?

    somebody, some place is another ── new seed ─ larger memory ─ fresh keyframe ┐
    not what the caption says ──────── stronger guidance ─ caption ─ new seed ───┼─ best of them
    black, frozen, soft … ──────────── new seed ─ gentler guidance ──────────────┤
    not the same from frame to frame ─ half the guidance ─ new seed ─────────────┘

The ladder is data: a flow films one take a rung, as its verdicts say, and in the end circles the
least bad take provisionally, as waiting for review. Factors are against the shot's own recipe,
not against the rung before. Media that nobody can read is no case for a retake: the very same
take is tried again.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from onestory.continuity.gates import is_unreadable
from onestory.engines.take import NgReason, Verdict
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
    has_people_first: bool = False
    """Whether frames that show its people are remembered before all others."""
    has_own_keyframe: bool = False
    """Whether a first frame is drawn for it alone, by engines that draw one."""

    def __post_init__(self) -> None:
        """Refuse a rung that would repeat the take, or that turns memory or guidance off."""
        if min(self.memory_budget_factor, self.guidance_factor) <= 0:
            raise ValueError(f"factors of a rung must be positive, got {self}")
        changes = (
            *(self.new_seed, self.re_expand_caption),
            *(self.has_people_first, self.has_own_keyframe),
        )
        if not any(changes) and self.memory_budget_factor == self.guidance_factor == 1:
            raise ValueError(f"rung {self.name!r} would render the very same take again")


DEFAULT_LADDER: Mapping[int, Rung] = {
    2: Rung(name="new seed"),
    3: Rung(
        name="larger memory, its people first", memory_budget_factor=1.5, has_people_first=True
    ),
    4: Rung(name="fresh keyframe", has_own_keyframe=True),
    5: Rung(name="stronger guidance", guidance_factor=1.25),
    6: Rung(name="re-expanded caption", re_expand_caption=True),
    7: Rung(name="gentler guidance", guidance_factor=0.8),
    8: Rung(name="larger memory", memory_budget_factor=1.5),
    9: Rung(name="half the guidance", guidance_factor=0.5),
}
"""What holds unless an order says otherwise, by the number of the take that is filmed on it. Which
takes are filmed, and in which order, verdicts decide.

Ledgers know takes by their numbers, so what a number says is for ever: a rung that is no longer
climbed stays here, and is left out of `REMEDIES`; a changed or a new one is given a number that no
take had, after `BEYOND`."""

BEYOND = range(10, 1000)
"""Numbers of the takes that are filmed once the ladder has ended, and so of no rung."""

AGAIN = Rung(name="new seed")
"""What every take beyond the ladder is filmed on."""

_PERSON = ("new seed", "larger memory, its people first", "fresh keyframe")
# Whoever returns may have been elsewhere: their frames are no help against a wrong place.
_PLACE = ("new seed", "larger memory", "fresh keyframe")
_WORDS = ("stronger guidance", "re-expanded caption", "new seed")
_PICTURE = ("new seed", "gentler guidance")
# Pocket's pictures fall apart less often so than on another seed, see docs/gates.md.
_STEADINESS = ("half the guidance", "new seed")
_OF_PICTURE = (
    NgReason.BLACK,
    NgReason.FROZEN,
    NgReason.FLICKER,
    NgReason.SOFT,
    NgReason.COLOUR_DRIFT,
    NgReason.CONTRAST_DRIFT,
    NgReason.WRONG_LENGTH,
    NgReason.WRONG_SIZE,
)
REMEDIES: Mapping[NgReason, tuple[str, ...]] = {
    NgReason.IDENTITY: _PERSON,
    NgReason.PLACE: _PLACE,
    NgReason.CAPTION: _WORDS,
    NgReason.MOTION: _WORDS,
    NgReason.UNSTEADY: _STEADINESS,
    **dict.fromkeys(_OF_PICTURE, _PICTURE),
}
"""By what is wrong: names of the rungs that may help, first to last."""


def rung_of(attempt: int, ladder: Mapping[int, Rung] = DEFAULT_LADDER) -> Rung | None:
    """
    Say on which rung a shot's n-th take is made.

    Args:
        attempt: Which take of the shot, from 1.
        ladder: The rungs, by the takes that are made on them.

    Returns:
        The rung; None for a first take, and for every take if there are no rungs.

    Raises:
        ValueError: If `attempt` counts from 0.
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, got {attempt}")
    if attempt == 1 or not ladder:
        return None
    return ladder.get(attempt, AGAIN)


def next_attempt(
    tried: Collection[int],
    reasons: Sequence[NgReason],
    ladder: Mapping[int, Rung] = DEFAULT_LADDER,
) -> int:
    """
    Choose what is tried after a take that is NG.

    Args:
        tried: The takes that were filmed already, by number.
        reasons: What is wrong with the newest, worst first.
        ladder: The rungs, by the takes that are made on them.

    Returns:
        The number of the take on the first rung that may help against the worst of it and was
        not tried; once all were, of one beyond the ladder, on another seed.
    """
    numbers = {rung.name: number for number, rung in ladder.items()}
    for reason in reasons:
        for remedy in REMEDIES.get(reason, ()):
            if remedy in numbers and (attempt := numbers[remedy]) not in tried:
                return attempt
    beyond = max([BEYOND.start - 1, *(number for number in tried if number not in ladder)])
    return next(number for number in count(beyond + 1) if number not in ladder)


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
