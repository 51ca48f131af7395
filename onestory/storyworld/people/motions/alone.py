"""What can a body do by itself? Standing, going, sitting, falling, feeling."""

import math

from onestory.storyworld.people.moment import Moment, pulse, ramp, swell, wave
from onestory.storyworld.people.pose import Hand, Pose


def idle(pose: Pose, now: Moment) -> None:
    """Breathe, shift weight, look a little here and there."""
    breath = wave(now.seconds, 0.28, now.phase)
    sway = wave(now.seconds, 0.11, now.phase * 1.7)
    pose.swell = 0.5 + 0.5 * breath
    pose.lean += 0.012 * sway
    pose.shift += 0.007 * sway
    pose.tilt += 0.03 * wave(now.seconds, 0.13, now.phase * 0.6)
    pose.near.y += 0.012 * breath
    pose.far.y += 0.012 * breath
    pose.near.x += 0.05 * sway
    pose.far.x += 0.03 * sway
    pose.gaze = (0.35 * wave(now.seconds, 0.17, now.phase), 0.1 * wave(now.seconds, 0.21))


def stride(pose: Pose, now: Moment) -> None:
    """Take steps by the path walked: walking, or running with bent arms and flight."""
    if now.walking <= 0:
        return
    pose.turn += (0.85 - pose.turn) * now.walking
    if now.running:
        _run(pose, now)
    else:
        _walk(pose, now)


WALK_STEP = 0.34
"""One walking step, as a share of height: what two feet of a drawn leg's length can span."""

RUN_STEP = 0.95
"""One running step, most of it in the air."""


def _foot(phase: float) -> tuple[float, float, float]:
    """Find where a foot is in its cycle: forward in half steps, lift in [0, 1], and pitch."""
    phase %= 1.0
    if phase < 0.5:
        # On the ground a foot goes back exactly as fast as the body goes forward.
        return (1 - 4 * phase, 0.0, 0.0)
    swing = (phase - 0.5) * 2
    forward = -math.cos(math.pi * swing)
    return (
        forward,
        math.sin(math.pi * swing),
        -0.75 * (1 - swing) * math.sin(math.pi * swing) + 0.35 * swing * math.sin(math.pi * swing),
    )


def _walk(pose: Pose, now: Moment) -> None:
    body, amount = now.body, now.walking
    phase = now.walked / (2 * WALK_STEP * body.height) + 0.25
    near, far = _foot(phase), _foot(phase + 0.5)
    reach = WALK_STEP / 2 * amount
    pose.near_foot = (near[0] * reach, near[1] * 0.07 * amount)
    pose.far_foot = (far[0] * reach, far[1] * 0.07 * amount)
    pose.near_pitch, pose.far_pitch = near[2] * amount, far[2] * amount
    planted = near if near[1] == 0.0 else far
    # The hips sink just so far that a straight leg still meets its planted foot.
    apart = abs(planted[0]) * reach * body.height + 0.4 * body.pelvis
    leg = 2 * body.leg * 0.992
    pose.hip = min(1.0, (body.ankle + math.sqrt(leg * leg - apart * apart)) / body.hip)
    pose.lean += 0.045 * amount
    swing = math.sin(2 * math.pi * (phase + 0.25))
    pose.near.x = 0.05 - 0.42 * swing * amount
    pose.far.x = 0.05 + 0.42 * swing * amount
    pose.near.y = pose.far.y = -0.93 + 0.09 * abs(swing) * amount


def _run(pose: Pose, now: Moment) -> None:
    h, amount = now.body.height, now.walking
    cycle = now.walked / (RUN_STEP * h) * math.pi
    reach, lift = 0.25 * amount, 0.27 * amount
    near, far = math.sin(cycle), math.sin(cycle + math.pi)
    near_up, far_up = max(0.0, math.cos(cycle)), max(0.0, math.cos(cycle + math.pi))
    bounce = abs(math.cos(cycle))
    pose.near_foot = (near * reach, near_up**1.3 * lift)
    pose.far_foot = (far * reach, far_up**1.3 * lift)
    pose.near_pitch = (0.42 * max(0.0, near) * near_up - 0.75 * max(0.0, -near)) * amount
    pose.far_pitch = (0.42 * max(0.0, far) * far_up - 0.75 * max(0.0, -far)) * amount
    pose.hip = 1 - 0.045 * amount * (1 - bounce) - 0.012 * amount
    pose.y += 0.035 * h * bounce * amount
    pose.lean += 0.24 * amount
    pose.near = _pumping(-near, amount)
    pose.far = _pumping(-far, amount)
    pose.mouth = max(pose.mouth, 0.2)


