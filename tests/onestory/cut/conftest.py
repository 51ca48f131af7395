"""A cutting room for the tests: small takes whose frames can be told apart, and real voices."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onestory.cut.encode import Rgb, VideoWriter
from onestory.cut.timeline import Cut, CutShot, CutTake
from onestory.cut.voice import EspeakVoice, VoiceSpec


class CuttingRoom:
    """Makes takes, shots, voices and films of 90x160 at 24 frames a second."""

    width, height = 90, 160

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def picture(self, index: int, hue: int, width: int = 90, height: int = 160) -> Rgb:
        """A frame that tells its number by its left half and its take by its right half."""
        rgb_HWC = np.zeros((height, width, 3), np.uint8)
        rgb_HWC[:, : width // 2] = min(40 + 6 * index, 255)
        rgb_HWC[:, width // 2 :] = hue
        return rgb_HWC

    def number_of(self, rgb_HWC: Rgb) -> int:
        """The number that `picture` wrote into a frame."""
        rows, columns = rgb_HWC.shape[0] // 8, rgb_HWC.shape[1] // 2
        return round((float(rgb_HWC[rows : 2 * rows, 5 : columns - 10].mean()) - 40) / 6)

    def hue_of(self, rgb_HWC: Rgb) -> float:
        """The hue that `picture` wrote into a frame."""
        rows, columns = rgb_HWC.shape[0] // 8, rgb_HWC.shape[1] // 2
        return float(rgb_HWC[rows : 2 * rows, columns + 10 : -5].mean())

    def take(
        self,
        shot: int = 1,
        num_frames: int = 12,
        *,
        hue: int = 100,
        number: int = 1,
        width: int = 90,
        height: int = 160,
        fps: str = "24",
    ) -> CutTake:
        """Render a take; its file has a name that no filter text would survive."""
        slate = f"s01e01-sc01-sh{shot:03d}-tk{number:02d}"
        video = self.folder / f"it's {slate}: 100% [a];b,c.mp4"
        with VideoWriter(video, width=width, height=height, fps=fps) as writer:
            for index in range(num_frames):
                writer.write(self.picture(index, hue, width, height))
        return CutTake(
            slate=slate, video=video, num_frames=num_frames, width=width, height=height, fps=fps
        )

    def shot(self, take: CutTake, **fields: Any) -> CutShot:
        """A shot that uses all of `take`, unless the fields say otherwise."""
        values = {"slate": take.slate.rpartition("-")[0], "num_frames": take.num_frames, **fields}
        return CutShot(take=take, **values)

    def cut(self, *shots: CutShot, fps: str = "24") -> Cut:
        """A film of those shots."""
        return Cut(
            episode="night", title="Night: 'Up' 100%\nagain", fps=fps, width=90, height=160,
            shots=shots,
        )  # fmt: skip

    def voice(self, text: str = "Go.", character: str = "ANNA") -> Path:
        """Let espeak-ng say something into a file."""
        name = hashlib.sha256(f"{character} {text}".encode()).hexdigest()[:12]
        target = self.folder / f"{name}.wav"
        target.write_bytes(EspeakVoice().speak(text, voice=VoiceSpec(character=character)))
        return target


@pytest.fixture(name="room")
def _room(tmp_path: Path) -> CuttingRoom:
    return CuttingRoom(tmp_path)


@pytest.fixture(name="paper_take")
def _paper_take() -> Any:
    """Makes takes that exist on paper only, for arithmetic."""

    def make(shot: int = 1, num_frames: int = 100, **fields: Any) -> CutTake:
        slate = f"s01e01-sc01-sh{shot:03d}-tk01"
        values = {"width": 90, "height": 160, "fps": "24", **fields}
        return CutTake(slate=slate, video=Path(f"{slate}.mp4"), num_frames=num_frames, **values)

    return make
