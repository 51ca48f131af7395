"""What does the city look like outside? Street, alley, rooftop."""

from onestory.storyworld.kinds import PlaceKind, Weather
from onestory.storyworld.palette import Rgb, darker, lighter, mix
from onestory.storyworld.pen import Pen, oval, polygon, quad_curve
from onestory.storyworld.places import fixtures as fix
from onestory.storyworld.places.stage import Layer, PlaceArt, Stage

FACADES: tuple[Rgb, ...] = (
    (214, 142, 108),
    (226, 196, 148),
    (152, 172, 178),
    (190, 112, 96),
    (170, 186, 150),
    (222, 176, 130),
    (176, 156, 176),
    (234, 216, 188),
)
AWNINGS: tuple[Rgb, ...] = ((206, 84, 76), (62, 122, 122), (226, 166, 76), (88, 104, 150))
GLASS: Rgb = (112, 142, 162)


def _far(pen: Pen, stage: Stage) -> None:
    fix.skyline(pen, stage, height=2.2, base=0.6)


def _house(pen: Pen, stage: Stage, i: int, x: float, width: float) -> None:
    rng = stage.chance("house", i)
    colour = FACADES[int(rng.integers(len(FACADES)))]
    if stage.place.palette and i % 2 == 0:
        colour = stage.colour(0, FACADES)
    tall = 2.9 + 1.5 * float(rng.random())
    base = 0.3
    box = polygon([(x, base - 1), (x + width, base - 1), (x + width, tall), (x, tall)])
    pen.fade(box, (0, tall), (0, base), [(lighter(colour, 0.06), 1), (darker(colour, 0.1), 1)])
    pen.rect(x - 0.04, tall - 0.02, width + 0.08, 0.12, darker(colour, 0.24))
    pen.rect(x, base + 1.18, width, 0.07, lighter(colour, 0.3))
    lit_odds = 0.55 if stage.lamps_on else 0.0
    count = 3
    for row in range(int((tall - base - 1.5) / 0.72) + 1):
        for column in range(count):
            wx = x + width * (column + 0.5) / count - 0.16
            wy = base + 1.46 + 0.72 * row
            if wy + 0.44 > tall - 0.08:
                continue
            pen.rect(wx - 0.04, wy - 0.04, 0.4, 0.54, lighter(colour, 0.34), radius=0.01)
            fix.lit_window_glow(
                pen, wx, wy, 0.32, 0.46, lit=bool(rng.random() < lit_odds), glass=GLASS
            )
            pen.rect(wx + 0.15, wy, 0.02, 0.46, lighter(colour, 0.34))
            pen.rect(wx - 0.06, wy - 0.07, 0.44, 0.04, lighter(colour, 0.4))
            if rng.random() < 0.3:
                for dx in (0.04, 0.16, 0.28):
                    pen.circle(wx + dx, wy + 0.0, 0.06, (96, 152, 92))
                    pen.circle(wx + dx + 0.02, wy + 0.03, 0.025, (236, 110, 120))
                pen.rect(wx - 0.03, wy - 0.1, 0.38, 0.08, (150, 92, 66), radius=0.01)
    awning = (
        AWNINGS[int(rng.integers(len(AWNINGS)))]
        if len(stage.place.palette) < 2
        else stage.colour(1, AWNINGS)
    )
    if rng.random() < 0.62:
        fix.lit_window_glow(
            pen, x + 0.12, base + 0.3, width * 0.5, 0.72, lit=stage.lamps_on, glass=GLASS
        )
        pen.rect(x + width * 0.66, base - 0.1, 0.42, 1.08, darker(awning, 0.3), radius=0.01)
        fix.lit_window_glow(
            pen, x + width * 0.66 + 0.07, base + 0.42, 0.28, 0.48, lit=stage.lamps_on, glass=GLASS
        )
        stripes = 8
        for k in range(stripes):
            left = x + 0.04 + (width - 0.08) * k / stripes
            right = x + 0.04 + (width - 0.08) * (k + 1) / stripes
            pen.poly(
                [
                    (left + 0.03, base + 1.28),
                    (right + 0.03 - 0.06 * (k == stripes - 1), base + 1.28),
                    (right, base + 1.02),
                    (left, base + 1.02),
                ],
                awning if k % 2 else (250, 242, 226),
            )
            pen.ellipse(
                (left + right) / 2,
                base + 1.02,
                (right - left) / 2,
                0.045,
                awning if k % 2 else (250, 242, 226),
            )
    else:
        pen.rect(x + width / 2 - 0.3, base - 0.1, 0.6, 1.24, lighter(colour, 0.3), radius=0.02)
        pen.rect(x + width / 2 - 0.23, base - 0.1, 0.46, 1.12, darker(awning, 0.16), radius=0.02)
        pen.circle(x + width / 2 + 0.15, base + 0.42, 0.025, (236, 200, 110))
        fix.lit_window_glow(pen, x + 0.14, base + 0.42, 0.3, 0.5, lit=stage.lamps_on, glass=GLASS)
        fix.lit_window_glow(pen, x + width - 0.44, base + 0.42, 0.3, 0.5, lit=False, glass=GLASS)


