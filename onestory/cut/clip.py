"""
How does a person's own footage become a take of a given size, rate and length?

    clip, 1920 x 1080, 30 a second  ──  middle cut out, resampled, every frame at its own time
                                    ──  720 x 1280, 24 a second, the first so many frames

Shape suffixes, for this module only:
    H  rows    W  columns    C  red, green, blue
"""

import math
from collections.abc import Iterator
from fractions import Fraction

from onestory.cut.encode import Rgb
from onestory.cut.probe import decode_frames, probe_video
from onestory.errors import MediaError
from onestory.resampling import filled


def frames_in(clip: bytes, *, fps: str) -> int:
    """
    Say how many frames a clip has at another rate.

    Args:
        clip: A video file.
        fps: The rate, as a rational.

    Raises:
        MediaError: If it cannot be read from end to end.
    """
    facts = probe_video(clip, decode=True)
    return math.ceil(facts.num_frames * Fraction(fps) / Fraction(facts.fps))


def conformed(clip: bytes, *, width: int, height: int, fps: str, num_frames: int) -> Iterator[Rgb]:
    """
    Show a clip as a take.

    Args:
        clip: A video file.
        width: Of the take, in pixels.
        height: Of the take, in pixels.
        fps: Rate of the take, as a rational.
        num_frames: Length of the take; what the clip has beyond it is not shown.

    Yields:
        `rgb_HWC`: what stands on screen at each frame's time, the middle of the picture.

    Raises:
        MediaError: If the clip cannot be read, or is too short.
    """
    step = Fraction(probe_video(clip).fps) / Fraction(fps)
    made = 0
    for index, rgb_HWC in enumerate(decode_frames(clip)):
        if made == num_frames:
            return
        if index < math.floor(made * step):
            continue  # never on screen: not worth resampling
        shown_HWC = filled(rgb_HWC, width=width, height=height)
        while made < num_frames and math.floor(made * step) == index:
            made += 1
            yield shown_HWC
    if made < num_frames:
        raise MediaError(
            f"the clip has {made} frames at {fps} a second, and {num_frames} are shown"
        )
