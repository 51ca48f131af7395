"""
What is chosen of a run in which the gates' encoders are schooled?

    files of stories ── one more every few steps ──┐
    pace ── up at first, down to nothing at last ──┴── steps
"""

from dataclasses import dataclass, field

from onestory.evaluation.pupils import Sizes
from onestory.evaluation.schoolbook import STORIES_PER_FILE
from onestory.storyworld.stories import HELD_OUT


@dataclass(frozen=True, kw_only=True, slots=True)
class Schooling:
    """Choices of a run."""

    seed: int = 0
    steps: int = 2000
    warmup: int = 40
    cooldown: float = 0.6
    """Share of the steps over which, at the end, the learning rate falls to nothing."""
    rate: float = 1.5e-3
    """Of AdamW, for everything but matrices."""
    kernel_rate: float = 0.015
    """Of Muon, for matrices."""
    stories: int = 8
    """In a step, two shots of each."""
    first_seed: int = 500_000
    """Of the stories; see `HELD_OUT`."""
    files: int = 20
    """Of moments, with `STORIES_PER_FILE` stories each."""
    first_files: int = 3
    """Files that are read from the beginning."""
    steps_per_file: int = 60
    """After so many steps one more is read."""
    drawn: float = 0.5
    """Share of frames decoded as the engine does; the others are decoded anew, with an error."""
    trust: float = 0.4
    """Share of the steps after which people are cut out by the segmenter, not by the truth."""
    queue: int = 768
    """Earlier embeddings that people and places are told apart from."""
    warmth: float = 0.1
    """Temperature of the contrastive losses."""
    tint: float = 0.06
    """By how much red, green and blue are scaled at random, either way."""
    fewest_cells: int = 40
    """Cells of somebody whose identity counts."""
    sizes: Sizes = field(default_factory=Sizes)

    def __post_init__(self) -> None:
        """Refuse stories that are held out."""
        if self.first_seed + self.files * STORIES_PER_FILE > HELD_OUT:
            raise ValueError(f"stories from {HELD_OUT} on are held out, got {self.first_seed}")

    def files_at(self, step: int) -> int:
        """Say how many files are read at a step."""
        return min(self.files, self.first_files + step // self.steps_per_file)

    def pace(self, step: int) -> float:
        """Say by how much the learning rates are scaled at a step, [0, 1]."""
        cooldown = max(1.0, self.cooldown * self.steps)
        return min(1.0, (step + 1) / self.warmup, (self.steps - step) / cooldown)


SHIPPED_RUNS = (
    Schooling(steps=3600),
    Schooling(
        seed=1,
        steps=3300,
        warmup=100,
        cooldown=0.75,
        rate=1.2e-3,
        kernel_rate=0.012,
        files=38,
        first_files=24,
        steps_per_file=100,
        trust=0.0,
        fewest_cells=24,
    ),
)
"""Of the encoders that are shipped: the second run goes on from the end of the first."""