def _street_back(pen: Pen, stage: Stage) -> None:
    shift = stage.number("shift", -0.8, 0.8)
    for i, x in stage.along(1.72, 2.0):
        _house(pen, stage, i, x + shift, 1.72)


def _street_ground(pen: Pen, stage: Stage) -> None:
    wet = stage.weather is Weather.RAIN
    snow = stage.weather is Weather.SNOW
    walk: Rgb = (186, 180, 176) if not snow else (236, 240, 246)
    road: Rgb = (104, 108, 120) if not snow else (206, 212, 222)
    left, right = stage.left - 0.1, stage.right + 0.1
    pen.rect(left, -0.36, right - left, 0.76, walk)
    pen.rect(left, 0.34, right - left, 0.06, darker(walk, 0.16))
    for _, x in stage.along(0.62, 1.0):
        pen.line([(x * 1.0, 0.34), (x * 1.16, -0.34)], 0.01, darker(walk, 0.14))
    for y in (0.14, -0.1):
        pen.rect(left, y, right - left, 0.008, darker(walk, 0.14))
    pen.rect(left, -0.46, right - left, 0.1, lighter(walk, 0.16))
    pen.rect(left, -0.5, right - left, 0.05, darker(walk, 0.3))
    road_box = polygon(
        [(left, stage.bottom - 1), (right, stage.bottom - 1), (right, -0.49), (left, -0.49)]
    )
    pen.fade(road_box, (0, -0.5), (0, -1.7), [(darker(road, 0.12), 1), (road, 1)])
    for _, x in stage.along(1.3):
        pen.poly(
            [(x, -1.02), (x + 0.62, -1.02), (x + 0.66, -1.1), (x + 0.0, -1.1)],
            (238, 230, 206),
            0.85,
        )
    if wet:
        for i, x in stage.along(0.9):
            rng = stage.chance("puddle", i)
            pen.ellipse(
                x + 0.5 * float(rng.random()),
                -0.2 - 0.5 * float(rng.random()),
                0.3,
                0.035,
                mix(stage.sky.horizon, (120, 150, 190), 0.3),
                0.5,
            )
    for i, x in stage.along(3.1, 1.0):
        _street_lamp(pen, stage, x + 1.5)
        if stage.flip(f"tree-{i}", 0.6):
            _street_tree(pen, stage, x + 0.15, i)


def _street_lamp(pen: Pen, stage: Stage, x: float) -> None:
    iron: Rgb = (58, 66, 78)
    pen.rect(x - 0.05, 0.3, 0.1, 0.22, iron, radius=0.02)
    pen.rect(x - 0.024, 0.3, 0.048, 2.35, iron)
    pen.stroke(quad_curve((x, 2.6), (x, 2.85), (x + 0.3, 2.85)), 0.04, iron)
    pen.poly([(x + 0.2, 2.85), (x + 0.42, 2.85), (x + 0.47, 2.72), (x + 0.15, 2.72)], iron)
    if stage.lamps_on:
        pen.raw(oval(x + 0.31, 2.71, 0.13, 0.04), (255, 240, 190))
        pen.glow(x + 0.31, 2.66, 1.5, (255, 200, 120), 0.55)
        pen.raw(
            polygon([(x + 0.18, 2.7), (x + 0.44, 2.7), (x + 1.2, 0.2), (x - 0.58, 0.2)]),
            (255, 214, 140),
            0.09,
        )
        pen.glow(x + 0.31, 0.16, 1.0, (255, 200, 120), 0.34, squash=0.26)


def _street_tree(pen: Pen, stage: Stage, x: float, i: int) -> None:
    leaf = stage.choose(f"leaf-{i}", ((98, 152, 96), (126, 160, 84), (82, 138, 104)))
    if stage.weather is Weather.SNOW:
        leaf = mix(leaf, (240, 246, 250), 0.7)
    fix.trunk(pen, x, 0.32, 1.3, 0.055, (112, 82, 66))
    for dx, dy, r in (
        (-0.28, 1.75, 0.34),
        (0.28, 1.72, 0.34),
        (0.0, 2.05, 0.42),
        (0.0, 1.68, 0.34),
    ):
        pen.circle(x + dx, dy, r, darker(leaf, 0.12) if dx < 0 else leaf)
    for dx, dy in ((0.1, 2.2), (0.3, 1.85), (-0.1, 1.95)):
        pen.circle(x + dx, dy, 0.12, lighter(leaf, 0.12))


