"""
How do frames become a file, as they arrive and without waiting for the last?

    rgb_HWC ── rgb_HWC ── rgb_HWC ──pipe── ffmpeg ── take.mp4.part ── take.mp4

Shape suffixes, for this module only:
    H  rows    W  columns    C  red, green, blue
"""

import fcntl
import io
import os
import select
import subprocess
import tempfile
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onestory.cut.ffmpeg_call import BITEXACT, compile_call, last_words, local_file
from onestory.errors import MediaError

Rgb = NDArray[np.uint8]
"""One frame, H W C, sRGB."""

TAKE_CRF = 14
"""Quality of a take: it will be encoded once more, so nothing visible may be lost."""
PIPE_BYTES = 1 << 20
"""As much as Linux lets an ordinary user have: fewer wake-ups per frame."""
BT709: dict[str, object] = {
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}
X264_THREADS = 4
"""Fixed, because the bytes depend on it."""


def h264(crf: int) -> dict[str, object]:
    """Output arguments of every picture that this studio encodes."""
    return {
        "vcodec": "libx264",
        "preset": "veryfast",
        "crf": crf,
        "pix_fmt": "yuv420p",
        "threads": X264_THREADS,
        "movflags": "+faststart",
        "flags:v": "+bitexact",
        **BT709,
        **BITEXACT,
    }


class VideoWriter:
    """Streams frames into an H.264 MP4 without sound; the file appears when it is whole."""

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        fps: str = "24",
        crf: int = TAKE_CRF,
        stall_seconds: float = 60.0,
    ) -> None:
        """
        Start the encoder.

        Args:
            path: Where the finished file shall lie.
            width: In pixels, even.
            height: In pixels, even.
            fps: Rate as a rational: "24", "24000/1001".
            crf: Quality of x264; lower is better.
            stall_seconds: Longest wait for the encoder to take more, or to finish.

        Raises:
            ValueError: If a size is odd or not positive.
        """
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise ValueError(f"width and height must be even, got {width}x{height}")
        self.path = path
        self.num_frames = 0
        self._shape = (height, width, 3)
        self._stall_seconds = stall_seconds
        self._part = path.with_name(path.name + ".part")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the encoder
        call = compile_call(_encoding(self._part, width, height, str(Fraction(fps)), crf))
        self._process = subprocess.Popen(
            call, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._stderr
        )
        self._pipe = _widened(self._process)

    def write(self, rgb_HWC: Rgb) -> None:
        """
        Hand over the next frame.

        Args:
            rgb_HWC: uint8 sRGB of the writer's size.

        Raises:
            MediaError: If the encoder is gone or stalls.
            ValueError: If the frame has another size or type.
        """
        if rgb_HWC.shape != self._shape or rgb_HWC.dtype != np.uint8:
            raise ValueError(
                f"frame must be uint8 {self._shape}, got {rgb_HWC.dtype} {rgb_HWC.shape}"
            )
        rest = np.ascontiguousarray(rgb_HWC).data.cast("B")
        while rest:
            rest = rest[self._send(rest) :]
        self.num_frames += 1

    def close(self) -> None:
        """
        Finish the file and put it in its place.

        Raises:
            MediaError: If the encoder fails, or not one frame was written.
        """
        if self._stderr.closed:
            return
        if self.num_frames == 0:
            self.abandon()
            raise MediaError("a video needs at least 1 frame, got 0")
        self._close_pipe()
        try:
            code = self._process.wait(self._stall_seconds)
        except subprocess.TimeoutExpired as expired:
            raise self._failure(f"did not finish within {self._stall_seconds:g} s") from expired
        if code != 0:
            raise self._failure(f"ended with code {code}")
        self._stderr.close()
        os.replace(self._part, self.path)

    def abandon(self) -> None:
        """Stop the encoder and leave no file behind."""
        if self._stderr.closed:
            return
        self._process.kill()
        self._process.wait()
        self._close_pipe()
        self._stderr.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _send(self, rest: memoryview) -> int:
        try:
            _, ready, _ = select.select([], [self._pipe], [], self._stall_seconds)
            if ready:
                return os.write(self._pipe, rest)
        except (BrokenPipeError, ValueError, OSError) as broken:
            raise self._failure(f"is gone at frame {self.num_frames}") from broken
        raise self._failure(f"took nothing for {self._stall_seconds:g} s")

    def _failure(self, what: str) -> MediaError:
        if self._stderr.closed:
            return MediaError(f"the encoder {what}: it was already closed")
        self._process.kill()
        self._process.wait()
        self._stderr.seek(0)
        said = last_words(self._stderr.read())
        self.abandon()
        return MediaError(f"the encoder {what}: {said}")

    def _close_pipe(self) -> None:
        assert self._process.stdin is not None
        # If the encoder died first, its exit code tells the story.
        with suppress(BrokenPipeError):
            self._process.stdin.close()


def _encoding(part: Path, width: int, height: int, fps: str, crf: int) -> Any:
    raw = ffmpeg.input(
        "pipe:", format="rawvideo", pix_fmt="rgb24", s=f"{width}x{height}", framerate=fps
    )
    picture = raw.video.filter("scale", out_color_matrix="bt709", out_range="tv")
    return ffmpeg.output(picture, local_file(part), format="mp4", **h264(crf))


def _widened(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdin is not None
    pipe = process.stdin.fileno()
    os.set_blocking(pipe, False)
    # A machine with a lower limit is only slower.
    with suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return pipe


def frame_to_png(rgb_HWC: Rgb) -> bytes:
    """One frame as PNG, lossless; equal frames give equal bytes."""
    return _picture(rgb_HWC, "PNG", compress_level=3)


def frame_to_jpeg(rgb_HWC: Rgb, *, quality: int = 90) -> bytes:
    """One frame as JPEG without chroma subsampling, for posters and contact sheets."""
    return _picture(rgb_HWC, "JPEG", quality=quality, subsampling=0)


def _picture(rgb_HWC: Rgb, form: str, **options: int) -> bytes:
    target = io.BytesIO()
    Image.fromarray(rgb_HWC).save(target, form, **options)
    return target.getvalue()
