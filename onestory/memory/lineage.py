"""
What did a take remember, and what is the name of that?

Content, not names: the digest of the ordered (latent frame, position, level) list. A shot
that is rendered again but leaves those frames equal changes nothing later.
"""

from collections.abc import Sequence
from typing import Protocol

from onestory.documents import Digest, Frozen, digest_of_json


class Remembered(Frozen):
    """One remembered frame: whose it is, and how it was carried."""

    take: Digest
    frame_index: int
    """Latent frame within that take."""
    latent: Digest
    """sha256 of the latent frame's bytes."""
    position: int
    """Where the frame stands among the memory tokens."""
    level: int
    """Patchifier level, 0 is the finest."""
    score: float


class RememberedFrame(Protocol):
    """What of a remembered frame decides pixels."""

    @property
    def latent(self) -> Digest:
        """sha256 of the latent frame's bytes."""

    @property
    def position(self) -> int:
        """Where the frame stands among the memory tokens."""

    @property
    def level(self) -> int:
        """Patchifier level, 0 is the finest."""


def memory_digest(lineage: Sequence[RememberedFrame]) -> Digest:
    """Name an ordered selection by its content; the empty one has a name too."""
    return digest_of_json([[frame.latent, frame.position, frame.level] for frame in lineage])
