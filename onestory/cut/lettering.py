"""
Which shipped font has these letters?

    "你好, Аня" ── coverage ──┬─ "你好, "  OneStory CJK
                             └─ "Аня"     OneStory Sans

libass draws an empty box for a letter that its font lacks and says nothing. Here every letter
is looked up first, and a letter that no shipped font has is an error that names it.
"""

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from onestory.errors import CutError

FONT_FOLDER = Path(__file__).parent / "fonts"
"""Where the shipped fonts lie."""


class Font(NamedTuple):
    """A shipped font and its letters."""

    family: str
    file: Path
    starts: tuple[int, ...]
    """First code points of the covered ranges, ascending."""
    ends: tuple[int, ...]
    """Last code points of the covered ranges."""

    def has(self, letter: str) -> bool:
        """Whether the font can draw `letter`."""
        place = bisect_right(self.starts, ord(letter)) - 1
        return place >= 0 and ord(letter) <= self.ends[place]


class Run(NamedTuple):
    """Letters that are drawn in one font."""

    text: str
    family: str


@cache
def shipped_fonts() -> tuple[Font, ...]:
    """Every shipped font, the preferred ones first."""
    listing = json.loads((FONT_FOLDER / "coverage.json").read_text())
    return tuple(
        Font(
            entry["family"],
            FONT_FOLDER / entry["file"],
            tuple(first for first, _ in entry["ranges"]),
            tuple(last for _, last in entry["ranges"]),
        )
        for entry in listing
    )


def letter_runs(text: str, *, slate: str | None = None) -> tuple[Run, ...]:
    """
    Divide a text into runs of one font each.

    Args:
        text: What shall be drawn.
        slate: Whose words they are, for the error.

    Returns:
        Runs that put together are `text`; a single one if some font has every letter.

    Raises:
        CutError: If no shipped font has one of the letters.
    """
    visible = [letter for letter in text if not _is_invisible(letter)]
    for font in shipped_fonts():
        if all(font.has(letter) for letter in visible):
            return (Run(text, font.family),)
    runs: list[Run] = []
    for letter in text:
        family = runs[-1].family if runs else shipped_fonts()[0].family
        if not _is_invisible(letter):
            family = _family_for(letter, _rotated(family), slate)
        if runs and runs[-1].family == family:
            runs[-1] = Run(runs[-1].text + letter, family)
        else:
            runs.append(Run(letter, family))
    return tuple(runs)


def _rotated(family: str) -> Sequence[Font]:
    """Fonts with the current one first, so that a comma does not change the font."""
    return sorted(shipped_fonts(), key=lambda font: font.family != family)


def _family_for(letter: str, fonts: Sequence[Font], slate: str | None) -> str:
    for font in fonts:
        if font.has(letter):
            return font.family
    name = unicodedata.name(letter, "a character without a name")
    raise CutError(
        f"no shipped font has {letter!r} (U+{ord(letter):04X}, {name})",
        slate=slate,
        hint="deliver without burnt-in subtitles, or change the line",
    )


def _is_invisible(letter: str) -> bool:
    """White space, joiners, direction marks and variation selectors have no glyph to miss."""
    return (
        letter.isspace()
        or unicodedata.category(letter) in ("Cf", "Cc")
        or "\ufe00" <= letter <= "\ufe0f"
    )
