"""
Where does the camera look at every frame? A framing fits people, a move changes it over the shot.
"""

import math
from dataclasses import dataclass

from onestory.storyworld.blocking import Blocking, shoulder_view
from onestory.storyworld.chance import chance
from onestory.storyworld.kinds import Action, CameraMove, Framing
from onestory.storyworld.people.figure import Figure
from onestory.storyworld.people.moment import ramp
from onestory.storyworld.props import PROPS, TABLE_HEIGHT
from onestory.storyworld.scene import SceneSpec

REFERENCE_HEIGHT = 3.2
"""Metres of view at which all layers have the same scale."""

EYE_LEVEL = 1.2
"""Height at which all layers are level, in metres."""

_TALL = {
    Framing.WIDE: 2.05,
    Framing.FULL: 1.3,
    Framing.TWO_SHOT: 0.92,
    Framing.MEDIUM: 0.66,
    Framing.MEDIUM_CLOSE: 0.47,
    Framing.CLOSE: 0.3,
    Framing.OVER_THE_SHOULDER: 0.58,
    Framing.INSERT: 0.34,
}
"""Height of view, as a share of the subject's height."""

_NARROWEST = {Framing.CLOSE: 1.6, Framing.MEDIUM_CLOSE: 2.1, Framing.MEDIUM: 3.1}
"""Width of view below which a framing would crop, in widths of a head: it matters upright."""

_GROUP = frozenset({Framing.WIDE, Framing.FULL, Framing.TWO_SHOT, Framing.MEDIUM})
"""Framings that keep everybody in, unless they have a subject (wide ones even then)."""


_REACHES = {
    Action.KNOCK: 0.62,
    Action.OPEN_DOOR: 0.72,
    Action.COOK: 0.5,
    Action.TYPE: 0.5,
    Action.WRITE: 0.4,
    Action.POINT: 0.42,
}
"""How far ahead an action needs room in the frame, as a share of height."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What the camera sees at one frame: a middle and a height, in metres of the people's plane."""

    x: float
    y: float
    height: float

    def scale(self, pixels: int) -> float:
        """Pixels per metre, for a picture so many pixels high."""
        return pixels / self.height


