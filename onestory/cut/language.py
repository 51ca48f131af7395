"""
What of a line is said aloud, and in which language?

Told by the letters alone: a script names no language, and a scratch voice that reads Chinese
with Chinese sounds is good enough to cut by.
"""

import re
import unicodedata
from collections import Counter

DEFAULT_LANGUAGE = "en-us"
SCRIPTS: tuple[tuple[str, str], ...] = (
    ("CJK", "cmn"),
    ("HIRAGANA", "ja"),
    ("KATAKANA", "ja"),
    ("HANGUL", "ko"),
    ("CYRILLIC", "ru"),
    ("ARABIC", "ar"),
    ("HEBREW", "he"),
    ("GREEK", "el"),
    ("DEVANAGARI", "hi"),
    ("BENGALI", "bn"),
    ("TAMIL", "ta"),
    ("ARMENIAN", "hy"),
    ("GEORGIAN", "ka"),
    ("ETHIOPIC", "am"),
)
"""(First word of a letter's Unicode name, language of espeak-ng)."""
TELL_TALES: tuple[tuple[str, str, str], ...] = (
    ("ru", "іїєґ", "uk"),
    ("ar", "پچژگ", "fa"),
    ("ar", "ٹڈڑے", "ur"),
)
"""(Language guessed by script, letters that it does not have, language that has them)."""
EMPHASIS = re.compile(r"[*_`]")
"""Fountain's emphasis: it may stand in the middle of a word."""
COMMANDS = re.compile(r"\[\[|\]\]|[<>|~^{}\\#]")
"""What a synthesizer would take as phonemes or tags, or read out by name."""


def spoken_words(text: str) -> str:
    """
    Leave only what is said aloud.

    Args:
        text: A line as the script has it.

    Returns:
        One row without markup, emoji and control characters; may be empty.
    """
    bare = COMMANDS.sub(" ", EMPHASIS.sub("", text))
    kept = (letter if _is_said(letter) else " " for letter in bare)
    return " ".join("".join(kept).split())


def language_of(text: str) -> str:
    """
    Guess the language of a line by its letters.

    Args:
        text: Words.

    Returns:
        A language of espeak-ng; English for Latin letters and for everything unknown.
    """
    counts = Counter(_language_of_letter(letter) for letter in text if letter.isalpha())
    if not counts:
        return DEFAULT_LANGUAGE
    if counts["ja"]:
        # Kana are never written in Chinese, while most of a Japanese line may be kanji.
        return "ja"
    language = max(sorted(counts), key=lambda name: counts[name])
    for guessed, letters, better in TELL_TALES:
        if language == guessed and any(letter in text.lower() for letter in letters):
            return better
    return language


def _language_of_letter(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return next((code for script, code in SCRIPTS if name.startswith(script)), DEFAULT_LANGUAGE)


def _is_said(letter: str) -> bool:
    if "\ufe00" <= letter <= "\ufe0f":
        return False  # A variation selector belongs to an emoji that is gone.
    category = unicodedata.category(letter)
    return category[0] in "LMNPZ" or letter in "$€£¥+=%&°"
