"""How do people talk? Hands, heads and lips, with others or alone."""

import math

from onestory.storyworld.people.moment import Moment, pulse, ramp, wave
from onestory.storyworld.people.motions.alone import idle
from onestory.storyworld.people.pose import Hand, Pose


def talk(pose: Pose, now: Moment) -> None:
    """Gesture with the words, one hand more than the other."""
    idle(pose, now)
    life = 0.5 + 0.5 * wave(now.seconds, 0.19, now.phase)
    beat = wave(now.seconds, 0.8, now.phase)
    small = wave(now.seconds, 1.45, now.phase * 2)
    lift = ramp(now.seconds, 0.0, 0.5)
    pose.far = Hand(
        x=0.1 + (0.34 + 0.13 * beat) * lift,
        y=-0.95 + (0.44 + 0.14 * small + 0.1 * life) * lift,
        over=True,
        angle=0.3 * beat,
    )
    pose.near = Hand(
        x=0.08 + 0.26 * lift * life,
        y=-0.95 + (0.2 + 0.26 * life + 0.06 * beat) * lift,
    )
    pose.nod += 0.1 * small
    pose.tilt += 0.045 * beat
    pose.lean += 0.02 * beat


def listen(pose: Pose, now: Moment) -> None:
    """Stand still and nod now and then."""
    idle(pose, now)
    nodding = ramp(wave(now.seconds, 0.27, now.phase), -0.2, 0.5)
    pose.nod += -0.28 * nodding * pulse(now.seconds, 1.5)
    pose.tilt += 0.05
    pose.near = Hand(x=0.32, y=-0.62, over=True)
    pose.far = Hand(x=0.16, y=-0.68, over=True)


def argue(pose: Pose, now: Moment) -> None:
    """Stab the air, throw up the hands, lean in."""
    idle(pose, now)
    beat = wave(now.seconds, 1.25, now.phase)
    throw = pulse(now.seconds, 0.42, now.phase, sharp=3.0)
    pose.turn = 0.5
    pose.lean += 0.1 + 0.07 * beat
    pose.nod += 0.14 * beat
    pose.far = Hand(x=0.62 + 0.12 * beat, y=-0.2 + 0.2 * beat + 0.3 * throw, over=True)
    pose.near = Hand(x=0.1 + 0.3 * throw, y=-0.72 + 0.62 * throw + 0.08 * beat)
    pose.near_foot = (-0.05, 0.0)
    pose.far_foot = (0.05, 0.0)


def shake_head(pose: Pose, now: Moment) -> None:
    """Say no without a word."""
    idle(pose, now)
    side = wave(now.seconds, 1.15)
    envelope = ramp(now.seconds, 0.1, 0.5)
    pose.turn = min(pose.turn, 0.3)
    pose.head_turn = 0.25 + 0.5 * side * envelope
    pose.nod -= 0.1
    pose.near = Hand(x=-0.02, y=-0.9)


def telephone(pose: Pose, now: Moment) -> None:
    """Hold a phone to the ear."""
    idle(pose, now)
    up = ramp(now.seconds, 0.1, 0.7)
    pose.turn = min(0.45, pose.turn)
    pose.near = Hand(goal=(-0.34, -0.1), pull=up, angle=0.15, over=True)
    pose.tilt += 0.07 * up
    pose.far = Hand(
        x=0.12 + 0.24 * up, y=-0.95 + (0.3 + 0.07 * wave(now.seconds, 0.7)) * up, over=True
    )
    pose.nod += 0.07 * wave(now.seconds, 0.6, now.phase)
    pose.lean += 0.02 * wave(now.seconds, 0.2)


def lips(seconds: float, phase: float) -> float:
    """Open and close by syllables, four to five a second, never twice the same."""
    syllable = 0.5 + 0.5 * math.sin(2 * math.pi * 4.4 * seconds + 0.9 * math.sin(5.1 * seconds))
    stress = 0.62 + 0.38 * math.sin(2 * math.pi * 1.3 * seconds + phase)
    return 0.18 + 0.82 * syllable * stress
