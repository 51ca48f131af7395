"""
What do things look like? Each is drawn standing on y = 0, in metres, a little larger than life,
because a key of true size is not seen on a telephone.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from onestory.storyworld.kinds import Part, PropKind
from onestory.storyworld.palette import Rgb, darker, lighter
from onestory.storyworld.pen import Pen, Point, limb, quad_curve

PAPER: Rgb = (250, 246, 232)
INK: Rgb = (74, 72, 92)
STEEL: Rgb = (176, 184, 196)
BRASS: Rgb = (224, 178, 74)
DARK: Rgb = (46, 46, 58)

TABLE_HEIGHT = 0.74
"""Where things stand when nobody holds them, in metres."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prop:
    """How one kind of thing is drawn, how large it is, and where a hand holds it."""

    draw: Callable[[Pen], None]
    width: float
    height: float
    grip: Point
    """Where the hand is, in the thing's own frame."""


def draw_prop(pen: Pen, kind: PropKind, x: float, y: float, scale: float = 1.0) -> None:
    """Draw a thing standing at (x, y)."""
    pen.part(Part.PROP)
    with pen.placed(x, y, sx=scale, sy=scale):
        PROPS[kind].draw(pen)


def draw_held(pen: Pen, kind: PropKind, hand: Point, angle: float, holder_height: float) -> None:
    """Draw a thing in a hand; children hold things that look larger on them, as they are."""
    prop = PROPS[kind]
    pen.part(Part.PROP)
    with pen.placed(*hand, angle=angle), pen.placed(-prop.grip[0], -prop.grip[1]):
        prop.draw(pen)


def _letter(pen: Pen) -> None:
    pen.rect(-0.085, 0, 0.17, 0.23, PAPER, radius=0.006)
    for i in range(6):
        pen.rect(
            -0.065,
            0.185 - 0.028 * i,
            0.13 - 0.05 * (i == 5) - 0.06 * (i == 0),
            0.009,
            INK,
            alpha=0.75,
        )
    pen.poly([(0.085, 0.23), (0.045, 0.23), (0.085, 0.19)], darker(PAPER, 0.16))


def _envelope(pen: Pen) -> None:
    pen.rect(-0.12, 0, 0.24, 0.16, (244, 232, 206), radius=0.008)
    pen.line([(-0.115, 0.152), (0, 0.07), (0.115, 0.152)], 0.008, (196, 172, 132))
    pen.circle(0, 0.075, 0.026, (204, 62, 60))
    pen.circle(0, 0.075, 0.013, (166, 40, 46))


def _phone(pen: Pen) -> None:
    pen.rect(-0.042, 0, 0.084, 0.165, DARK, radius=0.014)
    pen.rect(-0.035, 0.014, 0.07, 0.136, (120, 190, 232), radius=0.006)
    pen.rect(-0.026, 0.1, 0.04, 0.012, (250, 250, 250), radius=0.005)
    pen.rect(-0.012, 0.07, 0.04, 0.012, (250, 250, 250), radius=0.005)


def _cup(pen: Pen) -> None:
    pen.stroke(quad_curve((0.05, 0.09), (0.105, 0.06), (0.045, 0.03)), 0.016, (232, 112, 84))
    pen.poly([(-0.058, 0.12), (0.058, 0.12), (0.045, 0), (-0.045, 0)], (232, 112, 84))
    pen.ellipse(0, 0.12, 0.058, 0.015, (96, 60, 46))
    pen.poly([(-0.055, 0.085), (0.055, 0.085), (0.051, 0.055), (-0.051, 0.055)], (250, 240, 222))


def _glass(pen: Pen) -> None:
    pen.poly([(-0.05, 0.15), (0.05, 0.15), (0.038, 0), (-0.038, 0)], (206, 232, 240), 0.75)
    pen.poly([(-0.046, 0.1), (0.046, 0.1), (0.037, 0.008), (-0.037, 0.008)], (236, 168, 62))
    pen.line([(-0.032, 0.135), (-0.025, 0.03)], 0.008, (255, 255, 255), 0.7)


