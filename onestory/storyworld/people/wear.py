"""What is worn besides clothes? On the head, in head units; on the body, in metres."""

from onestory.storyworld.kinds import Accessory, Part
from onestory.storyworld.look import Look
from onestory.storyworld.palette import PALETTE, Rgb, darker, lighter
from onestory.storyworld.pen import Pen, blob, oval, quad_curve
from onestory.storyworld.people.body import Body
from onestory.storyworld.people.pose import Pose

HATS = frozenset({Accessory.HAT, Accessory.CAP, Accessory.BEANIE})
INK: Rgb = (46, 40, 54)


def draw_beard(pen: Pen, look: Look, yaw: float, nod: float) -> None:
    """Draw beard and moustache, in the colour of the hair, under the mouth's own lines."""
    hair = PALETTE[look.hair_colour]
    x, y = 0.4 * yaw, 0.2 * nod
    pen.part(Part.ACCESSORY)
    if Accessory.BEARD in look.accessories:
        push = 0.13 * yaw
        outer = [
            (-0.83, 0.02),
            (-0.76 + push, -0.5),
            (-0.4 + push, -0.98),
            (push, -1.12),
            (0.4 + push, -0.98),
            (0.76 + push, -0.5),
            (0.83, 0.02),
        ]
        inner = [
            (0.7 + 0.12 * yaw, -0.36),
            (0.42 + x * 0.8, -0.5 + y),
            (x + 0.2, -0.37 + y),
            (x - 0.2, -0.37 + y),
            (-0.42 + x * 0.8, -0.5 + y),
            (-0.7 + 0.12 * yaw, -0.36),
        ]
        pen.blob([*outer, *inner], hair, tension=0.4)
    if Accessory.MOUSTACHE in look.accessories:
        pen.blob(
            [
                (x, -0.33 + y),
                (x + 0.22, -0.38 + y),
                (x + 0.4, -0.5 + y),
                (x + 0.2, -0.49 + y),
                (x, -0.44 + y),
                (x - 0.2, -0.49 + y),
                (x - 0.4, -0.5 + y),
                (x - 0.22, -0.38 + y),
            ],
            darker(hair, 0.1),
        )