def _alley_back(pen: Pen, stage: Stage) -> None:
    brick = stage.colour(0, ((152, 92, 80), (120, 96, 96), (136, 112, 92), (104, 104, 118)))
    accent = stage.colour(1, AWNINGS)
    base = 0.3
    box = polygon(
        [
            (stage.left, base - 1),
            (stage.right, base - 1),
            (stage.right, stage.top + 0.1),
            (stage.left, stage.top + 0.1),
        ]
    )
    pen.fade(box, (0, 3.4), (0, base), [(darker(brick, 0.22), 1), (brick, 1)])
    for i, x in stage.along(0.3):
        rng = stage.chance("bricks", i)
        for row in range(24):
            if rng.random() < 0.34:
                pen.rect(
                    x + (0.15 if row % 2 else 0),
                    base + 0.04 + 0.14 * row,
                    0.27,
                    0.11,
                    lighter(brick, 0.09) if rng.random() < 0.5 else darker(brick, 0.1),
                    radius=0.008,
                )
    side = 1.0 if stage.flip("side") else -1.0
    x = -side * 1.0
    pen.rect(x - 0.5, base - 0.1, 1.0, 2.1, darker(brick, 0.4))
    pen.rect(x - 0.42, base - 0.1, 0.84, 2.0, darker(accent, 0.36))
    pen.rect(x - 0.2, base + 1.25, 0.4, 0.4, darker(brick, 0.6), radius=0.02)
    pen.circle(x + 0.3, base + 0.9, 0.03, (190, 190, 196))
    pen.rect(x - 0.13, 2.5, 0.26, 0.08, (60, 60, 70), radius=0.02)
    pen.raw(oval(x, 2.47, 0.12, 0.05), (255, 228, 170))
    pen.glow(x, 2.4, 1.7, (255, 180, 90), 0.55 if stage.lamps_on else 0.2)
    for k, wx in enumerate((side * 0.55, side * 1.6)):
        pen.rect(wx - 0.34, 1.74, 0.68, 0.82, darker(brick, 0.3))
        fix.lit_window_glow(
            pen, wx - 0.28, 1.8, 0.56, 0.7, lit=stage.lamps_on and k == 0, glass=darker(GLASS, 0.3)
        )
        for i in range(5):
            pen.rect(wx - 0.28 + 0.14 * i - 0.01, 1.8, 0.02, 0.7, darker(brick, 0.5))
    pen.rect(side * 2.25 - 0.06, base, 0.12, 5.0, (92, 96, 104))
    pen.rect(side * 2.25 - 0.09, 1.6, 0.18, 0.08, (74, 78, 86))
    pen.line([(-3.0, 3.05), (0.0, 2.86), (3.0, 3.05)], 0.014, (50, 46, 56))
    poster = stage.choose("poster", AWNINGS)
    pen.rect(side * 0.1 - 0.2, 1.0, 0.4, 0.56, lighter(poster, 0.55))
    pen.circle(side * 0.1, 1.36, 0.11, poster)
    pen.rect(side * 0.1 - 0.14, 1.1, 0.28, 0.04, darker(poster, 0.3))


def _alley_ground(pen: Pen, stage: Stage) -> None:
    stone: Rgb = (112, 108, 116) if stage.weather is not Weather.SNOW else (214, 220, 230)
    fix.floor(pen, stage, stone, pattern="tile")
    for i, x in stage.along(1.4):
        rng = stage.chance("wet", i)
        pen.ellipse(
            x + float(rng.random()),
            -0.15 - 0.5 * float(rng.random()),
            0.36,
            0.04,
            mix(stage.sky.horizon, stone, 0.5),
            0.5,
        )
    side = 1.0 if stage.flip("side") else -1.0
    x = side * 1.35
    bin_colour = stage.colour(2, ((74, 112, 96), (84, 98, 128), (130, 96, 84)))
    pen.rect(x - 0.42, 0.12, 0.84, 0.78, bin_colour, radius=0.04)
    pen.rect(x - 0.46, 0.86, 0.92, 0.12, darker(bin_colour, 0.2), radius=0.04)
    for dx in (-0.2, 0.05):
        pen.rect(x + dx, 0.2, 0.05, 0.6, darker(bin_colour, 0.14), radius=0.01)
    pen.rect(-side * 2.0 - 0.25, 0.1, 0.5, 0.36, (176, 132, 90), radius=0.01)
    pen.rect(-side * 1.95 - 0.2, 0.46, 0.42, 0.3, (196, 150, 104), radius=0.01)


def _roof_far(pen: Pen, stage: Stage) -> None:
    fix.skyline(pen, stage, height=1.5, base=0.5)


