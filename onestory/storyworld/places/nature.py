"""What grows outside the city? Park, forest, beach, mountain road."""

import math

from onestory.storyworld.kinds import Light, PlaceKind, Weather
from onestory.storyworld.palette import Rgb, darker, lighter, mix
from onestory.storyworld.pen import Pen, limb, oval, polygon, quad_curve
from onestory.storyworld.places import fixtures as fix
from onestory.storyworld.places.stage import Layer, PlaceArt, Stage

SNOW: Rgb = (240, 245, 250)
GREENS: tuple[Rgb, ...] = ((108, 158, 92), (128, 164, 84), (92, 148, 104), (150, 158, 82))


def _snowed(stage: Stage, colour: Rgb, amount: float = 0.8) -> Rgb:
    return mix(colour, SNOW, amount) if stage.weather is Weather.SNOW else colour


def _meadow(pen: Pen, stage: Stage, grass: Rgb, *, path: Rgb | None, base: float = 0.5) -> None:
    left, right = stage.left - 0.1, stage.right + 0.1
    bottom = stage.bottom - 0.2
    box = polygon([(left, bottom), (right, bottom), (right, base), (left, base)])
    pen.fade(
        box, (0, base), (0, -1.3), [(lighter(grass, 0.08), 1), (grass, 1), (darker(grass, 0.14), 1)]
    )
    if path is not None:
        pen.rect(left, -0.3, right - left, 0.46, path)
        pen.rect(left, 0.13, right - left, 0.03, darker(path, 0.16))
        pen.rect(left, -0.34, right - left, 0.06, darker(path, 0.1))
        for i, x in stage.along(0.5):
            rng = stage.chance("pebble", i)
            pen.ellipse(
                x + 0.4 * float(rng.random()),
                -0.24 + 0.3 * float(rng.random()),
                0.03,
                0.012,
                darker(path, 0.16),
            )
    for i, x in stage.along(0.22):
        rng = stage.chance("grass", i)
        y = (
            0.46 * float(rng.random()) + (0.1 if path is not None else -0.1)
            if rng.random() < 0.5
            else -0.4 - 0.8 * float(rng.random())
        )
        tall = 0.05 + 0.06 * float(rng.random())
        gx = x + 0.2 * float(rng.random())
        for lean in (-0.03, 0.0, 0.03):
            pen.line(
                [(gx, y), (gx + lean, y + tall)],
                0.012,
                darker(grass, 0.16) if lean else lighter(grass, 0.12),
            )
        if rng.random() < 0.16 and stage.weather is not Weather.SNOW:
            pen.circle(
                gx,
                y + tall + 0.02,
                0.026,
                ((250, 226, 130), (240, 140, 150), (250, 248, 240))[i % 3],
            )


def _round_tree(
    pen: Pen, stage: Stage, x: float, y: float, size: float, leaf: Rgb, bark: Rgb
) -> None:
    fix.trunk(pen, x, y, 1.1 * size, 0.075 * size, bark)
    pen.line([(x, y + 0.8 * size), (x + 0.25 * size, y + 1.2 * size)], 0.05 * size, bark)
    crown = y + 1.55 * size
    dark, light = darker(leaf, 0.14), lighter(leaf, 0.12)
    for dx, dy, r, tone in (
        (-0.5, -0.1, 0.44, dark),
        (0.5, -0.12, 0.44, dark),
        (-0.26, 0.34, 0.5, leaf),
        (0.3, 0.3, 0.5, leaf),
        (0.0, -0.02, 0.56, leaf),
        (0.04, 0.6, 0.4, leaf),
    ):
        pen.circle(x + dx * size, crown + dy * size, r * size, tone)
    for dx, dy, r in ((0.28, 0.5, 0.17), (0.5, 0.12, 0.14), (-0.1, 0.3, 0.15), (0.06, 0.78, 0.13)):
        pen.circle(x + dx * size, crown + dy * size, r * size, light, 0.8)


