"""
How does a picture come to another size? Lanczos, of as much of it as the shape allows.

    1920 x 1080  ──  the middle, 607.5 x 1080  ──  720 x 1280

Shape suffixes, for this module only:
    H  rows    W  columns    C  red, green, blue
"""

from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Rgb: TypeAlias = npt.NDArray[np.uint8]
"""`H W C`."""

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


def filled(rgb_HWC: Rgb, *, width: int, height: int) -> Rgb:
    """
    Bring a picture to a size; what does not fit its shape is cut off evenly on two sides.

    Args:
        rgb_HWC: A picture of any size.
        width: Wanted, in pixels.
        height: Wanted, in pixels.

    Returns:
        Its middle, resampled.
    """
    return resampled(rgb_HWC, (width, height), _middle(rgb_HWC, Fraction(width, height)))


def resampled(rgb_HWC: Rgb, size: tuple[int, int], box: Box) -> Rgb:
    """
    Resample a part of a picture.

    Args:
        rgb_HWC: The picture.
        size: Wanted width and height, in pixels.
        box: Which part.
    """
    picture = Image.fromarray(np.ascontiguousarray(rgb_HWC))
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS, box=box), dtype=np.uint8)


def _middle(rgb_HWC: Rgb, aspect: Fraction) -> Box:
    """The largest box of a shape around the middle."""
    height, width = rgb_HWC.shape[:2]
    shown_width = min(float(width), float(height * aspect))
    shown_height = min(float(height), float(width / aspect))
    left, top = (width - shown_width) / 2, (height - shown_height) / 2
    return left, top, left + shown_width, top + shown_height
