"""A person's own footage, brought to size, rate and length."""

from pathlib import Path

import numpy as np
import pytest

from onestory.cut.clip import conformed, frames_in
from onestory.cut.encode import VideoWriter
from onestory.errors import MediaError


def _clip(folder: Path, *, num_frames: int = 30, fps: str = "30") -> bytes:
    """A wide clip that grows lighter, with a white edge on its left."""
    path = folder / "clip.mp4"
    with VideoWriter(path, width=160, height=90, fps=fps) as writer:
        for index in range(num_frames):
            frame_HWC = np.full((90, 160, 3), 20 + 4 * index, np.uint8)
            frame_HWC[:, :20] = 255
            writer.write(frame_HWC)
    return path.read_bytes()


def _light(frame_HWC: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> int:
    """Which frame of the clip this one shows."""
    return round((float(frame_HWC.mean()) - 20) / 4)


def test_every_frame_stands_at_its_own_time(tmp_path: Path) -> None:
    """Of thirty a second four in five are seen at twenty-four, and twelve are seen twice."""
    clip = _clip(tmp_path)

    down = list(conformed(clip, width=90, height=90, fps="24", num_frames=10))
    up = list(conformed(clip, width=90, height=90, fps="60", num_frames=6))

    assert [_light(frame) for frame in down] == [0, 1, 2, 3, 5, 6, 7, 8, 10, 11]
    assert [_light(frame) for frame in up] == [0, 0, 1, 1, 2, 2]


def test_the_middle_of_the_picture_is_seen_in_its_own_shape(tmp_path: Path) -> None:
    """A wide clip in an upright film loses its sides, and is not squeezed."""
    frame = next(conformed(_clip(tmp_path), width=45, height=80, fps="30", num_frames=1))

    assert frame.shape == (80, 45, 3)
    assert frame.max() < 40, "the white edge is cut off"


def test_a_clip_knows_its_length_at_another_rate(tmp_path: Path) -> None:
    """As many frames as can be shown of it, and not one more."""
    clip = _clip(tmp_path, num_frames=20)

    found = frames_in(clip, fps="24")

    assert found == 16
    assert len(list(conformed(clip, width=90, height=90, fps="24", num_frames=found))) == 16
    with pytest.raises(MediaError, match="has 16 frames at 24 a second, and 17 are shown"):
        list(conformed(clip, width=90, height=90, fps="24", num_frames=17))


def test_what_is_no_video_is_refused() -> None:
    """Before it is put anywhere."""
    with pytest.raises(MediaError):
        frames_in(b"no video at all", fps="24")
