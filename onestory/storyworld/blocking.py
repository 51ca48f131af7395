"""
Who stands where, faces whom, and walks along which path? The director's floor plan of one shot.
"""

from dataclasses import dataclass, replace

from onestory.storyworld.chance import chance
from onestory.storyworld.kinds import Action, Emotion, Facing, Framing, PropKind
from onestory.storyworld.people.body import Body, body_of
from onestory.storyworld.people.figure import Figure
from onestory.storyworld.people.moment import Moment, ramp, wave
from onestory.storyworld.people.motions.repertoire import DEFAULT_PROPS, perform
from onestory.storyworld.people.motions.speaking import lips
from onestory.storyworld.people.pose import Pose, solve
from onestory.storyworld.places.stage import PlaceArt
from onestory.storyworld.scene import Performer, SceneSpec

SPAN_SECONDS = 4.5
"""A performance that happens once takes no longer than this, however long the shot."""

WALK_SPEED, RUN_SPEED = 1.05, 2.9
"""Metres a second."""

GAPS = {
    Action.HUG: 0.27,
    Action.KISS: 0.44,
    Action.HOLD_HANDS: 0.56,
    Action.HAND_OVER: 0.8,
    Action.TAKE: 0.8,
    Action.SHAKE_HANDS: 0.82,
    Action.SLAP: 0.62,
    Action.ARGUE: 0.92,
    Action.DANCE: 0.78,
    Action.KNEEL: 0.78,
    Action.POINT: 1.05,
}
"""Metres between two marks, by what one does to the other; for people of 1.7 m."""

MUTUAL = frozenset({Action.HUG, Action.KISS, Action.HOLD_HANDS, Action.SHAKE_HANDS, Action.DANCE})
"""Actions that take two to do the same."""

IMPLIED = {
    Action.LAUGH: Emotion.HAPPY,
    Action.DANCE: Emotion.HAPPY,
    Action.WAVE: Emotion.HAPPY,
    Action.CLAP: Emotion.HAPPY,
    Action.CRY: Emotion.SAD,
    Action.ARGUE: Emotion.ANGRY,
    Action.SLAP: Emotion.ANGRY,
    Action.FALL: Emotion.SURPRISED,
    Action.HUG: Emotion.TENDER,
    Action.KISS: Emotion.TENDER,
    Action.HOLD_HANDS: Emotion.TENDER,
}
"""What a face shows during an action, if the scene leaves it neutral."""

NEARER = 1.42
"""How much larger the person is over whose shoulder we look."""

_PASSIVE = frozenset({Action.IDLE, Action.LISTEN, Action.HOLD, Action.TALK, Action.LOOK_AROUND})
_MOVING = frozenset({Action.WALK, Action.RUN})


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """A way along the ground, at a steady speed."""

    start: float
    end: float
    begin: float
    """When it starts, in seconds."""
    speed: float

    def at(self, seconds: float) -> tuple[float, float, float]:
        """Say where, how far walked, and how much of the body walks, in [0, 1]."""
        length = abs(self.end - self.start)
        if length < 1e-6:
            return (self.start, 0.0, 0.0)
        walked = min(length, max(0.0, seconds - self.begin) * self.speed)
        arrive = self.begin + length / self.speed
        walking = ramp(seconds, self.begin - 0.05, self.begin + 0.25) if self.begin > 0 else 1.0
        walking *= 1 - ramp(seconds, arrive - 0.25, arrive + 0.12)
        sign = 1.0 if self.end > self.start else -1.0
        return (self.start + sign * walked, walked, walking)


@dataclass(frozen=True, kw_only=True, slots=True)
class Role:
    """One performer's place in the plan."""

    performer: Performer
    action: Action
    body: Body
    mark: float
    facing: float
    partner: int | None
    leads: bool
    path: Path | None
    seated: bool
    away: bool
    depth: float
    """Metres the feet are drawn above the line of y = 0: further back."""
    prop: PropKind | None
    emotion: Emotion
    scale: float = 1.0
    """Above 1 for somebody nearer to the camera than the rest."""


def shoulder_view(body: Body, aspect: float) -> float:
    """Find the height of view, in metres, that holds a face beside a nearer shoulder."""
    return max(0.56 * body.height, 0.82 / aspect)


