"""
Who stands where, before anybody is cast? Stand-ins of the right size, without hair and costume.

    SceneSpec ── Staging ─┬─ sketch(i)   stand-ins before a grey wall, H W C
                          └─ guides(i)   who is who, where the ground is, how near the camera

What a look makes of a person is left out: everybody is bald, has the same skin, shirt and
trousers, and wears nothing else. So is the place, but for how far above its ground a cell is.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from onestory.storyworld.kinds import BottomKind, HairStyle, TopKind
from onestory.storyworld.light import Grade
from onestory.storyworld.look import Look
from onestory.storyworld.pen import LabelPen, Pen
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.staging import Staging

GUIDES = 7
"""Told at all; first person, others; height, below the ground, side, size of the view."""

WALL = 128
"""Grey of what is no stand-in."""

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
        self.scene = replace(scene, performers=cast)
        self.rows, self.columns, self.cell = rows, columns, cell
        self._staging = Staging(self.scene, aspect=columns / rows)

    def sketch(self, index: int) -> npt.NDArray[np.uint8]:
        """
        Draw the stand-ins, their seats and what they hold.

        Args:
            index: Of the frame.

        Returns:
            A fresh array, H W C, RGB, sRGB.

        Raises:
            IndexError: If the scene has no such frame.
        """
        height, width = self.rows * self.cell, self.columns * self.cell
        rgba_HWC = np.full((height, width, 4), WALL, np.uint8)
        rgba_HWC[..., 3] = 255
        self._draw(Pen(rgba_HWC, Grade()), index, height)
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
        height, width = self.rows * _FINE, self.columns * _FINE
        labels_HWC = np.zeros((height, width, 4), np.uint8)
        self._draw(LabelPen(labels_HWC), index, height)
        label_HW = labels_HWC[..., 0]
        # What lies about is labelled too, behind the people.
        is_person_HW = label_HW <= len(self.scene.performers)
        covered_2HW = np.stack([is_person_HW & (label_HW == 1), is_person_HW & (label_HW > 1)])
        cells = covered_2HW.reshape(2, self.rows, _FINE, self.columns, _FINE)
        told_1hw = np.ones((1, self.rows, self.columns))
        guides = [told_1hw, cells.mean((2, 4)), self._stage(index)]
        return np.concatenate(guides).astype(np.float32)

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
