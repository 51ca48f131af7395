"""
An engine whose takes cost nothing but the seconds that it is told to take.

It paints a bar that moves at a height of the recipe's own, and below it the recipe's name in code,
always as much of the same colours: enough for gates to pass (no drift), for equal recipes to give
equal bytes and others to differ, and for a benchmark to know what the engine itself cost.
"""

import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from onestory.documents import digest_of_json
from onestory.engines.protocol import (
    Capabilities,
    Control,
    EarlierTake,
    Footage,
    Frame,
    RecalledFrame,
)
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.errors import OutOfMemoryError
from onestory.memory.lineage import Remembered

GROUND_C = (38, 70, 83)
BAR_C = (233, 196, 106)

CODE_ROWS, CODE_COLUMNS = 4, 8
"""Bits of a recipe's name that its takes show."""


class PaintedEngine:
    """Paints bars; takes as long as it is told."""

    def __init__(self, *, seconds_per_take: float = 0.0, memory_pixels: int | None = None) -> None:
        """
        Args:
            seconds_per_take: Wall seconds that rendering takes on top of painting.
            memory_pixels: Most pixels of a take for which there is memory; None: no limit.
        """
        self._seconds = seconds_per_take
        self._memory_pixels = memory_pixels

    def fingerprint(self) -> EngineFingerprint:
        """Neither its speed nor its memory is part of it."""
        return EngineFingerprint(
            name="painted", weights="none", config=digest_of_json([]), recipe_version=1
        )

    def capabilities(self) -> Capabilities:
        """No memory, no keyframes, any length."""
        return Capabilities(
            remembers=False, draws_keyframes=False, accepts_keyframes=False, max_frames=10_000
        )

    def token_budget(self, recipe: Recipe) -> int:
        """Nothing is remembered."""
        return 0

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """Nothing is remembered."""
        return ()

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes | None:
        """Nothing is remembered."""
        return None

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """The first frame."""
        return next(self._paint(recipe, control))

    def render(
        self,
        recipe: Recipe,
        *,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Footage:
        """
        Paint a take, spread over the seconds that it should take.

        Raises:
            OutOfMemoryError: If there is no memory for so many pixels.
        """
        pixels = recipe.width * recipe.height * recipe.num_frames
        if self._memory_pixels is not None and pixels > self._memory_pixels:
            raise OutOfMemoryError(
                f"there is memory for {self._memory_pixels} pixels, and the take has {pixels}",
                hint="draw fewer pixels or frames",
            )
        return Footage(frames=self._paint(recipe, control))

    def _paint(self, recipe: Recipe, control: Control) -> Iterator[Frame]:
        frame_HWC = np.empty((recipe.height, recipe.width, 3), np.uint8)
        code = int(recipe.digest.removeprefix("sha256:")[:8], 16)
        top = code % (recipe.height // 2)
        for index in range(recipe.num_frames):
            control.check()
            control.progress(index / recipe.num_frames)
            frame_HWC[:] = GROUND_C
            left = (index * max(2, recipe.width // 24)) % (recipe.width * 3 // 4)
            right, bottom = left + recipe.width // 4, top + recipe.height // 2
            frame_HWC[top:bottom, left:right] = BAR_C
            _write(frame_HWC, code)
            time.sleep(self._seconds / recipe.num_frames)
            yield frame_HWC.copy()


def _write(frame_HWC: Frame, code: int) -> None:
    """Write a number at the bottom: a bit lights one half of its cell, or else the other."""
    height, half = max(1, frame_HWC.shape[0] // 32), max(1, frame_HWC.shape[1] // CODE_COLUMNS // 2)
    frame_HWC[-CODE_ROWS * height :] = GROUND_C
    for bit in range(CODE_ROWS * CODE_COLUMNS):
        row, column = divmod(bit, CODE_COLUMNS)
        top = frame_HWC.shape[0] - (row + 1) * height
        left = (2 * column + (code >> bit & 1)) * half
        frame_HWC[top : top + height, left : left + half] = BAR_C
