"""
How does a scene become frames? Block it, frame it, paint the place once, then draw people.

    SceneSpec ── Blocking ── Operator ── Backdrop ──┬── frame(i)   uint8 RGB, sRGB, H W C
                 who, where   camera     place      └── truth(i)   labels, boxes, names
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from onestory.storyworld import supports
from onestory.storyworld.backdrop import Backdrop
from onestory.storyworld.blocking import SPAN_SECONDS, Blocking
from onestory.storyworld.camera import Operator, View
from onestory.storyworld.kinds import Action, Framing
from onestory.storyworld.light import people_grade_for
from onestory.storyworld.palette import Rgb
from onestory.storyworld.pen import LabelPen, Pen, oval
from onestory.storyworld.people.figure import Figure, draw_arms_over, draw_figure
from onestory.storyworld.places.atlas import ATLAS
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.truth import FrameTruth, boxes_of, part_names
from onestory.storyworld.weather import Fall

MIN_SIDE = 16
"""The smallest width or height that still shows anybody."""

SHADOW: Rgb = (24, 18, 48)


class SceneRenderer:
    """Draws the frames of one scene, in any order, always the same."""

    def __init__(self, scene: SceneSpec, width: int, height: int) -> None:
        """
        Plan the scene and paint its place.

        Raises:
            ValueError: If width or height is below `MIN_SIDE` pixels.
        """
        if min(width, height) < MIN_SIDE:
            raise ValueError(
                f"a frame needs at least {MIN_SIDE} pixels a side, got {width}x{height}"
            )
        self.scene, self.width, self.height = scene, width, height
        aspect = width / height
        self._art = ATLAS[scene.place.kind]
        self._blocking = Blocking(scene, self._art, aspect=aspect)
        self._operator = Operator(scene, self._blocking, aspect=aspect)
        views = [self._operator.view(index) for index in range(scene.num_frames)]
        self._views = views
        self._backdrop = Backdrop(scene, views, width, height)
        self._fall = Fall(scene.weather, scene.light, scene.seed, width, height)
        self._rgba_HWC: npt.NDArray[np.uint8] = np.zeros((height, width, 4), np.uint8)
        grade = people_grade_for(scene.light, scene.weather, outside=not self._art.indoor)
        self._pen = Pen(self._rgba_HWC, grade)

    def frame(self, index: int) -> npt.NDArray[np.uint8]:
        """
        Draw one frame.

        Returns:
            A fresh array, H W C, RGB, sRGB.

        Raises:
            IndexError: If the scene has no such frame.
        """
        view = self._view(index)
        pen = self._pen
        self._backdrop.lay_behind(pen, view, self._rgba_HWC)
        pen.look_at(view.x, view.y, view.scale(self.height))
        self._draw_cast(pen, index)
        self._backdrop.lay_front(pen, view)
        if not self._art.indoor:
            self._fall.draw(pen, self._seconds(index))
        return np.ascontiguousarray(self._rgba_HWC[..., :3])

    def truth(self, index: int) -> FrameTruth:
        """
        Tell what one frame shows, from the same geometry.

        Raises:
            IndexError: If the scene has no such frame.
        """
        view = self._view(index)
        labels_HWC = np.zeros((self.height, self.width, 4), np.uint8)
        pen = LabelPen(labels_HWC)
        pen.look_at(view.x, view.y, view.scale(self.height))
        figures = self._draw_cast(pen, index)
        pen.label = 0
        self._backdrop.label_front(pen, view)
        performers = self.scene.performers
        names = (*(p.name for p in performers), *self._prop_names())
        labels_HW = np.ascontiguousarray(labels_HWC[..., 0])
        held = {
            role.performer.name: figure.prop
            for role, figure in zip(self._blocking.roles, figures, strict=True)
            if figure.prop is not None
        }
        return FrameTruth(
            labels_HW=labels_HW,
            parts_HW=np.where(labels_HW > 0, labels_HWC[..., 1], 0).astype(np.uint8),
            names=names,
            part_names=part_names(),
            boxes=boxes_of(labels_HW, names),
            looks={p.name: p.look for p in performers},
            actions={role.performer.name: role.action for role in self._blocking.roles},
            emotions={p.name: p.emotion for p in performers},
            props={**held, **dict(zip(self._prop_names(), self.scene.props, strict=True))},
            place=self.scene.place,
            light=self.scene.light,
            weather=self.scene.weather,
        )

    def _view(self, index: int) -> View:
        if not 0 <= index < self.scene.num_frames:
            raise IndexError(f"frame {index} is outside the scene's {self.scene.num_frames} frames")
        return self._views[index]

    def _seconds(self, index: int) -> float:
        return float((self.scene.start_frame + index) / self.scene.fps)

    def _prop_names(self) -> tuple[str, ...]:
        names: list[str] = []
        for kind in self.scene.props:
            same = sum(name == kind.value or name.startswith(f"{kind.value} ") for name in names)
            names.append(kind.value if not same else f"{kind.value} {same + 1}")
        return tuple(names)

    def _label(self, pen: Pen, number: int) -> None:
        """Tell a labelling pen whose shapes come next; others do not care."""
        if isinstance(pen, LabelPen):
            pen.label = number

    def _draw_cast(self, pen: Pen, index: int) -> list[Figure]:
        figures = self._blocking.figures(index)
        roles = self._blocking.roles
        seconds = self._seconds(index)
        span = min(
            float((self.scene.start_frame + self.scene.num_frames) / self.scene.fps), SPAN_SECONDS
        )
        progress = min(1.0, seconds / span)
        order = self._blocking.order()
        names = [performer.name for performer in self.scene.performers]
        numbers = [names.index(role.performer.name) + 1 for role in roles]
        for i in order:
            self._shadow(pen, figures[i], roles[i].action)
        self._label(pen, 0)
        for i in order:
            if not self._art.seated:
                supports.draw_behind(
                    pen, figures[i], roles[i].action, seated=roles[i].seated, progress=progress
                )
        if self.scene.performers:
            self._draw_props(pen)
        for i in order:
            self._label(pen, numbers[i])
            draw_figure(pen, figures[i], reach_over=self._blocking.reaches_over(i))
        for i in order:
            if self._blocking.reaches_over(i):
                self._label(pen, numbers[i])
                draw_arms_over(pen, figures[i])
        self._label(pen, 0)
        for i in order:
            supports.draw_before(pen, figures[i], roles[i].action, seated=roles[i].seated)
        if not self.scene.performers:
            self._draw_props(pen)
        return figures

    def _draw_props(self, pen: Pen) -> None:
        scene = self.scene
        alone = not scene.performers
        close = scene.camera.framing in (Framing.INSERT, Framing.CLOSE, Framing.MEDIUM_CLOSE)
        if not scene.props or (alone and not close and self._art.seated):
            return
        x = 0.0
        if not alone:
            x = max(role.mark for role in self._blocking.roles) + 0.72
        first = len(scene.performers) + 1

        def label(number: int) -> None:
            self._label(pen, 0 if number < 0 else first + number)

        supports.draw_loose_props(pen, scene.props, x, alone=alone and close, label=label)

    def _shadow(self, pen: Pen, figure: Figure, action: Action) -> None:
        if action is Action.SLEEP or self._art.seated:
            return
        pose, h = figure.pose, figure.body.height
        x = figure.mark[0] + figure.facing * pose.x
        spread = 0.16 * h * (1.0 + 2.2 * abs(pose.spin))
        if pose.spin:
            x += figure.facing * h * 0.5 * pose.spin / 1.6
        strength = 0.2 / (1 + 6 * pose.y / h)
        y = figure.mark[1]
        pen.fill(oval(x + 0.03, y - 0.012, spread * 1.15, 0.034 * h), SHADOW, strength * 0.6)
        pen.fill(oval(x + 0.02, y - 0.01, spread * 0.8, 0.022 * h), SHADOW, strength)


def draw_scene(scene: SceneSpec, width: int, height: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Draw every frame of a scene, in order: H W C, RGB, sRGB, uint8."""
    renderer = SceneRenderer(scene, width, height)
    for index in range(scene.num_frames):
        yield renderer.frame(index)
