"""
An engine whose takes cost nothing and yet look like what they remember.

    ┌──────────────┐
    │ ▓            │   a bar that moves, in the take's own colour
    │     ▓        │
    │         ▓    │
    ├──┬──┬────────┤
    │▒▒│░░│        │   one square for each remembered frame, in that frame's colour
    └──┴──┴────────┘

The own colour follows from caption, cast, set, seed and keyframe, and is mixed with what is
remembered, so that a change runs on through a film as it does with a real engine. It does not
follow from the length: a longer take has other frames and the same latents.

It remembers the middle latent frame of every earlier take that shares somebody or the place
with the recipe, if no gate marked it bad, best first, as far as the budget goes: a frame costs a
quarter of a latent frame.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from onestory.documents import digest_of_json
from onestory.engines.latents import Latents, frame_digest, pack_latents, unpack_latents
from onestory.engines.protocol import (
    Capabilities,
    Control,
    EarlierTake,
    Footage,
    Frame,
    RecalledFrame,
)
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.memory.lineage import Remembered

GROUND_C = (38, 70, 83)
LATENT_FRAMES = 3
LEVEL = 1
COST = 0.25
"""Of a frame at that level, in latent-frame equivalents."""


class RememberingEngine:
    """Paints what it remembers; takes as long as it is told."""

    def __init__(self, *, seconds_per_take: float = 0.0, memory_budget: float = 1.0) -> None:
        """
        Args:
            seconds_per_take: Wall seconds that rendering takes on top of painting.
            memory_budget: Of a first take, in latent-frame equivalents. It stands in recipes.
        """
        self._seconds = seconds_per_take
        self._memory_budget = memory_budget

    def fingerprint(self) -> EngineFingerprint:
        """Its speed is no part of it."""
        return EngineFingerprint(
            name="remembering", weights="none", config=digest_of_json([]), recipe_version=2
        )

    def capabilities(self) -> Capabilities:
        """It remembers, and goes on from a given frame."""
        return Capabilities(
            remembers=True,
            draws_keyframes=False,
            accepts_keyframes=True,
            max_frames=10_000,
            continues=True,
            memory_budget=self._memory_budget,
        )

    def token_budget(self, recipe: Recipe) -> int:
        """A token is a quarter of a latent frame."""
        return math.floor(recipe.memory_budget / COST)

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """The best takes that share somebody or the place, then in story order."""
        middle = LATENT_FRAMES // 2
        names = {subject.name for subject in recipe.subjects}
        scores = [
            0.0
            if middle in earlier.spoilt_latents(LATENT_FRAMES)
            else _kinship(recipe, earlier.take.recipe)
            + (1.0 if has_people_first and names & _names(earlier.take.recipe) else 0.0)
            for earlier in takes
        ]
        best = sorted(
            (index for index, score in enumerate(scores) if score > 0),
            key=lambda index: (-scores[index], -index),
        )
        kept = sorted(best[: self.token_budget(recipe)])
        return tuple(
            Remembered(
                take=takes[index].take.address,
                frame_index=middle,
                latent=frame_digest(unpack_latents(takes[index].read_latents())[middle]),
                position=position,
                level=LEVEL,
                score=scores[index],
            )
            for position, index in enumerate(kept)
        )

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes:
        """The mean colour, in steps that no codec's noise takes: equal looks, equal latents."""
        means = [frame_HWC.mean((0, 1), dtype=np.float32) for frame_HWC in frames]
        return _latents(np.asarray(np.round(np.mean(means, 0) / 16) / 16, np.float32))

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """The first frame."""
        return next(self._paint(recipe, _colour(recipe, None, memory), None, memory, control))

    def render(
        self,
        recipe: Recipe,
        *,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Footage:
        """Paint a take, starting from the keyframe if there is one."""
        colour_C = _colour(recipe, keyframe, memory)
        return Footage(
            frames=self._paint(recipe, colour_C, keyframe, memory, control),
            latents=_latents(colour_C),
        )

    def _paint(
        self,
        recipe: Recipe,
        colour_C: npt.NDArray[np.float32],
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame],
        control: Control,
    ) -> Iterator[Frame]:
        side = recipe.height // 8
        ground_HWC = np.empty((recipe.height, recipe.width, 3), np.uint8)
        ground_HWC[:] = GROUND_C
        for place, frame in enumerate(memory):
            square = _grey_levels(frame.latent_CHW.mean((1, 2)))
            ground_HWC[-side:, place * side : (place + 1) * side - 2] = square
        for index in range(recipe.num_frames):
            control.check()
            control.progress(index / recipe.num_frames)
            frame_HWC = ground_HWC.copy()
            if index == 0 and keyframe is not None and keyframe.shape == frame_HWC.shape:
                frame_HWC[:] = keyframe
            else:
                left = (index * max(2, recipe.width // 24)) % (recipe.width * 3 // 4)
                area = (slice(side, 5 * side), slice(left, left + recipe.width // 4))
                frame_HWC[area] = _grey_levels(colour_C)
            time.sleep(self._seconds / recipe.num_frames)
            yield frame_HWC


def _latents(colour_C: npt.NDArray[np.float32]) -> bytes:
    latent_FCHW = np.empty((LATENT_FRAMES, 3, 2, 2), np.float32)
    latent_FCHW[:] = colour_C[:, None, None]
    latent_FCHW *= np.linspace(0.8, 1.0, LATENT_FRAMES, dtype=np.float32)[:, None, None, None]
    return pack_latents(latent_FCHW)


def _names(recipe: Recipe) -> set[str]:
    return {subject.name for subject in recipe.subjects} | {f"set {recipe.set_name}"}


def _kinship(recipe: Recipe, earlier: Recipe) -> float:
    """Share of a recipe's people and place that an earlier take shows, in [0, 1]."""
    names = _names(recipe)
    return round(len(names & _names(earlier)) / len(names), 4)


def _colour(
    recipe: Recipe, keyframe: Frame | None, memory: Sequence[RecalledFrame]
) -> npt.NDArray[np.float32]:
    """Colour of a take, each channel in [0, 1]: half its own, half what it remembers."""
    written = [recipe.caption, recipe.negative_caption, recipe.set_look, recipe.seed]
    looks = [[subject.name, subject.look] for subject in recipe.subjects]
    digest = digest_of_json([written, looks, recipe.keyframe, recipe.guidance])
    channels = bytes.fromhex(digest.removeprefix("sha256:"))[:3]
    own_C = (np.frombuffer(channels, np.uint8) / 255).astype(np.float32)
    sights = [frame.latent_CHW.mean((1, 2)) for frame in memory]
    sights += [] if keyframe is None else [keyframe.mean((0, 1), dtype=np.float32) / 255]
    if not sights:
        return own_C
    return np.asarray((own_C + np.mean(sights, 0)) / 2, np.float32)


def _grey_levels(colour_C: Latents) -> npt.NDArray[np.uint8]:
    # Always light on dark: no seed is faint, and none three times as strong as another, which is
    # what a gate calls drift.
    return np.asarray(np.clip(128 + 127 * colour_C, 0, 255), np.uint8)
