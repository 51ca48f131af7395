"""What stands in many places? Windows, lamps, plants, shelves, skies: the shared furniture."""

import math

from onestory.storyworld.kinds import Light, Weather
from onestory.storyworld.palette import Rgb, darker, lighter, mix
from onestory.storyworld.pen import Pen, limb, oval, polygon, quad_curve
from onestory.storyworld.places.stage import Stage

WOOD: Rgb = (164, 112, 74)
LEAF: Rgb = (88, 146, 94)
WARM: Rgb = (255, 206, 128)
CREAM: Rgb = (246, 238, 222)


def sky(pen: Pen, stage: Stage) -> None:
    """Fill the sky: gradient, sun or moon, stars, clouds."""
    colours, width = stage.sky, stage.right - stage.left
    box = polygon(
        [
            (stage.left, stage.bottom),
            (stage.right, stage.bottom),
            (stage.right, stage.top),
            (stage.left, stage.top),
        ]
    )
    horizon = 0.9
    pen.fade(
        box,
        (0, max(stage.top, horizon + 1.6)),
        (0, horizon),
        [(colours.zenith, 1.0), (colours.middle, 1.0), (colours.horizon, 1.0)],
        graded=False,
    )
    rng = stage.chance("sky")
    if stage.weather is Weather.CLEAR:
        if stage.light is Light.NIGHT:
            for _ in range(70):
                x, y = (
                    stage.left + width * float(rng.random()),
                    horizon + 0.5 + 2.2 * float(rng.random()),
                )
                size = 0.004 + 0.008 * float(rng.random()) ** 3
                pen.raw(oval(x, y, size, size), (236, 240, 255), 0.4 + 0.6 * float(rng.random()))
        side = 1.0 if rng.random() < 0.5 else -1.0
        low = stage.light in (Light.DAWN, Light.DUSK)
        x, y = side * width * 0.22, horizon + (0.42 if low else 1.25)
        radius = 0.2 if low else 0.13
        pen.glow(x, y, radius * 5, colours.orb, 0.55 if low else 0.34)
        pen.raw(oval(x, y, radius, radius), colours.orb)
        if stage.light is Light.NIGHT:
            pen.raw(oval(x + 0.03, y + 0.02, 0.028, 0.024), (222, 214, 190))
            pen.raw(oval(x - 0.04, y - 0.03, 0.02, 0.018), (222, 214, 190))
    count = 3 if stage.weather is Weather.CLEAR else 7
    for _ in range(count):
        x = stage.left + width * float(rng.random())
        y = horizon + 0.55 + 1.2 * float(rng.random())
        cloud(pen, x, y, 0.24 + 0.26 * float(rng.random()), colours.cloud, 0.75)


def cloud(pen: Pen, x: float, y: float, size: float, colour: Rgb, alpha: float) -> None:
    """Float one flat-bottomed cloud."""
    for dx, dy, r in ((-0.9, 0.0, 0.34), (-0.4, 0.16, 0.5), (0.2, 0.22, 0.56), (0.75, 0.04, 0.4)):
        with pen.clipped(
            polygon(
                [(x - 3, y - 0.12 * size), (x + 3, y - 0.12 * size), (x + 3, y + 3), (x - 3, y + 3)]
            )
        ):
            pen.raw(oval(x + dx * size, y + dy * size, r * size * 1.25, r * size), colour, alpha)


def skyline(pen: Pen, stage: Stage, *, height: float = 1.6, base: float = 0.2) -> None:
    """Stand a city in the distance, with lit windows when it is dark."""
    tone = stage.sky.far
    for i, x in stage.along(0.42):
        rng = stage.chance("skyline", i)
        tall = base + height * (0.35 + 0.65 * float(rng.random()))
        wide = 0.34 + 0.2 * float(rng.random())
        colour = mix(tone, stage.sky.zenith, 0.25 * float(rng.random()))
        pen.raw(
            polygon([(x, stage.bottom), (x + wide, stage.bottom), (x + wide, tall), (x, tall)]),
            colour,
        )
        if rng.random() < 0.3:
            pen.raw(
                polygon(
                    [
                        (x + wide / 2 - 0.01, tall),
                        (x + wide / 2 + 0.01, tall),
                        (x + wide / 2, tall + 0.25),
                    ]
                ),
                colour,
            )
        glow = stage.lamps_on
        for row in range(int((tall - base) / 0.13)):
            for column in range(3):
                lit = rng.random() < (0.45 if glow else 0.5)
                if not lit:
                    continue
                pane = oval(
                    x + wide * (0.25 + 0.25 * column), tall - 0.09 - 0.13 * row, 0.024, 0.032
                )
                pen.raw(pane, WARM if glow else lighter(colour, 0.25), 0.9 if glow else 0.7)


