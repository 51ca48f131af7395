"""
An engine that films in this very process: the real app and the real messages, without a socket.

`MoodyEngine` is the remembering engine with what a plan has to cope with: a memory too small for
every earlier shot, unlucky seeds, and first frames of its own if wanted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np

from onestory.engine_server.client import EngineClient
from onestory.engine_server.server import create_app
from onestory.engine_server.stage import Stage
from onestory.engines.protocol import Capabilities, Control, Footage, Frame, RecalledFrame
from onestory.engines.recipe import Recipe
from onestory.engines.remembering import RememberingEngine

UNLUCKY_ONE_IN = 4


def engine_of(stage: Stage) -> EngineClient:
    """A client of that stage's engine."""
    return EngineClient(Path("in-process"), transport=httpx.ASGITransport(create_app(stage)))


class MoodyEngine(RememberingEngine):
    """Remembers two frames at first; takes on every fourth seed are black."""

    def __init__(self, *, draws_keyframes: bool = False) -> None:
        """
        Args:
            draws_keyframes: Whether it makes first frames of its own.
        """
        super().__init__()
        self._draws_keyframes = draws_keyframes

    def capabilities(self) -> Capabilities:
        """As its parent, with less memory."""
        known = super().capabilities()
        return replace(known, draws_keyframes=self._draws_keyframes, memory_budget=0.5)

    def render(
        self,
        recipe: Recipe,
        *,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Footage:
        """Paint a take, or nothing."""
        footage = super().render(recipe, keyframe=keyframe, memory=memory, control=control)
        # By seed alone: whether a gate passes may not depend on anything that a plan cannot see
        # at the rung of the circled take, and the memory of other rungs is such a thing.
        is_lucky = recipe.seed % UNLUCKY_ONE_IN != 0
        assert footage.frames is not None
        return replace(footage, frames=_exposed(footage.frames, is_lucky=is_lucky))


def _exposed(frames: Iterator[Frame], *, is_lucky: bool) -> Iterator[Frame]:
    for frame_HWC in frames:
        if is_lucky:
            shown_HWC = frame_HWC.copy()
            # Much light in every take, so that none drifts in contrast from another.
            shown_HWC[: len(frame_HWC) // 8] = 255
            yield shown_HWC
        else:
            yield np.zeros_like(frame_HWC)
