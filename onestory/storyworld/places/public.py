"""Where do people work, learn, heal, eat and buy? Office, classroom, hospital, cafe, bar, shop."""

from onestory.storyworld.kinds import PlaceKind
from onestory.storyworld.palette import Rgb, darker, lighter, mix
from onestory.storyworld.pen import Pen, limb, oval, polygon
from onestory.storyworld.places import fixtures as fix
from onestory.storyworld.places.homes import BASE, FURNITURE, WOODS
from onestory.storyworld.places.stage import Layer, PlaceArt, Stage


def _desk(pen: Pen, stage: Stage, x: float, wood: Rgb, name: str) -> None:
    pen.rect(x - 0.6, BASE + 0.52, 1.2, 0.06, wood, radius=0.01)
    pen.rect(x - 0.56, BASE - 0.06, 0.06, 0.6, darker(wood, 0.3))
    pen.rect(x + 0.16, BASE - 0.06, 0.38, 0.58, darker(wood, 0.16), radius=0.01)
    for row in range(3):
        pen.rect(x + 0.2, BASE + 0.0 + 0.17 * row, 0.3, 0.13, lighter(wood, 0.06), radius=0.008)
    pen.rect(x - 0.34, BASE + 0.68, 0.56, 0.36, (52, 54, 66), radius=0.015)
    pen.rect(x - 0.31, BASE + 0.71, 0.5, 0.3, (112, 172, 204))
    for row in range(3):
        pen.rect(
            x - 0.27,
            BASE + 0.92 - 0.07 * row,
            0.2 + 0.08 * row,
            0.025,
            (232, 244, 248),
            radius=0.008,
        )
    if stage.lamps_on:
        pen.glow(x - 0.06, BASE + 0.86, 0.7, (140, 200, 240), 0.3)
    pen.rect(x - 0.1, BASE + 0.58, 0.08, 0.1, (52, 54, 66))
    pen.rect(x + 0.36, BASE + 0.58, 0.08, 0.11, stage.choose(f"mug-{name}", FURNITURE), radius=0.01)


def _office_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, ((214, 220, 222), (198, 208, 214), (226, 216, 200), (190, 204, 200)))
    accent = stage.colour(1, FURNITURE)
    wood = stage.colour(2, WOODS)
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    for k in (-1, 0, 1):
        fix.window(
            pen, stage, k * 1.45 - 0.6 + 0.2 * side, 1.16, 1.2, 1.4, frame=(236, 238, 240), panes=1
        )
        for slat in range(5):
            pen.rect(
                k * 1.45 - 0.6 + 0.2 * side,
                2.5 - 0.045 * slat,
                1.2,
                0.026,
                (244, 244, 240),
                alpha=0.85,
            )
    _desk(pen, stage, -side * 0.95, wood, "a")
    _desk(pen, stage, side * 1.25, wood, "b")
    fix.shelf(pen, stage, -side * 2.5 - 0.4, BASE, 0.8, 4, "files", wood)
    pen.rect(side * 0.32 - 0.2, BASE, 0.4, 0.72, accent, radius=0.015)
    for row in range(2):
        pen.rect(
            side * 0.32 - 0.16,
            BASE + 0.06 + 0.33 * row,
            0.32,
            0.28,
            lighter(accent, 0.1),
            radius=0.01,
        )
        pen.rect(side * 0.32 - 0.06, BASE + 0.22 + 0.33 * row, 0.12, 0.03, (230, 232, 236))
    fix.plant(pen, stage, side * 0.32, BASE + 0.72, 0.5, "cabinet")
    fix.plant(pen, stage, side * 2.25, BASE, 1.1, "corner")
    for x in (-1.0, 1.0):
        pen.rect(x - 0.5, 2.82, 1.0, 0.07, (252, 250, 240), radius=0.02)
        if stage.lamps_on:
            pen.glow(x, 2.8, 1.7, (235, 240, 255), 0.3)