def _pine(pen: Pen, x: float, y: float, size: float, leaf: Rgb, bark: Rgb) -> None:
    pen.rect(x - 0.05 * size, y, 0.1 * size, 0.5 * size, bark)
    for k in range(4):
        half, low = (0.62 - 0.12 * k) * size, y + (0.32 + 0.42 * k) * size
        pen.poly(
            [(x - half, low), (x + half, low), (x, low + 0.78 * size)],
            leaf if k % 2 else darker(leaf, 0.07),
        )
        pen.poly(
            [(x - half, low), (x - half * 0.35, low), (x, low + 0.78 * size)],
            darker(leaf, 0.22),
            0.5,
        )


def _park_far(pen: Pen, stage: Stage) -> None:
    fix.skyline(pen, stage, height=1.0, base=0.7)
    fix.hills(
        pen,
        stage,
        mix(stage.sky.far, (110, 150, 110), 0.4 if stage.light is Light.DAY else 0.15),
        0.75,
        0.4,
        0.8,
    )


def _park_back(pen: Pen, stage: Stage) -> None:
    leaf = _snowed(stage, stage.colour(0, GREENS), 0.6)
    bark: Rgb = (120, 88, 68)
    for _, x in stage.along(0.5, 1.0):
        pen.circle(x, 0.62, 0.34, darker(leaf, 0.26))
    pen.rect(stage.left, -0.5, stage.right - stage.left, 1.2, darker(leaf, 0.2))
    for i, x in stage.along(1.5, 1.0):
        rng = stage.chance("tree", i)
        tone = mix(leaf, GREENS[int(rng.integers(4))], 0.5)
        if rng.random() < 0.2 and stage.weather is not Weather.SNOW:
            tone = (232, 158, 150) if stage.flip("blossom") else (226, 168, 84)
        _round_tree(
            pen,
            stage,
            x + 0.7 * float(rng.random()),
            0.4,
            0.85 + 0.4 * float(rng.random()),
            _snowed(stage, tone, 0.5),
            bark,
        )


def _park_ground(pen: Pen, stage: Stage) -> None:
    grass = _snowed(stage, stage.colour(0, GREENS))
    path = _snowed(stage, stage.colour(1, ((222, 200, 162), (206, 186, 168), (190, 182, 176))))
    _meadow(pen, stage, grass, path=path)
    side = 1.0 if stage.flip("bench") else -1.0
    for _k, x in enumerate((side * 1.1, side * -4.2, side * 5.5)):
        wood = stage.colour(2, ((156, 102, 70), (92, 124, 104), (128, 88, 74)))
        for dx in (-0.5, 0.5):
            pen.rect(x + dx - 0.03, 0.16, 0.06, 0.72, (66, 70, 80), radius=0.015)
        for row in range(3):
            pen.rect(
                x - 0.68, 0.6 + 0.11 * row, 1.36, 0.085, lighter(wood, 0.06 * row), radius=0.02
            )
        pen.rect(x - 0.7, 0.46, 1.4, 0.08, wood, radius=0.02)
    for _, x in stage.along(5.2, 1.0):
        _park_lamp(pen, stage, x - side * 0.75)


def _park_lamp(pen: Pen, stage: Stage, x: float) -> None:
    iron: Rgb = (56, 64, 74)
    pen.rect(x - 0.022, 0.2, 0.044, 2.0, iron)
    pen.rect(x - 0.06, 0.2, 0.12, 0.12, iron, radius=0.02)
    pen.raw(oval(x, 2.32, 0.12, 0.15), (255, 238, 190) if stage.lamps_on else (232, 232, 224))
    pen.poly([(x - 0.14, 2.42), (x + 0.14, 2.42), (x, 2.56)], iron)
    if stage.lamps_on:
        pen.glow(x, 2.32, 1.7, (255, 200, 120), 0.55)
        pen.glow(x, 0.2, 1.1, (255, 200, 120), 0.3, squash=0.26)


def _forest_far(pen: Pen, stage: Stage) -> None:
    tone = mix(stage.sky.far, (70, 116, 104), 0.5 if stage.light is Light.DAY else 0.15)
    for i, x in stage.along(0.26, 0.6):
        rng = stage.chance("far pine", i)
        size = 0.75 + 0.5 * float(rng.random())
        pen.raw(
            polygon([(x - 0.26 * size, -1), (x + 0.26 * size, -1), (x, 0.8 + 1.3 * size)]),
            mix(tone, stage.sky.horizon, 0.3 * float(rng.random())),
        )