def _bottle(pen: Pen) -> None:
    green: Rgb = (52, 122, 84)
    pen.rect(-0.018, 0.17, 0.036, 0.11, green, radius=0.008)
    pen.rect(-0.045, 0, 0.09, 0.19, green, radius=0.025)
    pen.rect(-0.045, 0.05, 0.09, 0.08, (246, 236, 208))
    pen.rect(-0.02, 0.26, 0.04, 0.03, (200, 66, 58), radius=0.006)
    pen.line([(-0.028, 0.16), (-0.028, 0.03)], 0.008, (200, 240, 214), 0.6)


def _book(pen: Pen) -> None:
    pen.poly([(0, 0.02), (-0.17, 0), (-0.17, 0.19), (0, 0.21)], (176, 54, 58))
    pen.poly([(0, 0.02), (0.17, 0), (0.17, 0.19), (0, 0.21)], (150, 44, 52))
    pen.poly([(0, 0.034), (-0.155, 0.016), (-0.155, 0.2), (0, 0.222)], PAPER)
    pen.poly([(0, 0.034), (0.155, 0.016), (0.155, 0.2), (0, 0.222)], darker(PAPER, 0.07))
    for i in range(5):
        y = 0.175 - 0.028 * i
        pen.line([(-0.135, y), (-0.025, y + 0.013)], 0.007, INK, 0.55)
        pen.line([(0.135, y), (0.025, y + 0.013)], 0.007, INK, 0.55)


def _notebook(pen: Pen) -> None:
    pen.rect(-0.09, 0, 0.18, 0.22, (58, 96, 156), radius=0.01)
    pen.rect(-0.075, 0.01, 0.158, 0.2, PAPER, radius=0.006)
    for i in range(5):
        pen.rect(-0.05, 0.17 - 0.03 * i, 0.11, 0.006, (140, 170, 210))
    for i in range(6):
        pen.circle(-0.08, 0.03 + 0.032 * i, 0.008, STEEL)


def _key(pen: Pen) -> None:
    pen.circle(0, 0.17, 0.045, BRASS)
    pen.circle(0, 0.175, 0.02, darker(BRASS, 0.5))
    pen.rect(-0.011, 0, 0.022, 0.14, BRASS, radius=0.004)
    pen.rect(0.0, 0.008, 0.045, 0.02, BRASS, radius=0.003)
    pen.rect(0.0, 0.042, 0.034, 0.018, BRASS, radius=0.003)


def _bloom(pen: Pen, x: float, y: float, colour: Rgb, size: float) -> None:
    for i in range(5):
        angle = 2 * math.pi * i / 5 + 0.3
        pen.circle(
            x + math.cos(angle) * size * 0.62,
            y + math.sin(angle) * size * 0.62,
            size * 0.52,
            colour,
        )
    pen.circle(x, y, size * 0.4, (250, 214, 96))


def _flower(pen: Pen) -> None:
    pen.stroke(quad_curve((0, 0), (0.02, 0.12), (0, 0.25)), 0.014, (70, 140, 84))
    pen.blob([(0.005, 0.09), (0.06, 0.15), (0.02, 0.15)], (84, 158, 92))
    _bloom(pen, 0, 0.27, (222, 66, 78), 0.062)


def _bouquet(pen: Pen) -> None:
    for x, y in ((-0.1, 0.27), (0.1, 0.27), (0, 0.33)):
        pen.circle(x * 1.25, y, 0.06, (84, 150, 92))
    pen.poly([(-0.03, 0), (0.03, 0), (0.13, 0.22), (-0.13, 0.22)], (250, 240, 222))
    pen.poly([(-0.03, 0), (0.0, 0), (0.02, 0.22), (-0.13, 0.22)], (232, 216, 190))
    pen.rect(-0.05, 0.06, 0.1, 0.03, (214, 84, 108), radius=0.01)
    for x, y, colour in (
        (-0.085, 0.24, (232, 96, 118)),
        (0.085, 0.24, (250, 176, 80)),
        (0, 0.25, (238, 130, 170)),
        (-0.045, 0.32, (250, 222, 130)),
        (0.05, 0.32, (222, 70, 88)),
    ):
        _bloom(pen, x, y, colour, 0.05)


