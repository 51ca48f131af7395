"""
What may a note ask for? Our small extension of Fountain, invisible to other readers.

    [[look: MARA: a young woman with short auburn hair and a mustard coat]]
    [[set: KITCHEN: a small kitchen with teal cupboards]]
    [[weather: rain]]                      of the scene it stands in
    [[shot: close-up, slow push-in, 3s]]   of the element that follows it
    [[music: score/theme.ogg]]

Every other note is the writer's own and is passed over.
"""

import re
from difflib import get_close_matches
from typing import NamedTuple, cast, get_args

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.markup import Note
from onestory.screenplay.names import check_name, fault_of_name
from onestory.screenplay.refusal import printable, refuse
from onestory.screenplay.script import CastNote, SetNote, ShotDirection, Weather

FRAMINGS = (
    "wide shot",
    "full shot",
    "medium shot",
    "medium close-up",
    "close-up",
    "two-shot",
    "over-the-shoulder shot",
    "insert shot",
)
MOVES = (
    "static",
    "pan left",
    "pan right",
    "tilt up",
    "tilt down",
    "slow push-in",
    "slow pull-out",
    "hand-held",
    "tracking shot",
)
_ALIASES = {
    "wide": "wide shot",
    "establishing shot": "wide shot",
    "full": "full shot",
    "medium": "medium shot",
    "medium close": "medium close-up",
    "medium close up": "medium close-up",
    "close": "close-up",
    "close up": "close-up",
    "closeup": "close-up",
    "two shot": "two-shot",
    "over-the-shoulder": "over-the-shoulder shot",
    "over the shoulder": "over-the-shoulder shot",
    "insert": "insert shot",
    "locked-off": "static",
    "push-in": "slow push-in",
    "push in": "slow push-in",
    "pull-out": "slow pull-out",
    "pull out": "slow pull-out",
    "pull-back": "slow pull-out",
    "handheld": "hand-held",
    "tracking": "tracking shot",
    "track": "tracking shot",
}
_KEYED = re.compile(r"^(look|set|weather|shot|music)\s*:\s*(.*)$", re.IGNORECASE | re.DOTALL)
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)\s*s(?:ec(?:onds?)?)?$")
MAX_SHOT_SECONDS = 60.0
"""Longest shot that a script may ask for."""


class KeyedNotes(NamedTuple):
    """The notes of a script that mean something to us."""

    cast: tuple[CastNote, ...]
    sets: tuple[SetNote, ...]
    music: str | None
    weathers: tuple[tuple[SourceSpan, Weather], ...]
    directions: tuple[tuple[SourceSpan, ShotDirection], ...]


def camera_word(word: str) -> str:
    """The house's word for a framing or a move, whatever the writer's spelling."""
    word = " ".join(word.lower().split())
    return _ALIASES.get(word, word)


def relative_path(path: str, source: SourceSpan, what: str, text: str) -> str:
    """
    Let a path pass that stays beside the script.

    Raises:
        ScriptError: If it is absolute, climbs with `..`, or holds control characters.
    """
    parts = re.split(r"[/\\]", text)
    if ".." in parts or text.startswith(("/", "\\", "~")) or re.match(r"^[A-Za-z]:", text):
        sentence = f'{what} "{printable(text)}" leaves the folder of the script'
        refuse(path, source, sentence, hint="give a path relative to the script, without ..")
    fault = fault_of_name(text.replace("/", "-").replace("\\", "-").lstrip("-"))
    if fault:
        refuse(path, source, f'{what} "{printable(text)}" {fault[0]}', hint=fault[1])
    return text


def _direction(path: str, source: SourceSpan, text: str) -> ShotDirection:
    framing, move, seconds = None, None, None
    for part in filter(None, (part.strip() for part in text.split(","))):
        word = camera_word(part)
        if length := _SECONDS.match(word):
            seconds = float(length[1])
            if not 0 < seconds <= MAX_SHOT_SECONDS:
                limit = f"is outside (0, {MAX_SHOT_SECONDS:g}] seconds"
                refuse(path, source, f'shot length "{printable(part)}" {limit}')
        elif word in FRAMINGS:
            framing = word
        elif word in MOVES:
            move = word
        else:
            close = get_close_matches(word, [*FRAMINGS, *MOVES, *_ALIASES], n=1)
            hint = f'did you mean "{close[0]}"?' if close else "known: " + ", ".join(FRAMINGS)
            refuse(path, source, f'no framing or move is called "{printable(part)}"', hint=hint)
    return ShotDirection(framing=framing, move=move, seconds=seconds)


def _named(path: str, source: SourceSpan, key: str, text: str) -> tuple[str, str]:
    name, colon, look = text.partition(":")
    if not colon or not look.strip():
        example = "MARA: a young woman with short hair" if key == "look" else "CAFE: a small cafe"
        sentence = f"the {key} note names nobody or says nothing"
        refuse(path, source, sentence, hint=f"write [[{key}: {example}]]")
    what = "character" if key == "look" else "set"
    return check_name(path, source, what, name), look.strip()


def read_notes(path: str, notes: list[Note]) -> KeyedNotes:
    """
    Sort the notes that mean something to us by what they ask for.

    Raises:
        ScriptError: If one of our notes is malformed, or a look is given twice.
    """
    cast_notes: dict[str, CastNote] = {}
    sets: dict[str, SetNote] = {}
    music: str | None = None
    weathers: list[tuple[SourceSpan, Weather]] = []
    directions: list[tuple[SourceSpan, ShotDirection]] = []
    for text, source in notes:
        keyed = _KEYED.match(text)
        if not keyed:
            continue
        key, value = keyed[1].lower(), keyed[2].strip()
        if key in ("look", "set"):
            name, look = _named(path, source, key, value)
            if name.casefold() in (cast_notes if key == "look" else sets):
                sentence = f'the {key} of "{printable(name)}" is given twice'
                refuse(path, source, sentence, hint="keep one of the two notes")
            if key == "look":
                cast_notes[name.casefold()] = CastNote(name=name, look=look, source=source)
            else:
                sets[name.casefold()] = SetNote(name=name, look=look, source=source)
        elif key == "weather":
            if value.lower() not in get_args(Weather):
                known = ", ".join(get_args(Weather))
                refuse(path, source, f'no weather is called "{printable(value)}"', hint=known)
            weathers.append((source, cast(Weather, value.lower())))
        elif key == "shot":
            directions.append((source, _direction(path, source, value)))
        else:
            music = relative_path(path, source, "music path", value)
    return KeyedNotes(
        tuple(cast_notes.values()), tuple(sets.values()), music, tuple(weathers), tuple(directions)
    )