def _forest_back(pen: Pen, stage: Stage) -> None:
    leaf = stage.colour(0, ((58, 112, 88), (76, 118, 76), (52, 98, 96), (96, 116, 70)))
    bark: Rgb = (96, 72, 62)
    pen.rect(stage.left, -1, stage.right - stage.left, 1.55, darker(leaf, 0.3))
    for i, x in stage.along(0.62, 1.0):
        rng = stage.chance("pine", i)
        size = 0.85 + 0.75 * float(rng.random())
        _pine(
            pen,
            x + 0.4 * float(rng.random()),
            0.4,
            size,
            _snowed(stage, mix(leaf, (38, 70, 76), 0.4 * float(rng.random())), 0.45),
            bark,
        )


def _forest_ground(pen: Pen, stage: Stage) -> None:
    moss = _snowed(stage, stage.colour(1, ((112, 128, 76), (98, 120, 84), (130, 120, 80))))
    leaf = _snowed(
        stage, stage.colour(0, ((58, 112, 88), (76, 118, 76), (52, 98, 96), (96, 116, 70))), 0.4
    )
    _meadow(pen, stage, moss, path=_snowed(stage, (156, 128, 96)))
    bark: Rgb = stage.colour(2, ((104, 76, 64), (122, 96, 80), (84, 66, 62)))
    for i, x in stage.along(1.9, 1.2):
        rng = stage.chance("trunk", i)
        tx = x + 0.55 * float(rng.random())
        if abs(tx) < 0.55:
            tx = math.copysign(0.95, tx or 1.0)
        wide = 0.13 + 0.08 * float(rng.random())
        pen.poly(
            [(tx - wide, 0.32), (tx + wide, 0.32), (tx + wide * 0.72, 5), (tx - wide * 0.72, 5)],
            bark,
        )
        pen.poly(
            [
                (tx - wide, 0.32),
                (tx - wide * 0.3, 0.32),
                (tx - wide * 0.3, 5),
                (tx - wide * 0.72, 5),
            ],
            darker(bark, 0.24),
        )
        pen.blob(
            [(tx - wide * 1.9, 0.28), (tx - wide, 0.5), (tx + wide, 0.5), (tx + wide * 1.9, 0.28)],
            bark,
            tension=0.3,
        )
        for k in range(4):
            pen.stroke(
                quad_curve(
                    (tx, 0.8 + 0.6 * k), (tx + 0.03, 0.95 + 0.6 * k), (tx + 0.01, 1.1 + 0.6 * k)
                ),
                0.018,
                darker(bark, 0.3),
            )
        for k in range(3):
            fx = tx + 0.5 + 0.16 * k
            pen.stroke(quad_curve((fx, 0.3), (fx + 0.1, 0.56), (fx + 0.28, 0.52)), 0.03, leaf)
            pen.stroke(
                quad_curve((fx, 0.3), (fx - 0.1, 0.56), (fx - 0.28, 0.5)), 0.03, darker(leaf, 0.14)
            )
        if rng.random() < 0.6 and stage.weather is not Weather.SNOW:
            mx = tx - 0.36
            pen.rect(mx - 0.03, 0.3, 0.06, 0.1, (240, 228, 206), radius=0.02)
            pen.blob([(mx - 0.11, 0.38), (mx, 0.5), (mx + 0.11, 0.38)], (206, 74, 64), tension=0.6)
    if stage.light in (Light.DAY, Light.DAWN) and stage.weather is Weather.CLEAR:
        for k, x in enumerate((-1.2, -0.1, 1.1)):
            pen.raw(
                polygon(
                    [(x + 0.9, 4.5), (x + 1.3, 4.5), (x + 0.25 + 0.1 * k, 0.1), (x - 0.3, 0.1)]
                ),
                (255, 244, 200),
                0.1,
            )
    if stage.light is Light.NIGHT and stage.weather is Weather.CLEAR:
        rng = stage.chance("fireflies")
        for _ in range(16):
            x, y = -2.2 + 4.4 * float(rng.random()), 0.5 + 1.6 * float(rng.random())
            pen.glow(x, y, 0.09, (220, 255, 150), 0.9)