def _office_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(
        pen,
        stage,
        stage.choose("floor", ((150, 160, 172), (164, 158, 150), (132, 146, 154))),
        pattern="tile",
    )


def _class_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, ((240, 224, 184), (206, 222, 208), (222, 214, 226), (240, 212, 186)))
    board = stage.colour(1, ((48, 88, 76), (52, 66, 84), (66, 92, 70)))
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall, wainscot=darker(wall, 0.12))
    x = -0.15 * side
    pen.rect(x - 1.15, 1.24, 2.3, 1.1, fix.WOOD, radius=0.02)
    pen.rect(x - 1.09, 1.3, 2.18, 0.98, board)
    chalk: Rgb = (232, 238, 232)
    rng = stage.chance("chalk")
    for row in range(3):
        at = x - 0.95
        while at < x + 0.3 + 0.3 * float(rng.random()):
            wide = 0.05 + 0.16 * float(rng.random())
            pen.line(
                [(at, 2.1 - 0.17 * row), (at + wide, 2.1 - 0.17 * row + 0.012)], 0.016, chalk, 0.85
            )
            at += wide + 0.07
    pen.stroke(oval(x + 0.72, 1.78, 0.2, 0.2), 0.014, chalk, 0.85)
    pen.line([(x + 0.5, 1.5), (x + 0.72, 1.98), (x + 0.95, 1.5), (x + 0.5, 1.5)], 0.014, chalk, 0.8)
    pen.rect(x - 1.15, 1.2, 2.3, 0.05, lighter(fix.WOOD, 0.1))
    fix.window(pen, stage, side * 1.75 - 0.1, 1.25, 1.0, 1.1)
    fix.shelf(pen, stage, -side * 2.0 - 0.5, BASE, 1.0, 2, "class", fix.WOOD)
    pen.circle(-side * 1.85, BASE + 1.0, 0.19, (110, 168, 204))
    pen.blob(
        [
            (-side * 1.85 - 0.1, BASE + 1.02),
            (-side * 1.85 + 0.02, BASE + 1.14),
            (-side * 1.85 + 0.06, BASE + 1.0),
            (-side * 1.85 - 0.04, BASE + 0.9),
        ],
        (112, 164, 96),
    )
    pen.rect(-side * 1.85 - 0.08, BASE + 0.77, 0.16, 0.05, fix.WOOD)
    pen.circle(side * 1.35, 2.5, 0.17, (250, 248, 240))
    pen.line(
        [(side * 1.35, 2.6), (side * 1.35, 2.5), (side * 1.35 + 0.07, 2.47)], 0.018, (60, 56, 70)
    )
    bunting = (*FURNITURE,)
    for i in range(9):
        bx = x - 1.1 + 0.275 * i
        pen.poly([(bx - 0.08, 2.62), (bx + 0.08, 2.62), (bx, 2.44)], bunting[i % len(bunting)])


def _class_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(pen, stage, lighter(stage.colour(2, WOODS), 0.22))


def _class_front(pen: Pen, stage: Stage) -> None:
    for x in (-2.15, 2.15):
        wood: Rgb = (150, 104, 70)
        pen.rect(x - 0.5, 0.32, 1.0, 0.07, wood, radius=0.02)
        pen.rect(x - 0.42, -0.6, 0.06, 0.94, (84, 88, 100))
        pen.rect(x + 0.36, -0.6, 0.06, 0.94, (84, 88, 100))
        pen.rect(x - 0.2, 0.39, 0.34, 0.06, (206, 92, 80))
        pen.rect(x - 0.16, 0.45, 0.3, 0.05, (72, 110, 150))