def hills(
    pen: Pen, stage: Stage, colour: Rgb, base: float, height: float, step: float = 1.3
) -> None:
    """Roll hills along the horizon."""
    points = [(stage.left - 2, stage.bottom - 1)]
    for i, x in stage.along(step, 2 * step):
        rng = stage.chance("hills", height, i)
        points.append(
            (x, base + height * (0.3 + 0.7 * float(rng.random())) * (1 if i % 2 else 0.55))
        )
    points.append((stage.right + 2, stage.bottom - 1))
    pen.blob(points, colour, tension=0.5)


def view_outside(pen: Pen, stage: Stage) -> None:
    """Show what windows look onto: a city, or trees, by instance."""
    if stage.flip("city view", 0.6):
        skyline(pen, stage, height=1.3, base=0.5)
        return
    tone = mix(stage.sky.far, (70, 120, 90), 0.45 if stage.light is Light.DAY else 0.2)
    for i, x in stage.along(0.35):
        rng = stage.chance("treetops", i)
        radius = 0.26 + 0.16 * float(rng.random())
        y = 0.8 + 0.5 * float(rng.random())
        pen.raw(
            oval(x, y, radius, radius * 1.2), mix(tone, stage.sky.far, 0.5 * float(rng.random()))
        )
        pen.raw(
            polygon([(x - radius, y), (x + radius, y), (x + radius, -2), (x - radius, -2)]), tone
        )


def wall(
    pen: Pen, stage: Stage, colour: Rgb, *, wainscot: Rgb | None = None, base: float = 0.3
) -> None:
    """Raise the back wall down to its skirting board."""
    left, width = stage.left - 0.1, stage.right - stage.left + 0.2
    box = polygon(
        [
            (left, base),
            (left + width, base),
            (left + width, stage.top + 0.1),
            (left, stage.top + 0.1),
        ]
    )
    pen.fade(
        box,
        (0, 3.2),
        (0, base),
        [(darker(colour, 0.1), 1.0), (colour, 1.0), (lighter(colour, 0.08), 1.0)],
    )
    if stage.flip("wallpaper", 0.34) and wainscot is None:
        for _, x in stage.along(0.36):
            pen.rect(x, base, 0.16, 4.0, lighter(colour, 0.1), alpha=0.6)
    if wainscot is not None:
        pen.rect(left, base, width, 0.86, wainscot)
        pen.rect(left, base + 0.86, width, 0.05, lighter(wainscot, 0.2))
        for _, x in stage.along(0.6):
            pen.rect(x + 0.06, base + 0.16, 0.48, 0.56, darker(wainscot, 0.07), radius=0.02)
    pen.rect(left, base, width, 0.1, lighter(colour, 0.4))
    pen.rect(left, base + 0.1, width, 0.012, darker(colour, 0.14))
    pen.rect(left, base - 2, width, 2.0, darker(colour, 0.3))


def floor(
    pen: Pen, stage: Stage, colour: Rgb, *, pattern: str = "plank", base: float = 0.3
) -> None:
    """Lay the floor from the wall to the camera, in perspective."""
    left, right, bottom = stage.left - 0.1, stage.right + 0.1, min(stage.bottom, -0.2) - 0.1
    box = polygon([(left, bottom), (right, bottom), (right, base), (left, base)])
    pen.fade(
        box,
        (0, base),
        (0, -1.2),
        [(darker(colour, 0.14), 1.0), (colour, 1.0), (lighter(colour, 0.06), 1.0)],
    )
    line = darker(colour, 0.12)
    depths = [base - 0.07 * 1.55**k for k in range(9)]
    if pattern in ("plank", "tile"):
        for y in depths:
            if y > bottom:
                pen.rect(left, y, right - left, 0.008, line)
    with pen.clipped(box):
        for i, x in stage.along(0.5 if pattern == "tile" else 0.9, 3.0):
            if pattern in ("plank", "tile"):
                pen.line([(x, base), (x * 3.2, base - 3.3)], 0.008, line)
            if pattern == "tile" and i % 2:
                for k in range(0, 8, 2):
                    y0, y1 = (base if not k else depths[k - 1]), depths[k]
                    f0, f1 = 1 + (base - y0) * 0.667, 1 + (base - y1) * 0.667
                    pen.poly(
                        [(x * f0, y0), ((x + 0.5) * f0, y0), ((x + 0.5) * f1, y1), (x * f1, y1)],
                        line,
                        0.45,
                    )
    pen.fade(
        polygon([(left, base - 0.16), (right, base - 0.16), (right, base), (left, base)]),
        (0, base),
        (0, base - 0.16),
        [((30, 20, 50), 0.22), ((30, 20, 50), 0.0)],
    )


