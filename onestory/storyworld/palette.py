"""Which colours exist? Every name the world may speak of, and how a colour is shaded."""

from collections.abc import Mapping
from types import MappingProxyType

Rgb = tuple[int, int, int]
"""A colour, sRGB, uint8 range."""

PALETTE: Mapping[str, Rgb] = MappingProxyType(
    {
        "white": (244, 241, 234),
        "cream": (243, 229, 200),
        "beige": (217, 196, 164),
        "grey": (146, 150, 156),
        "silver": (190, 197, 204),
        "charcoal": (70, 74, 84),
        "black": (38, 38, 46),
        "red": (212, 64, 58),
        "burgundy": (128, 38, 56),
        "coral": (240, 122, 100),
        "pink": (240, 158, 178),
        "magenta": (198, 62, 130),
        "orange": (238, 138, 52),
        "rust": (180, 84, 48),
        "gold": (222, 176, 72),
        "mustard": (214, 164, 48),
        "yellow": (248, 210, 82),
        "lime": (164, 198, 74),
        "green": (76, 154, 92),
        "olive": (124, 128, 66),
        "forest green": (42, 92, 70),
        "mint": (160, 216, 190),
        "teal": (38, 138, 140),
        "turquoise": (74, 188, 190),
        "sky blue": (128, 190, 232),
        "blue": (62, 114, 200),
        "denim": (82, 110, 156),
        "navy": (40, 54, 98),
        "lavender": (180, 164, 216),
        "purple": (122, 78, 160),
        "plum": (96, 50, 92),
        "brown": (122, 80, 54),
        "chocolate": (80, 52, 40),
        "tan": (196, 152, 106),
        "khaki": (178, 164, 118),
        "auburn": (146, 66, 40),
        "ginger": (214, 112, 48),
        "blond": (232, 196, 112),
        "platinum": (240, 226, 190),
        "chestnut": (104, 60, 40),
        "dark brown": (66, 44, 36),
        "raven": (34, 30, 38),
        "porcelain": (252, 224, 204),
        "fair": (246, 206, 176),
        "peach": (238, 188, 150),
        "olive skin": (216, 166, 122),
        "bronze": (190, 132, 90),
        "umber": (148, 96, 66),
        "ebony": (104, 66, 48),
        "sepia": (124, 82, 58),
    }
)

SKIN_COLOURS = ("porcelain", "fair", "peach", "olive skin", "bronze", "umber", "sepia", "ebony")
"""Names of the skin tones, from light to dark."""

HAIR_COLOURS = (
    "raven",
    "dark brown",
    "chestnut",
    "brown",
    "auburn",
    "ginger",
    "blond",
    "platinum",
    "grey",
    "white",
)
"""Names of the natural hair colours; any other palette colour is dye."""

CLOTH_COLOURS = tuple(
    name
    for name in PALETTE
    if name
    not in {
        *SKIN_COLOURS,
        "auburn",
        "ginger",
        "blond",
        "platinum",
        "chestnut",
        "dark brown",
        "raven",
        "silver",
    }
)
"""Names of the colours that cloth is dyed in."""


def mix(first: Rgb, second: Rgb, amount: float) -> Rgb:
    """Blend two colours; 0 is all `first`, 1 is all `second`."""
    return (
        round(first[0] + (second[0] - first[0]) * amount),
        round(first[1] + (second[1] - first[1]) * amount),
        round(first[2] + (second[2] - first[2]) * amount),
    )


def darker(colour: Rgb, amount: float = 0.16) -> Rgb:
    """Shade a colour towards a cool dark, as flat artwork does, never towards plain black."""
    return mix(colour, (34, 26, 62), amount)


def lighter(colour: Rgb, amount: float = 0.16) -> Rgb:
    """Tint a colour towards a warm white."""
    return mix(colour, (255, 250, 238), amount)


def luma(colour: Rgb) -> float:
    """Say how bright a colour looks, in [0, 255]."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
