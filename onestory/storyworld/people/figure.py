"""
How is one person drawn? From behind to front, along the joints of a skeleton.

    back hair, far arm, legs, skirt, torso, neck, head, face, hair, near arm
"""

import math
from contextlib import AbstractContextManager
from dataclasses import dataclass

from onestory.storyworld.kinds import Emotion, Part, PropKind
from onestory.storyworld.look import Look
from onestory.storyworld.palette import PALETTE, darker
from onestory.storyworld.pen import Pen, Point, limb
from onestory.storyworld.people import clothes, face, hair, wear
from onestory.storyworld.people.body import Body
from onestory.storyworld.people.pose import Hand, Pose, Skeleton
from onestory.storyworld.props import TWO_HANDED, draw_held


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One person at one moment, ready to be drawn."""

    look: Look
    body: Body
    pose: Pose
    bones: Skeleton
    mark: Point
    """Where the mark is, in metres."""
    facing: float
    """+1 if forward is to the right, -1 if to the left."""
    emotion: Emotion
    prop: PropKind | None
    prop_in_near: bool = False
    scale: float = 1.0
    """Above 1 for somebody nearer to the camera."""
    swing: float = 0.0
    """Swing of loose hair, in [-1, 1]."""

    def to_world(self, point: Point) -> Point:
        """Turn a place relative to the mark into one on the stage."""
        x, y = point
        if self.pose.spin:
            sin, cos = math.sin(-self.pose.spin), math.cos(-self.pose.spin)
            x, y = x * cos - y * sin, x * sin + y * cos
        return (self.mark[0] + self.facing * x * self.scale, self.mark[1] + y * self.scale)

    @property
    def head_tilt(self) -> float:
        """Turn of the head's own frame, in radians."""
        return -(self.pose.tilt + (self.pose.lean + self.body.stoop) * 0.5)

    @property
    def yaw(self) -> float:
        """Yaw of the face, in [-1, 1]."""
        if self.pose.head_turn is not None:
            return self.pose.head_turn
        return min(1.0, self.pose.turn * 1.15)


def draw_figure(pen: Pen, figure: Figure, *, reach_over: bool) -> None:
    """
    Draw a person.

    Args:
        pen: What to draw with.
        figure: Whom to draw.
        reach_over: Leave out the arms that are drawn over the torso; `draw_arms_over`
            draws them later, over somebody else.
    """
    with _standing(pen, figure):
        _draw_behind(pen, figure)
        _draw_legs(pen, figure)
        _draw_trunk(pen, figure)
        _draw_head(pen, figure)
        if not reach_over:
            _draw_over(pen, figure)


def draw_arms_over(pen: Pen, figure: Figure) -> None:
    """Draw the arms that lie over the torso, one's own or a partner's."""
    with _standing(pen, figure):
        _draw_over(pen, figure)


def _standing(pen: Pen, figure: Figure) -> AbstractContextManager[None]:
    return pen.placed(
        figure.mark[0],
        figure.mark[1],
        angle=-figure.pose.spin * figure.facing,
        sx=figure.facing * figure.scale,
        sy=figure.scale,
    )


def _is_over(hand: Hand, *, near: bool) -> bool:
    return near if hand.over is None else hand.over


def _draw_arm(pen: Pen, figure: Figure, *, near: bool) -> None:
    bones, body = figure.bones, figure.body
    hand = figure.pose.near if near else figure.pose.far
    joints = (
        (bones.near_shoulder, bones.near_elbow, bones.near_hand)
        if near
        else (bones.far_shoulder, bones.far_elbow, bones.far_hand)
    )
    shaded = not near and not _is_over(hand, near=False)
    holds = figure.prop is not None and near is figure.prop_in_near
    if holds and figure.prop is not None and figure.prop not in TWO_HANDED:
        draw_held(pen, figure.prop, joints[2], hand.angle, body.height)
    under = None
    if not shaded and _is_over(hand, near=near):
        under = clothes.torso_on_stage(figure.look, body, figure.pose, bones)
    clothes.draw_arm(pen, figure.look, body, *joints, far=shaded, under=under)


