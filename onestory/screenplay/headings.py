"""
What does a scene heading say? Inside or outside, where, when, and in what weather.

    INT. NIGHT TRAIN - CARRIAGE 4 - NIGHT (RAIN) #12A#
    └┬─┘ └────────┬─────────────┘   └────┬─────┘ └─┬─┘
    interior   set name               time words  number
"""

import re
from typing import NamedTuple

from onestory.screenplay.script import Light, Weather

_PREFIX = re.compile(
    r"^(?P<prefix>INT\.?/EXT|EXT\.?/INT|I/E|E/I|INT|EXT|EST)(?:\.\s*|\s+)(?P<rest>.*)$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\s*#(?P<number>[\w.\-]+)#\s*$")

_LIGHTS: tuple[tuple[Light, tuple[str, ...]], ...] = (
    ("night", ("night", "midnight", "夜", "晚", "深夜")),
    ("dusk", ("dusk", "evening", "sunset", "twilight", "magic hour", "黄昏", "傍晚")),
    ("dawn", ("dawn", "sunrise", "daybreak", "清晨", "黎明")),
    ("day", ("day", "morning", "noon", "afternoon", "midday", "日", "白天", "下午", "早")),
)
_RELATIVE = ("later", "continuous", "same", "moments", "same time", "present", "之后", "接")
_WEATHERS: tuple[tuple[Weather, tuple[str, ...]], ...] = (
    ("rain", ("rain", "raining", "rainy", "storm", "downpour", "雨")),
    ("snow", ("snow", "snowing", "snowy", "blizzard", "雪")),
    ("fog", ("fog", "foggy", "mist", "misty", "雾")),
)


class Heading(NamedTuple):
    """A scene heading, taken apart."""

    set_name: str
    is_interior: bool | None
    time: str
    number: str


def is_heading(line: str) -> bool:
    """Whether a line begins as scene headings do."""
    return bool(_PREFIX.match(line.strip()))


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return any(
        re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text)
        if word.isascii()
        else word in text
        for word in words
    )


def light_of(time: str) -> Light | None:
    """The light that time words mean; None if they only say "later" or nothing at all."""
    lowered = time.lower()
    return next((light for light, words in _LIGHTS if _holds(lowered, words)), None)


def weather_of(text: str) -> Weather | None:
    """The weather that a text speaks of, if it does."""
    lowered = text.lower()
    return next((weather for weather, words in _WEATHERS if _holds(lowered, words)), None)


def _is_time(words: str) -> bool:
    return light_of(words) is not None or _holds(words.lower(), _RELATIVE)


def parse_heading(text: str) -> Heading:
    """Take a heading apart (a forced one without its dot); the set name may come out empty."""
    text = text.strip()
    number = _NUMBER.search(text)
    if number:
        text = text[: number.start()]
    prefix = _PREFIX.match(text)
    rest = prefix["rest"] if prefix else text
    parts = [part.strip() for part in re.split(r"(?:^|\s+)[-–—]+(?:\s+|$)", rest)]
    time = parts.pop() if len(parts) > 1 and (_is_time(parts[-1]) or len(parts) == 2) else ""
    where = prefix["prefix"].upper() if prefix else ""
    is_interior = None if not where or "/" in where else where == "INT"
    return Heading(
        set_name=" - ".join(part for part in parts if part),
        is_interior=is_interior,
        time=time,
        number=number["number"] if number else "",
    )
