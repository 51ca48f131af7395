"""Who looks at takes of StoryWorld? The small networks that read it, as gates want them read."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from onestory.continuity.likeness import PersonBox, PersonReading, Reading
from onestory.documents import Digest, digest_of
from onestory.evaluation.coverage import HEIGHT, WIDTH
from onestory.evaluation.reader import WEIGHTS, Reader, shared_reader


class ReaderEyes:
    """Looks through the networks that read StoryWorld; see `onestory.continuity.eyes`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._fingerprint = digest_of(WEIGHTS.read_bytes())

    @property
    def fingerprint(self) -> Digest:
        """Of the networks' weights."""
        return self._fingerprint

    def read(self, numbers: tuple[int, ...], frames_FHW3: NDArray[np.uint8]) -> Reading:
        """
        Read frames.

        Args:
            numbers: Of the frames in the take, ascending.
            frames_FHW3: The frames, sRGB, uint8, upright 9:16; resized to what the networks know.
        """
        found = self._reader.read_shot(frames_FHW3)
        height, width = frames_FHW3.shape[1:3]
        cells = found.owners_Fhw[0].size
        return Reading(
            encoders=self._fingerprint,
            height=height,
            width=width,
            frames=tuple(numbers[row] for row in found.frames),
            people=tuple(
                PersonReading(
                    frames=tuple(numbers[row] for row in person.boxes),
                    boxes=tuple(
                        PersonBox(
                            left=round(box.left * width / WIDTH),
                            top=round(box.top * height / HEIGHT),
                            right=round(box.right * width / WIDTH),
                            bottom=round(box.bottom * height / HEIGHT),
                            share=round(person.cells / cells, 4),
                        )
                        for box in person.boxes.values()
                    ),
                    identity_FD=person.identity_FD.numpy(),
                )
                for person in found.people
            ),
            place_FD=found.place_FD.numpy(),
            backgrounds=tuple(
                round(float((owners_hw == 0).mean()), 4) for owners_hw in found.owners_Fhw
            ),
            picture_FD=np.tile(found.picture_D.numpy(), (len(found.frames), 1)),
        )

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Read captions."""
        read_ND: NDArray[np.float32] = self._reader.read_captions(captions).numpy()
        return read_ND


@lru_cache(maxsize=1)
def shared_eyes() -> ReaderEyes:
    """Those of the shipped networks, loaded once per process."""
    return ReaderEyes(shared_reader())
