"""
What does every cell of a frame truly show? People from labels, places by painting them again.

    scene, frame ─┬─ truth ─────────────────────────── parts, and who: the first from the left …
                  └─ the same scene, one colour of the
                     place changed ── what differs ──── wall, accent, furniture

A cell is 4 x 4 pixels of a frame of 160 x 288. Nothing is asked of the painter but pictures: what
changes with a colour is what has that colour.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from onestory.storyworld.palette import PALETTE, luma
from onestory.storyworld.pen import PARTS
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.stories import PLACE_SLOTS

CELL = 4
"""Side of a cell in pixels."""
WIDTH, HEIGHT = 160, 288
"""Frames that are read, in pixels."""
COLUMNS, ROWS = WIDTH // CELL, HEIGHT // CELL

FIRST_SLOT = 1 + len(PARTS)
NUM_CLASSES = FIRST_SLOT + len(PLACE_SLOTS)
"""Anything else, the parts of people and props, and the coloured things of a place."""
UNKNOWN = 255
"""Place, but of a palette that is left to chance."""
MAX_PEOPLE = 2

_CHANGED = 14
"""By how much a pixel changes that shows a slot, in grey levels of its strongest channel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What the cells of one frame show; H and W count cells."""

    classes_HW: npt.NDArray[np.uint8]
    """0 anything else, i + 1 `PARTS[i]`, `FIRST_SLOT` + i `PLACE_SLOTS[i]`, or `UNKNOWN`."""
    owners_HW: npt.NDArray[np.uint8]
    """0 nobody, i + 1 is `people[i]`."""
    people: tuple[str, ...]
    """Who is seen, from left to right."""

    def cells_of(self, name: str, classes: tuple[int, ...]) -> int:
        """Count the cells that show some parts of somebody; 0 if not seen."""
        if name not in self.people:
            return 0
        mine_HW = self.owners_HW == self.people.index(name) + 1
        return int((mine_HW & np.isin(self.classes_HW, classes)).sum())

    def cells_of_slot(self, slot: str) -> int:
        """Count the cells that show a coloured thing of the place."""
        return int((self.classes_HW == FIRST_SLOT + PLACE_SLOTS.index(slot)).sum())

    @property
    def background(self) -> float:
        """Share of cells that show nobody, in [0, 1]."""
        return float((self.owners_HW == 0).mean())


def coverage(scene: SceneSpec, indices: tuple[int, ...]) -> list[Coverage]:
    """
    Find out what frames of a scene show.

    Args:
        scene: Any scene.
        indices: Which of its frames.
    """
    # Half the size is enough for cells, and four times as fast.
    size = (WIDTH // 2, HEIGHT // 2)
    plain = SceneRenderer(scene, *size)
    others = []
    for slot in range(min(len(scene.place.palette), len(PLACE_SLOTS))):
        palette = list(scene.place.palette)
        palette[slot] = "black" if luma(PALETTE[palette[slot]]) > 110 else "white"
        place = replace(scene.place, palette=tuple(palette))
        others.append(SceneRenderer(replace(scene, place=place), *size))
    names = {performer.name for performer in scene.performers}
    found = []
    for index in indices:
        truth = plain.truth(index)
        labels_HW, parts_HW = truth.labels_HW[1::2, 1::2], truth.parts_HW[1::2, 1::2]
        seen = []
        for number, name in enumerate(truth.names, start=1):
            columns = np.nonzero(labels_HW == number)[1]
            if name in names and columns.size:
                seen.append((float(columns.mean()), number, name))
        seen.sort()
        owners_HW = np.zeros_like(labels_HW)
        for place_in_row, (_, number, _) in enumerate(seen, start=1):
            owners_HW[labels_HW == number] = place_in_row
        classes_HW = parts_HW.copy()
        nobody_HW = labels_HW == 0
        classes_HW[nobody_HW] = 0 if others else UNKNOWN
        if others:
            frame_HW3 = plain.frame(index).astype(np.int16)
            change_SHW = np.stack(
                [
                    np.abs(other.frame(index).astype(np.int16) - frame_HW3).max(-1)[1::2, 1::2]
                    for other in others
                ]
            )
            strongest_HW = change_SHW.argmax(0)
            of_slot_HW = nobody_HW & (change_SHW.max(0) > _CHANGED)
            classes_HW[of_slot_HW] = FIRST_SLOT + strongest_HW[of_slot_HW]
        found.append(
            Coverage(
                classes_HW=classes_HW.astype(np.uint8),
                owners_HW=owners_HW.astype(np.uint8),
                people=tuple(name for _, _, name in seen),
            )
        )
    return found
