"""
What does one shot show? A `SceneSpec` says all of it, in words the world knows.

    SceneSpec ── Place, Light, Weather
             ├── Performer ── Look, Action, Emotion, prop, target, speech
             ├── props left on a table or alone in an insert
             └── Camera ── Framing, CameraMove
"""

from dataclasses import dataclass, field
from fractions import Fraction

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
    Part,
    PlaceKind,
    PropKind,
    TopKind,
    Weather,
)
from onestory.storyworld.look import Look, Place, random_look, random_place
from onestory.storyworld.palette import PALETTE

__all__ = [
    "MAX_PERFORMERS",
    "PALETTE",
    "Accessory",
    "Action",
    "Age",
    "BottomKind",
    "Build",
    "Camera",
    "CameraMove",
    "Emotion",
    "Facing",
    "Framing",
    "HairStyle",
    "Light",
    "Look",
    "Part",
    "Performer",
    "Place",
    "PlaceKind",
    "PropKind",
    "SceneSpec",
    "TopKind",
    "Weather",
    "random_look",
    "random_place",
]

MAX_PERFORMERS = 3
"""People who fit one frame without hiding each other."""

MAX_PROPS = 4
"""Things that fit one table."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Performer:
    """One person in the shot, and what this person does."""

    name: str
    """Identity, unique in the scene."""
    look: Look
    action: Action = Action.IDLE
    emotion: Emotion = Emotion.NEUTRAL
    prop: PropKind | None = None
    """What the performer holds, passes on, reads or drinks from."""
    target: str | None = None
    """Name of another performer: whom to hug, talk to, or hand the prop to."""
    speech: tuple[tuple[int, int], ...] = ()
    """Half-open frame intervals in which the lips move, ascending, on the scene's frame count."""
    facing: Facing | None = None
    """Where the body points; `None` lets the blocking decide."""
    seated: bool = False
    """Whether to perform the action sitting, where the action allows it."""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("name must have at least 1 character, got 0")
        if self.target == self.name:
            raise ValueError(f"target must be another performer, got {self.name!r} itself")
        previous_end = 0
        for start, end in self.speech:
            if start < previous_end or end <= start:
                raise ValueError(
                    "speech must be ascending half-open frame intervals, "
                    f"got [{start}, {end}) after frame {previous_end}"
                )
            previous_end = end


@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """How the shot is filmed."""

    framing: Framing = Framing.FULL
    move: CameraMove = CameraMove.STATIC
    subject: str | None = None
    """Name of the performer to frame; `None` frames everybody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneSpec:
    """Everything that determines the pixels of one shot, except their number."""

    place: Place
    light: Light = Light.DAY
    weather: Weather = Weather.CLEAR
    performers: tuple[Performer, ...] = ()
    """Up to three people, from left to right as the blocking allows."""
    props: tuple[PropKind, ...] = ()
    """Things that nobody holds."""
    camera: Camera = field(default_factory=Camera)
    num_frames: int = 81
    fps: Fraction | int = 16
    seed: int = 0
    """Seed of the take: idle motion, blinks, camera shake. Never of a look or a place."""
    start_frame: int = 0
    """Frames of the same performance that were shot before; motion goes on from there."""

    def __post_init__(self) -> None:
        if self.num_frames < 1:
            raise ValueError(f"num_frames must be at least 1, got {self.num_frames}")
        if self.fps <= 0:
            raise ValueError(f"fps must be above 0, got {self.fps}")
        if self.start_frame < 0:
            raise ValueError(f"start_frame must not be negative, got {self.start_frame}")
        if len(self.performers) > MAX_PERFORMERS:
            raise ValueError(
                f"a scene holds at most {MAX_PERFORMERS} performers, got {len(self.performers)}"
            )
        if len(self.props) > MAX_PROPS:
            raise ValueError(f"a scene holds at most {MAX_PROPS} props, got {len(self.props)}")
        names = [performer.name for performer in self.performers]
        if len(set(names)) != len(names):
            raise ValueError(
                f"performer names must differ, got {len(names)} of which {len(set(names))} differ"
            )
        for performer in self.performers:
            if performer.target is not None and performer.target not in names:
                raise ValueError(
                    f"target {performer.target!r} is not one of the {len(names)} performers {names}"
                )
        if self.camera.subject is not None and self.camera.subject not in names:
            raise ValueError(
                f"subject {self.camera.subject!r} is not one of the {len(names)} performers {names}"
            )
