"""Eyes that need no weights: they tell pictures apart by their coarse pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onestory.continuity.likeness import PersonBox, PersonReading, Reading
from onestory.documents import Digest, digest_of


class CoarseEyes:
    """Tells pictures apart by their coarse pixels, and takes the left half for a person."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def fingerprint(self) -> Digest:
        """Of no file at all."""
        return digest_of(b"coarse eyes")

    def read(self, numbers: tuple[int, ...], frames_FHW3: NDArray[np.uint8]) -> Reading:
        """One person, wherever they look."""
        self.looks += 1
        height, width = frames_FHW3.shape[1:3]
        box = PersonBox(left=0, top=0, right=width // 2, bottom=height, share=0.5)
        return Reading(
            encoders=self.fingerprint,
            height=height,
            width=width,
            frames=numbers,
            people=(
                PersonReading(
                    frames=numbers,
                    boxes=(box,) * len(numbers),
                    identity_FD=_seen(frames_FHW3[:, :, : width // 2]),
                ),
            ),
            place_FD=_seen(frames_FHW3[:, :, width // 2 :]),
            backgrounds=(0.5,) * len(numbers),
            picture_FD=_seen(frames_FHW3),
        )

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Every caption means grey."""
        grey_D = np.full(16 * 16 * 3, 1 / np.sqrt(16 * 16 * 3), np.float32)
        return np.tile(grey_D, (len(captions), 1))


def _seen(frames_FHW3: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels of a coarse copy, as a direction."""
    small = [Image.fromarray(one).resize((16, 16), Image.Resampling.BOX) for one in frames_FHW3]
    seen_FD = np.stack([np.asarray(one, np.float32).ravel() - 128 for one in small])
    length_F1 = np.linalg.norm(seen_FD, axis=1, keepdims=True)
    unit_FD: NDArray[np.float32] = seen_FD / np.maximum(length_F1, 1e-6)
    return unit_FD
