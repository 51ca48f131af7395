"""Where do people live? Kitchen, living room, bedroom, and the corridor outside the door."""

from onestory.storyworld.kinds import PlaceKind
from onestory.storyworld.palette import Rgb, darker, lighter
from onestory.storyworld.pen import Pen, limb, oval
from onestory.storyworld.places import fixtures as fix
from onestory.storyworld.places.stage import Layer, PlaceArt, Stage

BASE = 0.3
"""Height at which back walls meet the floor."""

WALLS: tuple[Rgb, ...] = (
    (232, 214, 186),
    (190, 208, 202),
    (222, 186, 166),
    (176, 196, 216),
    (216, 206, 180),
    (206, 188, 206),
    (168, 190, 170),
)
FURNITURE: tuple[Rgb, ...] = (
    (204, 108, 84),
    (66, 110, 124),
    (214, 164, 84),
    (98, 124, 92),
    (122, 92, 128),
    (78, 92, 128),
)
WOODS: tuple[Rgb, ...] = ((176, 124, 82), (142, 96, 66), (206, 162, 116), (112, 78, 60))


def _living_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, WALLS)
    accent = stage.colour(1, FURNITURE)
    sofa = stage.colour(2, FURNITURE)
    wood = stage.choose("wood", WOODS)
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    fix.window(pen, stage, side * 0.62 - 0.6, 1.15, 1.2, 1.25, curtain=accent)
    fix.picture(pen, stage, -side * 0.74 - 0.3, 1.55, 0.62, 0.5, "a")
    fix.picture(pen, stage, -side * 1.28 - 0.18, 1.62, 0.36, 0.42, "b")
    fix.shelf(pen, stage, -side * 2.3 - 0.45, BASE, 0.9, 5, "a", wood)
    fix.shelf(pen, stage, side * 2.5 - 0.45, BASE, 0.9, 3, "b", wood)
    _sofa(pen, -side * 0.55, BASE - 0.08, 1.9, sofa, accent)
    fix.floor_lamp(pen, stage, side * 0.86, BASE, lighter(accent, 0.4))
    fix.plant(pen, stage, side * 1.5, BASE - 0.02, 0.9, "a")
    fix.plant(pen, stage, side * 2.5, BASE + 1.16, 0.4, "b")
    fix.lamp(pen, stage, 0.1 * side, 2.75, accent)


def _sofa(pen: Pen, x: float, y: float, width: float, colour: Rgb, cushion: Rgb) -> None:
    half = width / 2
    pen.blurred(limb([(x - half, y, 0.03), (x + half, y, 0.03)]), (30, 20, 50), 0.04, 0.3)
    for side in (-1.0, 1.0):
        pen.rect(x + side * (half - 0.14) - 0.03, y, 0.06, 0.14, darker(fix.WOOD, 0.3))
    pen.rect(x - half + 0.08, y + 0.1, width - 0.16, 0.78, darker(colour, 0.1), radius=0.12)
    for side in (-1.0, 1.0):
        pen.rect(
            x + side * half / 2 - half / 2 + 0.06, y + 0.34, half - 0.1, 0.46, colour, radius=0.09
        )
    pen.rect(x - half + 0.05, y + 0.1, width - 0.1, 0.32, lighter(colour, 0.07), radius=0.07)
    pen.rect(x - 0.006, y + 0.14, 0.012, 0.28, darker(colour, 0.2))
    for side in (-1.0, 1.0):
        pen.rect(
            x + side * (half - 0.1) - 0.13, y + 0.08, 0.26, 0.54, lighter(colour, 0.03), radius=0.12
        )
    with pen.placed(x - half + 0.42, y + 0.58, angle=0.24):
        pen.rect(-0.17, -0.17, 0.34, 0.34, cushion, radius=0.06)


def _living_ground(pen: Pen, stage: Stage) -> None:
    wood = stage.choose("floor", WOODS)
    fix.floor(pen, stage, lighter(wood, 0.14))
    fix.rug(pen, 0.0, 2.6, stage.colour(1, FURNITURE))


