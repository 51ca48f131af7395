"""
What does an artist of places get to know? One instance of a place, its light, how far to draw.

    Layer     parallax   holds
    SKY       0.08       sky, sun, clouds
    FAR       0.30       skyline, hills, sea
    BACK      0.80       houses, trees, the back wall with its furniture (windows are holes)
    GROUND    1.00       floor or street: people stand on y = 0
    FRONT     1.30       what is nearer than the people, mostly at the edges
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from onestory.storyworld.chance import chance
from onestory.storyworld.kinds import Light, Weather
from onestory.storyworld.light import Sky
from onestory.storyworld.look import Place
from onestory.storyworld.palette import PALETTE, Rgb
from onestory.storyworld.pen import Pen


class Layer(StrEnum):
    """One depth of a place."""

    SKY = "sky"
    FAR = "far"
    BACK = "back"
    GROUND = "ground"
    FRONT = "front"


PARALLAX: Mapping[Layer, float] = MappingProxyType(
    {Layer.SKY: 0.08, Layer.FAR: 0.3, Layer.BACK: 0.8, Layer.GROUND: 1.0, Layer.FRONT: 1.3}
)
"""How fast each layer passes the camera, people being 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One instance of a place, lit, and the stretch of it that may be seen."""

    place: Place
    light: Light
    weather: Weather
    sky: Sky
    left: float
    right: float
    bottom: float
    top: float

    def chance(self, *names: object) -> np.random.Generator:
        """Make the generator of one decision about this instance."""
        return chance(self.place.variant, self.place.kind, *names)

    def choose(self, name: str, choices: tuple[Rgb, ...]) -> Rgb:
        """Pick one colour for this instance."""
        return choices[int(self.chance(name).integers(len(choices)))]

    def colour(self, slot: int, choices: tuple[Rgb, ...]) -> Rgb:
        """Take the colour the place was given for a slot, or else pick one."""
        if slot < len(self.place.palette):
            return PALETTE[self.place.palette[slot]]
        return self.choose(f"colour-{slot}", choices)

    def flip(self, name: str, odds: float = 0.5) -> bool:
        """Decide one thing about this instance."""
        return bool(self.chance(name).random() < odds)

    def number(self, name: str, low: float, high: float) -> float:
        """Draw one number about this instance."""
        return float(self.chance(name).uniform(low, high))

    def along(self, step: float, margin: float = 0.0) -> list[tuple[int, float]]:
        """List numbered positions every `step` metres over the visible stretch."""
        first = int((self.left - margin) // step)
        last = int((self.right + margin) // step) + 1
        return [(i, i * step) for i in range(first, last + 1)]

    @property
    def lamps_on(self) -> bool:
        """Whether lamps and windows are lit."""
        return self.light in (Light.NIGHT, Light.DUSK)


Artist = Callable[[Pen, Stage], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlaceArt:
    """How one kind of place is painted, and what people can do in it."""

    layers: Mapping[Layer, Artist]
    indoor: bool = True
    roam: float = 1.9
    """How far from the middle people can walk, in metres."""
    seated: bool = False
    """Whether everybody sits, as in a car."""
    ground: str = "floor"
    """What people stand on: decides the shadow's softness only."""