def _forest_front(pen: Pen, stage: Stage) -> None:
    leaf: Rgb = (34, 62, 60)
    for side in (-1.0, 1.0):
        x = side * ((stage.right - stage.left) / 2 + 0.15)
        for k in range(5):
            angle = side * (-0.2 - 0.3 * k)
            tip = (x + math.sin(angle) * 0.8, -0.2 + math.cos(angle) * 0.7)
            pen.blob(
                [
                    (x, -0.5),
                    ((x + tip[0]) / 2 - 0.07, tip[1] * 0.6),
                    tip,
                    ((x + tip[0]) / 2 + 0.09, tip[1] * 0.5),
                ],
                leaf,
            )


def _beach_far(pen: Pen, stage: Stage) -> None:
    if stage.flip("island", 0.5):
        side = 1.0 if stage.flip("island side") else -1.0
        pen.raw(
            polygon(
                [
                    (side * 0.2, 0.86),
                    (side * 0.62, 1.22),
                    (side * 0.8, 1.12),
                    (side * 1.1, 1.32),
                    (side * 1.7, 0.86),
                ]
            ),
            mix(stage.sky.far, (90, 120, 140), 0.3),
        )
    sea_top = 0.95
    sea: Rgb = {
        Light.DAY: (64, 158, 190),
        Light.DAWN: (132, 150, 190),
        Light.DUSK: (140, 92, 136),
        Light.NIGHT: (26, 44, 86),
    }[stage.light]
    if stage.weather is not Weather.CLEAR:
        sea = mix(sea, stage.sky.middle, 0.55)
    box = polygon(
        [
            (stage.left, stage.bottom),
            (stage.right, stage.bottom),
            (stage.right, sea_top),
            (stage.left, sea_top),
        ]
    )
    pen.fade(
        box,
        (0, sea_top),
        (0, 0.3),
        [(mix(sea, stage.sky.horizon, 0.45), 1), (sea, 1), (lighter(sea, 0.18), 1)],
        graded=False,
    )
    for i, x in stage.along(0.3):
        rng = stage.chance("glitter", i)
        for _ in range(3):
            y = sea_top - 0.03 - 0.5 * float(rng.random())
            pen.raw(
                oval(x + 0.3 * float(rng.random()), y, 0.05 + 0.06 * float(rng.random()), 0.006),
                lighter(stage.sky.horizon, 0.3),
                0.55,
            )
    if stage.flip("boat", 0.6):
        bx = stage.number("boat x", -0.5, 0.5)
        pen.raw(
            polygon([(bx - 0.1, 0.86), (bx + 0.1, 0.86), (bx + 0.07, 0.82), (bx - 0.07, 0.82)]),
            (120, 76, 66),
        )
        pen.raw(
            polygon([(bx, 0.87), (bx, 1.06), (bx + 0.09, 0.88)]), lighter(stage.sky.horizon, 0.4)
        )


