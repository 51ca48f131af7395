"""
What does a face say? Eyes, brows, nose and mouth, in head units: y is -1 at the chin, +1 at the
crown.
"""

import math
from dataclasses import dataclass

from onestory.storyworld.kinds import Age, Emotion, Part
from onestory.storyworld.look import Look
from onestory.storyworld.palette import PALETTE, Rgb, darker, luma, mix
from onestory.storyworld.pen import Pen, blob, limb, oval, quad_curve
from onestory.storyworld.people.pose import Pose

INK: Rgb = (44, 32, 44)
EYE_WHITE: Rgb = (252, 250, 246)
MOUTH: Rgb = (122, 38, 48)
TEETH: Rgb = (252, 248, 240)
TONGUE: Rgb = (226, 108, 108)
TEAR: Rgb = (150, 206, 244)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """One emotion in numbers, in head units."""

    brow_inner: float = 0.0
    brow_outer: float = 0.0
    lid: float = 1.0
    """Openness of the eyes; above 1 is wide."""
    curve: float = 0.03
    """Corners of the mouth up."""
    width: float = 0.25
    open: float = 0.0
    smile_lines: float = 0.0
    """How far the lower lids are pushed up."""


EXPRESSIONS = {
    Emotion.NEUTRAL: Expression(),
    Emotion.HAPPY: Expression(
        brow_inner=0.04,
        brow_outer=0.05,
        lid=0.94,
        curve=0.17,
        width=0.34,
        open=0.1,
        smile_lines=0.5,
    ),
    Emotion.SAD: Expression(brow_inner=0.11, brow_outer=-0.07, lid=0.8, curve=-0.11, width=0.22),
    Emotion.ANGRY: Expression(brow_inner=-0.13, brow_outer=0.07, lid=0.82, curve=-0.09, width=0.26),
    Emotion.SURPRISED: Expression(
        brow_inner=0.15, brow_outer=0.15, lid=1.22, curve=0.0, width=0.14, open=0.24
    ),
    Emotion.AFRAID: Expression(
        brow_inner=0.17, brow_outer=0.02, lid=1.16, curve=-0.09, width=0.26, open=0.1
    ),
    Emotion.TENDER: Expression(
        brow_inner=0.05, brow_outer=0.0, lid=0.8, curve=0.12, width=0.27, smile_lines=0.25
    ),
}


def head_outline(look: Look, yaw: float) -> list[tuple[float, float]]:
    """Find the outline of the head, turned by `yaw` in [-1, 1]."""
    child = look.age is Age.CHILD
    jaw = 0.64 if look.feminine or child else 0.7
    chin = 0.3 if look.feminine or child else 0.42
    cheek = 0.84 if child else 0.8
    push = 0.13 * yaw
    return [
        (-0.05 * yaw, 1.0),
        (0.54 - 0.04 * yaw, 0.86),
        (0.83, 0.36),
        (cheek + 0.3 * push, -0.14),
        (jaw * 0.96 + push, -0.56),
        (chin + push, -0.88),
        (push * 1.3, -1.0),
        (-chin + push, -0.88),
        (-jaw * 0.96 + push * 0.6, -0.56),
        (-cheek + 0.3 * push, -0.14),
        (-0.83, 0.36),
        (-0.54 - 0.04 * yaw, 0.86),
    ]


def draw_head(pen: Pen, look: Look, yaw: float) -> None:
    """Draw the bare head with its ears."""
    skin = PALETTE[look.skin]
    pen.part(Part.SKIN)
    ear_y = -0.1
    for side in (-1.0, 1.0):
        hidden = side * yaw > 0.28
        if not hidden:
            x = side * (0.84 - 0.1 * max(0.0, -side * yaw) * 2.6)
            pen.ellipse(x, ear_y, 0.13, 0.19, darker(skin, 0.08))
            pen.ellipse(x, ear_y, 0.06, 0.1, darker(skin, 0.2))
    shape = blob(head_outline(look, yaw), 0.52)
    pen.fill(shape, skin)
    with pen.clipped(shape):
        # Soft shade on the side that the face turns from.
        pen.blob(
            [
                (-1.1, 1.0),
                (-0.62 + 0.1 * yaw, 0.6),
                (-0.6, -0.2),
                (-0.2, -0.92),
                (-0.4, -1.2),
                (-1.2, -1),
            ],
            darker(skin, 0.1),
            0.55 if yaw >= 0 else 0.3,
        )