def draw_headwear(pen: Pen, look: Look, yaw: float, nod: float, *, away: bool) -> None:
    """Draw what sits on head, ears and eyes."""
    colour = PALETTE[look.accessory_colour]
    worn = look.accessories
    pen.part(Part.ACCESSORY)
    if not away:
        if Accessory.GLASSES in worn:
            _glasses(pen, yaw, nod, INK, (210, 232, 244), 0.24)
        if Accessory.SUNGLASSES in worn:
            _glasses(pen, yaw, nod, INK, (36, 36, 48), 0.94)
        if Accessory.EARRINGS in worn:
            for side in (-1.0, 1.0):
                if side * yaw < 0.28:
                    pen.circle(side * (0.86 - 0.1 * abs(yaw)), -0.36, 0.07, (240, 204, 96))
                    pen.circle(side * (0.86 - 0.1 * abs(yaw)), -0.48, 0.09, colour)
    if Accessory.FLOWER_CLIP in worn:
        for dx, dy in ((0.13, 0), (-0.13, 0), (0, 0.13), (0, -0.13)):
            pen.circle(-0.66 + 0.3 * yaw + dx, 0.58 + dy, 0.12, colour)
        pen.circle(-0.66 + 0.3 * yaw, 0.58, 0.09, (250, 224, 120))
    if Accessory.BEANIE in worn:
        shape = blob(
            [
                (-0.94, 0.34),
                (-0.88, 0.82),
                (-0.4, 1.26),
                (0.4, 1.26),
                (0.88, 0.82),
                (0.94, 0.34),
                (0, 0.46),
            ],
            0.46,
        )
        pen.fill(shape, colour)
        pen.blob(
            [(-0.98, 0.24), (0, 0.38), (0.98, 0.24), (0.98, 0.52), (0, 0.66), (-0.98, 0.52)],
            darker(colour, 0.16),
            tension=0.3,
        )
        pen.circle(0, 1.34, 0.2, lighter(colour, 0.3))
    if Accessory.CAP in worn:
        pen.blob(
            [
                (-0.93, 0.36),
                (-0.86, 0.82),
                (-0.4, 1.2),
                (0.4, 1.2),
                (0.86, 0.82),
                (0.93, 0.36),
                (0, 0.5),
            ],
            colour,
            tension=0.46,
        )
        pen.stroke(
            quad_curve((-0.1, 1.2), (0.1 * yaw, 0.8), (0.06 + 0.3 * yaw, 0.46)),
            0.03,
            darker(colour, 0.2),
        )
        if not away:
            x = 0.62 * yaw
            pen.blob(
                [
                    (x - 0.72, 0.36),
                    (x, 0.5),
                    (x + 0.78, 0.36),
                    (x + 0.66 + 0.2 * yaw, 0.2),
                    (x + 0.1, 0.26),
                    (x - 0.6, 0.22),
                ],
                darker(colour, 0.2),
            )
    if Accessory.HAT in worn:
        pen.blob(
            [
                (-0.84, 0.5),
                (-0.76, 1.2),
                (-0.3, 1.36),
                (0.0, 1.28),
                (0.34, 1.36),
                (0.76, 1.2),
                (0.84, 0.5),
            ],
            colour,
            tension=0.4,
        )
        pen.poly([(-0.86, 0.46), (0.86, 0.46), (0.82, 0.68), (-0.82, 0.68)], darker(colour, 0.4))
        pen.blob(
            [(-1.4, 0.46), (0, 0.36), (1.4, 0.46), (1.3, 0.58), (0, 0.5), (-1.3, 0.58)],
            darker(colour, 0.14),
            tension=0.4,
        )
    if Accessory.HEADPHONES in worn:
        pen.stroke(quad_curve((-0.94, -0.02), (-0.95, 1.2), (0, 1.2)), 0.1, INK)
        pen.stroke(quad_curve((0, 1.2), (0.95, 1.2), (0.94, -0.02)), 0.1, INK)
        for side in (-1.0, 1.0):
            if side * yaw < 0.4 or away:
                pen.ellipse(side * 0.92, -0.08, 0.17, 0.26, colour)
                pen.ellipse(side * 0.92, -0.08, 0.09, 0.15, darker(colour, 0.3))


def _glasses(pen: Pen, yaw: float, nod: float, frame: Rgb, lens: Rgb, alpha: float) -> None:
    x, y = 0.4 * yaw, -0.07 + 0.2 * nod
    for side in (-1.0, 1.0):
        narrow = 1 - 0.3 * max(0.0, side * yaw)
        cx = x + side * 0.35 * (1 - 0.2 * abs(yaw))
        shape = oval(cx, y - 0.02, 0.235 * narrow, 0.225)
        pen.fill(shape, lens, alpha)
        pen.stroke(shape, 0.05, frame)
    pen.line([(x - 0.1, y + 0.02), (x + 0.1, y + 0.02)], 0.05, frame)
    if yaw > 0.15:
        pen.line([(x - 0.55, y + 0.02), (-0.8, y + 0.05)], 0.05, frame)
    elif yaw < -0.15:
        pen.line([(x + 0.55, y + 0.02), (0.8, y + 0.05)], 0.05, frame)


