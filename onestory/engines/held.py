"""
How do drawn frames fill a delivery, and which latents of them are kept?

    drawn      0     1     2        at the model's own rate and size
    delivery   0 0 0 1 1 1 2 2 2    each held for as long as it stands on screen
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from onestory.engines.protocol import Control, Frame
from onestory.engines.recipe import Recipe
from onestory.resampling import filled


def held(
    frames: Sequence[Frame],
    index: Sequence[int],
    recipe: Recipe,
    control: Control,
    *,
    drawing_share: float,
) -> Iterator[Frame]:
    """
    Show each drawn frame for as long as it stands on screen.

    Args:
        frames: Drawn ones.
        index: Which of them stands on screen at each frame of the delivery.
        recipe: Its size.
        control: Asked at every frame whether to stop.
        drawing_share: How much of the take is done already, in [0, 1].

    Yields:
        Frames of the delivery, resampled when they are asked for.
    """
    shown, frame_HWC = -1, None
    for number, drawn in enumerate(index):
        control.check()
        if frame_HWC is None or drawn != shown:
            frame_HWC = filled(frames[drawn], width=recipe.width, height=recipe.height)
            shown = drawn
        yield frame_HWC
        share = (number + 1) / len(index)
        control.progress(drawing_share + (1 - drawing_share) * share)


def spread(num: int, most: int) -> npt.NDArray[np.int_]:
    """Which of so many frames are kept: evenly spread, the first and the last among them."""
    return np.linspace(0, num - 1, min(num, most)).round().astype(int)