def _beach_ground(pen: Pen, stage: Stage) -> None:
    sand = _snowed(stage, stage.colour(0, ((238, 212, 158), (230, 200, 160), (244, 222, 178))), 0.6)
    left, right = stage.left - 0.1, stage.right + 0.1
    edge = []
    for i, x in stage.along(0.5, 1.0):
        edge.append((x, 0.5 + 0.05 * math.sin(1.3 * x) + 0.02 * math.sin(3.1 * x + i)))
    pen.poly(
        [(left - 1, -0.2), *[(x, y + 0.05) for x, y in edge], (right + 1, -0.2)],
        (250, 252, 252),
        0.9,
    )
    pen.poly(
        [(left - 1, -3), (left - 1, 0.3), *edge, (right + 1, 0.3), (right + 1, -3)],
        darker(sand, 0.16),
    )
    pen.poly(
        [
            (left - 1, -3),
            (left - 1, 0.3),
            *[(x, y - 0.11) for x, y in edge],
            (right + 1, 0.3),
            (right + 1, -3),
        ],
        sand,
    )
    box = polygon(
        [(left, stage.bottom - 0.2), (right, stage.bottom - 0.2), (right, -0.2), (left, -0.2)]
    )
    pen.fade(box, (0, -0.2), (0, -1.4), [(sand, 0.0), (darker(sand, 0.16), 1)])
    for i, x in stage.along(0.45):
        rng = stage.chance("shell", i)
        y = 0.25 - 1.2 * float(rng.random())
        pen.stroke(
            quad_curve((x, y), (x + 0.12, y + 0.02), (x + 0.24, y)), 0.012, darker(sand, 0.1)
        )
        if rng.random() < 0.15:
            pen.ellipse(x, y - 0.05, 0.045, 0.028, ((240, 160, 150), (250, 244, 236))[i % 2])
    side = 1.0 if stage.flip("palm") else -1.0
    _palm(pen, stage, side * 1.25, side)
    if stage.flip("parasol", 0.55):
        _parasol(pen, stage, -side * 1.35)


def _palm(pen: Pen, stage: Stage, x: float, side: float) -> None:
    bark: Rgb = (156, 116, 82)
    top = (x - side * 0.42, 2.75)
    pen.stroke(quad_curve((x, 0.2), (x + side * 0.1, 1.6), top), 0.15, bark)
    for k in range(7):
        t = k / 7
        px = x * (1 - t) ** 2 + 2 * (x + side * 0.1) * t * (1 - t) + top[0] * t * t
        py = 0.2 * (1 - t) ** 2 + 3.2 * t * (1 - t) + top[1] * t * t
        pen.line([(px - 0.06, py), (px + 0.06, py + 0.02)], 0.02, darker(bark, 0.24))
    for angle in (-1.75, -1.1, -0.5, 0.15, 0.75, 1.35, 1.9):
        tip = (top[0] + math.sin(angle) * 0.95, top[1] + math.cos(angle) * 0.42 - 0.12 * abs(angle))
        middle = (top[0] + math.sin(angle) * 0.5, top[1] + math.cos(angle) * 0.36 + 0.16)
        pen.blob(
            [top, (middle[0], middle[1] + 0.07), tip, (middle[0], middle[1] - 0.1)],
            _snowed(stage, (84, 148, 96) if angle > 0 else (64, 126, 92), 0.4),
        )
    for dx in (-0.07, 0.06):
        pen.circle(top[0] + dx, top[1] - 0.06, 0.07, (116, 78, 56))


def _parasol(pen: Pen, stage: Stage, x: float) -> None:
    colour = stage.colour(1, ((226, 92, 84), (62, 140, 150), (240, 176, 82)))
    pen.fill(limb([(x, 0.1, 0.02), (x, 1.7, 0.02)]), (240, 236, 224))
    for k in range(6):
        left, right = x - 0.84 + 0.28 * k, x - 0.56 + 0.28 * k
        pen.poly(
            [(left, 1.42), (right, 1.42), (x + 0.02, 1.86), (x - 0.02, 1.86)],
            colour if k % 2 else (252, 246, 232),
        )
    pen.ellipse(x + 0.35, 0.02, 0.62, 0.07, (30, 24, 50), 0.16)
    pen.poly(
        [(x + 0.1, 0.06), (x + 0.95, 0.06), (x + 1.05, 0.16), (x + 0.2, 0.16)],
        lighter(colour, 0.45),
    )


def _mountain_far(pen: Pen, stage: Stage) -> None:
    rock = mix(stage.sky.far, (104, 118, 150), 0.5 if stage.light is Light.DAY else 0.2)
    for i, x in stage.along(0.95, 1.5):
        rng = stage.chance("peak", i)
        tall = 1.35 + 1.0 * float(rng.random())
        px, half = x + 0.5 * float(rng.random()), 0.75 + 0.3 * float(rng.random())
        pen.raw(polygon([(px - half, 0), (px + half, 0), (px, tall)]), rock)
        pen.raw(
            polygon([(px, tall), (px + half, 0), (px + half * 0.15, 0.2)]),
            mix(rock, stage.sky.zenith, 0.25),
        )
        cap = 0.3
        snow = mix((250, 252, 255), stage.sky.horizon, 0.35)
        pen.raw(
            polygon(
                [
                    (px, tall),
                    (px - half * cap, tall * (1 - cap)),
                    (px - half * cap * 0.4, tall * (1 - cap * 0.8)),
                    (px, tall * (1 - cap * 1.15)),
                    (px + half * cap * 0.5, tall * (1 - cap * 0.78)),
                    (px + half * cap, tall * (1 - cap)),
                ]
            ),
            snow,
        )


