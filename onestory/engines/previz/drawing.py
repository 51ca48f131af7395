"""How does a recipe become frames? Read it, draw it, and bring it to the size that was asked."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from onestory.engines.previz.reader import read_recipe
from onestory.engines.protocol import Frame
from onestory.engines.recipe import Recipe
from onestory.storyworld.render import SceneRenderer


def draw(recipe: Recipe, *, num_frames: int, scale: float = 1.0) -> Iterator[Frame]:
    """
    Draw the first frames of a recipe's scene.

    Args:
        recipe: What to draw; its own length decides the motion.
        num_frames: How many frames to draw, at most the recipe's.
        scale: Size at which to draw, as a share of the recipe's.

    Yields:
        Frames at the recipe's size.
    """
    width, height = round(recipe.width * scale), round(recipe.height * scale)
    renderer = SceneRenderer(read_recipe(recipe).scene, width, height)
    for index in range(num_frames):
        frame_HWC = renderer.frame(index)
        if scale != 1.0:
            size = (recipe.width, recipe.height)
            picture = Image.fromarray(frame_HWC).resize(size, Image.Resampling.LANCZOS)
            frame_HWC = np.asarray(picture, dtype=np.uint8)
        yield frame_HWC
