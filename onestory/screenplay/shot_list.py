"""
What may a shot list say? The schema `shot-list.1`, for people who break a script down themselves.

    schema: shot-list.1
    title: Last Train
    cast:  [{name: MARA, look: a young woman with short auburn hair}]
    sets:  [{name: PLATFORM, look: a night platform with blue lamps}]
    shots:
      - {set: PLATFORM, action: Mara waits., duration: 3s, lines: [{character: MARA, text: Late.}]}

`shot-list.schema.json` beside this file is made from these models; a test keeps them equal.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from onestory.screenplay.episode import Aspect
from onestory.screenplay.notes import FRAMINGS, MAX_SHOT_SECONDS, MOVES, camera_word
from onestory.screenplay.script import Joint, Kind, Light, Weather

_DURATION = re.compile(r"^(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>s|sec|seconds?|f|frames?)?$")
SLATE_PATTERN = r"^sc\d{2,3}-sh\d{3}[A-Z]*$"


class Duration(BaseModel):
    """A length, in seconds or in frames."""

    model_config = ConfigDict(frozen=True)

    seconds: float | None = None
    num_frames: int | None = None


def parse_duration(value: object) -> object:
    """
    Read `3`, `2.5s` or `72 frames`.

    Raises:
        ValueError: If it is none of these, or not within a shot's possible length.
    """
    if value is None or isinstance(value, Duration):
        return value
    found = _DURATION.match(str(value).strip().lower())
    if not found:
        raise ValueError('must be seconds or frames, such as 3, "2.5s" or "72 frames"')
    number, unit = float(found["number"]), found["unit"] or "s"
    if unit.startswith("f"):
        if number != int(number) or not 1 <= number <= MAX_SHOT_SECONDS * 60:
            raise ValueError(f"must be 1 to {MAX_SHOT_SECONDS * 60:.0f} whole frames")
        return Duration(num_frames=int(number))
    if not 0 < number <= MAX_SHOT_SECONDS:
        raise ValueError(f"must be above 0 and at most {MAX_SHOT_SECONDS:g} seconds")
    return Duration(seconds=number)


def _framing(value: object) -> object:
    return camera_word(value) if isinstance(value, str) else value


def _one_of(words: tuple[str, ...]) -> Any:
    """The schema of a camera word: a text out of a list."""
    return {"type": "string", "enum": list(words)}


def _known(words: tuple[str, ...]) -> Any:
    def check(value: object) -> object:
        word = _framing(value)
        if word is not None and word not in words:
            raise ValueError(f"must be one of: {', '.join(words)}")
        return word

    return check


Framing = Annotated[
    str, BeforeValidator(_known(FRAMINGS)), Field(json_schema_extra=_one_of(FRAMINGS))
]
Move = Annotated[str, BeforeValidator(_known(MOVES)), Field(json_schema_extra=_one_of(MOVES))]
Length = Annotated[
    Duration,
    BeforeValidator(
        parse_duration, json_schema_input_type=Annotated[float, Field(gt=0, le=60)] | str
    ),
]


class Part(BaseModel):
    """A part of a shot list; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class ListedMember(Part):
    """Somebody of the cast."""

    name: str
    look: str | None = None
    """Fixed look as a noun phrase; invented from the name if missing."""
    kind: Kind | None = None


class ListedSet(Part):
    """A place."""

    name: str
    look: str | None = None


class ListedLine(Part):
    """One speech."""

    character: str
    text: str = Field(min_length=1)
    parenthetical: str = ""
    off_screen: bool = False
    dual: bool = False


class ListedShot(Part):
    """One run of camera."""

    slate: str | None = Field(default=None, pattern=SLATE_PATTERN)
    scene: int | None = Field(default=None, ge=1, le=999)
    """Number of the scene; a new set begins a new one if it is missing."""
    set: str | None = None
    """Name of the set; that of the shot before if missing."""
    light: Light | None = None
    weather: Weather | None = None
    framing: Framing | None = None
    move: Move | None = None
    cast: tuple[str, ...] = ()
    """Who is seen; read out of the action if missing."""
    action: str = ""
    """What happens, with names."""
    caption: str | None = None
    """Ready caption, if breakdown is not to write one."""
    duration: Length | None = None
    lines: tuple[ListedLine, ...] = ()
    keyframe: str | None = None
    """Path of the first frame, relative to this file."""
    cut: bool = True
    """False if the shot goes on from the last frame of the one before."""
    transition: Joint = "cut"


class ShotList(Part):
    """A whole episode as a list of shots."""

    model_config = ConfigDict(title="OneStory shot list")

    schema_name: Literal["shot-list.1"] = Field(default="shot-list.1", alias="schema")
    title: str | None = None
    episode: str | None = None
    """Identity of the episode; the title's slug if missing."""
    season: int = Field(default=1, ge=0, le=999)
    number: int = Field(default=1, ge=0, le=9999)
    """Number of the episode in its season."""
    aspect: Aspect = Aspect.VERTICAL
    fps: str = Field(default="24", pattern=r"^[1-9]\d{0,5}(/[1-9]\d{0,4})?$")
    music: str | None = None
    cast: tuple[ListedMember, ...] = ()
    sets: tuple[ListedSet, ...] = ()
    shots: tuple[ListedShot, ...] = Field(min_length=1)


def shot_list_schema() -> dict[str, Any]:
    """The published JSON Schema of a shot list."""
    schema = ShotList.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