def _umbrella(pen: Pen) -> None:
    pen.line([(0, 0), (0, 0.86)], 0.016, (110, 76, 58))
    red: Rgb = (204, 62, 66)
    pen.blob(
        [
            (-0.56, 0.7),
            (-0.4, 0.92),
            (0, 1.04),
            (0.4, 0.92),
            (0.56, 0.7),
            (0.28, 0.76),
            (0, 0.7),
            (-0.28, 0.76),
        ],
        red,
        tension=0.42,
    )
    pen.blob(
        [(-0.1, 0.73), (-0.08, 0.95), (0, 1.03), (0.08, 0.95), (0.1, 0.73)],
        lighter(red, 0.16),
        tension=0.3,
    )
    pen.line([(0, 1.02), (0, 1.07)], 0.014, (110, 76, 58))


def _bag(pen: Pen) -> None:
    brown: Rgb = (150, 92, 60)
    pen.stroke(quad_curve((-0.07, 0.2), (0, 0.42), (0.07, 0.2)), 0.018, darker(brown, 0.3))
    pen.poly([(-0.14, 0.22), (0.14, 0.22), (0.17, 0), (-0.17, 0)], brown)
    pen.rect(-0.15, 0.15, 0.3, 0.05, darker(brown, 0.2), radius=0.01)
    pen.rect(-0.02, 0.15, 0.04, 0.045, BRASS, radius=0.006)


def _box(pen: Pen) -> None:
    card: Rgb = (202, 156, 104)
    pen.rect(-0.2, 0, 0.4, 0.28, card, radius=0.006)
    pen.rect(-0.2, 0.22, 0.4, 0.06, lighter(card, 0.16), radius=0.006)
    pen.rect(-0.035, 0.0, 0.07, 0.28, (232, 202, 150))
    pen.poly([(0.08, 0.06), (0.16, 0.06), (0.12, 0.13)], darker(card, 0.28))


def _gift(pen: Pen) -> None:
    wrap, ribbon = (86, 150, 196), (250, 222, 120)
    pen.rect(-0.14, 0, 0.28, 0.21, wrap, radius=0.006)
    pen.rect(-0.15, 0.17, 0.3, 0.06, lighter(wrap, 0.2), radius=0.006)
    pen.rect(-0.024, 0, 0.048, 0.23, ribbon)
    pen.blob([(0, 0.23), (-0.09, 0.31), (-0.1, 0.24)], ribbon)
    pen.blob([(0, 0.23), (0.09, 0.31), (0.1, 0.24)], ribbon)
    pen.circle(0, 0.24, 0.022, darker(ribbon, 0.2))


def _suitcase(pen: Pen) -> None:
    teal: Rgb = (48, 120, 128)
    pen.line([(-0.07, 0.42), (-0.07, 0.54), (0.07, 0.54), (0.07, 0.42)], 0.018, DARK)
    pen.rect(-0.19, 0.03, 0.38, 0.42, teal, radius=0.03)
    for x in (-0.1, 0.0, 0.1):
        pen.rect(x - 0.008, 0.06, 0.016, 0.36, darker(teal, 0.2), radius=0.006)
    pen.circle(-0.14, 0.025, 0.025, DARK)
    pen.circle(0.14, 0.025, 0.025, DARK)


