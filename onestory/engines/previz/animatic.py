"""
What moves if a person gives the first frame? The camera: a slow push-in, as in any animatic.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from onestory.engines.protocol import Frame

ZOOM = 0.12
"""How much nearer the last frame is than the first."""


def push_in(keyframe: Frame, *, width: int, height: int, num_frames: int) -> Iterator[Frame]:
    """
    Push slowly into a still picture.

    Args:
        keyframe: The picture, of any size and shape; it is cropped around its middle to fit.
        width: Width of the frames, in pixels.
        height: Height of the frames, in pixels.
        num_frames: How many frames.

    Yields:
        Frames from the whole picture to its middle.
    """
    picture = Image.fromarray(np.ascontiguousarray(keyframe))
    aspect = width / height
    crop_width = min(picture.width, picture.height * aspect)
    crop_height = crop_width / aspect
    for index in range(num_frames):
        share = index / max(1, num_frames - 1)
        # Eased, so that neither end starts with a jerk.
        nearness = 1 - ZOOM * share * share * (3 - 2 * share)
        half_x, half_y = crop_width * nearness / 2, crop_height * nearness / 2
        box = (
            picture.width / 2 - half_x,
            picture.height / 2 - half_y,
            picture.width / 2 + half_x,
            picture.height / 2 + half_y,
        )
        yield np.asarray(
            picture.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.uint8
        )
