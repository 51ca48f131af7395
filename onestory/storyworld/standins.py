"""
Who stands where, before anybody is cast? Stand-ins of the right size, without hair and costume.

    SceneSpec ─┬─ Staging ──┬─ sketch(i)   stand-ins on a grey set, H W C
               └─ Backdrop ─┴─ guides(i)   who is who, where the ground is, how near the camera

What a look makes of a person is left out: everybody is bald, has the same skin, shirt and
trousers, and wears nothing else. So is what hour, weather and paint make of a place: its set
stands there in grey, under the sky of a clear day.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from onestory.storyworld.backdrop import Backdrop
from onestory.storyworld.kinds import BottomKind, HairStyle, Light, TopKind, Weather
from onestory.storyworld.light import Grade
from onestory.storyworld.look import Look
from onestory.storyworld.pen import LabelPen, Pen
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.staging import Staging

GUIDES = 7
"""Told at all; first person, others; height, below the ground, side, size of the view."""

_PRIMER = ("white", "grey", "charcoal")
"""What walls, accents and furniture are painted before anybody chose a colour."""

_GREY = Grade(fade=1.0)

_FINE = 8
"""Pixels along a side of a cell, where it is counted who covers it."""


class StandIns:
    """The blocking of one scene."""

    def __init__(self, scene: SceneSpec, *, rows: int, columns: int, cell: int = 16) -> None:
        """
        Plan a scene.

        Args:
            scene: What is shot.
            rows: Cells from top to bottom.
            columns: Cells from left to right.
            cell: Side of a cell in pixels.
        """
        cast = tuple(replace(person, look=_plain(person.look)) for person in scene.performers)
        self.scene = replace(
            scene,
            performers=cast,
            place=replace(scene.place, palette=_PRIMER),
            light=Light.DAY,
            weather=Weather.CLEAR,
        )
        self.rows, self.columns, self.cell = rows, columns, cell
        self._staging = Staging(self.scene, aspect=columns / rows)
        self._set: Backdrop | None = None

    def sketch(self, index: int) -> npt.NDArray[np.uint8]:
        """
        Draw the stand-ins on their set, their seats and what they hold.

        Args:
            index: Of the frame.

        Returns:
            A fresh array, H W C, RGB, sRGB.

        Raises:
            IndexError: If the scene has no such frame.
        """
        height, width = self.rows * self.cell, self.columns * self.cell
        if self._set is None:
            views = [self._staging.view(number) for number in range(self.scene.num_frames)]
            self._set = Backdrop(self.scene, views, width, height, grade=_GREY)
        rgba_HWC = np.zeros((height, width, 4), np.uint8)
        pen, view = Pen(rgba_HWC, Grade()), self._staging.view(index)
        self._set.lay_behind(pen, view, rgba_HWC)
        self._draw(pen, index, height)
        self._set.lay_front(pen, view)
        return np.ascontiguousarray(rgba_HWC[..., :3])

    def guides(self, index: int) -> npt.NDArray[np.float32]:
        """
        Say what a sketch does not show.

        Args:
            index: Of the frame.

        Returns:
            `G h w` with G = `GUIDES`, in [-1.5, 1.5]; the first is 1 throughout.

        Raises:
            IndexError: If the scene has no such frame.
        """
        people_Ahw = self.people(index)
        told_1hw = np.ones((1, self.rows, self.columns))
        first_1hw, others_Ahw = people_Ahw[:1], people_Ahw[1:]
        guides = [
            told_1hw,
            first_1hw.sum(0, keepdims=True),
            others_Ahw.sum(0, keepdims=True),
            self._stage(index),
        ]
        return np.concatenate(guides).astype(np.float32)

    def people(self, index: int) -> npt.NDArray[np.float32]:
        """
        Say how much of each cell each person covers.

        Args:
            index: Of the frame.

        Returns:
            `A h w`, A people as the scene counts them, in [0, 1].

        Raises:
            IndexError: If the scene has no such frame.
        """
        height, width = self.rows * _FINE, self.columns * _FINE
        labels_HWC = np.zeros((height, width, 4), np.uint8)
        self._draw(LabelPen(labels_HWC), index, height)
        label_HW = labels_HWC[..., 0]
        # What lies about is labelled too, behind the people.
        numbers_A11 = np.arange(1, len(self.scene.performers) + 1)[:, None, None]
        cells = (label_HW == numbers_A11).reshape(-1, self.rows, _FINE, self.columns, _FINE)
        covered_Ahw: npt.NDArray[np.float32] = cells.mean((2, 4)).astype(np.float32)
        return covered_Ahw

    def _draw(self, pen: Pen, index: int, height: int) -> None:
        view = self._staging.view(index)
        pen.look_at(view.x, view.y, view.scale(height))
        self._staging.draw_cast(pen, index)

    def _stage(self, index: int) -> npt.NDArray[np.float64]:
        """Where every cell is on the stage, and how large the view is."""
        view = self._staging.view(index)
        down_h1 = ((np.arange(self.rows) + 0.5) / self.rows - 0.5)[:, None]
        right_1w = ((np.arange(self.columns) + 0.5) / self.columns - 0.5)[None]
        shape = (self.rows, self.columns)
        y_hw = np.broadcast_to(view.y - down_h1 * view.height, shape)
        x_hw = np.broadcast_to(view.x + right_1w * view.height * self.columns / self.rows, shape)
        size_hw = np.full(shape, np.log2(view.height / 1.5) / 2)
        stage_4hw: npt.NDArray[np.float64] = np.stack([y_hw / 2, y_hw < 0, x_hw / 2, size_hw])
        return stage_4hw.clip(-1.5, 1.5)


def _plain(look: Look) -> Look:
    """Somebody of the same body and no other likeness."""
    return Look(
        age=look.age,
        build=look.build,
        height=look.height,
        feminine=look.feminine,
        hair_style=HairStyle.BALD,
        top=TopKind.T_SHIRT,
        bottom=BottomKind.TROUSERS,
    )
