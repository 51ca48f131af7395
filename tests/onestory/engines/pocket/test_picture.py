"""Do frames find their way to the model's size and rate, and back?"""

from fractions import Fraction

import numpy as np
import pytest

from onestory.engines.pocket.picture import Grid, drawn_index, native_grid, onto_grid
from onestory.engines.protocol import Frame
from onestory.resampling import filled


def gradient(width: int, height: int) -> Frame:
    """A frame that is brighter to the right and greener below."""
    across = np.linspace(20, 230, width)[None, :].repeat(height, 0)
    down = np.linspace(20, 230, height)[:, None].repeat(width, 1)
    return np.stack([across, down, 255 - across], axis=2).round().astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "grid"),
    [
        ((720, 1280), Grid(18, 10)),
        ((90, 160), Grid(18, 10)),
        ((96, 160), Grid(18, 10)),
        ((1280, 720), Grid(10, 18)),
        ((512, 512), Grid(14, 14)),
    ],
)
def test_the_grid_follows_the_shape_and_keeps_its_cost(size: tuple[int, int], grid: Grid) -> None:
    """A vertical film is drawn as the model was trained, others with about as many cells."""
    assert native_grid(*size) == grid


def test_every_shape_costs_about_the_same() -> None:
    """Even a strip has a grid, with even sides and neither half nor twice the cells."""
    for width, height in ((2, 1), (1, 3), (239, 100), (4, 5)):
        grid = native_grid(2 * width, 2 * height)

        assert grid.rows % 2 == grid.columns % 2 == 0
        assert 0.8 < grid.rows * grid.columns / 180 < 1.25


def test_a_frame_is_held_until_the_next_is_due() -> None:
    """At 24 frames a second each stands for three, at other rates until its time is over."""
    assert drawn_index(7, "24") == [0, 0, 0, 1, 1, 1, 2]
    assert drawn_index(4, "8") == [0, 1, 2, 3]
    assert drawn_index(5, "4") == [0, 2, 4, 6, 8]
    for fps in ("25", "24000/1001", "30"):
        index = drawn_index(200, fps)
        late = [n / Fraction(fps) - Fraction(drawn, 8) for n, drawn in enumerate(index)]

        assert all(0 <= one < Fraction(1, 8) for one in late)


@pytest.mark.parametrize("size", [(720, 1280), (96, 160), (400, 400), (640, 360)])
def test_a_first_frame_comes_back_where_it_was(size: tuple[int, int]) -> None:
    """What goes onto the grid and out again is neither moved, nor zoomed, nor cut."""
    width, height = size
    frame = gradient(width, height)
    grid = native_grid(width, height)

    drawn = onto_grid(frame, grid, width=width, height=height)
    back = filled(drawn, width=width, height=height)

    assert drawn.shape == (grid.height, grid.width, 3)
    assert back.shape == frame.shape
    assert np.abs(back.astype(int) - frame)[2:-2, 2:-2].max() <= 4


def test_a_frame_of_another_shape_loses_its_sides_only() -> None:
    """A wide picture becomes a vertical one around its middle, unsquashed."""
    frame = gradient(400, 200)
    grid = native_grid(90, 160)

    drawn = onto_grid(frame, grid, width=90, height=160)

    middle = frame[:, 144:256]
    assert abs(int(drawn[..., 0].min()) - int(middle[..., 0].min())) <= 4
    assert abs(int(drawn[..., 0].max()) - int(middle[..., 0].max())) <= 4
    assert abs(int(drawn[..., 1].max()) - 230) <= 4