def _roof_back(pen: Pen, stage: Stage) -> None:
    tone = mix((150, 134, 140), stage.sky.far, 0.35)
    for i, x in stage.along(1.15, 1.2):
        rng = stage.chance("roofs", i)
        tall = 0.65 + 0.75 * float(rng.random())
        colour = mix(tone, FACADES[int(rng.integers(len(FACADES)))], 0.4)
        pen.rect(x, -2, 1.05, tall + 2, colour)
        for row in range(3):
            for column in range(4):
                fix.lit_window_glow(
                    pen,
                    x + 0.12 + 0.23 * column,
                    tall - 0.22 - 0.26 * row,
                    0.12,
                    0.15,
                    lit=stage.lamps_on and bool(rng.random() < 0.4),
                    glass=darker(colour, 0.3),
                )
        if rng.random() < 0.4:
            pen.rect(x + 0.3, tall, 0.34, 0.3, darker(colour, 0.2))
            pen.poly(
                [(x + 0.26, tall + 0.3), (x + 0.68, tall + 0.3), (x + 0.47, tall + 0.48)],
                darker(colour, 0.34),
            )


def _roof_ground(pen: Pen, stage: Stage) -> None:
    slab = stage.colour(0, ((176, 162, 156), (150, 154, 164), (186, 164, 140)))
    if stage.weather is Weather.SNOW:
        slab = mix(slab, (244, 247, 250), 0.75)
    left, right = stage.left - 0.1, stage.right + 0.1
    fix.floor(pen, stage, slab, pattern="tile", base=0.5)
    pen.rect(left, 0.46, right - left, 0.5, lighter(slab, 0.08))
    pen.rect(left, 0.46, right - left, 0.1, darker(slab, 0.14))
    pen.rect(left, 0.93, right - left, 0.08, lighter(slab, 0.3))
    side = 1.0 if stage.flip("side") else -1.0
    iron: Rgb = (84, 92, 106)
    for y in (1.14, 1.3):
        pen.rect(left, y, right - left, 0.022, iron)
    for _, x in stage.along(0.8):
        pen.rect(x - 0.015, 1.0, 0.03, 0.32, iron)
    hut = stage.colour(1, FACADES)
    x = side * 1.9
    pen.rect(x - 0.7, 0.42, 1.4, 1.95, hut)
    pen.rect(x - 0.78, 2.3, 1.56, 0.12, darker(hut, 0.3))
    pen.rect(x - side * 0.2 - 0.36, 0.42, 0.72, 1.52, darker(hut, 0.5), radius=0.01)
    pen.circle(x - side * 0.2 + 0.24, 1.15, 0.03, (226, 190, 110))
    pen.raw(oval(x - side * 0.2, 2.1, 0.09, 0.06), (255, 236, 190))
    pen.glow(x - side * 0.2, 2.1, 1.2, (255, 190, 110), 0.5 if stage.lamps_on else 0.1)
    tank = -side * 1.85
    for dx in (-0.3, 0.3):
        pen.rect(tank + dx - 0.03, 0.45, 0.06, 0.9, iron)
    pen.rect(tank - 0.44, 1.3, 0.88, 0.85, fix.WOOD, radius=0.03)
    for i in range(6):
        pen.rect(tank - 0.42 + 0.15 * i, 1.3, 0.014, 0.85, darker(fix.WOOD, 0.24))
    pen.poly([(tank - 0.5, 2.15), (tank + 0.5, 2.15), (tank, 2.48)], darker(fix.WOOD, 0.3))
    pen.line(
        [(left, 2.78), (-1.0, 2.6), (0.0, 2.55), (1.0, 2.6), (right, 2.78)], 0.012, (54, 50, 62)
    )
    for _, lx in stage.along(0.42):
        y = 2.55 + 0.05 * lx * lx if abs(lx) < 2 else 2.75
        lit = stage.lamps_on
        pen.raw(oval(lx, y - 0.06, 0.035, 0.045), (255, 226, 150) if lit else (236, 226, 206))
        if lit:
            pen.glow(lx, y - 0.06, 0.34, (255, 190, 100), 0.5)
    fix.plant(pen, stage, side * 0.95, 0.44, 0.7, "roof")


ART = {
    PlaceKind.STREET: PlaceArt(
        layers={
            Layer.SKY: fix.sky,
            Layer.FAR: _far,
            Layer.BACK: _street_back,
            Layer.GROUND: _street_ground,
        },
        indoor=False,
        roam=14,
    ),
    PlaceKind.ALLEY: PlaceArt(
        layers={Layer.BACK: _alley_back, Layer.GROUND: _alley_ground}, indoor=False, roam=4
    ),
    PlaceKind.ROOFTOP: PlaceArt(
        layers={
            Layer.SKY: fix.sky,
            Layer.FAR: _roof_far,
            Layer.BACK: _roof_back,
            Layer.GROUND: _roof_ground,
        },
        indoor=False,
        roam=3,
    ),
}
