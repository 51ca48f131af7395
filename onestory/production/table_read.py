"""
How long is a shot, once its lines have been spoken?

Before anything is filmed the script is read through: every line is spoken by the scratch
voice, its measured length drives its captions and stretches its shot.
"""

from typing import ClassVar

from pydantic import Field

from onestory.documents import Digest, Document, Frozen


class LineRead(Frozen):
    """One line, spoken: heard in frames [start_frame, end_frame) of its shot."""

    character: str
    text: str
    """Verbatim."""
    audio: Digest | None
    """Blob of the WAV; None for a film without voices."""
    seconds: float = Field(ge=0)
    start_frame: int = Field(ge=0)
    end_frame: int = Field(ge=0)
    is_off_screen: bool = False
    is_dual: bool = False


class ShotRead(Frozen):
    """One shot with its measured lines."""

    slate: str
    num_frames: int = Field(ge=1)
    lines: tuple[LineRead, ...] = ()


class TableRead(Document):
    """The whole script, read through."""

    schema_name: ClassVar[str] = "TableRead.1"

    voice: str
    """Fingerprint of the voice; "none" if nobody spoke."""
    is_scratch: bool
    """Whether the voice is a stand-in for actors."""
    shots: tuple[ShotRead, ...]

    def shot(self, slate: str) -> ShotRead:
        """The shot of that slate. Raises KeyError if there is none."""
        return {shot.slate: shot for shot in self.shots}[slate]
