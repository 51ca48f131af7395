"""Drawn shots of the cartoon world, however quiet, are no false alarm."""

import numpy as np
import pytest

from onestory.continuity.gates import judge
from onestory.continuity.measures import measure
from onestory.documents import Digest
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.storyworld.render import draw_scene
from onestory.storyworld.scene import (
    Action,
    Camera,
    Framing,
    Light,
    Performer,
    PlaceKind,
    SceneSpec,
    Weather,
    random_look,
    random_place,
)


@pytest.mark.parametrize(
    ("framing", "action", "light", "weather"),
    [
        (Framing.CLOSE, Action.IDLE, Light.DAY, Weather.CLEAR),
        (Framing.FULL, Action.SLEEP, Light.NIGHT, Weather.CLEAR),
        (Framing.WIDE, Action.DANCE, Light.DUSK, Weather.RAIN),
    ],
)
def test_quiet_dark_and_lively_shots_pass(
    framing: Framing, action: Action, light: Light, weather: Weather
) -> None:
    """A still close-up, a sleeper at night and a dance in the rain pass every gate."""
    rng = np.random.default_rng(4)
    scene = SceneSpec(
        place=random_place(PlaceKind.BEDROOM, rng),
        light=light,
        weather=weather,
        performers=(Performer(name="A", look=random_look(rng), action=action),),
        camera=Camera(framing=framing),
        num_frames=48,
        fps=24,
    )
    nothing = Digest("sha256:" + "0" * 64)
    recipe = Recipe(
        engine=EngineFingerprint(name="previz", weights="none", config=nothing, recipe_version=1),
        caption="",
        seed=0,
        width=180,
        height=320,
        num_frames=48,
        fps="24",
    )
    measures = measure(draw_scene(scene, 180, 320))
    verdict = judge(recipe, measures, anchor=measures)
    assert verdict.is_passed, verdict.reasons