def _kitchen_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, WALLS)
    cabinet = stage.colour(
        1, ((238, 230, 214), (92, 130, 128), (204, 120, 92), (120, 146, 120), (74, 92, 126))
    )
    top: Rgb = stage.choose("top", ((232, 226, 216), (84, 82, 92), (190, 142, 98)))
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    tile = lighter(wall, 0.34)
    for _, x in stage.along(0.2):
        for row in range(4):
            pen.rect(
                x + 0.006,
                1.17 + 0.13 * row,
                0.188,
                0.118,
                tile if (row + int(x * 5)) % 5 else lighter(cabinet, 0.4),
                alpha=0.8,
            )
    fix.window(pen, stage, side * 0.5 - 0.5, 1.3, 1.0, 1.0, curtain=None, panes=2)
    left, right = stage.left, stage.right
    pen.rect(left, BASE, right - left, 0.84, darker(cabinet, 0.06))
    for _, x in stage.along(0.56):
        pen.rect(x + 0.03, BASE + 0.12, 0.5, 0.5, cabinet, radius=0.012)
        pen.rect(x + 0.03, BASE + 0.65, 0.5, 0.15, cabinet, radius=0.012)
        pen.rect(x + 0.2, BASE + 0.54, 0.16, 0.024, darker(top, 0.4), radius=0.01)
        pen.rect(x + 0.2, BASE + 0.715, 0.16, 0.024, darker(top, 0.4), radius=0.01)
    pen.rect(left, BASE + 0.84, right - left, 0.06, top)
    pen.rect(left, BASE + 0.82, right - left, 0.02, darker(top, 0.3))
    for i, x in stage.along(0.56):
        if abs(x + 0.28 - side * 0.5) > 0.95 and -3.2 < x < 3.2:
            pen.rect(x + 0.02, 1.98, 0.52, 0.72, cabinet, radius=0.012)
            pen.rect(x + 0.07, 2.03, 0.42, 0.62, darker(cabinet, 0.07), radius=0.01)
            pen.circle(x + (0.45 if i % 2 else 0.11), 2.1, 0.02, darker(top, 0.4))
    fridge_x = -side * 1.55 - 0.36
    fridge = stage.colour(2, ((226, 230, 232), (206, 90, 80), (128, 176, 178), (240, 222, 178)))
    pen.rect(fridge_x, BASE - 0.02, 0.72, 1.72, darker(fridge, 0.1), radius=0.07)
    pen.rect(fridge_x + 0.02, BASE + 0.02, 0.68, 1.0, fridge, radius=0.05)
    pen.rect(fridge_x + 0.02, BASE + 1.06, 0.68, 0.62, fridge, radius=0.05)
    pen.rect(fridge_x + 0.58, BASE + 0.66, 0.035, 0.28, darker(fridge, 0.3), radius=0.015)
    pen.rect(fridge_x + 0.58, BASE + 1.14, 0.035, 0.24, darker(fridge, 0.3), radius=0.015)
    pen.rect(fridge_x + 0.14, BASE + 1.3, 0.16, 0.2, (252, 244, 214))
    pen.rect(fridge_x + 0.33, BASE + 0.74, 0.11, 0.13, (236, 150, 120))
    y = BASE + 0.9
    pen.rect(side * 0.5 - 0.03, y, 0.03, 0.26, (170, 178, 188), radius=0.012)
    pen.rect(side * 0.5 - 0.03, y + 0.24, 0.16, 0.03, (170, 178, 188), radius=0.012)
    pot_x = -side * 0.62
    pen.rect(pot_x - 0.16, y, 0.32, 0.2, (206, 84, 70), radius=0.03)
    pen.rect(pot_x - 0.18, y + 0.17, 0.36, 0.035, (170, 62, 56), radius=0.015)
    pen.circle(pot_x, y + 0.22, 0.024, (60, 54, 62))
    for i in range(3):
        pen.rect(
            side * 1.25 + 0.14 * i,
            y,
            0.11,
            0.2 + 0.05 * ((i * 2) % 3),
            ((224, 172, 96), (238, 230, 212), (132, 160, 120))[i],
            radius=0.02,
        )
    fix.plant(pen, stage, side * 0.95, y, 0.36, "herb")
    fix.lamp(pen, stage, -0.25, 2.55, stage.choose("lamp", FURNITURE))
    fix.lamp(pen, stage, 0.75, 2.55, stage.choose("lamp", FURNITURE))


def _kitchen_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(
        pen,
        stage,
        stage.choose("floor", ((214, 200, 178), (196, 178, 156), (178, 190, 190), (206, 178, 142))),
        pattern="tile",
    )


