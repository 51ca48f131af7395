"""
What is a shot called, so that names sort in story order and are never given twice?

    sc02-sh005 < sc02-sh005A < sc02-sh005AA < sc02-sh005B < sc02-sh006

A shot inserted later gets a letter after the slate before it. Only a shot inserted in front
of somebody's very first letter needs a dot (`sh005.A` sorts between `sh005` and `sh005A`).
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_NUMBER = re.compile(r"^(\d{3})(.*)$")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class SlateParts(NamedTuple):
    """`sc02-sh005A`, taken apart; sorts as the story goes."""

    number: str
    """`005A`: what must be unique and rise through the episode."""
    scene: int


def parts_of(slate: str) -> SlateParts:
    """Take a slate apart."""
    scene, number = slate.rsplit("-sh", 1)
    return SlateParts(number, int(scene.removeprefix("sc")))


def slate_of(scene: int, number: str) -> str:
    """Put a slate together."""
    return f"sc{scene:02d}-sh{number}"


def _after(number: str) -> Iterator[str]:
    """Numbers that sort after `number`, the most natural first."""
    base, suffix = re.fullmatch(_NUMBER, number).groups()  # type: ignore[union-attr]  # ours
    if suffix:
        stem, last = suffix[:-1], suffix[-1]
        yield from (base + stem + letter for letter in _LETTERS if letter > last)
    yield from (number + letter for letter in _LETTERS)
    for length in itertools.count(1):
        for middle in itertools.product("." + _LETTERS, repeat=length):
            yield from (number + "".join(middle) + letter for letter in _LETTERS)


def number_between(before: str, after: str | None, used: set[str]) -> str:
    """
    Find a number for a shot that was put between two others.

    Args:
        before: Number of the shot before it; `000` if it is the first.
        after: Number of the next shot that has one; None if there is none.
        used: Numbers that any shot has or ever had.

    Returns:
        A number that sorts between the two and is not used.
    """
    return next(
        candidate
        for candidate in _after(before)
        if candidate not in used and (after is None or candidate < after)
    )


def provisional_slates(scenes: Sequence[int], wanted: Sequence[str | None]) -> list[str]:
    """
    Number shots through an episode, keeping the slates that a shot list asks for.

    Args:
        scenes: Scene number of every shot.
        wanted: Slate that a shot list gives, shot by shot; shorter if it gives none.

    Returns:
        Rising slates, all different.
    """
    if not any(wanted) or len(wanted) != len(scenes):
        return [slate_of(scene, f"{n:03d}") for n, scene in enumerate(scenes, start=1)]
    used = {parts_of(slate).number for slate in wanted if slate}
    slates: list[str] = []
    before = "000"
    for index, (scene, slate) in enumerate(zip(scenes, wanted, strict=True)):
        if slate is None:
            coming = next((parts_of(s).number for s in wanted[index:] if s), None)
            succeeding = f"{int(before[:3]) + 1:03d}"
            is_free = succeeding not in used and (coming is None or succeeding < coming)
            number = succeeding if is_free else number_between(before, coming, used)
            slate = slate_of(scene, number)
            used.add(number)
        before = parts_of(slate).number
        slates.append(slate)
    return slates
