"""
Where may a caption be broken into rows?

Between words where words are parted by spaces; between any two characters in Chinese and
Japanese, except before a closing mark or after an opening one; and anywhere, as a last resort,
in a word that is wider than the row.
"""

import unicodedata
from fractions import Fraction
from typing import NamedTuple

ROW_WIDTH = 32
"""Widest row of a vertical picture, in Latin letters."""
WIDE = Fraction(32, 14)
"""Width of a Chinese, Japanese or Korean character, in Latin letters: 14 make a row."""
OPENING = set("([{「『《〈【〔“‘（［｛")
CLOSING = set(
    ")]}」』》〉】〕”’）］｝、。，．：；！？…—・ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;!?%"
)


class Piece(NamedTuple):
    """The smallest part of a text that is never broken."""

    text: str
    space: bool
    """Whether white space stood before it."""


def text_width(text: str) -> Fraction:
    """Width of `text`, in Latin letters."""
    return sum((_letter_width(letter) for letter in text), Fraction(0))


def letters_of(word: str) -> list[str]:
    """`word` as a reader counts it: marks, joiners and skin tones stay with their letter."""
    letters: list[str] = []
    for character in word:
        is_mark = unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        is_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
        if letters and (is_mark or is_tone or letters[-1].endswith("\u200d")):
            letters[-1] += character
        else:
            letters.append(character)
    return letters


def fold(text: str, row_width: int = ROW_WIDTH) -> list[str]:
    """
    Break a line into rows, as evenly as the width allows.

    Args:
        text: One speech; its own line breaks are only white space here.
        row_width: Widest row, in Latin letters.

    Returns:
        Rows without white space at their ends; put together they are the same words. Empty if
        there are no words.
    """
    pieces = _pieces(text, row_width)
    rows = _fill(pieces, Fraction(row_width))
    narrow = row_width
    # A long row over a short one reads badly: the narrowest width with as many rows is even.
    while narrow > 2 and len(_fill(pieces, Fraction(narrow - 1))) == len(rows):
        narrow -= 1
    return _fill(pieces, Fraction(narrow))


def _fill(pieces: list[Piece], row_width: Fraction) -> list[str]:
    rows: list[str] = []
    for piece in pieces:
        joined = (rows[-1] + " " * piece.space + piece.text) if rows else piece.text
        if rows and text_width(joined) <= row_width:
            rows[-1] = joined
        else:
            rows.append(piece.text)
    return rows


def _pieces(text: str, row_width: int) -> list[Piece]:
    pieces: list[Piece] = []
    for word in text.split():
        parts = [part for piece in _word_pieces(word) for part in _chopped(piece, row_width)]
        pieces.extend(Piece(part, index == 0) for index, part in enumerate(parts))
    return pieces


def _word_pieces(word: str) -> list[str]:
    parts: list[str] = []
    for letter in letters_of(word):
        if parts and not _may_break(parts[-1][-1], letter[0]):
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts


def _may_break(before: str, after: str) -> bool:
    if before in OPENING or after in CLOSING:
        return False
    return _is_wide(before) or _is_wide(after)


def _chopped(piece: str, row_width: int) -> list[str]:
    if text_width(piece) <= row_width:
        return [piece]
    parts = [""]
    for letter in letters_of(piece):
        if parts[-1] and text_width(parts[-1] + letter) > row_width:
            parts.append("")
        parts[-1] += letter
    return parts


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF" and not _is_hangul(letter)


def _is_hangul(letter: str) -> bool:
    # Korean parts its words by spaces, and is broken only there.
    return "\uac00" <= letter <= "\ud7a3"


def _letter_width(letter: str) -> Fraction:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Cf"):
        return Fraction(0)
    return WIDE if unicodedata.east_asian_width(letter) in "WF" else Fraction(1)
