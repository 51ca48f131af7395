"""
How do frames of any size and rate become those that the model draws, and back?

    delivery  720 x 1280, 24 a second  ──►  native  160 x 288, 8 a second
                                       ◄──  middle cut out, Lanczos, each frame held three times

The model draws a grid of cells of 16 x 16 pixels. Of all grids with about as many cells as it was
trained with, the one nearest in shape is taken; what of it the delivery does not show is cut off
evenly on two sides.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from onestory.engines.protocol import Frame
from onestory.resampling import filled, resampled

CELL = 16
"""Side of a latent cell in pixels."""

FPS = 8
"""Frames that are drawn for a second of film."""

_SIDES = range(4, 46, 2)
"""Cells along a side: even, because a token covers two."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What is drawn, in cells."""

    rows: int
    columns: int

    @property
    def height(self) -> int:
        """In pixels."""
        return self.rows * CELL

    @property
    def width(self) -> int:
        """In pixels."""
        return self.columns * CELL


TRAINED = Grid(rows=18, columns=10)
"""What the weights were trained to draw: 9:16."""


def native_grid(width: int, height: int) -> Grid:
    """
    Choose what to draw for a delivery.

    Args:
        width: Of the delivery, in pixels.
        height: Of the delivery, in pixels.

    Returns:
        The grid nearest in shape and in number of cells; 18 x 10 for 9:16.
    """

    def distance(grid: Grid) -> float:
        shape = abs(math.log(grid.columns / grid.rows * height / width))
        return shape + abs(math.log(grid.rows * grid.columns / (TRAINED.rows * TRAINED.columns)))

    return min((Grid(rows, columns) for rows in _SIDES for columns in _SIDES), key=distance)


def onto_grid(frame_HWC: Frame, grid: Grid, *, width: int, height: int) -> Frame:
    """
    Bring a first frame to where the model would have drawn it.

    Args:
        frame_HWC: The frame, of any size; what does not fit the delivery's shape is cut off.
        grid: What is drawn for the delivery.
        width: Of the delivery, in pixels.
        height: Of the delivery, in pixels.

    Returns:
        A frame as large as the grid, of which `filled` would show the given one. What the
        delivery does not show repeats its edge.
    """
    if frame_HWC.shape != (height, width, 3):
        frame_HWC = filled(frame_HWC, width=width, height=height)
    # Half of what the grid shows beyond the delivery, in pixels of the delivery.
    beside = max(0.0, (height * grid.width / grid.height - width) / 2)
    above = max(0.0, (width * grid.height / grid.width - height) / 2)
    pad_x, pad_y = math.ceil(beside), math.ceil(above)
    padded_HWC = np.pad(frame_HWC, ((pad_y, pad_y), (pad_x, pad_x), (0, 0)), mode="edge")
    box = (
        pad_x - beside,
        pad_y - above,
        pad_x + width + beside,
        pad_y + height + above,
    )
    return resampled(padded_HWC, (grid.width, grid.height), box)


def drawn_index(num_frames: int, fps: str) -> list[int]:
    """
    Say which drawn frame stands on screen at each frame of the delivery.

    Args:
        num_frames: Frames of the delivery, at least 1.
        fps: Its rate, as a rational.
    """
    step = FPS / Fraction(fps)
    return [math.floor(index * step) for index in range(num_frames)]
