"""What is known about a frame, without anybody having looked at it?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onestory.storyworld.kinds import Action, Emotion, Light, Part, PropKind, Weather
from onestory.storyworld.look import Look, Place
from onestory.storyworld.pen import PARTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A half-open box of pixels: `left <= x < right`, `top <= y < bottom`."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """Pixels inside."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameTruth:
    """
    What one frame shows.

    H and W are the height and width of the frame.
    """

    labels_HW: npt.NDArray[np.uint8]
    """Which instance each pixel shows: 0 is the place, i + 1 is `names[i]`."""
    parts_HW: npt.NDArray[np.uint8]
    """Which part each pixel shows: 0 is none, i + 1 is `part_names[i]`."""
    names: tuple[str, ...]
    """Performers in the order of the scene, then loose props."""
    part_names: tuple[Part, ...]
    boxes: Mapping[str, Box]
    """The box round every instance that is seen at all."""
    looks: Mapping[str, Look]
    actions: Mapping[str, Action]
    emotions: Mapping[str, Emotion]
    props: Mapping[str, PropKind]
    """What is in whose hand now; loose props map to themselves."""
    place: Place
    light: Light
    weather: Weather

    def mask(self, name: str) -> npt.NDArray[np.bool_]:
        """Find the pixels of one instance."""
        mask_HW: npt.NDArray[np.bool_] = self.labels_HW == self.names.index(name) + 1
        return mask_HW

    def part_mask(self, name: str, part: Part) -> npt.NDArray[np.bool_]:
        """Find the pixels of one part of one instance."""
        of_part_HW: npt.NDArray[np.bool_] = self.parts_HW == self.part_names.index(part) + 1
        return self.mask(name) & of_part_HW

    @property
    def attributes(self) -> Mapping[str, Mapping[str, str]]:
        """Say everything in plain words: one row per instance and one for the scene."""
        rows: dict[str, Mapping[str, str]] = {
            "scene": {
                "place": self.place.kind.value,
                "variant": str(self.place.variant),
                "light": self.light.value,
                "weather": self.weather.value,
            }
        }
        for name, look in self.looks.items():
            rows[name] = {
                "action": self.actions[name].value,
                "emotion": self.emotions[name].value,
                "prop": self.props[name].value if name in self.props else "",
                "skin": look.skin,
                "hair style": look.hair_style.value,
                "hair colour": look.hair_colour,
                "top": look.top.value,
                "top colour": look.top_colour,
                "bottom": look.bottom.value,
                "bottom colour": look.bottom_colour,
                "shoes colour": look.shoes_colour,
                "accessories": ", ".join(look.accessories),
                "accessory colour": look.accessory_colour,
                "age": look.age.value,
                "build": look.build.value,
            }
        return rows


def boxes_of(labels_HW: npt.NDArray[np.uint8], names: tuple[str, ...]) -> dict[str, Box]:
    """Find the tight box round every instance that is seen."""
    boxes = {}
    for number, name in enumerate(names, start=1):
        mask_HW = labels_HW == number
        rows = np.flatnonzero(mask_HW.any(axis=1))
        columns = np.flatnonzero(mask_HW.any(axis=0))
        if rows.size:
            boxes[name] = Box(
                left=int(columns[0]),
                top=int(rows[0]),
                right=int(columns[-1]) + 1,
                bottom=int(rows[-1]) + 1,
            )
    return boxes


def part_names() -> tuple[Part, ...]:
    """List the parts in the order of their labels."""
    return PARTS
