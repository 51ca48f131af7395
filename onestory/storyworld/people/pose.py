"""
How does a body stand right now? Angles and reaches, facing-relative: x is always forward.

    Pose ── solved by `solve` with the measures of a `Body` ──> Skeleton (points in metres)
"""

import math
from dataclasses import dataclass, field
from typing import Literal

from onestory.storyworld.pen import Point
from onestory.storyworld.people.body import Body


@dataclass(kw_only=True, slots=True)
class Hand:
    """Where a hand is: a place relative to its shoulder, pulled towards a goal."""

    x: float = 0.08
    """Forward of the shoulder, as a share of the arm's reach."""
    y: float = -0.97
    goal: Point | None = None
    """A place that must be met: see `frame`."""
    frame: Literal["head", "stage"] = "head"
    """Whether `goal` is in heads from the middle of the head, or in metres from the mark."""
    pull: float = 1.0
    """How far the hand has come towards the goal, in [0, 1]."""
    over: bool | None = None
    """Whether the arm is drawn over the torso; `None` leaves it to the side."""
    angle: float = 0.0
    """Turn of what the hand holds, in radians."""


@dataclass(kw_only=True, slots=True)
class Pose:
    """One moment of a motion. Mutable, because motions are painted onto it in layers."""

    x: float = 0.0
    """Forward of the mark, in metres."""
    y: float = 0.0
    """Above the ground, in metres."""
    hip: float = 1.0
    """Height of the hips as a share of standing."""
    shift: float = 0.0
    """Hips forward of the feet, as a share of height."""
    lean: float = 0.0
    """Torso forward, in radians."""
    spin: float = 0.0
    """Whole body about its feet, forward, in radians: falling and lying."""
    turn: float = 0.36
    """Yaw away from the camera: 0 is front, 1 is profile."""
    away: bool = False
    """Whether the back is seen."""
    head_turn: float | None = None
    """Yaw of the face, in [-1, 1]; `None` goes with the body."""
    nod: float = 0.0
    """Face up (+1) or down (-1)."""
    tilt: float = 0.0
    """Head to the side, in radians."""
    near: Hand = field(default_factory=Hand)
    far: Hand = field(default_factory=Hand)
    near_foot: Point = (0.0, 0.0)
    """Forward of the hip and above the ground, as shares of height."""
    far_foot: Point = (0.0, 0.0)
    near_pitch: float = 0.0
    """Toe up, in radians."""
    far_pitch: float = 0.0
    blink: float = 0.0
    """Eyelids: 0 open, 1 shut."""
    mouth: float = 0.0
    """How far the lips are parted by speech, chewing or breath, in [0, 1]."""
    gaze: Point = (0.0, 0.0)
    """Pupils forward and up, in [-1, 1]."""
    tears: float = 0.0
    flinch: float = 0.0
    """How much the face forgets its emotion for pain or surprise, in [0, 1]."""
    swell: float = 0.0
    """Breath in the chest, in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """Joints in metres from the mark, forward x, before any spin."""

    hips: Point
    chest: Point
    """The middle of the shoulder line."""
    head: Point
    """The middle of the head."""
    near_shoulder: Point
    near_elbow: Point
    near_hand: Point
    far_shoulder: Point
    far_elbow: Point
    far_hand: Point
    near_hip: Point
    near_knee: Point
    near_ankle: Point
    far_hip: Point
    far_knee: Point
    far_ankle: Point


def bend(start: Point, goal: Point, length: float, side: float) -> tuple[Point, Point]:
    """
    Solve a limb of two equal bones.

    Args:
        start: Shoulder or hip.
        goal: Where the hand or foot should be; too far is met halfway.
        length: Of each bone.
        side: +1 bends to the left of start-to-goal, -1 to the right; between, flatter.

    Returns:
        The middle joint and the end that was reached.
    """
    dx, dy = goal[0] - start[0], goal[1] - start[1]
    distance = math.hypot(dx, dy) or 1e-6
    reach = min(distance, 2 * length * 0.999)
    ux, uy = dx / distance, dy / distance
    height = math.sqrt(max(0.0, length * length - (reach / 2) ** 2)) * side
    middle = (
        start[0] + ux * reach / 2 - uy * height,
        start[1] + uy * reach / 2 + ux * height,
    )
    return middle, (start[0] + ux * reach, start[1] + uy * reach)


def _blend(first: Point, second: Point, amount: float) -> Point:
    return (
        first[0] + (second[0] - first[0]) * amount,
        first[1] + (second[1] - first[1]) * amount,
    )


def _arm(
    body: Body, shoulder: Point, hand: Hand, head: Point, outward: float
) -> tuple[Point, Point]:
    # Seen from the front, resting hands hang beside the hips, not before them.
    beside = outward * 0.13 * min(1.0, max(0.0, -hand.y - 0.6) / 0.3)
    goal = (
        shoulder[0] + (hand.x * (1 - abs(outward) * 0.5 * (beside != 0)) + beside) * body.reach,
        shoulder[1] + hand.y * body.reach,
    )
    if hand.goal is not None:
        wanted = hand.goal
        if hand.frame == "head":
            wanted = (head[0] + wanted[0] * body.head, head[1] + wanted[1] * body.head)
        goal = _blend(goal, wanted, hand.pull)
    # Of the two ways to bend, take the one whose elbow hangs lower and further out or back.
    back = 0.5 if outward <= 0 else 0.3 - 0.9 * outward
    left = bend(shoulder, goal, body.arm, 1.0)
    right = bend(shoulder, goal, body.arm, -1.0)
    (elbow, hand_at) = min(left, right, key=lambda joints: joints[0][1] + back * joints[0][0])
    # An elbow far off the line really points at the camera: draw it shorter, and lower.
    middle = ((shoulder[0] + hand_at[0]) / 2, (shoulder[1] + hand_at[1]) / 2)
    off = math.hypot(elbow[0] - middle[0], elbow[1] - middle[1])
    most = 0.62 * body.arm
    if off > most:
        elbow = _blend(middle, elbow, most / off)
        elbow = (elbow[0], elbow[1] - 0.9 * (off - most))
    return elbow, hand_at


def solve(pose: Pose, body: Body) -> Skeleton:
    """Find every joint of a body in a pose."""
    h = body.height
    hips = (pose.x + pose.shift * h, pose.y + body.hip * pose.hip)
    lean = pose.lean + body.stoop
    sin, cos = math.sin(lean), math.cos(lean)
    torso = body.torso
    chest = (hips[0] + sin * torso, hips[1] + cos * torso)
    neck_lean = lean * 0.55
    up = body.neck + body.head * 0.5
    head = (
        chest[0] + math.sin(neck_lean) * up + 0.012 * h * pose.turn,
        chest[1] + math.cos(neck_lean) * up,
    )
    spread = body.shoulder * (1 - 0.8 * pose.turn)
    mirrored = -1.0 if pose.away else 1.0
    drop = -0.028 * h
    near_shoulder = (
        chest[0] - spread * cos * mirrored + sin * drop,
        chest[1] + spread * sin + cos * drop,
    )
    far_shoulder = (
        chest[0] + spread * cos * mirrored + sin * drop,
        chest[1] - spread * sin + cos * drop,
    )
    near_elbow, near_hand = _arm(
        body, near_shoulder, pose.near, head, -(1.0 - pose.turn) * mirrored
    )
    far_elbow, far_hand = _arm(body, far_shoulder, pose.far, head, (1.0 - pose.turn) * mirrored)
    apart = body.pelvis * (1 - 0.7 * pose.turn) * mirrored
    near_hip, far_hip = (hips[0] - apart, hips[1]), (hips[0] + apart, hips[1])
    stance = body.pelvis * (1.15 - 0.75 * pose.turn) * mirrored
    near_ankle = (
        pose.x - stance + pose.near_foot[0] * h,
        pose.y + body.ankle + pose.near_foot[1] * h,
    )
    far_ankle = (
        pose.x + stance + pose.far_foot[0] * h,
        pose.y + body.ankle + pose.far_foot[1] * h,
    )
    # Knees bend forward in profile; from the front the bend points at the camera.
    side = 0.25 + 0.75 * min(1.0, pose.turn * 1.3)
    near_knee, near_ankle = bend(near_hip, near_ankle, body.leg, side)
    far_knee, far_ankle = bend(far_hip, far_ankle, body.leg, side)
    return Skeleton(
        hips=hips,
        chest=chest,
        head=head,
        near_shoulder=near_shoulder,
        near_elbow=near_elbow,
        near_hand=near_hand,
        far_shoulder=far_shoulder,
        far_elbow=far_elbow,
        far_hand=far_hand,
        near_hip=near_hip,
        near_knee=near_knee,
        near_ankle=near_ankle,
        far_hip=far_hip,
        far_knee=far_knee,
        far_ankle=far_ankle,
    )