def _photo(pen: Pen) -> None:
    pen.rect(-0.09, 0, 0.18, 0.2, (252, 250, 244), radius=0.004)
    pen.rect(-0.075, 0.045, 0.15, 0.14, (142, 196, 222))
    pen.rect(-0.075, 0.045, 0.15, 0.045, (122, 168, 96))
    for x, shirt in ((-0.028, (214, 90, 84)), (0.028, (64, 92, 150))):
        pen.circle(x, 0.125, 0.022, (240, 196, 164))
        pen.rect(x - 0.026, 0.06, 0.052, 0.044, shirt, radius=0.014)


def _ring(pen: Pen) -> None:
    pen.rect(-0.06, 0, 0.12, 0.055, (120, 36, 58), radius=0.012)
    pen.rect(-0.05, 0.045, 0.1, 0.016, (60, 20, 40))
    pen.stroke(limb([(0, 0.085, 0.034)]), 0.014, BRASS)
    pen.poly([(-0.03, 0.135), (0.03, 0.135), (0, 0.1)], (196, 236, 250))
    pen.poly([(-0.03, 0.135), (0.03, 0.135), (0.018, 0.152), (-0.018, 0.152)], (236, 250, 255))


def _knife(pen: Pen) -> None:
    pen.rect(-0.015, 0, 0.03, 0.11, (96, 62, 46), radius=0.01)
    pen.poly([(-0.015, 0.11), (0.02, 0.11), (0.02, 0.24), (-0.006, 0.31), (-0.015, 0.29)], STEEL)
    pen.line([(0.012, 0.12), (0.012, 0.24)], 0.006, (240, 244, 248))


def _gun(pen: Pen) -> None:
    pen.poly([(-0.05, 0), (0.0, 0), (0.02, 0.1), (-0.04, 0.1)], (92, 64, 52))
    pen.rect(-0.055, 0.09, 0.22, 0.05, DARK, radius=0.008)
    pen.stroke(quad_curve((0.015, 0.09), (0.05, 0.03), (0.055, 0.09)), 0.01, DARK)
    pen.rect(-0.055, 0.12, 0.22, 0.012, lighter(DARK, 0.24))


def _laptop(pen: Pen) -> None:
    pen.rect(-0.2, 0.02, 0.4, 0.25, DARK, radius=0.014)
    pen.rect(-0.185, 0.035, 0.37, 0.22, (92, 152, 196), radius=0.004)
    for i in range(4):
        pen.rect(-0.15, 0.2 - 0.04 * i, 0.16 + 0.05 * (i % 2), 0.014, (232, 244, 250), radius=0.006)
    pen.poly([(-0.24, 0), (0.24, 0), (0.21, 0.03), (-0.21, 0.03)], STEEL)


def _lantern(pen: Pen) -> None:
    pen.stroke(quad_curve((-0.06, 0.25), (0, 0.4), (0.06, 0.25)), 0.012, DARK)
    pen.rect(-0.08, 0, 0.16, 0.04, DARK, radius=0.008)
    pen.rect(-0.065, 0.04, 0.13, 0.18, (255, 220, 130))
    pen.poly([(-0.08, 0.22), (0.08, 0.22), (0.04, 0.28), (-0.04, 0.28)], DARK)
    pen.raw(limb([(0, 0.09, 0.03), (0, 0.15, 0.008)]), (255, 244, 200))
    for x in (-0.06, 0.0, 0.06):
        pen.rect(x - 0.005, 0.04, 0.01, 0.18, DARK)
    pen.glow(0, 0.13, 0.42, (255, 190, 90), 0.42)


def _candle(pen: Pen) -> None:
    pen.ellipse(0, 0.012, 0.075, 0.02, BRASS)
    pen.rect(-0.028, 0.01, 0.056, 0.15, (250, 242, 220), radius=0.01)
    pen.raw(limb([(0, 0.185, 0.02), (0, 0.23, 0.004)]), (255, 190, 80))
    pen.raw(limb([(0, 0.182, 0.009), (0, 0.2, 0.003)]), (255, 246, 210))
    pen.glow(0, 0.19, 0.36, (255, 190, 90), 0.4)