def _pumping(swing: float, amount: float) -> Hand:
    return Hand(
        x=0.16 + 0.46 * swing * amount,
        y=-0.95 + (0.42 + 0.28 * swing) * amount,
    )


def seat(pose: Pose, now: Moment, amount: float = 1.0) -> None:
    """Sit: hips back and down onto a seat, feet forward, hands on the knees."""
    pose.turn += (0.62 - pose.turn) * amount
    pose.hip = 1 - 0.39 * amount
    pose.shift -= 0.05 * amount
    pose.lean += 0.03 + 0.5 * math.sin(math.pi * amount) * 0.9
    foot = 0.165 * amount
    pose.near_foot = (foot, 0.0)
    pose.far_foot = (foot + 0.035 * amount, 0.0)
    for hand in (pose.near, pose.far):
        hand.x += (0.5 - hand.x) * amount
        hand.y += (-0.68 - hand.y) * amount
    pose.far.over = None


def sit(pose: Pose, now: Moment) -> None:
    """Sit down within a second or so, and stay."""
    idle(pose, now)
    seat(pose, now, ramp(now.seconds, 0.35, min(1.5, max(0.6, now.duration * 0.5))))


def stand_up(pose: Pose, now: Moment) -> None:
    """Rise from the seat in the middle of the shot."""
    idle(pose, now)
    seat(pose, now, 1 - ramp(now.progress, 0.22, 0.6))


def wave_hand(pose: Pose, now: Moment) -> None:
    """Raise a hand and wave it."""
    idle(pose, now)
    up = ramp(now.seconds, 0.0, 0.45)
    swing = wave(now.seconds, 1.7)
    pose.turn = min(pose.turn, 0.3) if not now.seated else pose.turn
    pose.near = Hand(
        x=0.0 - 0.52 * up + 0.17 * swing * up,
        y=-0.95 + 1.6 * up - 0.05 * abs(swing),
        angle=0.4 * swing,
    )
    pose.tilt += 0.04 * up + 0.02 * swing


def turn_away(pose: Pose, now: Moment) -> None:
    """Turn the back on the camera."""
    idle(pose, now)
    amount = ramp(now.progress, 0.15, 0.5)
    pose.nod -= 0.3 * amount
    if amount > 0.5:
        pose.away = True
        pose.turn = 0.95 - 0.8 * (amount - 0.5) * 2
    else:
        pose.turn += (0.95 - pose.turn) * amount * 2
    pose.lean += 0.03 * amount


def look_around(pose: Pose, now: Moment) -> None:
    """Look to one side, then the other, now and then up."""
    idle(pose, now)
    side = math.tanh(2.2 * wave(now.seconds, 0.32, -math.pi / 2))
    pose.turn = 0.2
    pose.head_turn = 0.95 * side
    pose.gaze = (0.8 * side, 0.15)
    pose.nod = 0.25 * wave(now.seconds, 0.23)
    pose.lean += 0.02 * side


def fall(pose: Pose, now: Moment) -> None:
    """Lose balance, topple backwards, and lie."""
    idle(pose, now)
    slip = ramp(now.progress, 0.12, 0.28)
    drop = ramp(now.progress, 0.22, 0.5) ** 1.6
    flail = slip * (1 - ramp(now.progress, 0.46, 0.56))
    bounce = 0.05 * math.sin(math.pi * ramp(now.progress, 0.5, 0.6))
    pose.turn = 0.36 + 0.5 * slip
    pose.spin = -(math.pi / 2 - 0.08) * drop + bounce
    pose.y += 0.075 * now.body.height * drop
    pose.x += 0.06 * drop
    pose.lean += 0.35 * slip - 0.3 * drop
    pose.near = Hand(x=0.1 + 0.75 * slip - 0.5 * drop, y=-0.95 + 1.25 * slip - 0.35 * drop)
    pose.far = Hand(x=0.1 + 0.6 * slip - 0.3 * drop, y=-0.95 + 1.5 * slip - 0.9 * drop)
    pose.near.y += 0.25 * wave(now.seconds, 3.0) * flail
    pose.far.y += 0.25 * wave(now.seconds, 3.0, 2.0) * flail
    pose.hip = 1 - 0.14 * math.sin(math.pi * min(1.0, drop)) - 0.04 * drop
    pose.near_foot = (0.13 * drop, 0.06 * drop)
    pose.far_foot = (0.05 * drop, 0.02)
    pose.flinch = max(flail, 0.4 * drop)
    pose.blink = 0.9 * ramp(now.progress, 0.5, 0.6)
    pose.mouth = max(pose.mouth, 0.6 * flail)