def _ward_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, ((206, 228, 226), (222, 232, 220), (214, 224, 236), (236, 230, 218)))
    accent = stage.colour(1, ((96, 168, 168), (126, 160, 204), (150, 188, 150), (222, 166, 140)))
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    pen.rect(stage.left, 1.12, stage.right - stage.left, 0.09, accent)
    fix.window(
        pen,
        stage,
        -side * 0.75 - 0.55,
        1.36,
        1.1,
        1.1,
        frame=(244, 248, 248),
        curtain=lighter(accent, 0.4),
    )
    x = side * 0.75
    steel: Rgb = (186, 194, 202)
    for dx in (-0.92, 0.9):
        pen.rect(
            x + dx - 0.02, BASE - 0.04, 0.04, 0.9 if dx * side > 0 else 0.66, steel, radius=0.015
        )
    pen.rect(x - 0.94, BASE + 0.3, 1.88, 0.16, (250, 250, 248), radius=0.05)
    pen.rect(x - 0.94, BASE + 0.22, 1.88, 0.09, steel, radius=0.02)
    pen.rect(x + side * 0.62 - 0.24, BASE + 0.44, 0.48, 0.17, (255, 255, 252), radius=0.08)
    pen.rect(x - side * 0.28 - 0.62, BASE + 0.34, 1.24, 0.19, accent, radius=0.07)
    pen.rect(x - side * 0.28 - 0.62, BASE + 0.46, 1.24, 0.05, lighter(accent, 0.5), radius=0.02)
    for dx in (-0.9, 0.88):
        pen.circle(x + dx, BASE - 0.05, 0.045, (90, 96, 106))
    pole = x + side * 1.2
    pen.rect(pole - 0.012, BASE, 0.024, 1.55, steel)
    pen.rect(pole - 0.12, BASE + 1.52, 0.24, 0.024, steel)
    pen.rect(pole - 0.1, BASE + 1.18, 0.14, 0.3, (206, 232, 240), radius=0.03)
    pen.rect(pole - 0.1, BASE + 1.18, 0.14, 0.16, (150, 206, 226), radius=0.03)
    screen = x - side * 1.0 + 0.95 * side
    pen.rect(screen - 0.22, 1.62, 0.44, 0.34, (70, 78, 90), radius=0.03)
    pen.rect(screen - 0.18, 1.66, 0.36, 0.26, (22, 44, 52))
    beat = [
        (screen - 0.17, 1.78),
        (screen - 0.08, 1.78),
        (screen - 0.04, 1.87),
        (screen, 1.7),
        (screen + 0.04, 1.78),
        (screen + 0.17, 1.78),
    ]
    pen.line(beat, 0.014, (110, 240, 170))
    if stage.lamps_on:
        pen.glow(screen, 1.78, 0.7, (90, 220, 180), 0.3)
    pen.rect(x - 0.14, 2.34, 0.28, 0.09, (224, 84, 84))
    pen.rect(x - 0.045, 2.245, 0.09, 0.28, (224, 84, 84))
    chair = -side * 1.75
    pen.rect(chair - 0.25, BASE + 0.3, 0.5, 0.1, accent, radius=0.03)
    pen.rect(chair - 0.25, BASE + 0.42, 0.5, 0.36, lighter(accent, 0.12), radius=0.05)
    fix.plant(pen, stage, -side * 2.25, BASE, 0.8, "ward")


def _ward_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(
        pen,
        stage,
        stage.choose("floor", ((206, 214, 214), (196, 206, 212), (216, 212, 200))),
        pattern="tile",
    )


