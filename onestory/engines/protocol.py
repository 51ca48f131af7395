"""
What must something do to be an engine?

    Recipe + earlier takes ── Engine.recall ── lineage, whose digest completes the recipe
    Recipe + recalled frames, + keyframe ── Engine.render ── Footage

An engine delivers frames one by one, so that they are encoded and measured while the next
ones are made; one that calls a remote service may deliver a finished video instead.

An engine never sees a vault. What it needs of earlier takes is handed to it: to `recall` what
it stored beside them, read when it asks for it; to `render` exactly the frames that the lineage
names, each checked against its digest.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from onestory.engines.latents import Figures, Latents
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
    painter: EngineFingerprint | None = None
    """Who makes first frames, if not the engine's own model: first frames are its recipes, and
    remember nothing."""
    paints_from_sheets: bool = False
    """Whether a first frame can start from a reference sheet."""
    max_frames: int
    """Longest shot in frames."""
    multiple_of: int = 2
    """Width and height must divide by this."""
    continues: bool = False
    """Whether a take can go on from the last frame of the take before it. Shots without a cut
    then start from that frame, as their keyframe."""
    trained_sizes: tuple[tuple[int, int], ...] = ()
    """(width, height) in pixels that it was trained to draw; empty: any size is like another."""
    resamples: bool = False
    """Whether it draws at a trained size and brings that to the film's: only the shape counts."""
    memory_budget: float = 1.0
    memory_policy: str = ""
    """Name of whoever chooses what is remembered, if that is no part of the fingerprint."""
    """Memory budget of a first take, in latent-frame equivalents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EarlierTake:
    """The circled take of an earlier shot, as a recalling engine sees it."""

    take: Take
    read_latents: Callable[[], bytes]
    """Its `Footage.latents`, checked against their digest. Cheap for what was read lately."""
    spoilt: tuple[int, ...] = ()
    """Frames that a gate marked bad: none of them may be remembered."""

    def spoilt_latents(self, num_latents: int) -> frozenset[int]:
        """
        Say which latent frames hold frames that were marked bad.

        Args:
            num_latents: How many are kept of the take, evenly spread from its first frame to its
                last.
        """
        last = max(1, self.take.media.num_frames - 1)
        at = [frame * (num_latents - 1) / last for frame in self.spoilt]
        return frozenset(near for one in at for near in (math.floor(one), math.ceil(one)))


@dataclass(frozen=True, kw_only=True, slots=True)
class RecalledFrame:
    """One frame that a take remembers."""

    source: Remembered
    """Its entry in the lineage: whose it is, position, level, score."""
    latent_CHW: Latents
    """The frame itself, float32, not to be written to. Its digest is `source.latent`."""
    figures: Figures | None = None
    """Whom and what it shows, `H W` each; None if nobody knows."""


@dataclass(kw_only=True, slots=True)
class Footage:
    """What came out of one run of camera. Exactly one of `frames` and `video` is given."""

    frames: Iterator[Frame] | None = None
    """Frames in order, each made when it is asked for, and never written to afterwards."""
    video: bytes | None = None
    """A finished video of an engine that encodes by itself."""
    latents: bytes | None = None
    """What later takes can remember of this one: safetensors in the form of
    `onestory.engines.latents`; None for engines that do not remember."""
    caption_report: CaptionReport | None = None
    remarks: tuple[str, ...] = ()


class Control(Protocol):
    """How an engine stays in touch while it works."""

    @property
    def has_bigger_device(self) -> bool:
        """Whether a bigger device takes the film over if this one's memory is too small. Then
        that is said at once: no ladder is gone down, and nothing is kept elsewhere."""

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

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """
        Choose what a take would remember. Cheap: no diffusion. Asked whenever a plan is made.

        The answer depends on nothing but the recipe and the recipes and latents of the takes:
        neither on slates nor on the clock. May be called while another thread renders.

        Args:
            recipe: What is to be shot, before memory and keyframe are known: both stand empty.
                `memory_budget` is the most that may be chosen, in latent-frame equivalents.
            takes: Circled takes of the earlier shots that have latents, in story order.
            has_people_first: Whether frames that show the recipe's people come before all others.

        Returns:
            The lineage, in the order in which the frames are read.
        """

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes | None:
        """
        Make what later takes can remember of footage that a person brought.

        Args:
            recipe: Of the footage: size, rate, length, who is to be seen.
            frames: All of it, in order; to be gone through once.

        Returns:
            What `Footage.latents` is of a take; None for engines that do not remember.
        """

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """
        Make a first frame for a recipe.

        Args:
            recipe: What is to be seen; one frame long.
            start: The picture that it starts from, if `recipe.keyframe` names one: a reference
                sheet, for engines that paint from sheets.
            memory: The frames that `recipe.memory` names, as for `render`.
            control: How to stay in touch.
        """

    def render(
        self,
        recipe: Recipe,
        *,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Footage:
        """
        Make a take.

        Args:
            recipe: What is to be shot.
            keyframe: The first frame, if `recipe.keyframe` names one: a person's own, one that
                this engine drew, or the last frame of the take before (`keyframe_by`).
            memory: The frames that `recipe.memory` names, in the order of the lineage; empty
                for engines that do not remember.
            control: How to stay in touch.

        Raises:
            RenderError: If it cannot be made.
            EngineFaultError: If it could not be made this time.
        """
