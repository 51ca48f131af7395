"""Encoders that need no weights: they tell pictures apart by their coarse pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onestory.documents import Digest, digest_of


class CoarseEyes:
    """Tells pictures apart by their coarse pixels, and takes the left half for a person."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def fingerprint(self) -> Digest:
        """Of no file at all."""
        return digest_of(b"coarse eyes")

    def people(self, frames_NHW3: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
        """One person a frame."""
        self.looks += 1
        mask_PHW = np.zeros((1, *frames_NHW3.shape[1:3]), np.bool_)
        mask_PHW[:, :, : frames_NHW3.shape[2] // 2] = True
        return [mask_PHW] * len(frames_NHW3)

    def appearance(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Pixels of a coarse copy, as a direction."""
        small = [Image.fromarray(one).resize((16, 16), Image.Resampling.BOX) for one in pictures]
        seen_ND = np.stack([np.asarray(one, np.float32).ravel() - 128 for one in small])
        length_N1 = np.linalg.norm(seen_ND, axis=1, keepdims=True)
        unit_ND: NDArray[np.float32] = seen_ND / np.maximum(length_N1, 1e-6)
        return unit_ND

    def pictures(self, frames_NHW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same."""
        return self.appearance(list(frames_NHW3))

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Every caption means grey."""
        grey_D = np.full(16 * 16 * 3, 1 / np.sqrt(16 * 16 * 3), np.float32)
        return np.tile(grey_D, (len(captions), 1))
