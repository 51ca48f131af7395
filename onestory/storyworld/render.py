"""
How does a scene become frames? Stage it, paint the place once, then draw people.

    SceneSpec ── Staging ── Backdrop ──┬── frame(i)   uint8 RGB, sRGB, H W C
                 cast       place      └── truth(i)   labels, boxes, names
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from onestory.storyworld.backdrop import Backdrop
from onestory.storyworld.light import people_grade_for
from onestory.storyworld.pen import LabelPen, Pen
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.staging import Staging
from onestory.storyworld.truth import FrameTruth, boxes_of, part_names
from onestory.storyworld.weather import Fall

MIN_SIDE = 16
"""The smallest width or height that still shows anybody."""


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
        self._staging = Staging(scene, aspect=width / height)
        views = [self._staging.view(index) for index in range(scene.num_frames)]
        self._backdrop = Backdrop(scene, views, width, height)
        self._fall = Fall(scene.weather, scene.light, scene.seed, width, height)
        self._rgba_HWC: npt.NDArray[np.uint8] = np.zeros((height, width, 4), np.uint8)
        grade = people_grade_for(scene.light, scene.weather, outside=not self._staging.art.indoor)
        self._pen = Pen(self._rgba_HWC, grade)

    def frame(self, index: int) -> npt.NDArray[np.uint8]:
        """
        Draw one frame.

        Returns:
            A fresh array, H W C, RGB, sRGB.

        Raises:
            IndexError: If the scene has no such frame.
        """
        view = self._staging.view(index)
        pen = self._pen
        self._backdrop.lay_behind(pen, view, self._rgba_HWC)
        pen.look_at(view.x, view.y, view.scale(self.height))
        self._staging.draw_cast(pen, index)
        self._backdrop.lay_front(pen, view)
        if not self._staging.art.indoor:
            self._fall.draw(pen, self._staging.seconds(index))
        return np.ascontiguousarray(self._rgba_HWC[..., :3])

    def truth(self, index: int) -> FrameTruth:
        """
        Tell what one frame shows, from the same geometry.

        Raises:
            IndexError: If the scene has no such frame.
        """
        view = self._staging.view(index)
        labels_HWC = np.zeros((self.height, self.width, 4), np.uint8)
        pen = LabelPen(labels_HWC)
        pen.look_at(view.x, view.y, view.scale(self.height))
        figures = self._staging.draw_cast(pen, index)
        pen.label = 0
        self._backdrop.label_front(pen, view)
        performers = self.scene.performers
        names = (*(p.name for p in performers), *self._staging.prop_names())
        labels_HW = np.ascontiguousarray(labels_HWC[..., 0])
        held = {
            role.performer.name: figure.prop
            for role, figure in zip(self._staging.roles, figures, strict=True)
            if figure.prop is not None
        }
        return FrameTruth(
            labels_HW=labels_HW,
            parts_HW=np.where(labels_HW > 0, labels_HWC[..., 1], 0).astype(np.uint8),
            names=names,
            part_names=part_names(),
            boxes=boxes_of(labels_HW, names),
            looks={p.name: p.look for p in performers},
            actions={role.performer.name: role.action for role in self._staging.roles},
            emotions={p.name: p.emotion for p in performers},
            props={**held, **dict(zip(self._staging.prop_names(), self.scene.props, strict=True))},
            place=self.scene.place,
            light=self.scene.light,
            weather=self.scene.weather,
        )


def draw_scene(scene: SceneSpec, width: int, height: int) -> Iterator[npt.NDArray[np.uint8]]:
    """Draw every frame of a scene, in order: H W C, RGB, sRGB, uint8."""
    renderer = SceneRenderer(scene, width, height)
    for index in range(scene.num_frames):
        yield renderer.frame(index)
