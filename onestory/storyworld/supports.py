"""
What does an action need besides hands? A seat, a bed, a door, a stove, a table to lie on.
"""

import math
from collections.abc import Callable

from onestory.storyworld.kinds import Action, PropKind
from onestory.storyworld.palette import Rgb, darker, lighter
from onestory.storyworld.pen import Pen, limb
from onestory.storyworld.people.figure import Figure
from onestory.storyworld.people.moment import ramp
from onestory.storyworld.props import ON_THE_FLOOR, PROPS, TABLE_HEIGHT, draw_prop

WOOD: Rgb = (156, 106, 70)


def draw_behind(pen: Pen, figure: Figure, action: Action, *, seated: bool, progress: float) -> None:
    """Draw what a performer sits or lies on, or goes through."""
    x, _y = figure.mark
    h = figure.body.height
    if seated or action in (Action.SIT, Action.STAND_UP):
        _chair(pen, x - figure.facing * 0.06 * h, 0.0, figure.facing, h)
    elif action is Action.SLEEP:
        _bed(pen, x, figure.facing, h)
    elif action in (Action.KNOCK, Action.OPEN_DOOR):
        opened = ramp(progress, 0.3, 0.75) if action is Action.OPEN_DOOR else 0.0
        reach = 0.34 if action is Action.KNOCK else 0.3
        _door(pen, x + figure.facing * reach * h, figure.facing, opened)
    elif action is Action.COOK:
        _stove(pen, x + figure.facing * 0.3 * h)


def draw_before(pen: Pen, figure: Figure, action: Action, *, seated: bool) -> None:
    """Draw what stands between a performer and the camera."""
    x = figure.mark[0]
    h = figure.body.height
    if action is Action.SLEEP:
        _blanket(pen, figure)
    elif action in (Action.TYPE, Action.WRITE, Action.EAT) and figure.prop not in (
        None,
        PropKind.APPLE,
    ):
        height = figure.body.hip * (0.62 if seated else 0.96) + 0.08 * h
        _table(pen, x + figure.facing * 0.34 * h, height, 0.5 * h, WOOD)


def draw_loose_props(
    pen: Pen, props: tuple[PropKind, ...], x: float, *, alone: bool, label: Callable[[int], None]
) -> None:
    """Draw the things nobody holds: on a table, or, if they are made for it, on the floor."""
    numbered = list(enumerate(props))
    upper = [(i, kind) for i, kind in numbered if alone or kind not in ON_THE_FLOOR]
    lower = [(i, kind) for i, kind in numbered if (i, kind) not in upper]
    wide = sum(PROPS[kind].width + 0.08 for _, kind in upper)
    if upper or alone:
        _table(pen, x, TABLE_HEIGHT, 2.6 if alone else max(0.5, wide + 0.1), WOOD, thick=alone)
    left = x - wide / 2 + 0.04
    for i, kind in upper:
        width = PROPS[kind].width
        shadow = limb([(left + 0.02, TABLE_HEIGHT, 0.012), (left + width, TABLE_HEIGHT, 0.012)])
        pen.blurred(shadow, (30, 20, 40), 0.012, 0.3)
        label(i)
        draw_prop(pen, kind, left + width / 2, TABLE_HEIGHT - 0.005)
        label(-1)
        left += width + 0.08
    for number, (i, kind) in enumerate(lower):
        label(i)
        draw_prop(pen, kind, x + 0.5 * number + (0.1 if upper else 0.0), -0.04 - 0.03 * number)
        label(-1)


def _chair(pen: Pen, x: float, y: float, facing: float, h: float) -> None:
    pen.part(None)
    seat = 0.248 * h
    with pen.placed(x, y, sx=facing):
        for leg in (-0.1 * h, 0.1 * h):
            pen.fill(limb([(leg, seat, 0.02), (leg * 1.12, 0.0, 0.014)]), darker(WOOD, 0.25))
        pen.fill(
            limb([(-0.115 * h, seat, 0.022), (-0.15 * h, seat + 0.28 * h, 0.02)]),
            darker(WOOD, 0.12),
        )
        pen.rect(-0.175 * h, seat + 0.11 * h, 0.045 * h, 0.19 * h, WOOD, radius=0.015 * h)
        pen.rect(-0.13 * h, seat - 0.022 * h, 0.27 * h, 0.036 * h, WOOD, radius=0.016 * h)


