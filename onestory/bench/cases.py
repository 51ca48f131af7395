"""
Which stories is everything compared on? Held-out ones, in equal shares of the three patterns.

    number ── seed, pattern ── Story ── shots, truth ── which frames help which shot
                                  └── SceneRenderer ── real clips, coded like generated ones
"""

from dataclasses import dataclass, field
from functools import cached_property

import torch

from onestory.evaluation.footage import ShotTruth, truth_of
from onestory.storyworld.stories import HELD_OUT, Pattern, Story, Telling, tell_story
from onestory.training.batches import relevance
from onestory.training.shards import Drawing, draw, note_of

FIRST_SEED = HELD_OUT + 1_000_000
"""Validation during training takes earlier ones."""


@dataclass(frozen=True)
class Case:
    """One story with its truth."""

    story: Story
    drawing: Drawing = field(default_factory=Drawing)

    @property
    def seed(self) -> int:
        """Of the story."""
        return self.story.seed

    def returns(self, shot: int) -> bool:
        """Whether a shot shows somebody or some place again."""
        told = self.story.shots[shot]
        return bool({*told.people, told.place} - told.introduces)

    @cached_property
    def real(self) -> tuple[torch.Tensor, ...]:
        """Frames of every shot as they should be, `T H W 3`, uint8."""
        return tuple(torch.from_numpy(frames) for frames, _, _ in self._drawn)

    @cached_property
    def truths(self) -> tuple[ShotTruth, ...]:
        """What can be seen in every real shot; painted once, however many rules are measured."""
        return tuple(truth_of(shot.scene) for shot in self.story.shots)

    @cached_property
    def _drawn(self):  # type: ignore[no-untyped-def]
        return [draw(shot, self.story, self.drawing) for shot in self.story.shots]

    @cached_property
    def _areas(self) -> tuple[torch.Tensor, ...]:
        return tuple(torch.from_numpy(areas) for _, _, areas in self._drawn)

    def relevance(self, earlier: int, frame: int, shot: int) -> float:
        """
        Say how much one latent frame of an earlier shot tells about a shot, in [0, 1].

        The figures of a generated shot may stand elsewhere than those of the real one; what is
        known is who should be in it, and how large.
        """
        shots = self.story.shots
        label_F = relevance(
            self._areas[earlier],
            note_of(self.story, shots[earlier]),
            note_of(self.story, shots[shot]),
        )
        return float(label_F[frame])


def cases(num: int, *, telling: Telling | None = None, first: int = FIRST_SEED) -> list[Case]:
    """
    Tell stories, the patterns by turns.

    Args:
        num: How many.
        telling: Number and length of shots; None for the usual ones.
        first: Seed of the first one.
    """
    patterns = tuple(Pattern)
    return [
        Case(tell_story(first + number, pattern=patterns[number % len(patterns)], telling=telling))
        for number in range(num)
    ]
