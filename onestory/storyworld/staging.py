"""
Who is where, and what does the camera see? A scene without its place.

    SceneSpec ── Blocking ── Operator ── draw_cast(pen, i): people, their seats, what lies about
                 who, where   camera
"""

from onestory.storyworld import supports
from onestory.storyworld.blocking import SPAN_SECONDS, Blocking, Role
from onestory.storyworld.camera import Operator, View
from onestory.storyworld.kinds import Action, Framing
from onestory.storyworld.palette import Rgb
from onestory.storyworld.pen import LabelPen, Pen, oval
from onestory.storyworld.people.figure import Figure, draw_arms_over, draw_figure
from onestory.storyworld.places.atlas import ATLAS
from onestory.storyworld.scene import SceneSpec

SHADOW: Rgb = (24, 18, 48)


class Staging:
    """A scene's people and camera, at every frame."""

    def __init__(self, scene: SceneSpec, *, aspect: float) -> None:
        """
        Plan a scene.

        Args:
            scene: What is shot.
            aspect: Width over height of the frame.
        """
        self.scene = scene
        self.art = ATLAS[scene.place.kind]
        self._blocking = Blocking(scene, self.art, aspect=aspect)
        self._operator = Operator(scene, self._blocking, aspect=aspect)

    @property
    def roles(self) -> list[Role]:
        """Everybody's part, in the order in which people are drawn up."""
        return self._blocking.roles

    def view(self, index: int) -> View:
        """
        Say what the camera sees at a frame.

        Raises:
            IndexError: If the scene has no such frame.
        """
        if not 0 <= index < self.scene.num_frames:
            raise IndexError(f"frame {index} is outside the scene's {self.scene.num_frames} frames")
        return self._operator.view(index)

    def seconds(self, index: int) -> float:
        """Say how much of the performance is over at a frame."""
        return float((self.scene.start_frame + index) / self.scene.fps)

    def prop_names(self) -> tuple[str, ...]:
        """Name the things that nobody holds, each by another name."""
        names: list[str] = []
        for kind in self.scene.props:
            same = sum(name == kind.value or name.startswith(f"{kind.value} ") for name in names)
            names.append(kind.value if not same else f"{kind.value} {same + 1}")
        return tuple(names)

    def _label(self, pen: Pen, number: int) -> None:
        """Tell a labelling pen whose shapes come next; others do not care."""
        if isinstance(pen, LabelPen):
            pen.label = number

    def draw_cast(self, pen: Pen, index: int) -> list[Figure]:
        """
        Draw everybody, and everything that is no part of the place.

        Args:
            pen: What to draw with; it looks where the camera does.
            index: Of the frame.

        Returns:
            The figures, in the order of `roles`.
        """
        figures = self._blocking.figures(index)
        roles = self.roles
        seconds = self.seconds(index)
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
            if not self.art.seated:
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
        if not scene.props or (alone and not close and self.art.seated):
            return
        x = 0.0
        if not alone:
            x = max(role.mark for role in self.roles) + 0.72
        first = len(scene.performers) + 1

        def label(number: int) -> None:
            self._label(pen, 0 if number < 0 else first + number)

        supports.draw_loose_props(pen, scene.props, x, alone=alone and close, label=label)

    def _shadow(self, pen: Pen, figure: Figure, action: Action) -> None:
        if action is Action.SLEEP or self.art.seated:
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
