"""
How long is a shot? As long as its words are spoken and its actions done, in steps of a quarter.

A speech that is too long for one shot is split where sentences end; the pieces joined are the
speech again, letter for letter.
"""

import re
import unicodedata
from fractions import Fraction

from onestory.breakdown import vocabulary

MIN_SECONDS, MAX_SECONDS = 2.0, 6.0
"""Shortest and longest shot that breakdown asks for by itself."""
CHARACTERS_PER_SECOND = 14.0
BREATH_SECONDS = 0.6
"""Silence around a speech."""
WIDE_CHARACTER = 2.6
"""How many Latin letters a Chinese, Japanese or Korean character takes to say."""

_PIECES = (
    re.compile(r".+?(?:[.!?…]+[\"'”’)\]]*\s+|[。！？…]+[”’」』）]*\s*|\n+|$)", re.DOTALL),
    re.compile(r".+?(?:[,;:—–]+\s+|[，、；：]+\s*|$)", re.DOTALL),
    re.compile(r".+?(?:\s+|$)", re.DOTALL),
    re.compile(r"(?s)."),
)


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def weight(text: str) -> float:
    """How much there is to say, in Latin characters."""
    return sum(WIDE_CHARACTER if _is_wide(character) else 1.0 for character in text.strip())


def speech_seconds(text: str, parenthetical: str = "") -> float:
    """How long a speech takes, before anybody has measured a voice."""
    pause = 0.75 if re.search(r"\b(beat|pause)\b", parenthetical.lower()) else 0.0
    return weight(text) / CHARACTERS_PER_SECOND + BREATH_SECONDS + pause


def action_seconds(text: str) -> float:
    """How long an action takes, by its words and its verbs."""
    words = re.findall(r"[^\W_]+", text.lower())
    wide = sum(map(_is_wide, text))
    verbs = sum(
        next((s for stem, s in vocabulary.SECONDS_BY_STEM.items() if word.startswith(stem)), 0.0)
        for word in words
    )
    return 1.25 + 0.13 * (len(words) + wide * 0.6) + verbs


def shot_seconds(seconds: float) -> float:
    """Bring a length into the range of a shot, in quarters of a second, never cutting speech."""
    quarters = -(-round(seconds * 100) // 25)
    return min(max(quarters / 4, MIN_SECONDS), MAX_SECONDS)


def num_frames_of(seconds: float, fps: str) -> int:
    """Whole frames at a rational rate; at least one."""
    return max(1, round(Fraction(seconds).limit_denominator(1000) * Fraction(fps)))


def _limit() -> float:
    return (MAX_SECONDS - BREATH_SECONDS) * CHARACTERS_PER_SECOND


def split_speech(text: str, *, level: int = 0) -> list[str]:
    """
    Split a speech into pieces that fit a shot each.

    Args:
        text: The speech.
        level: Where it may be cut: 0 after sentences, then clauses, words, characters.

    Returns:
        Pieces whose concatenation is `text`; only as many as needed.
    """
    if weight(text) <= _limit() or level == len(_PIECES):
        return [text]
    pieces: list[str] = []
    for part in _PIECES[level].findall(text):
        for piece in split_speech(part, level=level + 1):
            if pieces and weight(pieces[-1] + piece) <= _limit():
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return pieces


def split_action(text: str) -> list[str]:
    """Group the sentences of a paragraph into as few shots as its length allows."""
    sentences = re.findall(
        r"\S.*?(?:[.!?…]+[\"'”’)]*(?=\s|$)|[。！？…]+[”’」』）]*|$)", text, re.DOTALL
    )
    groups: list[str] = []
    for sentence in sentences:
        if groups and action_seconds(f"{groups[-1]} {sentence}") <= MAX_SECONDS:
            groups[-1] = f"{groups[-1]} {sentence}"
        else:
            groups.append(sentence)
    return groups