def _cafe_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(
        0, ((176, 122, 92), (96, 128, 116), (224, 196, 156), (146, 104, 100), (120, 140, 150))
    )
    accent = stage.colour(1, FURNITURE)
    wood = stage.colour(2, WOODS)
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    fix.window(pen, stage, side * 0.95 - 0.75, 0.95, 1.5, 1.55, frame=darker(wood, 0.3), panes=3)
    x = -side * 0.95
    pen.rect(x - 0.75, 1.5, 1.2, 0.95, (50, 54, 60), radius=0.015)
    pen.stroke(
        polygon([(x - 0.75, 1.5), (x + 0.45, 1.5), (x + 0.45, 2.45), (x - 0.75, 2.45)]), 0.03, wood
    )
    rng = stage.chance("menu")
    pen.rect(x - 0.45, 2.27, 0.6, 0.06, (250, 214, 130), radius=0.02)
    for row in range(5):
        pen.rect(
            x - 0.66,
            2.14 - 0.12 * row,
            0.3 + 0.24 * float(rng.random()),
            0.028,
            (236, 232, 220),
            radius=0.01,
        )
        pen.rect(x + 0.24, 2.14 - 0.12 * row, 0.1, 0.028, (250, 214, 130), radius=0.01)
    bar_x = x - 1.4 if side > 0 else x - 0.9
    pen.rect(bar_x, BASE - 0.02, 2.3, 0.92, wood)
    for i in range(7):
        pen.rect(bar_x + 0.05 + 0.325 * i, BASE + 0.06, 0.27, 0.72, darker(wood, 0.12), radius=0.01)
    pen.rect(bar_x - 0.06, BASE + 0.88, 2.42, 0.07, lighter(wood, 0.3), radius=0.015)
    y = BASE + 0.95
    pen.rect(x - 0.3, y, 0.46, 0.4, (196, 202, 208), radius=0.03)
    pen.rect(x - 0.3, y + 0.28, 0.46, 0.06, accent)
    pen.rect(x - 0.22, y + 0.06, 0.3, 0.16, (70, 74, 84), radius=0.02)
    for i in range(3):
        pen.rect(x + 0.3 + 0.13 * i, y, 0.09, 0.1, (250, 244, 232), radius=0.015)
    pen.ellipse(x - 0.62, y + 0.03, 0.19, 0.03, (240, 238, 232))
    for dx in (-0.1, 0.0, 0.1):
        pen.ellipse(x - 0.62 + dx, y + 0.07, 0.06, 0.045, (206, 138, 72))
    for k in range(-2, 3):
        fix.lamp(
            pen, stage, 0.75 * k, 2.62 - 0.14 * (k % 2), accent if k % 2 else lighter(wood, 0.1)
        )
    fix.plant(pen, stage, side * 1.95, BASE, 1.0, "cafe")


def _cafe_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(pen, stage, darker(stage.choose("floor", WOODS), 0.05))


def _cafe_front(pen: Pen, stage: Stage) -> None:
    side = 1.0 if stage.flip("front") else -1.0
    x = side * max(1.4, (stage.right - stage.left) / 2)
    wood: Rgb = (112, 74, 58)
    pen.rect(x - 0.6, 0.4, 1.2, 0.06, wood, radius=0.02)
    pen.rect(x - 0.03, -1.0, 0.06, 1.42, (58, 52, 62))
    pen.rect(x - side * 0.3 - 0.06, 0.46, 0.12, 0.12, (240, 230, 214), radius=0.02)