def rug(pen: Pen, x: float, width: float, colour: Rgb) -> None:
    """Spread a rug under the people."""
    pen.ellipse(x, -0.06, width / 2, 0.24, darker(colour, 0.14))
    pen.ellipse(x, -0.05, width / 2 * 0.93, 0.205, colour)
    pen.ellipse(x, -0.05, width / 2 * 0.72, 0.15, lighter(colour, 0.2))
    pen.ellipse(x, -0.05, width / 2 * 0.66, 0.135, colour)


def window(
    pen: Pen,
    stage: Stage,
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    frame: Rgb = CREAM,
    curtain: Rgb | None = None,
    panes: int = 2,
) -> None:
    """Cut a window into the wall, with frame, glass and maybe curtains."""
    pen.rect(x - 0.06, y - 0.06, width + 0.12, height + 0.12, frame, radius=0.015)
    hole = polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    pen.cut(hole)
    if stage.light is Light.NIGHT:
        pen.raw(hole, (30, 40, 84), 0.3)
    for i in range(1, panes):
        pen.rect(x + width * i / panes - 0.016, y, 0.032, height, frame)
    pen.rect(x, y + height * 0.62, width, 0.03, frame)
    pen.poly(
        [
            (x + width * 0.1, y),
            (x + width * 0.24, y),
            (x + width * 0.48, y + height),
            (x + width * 0.34, y + height),
        ],
        (255, 255, 255),
        0.12,
    )
    pen.rect(x - 0.1, y - 0.1, width + 0.2, 0.06, lighter(frame, 0.2), radius=0.01)
    pen.rect(x - 0.1, y - 0.115, width + 0.2, 0.02, darker(frame, 0.2))
    if curtain is not None:
        pen.rect(x - 0.26, y + height + 0.1, width + 0.52, 0.035, darker(WOOD, 0.2), radius=0.015)
        for side in (-1.0, 1.0):
            cx = x + width / 2 + side * (width / 2 + 0.08)
            pen.blob(
                [
                    (cx - 0.2, y + height + 0.1),
                    (cx + 0.2, y + height + 0.1),
                    (cx + 0.13 + 0.04 * side, y + height * 0.4),
                    (cx + 0.2, y - 0.2),
                    (cx - 0.2, y - 0.2),
                    (cx - 0.13 + 0.04 * side, y + height * 0.4),
                ],
                curtain,
                tension=0.3,
            )
            for fold in (-0.07, 0.06):
                pen.stroke(
                    quad_curve(
                        (cx + fold, y + height + 0.06),
                        (cx + fold * 0.6, y + height * 0.4),
                        (cx + fold * 1.2, y - 0.18),
                    ),
                    0.016,
                    darker(curtain, 0.14),
                )
    if stage.light is not Light.NIGHT:
        tint = {Light.DAY: (255, 250, 226), Light.DAWN: (255, 206, 170)}.get(
            stage.light, (255, 160, 100)
        )
        pen.glow(x + width / 2, y + height / 2, max(width, height) * 0.95, tint, 0.2)


def lamp(pen: Pen, stage: Stage, x: float, y: float, colour: Rgb, *, length: float = 0.6) -> None:
    """Hang a lamp from the ceiling."""
    pen.line([(x, y + length + 3), (x, y)], 0.014, (60, 54, 66))
    pen.blob(
        [(x - 0.05, y + 0.02), (x + 0.05, y + 0.02), (x + 0.2, y - 0.17), (x - 0.2, y - 0.17)],
        colour,
        tension=0.25,
    )
    if stage.lamps_on:
        pen.raw(oval(x, y - 0.17, 0.13, 0.035), (255, 238, 190))
        pen.glow(x, y - 0.25, 1.5, (255, 190, 110), 0.38)
        pen.raw(
            polygon(
                [(x - 0.17, y - 0.18), (x + 0.17, y - 0.18), (x + 0.9, y - 2.6), (x - 0.9, y - 2.6)]
            ),
            (255, 210, 140),
            0.05,
        )
    else:
        pen.ellipse(x, y - 0.17, 0.16, 0.03, (250, 240, 214))