def _draw_behind(pen: Pen, figure: Figure) -> None:
    body, bones, pose = figure.body, figure.bones, figure.pose
    if not pose.away:
        with _head_frame(pen, figure):
            hair.draw_back_hair(pen, figure.look, figure.yaw, figure.swing)
    with pen.placed(*bones.hips, angle=-(pose.lean + body.stoop)):
        wear.draw_pack_behind(pen, figure.look, body, pose)
    for near in (False, True):
        hand = pose.near if near else pose.far
        if not _is_over(hand, near=near) or pose.away:
            _draw_arm(pen, figure, near=near)


def _draw_legs(pen: Pen, figure: Figure) -> None:
    body, bones, pose, look = figure.body, figure.bones, figure.pose, figure.look
    turn = pose.turn
    clothes.draw_leg(
        pen,
        look,
        body,
        bones.far_hip,
        bones.far_knee,
        bones.far_ankle,
        pose.far_pitch,
        turn,
        far=True,
    )
    clothes.draw_leg(
        pen,
        look,
        body,
        bones.near_hip,
        bones.near_knee,
        bones.near_ankle,
        pose.near_pitch,
        turn,
        far=False,
    )
    clothes.draw_pelvis(pen, look, body, bones, turn)
    clothes.draw_skirt(pen, look, body, bones, pose)


def _draw_trunk(pen: Pen, figure: Figure) -> None:
    body, bones, pose, look = figure.body, figure.bones, figure.pose, figure.look
    skin = PALETTE[look.skin]
    pen.part(Part.SKIN)
    base = (bones.chest[0], bones.chest[1] - body.neck * 0.5)
    top = (bones.head[0] - 0.1 * body.head * pose.turn, bones.head[1] - body.head * 0.3)
    pen.fill(limb([(*base, body.head * 0.2), (*top, body.head * 0.185)]), darker(skin, 0.16))
    with pen.placed(*bones.hips, angle=-(pose.lean + body.stoop)):
        clothes.draw_torso(pen, look, body, pose)
        wear.draw_bodywear(pen, look, body, pose)
        wear.draw_scarf(pen, look, body, pose)


def _head_frame(pen: Pen, figure: Figure) -> AbstractContextManager[None]:
    scale = figure.body.head / 2
    return pen.placed(*figure.bones.head, angle=figure.head_tilt, sx=scale, sy=scale)


def _draw_head(pen: Pen, figure: Figure) -> None:
    look, pose = figure.look, figure.pose
    yaw = figure.yaw
    hatted = bool(wear.HATS & set(look.accessories))
    with _head_frame(pen, figure):
        if pose.away:
            face.draw_head(pen, look, 0.0)
            hair.draw_hair_from_behind(pen, look, figure.swing, hatted=hatted)
            wear.draw_headwear(pen, look, 0.0, 0.0, away=True)
            return
        face.draw_head(pen, look, yaw)
        face.draw_blush(pen, look, pose, yaw)
        wear.draw_beard(pen, look, yaw, pose.nod)
        face.draw_face(pen, look, pose, figure.emotion, yaw)
        hair.draw_front_hair(pen, look, yaw, figure.swing, hatted=hatted)
        wear.draw_headwear(pen, look, yaw, pose.nod, away=False)


def _draw_over(pen: Pen, figure: Figure) -> None:
    pose = figure.pose
    if pose.away:
        return
    if figure.prop is not None and figure.prop in TWO_HANDED:
        middle = (
            (figure.bones.near_hand[0] + figure.bones.far_hand[0]) / 2,
            (figure.bones.near_hand[1] + figure.bones.far_hand[1]) / 2,
        )
        draw_held(pen, figure.prop, middle, 0.0, figure.body.height)
    for near in (False, True):
        if _is_over(pose.near if near else pose.far, near=near):
            _draw_arm(pen, figure, near=near)