def _bed(pen: Pen, x: float, facing: float, h: float) -> None:
    pen.part(None)
    with pen.placed(x, 0.0, sx=facing):
        pen.rect(-1.2 * h, 0.0, 0.05, 0.98, darker(WOOD, 0.2), radius=0.02)
        pen.rect(-1.18 * h, 0.16, 1.34 * h, 0.16, WOOD, radius=0.02)
        pen.rect(0.12 * h, 0.0, 0.05, 0.6, darker(WOOD, 0.2), radius=0.02)
        pen.rect(-1.17 * h, 0.27, 1.31 * h, 0.19, (244, 240, 230), radius=0.06)
        pen.rect(-1.13 * h, 0.42, 0.34 * h, 0.13, (250, 248, 242), radius=0.065)


def _blanket(pen: Pen, figure: Figure) -> None:
    pen.part(None)
    h, x = figure.body.height, figure.mark[0]
    rise = 0.02 * figure.pose.swell
    with pen.placed(x, 0.0, sx=figure.facing):
        blue: Rgb = (92, 132, 176)
        pen.blob(
            [
                (-0.68 * h, 0.4),
                (-0.69 * h, 0.66 + rise),
                (-0.5 * h, 0.7 + rise),
                (-0.2 * h, 0.67),
                (0.05 * h, 0.66),
                (0.13 * h, 0.5),
                (0.13 * h, 0.28),
                (-0.3 * h, 0.25),
                (-0.66 * h, 0.28),
            ],
            blue,
            tension=0.4,
        )
        pen.blob(
            [
                (-0.7 * h, 0.36),
                (-0.72 * h, 0.66 + rise),
                (-0.62 * h, 0.71 + rise),
                (-0.58 * h, 0.5),
                (-0.6 * h, 0.34),
            ],
            lighter(blue, 0.5),
            tension=0.4,
        )


def _door(pen: Pen, x: float, facing: float, opened: float) -> None:
    pen.part(None)
    frame, leaf = (226, 214, 196), (138, 84, 62)
    with pen.placed(x, 0.0, sx=facing):
        pen.rect(-0.03, 0.02, 1.04, 2.12, frame, radius=0.01)
        pen.rect(0.05, 0.02, 0.88, 2.02, (252, 226, 168) if opened else darker(leaf, 0.4))
        width = 0.88 * math.cos(opened * 1.25)
        skew = 0.12 * opened
        right = 0.93
        pen.poly(
            [
                (right, 0.02),
                (right, 2.04),
                (right - width, 2.04 + skew),
                (right - width, 0.02 - skew),
            ],
            leaf,
        )
        inner = darker(leaf, 0.14)
        for low, high in ((0.2, 0.9), (1.1, 1.85)):
            pen.poly(
                [
                    (right - width * 0.15, low),
                    (right - width * 0.15, high),
                    (right - width * 0.85, high + skew * 0.6),
                    (right - width * 0.85, low - skew * 0.6),
                ],
                inner,
            )
        pen.circle(right - width * 0.9, 1.0, 0.034, (232, 190, 92))


def _stove(pen: Pen, x: float) -> None:
    pen.part(None)
    pen.rect(x - 0.3, 0.0, 0.6, 0.86, (226, 228, 230), radius=0.02)
    pen.rect(x - 0.33, 0.84, 0.66, 0.05, (84, 88, 98), radius=0.015)
    pen.rect(x - 0.22, 0.16, 0.44, 0.4, (72, 78, 90), radius=0.03)
    pen.rect(x - 0.22, 0.6, 0.44, 0.03, (150, 156, 166), radius=0.012)
    for i in range(4):
        pen.circle(x - 0.2 + 0.13 * i, 0.74, 0.028, (84, 88, 98))


def _table(
    pen: Pen, x: float, height: float, width: float, wood: Rgb, *, thick: bool = False
) -> None:
    pen.part(None)
    edge = 0.07 if thick else 0.045
    for side in (-1.0, 1.0):
        pen.fill(
            limb(
                [
                    (x + side * (width / 2 - 0.08), height - 0.03, 0.028),
                    (x + side * (width / 2 - 0.06), 0.0, 0.02),
                ]
            ),
            darker(wood, 0.3),
        )
    if thick:
        pen.poly(
            [
                (x - width / 2, height - 0.16),
                (x + width / 2, height - 0.16),
                (x + width / 2 - 0.12, height + 0.05),
                (x - width / 2 + 0.12, height + 0.05),
            ],
            lighter(wood, 0.12),
        )
        pen.rect(x - width / 2, height - 0.16 - edge, width, edge, darker(wood, 0.2))
        return
    pen.rect(x - width / 2, height - edge, width, edge, wood, radius=0.015)
    pen.rect(x - width / 2, height - edge, width, edge * 0.36, darker(wood, 0.2), radius=0.01)
