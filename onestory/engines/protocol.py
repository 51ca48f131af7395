"""
What must something do to be an engine?

    Recipe (+ remembered frames, + keyframe) ── Engine.render ── Footage

An engine delivers frames one by one, so that they are encoded and measured while the next
ones are made; one that calls a remote service may deliver a finished video instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import CaptionReport, Take
from onestory.memory.lineage import Remembered

Frame: TypeAlias = npt.NDArray[np.uint8]
"""`H W 3`, uint8, sRGB."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What an engine can do."""

    remembers: bool
    """Whether it is conditioned on frames of earlier takes."""
    draws_keyframes: bool
    """Whether it makes first frames of its own."""
    accepts_keyframes: bool
    """Whether a take can start from a given first frame."""
    max_frames: int
    """Longest shot in frames."""
    multiple_of: int = 2
    """Width and height must divide by this."""


@dataclass(kw_only=True, slots=True)
class Footage:
    """What came out of one run of camera. Exactly one of `frames` and `video` is given."""

    frames: Iterator[Frame] | None = None
    """Frames in order, each made when it is asked for, and never written to afterwards."""
    video: bytes | None = None
    """A finished video of an engine that encodes by itself."""
    latents: bytes | None = None
    """safetensors, for engines that remember."""
    caption_report: CaptionReport | None = None
    remarks: tuple[str, ...] = ()
    lineage: Sequence[Remembered] = field(default_factory=tuple)


class Control(Protocol):
    """How an engine stays in touch while it works."""

    def progress(self, share: float) -> None:
        """Say how much is done, in [0, 1]."""

    def check(self) -> None:
        """Raise `EngineFaultError` if the take was cancelled. Call it at every step."""


class Engine(Protocol):
    """Turns recipes into footage. Equal recipes give equal pixels on one machine class."""

    def fingerprint(self) -> EngineFingerprint:
        """What of this engine decides pixels."""

    def capabilities(self) -> Capabilities:
        """What it can do."""

    def token_budget(self, recipe: Recipe) -> int:
        """Most memory tokens that a take of this recipe may read; 0 if it does not remember."""

    def recall(self, recipe: Recipe, takes: Sequence[Take]) -> tuple[Remembered, ...]:
        """Choose what a take would remember of earlier circled takes. Cheap: no diffusion."""

    def keyframe(self, recipe: Recipe, *, control: Control) -> Frame:
        """Make a first frame for a recipe."""

    def render(self, recipe: Recipe, *, keyframe: Frame | None, control: Control) -> Footage:
        """
        Make a take.

        Raises:
            RenderError: If it cannot be made.
            EngineFaultError: If it could not be made this time.
        """