def _newspaper(pen: Pen) -> None:
    paper: Rgb = (236, 232, 220)
    pen.rect(-0.22, 0, 0.44, 0.32, paper, radius=0.006)
    pen.rect(-0.006, 0, 0.012, 0.32, darker(paper, 0.16))
    pen.rect(-0.19, 0.26, 0.16, 0.034, INK)
    pen.rect(0.03, 0.2, 0.15, 0.09, (160, 164, 172))
    for i in range(7):
        pen.rect(-0.19, 0.225 - 0.03 * i, 0.16, 0.01, INK, alpha=0.5)
    for i in range(5):
        pen.rect(0.03, 0.165 - 0.03 * i, 0.15, 0.01, INK, alpha=0.5)


def _map(pen: Pen) -> None:
    for i in range(4):
        pen.poly(
            [
                (-0.22 + 0.11 * i, 0.015 * (i % 2)),
                (-0.11 + 0.11 * i, 0.015 * ((i + 1) % 2)),
                (-0.11 + 0.11 * i, 0.28 + 0.015 * ((i + 1) % 2)),
                (-0.22 + 0.11 * i, 0.28 + 0.015 * (i % 2)),
            ],
            (232, 218, 170) if i % 2 else (242, 230, 188),
        )
    pen.stroke(quad_curve((-0.2, 0.06), (0, 0.3), (0.2, 0.12)), 0.012, (96, 156, 196))
    pen.line([(-0.12, 0.2), (-0.02, 0.14), (0.06, 0.18), (0.13, 0.1)], 0.01, (196, 84, 62))
    pen.circle(0.13, 0.1, 0.018, (206, 52, 50))


def _guitar(pen: Pen) -> None:
    wood: Rgb = (206, 130, 62)
    with pen.placed(0, 0.24, angle=-1.05):
        pen.rect(-0.024, 0.1, 0.048, 0.52, (92, 58, 44))
        pen.rect(-0.04, 0.58, 0.08, 0.12, (70, 44, 36), radius=0.014)
        pen.circle(0, -0.1, 0.2, wood)
        pen.circle(0, 0.1, 0.155, wood)
        pen.circle(0, 0.05, 0.06, (62, 38, 34))
        pen.rect(-0.06, -0.19, 0.12, 0.022, (62, 38, 34))
        for i in range(3):
            pen.line(
                [(-0.012 + 0.012 * i, -0.18), (-0.012 + 0.012 * i, 0.6)], 0.004, (244, 230, 200)
            )


def _ball(pen: Pen) -> None:
    pen.circle(0, 0.12, 0.12, (236, 112, 62))
    pen.stroke(quad_curve((-0.11, 0.15), (0, 0.09), (0.11, 0.15)), 0.012, (120, 52, 40))
    pen.stroke(quad_curve((-0.02, 0.005), (0.05, 0.12), (-0.02, 0.235)), 0.012, (120, 52, 40))
    pen.ellipse(-0.04, 0.18, 0.03, 0.02, (255, 190, 150), 0.8)


def _cake(pen: Pen) -> None:
    pen.ellipse(0, 0.015, 0.2, 0.03, (236, 238, 242))
    pen.rect(-0.15, 0.02, 0.3, 0.13, (250, 228, 206), radius=0.015)
    pen.rect(-0.15, 0.07, 0.3, 0.025, (232, 112, 130))
    pen.blob(
        [
            (-0.16, 0.15),
            (0, 0.17),
            (0.16, 0.15),
            (0.15, 0.11),
            (0.1, 0.13),
            (0.05, 0.1),
            (0, 0.13),
            (-0.06, 0.1),
            (-0.12, 0.13),
        ],
        (244, 150, 168),
    )
    for x in (-0.08, 0.0, 0.08):
        pen.rect(x - 0.007, 0.15, 0.014, 0.07, (120, 176, 222))
        pen.raw(limb([(x, 0.232, 0.012), (x, 0.258, 0.003)]), (255, 196, 84))


