"""
What can be read off a picture, and when does an answer count as right?

    Look ──── person_classes ─┐                      ┌─ accepted: the truth, and for colours the
              one class an    ├─ index into .classes ┤  families that a person could not tell
    Place ─── scene_classes ──┘  attribute           └─ from it

Colours are recognised as palette names and judged as families. Where two colours of different
families are nearer than `NEAR` in CIELAB, either family is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from onestory.storyworld.kinds import (
    Accessory,
    Age,
    BottomKind,
    HairStyle,
    Light,
    Part,
    PlaceKind,
    TopKind,
    Weather,
)
from onestory.storyworld.look import Look, Place
from onestory.storyworld.palette import PALETTE, SKIN_COLOURS
from onestory.storyworld.stories import PLACE_SLOTS

NEAR = 16.0
"""Distance in CIELAB (CIE76) under which two colours may be mistaken for each other."""

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "white": ("white", "cream", "platinum", "porcelain"),
    "grey": ("grey", "silver"),
    "black": ("black", "charcoal", "raven"),
    "beige": ("beige", "tan", "khaki", "fair", "peach", "olive skin"),
    "brown": (
        *("brown", "chocolate", "chestnut", "dark brown", "auburn"),
        *("bronze", "umber", "sepia", "ebony"),
    ),
    "red": ("red", "burgundy", "coral"),
    "pink": ("pink", "magenta"),
    "orange": ("orange", "rust", "ginger"),
    "yellow": ("yellow", "gold", "mustard", "blond"),
    "green": ("green", "lime", "olive", "forest green", "mint", "teal", "turquoise"),
    "blue": ("sky blue", "blue", "denim", "navy"),
    "purple": ("lavender", "purple", "plum"),
}
"""Palette names by the word that most people would use."""

SKINS: Mapping[str, tuple[str, ...]] = {
    "light": ("porcelain", "fair", "peach"),
    "medium": ("olive skin", "bronze"),
    "dark": ("umber", "sepia", "ebony"),
}

COLOURS = tuple(name for name in PALETTE if name not in SKIN_COLOURS)
"""What cloth, hair and places may be coloured with."""

_WORN: Mapping[str, tuple[Accessory, ...]] = {
    "eyewear": (Accessory.GLASSES, Accessory.SUNGLASSES),
    "headwear": (Accessory.HAT, Accessory.CAP, Accessory.BEANIE, Accessory.HEADPHONES),
    "neckwear": (Accessory.SCARF, Accessory.NECKLACE, Accessory.TIE),
    "bag": (Accessory.SHOULDER_BAG, Accessory.BACKPACK),
    "facial hair": (Accessory.BEARD, Accessory.MOUSTACHE),
}
"""Accessories of which a person wears at most one."""

NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """Something that can be read off a person or a scene."""

    name: str
    """As `FrameTruth.attributes` calls it, or an accessory group, or "wall" …"""
    classes: tuple[str, ...]
    """What the encoders tell apart."""
    groups: Mapping[str, tuple[str, ...]] | None = None
    """Classes that count as one answer; None if each is its own."""
    parts: tuple[Part, ...] = ()
    """Of a person: where it is seen."""
    cells: int = 0
    """How many cells of 4 x 4 pixels must show these parts for the answer to count."""
    told_by: str = ""
    """What of `named` says that a caption names it; empty for its own name."""

    @property
    def answers(self) -> tuple[str, ...]:
        """What it can be read as."""
        return self.classes if self.groups is None else tuple(self.groups)

    def answer_of(self, value: str) -> str:
        """Say as what a true value should be read."""
        if self.groups is None:
            return value
        return next(answer for answer, names in self.groups.items() if value in names)

    def accepted(self, value: str) -> frozenset[str]:
        """Say every answer that is right for a true value."""
        if self.groups is None:
            return frozenset({value})
        near = {
            answer
            for answer, names in self.groups.items()
            if any(name in self.classes and distance(name, value) < NEAR for name in names)
        }
        return frozenset({self.answer_of(value), *near})

    @property
    def told(self) -> str:
        """What of `named` says that a caption names it."""
        return self.told_by or self.name


def _coloured(name: str, *, parts: tuple[Part, ...] = (), cells: int = 0) -> Attribute:
    return Attribute(name=name, classes=COLOURS, groups=FAMILIES, parts=parts, cells=cells)


def _worn(name: str, parts: tuple[Part, ...], cells: int) -> Attribute:
    return Attribute(
        name=name,
        classes=(NOTHING, *(kind.value for kind in _WORN[name])),
        parts=parts,
        cells=cells,
        told_by="accessories",
    )


_HEAD = (Part.HAIR, Part.FACE)

PERSON: tuple[Attribute, ...] = (
    Attribute(
        name="skin", classes=SKIN_COLOURS, groups=SKINS, parts=(Part.FACE, Part.SKIN), cells=24
    ),
    Attribute(
        name="hair style", classes=tuple(kind.value for kind in HairStyle), parts=_HEAD, cells=40
    ),
    _coloured("hair colour", parts=(Part.HAIR,), cells=60),
    Attribute(
        name="top", classes=tuple(kind.value for kind in TopKind), parts=(Part.TOP,), cells=60
    ),
    _coloured("top colour", parts=(Part.TOP,), cells=160),
    Attribute(
        name="bottom",
        classes=tuple(kind.value for kind in BottomKind),
        parts=(Part.BOTTOM,),
        cells=40,
    ),
    _coloured("bottom colour", parts=(Part.BOTTOM,), cells=60),
    _worn("eyewear", _HEAD, 60),
    _worn("headwear", _HEAD, 40),
    _worn("neckwear", _HEAD, 60),
    _worn("bag", (Part.TOP,), 60),
    _worn("facial hair", _HEAD, 60),
    Attribute(name="age", classes=tuple(kind.value for kind in Age), parts=_HEAD, cells=40),
    Attribute(name="gender", classes=("masculine", "feminine"), parts=_HEAD, cells=40),
)
"""What is read off a person."""

SCENE: tuple[Attribute, ...] = (
    Attribute(name="place", classes=tuple(kind.value for kind in PlaceKind)),
    Attribute(name="light", classes=tuple(kind.value for kind in Light)),
    Attribute(name="weather", classes=tuple(kind.value for kind in Weather)),
    *(_coloured(slot, cells=240) for slot in PLACE_SLOTS),
)
"""What is read off a scene."""


SURE = frozenset(
    {
        *("skin", "hair colour", "top colour", "bottom colour"),
        *("eyewear", "neckwear", "facial hair", "furniture"),
    }
)
"""What the shipped encoders read right in 98 % and more of real shots (32 held-out stories).