def draw_blush(pen: Pen, look: Look, pose: Pose, yaw: float) -> None:
    """Draw the cheeks, under any beard."""
    skin = PALETTE[look.skin]
    x, y, squeeze = 0.4 * yaw, -0.07 + 0.2 * pose.nod, 1 - 0.24 * abs(yaw)
    pen.part(Part.FACE)
    with pen.clipped(blob(head_outline(look, yaw), 0.52)):
        blush = mix(skin, (232, 84, 84), 0.45)
        strength = 0.42 if look.feminine or look.age is Age.CHILD else 0.22
        for side in (-1.0, 1.0):
            pen.ellipse(x + side * 0.48 * squeeze, y - 0.3, 0.17, 0.11, blush, strength)


def draw_face(pen: Pen, look: Look, pose: Pose, emotion: Emotion, yaw: float) -> None:
    """Draw the features; they slide over the head as it turns and nods."""
    skin = PALETTE[look.skin]
    feeling = EXPRESSIONS[emotion]
    if pose.flinch > 0.5:
        feeling = EXPRESSIONS[Emotion.AFRAID]
    x, y = 0.4 * yaw, -0.07 + 0.2 * pose.nod
    squeeze = 1 - 0.24 * abs(yaw)
    pen.part(Part.FACE)
    shape = blob(head_outline(look, yaw), 0.52)
    with pen.clipped(shape):
        if look.age is Age.ELDER:
            _wrinkles(pen, skin, x, y, squeeze)
        _eyes(pen, look, pose, feeling, (x, y), yaw)
        _mouth(pen, look, pose, feeling, (x * 1.08, y - 0.54), squeeze)
    _nose(pen, skin, (x * 1.22, y - 0.17), yaw)
    if pose.tears:
        for side in (-1.0, 1.0):
            tear_x = x + side * 0.36 * squeeze
            pen.fill(
                limb([(tear_x, y - 0.16, 0.035), (tear_x + 0.02 * side, y - 0.5, 0.06)]), TEAR, 0.85
            )


def _eyes(
    pen: Pen, look: Look, pose: Pose, feeling: Expression, at: tuple[float, float], yaw: float
) -> None:
    hair, skin = PALETTE[look.hair_colour], PALETTE[look.skin]
    iris = _iris(look)
    child = 1.14 if look.age is Age.CHILD else 1.0
    brow_colour = mix(hair, INK, 0.4) if luma(hair) < 170 else mix(hair, (120, 90, 60), 0.6)
    for side in (-1.0, 1.0):
        narrow = 1 - 0.34 * max(0.0, side * yaw) - 0.1 * abs(yaw)
        x = at[0] + side * 0.34 * (1 - 0.2 * abs(yaw)) + 0.02 * yaw
        y = at[1]
        rx, full = 0.142 * narrow * child, 0.178 * child
        open_ = max(0.0, min(1.0, 1 - pose.blink)) * feeling.lid
        ry = full * open_
        if open_ < 0.22:
            pen.stroke(quad_curve((x - rx, y - 0.02), (x, y - 0.1), (x + rx, y - 0.02)), 0.05, INK)
        else:
            eye = oval(x, y, rx, ry)
            pen.fill(eye, EYE_WHITE)
            with pen.clipped(eye):
                px = x + 0.045 * pose.gaze[0] + 0.025 * yaw
                py = y + 0.045 * pose.gaze[1]
                pen.ellipse(px, py, 0.104 * narrow**0.5 * child, 0.122 * child, iris)
                pen.ellipse(px, py, 0.056 * child, 0.068 * child, INK)
                pen.circle(px + 0.038, py + 0.05, 0.032 * child, EYE_WHITE)
                if feeling.smile_lines:
                    pen.ellipse(x, y - full * 1.35, rx * 1.5, full * 0.75, skin, 1.0)
            lid = ry * 0.92
            pen.stroke(
                quad_curve(
                    (x - rx * 1.02, y + lid * 0.3),
                    (x, y + lid * 1.62),
                    (x + rx * 1.02, y + lid * 0.3),
                ),
                0.05 if look.feminine else 0.038,
                INK,
            )
            if look.feminine:
                tip = side if abs(yaw) < 0.6 else math.copysign(1.0, yaw)
                pen.line(
                    [(x + tip * rx, y + lid * 0.4), (x + tip * (rx + 0.075), y + lid * 0.4 + 0.06)],
                    0.04,
                    INK,
                )
        inner, outer = y + 0.27 + feeling.brow_inner, y + 0.27 + feeling.brow_outer
        width = 0.06 if look.feminine else 0.085
        pen.stroke(
            quad_curve(
                (x - side * rx * 0.95, inner),
                (x + side * rx * 0.1, max(inner, outer) + 0.055),
                (x + side * rx * 1.3, outer - 0.02),
            ),
            width * child,
            brow_colour,
        )