class Operator:
    """Points the camera at every frame of a scene."""

    def __init__(self, scene: SceneSpec, blocking: Blocking, *, aspect: float) -> None:
        self.scene = scene
        self.blocking = blocking
        self.aspect = aspect
        self.numbers = self._subjects()
        last = scene.num_frames - 1
        self._settled = blocking.figures(self._settled_frame())
        self._base = self._framed(self._settled)
        phases = chance(scene.seed, "camera").uniform(0, 2 * math.pi, size=6)
        self._phases = [float(phase) for phase in phases]
        self._follow = self._followed(last)

    def view(self, index: int) -> View:
        """Find the view at a frame."""
        base = self._base
        wide = base.height * self.aspect
        u = ramp(index, 0, max(1, self.scene.num_frames - 1)) * 0.6
        u += 0.4 * index / max(1, self.scene.num_frames - 1)
        x, y, height = base.x + self._follow[index], base.y, base.height
        move = self.scene.camera.move
        reach = 0.11 if self.numbers else 0.2
        if move is CameraMove.PAN_LEFT:
            x += wide * reach * (1 - 2 * u)
        elif move is CameraMove.PAN_RIGHT:
            x -= wide * reach * (1 - 2 * u)
        elif move is CameraMove.TILT_UP:
            y -= height * 0.17 * (1 - u)
        elif move is CameraMove.TILT_DOWN:
            y += height * 0.2 * (1 - u)
        elif move is CameraMove.PUSH_IN:
            height *= 1.14 - 0.26 * u
        elif move is CameraMove.PULL_OUT:
            height *= 0.88 + 0.26 * u
        elif move is CameraMove.HANDHELD:
            x, y = self._shaken(x, y, height, index)
        elif move is CameraMove.TRACK and not self._walks():
            x += wide * 0.09 * (2 * u - 1)
        if move in (CameraMove.PUSH_IN, CameraMove.PULL_OUT) and self.numbers:
            # Keep the eyes where they are in the frame.
            eyes = self._eyes()
            y = eyes + (y - eyes) * height / base.height
        return View(x=x, y=y, height=height)

    def _eyes(self) -> float:
        figures = [self._settled[number] for number in self.numbers]
        return sum(figure.to_world(figure.bones.head)[1] for figure in figures) / len(figures)

    def _settled_frame(self) -> int:
        """Find the frame whose poses the framing fits: late enough that people have arrived."""
        return min(self.scene.num_frames - 1, round(self.scene.num_frames * 0.66))

    def _subjects(self) -> list[int]:
        roles = self.blocking.roles
        if not roles:
            return []
        camera = self.scene.camera
        names = [role.performer.name for role in roles]
        if camera.framing is Framing.OVER_THE_SHOULDER and len(roles) > 1:
            return [self.blocking.shoulder_subject(names)]
        if camera.subject is not None and camera.framing not in (Framing.WIDE, Framing.TWO_SHOT):
            return [names.index(camera.subject)]
        if camera.framing in _GROUP:
            return list(range(len(roles)))
        speakers = [i for i, role in enumerate(roles) if role.performer.speech]
        holders = [i for i, role in enumerate(roles) if role.prop is not None]
        if camera.framing is Framing.INSERT and holders:
            return holders[:1]
        together = [i for i, role in enumerate(roles) if role.action in (Action.HUG, Action.KISS)]
        if together:
            return together
        return (speakers or [0])[:1]

    def _home(self, number: int) -> float:
        """Find where a subject is framed: on the mark, or where the walk begins."""
        role = self.blocking.roles[number]
        if role.path is None or role.action in (Action.ENTER, Action.LEAVE):
            return role.mark
        return role.mark

    def _framed(self, figures: list[Figure]) -> View:
        framing = self.scene.camera.framing
        if not self.numbers:
            return self._empty(framing)
        subjects = [figures[i] for i in self.numbers]
        roles = [self.blocking.roles[i] for i in self.numbers]
        tallest = max(figure.body.height for figure in subjects)
        homes = [self._home(i) for i in self.numbers]
        left = min(homes) - 0.34 * tallest / 1.7
        right = max(homes) + 0.34 * tallest / 1.7
        height = _TALL[framing] * tallest
        x = (left + right) / 2
        tops = [
            figure.to_world(figure.bones.head)[1] + figure.body.head * 0.5 for figure in subjects
        ]
        top = max(tops)
        if framing in (Framing.CLOSE, Framing.MEDIUM_CLOSE) and len(subjects) == 1:
            head = subjects[0].to_world(subjects[0].bones.head)
            if roles[0].path is None:
                x = head[0] + 0.02 * subjects[0].facing
            height *= subjects[0].body.head / (0.17 * tallest)
        width = max(figure.body.head_width for figure in subjects)
        height = max(height, _NARROWEST.get(framing, 0.0) * width / self.aspect)
        if framing is Framing.INSERT:
            return self._insert(subjects[0], height)
        if any(role.action in (Action.SLEEP, Action.FALL) for role in roles) and framing in _GROUP:
            left, right = min(left, x - 0.72 * tallest), max(right, x + 0.72 * tallest)
        if framing in _GROUP:
            for role in roles:
                reach = _REACHES.get(role.action, 0.0) * tallest
                left = min(left, role.mark + role.facing * reach - 0.05)
                right = max(right, role.mark + role.facing * reach + 0.05)
            x = (left + right) / 2
        height = (
            max(height, (right - left) / self.aspect)
            if framing in _GROUP or len(subjects) > 1
            else height
        )
        if framing is Framing.OVER_THE_SHOULDER:
            height = shoulder_view(subjects[0].body, self.aspect)
            x += 0.1 * subjects[0].facing * height * self.aspect
        if self.blocking.art.seated and framing in (Framing.WIDE, Framing.FULL):
            height = max(2.1 if framing is Framing.WIDE else 1.6, (right - left) / self.aspect)
            return View(x=x, y=max(1.0, top + 0.2 - height / 2), height=height)
        y = self._level(framing, height, top, tallest)
        if top < 0.6 * tallest and framing in _GROUP:
            y = height * (0.5 - 0.3)
        return View(x=x, y=y, height=height)

    def _level(self, framing: Framing, height: float, top: float, tallest: float) -> float:
        """Find the middle of the view: feet near the bottom, or eyes in the upper third."""
        if framing is Framing.WIDE:
            return height * (0.5 - 0.2)
        if height > 1.7 * tallest:
            return height * (0.5 - 0.2)
        if framing is Framing.FULL:
            return max(height * (0.5 - 0.085), top + 0.09 * height - height / 2)
        room = {Framing.CLOSE: 0.13, Framing.MEDIUM_CLOSE: 0.13}.get(framing, 0.13)
        level = top + room * height - height / 2
        # When width forces a taller view, ground should not fill the frame.
        return max(level, height * 0.5 - 0.24 * height) if height > tallest else level

    def _insert(self, figure: Figure, height: float) -> View:
        hand = figure.bones.near_hand if figure.prop_in_near else figure.bones.far_hand
        if figure.prop is None:
            hand = figure.bones.far_hand
        x, y = figure.to_world(hand)
        return View(x=x, y=y + 0.03, height=height)

    def _empty(self, framing: Framing) -> View:
        if framing in (Framing.INSERT, Framing.CLOSE, Framing.MEDIUM_CLOSE):
            things = [PROPS[kind] for kind in self.scene.props]
            wide = sum(thing.width + 0.08 for thing in things) + 0.12
            tall = max((thing.height for thing in things), default=0.3)
            height = max(0.5, wide * 1.15 / self.aspect, tall * 1.9)
            return View(x=0.0, y=TABLE_HEIGHT + tall * 0.4, height=height)
        height = max(3.1, 2.3 / self.aspect) if framing is Framing.WIDE else 2.7
        return View(x=0.0, y=height * 0.3, height=height)

    def _walks(self) -> bool:
        return any(self.blocking.roles[i].action in (Action.WALK, Action.RUN) for i in self.numbers)

    def _followed(self, last: int) -> list[float]:
        """Follow whoever walks out of the safe middle of the frame, as an operator would."""
        offsets = [0.0] * (last + 1)
        if not self._walks():
            return offsets
        half = self._base.height * self.aspect / 2
        track = self.scene.camera.move is CameraMove.TRACK
        spread = (
            max(self._home(i) for i in self.numbers) - min(self._home(i) for i in self.numbers)
        ) / 2
        slack = 0.0 if track else max(0.0, half - 0.5 - spread)
        offset = 0.0
        for index in range(last + 1):
            figures = self.blocking.figures(index)
            middle = sum(figures[i].mark[0] for i in self.numbers) / len(self.numbers)
            away = middle - self._base.x
            offset = min(max(offset, away - slack), away + slack)
            offsets[index] = offset
        return offsets

    def _shaken(self, x: float, y: float, height: float, index: int) -> tuple[float, float]:
        t = float(index / self.scene.fps)
        p = self._phases
        sway_x = (
            math.sin(1.9 * t + p[0])
            + 0.5 * math.sin(4.3 * t + p[1])
            + 0.22 * math.sin(9.1 * t + p[2])
        )
        sway_y = (
            math.sin(1.6 * t + p[3])
            + 0.5 * math.sin(3.7 * t + p[4])
            + 0.25 * math.sin(8.3 * t + p[5])
        )
        return (x + 0.009 * height * sway_x, y + 0.008 * height * sway_y)