def _plate(pen: Pen) -> None:
    pen.ellipse(0, 0.03, 0.16, 0.035, (246, 246, 242))
    pen.ellipse(0, 0.036, 0.11, 0.022, (222, 224, 226))
    pen.ellipse(-0.02, 0.06, 0.07, 0.035, (206, 122, 62))
    pen.ellipse(0.05, 0.055, 0.04, 0.024, (112, 168, 84))


def _apple(pen: Pen) -> None:
    pen.circle(-0.025, 0.055, 0.052, (214, 56, 54))
    pen.circle(0.025, 0.055, 0.052, (202, 48, 50))
    pen.line([(0, 0.095), (0.008, 0.13)], 0.01, (96, 62, 44))
    pen.blob([(0.01, 0.11), (0.05, 0.135), (0.04, 0.105)], (100, 164, 84))
    pen.ellipse(-0.04, 0.075, 0.012, 0.018, (255, 200, 190), 0.8)


def _money(pen: Pen) -> None:
    for i in range(3):
        pen.rect(
            -0.11 + 0.012 * i,
            0.012 * i,
            0.2,
            0.095,
            lighter((110, 164, 112), 0.1 * i),
            radius=0.006,
        )
    pen.circle(0.014, 0.072, 0.026, (232, 242, 224))
    pen.rect(-0.025, 0.022, 0.03, 0.1, (246, 240, 220))


def _camera(pen: Pen) -> None:
    pen.rect(-0.05, 0.12, 0.1, 0.045, DARK, radius=0.01)
    pen.rect(-0.12, 0, 0.24, 0.14, DARK, radius=0.02)
    pen.rect(-0.12, 0.035, 0.24, 0.06, (120, 84, 66))
    pen.circle(0, 0.066, 0.056, STEEL)
    pen.circle(0, 0.066, 0.042, (38, 52, 82))
    pen.circle(-0.012, 0.08, 0.012, (190, 220, 246))


def _watch(pen: Pen) -> None:
    pen.rect(-0.025, 0, 0.05, 0.2, (112, 72, 52), radius=0.01)
    pen.circle(0, 0.1, 0.056, BRASS)
    pen.circle(0, 0.1, 0.043, PAPER)
    pen.line([(0, 0.128), (0, 0.1), (0.02, 0.09)], 0.007, DARK)


def _teddy(pen: Pen) -> None:
    fur: Rgb = (186, 128, 78)
    for side in (-1.0, 1.0):
        pen.circle(side * 0.06, 0.29, 0.032, fur)
        pen.ellipse(side * 0.075, 0.03, 0.045, 0.035, fur)
        pen.ellipse(side * 0.1, 0.13, 0.032, 0.05, fur)
    pen.ellipse(0, 0.1, 0.085, 0.1, fur)
    pen.circle(0, 0.235, 0.078, fur)
    pen.ellipse(0, 0.1, 0.05, 0.06, lighter(fur, 0.35))
    pen.ellipse(0, 0.212, 0.036, 0.028, lighter(fur, 0.4))
    pen.circle(0, 0.224, 0.012, DARK)
    for side in (-1.0, 1.0):
        pen.circle(side * 0.03, 0.252, 0.009, DARK)


def _pan(pen: Pen) -> None:
    pen.rect(-0.3, 0.05, 0.2, 0.028, (92, 62, 50), radius=0.012)
    pen.poly([(-0.14, 0.085), (0.14, 0.085), (0.11, 0), (-0.11, 0)], DARK)
    pen.ellipse(0, 0.085, 0.14, 0.02, lighter(DARK, 0.24))
    pen.ellipse(-0.02, 0.09, 0.06, 0.018, (250, 246, 236))
    pen.circle(-0.01, 0.098, 0.02, (250, 190, 62))


