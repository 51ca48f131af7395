"""What do two people do to each other? Every contact meets in one point, half the way."""

import math

from onestory.storyworld.people.moment import Moment, ramp, swell, wave
from onestory.storyworld.people.motions.alone import idle
from onestory.storyworld.people.pose import Hand, Pose


def hug(pose: Pose, now: Moment) -> None:
    """Step in, close the arms around the other, and rock."""
    idle(pose, now)
    close = ramp(now.progress, 0.16, 0.4)
    rock = wave(now.seconds, 0.4) * close
    gap = now.gap if now.gap is not None else 0.3
    other = now.partner or now.body
    back = gap + 0.02
    pose.turn = 0.62
    pose.lean += 0.05 * close + 0.03 * rock
    pose.head_turn = 0.62
    pose.nod -= 0.1 * close
    pose.tilt += (0.16 if now.leads else -0.1) * close
    pose.near = Hand(
        x=0.2, y=-0.7, goal=(back, other.height * 0.60), frame="stage", pull=close, over=True
    )
    pose.far = Hand(
        x=0.3, y=-0.6, goal=(back + 0.03, other.height * 0.68), frame="stage", pull=close
    )
    pose.blink = max(pose.blink, 0.95 * ramp(now.progress, 0.35, 0.5))


def kiss(pose: Pose, now: Moment) -> None:
    """Lean in until the lips meet, hold, part a little."""
    idle(pose, now)
    close = ramp(now.progress, 0.1, 0.42) * (1 - 0.35 * ramp(now.progress, 0.86, 1.0))
    other = now.partner or now.body
    gap = now.gap if now.gap is not None else 0.3
    pose.turn = 0.7
    pose.head_turn = 0.95
    # Lean until the heads are one profile apart: lips touch, and both faces are seen.
    up = now.body.torso + now.body.neck + now.body.head / 2
    apart = 0.46 * (now.body.head_width + other.head_width)
    step = max(0.0, (gap - apart) / 2)
    drop = min(0.3, max(0.0, now.body.height - other.height))
    pose.lean += math.asin(min(0.6, step / up)) * close
    pose.hip -= 0.22 * drop / now.body.hip * close
    pose.nod += (-0.25 if now.body.height > other.height else 0.25) * close
    pose.tilt += (0.2 if now.leads else 0.05) * close
    pose.near = Hand(
        x=0.2, y=-0.8, goal=(gap * 0.94, other.height * 0.62), frame="stage", pull=close, over=True
    )
    pose.far = Hand(x=0.25, y=-0.7, goal=(gap, other.height * 0.6), frame="stage", pull=close)
    pose.blink = max(pose.blink, ramp(now.progress, 0.3, 0.42))


def hold_hands(pose: Pose, now: Moment) -> None:
    """Take each other's hand and swing it a little."""
    idle(pose, now)
    u = ramp(now.progress, 0.06, 0.3)
    x, y = now.meeting(0.43)
    swing = 0.02 * wave(now.seconds, 0.45)
    pose.turn = 0.45
    pose.far = Hand(goal=(x, y + swing), frame="stage", pull=u, over=True)
    pose.tilt += 0.05 * u
    pose.gaze = (0.7, 0.0)


def shake_hands(pose: Pose, now: Moment) -> None:
    """Reach out, clasp, and shake."""
    idle(pose, now)
    u = swell(now.progress, 0.06, 0.98, 0.2)
    x, y = now.meeting(0.56)
    shake = 0.028 * wave(now.seconds, 1.9) * u
    pose.turn = 0.55
    pose.lean += 0.06 * u
    pose.far = Hand(goal=(x, y + shake), frame="stage", pull=u, over=True)
    pose.nod += 0.07 * wave(now.seconds, 0.95) * u
    pose.gaze = (0.7, 0.0)


def hand_over(pose: Pose, now: Moment) -> None:
    """Bring a thing to the point halfway, let go, and draw back."""
    idle(pose, now)
    out = ramp(now.progress, 0.14, 0.42) * (1 - ramp(now.progress, 0.62, 0.82))
    x, y = now.meeting(0.6)
    pose.turn = 0.5
    pose.lean += 0.05 * out
    rest = 1 - ramp(now.progress, 0.62, 0.82)
    pose.far = Hand(
        x=0.1 + 0.3 * rest,
        y=-0.92 + 0.45 * rest,
        goal=(x, y),
        frame="stage",
        pull=out,
        over=True,
    )
    pose.gaze = (0.7, -0.3 * out)


def take(pose: Pose, now: Moment) -> None:
    """Reach for a thing at the point halfway, and draw it in."""
    idle(pose, now)
    reach = ramp(now.progress, 0.3, 0.48)
    back = ramp(now.progress, 0.6, 0.82)
    x, y = now.meeting(0.6)
    pose.turn = 0.5
    pose.lean += 0.05 * reach * (1 - back)
    pose.far = Hand(
        x=0.08 + 0.36 * back,
        y=-0.93 + 0.48 * back,
        goal=(x, y),
        frame="stage",
        pull=reach * (1 - back),
        over=True,
    )
    pose.nod -= 0.28 * back
    pose.gaze = (0.7, -0.6 * max(back, 0.4 * reach))


def slap(pose: Pose, now: Moment) -> None:
    """Swing and strike once; or, on the other side, take it and hold the cheek."""
    idle(pose, now)
    pose.turn = 0.55
    hit = ramp(now.progress, 0.36, 0.44)
    if now.leads:
        wind = ramp(now.progress, 0.12, 0.34)
        after = ramp(now.progress, 0.52, 0.76)
        gap = now.gap if now.gap is not None else 0.5
        other = now.partner or now.body
        cheek = (gap - 0.1, other.height - other.head * 0.55)
        pose.near = Hand(
            x=0.08 - 0.75 * wind * (1 - after),
            y=-0.95 + 1.2 * wind * (1 - after),
            goal=cheek,
            frame="stage",
            pull=hit * (1 - after),
            over=True,
        )
        pose.lean += -0.08 * wind * (1 - hit) + 0.16 * hit * (1 - 0.7 * after)
        pose.far = Hand(x=0.1, y=-0.8)
        return
    pose.head_turn = 0.55 - 1.1 * hit * (1 - 0.4 * ramp(now.progress, 0.6, 0.9))
    pose.tilt += 0.16 * hit
    pose.lean -= 0.14 * math.sin(math.pi * ramp(now.progress, 0.36, 0.75)) + 0.03 * hit
    pose.flinch = hit
    pose.blink = max(pose.blink, swell(now.progress, 0.36, 0.6, 0.06))
    pose.far = Hand(goal=(0.3, -0.18), pull=ramp(now.progress, 0.5, 0.66), over=True)
