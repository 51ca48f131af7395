"""Scenes that the tests of the cartoon world share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from onestory.storyworld.scene import (
    Action,
    BottomKind,
    Camera,
    Framing,
    HairStyle,
    Look,
    Performer,
    Place,
    PlaceKind,
    SceneSpec,
    TopKind,
)

MIRA = Look(
    skin="fair",
    hair_style=HairStyle.BOB,
    hair_colour="auburn",
    top=TopKind.T_SHIRT,
    top_colour="teal",
    bottom=BottomKind.TROUSERS,
    bottom_colour="navy",
    height=1.66,
    feminine=True,
)
TOM = Look(skin="bronze", hair_colour="raven", top=TopKind.SHIRT, top_colour="red", height=1.8)
PIA = replace(MIRA, hair_style=HairStyle.PONYTAIL, top_colour="yellow", height=1.72)

SceneMaker = Callable[..., SceneSpec]


@pytest.fixture(name="scene")
def _scene() -> SceneMaker:
    """Make a small scene with as many of Mira, Tom and Pia as are asked for."""

    def make(
        *,
        people: int = 1,
        action: Action = Action.IDLE,
        framing: Framing = Framing.FULL,
        kind: PlaceKind = PlaceKind.LIVING_ROOM,
        **fields: Any,  # whatever else a SceneSpec takes
    ) -> SceneSpec:
        looks = {"mira": MIRA, "tom": TOM, "pia": PIA}
        performers = tuple(
            Performer(
                name=name,
                look=look,
                action=action if i == 0 else Action.IDLE,
                target="tom" if i == 0 and people > 1 else None,
            )
            for i, (name, look) in enumerate(list(looks.items())[:people])
        )
        defaults = {"num_frames": 33, "fps": 12, "seed": 5}
        return SceneSpec(
            place=Place(kind=kind, variant=2),
            performers=performers,
            camera=fields.pop("camera", Camera(framing=framing)),
            **{**defaults, **fields},
        )

    return make