class Blocking:
    """The plan of one scene, and the figures it yields at every frame."""

    def __init__(self, scene: SceneSpec, art: PlaceArt, *, aspect: float) -> None:
        self.scene = scene
        self.art = art
        self.aspect = aspect
        self.roles = self._plan()

    def figures(self, index: int) -> list[Figure]:
        """Find everybody at a frame, in the order of the roles."""
        seconds = float((self.scene.start_frame + index) / self.scene.fps)
        return [self._figure(number, seconds, index) for number in range(len(self.roles))]

    def order(self) -> list[int]:
        """List the roles from back to front."""
        return sorted(range(len(self.roles)), key=lambda i: (-self.roles[i].depth, i))

    def reaches_over(self, number: int) -> bool:
        """Say whether this performer's arms lie over the partner."""
        return self.roles[number].action in (Action.HUG, Action.KISS) and (
            self.roles[number].partner is not None
        )

    def _plan(self) -> list[Role]:
        performers = self._lined_up()
        count = len(performers)
        partners = [self._partner(performers, i) for i in range(count)]
        actions = [self._action(performers, partners, i) for i in range(count)]
        bodies = [body_of(performer.look) for performer in performers]
        marks = self._marks(performers, partners, actions, bodies)
        roles = []
        for i, performer in enumerate(performers):
            partner = partners[i]
            facing, away = self._facing(performers, marks, partners, actions, i)
            seated = (performer.seated or self.art.seated) and actions[i] is not Action.SLEEP
            action = actions[i]
            if self.art.seated and action in _MOVING | {Action.ENTER, Action.LEAVE, Action.SIT}:
                action = Action.IDLE
            leads = partner is None or self._leads(performers, actions, i, partner)
            roles.append(
                Role(
                    performer=performer,
                    action=action,
                    body=bodies[i],
                    mark=marks[i],
                    facing=facing,
                    partner=partner,
                    leads=leads,
                    path=self._path(action, marks[i], facing, i, count),
                    seated=seated,
                    away=away,
                    depth=0.06 * (i % 2) if count > 1 else 0.0,
                    prop=self._prop(performers, partners, actions, i),
                    emotion=self._emotion(performer, action, leads=leads),
                )
            )
        roles = [self._aimed(role) for role in roles]
        return self._over_the_shoulder(roles)

    def _over_the_shoulder(self, roles: list[Role]) -> list[Role]:
        """Bring the listener's back between the camera and whoever is filmed."""
        camera = self.scene.camera
        if camera.framing is not Framing.OVER_THE_SHOULDER or len(roles) < 2:
            return roles
        names = [role.performer.name for role in roles]
        seen = self.shoulder_subject(names)
        near = roles[seen].partner
        if near is None:
            near = 0 if seen else 1
        side = 1.0 if near > seen else -1.0
        subject, listener = roles[seen], roles[near]
        view = shoulder_view(subject.body, self.aspect)
        top = subject.body.height + 0.13 * view
        low = top - view * 0.3 - (listener.body.height - 0.1) * NEARER
        roles = list(roles)
        roles[seen] = replace(subject, facing=side, away=False, path=None)
        roles[near] = replace(
            listener,
            action=Action.LISTEN,
            mark=subject.mark + side * (0.1 + view * self.aspect * 0.36),
            facing=-side,
            away=True,
            path=None,
            depth=low,
            scale=NEARER,
            prop=None,
            seated=False,
        )
        return [roles[i] for i in range(len(roles)) if i in (seen, near)]

    def shoulder_subject(self, names: list[str]) -> int:
        """Find whose face an over-the-shoulder shot is about."""
        if self.scene.camera.subject is not None:
            return names.index(self.scene.camera.subject)
        spoken = {p.name for p in self.scene.performers if p.speech}
        speakers = [i for i, name in enumerate(names) if name in spoken]
        return (speakers or [1])[0]

    def _aimed(self, role: Role) -> Role:
        """Make people face the way they walk."""
        if role.path is None or abs(role.path.end - role.path.start) < 1e-6:
            return role
        return replace(role, facing=1.0 if role.path.end > role.path.start else -1.0)

    def _emotion(self, performer: Performer, action: Action, *, leads: bool) -> Emotion:
        if performer.emotion is not Emotion.NEUTRAL:
            return performer.emotion
        if action is Action.SLAP and not leads:
            return Emotion.SURPRISED
        return IMPLIED.get(action, Emotion.NEUTRAL)

    def _lined_up(self) -> list[Performer]:
        """Put people who touch next to each other."""
        performers = list(self.scene.performers)
        if len(performers) == 3:
            first, _, last = performers
            touches = {p.name: p.target for p in performers if p.target and p.action in GAPS}
            if touches.get(first.name) == last.name or touches.get(last.name) == first.name:
                performers = [performers[0], performers[2], performers[1]]
        return performers

    def _partner(self, performers: list[Performer], i: int) -> int | None:
        names = [performer.name for performer in performers]
        target = performers[i].target
        if target is not None:
            return names.index(target)
        for j, other in enumerate(performers):
            if other.target == performers[i].name:
                return j
        if len(performers) == 2 and performers[i].action in {
            *MUTUAL,
            Action.HAND_OVER,
            Action.TAKE,
        }:
            return 1 - i
        return None

    def _action(self, performers: list[Performer], partners: list[int | None], i: int) -> Action:
        """Let the partner join in what only two can do."""
        action, partner = performers[i].action, partners[i]
        if partner is None or partners[partner] != i or action not in _PASSIVE:
            return action
        theirs = performers[partner].action
        if theirs in MUTUAL:
            return theirs
        answer = {
            Action.HAND_OVER: Action.TAKE,
            Action.TAKE: Action.HAND_OVER,
            Action.SLAP: Action.SLAP,
        }
        return answer.get(theirs, action)

    def _leads(
        self, performers: list[Performer], actions: list[Action], i: int, partner: int
    ) -> bool:
        if actions[i] is not Action.SLAP:
            return i < partner
        return performers[i].action is Action.SLAP and not (
            performers[partner].action is Action.SLAP and partner < i
        )

    def _marks(
        self,
        performers: list[Performer],
        partners: list[int | None],
        actions: list[Action],
        bodies: list[Body],
    ) -> list[float]:
        tight = self.aspect < 1
        usual = 0.7 if tight else 0.88
        if self.art.seated:
            return [[], [0.0], [-0.52, 0.52], [-0.8, 0.0, 0.8]][len(performers)]
        x, marks = 0.0, [0.0]
        for i in range(1, len(performers)):
            gap = usual
            scale = (bodies[i - 1].height + bodies[i].height) / 3.4
            if partners[i] == i - 1 or partners[i - 1] == i:
                for action in (actions[i - 1], actions[i]):
                    if action in GAPS:
                        gap = GAPS[action] * scale
                        break
            broad = (bodies[i].waist + bodies[i - 1].waist) - 0.27
            gap += max(0.0, broad)
            if Action.SLEEP in (actions[i], actions[i - 1]):
                gap = 1.2
            if performers[i].seated or performers[i - 1].seated:
                gap += 0.12
            x += gap
            marks.append(x)
        return [mark - x / 2 for mark in marks] if performers else []

    def _facing(
        self,
        performers: list[Performer],
        marks: list[float],
        partners: list[int | None],
        actions: list[Action],
        i: int,
    ) -> tuple[float, bool]:
        wish = performers[i].facing
        away = wish is Facing.AWAY
        if self.art.seated:
            return 1.0, False
        if wish is Facing.LEFT:
            return -1.0, False
        if wish is Facing.RIGHT:
            return 1.0, False
        partner = partners[i]
        if partner is not None:
            return (1.0 if marks[partner] > marks[i] else -1.0), away
        if len(performers) > 1:
            return (1.0 if marks[i] <= 0.001 and i < len(performers) - 1 else -1.0), away
        left = bool(chance(self.scene.seed, "facing").random() < 0.4)
        return (-1.0 if left else 1.0), away

    def _path(self, action: Action, mark: float, facing: float, i: int, count: int) -> Path | None:
        duration = float((self.scene.start_frame + self.scene.num_frames) / self.scene.fps)
        speed = RUN_SPEED if action is Action.RUN else WALK_SPEED
        side = -1.0 if mark < -0.01 else 1.0 if mark > 0.01 else -facing
        edge = min(self._half_view() + 0.55, 3.2)
        if action in _MOVING:
            everybody = all(p.action in _MOVING for p in self.scene.performers)
            way = facing if count == 1 else (1.0 if everybody else -side)
            if self.scene.performers[0].facing is Facing.LEFT and everybody:
                way = -1.0
            if everybody:
                start = mark - way * 0.8
                limit = self.art.roam if self.art.indoor else 14.0
                end = way * limit + mark
                return Path(start=start, end=end, begin=0.0, speed=speed)
            return Path(start=mark - way * 1.1, end=mark, begin=0.0, speed=speed)
        if action is Action.ENTER:
            return Path(start=side * edge, end=mark, begin=0.15, speed=WALK_SPEED * 1.1)
        if action is Action.LEAVE:
            begin = min(1.0, duration * 0.25)
            return Path(start=mark, end=side * (edge + 0.6), begin=begin, speed=WALK_SPEED * 1.1)
        return None

    def _half_view(self) -> float:
        heights = {Framing.WIDE: 3.5, Framing.FULL: 2.3, Framing.MEDIUM: 1.3, Framing.TWO_SHOT: 1.7}
        return heights.get(self.scene.camera.framing, 1.2) * self.aspect / 2

    def _prop(
        self,
        performers: list[Performer],
        partners: list[int | None],
        actions: list[Action],
        i: int,
    ) -> PropKind | None:
        own, action = performers[i].prop, actions[i]
        partner = partners[i]
        if action in (Action.HAND_OVER, Action.TAKE) and partner is not None:
            return own or performers[partner].prop or DEFAULT_PROPS[action]
        return own if own is not None else DEFAULT_PROPS.get(action)

    def _figure(self, number: int, seconds: float, index: int) -> Figure:
        role = self.roles[number]
        duration = float((self.scene.start_frame + self.scene.num_frames) / self.scene.fps)
        phase = float(chance(self.scene.seed, "phase", role.performer.name).uniform(0, 6.283))
        x, walked, walking = role.mark, 0.0, 0.0
        if role.path is not None:
            x, walked, walking = role.path.at(seconds)
        partner = self._partner_role(role)
        x += self._shift(role)
        gap = None if partner is None else (partner.mark - x) * role.facing
        span = min(duration, SPAN_SECONDS)
        progress = min(1.0, seconds / span)
        speaking = 0.0
        if any(start <= index < end for start, end in role.performer.speech):
            speaking = lips(seconds, phase)
        now = Moment(
            seconds=seconds,
            progress=progress,
            duration=span,
            body=role.body,
            emotion=role.emotion,
            phase=phase,
            walked=walked,
            walking=walking,
            running=role.action is Action.RUN,
            gap=gap if gap is not None and gap > 0 else None,
            partner=partner.body if partner is not None else None,
            leads=role.leads,
            prop=role.prop,
            speaking=speaking,
            seated=role.seated,
            crowded=len(self.roles) > 1,
        )
        pose = self._posed(role, now)
        prop = self._held(role, progress)
        return Figure(
            look=role.performer.look,
            body=role.body,
            pose=pose,
            bones=solve(pose, role.body),
            mark=(x, role.depth + self._lift(role)),
            facing=role.facing,
            emotion=role.emotion,
            scale=role.scale,
            prop=prop,
            prop_in_near=role.action in (Action.PHONE, Action.WRITE, Action.WAVE),
            swing=wave(seconds, 1.9 if walking else 0.35, phase) * (0.5 if walking else 0.18),
        )

    def _posed(self, role: Role, now: Moment) -> Pose:
        pose = Pose(away=role.away)
        if role.away:
            pose.turn = 0.12
        if role.partner is not None or len(self.roles) > 1:
            pose.turn = 0.46
        if role.performer.facing is Facing.FRONT:
            pose.turn = 0.06
        if role.performer.facing in (Facing.LEFT, Facing.RIGHT):
            pose.turn = 0.75
        pose = perform(role.action, now, pose)
        partner = self._partner_role(role)
        if self.art.seated and partner is not None and partner.mark < role.mark:
            pose.head_turn = -0.5
        return pose

    def _partner_role(self, role: Role) -> Role | None:
        if role.partner is None or len(self.roles) <= role.partner:
            return None
        return self.roles[role.partner]

    def _shift(self, role: Role) -> float:
        """Lie across the mark rather than behind it."""
        share = {Action.SLEEP: 0.5, Action.FALL: 0.36}.get(role.action, 0.0)
        return role.facing * share * role.body.height

    def _lift(self, role: Role) -> float:
        return 0.52 if role.action is Action.SLEEP else 0.0

    def _held(self, role: Role, progress: float) -> PropKind | None:
        """Let a thing change hands where the hands meet."""
        if role.partner is not None and role.action is Action.HAND_OVER:
            return role.prop if progress < 0.56 else None
        if role.partner is not None and role.action is Action.TAKE:
            return role.prop if progress >= 0.56 else None
        if role.action is Action.TAKE:
            return role.prop if progress >= 0.5 else None
        return role.prop
