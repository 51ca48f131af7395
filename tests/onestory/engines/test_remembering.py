"""Remembering takes: whatever the seed, no gate has anything against them."""

from onestory.continuity.gates import judge
from onestory.continuity.measures import FrameMeasures, measure
from onestory.engine_server.stage import TakeControl
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.remembering import RememberingEngine


def recipe_of(seed: int) -> Recipe:
    """Recipes that differ in nothing else."""
    return Recipe(
        engine=EngineFingerprint(name="remembering", weights="none", config="c", recipe_version=1),
        caption="A bar moves.",
        seed=seed,
        width=96,
        height=160,
        num_frames=2,
        fps="24",
    )


def measured(recipe: Recipe) -> FrameMeasures:
    """What gates see of a recipe's take."""
    footage = RememberingEngine().render(recipe, keyframe=None, control=TakeControl())
    assert footage.frames is not None
    return measure(footage.frames)


def test_no_seed_is_bad_luck() -> None:
    """Each take passes beside each other one: who films on random seeds films every shot once."""
    recipes = [recipe_of(seed) for seed in range(40)]
    takes = [measured(recipe) for recipe in recipes]

    for recipe, take in zip(recipes, takes, strict=True):
        for anchor in takes:
            assert judge(recipe, take, anchor=anchor).is_passed, recipe.seed