def _clock(pen: Pen) -> None:
    pen.circle(0, 0.13, 0.12, (200, 70, 64))
    pen.circle(0, 0.13, 0.096, PAPER)
    pen.line([(0, 0.2), (0, 0.13), (0.05, 0.11)], 0.012, DARK)
    for side in (-1.0, 1.0):
        pen.circle(side * 0.08, 0.25, 0.035, BRASS)
        pen.line([(side * 0.07, 0.03), (side * 0.09, 0.0)], 0.016, DARK)


def _dog(pen: Pen) -> None:
    fur: Rgb = (206, 150, 92)
    dark = darker(fur, 0.3)
    pen.stroke(quad_curve((-0.26, 0.28), (-0.42, 0.36), (-0.36, 0.5)), 0.05, fur)
    for x in (-0.22, -0.14, 0.1, 0.18):
        pen.fill(limb([(x, 0.22, 0.05), (x, 0.03, 0.034)]), fur if x in (-0.22, 0.18) else dark)
    pen.blob(
        [(-0.28, 0.34), (-0.05, 0.38), (0.22, 0.4), (0.26, 0.24), (0.05, 0.19), (-0.26, 0.2)], fur
    )
    pen.circle(0.28, 0.46, 0.11, fur)
    pen.ellipse(0.37, 0.42, 0.075, 0.05, lighter(fur, 0.3))
    pen.circle(0.435, 0.44, 0.024, DARK)
    pen.circle(0.305, 0.49, 0.015, DARK)
    pen.blob([(0.2, 0.56), (0.25, 0.53), (0.24, 0.4), (0.17, 0.37), (0.15, 0.46)], dark)
    pen.line([(0.19, 0.375), (0.28, 0.35)], 0.03, (208, 60, 58))


def _cat(pen: Pen) -> None:
    fur: Rgb = (104, 102, 116)
    pen.stroke(quad_curve((-0.12, 0.06), (-0.3, 0.1), (-0.24, 0.32)), 0.036, fur)
    pen.blob(
        [(-0.12, 0.0), (-0.14, 0.14), (-0.06, 0.28), (0.06, 0.28), (0.12, 0.12), (0.12, 0.0)],
        fur,
        tension=0.4,
    )
    pen.ellipse(0.02, 0.1, 0.06, 0.09, lighter(fur, 0.4))
    for side in (-1.0, 1.0):
        pen.poly(
            [(0.02 + side * 0.09, 0.46), (0.02 + side * 0.1, 0.34), (0.02 + side * 0.02, 0.41)], fur
        )
    pen.ellipse(0.02, 0.33, 0.105, 0.09, fur)
    for side in (-1.0, 1.0):
        pen.ellipse(0.02 + side * 0.042, 0.34, 0.02, 0.022, (206, 226, 120))
        pen.ellipse(0.02 + side * 0.042, 0.34, 0.008, 0.02, DARK)
    pen.poly([(0.005, 0.31), (0.035, 0.31), (0.02, 0.295)], (236, 150, 150))
    for x in (-0.05, 0.07):
        pen.ellipse(x, 0.015, 0.045, 0.022, lighter(fur, 0.3))


def _prop(draw: Callable[[Pen], None], width: float, height: float, grip: Point) -> Prop:
    return Prop(draw=draw, width=width, height=height, grip=grip)


