"""
How is hair drawn? A shape behind the head and a shape over it, in head units, for every style.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from onestory.storyworld.kinds import Age, HairStyle, Part
from onestory.storyworld.look import Look
from onestory.storyworld.palette import PALETTE, Rgb, darker, lighter, mix
from onestory.storyworld.pen import Pen, Point, blob, limb, quad_curve

Strand = Callable[[Pen, Rgb, float, float], None]
"""Draws with a colour, the yaw of the head, and the swing of loose hair in [-1, 1]."""


def draw_back_hair(pen: Pen, look: Look, yaw: float, swing: float) -> None:
    """Draw what hangs behind the head and neck."""
    draw = _BACKS.get(look.hair_style)
    if draw is not None:
        pen.part(Part.HAIR)
        draw(pen, darker(PALETTE[look.hair_colour], 0.14), yaw, swing)


def draw_front_hair(pen: Pen, look: Look, yaw: float, swing: float, *, hatted: bool) -> None:
    """Draw what covers the skull and falls over the forehead; a hat flattens it."""
    pen.part(Part.HAIR)
    style = look.hair_style
    if hatted and style in (HairStyle.AFRO, HairStyle.CURLY, HairStyle.SPIKY, HairStyle.BUN):
        style = HairStyle.BOB if look.feminine else HairStyle.SHORT
    if style is HairStyle.BALD and look.age is Age.ELDER:
        _fringe_of_age(pen, PALETTE[look.hair_colour], yaw)
    colour = PALETTE[look.hair_colour]
    if style is HairStyle.BUZZ:
        colour = mix(colour, PALETTE[look.skin], 0.3)
    _FRONTS[style](pen, colour, yaw, swing)


def draw_hair_from_behind(pen: Pen, look: Look, swing: float, *, hatted: bool) -> None:
    """Draw the hair of somebody whose back is turned: it hides the whole head."""
    style, colour = look.hair_style, PALETTE[look.hair_colour]
    pen.part(Part.HAIR)
    if style is HairStyle.BALD:
        return
    back = _BACKS.get(style)
    if back is not None:
        back(pen, colour, 0.0, swing)
    low = (
        -0.62
        if style in (HairStyle.BUZZ, HairStyle.SHORT, HairStyle.SIDE_PART, HairStyle.SPIKY)
        else -0.8
    )
    shape = blob(
        [
            (0, 1.1),
            (0.62, 0.94),
            (0.92, 0.36),
            (0.88, -0.2),
            (0.56, low),
            (0, low - 0.08),
            (-0.56, low),
            (-0.88, -0.2),
            (-0.92, 0.36),
            (-0.62, 0.94),
        ]
    )
    pen.fill(shape, colour)
    with pen.clipped(shape):
        pen.stroke(quad_curve((-0.5, 0.7), (0.1, 0.9), (0.6, 0.5)), 0.09, lighter(colour, 0.14))
    if style in (HairStyle.AFRO, HairStyle.CURLY) and not hatted:
        _FRONT_CURLS[style](pen, colour)
    if style is HairStyle.PONYTAIL:
        _tail(pen, colour, 0.0, swing)
    if style is HairStyle.BRAIDS:
        _plaits(pen, colour, 0.0, swing)
    if style is HairStyle.BUN and not hatted:
        pen.circle(0, 0.85, 0.42, darker(colour, 0.08))
        pen.stroke(quad_curve((-0.25, 0.85), (0, 1.1), (0.25, 0.85)), 0.05, lighter(colour, 0.12))


def _skull(yaw: float, volume: float, line: list[Point]) -> list[Point]:
    """Go round the skull over the crown, then back along a hairline."""
    back = -0.06 * yaw
    rim: list[Point] = [
        (-0.9 * volume, 0.02),
        (-0.93 * volume + back, 0.42),
        (-0.66 * volume + back, 0.9 * volume),
        (back, 1.1 * volume),
        (0.64 * volume + back, 0.9 * volume),
        (0.89 * volume, 0.42),
        (0.86, 0.02),
    ]
    return rim + [(x + 0.2 * yaw, y) for x, y in line]


def _sheen(pen: Pen, shape: object, colour: Rgb, yaw: float) -> None:
    with pen.clipped(shape):
        pen.stroke(
            quad_curve((-0.62 - 0.1 * yaw, 0.62), (-0.1 - 0.2 * yaw, 1.02), (0.46, 0.78)),
            0.085,
            lighter(colour, 0.2),
            0.75,
        )


def _crop(
    pen: Pen, colour: Rgb, yaw: float, *, volume: float, line: list[Point], sheen: bool = True
) -> None:
    shape = blob(_skull(yaw, volume, line), 0.48)
    pen.fill(shape, colour)
    if sheen:
        _sheen(pen, shape, colour, yaw)
    # The side away from the face: hair behind the ear.
    if yaw > 0.2:
        pen.blob([(-0.93, 0.5), (-0.5, 0.35), (-0.6, -0.02), (-0.76, -0.42), (-0.93, -0.1)], colour)
    elif yaw < -0.2:
        pen.blob([(0.93, 0.5), (0.5, 0.35), (0.6, -0.02), (0.76, -0.42), (0.93, -0.1)], colour)


_SOFT_LINE: list[Point] = [(0.7, 0.28), (0.5, 0.5), (0.1, 0.58), (-0.34, 0.52), (-0.66, 0.28)]
_PARTED: list[Point] = [(0.72, 0.22), (0.66, 0.48), (0.36, 0.62), (-0.1, 0.46), (-0.6, 0.22)]
_FRINGE: list[Point] = [
    (0.74, 0.1),
    (0.62, 0.3),
    (0.24, 0.32),
    (-0.24, 0.32),
    (-0.6, 0.26),
    (-0.74, 0.1),
]
_MIDDLE: list[Point] = [
    (0.78, 0.02),
    (0.6, 0.4),
    (0.12, 0.76),
    (-0.12, 0.76),
    (-0.58, 0.4),
    (-0.78, 0.02),
]


def _short(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _crop(pen, colour, yaw, volume=1.04, line=_SOFT_LINE)


def _side_part(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _crop(pen, colour, yaw, volume=1.06, line=_PARTED)
    x = 0.2 * yaw
    pen.blob(
        [
            (0.5 + x, 0.66),
            (0.62 + x, 1.06),
            (0.1 + x, 1.26),
            (-0.52 + x, 1.08),
            (-0.86 + x, 0.6),
            (-0.5 + x, 0.62),
            (0.0 + x, 0.72),
        ],
        lighter(colour, 0.07),
    )


def _buzz(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _crop(pen, colour, yaw, volume=0.985, line=_SOFT_LINE, sheen=False)


def _bald(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    pen.part(None)
    pen.ellipse(-0.3, 0.72, 0.17, 0.09, (255, 255, 255), 0.3)


def _fringe_of_age(pen: Pen, colour: Rgb, yaw: float) -> None:
    for side in (-1.0, 1.0):
        if side * yaw < 0.3:
            pen.blob(
                [
                    (side * 0.9, 0.3),
                    (side * 0.66, 0.24),
                    (side * 0.7, -0.1),
                    (side * 0.84, -0.3),
                    (side * 0.98, -0.05),
                ],
                colour,
            )


def _locks(pen: Pen, colour: Rgb, yaw: float, low: float, width: float) -> None:
    for side in (-1.0, 1.0):
        x = side * 0.84 + 0.06 * yaw
        pen.blob(
            [
                (x - side * 0.05, 0.55),
                (x + side * 0.12, 0.2),
                (x + side * 0.15, low * 0.6),
                (x + side * 0.02, low),
                (x - side * width, low * 0.75),
                (x - side * width * 0.75, -0.05),
            ],
            colour,
        )


def _bob(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _locks(pen, colour, yaw, -0.72, 0.2)
    _crop(pen, colour, yaw, volume=1.07, line=_FRINGE)


def _bob_back(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x = -0.1 * yaw
    pen.blob(
        [
            (x, 1.0),
            (0.95 + x, 0.5),
            (1.06 + x, -0.3),
            (0.9 + x, -0.86),
            (0.3 + x, -0.96),
            (-0.3 + x, -0.96),
            (-0.94 + x, -0.9),
            (-1.12 + x, -0.3),
            (-0.97 + x, 0.5),
        ],
        colour,
    )


def _long(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _locks(pen, colour, yaw, -1.15, 0.2)
    _crop(pen, colour, yaw, volume=1.06, line=_MIDDLE)


def _long_back(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x, s = -0.16 * yaw, 0.16 * swing
    pen.blob(
        [
            (x, 1.0),
            (0.94 + x, 0.5),
            (1.02 + x, -0.6),
            (1.0 + x + s, -1.7),
            (0.55 + x + s, -2.2),
            (-0.5 + x + s, -2.25),
            (-1.06 + x + s, -1.75),
            (-1.1 + x, -0.6),
            (-0.97 + x, 0.5),
        ],
        colour,
    )


def _wavy(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    for side in (-1.0, 1.0):
        x = side * 0.86 + 0.06 * yaw
        for step in range(5):
            y = 0.25 - 0.32 * step
            pen.circle(x + side * (0.1 + 0.06 * (step % 2)), y, 0.25, colour)
    _crop(pen, colour, yaw, volume=1.1, line=_PARTED)


def _wavy_back(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x = -0.16 * yaw
    pen.blob(
        [(x, 1.0), (1.0 + x, 0.3), (1.1 + x, -1.4), (x, -1.9), (-1.15 + x, -1.4), (-1.02 + x, 0.3)],
        colour,
    )
    for step in range(7):
        y = -0.2 - 0.26 * step
        pen.circle(1.02 + x + 0.1 * (step % 2) + 0.1 * swing * step / 7, y, 0.2, colour)
        pen.circle(-1.05 + x - 0.1 * (step % 2) + 0.1 * swing * step / 7, y, 0.2, colour)
    for step in range(5):
        pen.circle(-0.8 + 0.4 * step + x + 0.1 * swing, -1.82 - 0.1 * (step % 2), 0.26, colour)


def _ponytail(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _crop(pen, colour, yaw, volume=1.04, line=_PARTED)


def _tail(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x = -0.86 * min(1.0, 0.25 + abs(yaw) * 1.3) * (1 if yaw >= 0 else -1)
    s = 0.3 * swing
    pen.blob(
        [
            (x * 0.8, 0.75),
            (x - 0.34, 0.62),
            (x - 0.52 + s * 0.5, -0.2),
            (x - 0.36 + s, -1.35),
            (x - 0.12 + s, -1.6),
            (x + 0.02 + s * 0.7, -0.9),
            (x - 0.02, 0.1),
        ],
        colour,
    )
    pen.circle(x * 0.95 - 0.06, 0.6, 0.15, darker(colour, 0.3))


def _bun(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _crop(pen, colour, yaw, volume=1.04, line=_SOFT_LINE)


def _bun_back(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x = -0.5 * yaw
    pen.circle(x, 1.24, 0.42, colour)
    pen.stroke(quad_curve((x - 0.26, 1.22), (x, 1.5), (x + 0.24, 1.3)), 0.06, lighter(colour, 0.16))


def _ring(count: int, radius: float, start: float, end: float) -> list[Point]:
    step = (end - start) / (count - 1)
    return [
        (radius * math.cos(start + step * i), 0.12 + radius * math.sin(start + step * i))
        for i in range(count)
    ]


def _curls_over(pen: Pen, colour: Rgb) -> None:
    for i, (x, y) in enumerate(_ring(9, 0.9, -0.25, math.pi + 0.25)):
        pen.circle(x, y, 0.3 + 0.03 * (i % 2), colour)
    for i, (x, y) in enumerate(_ring(6, 0.55, 0.2, math.pi - 0.2)):
        pen.circle(x, y + 0.1, 0.3, lighter(colour, 0.05) if i % 2 else colour)
    for x, y in ((-0.45, 0.92), (0.1, 1.06), (0.5, 0.76)):
        pen.stroke(
            quad_curve((x - 0.12, y - 0.04), (x, y + 0.14), (x + 0.12, y)),
            0.05,
            lighter(colour, 0.2),
        )


def _curly(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    for i, (x, y) in enumerate(_ring(9, 0.9, -0.3, math.pi + 0.3)):
        pen.circle(x - 0.04 * yaw, y, 0.29 + 0.03 * (i % 2), colour)
    for i in range(5):
        pen.circle(-0.56 + 0.28 * i + 0.22 * yaw, 0.58 + 0.05 * (i % 2), 0.2, colour)
    pen.blob(_skull(yaw, 1.02, _SOFT_LINE), colour)
    for x, y in ((-0.5, 0.86), (0.06, 1.02), (0.5, 0.74)):
        pen.stroke(
            quad_curve((x - 0.12, y - 0.04), (x, y + 0.14), (x + 0.12, y)),
            0.05,
            lighter(colour, 0.2),
        )


def _curly_back(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    for i in range(4):
        pen.circle(-0.95, 0.1 - 0.26 * i, 0.27, colour)
        pen.circle(0.95 - 0.1 * yaw, 0.1 - 0.26 * i, 0.27, colour)


def _afro(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    pen.blob(_skull(yaw, 1.05, _SOFT_LINE), colour)
    for i in range(6):
        pen.circle(-0.62 + 0.25 * i + 0.2 * yaw, 0.56 + 0.05 * (i % 2), 0.17, colour)


def _afro_back(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x = -0.12 * yaw
    for px, py in _ring(13, 1.12, -0.7, math.pi + 0.7):
        pen.circle(px + x, py + 0.2, 0.36, colour)
    pen.circle(x, 0.34, 1.2, colour)
    pen.stroke(
        quad_curve((x - 0.85, 0.95), (x - 0.4, 1.5), (x + 0.3, 1.42)), 0.1, lighter(colour, 0.16)
    )


def _afro_over(pen: Pen, colour: Rgb) -> None:
    pen.circle(0, 0.3, 1.22, colour)


def _braids(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    _crop(pen, colour, yaw, volume=1.04, line=_MIDDLE)
    _plaits(pen, colour, yaw, swing)


def _plaits(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    for side in (-1.0, 1.0):
        if side * yaw > 0.55:
            continue
        for step in range(6):
            x = side * (0.92 + 0.03 * step) + 0.05 * swing * step
            pen.ellipse(
                x,
                -0.25 - 0.3 * step,
                0.2 - 0.012 * step,
                0.19,
                colour if step % 2 else darker(colour, 0.12),
            )
        pen.circle(side * 1.07 + 0.3 * swing, -1.96, 0.12, (222, 84, 92))
        pen.fill(
            limb(
                [
                    (side * 1.08 + 0.32 * swing, -2.06, 0.09),
                    (side * 1.1 + 0.34 * swing, -2.25, 0.15),
                ]
            ),
            colour,
        )


def _spiky(pen: Pen, colour: Rgb, yaw: float, swing: float) -> None:
    x = 0.14 * yaw
    spikes: list[Point] = [(-0.95, 0.1)]
    for i in range(6):
        angle = math.pi * (0.94 - 0.165 * i)
        spikes.append((math.cos(angle + 0.1) * 0.9 + x * 0.3, 0.2 + math.sin(angle + 0.1) * 0.9))
        spikes.append((math.cos(angle - 0.02) * 1.22 + x, 0.22 + math.sin(angle - 0.02) * 1.3))
    spikes += [
        (0.9, 0.4),
        (0.86, 0.05),
        (0.7 + x, 0.3),
        (0.5 + x, 0.34),
        (0.36 + x, 0.62),
        (0.12 + x, 0.36),
    ]
    spikes += [(-0.1 + x, 0.64), (-0.34 + x, 0.36), (-0.5 + x, 0.6), (-0.7 + x, 0.24)]
    pen.poly(spikes, colour)
    pen.stroke(quad_curve((-0.5, 0.78), (-0.1, 1.0), (0.3, 0.86)), 0.07, lighter(colour, 0.18))


_FRONTS: Mapping[HairStyle, Strand] = MappingProxyType(
    {
        HairStyle.SHORT: _short,
        HairStyle.SIDE_PART: _side_part,
        HairStyle.BUZZ: _buzz,
        HairStyle.BALD: _bald,
        HairStyle.BOB: _bob,
        HairStyle.LONG: _long,
        HairStyle.WAVY: _wavy,
        HairStyle.PONYTAIL: _ponytail,
        HairStyle.BUN: _bun,
        HairStyle.CURLY: _curly,
        HairStyle.AFRO: _afro,
        HairStyle.BRAIDS: _braids,
        HairStyle.SPIKY: _spiky,
    }
)

_BACKS: Mapping[HairStyle, Strand] = MappingProxyType(
    {
        HairStyle.BOB: _bob_back,
        HairStyle.LONG: _long_back,
        HairStyle.WAVY: _wavy_back,
        HairStyle.PONYTAIL: _tail,
        HairStyle.BUN: _bun_back,
        HairStyle.CURLY: _curly_back,
        HairStyle.AFRO: _afro_back,
    }
)

_FRONT_CURLS: Mapping[HairStyle, Callable[[Pen, Rgb], None]] = MappingProxyType(
    {HairStyle.AFRO: _afro_over, HairStyle.CURLY: _curls_over}
)
