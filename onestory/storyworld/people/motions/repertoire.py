"""Which motion plays which action? The whole repertoire, and what every performance shares."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from onestory.storyworld.kinds import Action, Emotion, PropKind
from onestory.storyworld.people.moment import Moment, ramp, wave
from onestory.storyworld.people.motions import alone, handling, speaking, together
from onestory.storyworld.people.pose import Pose

Motion = Callable[[Pose, Moment], None]

MOTIONS: Mapping[Action, Motion] = MappingProxyType(
    {
        Action.IDLE: alone.idle,
        Action.WALK: alone.idle,
        Action.RUN: alone.idle,
        Action.ENTER: alone.idle,
        Action.LEAVE: alone.idle,
        Action.SIT: alone.sit,
        Action.STAND_UP: alone.stand_up,
        Action.WAVE: alone.wave_hand,
        Action.TURN_AWAY: alone.turn_away,
        Action.LOOK_AROUND: alone.look_around,
        Action.FALL: alone.fall,
        Action.DANCE: alone.dance,
        Action.JUMP: alone.jump,
        Action.POINT: alone.point,
        Action.CRY: alone.cry,
        Action.LAUGH: alone.laugh,
        Action.KNEEL: alone.kneel,
        Action.SLEEP: alone.sleep,
        Action.THINK: alone.think,
        Action.CLAP: alone.clap,
        Action.SHRUG: alone.shrug,
        Action.TALK: speaking.talk,
        Action.LISTEN: speaking.listen,
        Action.ARGUE: speaking.argue,
        Action.SHAKE_HEAD: speaking.shake_head,
        Action.PHONE: speaking.telephone,
        Action.HOLD: handling.hold,
        Action.DRINK: handling.drink,
        Action.EAT: handling.eat,
        Action.READ: handling.read,
        Action.WRITE: handling.write,
        Action.TYPE: handling.type_keys,
        Action.KNOCK: handling.knock,
        Action.OPEN_DOOR: handling.open_door,
        Action.COOK: handling.cook,
        Action.PLAY: handling.play,
        Action.HUG: together.hug,
        Action.KISS: together.kiss,
        Action.HOLD_HANDS: together.hold_hands,
        Action.SHAKE_HANDS: together.shake_hands,
        Action.HAND_OVER: together.hand_over,
        Action.TAKE: together.take,
        Action.SLAP: together.slap,
    }
)
"""One motion for every action; those that go somewhere idle, and the path makes the steps."""

DEFAULT_PROPS: Mapping[Action, PropKind] = MappingProxyType(
    {
        Action.DRINK: PropKind.CUP,
        Action.EAT: PropKind.APPLE,
        Action.READ: PropKind.BOOK,
        Action.WRITE: PropKind.NOTEBOOK,
        Action.TYPE: PropKind.LAPTOP,
        Action.PHONE: PropKind.PHONE,
        Action.HAND_OVER: PropKind.ENVELOPE,
        Action.TAKE: PropKind.ENVELOPE,
        Action.HOLD: PropKind.LETTER,
        Action.COOK: PropKind.PAN,
        Action.PLAY: PropKind.GUITAR,
    }
)
"""What an action needs, if the scene names nothing else."""

UPRIGHT = frozenset(
    {
        Action.WALK,
        Action.RUN,
        Action.ENTER,
        Action.LEAVE,
        Action.SIT,
        Action.STAND_UP,
        Action.FALL,
        Action.DANCE,
        Action.JUMP,
        Action.KNEEL,
        Action.SLEEP,
        Action.TURN_AWAY,
        Action.HUG,
        Action.KISS,
    }
)
"""Actions that take care of the legs themselves, so that no seat is put under them."""

FREE_HANDS = frozenset(
    {
        Action.IDLE,
        Action.WALK,
        Action.RUN,
        Action.ENTER,
        Action.LEAVE,
        Action.LISTEN,
        Action.LOOK_AROUND,
    }
)
"""Actions that leave a hand free for whatever is carried."""


def perform(action: Action, now: Moment, pose: Pose | None = None) -> Pose:
    """Find the pose of an action at a moment, with breath, steps, speech and blinks."""
    pose = Pose() if pose is None else pose
    MOTIONS[action](pose, now)
    if now.walking:
        alone.stride(pose, now)
    if now.seated and action not in UPRIGHT:
        hands = (pose.near, pose.far)
        resting = action in (Action.IDLE, Action.LISTEN)
        kept = [(hand.x, hand.y) for hand in hands]
        alone.seat(pose, now)
        if not resting:
            for hand, (x, y) in zip(hands, kept, strict=True):
                hand.x, hand.y = x, max(y, -0.72)
    if now.prop is not None and action in FREE_HANDS:
        handling.carry(pose, now)
    _feel(pose, now)
    pose.mouth = max(pose.mouth, now.speaking)
    if now.speaking:
        pose.nod += 0.05 * wave(now.seconds, 2.2, now.phase)
    pose.blink = max(pose.blink, _blink(now))
    return pose


def _feel(pose: Pose, now: Moment) -> None:
    if now.emotion is Emotion.SAD:
        pose.nod -= 0.28
        pose.lean += 0.05
    elif now.emotion is Emotion.AFRAID:
        pose.lean -= 0.05
        pose.x += 0.003 * wave(now.seconds, 7.0)
    elif now.emotion is Emotion.TENDER:
        pose.tilt += 0.07
    elif now.emotion is Emotion.HAPPY:
        pose.nod += 0.06
    elif now.emotion is Emotion.ANGRY:
        pose.nod -= 0.08
        pose.lean += 0.03


def _blink(now: Moment) -> float:
    """Shut the eyes for a sixth of a second every three and a bit, out of step with others."""
    into = (now.seconds + now.phase * 0.7) % 3.3
    return ramp(into, 0.0, 0.06) * (1 - ramp(into, 0.1, 0.17))