def _iris(look: Look) -> Rgb:
    """Choose an eye colour that suits hair and skin, always the same for the same look."""
    light = luma(PALETTE[look.skin]) > 200
    choices: tuple[Rgb, ...] = ((92, 58, 38), (78, 50, 36), (110, 74, 42))
    if light:
        choices = ((70, 116, 150), (84, 128, 92), (104, 70, 44), (86, 100, 116))
    key = sum(map(ord, look.skin + look.hair_colour + look.top_colour[:0] + look.hair_style))
    return choices[key % len(choices)]


def _nose(pen: Pen, skin: Rgb, at: tuple[float, float], yaw: float) -> None:
    x, y = at
    shade = darker(skin, 0.24)
    lean = 0.07 + 0.05 * abs(yaw)
    side = 1.0 if yaw >= 0 else -1.0
    pen.stroke(
        quad_curve(
            (x - 0.02 * side, y + 0.08),
            (x + lean * 1.5 * side, y - 0.1),
            (x - 0.04 * side, y - 0.1),
        ),
        0.045,
        shade,
    )


def _mouth(
    pen: Pen,
    look: Look,
    pose: Pose,
    feeling: Expression,
    at: tuple[float, float],
    squeeze: float,
) -> None:
    skin = PALETTE[look.skin]
    lips = mix(darker(skin, 0.2), (206, 58, 76), 0.62 if look.feminine else 0.2)
    x, y = at
    opened = max(feeling.open, pose.mouth * 0.34)
    half = feeling.width * squeeze * (1 - 0.3 * min(1.0, pose.mouth) * (feeling.width > 0.2))
    corner = feeling.curve * 0.5
    line = 0.062 if look.feminine else 0.05
    if opened < 0.05:
        pen.stroke(
            quad_curve((x - half, y + corner), (x, y - corner * 1.9), (x + half, y + corner)),
            line,
            lips,
        )
        return
    upper = y - corner * 0.9 + opened * 0.12
    shape = blob(
        [
            (x - half, y + corner),
            (x - half * 0.5, upper + corner * 0.3 + 0.01),
            (x, upper),
            (x + half * 0.5, upper + corner * 0.3 + 0.01),
            (x + half, y + corner),
            (x + half * 0.6, y - corner * 1.1 - opened * 0.72),
            (x, y - corner * 1.5 - opened),
            (x - half * 0.6, y - corner * 1.1 - opened * 0.72),
        ]
    )
    pen.fill(shape, MOUTH)
    with pen.clipped(shape):
        pen.ellipse(x, y - corner * 1.5 - opened * 1.02, half * 0.66, opened * 0.42 + 0.02, TONGUE)
        pen.rect(x - half, upper - min(0.075, opened * 0.34), half * 2, 0.3, TEETH)
    pen.stroke(shape, line * 0.8, lips)


def _wrinkles(pen: Pen, skin: Rgb, x: float, y: float, squeeze: float) -> None:
    shade = darker(skin, 0.2)
    for side in (-1.0, 1.0):
        bend = (x + side * 0.44 * squeeze, y - 0.42)
        pen.stroke(
            quad_curve(
                (x + side * 0.26 * squeeze, y - 0.3), bend, (x + side * 0.37 * squeeze, y - 0.6)
            ),
            0.028,
            shade,
        )
        pen.stroke(
            quad_curve(
                (x + side * 0.22 * squeeze, y - 0.2),
                (x + side * 0.34, y - 0.27),
                (x + side * 0.45 * squeeze, y - 0.18),
            ),
            0.022,
            shade,
        )
    pen.stroke(quad_curve((x - 0.24, y + 0.5), (x, y + 0.55), (x + 0.24, y + 0.5)), 0.024, shade)
