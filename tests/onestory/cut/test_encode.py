"""Frames become a file as they arrive."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onestory.cut.encode import VideoWriter, frame_to_jpeg, frame_to_png
from onestory.cut.probe import decode_frames, probe_video
from onestory.errors import MediaError


def test_every_frame_written_is_in_the_file(tmp_path: Path) -> None:
    """The file holds as many frames as were written, at the size and rate asked for."""
    with VideoWriter(tmp_path / "a.mp4", width=90, height=160, fps="24000/1001") as writer:
        for level in range(7):
            writer.write(np.full((160, 90, 3), level * 30, np.uint8))

    facts = probe_video(tmp_path / "a.mp4", decode=True)
    assert (facts.num_frames, facts.width, facts.height) == (7, 90, 160)
    assert (facts.fps, facts.video_codec, facts.has_audio) == ("24000/1001", "h264", False)
    assert facts.is_fast_start


def test_colours_survive(tmp_path: Path) -> None:
    """A saturated red comes back as that red: matrix and tags agree."""
    red = np.zeros((160, 90, 3), np.uint8)
    red[:] = (220, 30, 60)
    with VideoWriter(tmp_path / "a.mp4", width=90, height=160) as writer:
        for _ in range(3):
            writer.write(red)

    back = next(iter(decode_frames(tmp_path / "a.mp4")))
    assert np.abs(back.astype(int) - red).max() <= 4


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    """No date and no version is written into a take."""
    for name in ("a.mp4", "b.mp4"):
        with VideoWriter(tmp_path / name, width=90, height=160) as writer:
            for level in range(9):
                writer.write(np.full((160, 90, 3), level * 20, np.uint8))

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_dead_encoder_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    """Frames that nobody takes are not lost in silence."""
    writer = VideoWriter(tmp_path / "nowhere" / "a.mp4", width=720, height=1280)

    def write_all() -> None:
        for _ in range(50):
            writer.write(np.zeros((1280, 720, 3), np.uint8))

    with pytest.raises(MediaError, match=r"the encoder is gone .*No such file"):
        write_all()


def test_a_small_take_cannot_hide_a_dead_encoder(tmp_path: Path) -> None:
    """A failure that comes after the last frame is found when the file is closed."""
    with (
        pytest.raises(MediaError, match=r"the encoder .*No such file"),
        VideoWriter(tmp_path / "nowhere" / "a.mp4", width=16, height=16) as writer,
    ):
        writer.write(np.zeros((16, 16, 3), np.uint8))


def test_a_failing_engine_leaves_no_file(tmp_path: Path) -> None:
    """An exception between two frames leaves nothing half-written."""

    def fail() -> None:
        with VideoWriter(tmp_path / "a.mp4", width=90, height=160) as writer:
            writer.write(np.zeros((160, 90, 3), np.uint8))
            raise RuntimeError("engine")

    with pytest.raises(RuntimeError, match="engine"):
        fail()

    assert list(tmp_path.iterdir()) == []


def test_a_film_without_a_frame_is_refused(tmp_path: Path) -> None:
    """A video needs a frame."""
    with (
        pytest.raises(MediaError, match="at least 1 frame, got 0"),
        VideoWriter(tmp_path / "a.mp4", width=90, height=160),
    ):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    """Rows and columns swapped would be a picture of stripes."""
    writer = VideoWriter(tmp_path / "a.mp4", width=90, height=160)
    with pytest.raises(ValueError, match=r"uint8 \(160, 90, 3\), got uint8 \(90, 160, 3\)"):
        writer.write(np.zeros((90, 160, 3), np.uint8))
    writer.abandon()


def test_an_odd_size_is_refused(tmp_path: Path) -> None:
    """Half of a chroma sample cannot be stored."""
    with pytest.raises(ValueError, match="must be even, got 91x160"):
        VideoWriter(tmp_path / "a.mp4", width=91, height=160)


def test_png_is_lossless_and_jpeg_is_close() -> None:
    """A keyframe is kept to the last bit, a poster nearly so."""
    rgb_HWC = np.random.default_rng(1).integers(0, 255, (16, 24, 3), np.uint8)

    assert (np.asarray(Image.open(io.BytesIO(frame_to_png(rgb_HWC)))) == rgb_HWC).all()
    smooth = np.full((16, 24, 3), (200, 90, 40), np.uint8)
    back = np.asarray(Image.open(io.BytesIO(frame_to_jpeg(smooth)))).astype(int)
    assert np.abs(back - smooth).max() <= 4
