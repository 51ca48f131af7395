"""
How is a person taken out of a frame, or a frame rid of its people?

    frame, mask ─┬─ cut_out ── the person's box, grey all round ──┐
                 └─ emptied ── the frame, grey where people are ──┴─ letterboxed ── encoder

A person's picture shows nothing of the place and the place's nothing of a person, so that
neither can be recognised by the other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

NEUTRAL = 128
"""Grey level of whatever is taken out of a picture, in all channels."""
MARGIN = 0.06
"""How much higher and wider than the person the picture cut out is, as a share."""


def cut_out(
    frame_HW3: NDArray[np.uint8], mask_HW: NDArray[np.bool_], *, margin: float = MARGIN
) -> NDArray[np.uint8]:
    """
    Cut a person out of a frame.

    Args:
        frame_HW3: The frame, sRGB.
        mask_HW: Where the person is.
        margin: How much higher and wider than the person the picture is, as a share.

    Returns:
        A new picture: the person on `NEUTRAL` grey, no smaller than the person's box.

    Raises:
        ValueError: If the mask is empty or of another size.
    """
    if mask_HW.shape != frame_HW3.shape[:2]:
        raise ValueError(f"mask is {mask_HW.shape}, the frame {frame_HW3.shape[:2]}")
    top, bottom = span(mask_HW, axis=0)
    left, right = span(mask_HW, axis=1)
    only_HW3 = np.where(
        mask_HW[top:bottom, left:right, None], frame_HW3[top:bottom, left:right], NEUTRAL
    ).astype(np.uint8)
    around = [round(0.5 * margin * side) for side in (bottom - top, right - left)]
    return _padded(only_HW3, (around[0], around[0]), (around[1], around[1]))


def span(mask_HW: NDArray[np.bool_], *, axis: int) -> tuple[int, int]:
    """
    Find the half-open span of rows, or columns, that a mask covers.

    Args:
        mask_HW: Where somebody is.
        axis: 0 for rows, 1 for columns.

    Raises:
        ValueError: If the mask is empty.
    """
    found = np.unique(np.nonzero(mask_HW)[axis])
    if not found.size:
        raise ValueError("the mask is empty: there is nobody to cut out")
    return int(found[0]), int(found[-1]) + 1


def emptied(frame_HW3: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """
    Take people out of a frame.

    Args:
        frame_HW3: The frame, sRGB.
        masks: Where each of them is, `H W`; may be none.

    Returns:
        A new frame, `NEUTRAL` grey where anybody was.
    """
    empty_HW3 = frame_HW3.copy()
    for mask_HW in masks:
        empty_HW3[mask_HW] = NEUTRAL
    return empty_HW3


def letterboxed(picture_HW3: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """
    Give a picture another shape without stretching it: grey is put on two opposite sides.

    Args:
        picture_HW3: Any picture.
        height: Of the shape; only its ratio to `width` counts.
        width: Of the shape.

    Returns:
        The picture in the middle, not resized, of the least size that has the shape to within
        a pixel.
    """
    high, wide = picture_HW3.shape[:2]
    more_high = max(0, round(wide * height / width) - high)
    more_wide = max(0, round(high * width / height) - wide)
    return _padded(
        picture_HW3,
        (more_high // 2, more_high - more_high // 2),
        (more_wide // 2, more_wide - more_wide // 2),
    )


def _padded(
    picture_HW3: NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]
) -> NDArray[np.uint8]:
    return np.pad(picture_HW3, (rows, columns, (0, 0)), constant_values=NEUTRAL)