def dance(pose: Pose, now: Moment) -> None:
    """Step, bounce, and swing the arms to two beats a second."""
    beat = now.seconds * 1.9
    side = math.sin(math.pi * beat)
    up = abs(math.cos(math.pi * beat))
    idle(pose, now)
    pose.turn = 0.16 + 0.12 * side
    pose.hip = 0.965 + 0.035 * up
    pose.shift += 0.03 * side
    pose.lean += 0.09 * side
    pose.tilt -= 0.13 * side
    pose.near_foot = (-0.05 + 0.02 * side, 0.05 * max(0.0, side))
    pose.far_foot = (0.05 + 0.02 * side, 0.05 * max(0.0, -side))
    pose.near = Hand(x=-0.42 - 0.1 * side, y=0.3 + 0.5 * side, over=True)
    pose.far = Hand(x=0.42 - 0.1 * side, y=0.3 - 0.5 * side, over=True)
    if now.gap is not None:
        pose.far = Hand(goal=now.meeting(0.62 + 0.02 * side), frame="stage", over=True)
        pose.near = Hand(x=0.1 - 0.2 * side, y=-0.75)
        pose.turn = 0.55


def jump(pose: Pose, now: Moment) -> None:
    """Crouch, leap, land; again and again."""
    idle(pose, now)
    period = 1.15
    u = (now.seconds / period) % 1.0
    crouch = swell(u, 0.0, 0.34, 0.16) + 0.7 * swell(u, 0.72, 1.0, 0.13)
    air = math.sin(math.pi * min(1.0, max(0.0, (u - 0.28) / 0.46)))
    h = now.body.height
    pose.turn = 0.5
    pose.hip = 1 - 0.16 * crouch
    pose.y += 0.2 * h * air
    pose.lean += 0.22 * crouch
    pose.near_foot = (0.0 - 0.05 * air, 0.035 * air)
    pose.far_foot = (0.03 + 0.05 * air, 0.07 * air)
    pose.near_pitch = pose.far_pitch = -0.6 * air
    pose.near = Hand(x=0.08 - 0.35 * crouch - 0.3 * air, y=-0.95 + 0.15 * crouch + 1.75 * air)
    pose.far = Hand(x=0.08 - 0.3 * crouch + 0.35 * air, y=-0.95 + 0.15 * crouch + 1.75 * air)
    pose.mouth = max(pose.mouth, 0.4 * air)


def point(pose: Pose, now: Moment) -> None:
    """Point ahead with a straight arm, and look there."""
    idle(pose, now)
    up = ramp(now.seconds, 0.15, 0.6)
    stress = 0.05 * wave(now.seconds, 1.1) * up
    pose.turn += (0.55 - pose.turn) * up
    pose.far = Hand(x=0.08 + 0.9 * up, y=-0.95 + 1.0 * up + stress, over=True, angle=0.0)
    pose.gaze = (0.9 * up, 0.15 * up)
    pose.lean += 0.05 * up + 0.3 * stress


def cry(pose: Pose, now: Moment) -> None:
    """Weep into the hands, shoulders shaking."""
    idle(pose, now)
    sob = pulse(now.seconds, 1.5, sharp=1.5)
    cover = ramp(now.seconds, 0.2, 0.8)
    pose.turn = min(pose.turn, 0.4)
    pose.lean += 0.12 * cover + 0.035 * sob
    pose.nod -= 0.55 * cover + 0.1 * sob
    pose.near = Hand(goal=(-0.08, -0.2 + 0.03 * sob), pull=cover)
    pose.far = Hand(goal=(0.26, -0.32 + 0.03 * sob), pull=cover, over=True)
    pose.blink = 0.85
    pose.tears = 1.0
    pose.mouth = max(pose.mouth, 0.25 * sob)