def floor_lamp(pen: Pen, stage: Stage, x: float, base: float, colour: Rgb) -> None:
    """Stand a lamp on the floor."""
    pen.rect(x - 0.015, base, 0.03, 1.4, (74, 62, 70))
    pen.ellipse(x, base + 0.01, 0.15, 0.035, (74, 62, 70))
    pen.poly(
        [
            (x - 0.12, base + 1.68),
            (x + 0.12, base + 1.68),
            (x + 0.22, base + 1.34),
            (x - 0.22, base + 1.34),
        ],
        colour,
    )
    if stage.lamps_on:
        pen.raw(
            polygon(
                [
                    (x - 0.12, base + 1.68),
                    (x + 0.12, base + 1.68),
                    (x + 0.22, base + 1.34),
                    (x - 0.22, base + 1.34),
                ]
            ),
            (255, 226, 160),
            0.8,
        )
        pen.glow(x, base + 1.45, 1.35, (255, 190, 110), 0.5)


def plant(pen: Pen, stage: Stage, x: float, y: float, size: float, name: str) -> None:
    """Put a plant in a pot; its kind goes by the name."""
    pot = stage.choose(
        f"pot-{name}", ((202, 112, 80), (236, 228, 212), (74, 96, 120), (222, 168, 82))
    )
    kind = int(stage.chance("plant", name).integers(3))
    leaf = stage.choose(f"leaf-{name}", (LEAF, (64, 122, 92), (122, 160, 88)))
    top = y + 0.24 * size
    if kind == 0:
        for angle in (-0.9, -0.5, -0.15, 0.2, 0.55, 0.95):
            tip = (x + math.sin(angle) * size * 0.62, top + math.cos(angle) * size * 0.72)
            side = (
                x + math.sin(angle - 0.22) * size * 0.36,
                top + math.cos(angle - 0.22) * size * 0.36,
            )
            other = (
                x + math.sin(angle + 0.22) * size * 0.36,
                top + math.cos(angle + 0.22) * size * 0.36,
            )
            pen.blob([(x, top), side, tip, other], leaf if angle < 0.1 else darker(leaf, 0.12))
    elif kind == 1:
        for dx, dy, r in ((-0.2, 0.26, 0.2), (0.2, 0.3, 0.2), (0.0, 0.5, 0.24), (0.0, 0.22, 0.2)):
            pen.circle(
                x + dx * size, top + dy * size, r * size, leaf if dy != 0.3 else darker(leaf, 0.12)
            )
    else:
        for i, dx in enumerate((-0.16, -0.06, 0.05, 0.15)):
            tall = size * (0.55 + 0.12 * ((i * 7) % 3))
            pen.blob(
                [
                    (x + dx * size * 0.5 - 0.02, top),
                    (x + dx * size, top + tall * 0.6),
                    (x + dx * 1.6 * size, top + tall),
                    (x + dx * size + 0.05, top + tall * 0.5),
                    (x + dx * size * 0.5 + 0.03, top),
                ],
                leaf if i % 2 else darker(leaf, 0.14),
            )
    pen.poly(
        [
            (x - 0.17 * size, top),
            (x + 0.17 * size, top),
            (x + 0.12 * size, y),
            (x - 0.12 * size, y),
        ],
        pot,
    )
    pen.rect(
        x - 0.185 * size,
        top - 0.03 * size,
        0.37 * size,
        0.07 * size,
        lighter(pot, 0.14),
        radius=0.01,
    )


def picture(
    pen: Pen, stage: Stage, x: float, y: float, width: float, height: float, name: str
) -> None:
    """Hang a picture on the wall."""
    rng = stage.chance("picture", name)
    frame = stage.choose(
        f"frame-{name}", (darker(WOOD, 0.3), (238, 230, 214), (58, 56, 68), (212, 170, 84))
    )
    ground = stage.choose(
        f"art-{name}", ((238, 206, 162), (150, 190, 204), (224, 142, 116), (190, 206, 166))
    )
    pen.rect(x - 0.012, y - 0.03, width + 0.024, height, (30, 24, 40), alpha=0.14)
    pen.rect(x, y, width, height, frame, radius=0.008)
    pen.rect(x + 0.03, y + 0.03, width - 0.06, height - 0.06, (250, 246, 236))
    inner = polygon(
        [
            (x + 0.06, y + 0.06),
            (x + width - 0.06, y + 0.06),
            (x + width - 0.06, y + height - 0.06),
            (x + 0.06, y + height - 0.06),
        ]
    )
    pen.fill(inner, ground)
    with pen.clipped(inner):
        if rng.random() < 0.5:
            pen.circle(
                x + width * 0.64, y + height * 0.64, min(width, height) * 0.16, (250, 232, 180)
            )
            pen.blob(
                [
                    (x - 0.2, y),
                    (x + width * 0.3, y + height * 0.5),
                    (x + width * 0.6, y + height * 0.3),
                    (x + width + 0.2, y + height * 0.55),
                    (x + width, y - 0.3),
                ],
                darker(ground, 0.34),
            )
        else:
            pen.circle(
                x + width * 0.4, y + height * 0.5, min(width, height) * 0.24, darker(ground, 0.34)
            )
            pen.rect(x + width * 0.5, y + height * 0.2, width * 0.3, height * 0.4, (222, 92, 78))


