"""What do hands do with things? Drink, eat, read, write, cook, carry, knock, play."""

import math

from onestory.storyworld.people.moment import Moment, pulse, ramp, swell, wave
from onestory.storyworld.people.motions.alone import idle
from onestory.storyworld.people.pose import Hand, Pose


def hold(pose: Pose, now: Moment) -> None:
    """Hold a thing before the chest and look at it."""
    idle(pose, now)
    lift = 0.04 * wave(now.seconds, 0.35, now.phase)
    pose.far = Hand(x=0.42, y=-0.42 + lift, over=True, angle=0.06 * wave(now.seconds, 0.3))
    pose.nod -= 0.2
    pose.gaze = (0.6, -0.7)


def drink(pose: Pose, now: Moment) -> None:
    """Lift to the lips, sip with the head back, and lower."""
    idle(pose, now)
    u = (now.seconds / 3.0) % 1.0
    up = swell(u, 0.08, 0.86, 0.26)
    sip = swell(u, 0.34, 0.66, 0.1)
    pose.far = Hand(
        x=0.44,
        y=-0.48,
        goal=(0.44, -0.42 + 0.06 * sip),
        pull=up,
        over=True,
        angle=0.15 + 0.75 * sip,
    )
    pose.nod += 0.32 * sip - 0.06
    pose.lean -= 0.03 * sip
    pose.blink = max(pose.blink, 0.7 * sip)


def eat(pose: Pose, now: Moment) -> None:
    """Bring bites to the mouth and chew."""
    idle(pose, now)
    u = (now.seconds / 2.2) % 1.0
    up = swell(u, 0.02, 0.5, 0.2)
    chew = 1 - up
    pose.far = Hand(x=0.45, y=-0.5, goal=(0.4, -0.36), pull=up, over=True)
    pose.near = Hand(x=0.3, y=-0.58, over=True)
    pose.nod -= 0.12 - 0.05 * up
    pose.mouth = max(pose.mouth, 0.45 * up**3 + 0.22 * chew * pulse(now.seconds, 2.2))


def read(pose: Pose, now: Moment) -> None:
    """Hold open pages with both hands and follow the lines."""
    idle(pose, now)
    sweep = (now.seconds * 0.6) % 1.0
    flip = swell((now.seconds / 4.0) % 1.0, 0.78, 0.98, 0.08)
    pose.turn += (0.45 - pose.turn) * 0.8
    pose.far = Hand(x=0.5, y=-0.36 + 0.03 * wave(now.seconds, 0.25), over=True)
    pose.near = Hand(x=0.58 - 0.14 * flip, y=-0.42 + 0.16 * flip, over=True)
    pose.nod -= 0.42 + 0.05 * wave(now.seconds, 0.5)
    pose.gaze = (0.1 + 0.7 * sweep, -0.85)
    pose.tilt += 0.05 * wave(now.seconds, 0.2)
    pose.lean += 0.03


def write(pose: Pose, now: Moment) -> None:
    """Write line after line, low before the body."""
    idle(pose, now)
    line = (now.seconds * 0.45) % 1.0
    pose.lean += 0.14
    pose.nod -= 0.5
    pose.near = Hand(x=0.34 + 0.2 * line, y=-0.5 + 0.025 * wave(now.seconds, 3.4), over=True)
    pose.far = Hand(x=0.44, y=-0.56, over=True)
    pose.gaze = (0.3 + 0.5 * line, -0.9)


def type_keys(pose: Pose, now: Moment) -> None:
    """Type with both hands."""
    idle(pose, now)
    left, right = pulse(now.seconds, 3.1), pulse(now.seconds, 2.6, 1.3)
    pose.turn += (0.55 - pose.turn) * 0.8
    pose.lean += 0.07
    pose.nod -= 0.22
    pose.near = Hand(x=0.6 + 0.03 * left, y=-0.52 + 0.07 * left, over=True)
    pose.far = Hand(x=0.66 - 0.03 * right, y=-0.5 + 0.07 * right, over=True)
    pose.gaze = (0.5 + 0.2 * wave(now.seconds, 0.4), -0.5)


def knock(pose: Pose, now: Moment) -> None:
    """Knock three times, wait, and knock again."""
    idle(pose, now)
    u = (now.seconds / 2.6) % 1.0
    up = swell(u, 0.02, 0.85, 0.16)
    rap = pulse(now.seconds, 2.9, sharp=3.0) * swell(u, 0.16, 0.66, 0.06)
    pose.turn = 0.8
    pose.far = Hand(x=0.2 + 0.48 * up + 0.14 * rap, y=-0.85 + 0.95 * up, over=True)
    pose.lean += 0.05 * up + 0.02 * rap
    pose.nod += 0.08


def open_door(pose: Pose, now: Moment) -> None:
    """Take the handle, push, and step forward."""
    idle(pose, now)
    up = ramp(now.progress, 0.06, 0.24)
    push = ramp(now.progress, 0.3, 0.7)
    pose.turn = 0.8
    pose.far = Hand(x=0.15 + 0.62 * up + 0.1 * push, y=-0.9 + 0.42 * up + 0.05 * push, over=True)
    pose.lean += 0.03 * up + 0.1 * push
    pose.shift += 0.03 * push
    pose.near_foot = (-0.07 * push, 0.0)
    pose.far_foot = (0.07 * push, 0.02 * math.sin(math.pi * push))


def cook(pose: Pose, now: Moment) -> None:
    """Stir with one hand, hold the pan with the other."""
    idle(pose, now)
    round_x, round_y = wave(now.seconds, 1.1), wave(now.seconds, 1.1, math.pi / 2)
    pose.turn = 0.55
    pose.lean += 0.06 + 0.015 * round_x
    pose.nod -= 0.35
    pose.far = Hand(x=0.56 + 0.05 * round_x, y=-0.6 + 0.03 * round_y, over=True)
    pose.near = Hand(x=0.4, y=-0.52, over=True)
    pose.gaze = (0.6, -0.8)


def play(pose: Pose, now: Moment) -> None:
    """Play the guitar, nodding to the beat."""
    idle(pose, now)
    strum = wave(now.seconds, 1.9)
    pose.turn = 0.3
    pose.near = Hand(x=0.3 + 0.02 * strum, y=-0.66 + 0.09 * strum, over=True)
    pose.far = Hand(x=0.5 + 0.06 * wave(now.seconds, 0.4), y=-0.22, over=True)
    pose.nod -= 0.15 + 0.12 * wave(now.seconds, 0.95)
    pose.tilt += 0.06 * wave(now.seconds, 0.475)
    pose.shift += 0.008 * wave(now.seconds, 0.95)
    pose.gaze = (0.5, -0.6)


def carry(pose: Pose, now: Moment) -> None:
    """Keep hands on what is carried while the legs do something else."""
    pose.far = Hand(x=0.4, y=-0.5 + 0.02 * wave(now.seconds, 1.6), over=True)