def _bar_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, ((82, 56, 76), (54, 70, 88), (96, 58, 56), (60, 76, 72)))
    accent = stage.colour(1, ((236, 96, 130), (96, 204, 220), (250, 176, 84), (170, 120, 236)))
    wood = stage.colour(2, ((122, 78, 58), (94, 62, 54), (142, 92, 60)))
    fix.wall(pen, stage, wall)
    for _, x in stage.along(0.32):
        for row in range(14):
            if (row + int(x * 7)) % 6 == 0:
                pen.rect(
                    x + (0.16 if row % 2 else 0),
                    BASE + 0.1 + 0.2 * row,
                    0.28,
                    0.13,
                    lighter(wall, 0.07),
                    radius=0.01,
                )
    glass: tuple[Rgb, ...] = (
        (92, 160, 120),
        (214, 150, 70),
        (196, 82, 76),
        (120, 160, 206),
        (232, 222, 196),
        (150, 96, 150),
    )
    for row in range(3):
        y = 1.32 + 0.44 * row
        pen.rect(-1.6, y - 0.05, 3.2, 0.05, wood)
        pen.glow(0, y + 0.16, 1.8, (255, 180, 100), 0.22, squash=0.16)
        rng = stage.chance("bottles", row)
        x = -1.5
        while x < 1.45:
            colour = glass[int(rng.integers(len(glass)))]
            tall, wide = 0.2 + 0.12 * float(rng.random()), 0.07 + 0.03 * float(rng.random())
            pen.rect(x, y, wide, tall * 0.66, colour, radius=0.018)
            pen.rect(x + wide * 0.3, y + tall * 0.6, wide * 0.4, tall * 0.4, colour, radius=0.01)
            pen.rect(x, y + tall * 0.18, wide, tall * 0.22, lighter(colour, 0.55))
            x += wide + 0.03 + 0.08 * float(rng.random()) ** 2
    pen.rect(stage.left, BASE - 0.04, stage.right - stage.left, 1.0, darker(wood, 0.12))
    for _, x in stage.along(0.62):
        pen.rect(x + 0.05, BASE + 0.06, 0.52, 0.76, wood, radius=0.015)
    pen.rect(stage.left, BASE + 0.94, stage.right - stage.left, 0.08, lighter(wood, 0.24))
    side = 1.0 if stage.flip("neon") else -1.0
    nx = side * 2.1
    pen.glow(nx, 2.1, 0.9, accent, 0.5)
    pen.stroke(oval(nx, 2.1, 0.26, 0.26), 0.03, lighter(accent, 0.4))
    pen.line(
        [(nx - 0.12, 2.22), (nx + 0.12, 2.22), (nx, 2.08), (nx - 0.12, 2.22)],
        0.024,
        lighter(accent, 0.5),
    )
    pen.line([(nx, 2.08), (nx, 1.95)], 0.024, lighter(accent, 0.5))
    for x in (-1.3, -0.45, 0.4, 1.25):
        pen.line([(x, 4.0), (x, 2.75)], 0.012, (40, 36, 46))
        pen.raw(oval(x, 2.68, 0.085, 0.1), (255, 226, 160))
        pen.glow(x, 2.66, 0.95, (255, 176, 96), 0.5)


def _bar_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(pen, stage, (98, 70, 64))
    for x in (-1.75, -0.95, 0.95, 1.75):
        pen.rect(x - 0.02, 0.02, 0.04, 0.72, (120, 124, 134))
        pen.ellipse(x, 0.02, 0.16, 0.035, (96, 100, 110))
        pen.rect(
            x - 0.18,
            0.7,
            0.36,
            0.09,
            stage.choose("stool", ((176, 60, 60), (70, 106, 116), (196, 142, 70))),
            radius=0.04,
        )