PROPS: Mapping[PropKind, Prop] = MappingProxyType(
    {
        PropKind.LETTER: _prop(_letter, 0.17, 0.23, (-0.06, 0.02)),
        PropKind.ENVELOPE: _prop(_envelope, 0.24, 0.16, (-0.09, 0.04)),
        PropKind.PHONE: _prop(_phone, 0.084, 0.165, (0, 0.05)),
        PropKind.CUP: _prop(_cup, 0.16, 0.135, (0.03, 0.05)),
        PropKind.GLASS: _prop(_glass, 0.1, 0.15, (0, 0.06)),
        PropKind.BOTTLE: _prop(_bottle, 0.09, 0.29, (0, 0.1)),
        PropKind.BOOK: _prop(_book, 0.34, 0.22, (0, 0.03)),
        PropKind.NOTEBOOK: _prop(_notebook, 0.18, 0.22, (0.02, 0.06)),
        PropKind.KEY: _prop(_key, 0.09, 0.215, (0, 0.15)),
        PropKind.FLOWER: _prop(_flower, 0.12, 0.33, (0, 0.05)),
        PropKind.BOUQUET: _prop(_bouquet, 0.3, 0.38, (0, 0.06)),
        PropKind.UMBRELLA: _prop(_umbrella, 1.12, 1.07, (0, 0.06)),
        PropKind.BAG: _prop(_bag, 0.34, 0.31, (0, 0.3)),
        PropKind.BOX: _prop(_box, 0.4, 0.28, (0, 0.06)),
        PropKind.GIFT: _prop(_gift, 0.3, 0.31, (0, 0.05)),
        PropKind.SUITCASE: _prop(_suitcase, 0.38, 0.55, (0, 0.54)),
        PropKind.PHOTO: _prop(_photo, 0.18, 0.2, (-0.06, 0.03)),
        PropKind.RING: _prop(_ring, 0.12, 0.155, (0, 0.02)),
        PropKind.KNIFE: _prop(_knife, 0.04, 0.31, (0, 0.06)),
        PropKind.GUN: _prop(_gun, 0.22, 0.14, (-0.02, 0.05)),
        PropKind.LAPTOP: _prop(_laptop, 0.48, 0.27, (0, 0.01)),
        PropKind.LANTERN: _prop(_lantern, 0.16, 0.34, (0, 0.33)),
        PropKind.CANDLE: _prop(_candle, 0.15, 0.23, (0, 0.04)),
        PropKind.NEWSPAPER: _prop(_newspaper, 0.44, 0.32, (0, 0.06)),
        PropKind.MAP: _prop(_map, 0.44, 0.3, (0, 0.05)),
        PropKind.GUITAR: _prop(_guitar, 0.7, 0.5, (0.05, 0.22)),
        PropKind.BALL: _prop(_ball, 0.24, 0.24, (0, 0.06)),
        PropKind.CAKE: _prop(_cake, 0.4, 0.26, (0, 0.015)),
        PropKind.PLATE: _prop(_plate, 0.32, 0.09, (0.1, 0.03)),
        PropKind.APPLE: _prop(_apple, 0.15, 0.13, (0, 0.045)),
        PropKind.MONEY: _prop(_money, 0.22, 0.12, (-0.05, 0.04)),
        PropKind.CAMERA: _prop(_camera, 0.24, 0.165, (0.06, 0.03)),
        PropKind.WATCH: _prop(_watch, 0.11, 0.2, (0, 0.03)),
        PropKind.TEDDY: _prop(_teddy, 0.26, 0.32, (0.03, 0.1)),
        PropKind.PAN: _prop(_pan, 0.44, 0.11, (-0.24, 0.06)),
        PropKind.CLOCK: _prop(_clock, 0.24, 0.28, (0, 0.05)),
        PropKind.DOG: _prop(_dog, 0.85, 0.57, (0, 0.2)),
        PropKind.CAT: _prop(_cat, 0.4, 0.46, (0, 0.1)),
    }
)
"""One drawing for every kind of thing."""

TWO_HANDED = frozenset(
    {
        PropKind.BOOK,
        PropKind.NEWSPAPER,
        PropKind.MAP,
        PropKind.BOX,
        PropKind.LAPTOP,
        PropKind.GUITAR,
        PropKind.CAKE,
        PropKind.CAT,
        PropKind.DOG,
    }
)
"""Things that both hands hold."""

ON_THE_FLOOR = frozenset(
    {
        PropKind.SUITCASE,
        PropKind.DOG,
        PropKind.BALL,
        PropKind.CAT,
        PropKind.UMBRELLA,
        PropKind.GUITAR,
        PropKind.BAG,
        PropKind.BOX,
    }
)
"""Things that are left standing on the ground rather than on a table."""
