"""What makes one person or one place different from another of its kind?"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from onestory.storyworld.kinds import (
    Accessory,
    Age,
    BottomKind,
    Build,
    HairStyle,
    PlaceKind,
    TopKind,
)
from onestory.storyworld.palette import CLOTH_COLOURS, HAIR_COLOURS, PALETTE, SKIN_COLOURS

T = TypeVar("T")

MIN_HEIGHT, MAX_HEIGHT = 0.6, 2.3
"""The shortest and tallest person, in metres."""

_HARMONIES = (
    ("teal", "navy", "mustard"),
    ("coral", "denim", "cream"),
    ("mustard", "charcoal", "burgundy"),
    ("burgundy", "black", "gold"),
    ("navy", "khaki", "red"),
    ("white", "denim", "tan"),
    ("sky blue", "navy", "coral"),
    ("olive", "brown", "orange"),
    ("forest green", "beige", "gold"),
    ("red", "black", "white"),
    ("lavender", "charcoal", "plum"),
    ("pink", "white", "red"),
    ("mint", "denim", "yellow"),
    ("orange", "navy", "cream"),
    ("yellow", "blue", "red"),
    ("cream", "chocolate", "rust"),
    ("plum", "grey", "gold"),
    ("charcoal", "black", "teal"),
    ("blue", "beige", "navy"),
    ("magenta", "black", "silver"),
    ("turquoise", "white", "coral"),
    ("rust", "olive", "mustard"),
    ("green", "brown", "yellow"),
    ("grey", "navy", "red"),
)
"""Top, bottom and accessory colours that go together."""


def check_colour(role: str, name: str) -> None:
    """
    Refuse a colour that the palette does not hold.

    Raises:
        ValueError: If `name` is not in `PALETTE`.
    """
    if name not in PALETTE:
        raise ValueError(f"{role} must be one of the {len(PALETTE)} palette names, got {name!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a person looks: what must stay the same from shot to shot."""

    skin: str = "fair"
    """Palette name of the skin tone."""
    hair_style: HairStyle = HairStyle.SHORT
    hair_colour: str = "dark brown"
    top: TopKind = TopKind.T_SHIRT
    top_colour: str = "teal"
    bottom: BottomKind = BottomKind.TROUSERS
    bottom_colour: str = "navy"
    shoes_colour: str = "charcoal"
    accessories: tuple[Accessory, ...] = ()
    accessory_colour: str = "mustard"
    """One colour for all accessories but beard and moustache, which follow the hair."""
    age: Age = Age.ADULT
    build: Build = Build.AVERAGE
    height: float = 1.72
    """Crown above sole, in metres."""
    feminine: bool = False
    """Whether the silhouette and the face are drawn as a woman's or girl's."""

    def __post_init__(self) -> None:
        if not MIN_HEIGHT <= self.height <= MAX_HEIGHT:
            raise ValueError(
                f"height must be between {MIN_HEIGHT} and {MAX_HEIGHT} metres, got {self.height}"
            )
        check_colour("skin", self.skin)
        check_colour("hair_colour", self.hair_colour)
        check_colour("top_colour", self.top_colour)
        check_colour("bottom_colour", self.bottom_colour)
        check_colour("shoes_colour", self.shoes_colour)
        check_colour("accessory_colour", self.accessory_colour)
        if len(set(self.accessories)) != len(self.accessories):
            raise ValueError(
                f"accessories must differ, got {len(self.accessories)} of which "
                f"{len(set(self.accessories))} differ"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """One instance of a kind of place: the same variant looks the same in every shot."""

    kind: PlaceKind
    variant: int = 0
    """Seed of the instance: furniture, decoration, and colours unless given. Not negative."""
    palette: tuple[str, ...] = ()
    """Palette names for wall (or ground), accent and furniture, in this order; rest by variant."""

    def __post_init__(self) -> None:
        if self.variant < 0:
            raise ValueError(f"variant must not be negative, got {self.variant}")
        if len(self.palette) > 3:
            raise ValueError(f"palette must name at most 3 colours, got {len(self.palette)}")
        for name in self.palette:
            check_colour("palette", name)


def _pick(rng: np.random.Generator, choices: tuple[T, ...]) -> T:
    return choices[int(rng.integers(len(choices)))]


def random_look(
    rng: np.random.Generator, *, age: Age | None = None, feminine: bool | None = None
) -> Look:
    """
    Invent a person whose colours go together.

    Args:
        rng: Where the choices come from.
        age: The age, if it must not be left to chance.
        feminine: The silhouette, if it must not be left to chance.
    """
    drawn_age = _pick(rng, (Age.ADULT,) * 6 + (Age.TEEN, Age.ELDER, Age.ELDER, Age.CHILD))
    age = drawn_age if age is None else age
    drawn_feminine = bool(rng.random() < 0.5)
    feminine = drawn_feminine if feminine is None else feminine
    top_colour, bottom_colour, accessory_colour = _pick(rng, _HARMONIES)
    if rng.random() < 0.3:
        top_colour = _pick(rng, CLOTH_COLOURS)
    return Look(
        skin=_pick(rng, SKIN_COLOURS),
        hair_style=_random_hair(rng, age, feminine),
        hair_colour=_random_hair_colour(rng, age),
        top=_random_top(rng, age, feminine),
        top_colour=top_colour,
        bottom=_random_bottom(rng, age, feminine),
        bottom_colour=bottom_colour,
        shoes_colour=_pick(rng, ("charcoal", "brown", "white", "black", "burgundy", "navy")),
        accessories=_random_accessories(rng, age, feminine),
        accessory_colour=accessory_colour,
        age=age,
        build=_pick(rng, (Build.SLIM, Build.AVERAGE, Build.AVERAGE, Build.BROAD, Build.HEAVY)),
        height=_random_height(rng, age, feminine),
        feminine=feminine,
    )


def random_place(kind: PlaceKind, rng: np.random.Generator) -> Place:
    """Invent an instance of a kind of place."""
    return Place(kind=kind, variant=int(rng.integers(1 << 16)))


def _random_height(rng: np.random.Generator, age: Age, feminine: bool) -> float:
    low, high = {
        Age.CHILD: (1.08, 1.32),
        Age.TEEN: (1.5, 1.68),
        Age.ADULT: (1.66, 1.86),
        Age.ELDER: (1.6, 1.76),
    }[age]
    drop = 0.1 if feminine and age in (Age.ADULT, Age.ELDER) else 0.0
    return round(float(rng.uniform(low, high)) - drop, 2)


def _random_hair(rng: np.random.Generator, age: Age, feminine: bool) -> HairStyle:
    style = HairStyle
    if feminine:
        women = (style.BOB, style.LONG, style.WAVY, style.PONYTAIL, style.BUN, style.CURLY)
        return _pick(rng, (*women, style.AFRO, style.BRAIDS, style.SHORT))
    men: tuple[HairStyle, ...] = (style.SHORT, style.SIDE_PART, style.BUZZ, style.CURLY)
    if age in (Age.CHILD, Age.TEEN):
        return _pick(rng, (*men, style.SPIKY, style.AFRO))
    return _pick(rng, (*men, style.SPIKY, style.AFRO, style.BALD, style.BUN))


def _random_hair_colour(rng: np.random.Generator, age: Age) -> str:
    if age is Age.ELDER:
        return _pick(rng, ("grey", "white", "grey"))
    if rng.random() < 0.06:
        return _pick(rng, ("pink", "teal", "purple", "blue"))
    return _pick(rng, HAIR_COLOURS[:8])


def _random_top(rng: np.random.Generator, age: Age, feminine: bool) -> TopKind:
    top = TopKind
    young = (top.T_SHIRT, top.HOODIE, top.SWEATER, top.JACKET)
    if age in (Age.CHILD, Age.TEEN):
        return _pick(rng, (*young, top.DRESS) if feminine else young)
    grown = (*young, top.SHIRT, top.COAT, top.SUIT, top.UNIFORM, top.APRON)
    return _pick(rng, (*grown, top.DRESS, top.DRESS, top.TANK_TOP) if feminine else grown)


def _random_bottom(rng: np.random.Generator, age: Age, feminine: bool) -> BottomKind:
    bottom = BottomKind
    if feminine:
        return _pick(rng, (bottom.JEANS, bottom.TROUSERS, bottom.SKIRT, bottom.LONG_SKIRT))
    if age is Age.CHILD:
        return _pick(rng, (bottom.JEANS, bottom.SHORTS))
    return _pick(rng, (bottom.JEANS, bottom.TROUSERS, bottom.TROUSERS))


def _random_accessories(
    rng: np.random.Generator, age: Age, feminine: bool
) -> tuple[Accessory, ...]:
    groups: list[tuple[Accessory, ...]] = [
        (Accessory.GLASSES, Accessory.SUNGLASSES, Accessory.GLASSES),
        (Accessory.HAT, Accessory.CAP, Accessory.BEANIE, Accessory.HEADPHONES),
        (Accessory.SCARF, Accessory.NECKLACE if feminine else Accessory.TIE),
        (Accessory.SHOULDER_BAG, Accessory.BACKPACK),
    ]
    if feminine:
        groups.append((Accessory.EARRINGS, Accessory.FLOWER_CLIP))
    elif age in (Age.ADULT, Age.ELDER):
        groups.append((Accessory.BEARD, Accessory.MOUSTACHE))
    return tuple(_pick(rng, group) for group in groups if rng.random() < 0.28)
