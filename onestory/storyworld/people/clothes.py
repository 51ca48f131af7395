"""
How is a body dressed? Torso, sleeves, legs and shoes, drawn along the joints of a skeleton.
"""

import math

from onestory.storyworld.kinds import BottomKind, Part, TopKind
from onestory.storyworld.look import Look
from onestory.storyworld.palette import PALETTE, Rgb, darker, lighter, luma, mix
from onestory.storyworld.pen import Pen, Point, Shape, blob, limb, quad_curve
from onestory.storyworld.people.body import Body
from onestory.storyworld.people.pose import Pose, Skeleton

SHORT_SLEEVES = frozenset({TopKind.T_SHIRT, TopKind.DRESS, TopKind.APRON})
"""Tops whose sleeves end above the elbow."""

COATS = frozenset({TopKind.COAT})


def draw_leg(
    pen: Pen,
    look: Look,
    body: Body,
    hip: Point,
    knee: Point,
    ankle: Point,
    pitch: float,
    turn: float,
    *,
    far: bool,
) -> None:
    """Draw one leg in whatever covers it, and its shoe."""
    girth = body.leg_girth
    bottom = PALETTE[look.bottom_colour]
    skin = PALETTE[look.skin]
    shade = 0.17 if far else 0.0
    bare = look.top is TopKind.DRESS or look.bottom in (
        BottomKind.SHORTS,
        BottomKind.SKIRT,
        BottomKind.LONG_SKIRT,
    )
    _shoe(pen, look, body, ankle, pitch, turn, shade)
    if bare:
        pen.part(Part.SKIN)
        pen.fill(
            limb([(*hip, girth * 0.9), (*knee, girth * 0.68), (*ankle, girth * 0.4)]),
            darker(skin, shade),
        )
    if look.top is TopKind.DRESS:
        return
    pen.part(Part.BOTTOM)
    colour = darker(bottom, shade)
    if look.bottom is BottomKind.SHORTS:
        middle = (hip[0] + (knee[0] - hip[0]) * 0.9, hip[1] + (knee[1] - hip[1]) * 0.9)
        pen.fill(limb([(*hip, girth * 1.06), (*middle, girth * 0.92)]), colour)
    elif not bare:
        loose = 0.62 if look.bottom is BottomKind.TROUSERS else 0.54
        end = (ankle[0], ankle[1] - body.ankle * 0.1)
        pen.fill(limb([(*hip, girth), (*knee, girth * 0.78), (*end, girth * loose)]), colour)
        if look.bottom is BottomKind.JEANS:
            _cuff(pen, knee, end, girth * loose, lighter(colour, 0.24))