def _mountain_back(pen: Pen, stage: Stage) -> None:
    leaf = stage.colour(0, ((76, 122, 96), (96, 132, 84), (70, 108, 104)))
    fix.hills(pen, stage, _snowed(stage, mix(leaf, stage.sky.far, 0.3), 0.6), 0.55, 0.7, 1.5)
    for i, x in stage.along(0.55, 1.0):
        rng = stage.chance("pines", i)
        if rng.random() < 0.7:
            _pine(
                pen,
                x + 0.4 * float(rng.random()),
                0.38,
                0.38 + 0.35 * float(rng.random()),
                _snowed(stage, darker(leaf, 0.1), 0.45),
                (96, 72, 62),
            )


def _mountain_ground(pen: Pen, stage: Stage) -> None:
    grass = _snowed(stage, stage.colour(0, ((118, 150, 96), (136, 156, 88), (112, 140, 112))))
    _meadow(pen, stage, grass, path=None)
    left, right = stage.left - 0.1, stage.right + 0.1
    road: Rgb = _snowed(stage, (112, 114, 124), 0.6)
    pen.rect(left, -0.62, right - left, 0.86, road)
    pen.rect(left, 0.2, right - left, 0.04, (236, 232, 216))
    pen.rect(left, -0.6, right - left, 0.05, (236, 232, 216))
    for _, x in stage.along(1.1):
        pen.rect(x, -0.24, 0.5, 0.045, (244, 206, 108))
    steel: Rgb = (196, 202, 208)
    for _, x in stage.along(1.0):
        pen.rect(x - 0.035, 0.28, 0.07, 0.42, (120, 126, 134))
    pen.rect(left, 0.5, right - left, 0.16, steel)
    pen.rect(left, 0.555, right - left, 0.04, darker(steel, 0.16))
    side = 1.0 if stage.flip("sign") else -1.0
    x = side * 1.3
    pen.rect(x - 0.025, 0.3, 0.05, 1.5, (120, 126, 134))
    sign = stage.colour(1, ((62, 120, 104), (66, 104, 160), (206, 150, 60)))
    pen.rect(x - 0.42, 1.5, 0.84, 0.5, sign, radius=0.04)
    pen.line([(x - 0.2, 1.75), (x + 0.18, 1.75)], 0.04, (250, 248, 240))
    pen.line([(x + 0.08, 1.85), (x + 0.2, 1.75), (x + 0.08, 1.65)], 0.04, (250, 248, 240))


_SKY = {Layer.SKY: fix.sky}

ART = {
    PlaceKind.PARK: PlaceArt(
        layers={**_SKY, Layer.FAR: _park_far, Layer.BACK: _park_back, Layer.GROUND: _park_ground},
        indoor=False,
        roam=14,
    ),
    PlaceKind.FOREST: PlaceArt(
        layers={
            **_SKY,
            Layer.FAR: _forest_far,
            Layer.BACK: _forest_back,
            Layer.GROUND: _forest_ground,
            Layer.FRONT: _forest_front,
        },
        indoor=False,
        roam=14,
    ),
    PlaceKind.BEACH: PlaceArt(
        layers={**_SKY, Layer.FAR: _beach_far, Layer.GROUND: _beach_ground}, indoor=False, roam=14
    ),
    PlaceKind.MOUNTAIN_ROAD: PlaceArt(
        layers={
            **_SKY,
            Layer.FAR: _mountain_far,
            Layer.BACK: _mountain_back,
            Layer.GROUND: _mountain_ground,
        },
        indoor=False,
        roam=14,
    ),
}
