"""
What is an episode, once it is ready to be shot?

    Episode ─┬─ cast: CastMember …      who, and how they look for good
             ├─ sets: SetDesign …       where, and how it looks for good
             └─ shots: Shot …           in story order; one shot is one run of camera

A shot's `caption` is what a model reads. The first shot of somebody describes them; later
captions are *referential* ("the same woman"), and every such phrase is resolved by a
`Reference`. Dialogue is the script's own, letter for letter.
"""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from onestory.documents import Document, Frozen


class Aspect(StrEnum):
    """Shape of the picture."""

    VERTICAL = "9:16"
    WIDE = "16:9"


class SourceSpan(Frozen):
    """Where in the script something stands; both count from 1."""

    line: int = 1
    column: int = 1


class Line(Frozen):
    """One speech of one character, verbatim."""

    character: str
    """Name of a cast member; `NARRATOR` for narration that nobody on screen says."""
    text: str
    """The words, exactly as the script has them (line breaks kept)."""
    parenthetical: str = ""
    """How it is said, without the brackets."""
    off_screen: bool = False
    """Whether the speaker is heard but not seen (V.O., O.S., narration)."""
    dual: bool = False
    """Whether it is spoken at the same time as the line before it."""


class CastMember(Frozen):
    """Somebody who returns, with a look that is fixed for the whole episode."""

    name: str
    """As in the script, upper case kept; any letters of any language."""
    look: str
    """Fixed look as a noun phrase: "a young woman with short auburn hair, a mustard coat …"."""
    kind: Literal["woman", "man", "girl", "boy", "person", "narrator"]
    """What a caption may call them: "the same <kind>"."""
    reference: str
    """Referential phrase, unique in the cast: "the same woman", "the same old man" …"""
    is_look_invented: bool = False
    """Whether nobody said how they look, so that rules made it up from the name."""


class SetDesign(Frozen):
    """A place that is returned to, with a look that is fixed for the whole episode."""

    name: str
    """As in the scene heading: "KITCHEN"."""
    look: str
    """Fixed look as a noun phrase: "a small kitchen with teal cupboards and …"."""
    reference: str
    """Referential phrase, unique among the sets: "the same kitchen"."""


class Reference(Frozen):
    """Whom or what a phrase of the caption means."""

    phrase: str
    """Exact words in the caption."""
    name: str
    """Name of the cast member or set meant."""


class Shot(Frozen):
    """One run of camera. What stands here is what the script asks for, not how it was filmed."""

    slate: str
    """Name within the episode, sortable and kept for life: `sc04-sh012`, `sc04-sh012A`."""
    scene: int = Field(ge=1)
    """Number of the scene in today's script, from 1."""
    set_name: str
    """Name of the `SetDesign` it plays in."""
    light: Literal["day", "dawn", "dusk", "night"] = "day"
    weather: Literal["clear", "rain", "snow", "fog"] = "clear"
    framing: str
    """Framing in words as the caption has it: "wide shot", "medium shot", "close-up" …"""
    move: str
    """Camera move in words: "static", "slow push-in", "pan left", "hand-held" …"""
    action: str
    """What happens, in the script's words (markup stripped)."""
    caption: str
    """What the model reads."""
    negative_caption: str = ""
    on_screen: tuple[str, ...] = ()
    """Names of the cast members who are seen, in order of importance."""
    references: tuple[Reference, ...] = ()
    """Every phrase of the caption that means a cast member or the set."""
    lines: tuple[Line, ...] = ()
    """Dialogue of this shot, verbatim and in order."""
    num_frames: int = Field(ge=1)
    """Length in frames at the episode's rate, before measured dialogue may stretch it."""
    is_length_fixed: bool = False
    """Whether the script itself fixed the length (a shot list may)."""
    is_cut: bool = True
    """False if the shot goes on from the last frame of the one before."""
    transition: Literal["cut", "dissolve", "fade"] = "cut"
    """How the film comes into this shot."""
    keyframe: str | None = None
    """Path of the user's own first frame, relative to the script."""
    source: SourceSpan = SourceSpan()
    """Where in the script it begins; no part of any digest that decides freshness."""


class Episode(Document):
    """Everything that is to be shot, in story order."""

    schema_name: ClassVar[str] = "Episode.1"

    episode: str
    """Identity: a slug (`[a-z0-9-]+`), never a path."""
    title: str
    season_number: int = Field(default=1, ge=0)
    episode_number: int = Field(default=1, ge=0)
    fps: str = "24"
    """Frame rate as a rational: "24", "24000/1001"."""
    aspect: Aspect = Aspect.VERTICAL
    music: str | None = None
    """Path of the script's own music file, relative to the script."""
    cast: tuple[CastMember, ...] = ()
    sets: tuple[SetDesign, ...] = ()
    shots: tuple[Shot, ...]

    @property
    def prefix(self) -> str:
        """`s01e03`: what every slate of this episode starts with."""
        return f"s{self.season_number:02d}e{self.episode_number:02d}"

    def member(self, name: str) -> CastMember:
        """The cast member of that name. Raises KeyError if there is none."""
        return {member.name: member for member in self.cast}[name]

    def set_design(self, name: str) -> SetDesign:
        """The set of that name. Raises KeyError if there is none."""
        return {design.name: design for design in self.sets}[name]