def laugh(pose: Pose, now: Moment) -> None:
    """Laugh from the belly, head thrown back."""
    idle(pose, now)
    burst = swell(now.seconds % 3.2, 0.0, 2.6, 0.3)
    shake = wave(now.seconds, 4.2) * burst
    pose.lean += -0.09 * burst + 0.025 * shake
    pose.nod += 0.35 * burst
    pose.tilt -= 0.05 * burst
    pose.y += 0.004 * now.body.height * shake
    pose.near = Hand(x=0.28, y=-0.52 + 0.03 * shake, over=True)
    pose.far.y += 0.05 * burst
    pose.far.x += 0.1 * burst
    pose.blink = 0.75 * burst
    pose.mouth = max(pose.mouth, (0.55 + 0.25 * shake) * burst)


def kneel(pose: Pose, now: Moment) -> None:
    """Go down on one knee."""
    idle(pose, now)
    down = ramp(now.progress, 0.08, 0.36)
    pose.turn += (0.8 - pose.turn) * down
    pose.hip = 1 - 0.45 * down
    pose.lean += 0.3 * math.sin(math.pi * down) + 0.04 * down
    pose.far_foot = (0.2 * down, 0.0)
    pose.near_foot = (-0.2 * down, 0.05 * down)
    pose.near_pitch = -1.25 * down
    pose.near.x += 0.12 * down
    if now.prop is not None:
        offer = ramp(now.progress, 0.34, 0.55)
        pose.far = Hand(x=0.1 + 0.75 * offer, y=-0.9 + 0.8 * offer, over=True)
    else:
        pose.far.x += 0.3 * down
        pose.far.y += 0.12 * down
    pose.nod += 0.15 * down


def sleep(pose: Pose, now: Moment) -> None:
    """Lie, and breathe slowly."""
    breath = wave(now.seconds, 0.24, now.phase)
    pose.turn = 0.75
    pose.spin = -math.pi / 2
    pose.blink = 1.0
    pose.swell = 0.5 + 0.5 * breath
    pose.near = Hand(x=0.22 + 0.03 * breath, y=-0.62, over=True)
    pose.far = Hand(x=0.1, y=-0.9)
    pose.lean = 0.1 + 0.012 * breath
    pose.nod = -0.1 + 0.14 * breath
    pose.mouth = 0.06 + 0.1 * max(0.0, breath)


def think(pose: Pose, now: Moment) -> None:
    """Hold the chin and look up, as if the answer hung there."""
    idle(pose, now)
    up = ramp(now.seconds, 0.0, 0.5)
    pose.near = Hand(goal=(0.3, -0.52 + 0.02 * wave(now.seconds, 0.9)), pull=up, over=True)
    pose.far = Hand(x=0.08 - 0.3 * up, y=-0.95 + 0.36 * up)
    pose.tilt += 0.1 * up + 0.04 * wave(now.seconds, 0.35)
    pose.gaze = (0.4 + 0.4 * wave(now.seconds, 0.3), 0.8 * up)
    pose.nod += 0.15 * up


def clap(pose: Pose, now: Moment) -> None:
    """Applaud in front of the chest."""
    idle(pose, now)
    u = ramp(now.seconds, 0.0, 0.3)
    apart = 0.5 + 0.5 * wave(now.seconds, 2.3)
    pose.turn = min(pose.turn, 0.35)
    pose.near = Hand(x=0.06 + (0.42 - 0.26 * apart) * u, y=-0.95 + 0.55 * u, over=True)
    pose.far = Hand(x=0.08 + (0.02 + 0.2 * apart) * u, y=-0.95 + 0.58 * u, over=True)
    pose.nod += 0.06 * wave(now.seconds, 1.15)


def shrug(pose: Pose, now: Moment) -> None:
    """Lift shoulders and open hands: who knows?"""
    idle(pose, now)
    up = swell(now.seconds % 2.8, 0.25, 1.9, 0.35)
    pose.turn = min(pose.turn, 0.25)
    pose.near = Hand(x=0.05 - 0.52 * up, y=-0.95 + 0.5 * up, angle=0.8)
    pose.far = Hand(x=0.08 + 0.52 * up, y=-0.95 + 0.5 * up, angle=0.8)
    pose.tilt += 0.14 * up
    pose.nod += 0.1 * up