The others say less: compare them with what is read off real shots, never with 1.
"""


def person_values(look: Look) -> dict[str, str | None]:
    """Say the true value of everything in `PERSON`; None where there is none."""
    worn = {
        name: next((kind.value for kind in kinds if kind in look.accessories), NOTHING)
        for name, kinds in _WORN.items()
    }
    bald, dress = look.hair_style is HairStyle.BALD, look.top is TopKind.DRESS
    return {
        "skin": look.skin,
        "hair style": look.hair_style.value,
        "hair colour": None if bald else look.hair_colour,
        "top": look.top.value,
        "top colour": look.top_colour,
        "bottom": None if dress else look.bottom.value,
        "bottom colour": None if dress else look.bottom_colour,
        "age": look.age.value,
        "gender": "feminine" if look.feminine else "masculine",
        **worn,
    }


def scene_values(place: Place, light: Light, weather: Weather) -> dict[str, str | None]:
    """Say the true value of everything in `SCENE`; None for a colour that is left to chance."""
    slots: dict[str, str | None] = dict.fromkeys(PLACE_SLOTS)
    slots.update(zip(PLACE_SLOTS, place.palette, strict=False))
    return {"place": place.kind.value, "light": light.value, "weather": weather.value, **slots}


def indices(attributes: tuple[Attribute, ...], values: Mapping[str, str | None]) -> tuple[int, ...]:
    """Number the true values; -1 where there is none."""
    found = []
    for attribute in attributes:
        value = values[attribute.name]
        found.append(-1 if value is None else attribute.classes.index(value))
    return tuple(found)


@cache
def lab_of(name: str) -> tuple[float, float, float]:
    """Find the CIELAB (D65) of a palette colour: L* in [0, 100], a* and b* about [-128, 127]."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in PALETTE[name])
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    fx, fy, fz = (
        value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(one: str, other: str) -> float:
    """Say how far two palette colours are from each other: CIE76."""
    pairs = zip(lab_of(one), lab_of(other), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)
