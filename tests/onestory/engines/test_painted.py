"""Painted takes: cheap, and no two recipes look alike."""

import numpy as np
import pytest

from onestory.documents import digest_of
from onestory.engine_server.stage import TakeControl
from onestory.engines.painted import PaintedEngine
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.errors import OutOfMemoryError

HEIGHT = 80


def recipe_of(seed: int) -> Recipe:
    """Recipes that differ in nothing else."""
    return Recipe(
        engine=EngineFingerprint(name="painted", weights="none", config="c", recipe_version=1),
        caption="A bar moves.",
        seed=seed,
        width=48,
        height=HEIGHT,
        num_frames=3,
        fps="24",
    )


def drawn(recipe: Recipe) -> str:
    """Digest of everything that is seen of a recipe."""
    footage = PaintedEngine().render(recipe, keyframe=None, control=TakeControl())
    assert footage.frames is not None
    return digest_of(np.stack(list(footage.frames)).tobytes())


def test_every_recipe_has_pixels_of_its_own() -> None:
    """A bar has few heights; where two takes share one, their bytes still differ."""
    recipes = [recipe_of(seed) for seed in range(4 * HEIGHT)]

    assert len({drawn(recipe) for recipe in recipes}) == len(recipes)
    assert drawn(recipes[0]) == drawn(recipe_of(0))


def test_every_frame_holds_as_much_of_either_colour_below_the_bar() -> None:
    """What is written at the bottom is no drift of colours between takes."""
    amounts = set()
    for seed in range(20):
        footage = PaintedEngine().render(recipe_of(seed), keyframe=None, control=TakeControl())
        assert footage.frames is not None
        amounts |= {int(frame_HWC[-8:].sum()) for frame_HWC in footage.frames}

    assert len(amounts) == 1


def test_a_take_that_is_too_large_for_the_memory_is_refused() -> None:
    """By its pixels; one that just fits is painted, and is the same take wherever it is."""
    recipe = recipe_of(1)
    pixels = recipe.width * recipe.height * recipe.num_frames
    small, big = PaintedEngine(memory_pixels=pixels - 1), PaintedEngine(memory_pixels=pixels)

    with pytest.raises(OutOfMemoryError, match=f"for {pixels - 1} pixels, and the take has"):
        small.render(recipe, keyframe=None, control=TakeControl())

    assert big.render(recipe, keyframe=None, control=TakeControl()).frames is not None
    assert small.fingerprint() == big.fingerprint()
