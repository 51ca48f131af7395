"""
Who can look at a take? Whoever reads its frames, and captions to compare them with.

    frames ── Eyes ── Reading        captions ── Eyes ── embeddings

`EncoderEyes` are made of stock encoders from a folder: those that a studio names, or the small
ones in `weights` that learnt StoryWorld.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from onestory.continuity.likeness import Reading, read_frames
from onestory.documents import Digest

if TYPE_CHECKING:
    from onestory.continuity.encoders import Encoders


class Eyes(Protocol):
    """Looks at takes. Equal frames give equal readings on one machine."""

    @property
    def fingerprint(self) -> Digest:
        """Names who looks, by content; readings of others cannot be compared."""

    def read(self, numbers: tuple[int, ...], frames_FHW3: NDArray[np.uint8]) -> Reading:
        """
        Read frames of a take.

        Args:
            numbers: Of the frames in the take, ascending.
            frames_FHW3: The frames, sRGB, uint8; at least one.
        """

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Read captions: `N D`, comparable with `Reading.picture_FD`."""


class EncoderEyes:
    """Looks through stock encoders."""

    def __init__(self, encoders: "Encoders") -> None:
        self._encoders = encoders

    @property
    def fingerprint(self) -> Digest:
        """That of the encoders."""
        return self._encoders.fingerprint

    def read(self, numbers: tuple[int, ...], frames_FHW3: NDArray[np.uint8]) -> Reading:
        """Find people, cut them out, and describe them and what is left."""
        return read_frames(self._encoders, numbers, frames_FHW3)

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Text features."""
        return self._encoders.captions(captions)