def _shop_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, ((240, 224, 190), (198, 220, 214), (236, 206, 196), (206, 214, 232)))
    accent = stage.colour(1, FURNITURE)
    wood = stage.colour(2, WOODS)
    side = 1.0 if stage.flip("side") else -1.0
    fix.wall(pen, stage, wall)
    goods: tuple[Rgb, ...] = (
        (222, 96, 84),
        (244, 190, 90),
        (98, 160, 140),
        (92, 128, 178),
        (240, 232, 214),
        (170, 116, 160),
    )
    for k, x in enumerate((-2.9, -1.62, -0.34, 0.94, 2.22)):
        pen.rect(x, BASE, 1.2, 2.1, darker(wood, 0.36), radius=0.01)
        rng = stage.chance("goods", k)
        for row in range(5):
            y = BASE + 0.08 + 0.41 * row
            at = x + 0.06
            kind = int(rng.integers(3))
            while at < x + 1.06:
                colour = goods[int(rng.integers(len(goods)))]
                if kind == 0:
                    pen.rect(at, y, 0.12, 0.24, colour, radius=0.012)
                    pen.rect(at, y + 0.08, 0.12, 0.08, lighter(colour, 0.5))
                    at += 0.135
                elif kind == 1:
                    pen.rect(at, y, 0.1, 0.16, colour, radius=0.03)
                    pen.rect(at + 0.01, y + 0.15, 0.08, 0.04, (232, 232, 230), radius=0.01)
                    at += 0.118
                else:
                    pen.circle(at + 0.06, y + 0.06, 0.06, colour)
                    pen.circle(at + 0.12, y + 0.14, 0.06, lighter(colour, 0.1))
                    at += 0.16
            pen.rect(x, y - 0.05, 1.2, 0.05, wood)
            pen.rect(x + 0.1, y - 0.045, 0.12, 0.036, (252, 246, 214))
            pen.rect(x + 0.66, y - 0.045, 0.12, 0.036, (252, 246, 214))
        pen.rect(x - 0.03, BASE, 0.05, 2.16, wood)
        pen.rect(x + 1.18, BASE, 0.05, 2.16, wood)
    pen.rect(-0.9 + 0.4 * side, 2.5, 1.6, 0.34, accent, radius=0.05)
    for i in range(5):
        pen.rect(-0.62 + 0.4 * side + 0.22 * i, 2.6, 0.14, 0.14, (252, 246, 232), radius=0.03)
    for x in (-1.4, 0.0, 1.4):
        pen.rect(x - 0.45, 2.98, 0.9, 0.05, (255, 252, 240), radius=0.02)
        if stage.lamps_on:
            pen.glow(x, 2.9, 1.5, (255, 240, 210), 0.34)


def _shop_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(
        pen,
        stage,
        stage.choose("floor", ((216, 212, 204), (206, 196, 176), (190, 200, 206))),
        pattern="tile",
    )


def _shop_front(pen: Pen, stage: Stage) -> None:
    side = 1.0 if stage.flip("crate") else -1.0
    x = side * max(1.3, (stage.right - stage.left) / 2 - 0.1)
    crate: Rgb = mix((176, 124, 82), (60, 50, 70), 0.2)
    for row, fruit in enumerate(((222, 96, 74), (240, 176, 74))):
        y = -0.25 + 0.34 * row
        for i in range(6):
            pen.circle(x - 0.36 + 0.14 * i, y + 0.3, 0.085, fruit if i % 2 else darker(fruit, 0.1))
        pen.rect(x - 0.48, y, 0.96, 0.28, crate, radius=0.01)
        pen.fill(
            limb([(x - 0.46, y + 0.14, 0.008), (x + 0.46, y + 0.14, 0.008)]), darker(crate, 0.3)
        )


_WINDOW = {Layer.SKY: fix.sky, Layer.FAR: fix.view_outside}

ART = {
    PlaceKind.OFFICE: PlaceArt(
        layers={**_WINDOW, Layer.BACK: _office_back, Layer.GROUND: _office_ground}, roam=2.4
    ),
    PlaceKind.CLASSROOM: PlaceArt(
        layers={
            **_WINDOW,
            Layer.BACK: _class_back,
            Layer.GROUND: _class_ground,
            Layer.FRONT: _class_front,
        }
    ),
    PlaceKind.HOSPITAL: PlaceArt(
        layers={**_WINDOW, Layer.BACK: _ward_back, Layer.GROUND: _ward_ground}
    ),
    PlaceKind.CAFE: PlaceArt(
        layers={
            **_WINDOW,
            Layer.BACK: _cafe_back,
            Layer.GROUND: _cafe_ground,
            Layer.FRONT: _cafe_front,
        }
    ),
    PlaceKind.BAR: PlaceArt(layers={Layer.BACK: _bar_back, Layer.GROUND: _bar_ground}),
    PlaceKind.SHOP: PlaceArt(
        layers={Layer.BACK: _shop_back, Layer.GROUND: _shop_ground, Layer.FRONT: _shop_front}
    ),
}