def draw_bodywear(pen: Pen, look: Look, body: Body, pose: Pose) -> None:
    """Draw what is worn over the top, in the frame of the hips."""
    colour, worn = PALETTE[look.accessory_colour], look.accessories
    long, h = body.torso, body.height
    x = body.shoulder * 0.5 * pose.turn
    pen.part(Part.ACCESSORY)
    if Accessory.TIE in worn and not pose.away:
        pen.poly(
            [
                (x * 0.7 - 0.018, long * 0.98),
                (x * 0.7 + 0.018, long * 0.98),
                (x * 0.75 + 0.012, long * 0.91),
                (x * 0.75 - 0.012, long * 0.91),
            ],
            darker(colour, 0.2),
        )
        pen.poly(
            [
                (x * 0.75 - 0.013, long * 0.91),
                (x * 0.75 + 0.013, long * 0.91),
                (x + 0.03, long * 0.42),
                (x, long * 0.34),
                (x - 0.03, long * 0.42),
            ],
            colour,
        )
    if Accessory.SHOULDER_BAG in worn:
        dark = darker(colour, 0.24)
        pen.line([(body.shoulder * 0.5, long * 1.0), (-body.shoulder * 0.9, 0.02 * h)], 0.02, dark)
        pen.rect(-body.shoulder * 1.35, -0.1 * h, 0.13 * h, 0.11 * h, colour, radius=0.02)
        pen.rect(-body.shoulder * 1.35, -0.035 * h, 0.13 * h, 0.045 * h, dark, radius=0.015)
    if Accessory.BACKPACK in worn:
        if pose.away:
            pen.rect(
                -body.shoulder * 0.8,
                long * 0.12,
                body.shoulder * 1.6,
                long * 0.8,
                colour,
                radius=0.05,
            )
            pen.rect(
                -body.shoulder * 0.55,
                long * 0.2,
                body.shoulder * 1.1,
                long * 0.3,
                darker(colour, 0.18),
                radius=0.03,
            )
        else:
            for side in (-1.0, 1.0):
                sx = x * 0.8 + side * body.shoulder * 0.62
                pen.line(
                    [(sx * 0.9, long * 1.02), (sx, long * 0.8), (sx * 1.02, long * 0.36)],
                    0.028,
                    darker(colour, 0.1),
                )
    if Accessory.NECKLACE in worn and not pose.away:
        pen.stroke(
            quad_curve(
                (x * 0.5 - 0.055, long * 1.01),
                (x * 0.6, long * 0.76),
                (x * 0.5 + 0.055, long * 1.01),
            ),
            0.009,
            (240, 204, 96),
        )
        pen.circle(x * 0.56, long * 0.875, 0.014, colour)


def draw_pack_behind(pen: Pen, look: Look, body: Body, pose: Pose) -> None:
    """Draw the part of a backpack that shows behind the torso."""
    if Accessory.BACKPACK not in look.accessories or pose.away:
        return
    colour, long = PALETTE[look.accessory_colour], body.torso
    pen.part(Part.ACCESSORY)
    left = -body.shoulder * (0.9 + 0.65 * pose.turn)
    pen.rect(left, long * 0.16, body.shoulder * 1.5, long * 0.82, darker(colour, 0.12), radius=0.05)


def draw_scarf(pen: Pen, look: Look, body: Body, pose: Pose) -> None:
    """Draw a scarf round the neck, in the frame of the hips."""
    if Accessory.SCARF not in look.accessories:
        return
    colour, long, head = PALETTE[look.accessory_colour], body.torso, body.head
    x = body.shoulder * 0.3 * pose.turn
    pen.part(Part.ACCESSORY)
    if not pose.away:
        pen.poly(
            [
                (x - head * 0.02, long),
                (x + head * 0.2, long),
                (x + head * 0.26, long * 0.52),
                (x + head * 0.04, long * 0.5),
            ],
            darker(colour, 0.12),
        )
    pen.blob(
        [
            (x - head * 0.42, long * 1.03),
            (x, long * 1.1),
            (x + head * 0.42, long * 1.03),
            (x + head * 0.34, long * 0.92),
            (x, long * 0.86),
            (x - head * 0.36, long * 0.92),
        ],
        colour,
    )
    pen.stroke(
        quad_curve((x - head * 0.3, long * 0.98), (x, long * 0.9), (x + head * 0.34, long * 1.0)),
        0.012,
        darker(colour, 0.18),
    )
