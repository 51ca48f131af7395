"""
What does the writer hand in, before anybody thinks of cameras?

    Screenplay ─┬─ cast: CastNote …      looks that the script gives
                ├─ sets: SetNote …
                └─ scenes: ScriptScene … ── elements in story order
                                            Action · Dialogue · Transition · ScriptShot

Every element knows the line and column where it stands, so that a refusal can point at it.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from onestory.documents import Frozen
from onestory.screenplay.episode import Aspect, SourceSpan

Light = Literal["day", "dawn", "dusk", "night"]
Weather = Literal["clear", "rain", "snow", "fog"]
Kind = Literal["woman", "man", "girl", "boy", "person", "narrator"]
Joint = Literal["cut", "dissolve", "fade"]

NARRATOR = "NARRATOR"
"""The speaker of narration, whom nobody sees."""


class CastNote(Frozen):
    """What the script says of somebody, apart from what they do."""

    name: str
    look: str | None = None
    """The look in the script's words, if it gives one."""
    kind: Kind | None = None
    source: SourceSpan = SourceSpan()


class SetNote(Frozen):
    """What the script says of a place."""

    name: str
    look: str | None = None
    source: SourceSpan = SourceSpan()


class ShotDirection(Frozen):
    """What `[[shot: …]]` asks of the camera in the element that follows it."""

    framing: str | None = None
    move: str | None = None
    seconds: float | None = None
    """Length in seconds, fixed by the script."""


class Action(Frozen):
    """A paragraph of what is seen."""

    kind: Literal["action"] = "action"
    text: str
    """The script's words without markup; line breaks kept."""
    is_centered: bool = False
    """Whether it is a title on the page (`> THE END <`), which nobody shoots."""
    direction: ShotDirection | None = None
    source: SourceSpan = SourceSpan()


class Dialogue(Frozen):
    """A speech, verbatim but for emphasis markup."""

    kind: Literal["dialogue"] = "dialogue"
    character: str
    text: str
    parenthetical: str = ""
    extension: str = ""
    """What stands in brackets after the name: "V.O.", "O.S."; never "CONT'D"."""
    is_dual: bool = False
    """Whether it is spoken at the same time as the speech before it."""
    direction: ShotDirection | None = None
    source: SourceSpan = SourceSpan()

    @property
    def is_off_screen(self) -> bool:
        """Whether the speaker is heard but not seen."""
        letters = "".join(filter(str.isalpha, self.extension.upper()))
        return self.character == NARRATOR or letters in {"VO", "OS", "OC", "OFF", "OFFSCREEN"}


class Lyric(Frozen):
    """A sung line that no cue claims."""

    kind: Literal["lyric"] = "lyric"
    text: str
    source: SourceSpan = SourceSpan()


class Transition(Frozen):
    """How the film goes on to the next shot."""

    kind: Literal["transition"] = "transition"
    text: str
    joint: Joint
    source: SourceSpan = SourceSpan()


class ScriptShot(Frozen):
    """A shot that the script itself lays out; breakdown leaves it whole."""

    kind: Literal["shot"] = "shot"
    slate: str | None = None
    action: str = ""
    caption: str | None = None
    """Ready caption, if the script gives one."""
    framing: str | None = None
    move: str | None = None
    light: Light | None = None
    weather: Weather | None = None
    cast: tuple[str, ...] = ()
    lines: tuple[Dialogue, ...] = ()
    seconds: float | None = None
    num_frames: int | None = None
    keyframe: str | None = None
    is_cut: bool = True
    joint: Joint = "cut"
    source: SourceSpan = SourceSpan()


Element = Annotated[
    Action | Dialogue | Lyric | Transition | ScriptShot, Field(discriminator="kind")
]


class ScriptScene(Frozen):
    """One place at one time."""

    heading: str
    set_name: str
    number: str = ""
    """The scene number that the script prints: "12A"."""
    is_interior: bool | None = None
    """None if the heading does not say."""
    time: str = ""
    """The time of day in the heading's words; empty if it gives none."""
    weather: Weather | None = None
    elements: tuple[Element, ...] = ()
    source: SourceSpan = SourceSpan()


class Screenplay(Frozen):
    """A script as written, whatever format it came in."""

    path: str
    """The file's name as the reader gave it, for messages only."""
    title: str
    episode: str = Field(pattern=r"^[a-z0-9-]{1,64}$")
    season_number: int = 1
    episode_number: int = 1
    format: Literal["fountain", "shot-list", "storymem", "prose"]
    aspect: Aspect = Aspect.VERTICAL
    fps: str = "24"
    music: str | None = None
    """Path of a music file, relative to the script."""
    cast: tuple[CastNote, ...] = ()
    sets: tuple[SetNote, ...] = ()
    scenes: tuple[ScriptScene, ...]

    def speeches(self) -> Iterator[Dialogue]:
        """Every speech in story order, those of laid-out shots included."""
        for scene in self.scenes:
            for element in scene.elements:
                if isinstance(element, Dialogue):
                    yield element
                elif isinstance(element, ScriptShot):
                    yield from element.lines