def shelf(
    pen: Pen,
    stage: Stage,
    x: float,
    y: float,
    width: float,
    rows: int,
    name: str,
    wood: Rgb,
    *,
    gap: float = 0.36,
    back: bool = True,
) -> None:
    """Stand shelves of books and things, `rows` high."""
    rng = stage.chance("shelf", name)
    height = rows * gap + 0.06
    if back:
        pen.rect(x, y, width, height, darker(wood, 0.34), radius=0.01)
    for row in range(rows):
        low = y + 0.05 + row * gap
        at = x + 0.06
        while at < x + width - 0.12:
            dice = rng.random()
            if dice < 0.74:
                for _ in range(int(rng.integers(2, 5))):
                    wide, tall = (
                        0.03 + 0.025 * float(rng.random()),
                        gap * (0.5 + 0.25 * float(rng.random())),
                    )
                    if at + wide > x + width - 0.05:
                        break
                    colour = _BOOKS[int(rng.integers(len(_BOOKS)))]
                    pen.rect(at, low, wide, tall, colour, radius=0.004)
                    pen.rect(at, low + tall * 0.7, wide, 0.014, lighter(colour, 0.4))
                    at += wide + 0.003
            elif dice < 0.87:
                pen.ellipse(at + 0.07, low + 0.07, 0.055, 0.07, (226, 190, 140))
                pen.rect(at + 0.045, low + 0.12, 0.05, 0.06, (226, 190, 140))
                at += 0.16
            at += 0.04 + 0.05 * float(rng.random())
        pen.rect(x, low - 0.04, width, 0.04, wood)
    if back:
        pen.rect(x - 0.03, y, 0.04, height + 0.02, wood)
        pen.rect(x + width - 0.01, y, 0.04, height + 0.02, wood)
        pen.rect(x - 0.03, y + height, width + 0.06, 0.045, lighter(wood, 0.1), radius=0.008)


_BOOKS: tuple[Rgb, ...] = (
    (196, 78, 70),
    (222, 164, 84),
    (84, 130, 148),
    (92, 138, 104),
    (232, 220, 196),
    (112, 84, 128),
    (62, 78, 116),
)


def front_plant(pen: Pen, stage: Stage) -> None:
    """Let a plant, out of focus, hold one edge of the frame."""
    if not stage.flip("front plant", 0.5):
        return
    side = -1.0 if stage.flip("front side") else 1.0
    x = side * max(1.2, (stage.right - stage.left) / 2 + 0.1)
    leaf = mix(LEAF, (30, 40, 60), 0.5)
    for angle in (-0.9, -0.5, -0.1, 0.3, 0.8):
        tip = (x + math.sin(angle - side * 0.3) * 0.72, 0.15 + math.cos(angle) * 0.8)
        pen.blob(
            [
                (x - 0.05, -0.3),
                (x + math.sin(angle - 0.2) * 0.4, 0.2),
                tip,
                (x + math.sin(angle + 0.16) * 0.4, 0.16),
            ],
            leaf,
        )


def lit_window_glow(
    pen: Pen, x: float, y: float, width: float, height: float, *, lit: bool, glass: Rgb
) -> None:
    """Fill one window of a house seen from outside."""
    pane = polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    if lit:
        pen.raw(pane, WARM)
        pen.raw(
            polygon(
                [(x, y), (x + width, y), (x + width, y + height * 0.45), (x, y + height * 0.45)]
            ),
            (250, 176, 98),
            0.6,
        )
        pen.glow(x + width / 2, y + height / 2, max(width, height) * 1.3, (255, 190, 110), 0.3)
    else:
        pen.fill(pane, glass)
        pen.poly(
            [(x, y), (x + width * 0.5, y), (x + width, y + height), (x + width * 0.5, y + height)],
            lighter(glass, 0.3),
            0.5,
        )


def trunk(pen: Pen, x: float, y: float, height: float, width: float, colour: Rgb) -> None:
    """Grow a bare trunk."""
    pen.fill(
        limb(
            [
                (x, y, width),
                (x + width * 0.2, y + height * 0.6, width * 0.7),
                (x, y + height, width * 0.5),
            ]
        ),
        colour,
    )