def _cuff(pen: Pen, start: Point, end: Point, radius: float, colour: Rgb) -> None:
    """Turn up the end of a trouser leg."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    with pen.placed(*end, angle=angle):
        pen.rect(
            -radius * 0.25,
            -radius * 1.08,
            radius * 0.85,
            radius * 2.16,
            colour,
            radius=radius * 0.25,
        )


def _shoe(
    pen: Pen, look: Look, body: Body, ankle: Point, pitch: float, turn: float, shade: float
) -> None:
    colour = darker(PALETTE[look.shoes_colour], shade)
    length = body.height * (0.07 + 0.055 * turn)
    height = body.ankle
    back = -body.height * (0.028 + 0.006 * (1 - turn))
    pen.part(Part.SHOES)
    with pen.placed(ankle[0], ankle[1], angle=pitch):
        pen.blob(
            [
                (back, height * 0.25),
                (-back * 0.9, height * 0.3),
                (length * 0.55, -height * 0.35),
                (length, -height * 0.72),
                (length * 0.9, -height),
                (back, -height),
                (back * 1.25, -height * 0.5),
            ],
            colour,
        )
        sole = darker(colour, 0.35) if luma(colour) > 70 else lighter(colour, 0.5)
        pen.rect(
            back * 1.1, -height * 1.06, length - back * 1.1, height * 0.2, sole, radius=height * 0.1
        )


def draw_skirt(pen: Pen, look: Look, body: Body, bones: Skeleton, pose: Pose) -> None:
    """Draw what hangs from the hips and spans both legs: skirts, dresses, coat tails."""
    h = body.height
    is_dress, is_coat = look.top is TopKind.DRESS, look.top in COATS
    has_skirt = not is_dress and look.bottom in (BottomKind.SKIRT, BottomKind.LONG_SKIRT)
    if has_skirt:
        pen.part(Part.BOTTOM)
        length = 0.86 if look.bottom is BottomKind.SKIRT else 1.62
        _hang(pen, PALETTE[look.bottom_colour], body, bones, length, 0.036 * h, pose.turn)
    if is_dress or is_coat:
        pen.part(Part.TOP)
        length = 1.12 if is_dress else 0.98
        _hang(
            pen,
            PALETTE[look.top_colour],
            body,
            bones,
            length,
            0.034 * h if is_dress else 0.012 * h,
            pose.turn,
        )


def _hang(
    pen: Pen, colour: Rgb, body: Body, bones: Skeleton, length: float, flare: float, turn: float
) -> None:
    """Hang cloth over both legs; `length` is 1 at the knees and 2 at the ankles."""
    wide = _hip_width(body, turn)

    def along(hip: Point, knee: Point, ankle: Point) -> Point:
        if length <= 1:
            return (hip[0] + (knee[0] - hip[0]) * length, hip[1] + (knee[1] - hip[1]) * length)
        rest = length - 1
        return (knee[0] + (ankle[0] - knee[0]) * rest, knee[1] + (ankle[1] - knee[1]) * rest)

    near = along(bones.near_hip, bones.near_knee, bones.near_ankle)
    far = along(bones.far_hip, bones.far_knee, bones.far_ankle)
    left, right = (near, far) if near[0] <= far[0] else (far, near)
    girth = body.leg_girth
    hx, hy = bones.hips
    knees = (bones.near_knee, bones.far_knee)
    front = max(knee[0] for knee in knees) + girth * 0.8
    seated = max(knee[1] for knee in knees) > hy - body.leg * 0.62
    shape = blob(
        [
            (hx - wide, hy + 0.02),
            (hx, hy + 0.05),
            (hx + wide, hy + 0.02),
            *(
                [(front, max(knee[1] for knee in knees) + girth * 0.6)]
                if seated
                else [(hx + wide + flare * 0.4, hy - body.leg * 0.4)]
            ),
            (right[0] + girth + flare, right[1]),
            ((left[0] + right[0]) / 2, min(left[1], right[1]) - 0.01 * body.height),
            (left[0] - girth - flare, left[1]),
            (hx - wide - flare * 0.4, hy - body.leg * 0.4 if not seated else hy - 0.03),
        ],
        0.4,
    )
    pen.fill(shape, colour)
    with pen.clipped(shape):
        for share in (0.3, 0.62):
            x = left[0] + (right[0] - left[0]) * share
            pen.line(
                [(hx + (share - 0.5) * wide, hy - 0.05), (x, min(left[1], right[1]))],
                0.012,
                darker(colour, 0.12),
            )


def _hip_width(body: Body, turn: float) -> float:
    return (body.pelvis + body.leg_girth) * (1 - 0.2 * turn)


def torso_shape(look: Look, body: Body, pose: Pose) -> list[Point]:
    """Find the outline of the torso, standing on the hips, y along the spine."""
    turn, long = pose.turn, body.torso
    puff = (
        1.12 if look.top in (TopKind.HOODIE, TopKind.COAT, TopKind.JACKET, TopKind.SWEATER) else 1.0
    )
    breath = 1 + 0.018 * pose.swell
    wide = (body.shoulder + body.arm_girth * 0.75) * (1 - 0.36 * turn) * breath
    chest = wide * 0.93 * puff**0.5
    waist = body.waist * (1 - 0.12 * turn) * puff
    hips = _hip_width(body, turn) * (1.0 if puff == 1.0 else 1.08)
    bust = 0.012 * body.height * turn if look.feminine else 0.0
    slope = 0.026 * body.height
    neck = body.head * 0.2
    return [
        (-neck, long + slope * 0.5),
        (neck, long + slope * 0.5),
        (wide * 0.82, long - slope * 0.35),
        (wide, long - slope * 1.5),
        (chest + bust, long * 0.68),
        (waist, long * 0.32),
        (hips, 0.02),
        (hips * 0.98, -0.02 * body.height),
        (0.0, -0.03 * body.height),
        (-hips * 0.98, -0.02 * body.height),
        (-hips, 0.02),
        (-waist, long * 0.32),
        (-chest, long * 0.68),
        (-wide, long - slope * 1.5),
        (-wide * 0.82, long - slope * 0.35),
    ]


def torso_on_stage(look: Look, body: Body, pose: Pose, bones: Skeleton) -> Shape:
    """Find the outline of the torso where it stands, for what falls on it."""
    lean = pose.lean + body.stoop
    sin, cos = math.sin(lean), math.cos(lean)
    hx, hy = bones.hips
    points = [
        (hx + x * cos + y * sin, hy - x * sin + y * cos) for x, y in torso_shape(look, body, pose)
    ]
    return blob(points, 0.42)


def draw_torso(pen: Pen, look: Look, body: Body, pose: Pose) -> None:
    """Draw the top in the frame of the hips; only its own details, no arms."""
    colour = PALETTE[look.top_colour]
    shape = blob(torso_shape(look, body, pose), 0.42)
    pen.part(Part.TOP)
    pen.fill(shape, colour)
    with pen.clipped(shape):
        wide = body.shoulder
        pen.blob(
            [
                (-wide * 2, body.torso * 1.2),
                (-wide * 0.5, body.torso * 0.8),
                (-wide * 0.42, body.torso * 0.3),
                (-wide * 0.6, -0.1),
                (-wide * 2, -0.1),
            ],
            darker(colour, 0.14),
            0.7,
        )
        if not pose.away:
            _TRIMS.get(look.top, _trim_plain)(pen, look, body, pose.turn)
        elif look.top is TopKind.HOODIE:
            pen.ellipse(
                0, body.torso * 0.97, body.head * 0.42, body.head * 0.3, darker(colour, 0.16)
            )


def draw_pelvis(pen: Pen, look: Look, body: Body, bones: Skeleton, turn: float) -> None:
    """Join the legs under the top."""
    if look.top is TopKind.DRESS:
        return
    pen.part(Part.BOTTOM)
    wide = _hip_width(body, turn)
    x, y = bones.hips
    pen.blob(
        [
            (x - wide, y + 0.03),
            (x + wide, y + 0.03),
            (x + wide * 0.95, y - body.leg_girth),
            (x, y - body.leg_girth * 1.2),
            (x - wide * 0.95, y - body.leg_girth),
        ],
        PALETTE[look.bottom_colour],
    )


def _front(body: Body, turn: float) -> float:
    """Find where the middle line of the chest is, seen at this yaw."""
    return body.shoulder * 0.62 * turn * (1 - 0.36 * turn) * 1.3


def _trim_plain(pen: Pen, look: Look, body: Body, turn: float) -> None:
    _neckline(pen, PALETTE[look.skin], body, turn, 0.62)


def _neckline(pen: Pen, colour: Rgb, body: Body, turn: float, depth: float) -> None:
    x, long = _front(body, turn) * 0.5, body.torso
    pen.part(Part.SKIN)
    pen.ellipse(x, long + 0.012 * body.height, body.head * 0.26, body.head * 0.3 * depth, colour)
    pen.part(Part.TOP)


def _trim_tank(pen: Pen, look: Look, body: Body, turn: float) -> None:
    skin, long, wide = PALETTE[look.skin], body.torso, body.shoulder
    x = _front(body, turn) * 0.5
    pen.part(Part.SKIN)
    pen.ellipse(x, long + 0.01, body.head * 0.3, body.head * 0.46, skin)
    for side in (-1.0, 1.0):
        pen.ellipse(side * wide * 1.12, long * 0.96, wide * 0.34, long * 0.3, skin)
    pen.part(Part.TOP)


def _trim_shirt(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn)
    light = lighter(colour, 0.3) if luma(colour) < 190 else darker(colour, 0.1)
    _neckline(pen, PALETTE[look.skin], body, turn, 0.7)
    pen.line([(x * 0.7, long * 0.84), (x, long * 0.5), (x, -0.05)], 0.012, darker(colour, 0.18))
    for share in (0.7, 0.5, 0.3, 0.1):
        pen.circle(x, long * share, 0.008 * body.height / 1.7, darker(colour, 0.4))
    for side in (-1.0, 1.0):
        pen.poly(
            [
                (x * 0.6, long * 0.86),
                (x * 0.6 + side * body.head * 0.28, long * 0.9),
                (x * 0.5 + side * body.head * 0.27, long * 1.06),
                (x * 0.5 + side * body.head * 0.13, long * 1.04),
            ],
            light,
        )


def _trim_sweater(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn) * 0.4
    dark = darker(colour, 0.16)
    pen.ellipse(x, long * 1.02, body.head * 0.34, body.head * 0.2, dark)
    pen.rect(-1, -0.03 * body.height, 2, 0.032 * body.height, dark)
    for share in (0.42, 0.52):
        pen.rect(-1, long * share, 2, long * 0.05, lighter(colour, 0.24))


def _trim_hoodie(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn)
    dark = darker(colour, 0.2)
    pen.ellipse(x * 0.4, long * 1.0, body.head * 0.46, body.head * 0.26, dark)
    _neckline(pen, PALETTE[look.skin], body, turn, 0.5)
    for side in (-1.0, 1.0):
        top = (x * 0.6 + side * body.head * 0.13, long * 0.88)
        pen.line([top, (top[0] + 0.005, long * 0.66)], 0.011, (250, 248, 240))
    pen.blob(
        [
            (x - body.waist * 0.62, long * 0.34),
            (x + body.waist * 0.62, long * 0.34),
            (x + body.waist * 0.86, long * 0.06),
            (x - body.waist * 0.86, long * 0.06),
        ],
        darker(colour, 0.12),
        tension=0.2,
    )


def _open_front(pen: Pen, look: Look, body: Body, turn: float, inner: Rgb, gape: float) -> None:
    long, x = body.torso, _front(body, turn)
    pen.poly(
        [
            (x * 0.5 - body.head * 0.24, long * 1.06),
            (x * 0.5 + body.head * 0.24, long * 1.06),
            (x + gape, long * 0.4),
            (x + gape, -0.1),
            (x - gape, -0.1),
            (x - gape, long * 0.4),
        ],
        inner,
    )


def _lapels(pen: Pen, colour: Rgb, body: Body, turn: float, low: float) -> None:
    long, x = body.torso, _front(body, turn)
    for side in (-1.0, 1.0):
        pen.poly(
            [
                (x * 0.5 + side * body.head * 0.2, long * 1.06),
                (x + side * body.head * 0.46, long * 0.8),
                (x + side * body.head * 0.3, long * 0.74),
                (x + side * 0.006, long * low),
            ],
            colour,
        )


def _trim_jacket(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour = PALETTE[look.top_colour]
    inner = PALETTE["white"] if luma(colour) < 190 else PALETTE["charcoal"]
    pen.part(Part.ACCESSORY)
    _open_front(pen, look, body, turn, inner, body.waist * 0.3)
    _neckline(pen, PALETTE[look.skin], body, turn, 0.55)
    x, long = _front(body, turn), body.torso
    for side in (-1.0, 1.0):
        pen.line(
            [(x + side * body.waist * 0.32, long * 0.86), (x + side * body.waist * 0.32, -0.1)],
            0.014,
            darker(colour, 0.25),
        )
    _lapels(pen, darker(colour, 0.12), body, turn, 0.62)


def _trim_coat(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn)
    inner = PALETTE["cream"] if luma(colour) < 180 else PALETTE["charcoal"]
    pen.part(Part.ACCESSORY)
    pen.poly(
        [
            (x * 0.5 - body.head * 0.22, long * 1.06),
            (x * 0.5 + body.head * 0.22, long * 1.06),
            (x, long * 0.56),
        ],
        inner,
    )
    _neckline(pen, PALETTE[look.skin], body, turn, 0.45)
    _lapels(pen, darker(colour, 0.14), body, turn, 0.52)
    pen.line([(x, long * 0.54), (x, -0.1)], 0.012, darker(colour, 0.24))
    for share in (0.42, 0.2):
        for side in (-1.0, 1.0):
            pen.circle(x + side * body.waist * 0.3, long * share, 0.011, darker(colour, 0.4))
    pen.rect(-1, long * 0.27, 2, 0.022 * body.height, darker(colour, 0.2))


def _trim_suit(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn)
    shirt = PALETTE["white"] if luma(colour) < 205 else PALETTE["sky blue"]
    pen.part(Part.ACCESSORY)
    pen.poly(
        [
            (x * 0.5 - body.head * 0.25, long * 1.06),
            (x * 0.5 + body.head * 0.25, long * 1.06),
            (x, long * 0.4),
        ],
        shirt,
    )
    _neckline(pen, PALETTE[look.skin], body, turn, 0.35)
    _lapels(pen, darker(colour, 0.16), body, turn, 0.38)
    pen.line([(x, long * 0.4), (x + 0.01, -0.1)], 0.01, darker(colour, 0.3))
    pen.circle(x + 0.006, long * 0.32, 0.01, darker(colour, 0.45))
    pen.rect(x + body.waist * 0.36, long * 0.66, body.waist * 0.3, 0.014, shirt)


def _trim_uniform(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn)
    _trim_shirt(pen, look, body, turn)
    gold = PALETTE["gold"]
    pen.poly(
        [
            (x + body.waist * 0.5 + dx * 0.02, long * 0.66 + dy * 0.02)
            for dx, dy in ((0, 1.2), (1, 0.5), (0.7, -0.9), (-0.7, -0.9), (-1, 0.5))
        ],
        gold,
    )
    pen.rect(
        x - body.waist * 0.75,
        long * 0.55,
        body.waist * 0.5,
        long * 0.14,
        darker(colour, 0.16),
        radius=0.006,
    )
    pen.rect(-1, -0.012 * body.height, 2, 0.026 * body.height, darker(colour, 0.5))
    pen.rect(x - 0.018, -0.01 * body.height, 0.036, 0.022 * body.height, gold)


def _trim_apron(pen: Pen, look: Look, body: Body, turn: float) -> None:
    long, x = body.torso, _front(body, turn)
    bib = PALETTE["cream"] if luma(PALETTE[look.top_colour]) < 190 else PALETTE["charcoal"]
    _neckline(pen, PALETTE[look.skin], body, turn, 0.62)
    pen.part(Part.ACCESSORY)
    for side in (-1.0, 1.0):
        pen.line(
            [
                (x + side * body.waist * 0.55, long * 0.66),
                (x * 0.5 + side * body.head * 0.24, long * 1.04),
            ],
            0.018,
            bib,
        )
    pen.poly(
        [
            (x - body.waist * 0.62, long * 0.68),
            (x + body.waist * 0.62, long * 0.68),
            (x + body.waist * 0.95, long * 0.3),
            (x + body.waist * 1.1, -0.1),
            (x - body.waist * 1.1, -0.1),
            (x - body.waist * 0.95, long * 0.3),
        ],
        bib,
    )
    pen.rect(
        x - body.waist * 0.45,
        long * 0.08,
        body.waist * 0.9,
        long * 0.16,
        darker(bib, 0.12),
        radius=0.01,
    )


def _trim_dress(pen: Pen, look: Look, body: Body, turn: float) -> None:
    colour, long, x = PALETTE[look.top_colour], body.torso, _front(body, turn)
    _neckline(pen, PALETTE[look.skin], body, turn, 0.95)
    pen.rect(-1, long * 0.27, 2, 0.026 * body.height, darker(colour, 0.24))
    pen.stroke(
        quad_curve((x, long * 0.24), (x + 0.02, long * 0.1), (x + 0.01, -0.1)),
        0.01,
        darker(colour, 0.14),
    )


_TRIMS = {
    TopKind.TANK_TOP: _trim_tank,
    TopKind.SHIRT: _trim_shirt,
    TopKind.SWEATER: _trim_sweater,
    TopKind.HOODIE: _trim_hoodie,
    TopKind.JACKET: _trim_jacket,
    TopKind.COAT: _trim_coat,
    TopKind.SUIT: _trim_suit,
    TopKind.UNIFORM: _trim_uniform,
    TopKind.APRON: _trim_apron,
    TopKind.DRESS: _trim_dress,
}


def draw_arm(
    pen: Pen,
    look: Look,
    body: Body,
    shoulder: Point,
    elbow: Point,
    hand: Point,
    *,
    far: bool,
    under: Shape | None = None,
) -> None:
    """Draw one arm: sleeve, forearm, hand; its shadow falls on `under`, the torso."""
    girth = body.arm_girth
    shade = 0.16 if far else 0.0
    cloth, skin = PALETTE[look.top_colour], darker(PALETTE[look.skin], shade * 0.8)
    colour = darker(cloth, shade) if far else mix(cloth, darker(cloth, 0.3), 0.1)
    angle = math.atan2(hand[1] - elbow[1], hand[0] - elbow[0])
    reach = 0.024 * body.height
    palm = (hand[0] - math.cos(angle) * reach * 0.2, hand[1] - math.sin(angle) * reach * 0.2)
    pen.part(Part.SKIN)
    pen.fill(limb([(*elbow, girth * 0.78), (*palm, girth * 0.56)]), skin)
    tip = (palm[0] + math.cos(angle) * reach * 1.1, palm[1] + math.sin(angle) * reach * 1.1)
    pen.fill(limb([(*palm, reach * 0.86), (*tip, reach * 0.62)]), skin)
    thumb = angle + 0.85
    pen.fill(
        limb(
            [
                (*palm, reach * 0.4),
                (
                    palm[0] + math.cos(thumb) * reach * 1.25,
                    palm[1] + math.sin(thumb) * reach * 1.25,
                    reach * 0.3,
                ),
            ]
        ),
        skin,
    )
    if look.top is TopKind.TANK_TOP:
        pen.fill(limb([(*shoulder, girth), (*elbow, girth * 0.78)]), skin)
        return
    outline = darker(cloth, 0.3 if luma(cloth) > 60 else 0.5)
    if look.top in SHORT_SLEEVES:
        pen.fill(limb([(*shoulder, girth), (*elbow, girth * 0.78)]), skin)
        middle = (
            shoulder[0] + (elbow[0] - shoulder[0]) * 0.66,
            shoulder[1] + (elbow[1] - shoulder[1]) * 0.66,
        )
        joints = [(*shoulder, girth * 1.12), (*middle, girth * 1.06)]
    else:
        puff = (
            1.2
            if look.top in (TopKind.HOODIE, TopKind.COAT, TopKind.JACKET, TopKind.SWEATER)
            else 1.04
        )
        wrist = (hand[0] - math.cos(angle) * reach * 1.3, hand[1] - math.sin(angle) * reach * 1.3)
        joints = [
            (*shoulder, girth * 1.05 * puff**0.5),
            (*elbow, girth * 0.86 * puff),
            (*wrist, girth * 0.68 * puff),
        ]
    pen.part(Part.TOP)
    if under is not None:
        with pen.clipped(under):
            drop = body.height * 0.006
            pen.fill(
                limb([(x + drop * 0.5, y - drop, r * 1.12) for x, y, r in joints]), outline, 0.4
            )
    pen.fill(limb(joints), colour)
    if look.top not in SHORT_SLEEVES and look.top in (
        TopKind.HOODIE,
        TopKind.SWEATER,
        TopKind.JACKET,
    ):
        x, y, r = joints[-1]
        pen.fill(
            limb(
                [
                    (x, y, r * 1.02),
                    (x + math.cos(angle) * 0.008, y + math.sin(angle) * 0.008, r * 1.02),
                ]
            ),
            darker(colour, 0.16),
        )
    if look.top in (TopKind.SUIT,):
        x, y, r = joints[-1]
        pen.fill(
            limb([(x + math.cos(angle) * 0.012, y + math.sin(angle) * 0.012, r * 0.9)]),
            (250, 248, 242),
        )
