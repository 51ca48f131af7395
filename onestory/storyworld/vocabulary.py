"""
Which English words mean what the world can show? For every enumeration, phrase to member.

    WORDS[Action]["sprints"]      Action.RUN
    COLOUR_WORDS["crimson"]       "red"

Phrases may hold several words: a reader should try the longest first. The tables below
give base forms of verbs after `~`; their other forms are made by rule, irregular ones are listed.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from onestory.storyworld.kinds import (
    Accessory,
    Action,
    Age,
    BottomKind,
    Build,
    CameraMove,
    Emotion,
    Facing,
    Framing,
    HairStyle,
    Light,
    PlaceKind,
    PropKind,
    TopKind,
    Weather,
)
from onestory.storyworld.palette import PALETTE
from onestory.storyworld.words import (
    ACCESSORIES,
    ACTIONS,
    AGES,
    BOTTOMS,
    BUILDS,
    COLOURS,
    EMOTIONS,
    FACINGS,
    FRAMINGS,
    HAIR,
    LIGHTS,
    MOVES,
    PLACES,
    PROPS,
    TOPS,
    WEATHERS,
)

_DOUBLED = frozenset(
    {
        "hug",
        "run",
        "sit",
        "jog",
        "nod",
        "sob",
        "clap",
        "slap",
        "chat",
        "sip",
        "skip",
        "hop",
        "grab",
        "step",
        "slip",
        "trip",
        "swig",
        "flip",
        "rap",
        "stop",
        "drop",
        "jab",
        "nap",
        "snap",
        "pop",
        "pat",
        "spin",
        "hum",
        "strum",
        "plod",
    }
)
"""Verbs that double their last letter before -ing and -ed."""


def inflections(verb: str) -> tuple[str, ...]:
    """
    Make the regular forms of a verb, of whatever words follow it, too.

    Example:
        >>> inflections("dash off")
        ('dash off', 'dashes off', 'dashing off', 'dashed off')
    """
    base, _, rest = verb.partition(" ")
    tail = f" {rest}" if rest else ""
    stem = base
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        third = base + "es"
    elif base.endswith("y") and base[-2:-1] not in "aeiou":
        third = base[:-1] + "ies"
    else:
        third = base + "s"
    if base in _DOUBLED:
        stem = base + base[-1]
    if base.endswith("ie"):
        progressive = base[:-2] + "ying"
    elif base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        progressive = base[:-1] + "ing"
    else:
        progressive = stem + "ing"
    if base.endswith("e"):
        past = base + "d"
    elif base.endswith("y") and base[-2:-1] not in "aeiou":
        past = base[:-1] + "ied"
    else:
        past = stem + "ed"
    return tuple(form + tail for form in (base, third, progressive, past))


def _phrases(table: Mapping[StrEnum, str]) -> Mapping[str, StrEnum]:
    """Turn a table of members into a table of phrases; earlier members keep a shared phrase."""
    found: dict[str, StrEnum] = {}
    for member, text in table.items():
        for entry in (member.value, *text.split(",")):
            phrase = " ".join(entry.lower().split())
            if not phrase:
                continue
            forms = inflections(phrase[1:]) if phrase.startswith("~") else (phrase,)
            for form in forms:
                found.setdefault(form, member)
    return MappingProxyType(found)


WORDS: Mapping[type[StrEnum], Mapping[str, StrEnum]] = MappingProxyType(
    {
        PlaceKind: _phrases(PLACES),
        Light: _phrases(LIGHTS),
        Weather: _phrases(WEATHERS),
        Framing: _phrases(FRAMINGS),
        CameraMove: _phrases(MOVES),
        Action: _phrases(ACTIONS),
        Emotion: _phrases(EMOTIONS),
        HairStyle: _phrases(HAIR),
        TopKind: _phrases(TOPS),
        BottomKind: _phrases(BOTTOMS),
        Accessory: _phrases(ACCESSORIES),
        Age: _phrases(AGES),
        Build: _phrases(BUILDS),
        Facing: _phrases(FACINGS),
        PropKind: _phrases(PROPS),
    }
)
"""For every enumeration, every phrase that means one of its members."""


def _colours() -> Mapping[str, str]:
    found = {name: name for name in PALETTE}
    for name, text in COLOURS.items():
        for entry in text.split(","):
            found.setdefault(" ".join(entry.lower().split()), name)
    return MappingProxyType(found)


COLOUR_WORDS: Mapping[str, str] = _colours()
"""Every colour word, and the palette name it means."""
