"""
Which frames does a Wan draw for a delivery? Of its card's size, at its card's rate.

    delivery  720 x 1280, 24 a second  ──►  drawn  704 x 1280, 24 a second   Wan2.2-TI2V
                                       ──►  drawn  480 x 848,  16 a second   Wan2.1 at 480p

A shot that is longer than what is drawn at once is drawn in stretches, each of which starts from
the last frame of the one before.
"""

import math
from collections.abc import Sequence
from fractions import Fraction


def drawn_size(width: int, height: int, *, multiple_of: int, area: int) -> tuple[int, int]:
    """
    Choose what to draw for a delivery.

    Args:
        width: Of the delivery, in pixels.
        height: Of the delivery, in pixels.
        multiple_of: What drawn sides divide by.
        area: About the most pixels that are drawn.

    Returns:
        Width and height: those of the delivery, if they divide and are not too many; else the
        nearest in shape and area.
    """
    scale = min(1.0, math.sqrt(area / (width * height)))

    def sides(wanted: int) -> list[int]:
        steps = wanted * scale / multiple_of
        return sorted({max(1, round_(steps)) * multiple_of for round_ in (math.floor, math.ceil)})

    def distance(size: tuple[int, int]) -> float:
        shape = abs(math.log(size[0] / size[1] * height / width))
        return shape + abs(math.log(size[0] * size[1] / (width * height * scale**2)))

    return min(((w, h) for w in sides(width) for h in sides(height)), key=distance)


def drawn_index(num_frames: int, fps: str, *, drawn_fps: int) -> list[int]:
    """
    Say which drawn frame stands on screen at each frame of the delivery.

    Args:
        num_frames: Frames of the delivery, at least 1.
        fps: Its rate, as a rational.
        drawn_fps: Rate of the drawn frames.
    """
    step = drawn_fps / Fraction(fps)
    return [math.floor(index * step) for index in range(num_frames)]


def stretches(num_frames: int, *, most: int, temporal: int) -> Sequence[int]:
    """
    Share drawn frames out to stretches.

    Args:
        num_frames: Drawn frames of the shot, at least 1.
        most: Frames of a stretch at most.
        temporal: Frames of a latent frame; a stretch has a multiple of them, and one.

    Returns:
        Frames of each stretch; every one but the first repeats the last frame of the one before.
        Together no fewer than asked for.
    """
    longest = (most - 1) // temporal * temporal + 1
    lengths: list[int] = []
    left = num_frames
    while not lengths or left > 1:
        lengths.append(min(longest, -(-(left - 1) // temporal) * temporal + 1))
        # The next one starts from this one's last frame.
        left -= lengths[-1] - 1
    return lengths