def _bedroom_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, WALLS)
    spread = stage.colour(1, FURNITURE)
    wood = stage.choose("wood", WOODS)
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    fix.window(pen, stage, -side * 0.66 - 0.5, 1.2, 1.0, 1.15, curtain=stage.colour(2, FURNITURE))
    x = side * 0.75
    pen.rect(x - 0.95, BASE, 1.9, 1.05, darker(wood, 0.1), radius=0.08)
    pen.rect(x - 0.87, BASE + 0.1, 1.74, 0.86, wood, radius=0.06)
    for dx in (-0.42, 0.42):
        pen.rect(x + dx - 0.36, BASE + 0.42, 0.72, 0.34, (250, 246, 238), radius=0.12)
    pen.rect(x - 0.92, BASE - 0.12, 1.84, 0.62, spread, radius=0.08)
    pen.rect(x - 0.92, BASE + 0.34, 1.84, 0.16, lighter(spread, 0.5), radius=0.06)
    for i in range(3):
        pen.rect(x - 0.92, BASE - 0.02 + 0.11 * i, 1.84, 0.03, lighter(spread, 0.14))
    table_x = x - side * 1.22
    pen.rect(table_x - 0.2, BASE - 0.02, 0.4, 0.5, wood, radius=0.015)
    pen.rect(table_x - 0.16, BASE + 0.24, 0.32, 0.18, darker(wood, 0.16))
    pen.circle(table_x, BASE + 0.33, 0.02, (230, 190, 110))
    pen.rect(table_x - 0.015, BASE + 0.48, 0.03, 0.2, (120, 90, 80))
    shade = [
        (table_x - 0.08, BASE + 0.92),
        (table_x + 0.08, BASE + 0.92),
        (table_x + 0.16, BASE + 0.66),
        (table_x - 0.16, BASE + 0.66),
    ]
    pen.poly(shade, (250, 226, 178))
    if stage.lamps_on:
        pen.glow(table_x, BASE + 0.8, 1.2, (255, 190, 110), 0.5)
    fix.picture(pen, stage, x - 0.42, 1.66, 0.84, 0.5, "bed")
    fix.shelf(pen, stage, -side * 2.1 - 0.4, BASE, 0.9, 4, "a", wood)
    fix.plant(pen, stage, -side * 1.45, BASE, 0.7, "bed")


def _bedroom_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(pen, stage, lighter(stage.choose("floor", WOODS), 0.2))
    fix.rug(pen, 0.0, 2.2, lighter(stage.colour(2, FURNITURE), 0.3))


def _corridor_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, WALLS)
    leaf = stage.colour(1, ((150, 78, 62), (62, 96, 110), (110, 92, 72), (94, 112, 84)))
    fix.wall(pen, stage, wall, wainscot=darker(wall, 0.2))
    for _i, x in stage.along(1.7):
        left = x + 0.32 + stage.number("offset", -0.3, 0.3)
        pen.rect(left - 0.08, BASE, 1.06, 2.12, lighter(wall, 0.4))
        pen.rect(left, BASE, 0.9, 2.04, leaf)
        for low, tall in ((0.2, 0.72), (1.08, 0.78)):
            pen.rect(left + 0.14, BASE + low, 0.62, tall, darker(leaf, 0.14), radius=0.01)
        pen.circle(left + 0.8, BASE + 1.0, 0.032, (230, 190, 100))
        pen.rect(left + 0.36, BASE + 1.74, 0.18, 0.1, (240, 214, 140), radius=0.01)
        pen.rect(left + 0.06, BASE - 0.05, 0.8, 0.05, darker(leaf, 0.4), radius=0.01)
        lamp_x = x - 0.1 + stage.number("offset", -0.3, 0.3)
        pen.rect(lamp_x - 0.05, 1.9, 0.1, 0.16, (120, 92, 70), radius=0.02)
        pen.raw(oval(lamp_x, 2.1, 0.085, 0.11), (255, 238, 196))
        pen.glow(lamp_x, 2.1, 1.0, (255, 200, 120), 0.4 if stage.lamps_on else 0.2)
    fix.plant(pen, stage, stage.number("plant", -0.6, -0.1), BASE, 0.8, "hall")


def _corridor_ground(pen: Pen, stage: Stage) -> None:
    carpet = stage.colour(2, ((152, 66, 66), (70, 96, 96), (120, 96, 74), (92, 84, 124)))
    fix.floor(pen, stage, darker(lighter(fix.WOOD, 0.1), 0.1))
    left, width = stage.left, stage.right - stage.left
    pen.rect(left, -0.3, width, 0.46, carpet)
    for y in (-0.27, 0.11):
        pen.rect(left, y, width, 0.022, (230, 194, 120))


_WINDOW = {Layer.SKY: fix.sky, Layer.FAR: fix.view_outside}

ART = {
    PlaceKind.LIVING_ROOM: PlaceArt(
        layers={
            **_WINDOW,
            Layer.BACK: _living_back,
            Layer.GROUND: _living_ground,
            Layer.FRONT: fix.front_plant,
        }
    ),
    PlaceKind.KITCHEN: PlaceArt(
        layers={**_WINDOW, Layer.BACK: _kitchen_back, Layer.GROUND: _kitchen_ground}
    ),
    PlaceKind.BEDROOM: PlaceArt(
        layers={**_WINDOW, Layer.BACK: _bedroom_back, Layer.GROUND: _bedroom_ground}
    ),
    PlaceKind.CORRIDOR: PlaceArt(
        layers={Layer.BACK: _corridor_back, Layer.GROUND: _corridor_ground}, roam=3.0
    ),
}
