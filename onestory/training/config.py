"""
What is a training run, as one file? Data, sizes, and phases that follow each other.

    pocket.yaml ──► TrainingConfig ── phases ──► how many steps, of which kinds, how fast

The file is all that a run depends on: the same file gives the same weights on the same machine
class, however often the run was interrupted.
"""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onestory.errors import WeightsError
from onestory.training.batches import Kind

Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Seeds(_Part):
    """A run of StoryWorld stories."""

    first: int
    count: Annotated[int, Field(gt=0)]


class Size(_Part):
    """How large the modules are; see `PocketSize`."""

    channels: int = 16
    heads: int = 4
    head_dim: int = 64
    layers: int = 8
    ffn: int = 1024
    selector_width: int = 128


class Critic(_Part):
    """Who reads looks off latents; see `onestory.training.critic`."""

    stories: Seeds
    """What it learns from, drawn one frame a shot: looks are many, and it must not know them."""
    steps: Annotated[int, Field(gt=0)]


class Kinds(_Part):
    """One kind of sample in a phase."""

    weight: Annotated[float, Field(gt=0)]
    """How often this kind is drawn, against the others."""
    batch: Annotated[int, Field(gt=0)]
    """Targets in a step."""


class Phase(_Part):
    """A stretch of steps that are drawn alike."""

    steps: Annotated[int, Field(gt=0)]
    kinds: Annotated[dict[Kind, Kinds], Field(min_length=1)]
    matrix_rate: tuple[float, float]
    """Learning rate of Muon on the blocks' matrices, from the first step to the last."""
    other_rate: tuple[float, float]
    """Learning rate of AdamW on everything else."""
    warm_up: bool = False
    """Decoupled: memory frames are drawn by lot from real shots, not selected."""
    labelled: Share = 0.5
    """How often frames are chosen by their labels rather than by the selector."""
    afresh: bool = False
    """At the first step the run begins again from its averaged weights as they are shipped,
    bfloat16; what optimizers and the teacher's heads had learnt is left behind. So whoever has the
    weights alone can go on: see `Trainer.go_on_from`."""
    memory_as_drawn: bool = False
    """At the first step what is remembered is read as what is drawn is read by then."""
    budgets: Annotated[tuple[float, ...], Field(min_length=1)] = (1.0,)
    """Memory budgets, one drawn for each step."""
    named: Share = 0.0
    """How many pictures are taken on purpose from shots that introduce somebody: in the others
    hardly a look is named, so captions would be learnt from a third of the samples."""
    blocked: Share = 0.0
    """How often a sample is told who stands where."""
    noise: tuple[float, float] = (0.4, 1.0)
    """Mean and standard deviation of the logit of the share of noise; higher is noisier."""
    person_weight: float = 1.5
    """How much more a patch weighs that shows nothing but people."""
    text_gain: Annotated[float, Field(gt=0)] = 1.0
    """At the first step the text embedder is made so much louder, and what reads it as much less
    sensitive: nothing that is drawn changes, but what captions say is learnt so much faster."""
    looks: Annotated[float, Field(ge=0)] = 0.0
    """Weight of what the critic reads off what is drawn: looks that could be known."""
    focus: float = 0.0
    """Channels weigh as their standard deviation to this power: 0 is as pixels do, below 0 weak
    channels (detail) weigh more."""


class TrainingConfig(_Part):
    """Everything that a run depends on."""

    seed: int = 0
    stories: Annotated[tuple[Seeds, ...], Field(min_length=1)]
    held_out: Seeds
    num_shots: int = 6
    size: Size = Size()
    refining: Annotated[int, Field(ge=0)] = 0
    """Steps in which the codec learns to draw finer than it codes; 0 leaves it linear."""
    mending: Annotated[int, Field(ge=0)] = 0
    """Steps in which it then learns from what the finished weights draw."""
    critic: Critic | None = None
    """None: nobody reads looks off what is drawn."""
    ema: Share = 0.998
    text_dropout: Share = 0.1
    context_dropout: Share = 0.1
    first_frame: Share = 0.35
    """How many shots are given their first frame, clean."""
    parts_weight: float = 0.15
    """Weight of the truth as a teacher: which part each token of the middle block shows."""
    selector_weight: float = 1.0
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @property
    def steps(self) -> int:
        """Steps of all phases together."""
        return sum(phase.steps for phase in self.phases)

    def at(self, step: int) -> tuple[Phase, float]:
        """
        Find the phase of a step, and how far into it the step is, in [0, 1).

        Raises:
            ValueError: If the run has fewer steps.
        """
        start = 0
        for phase in self.phases:
            if step < start + phase.steps:
                return phase, (step - start) / phase.steps
            start += phase.steps
        raise ValueError(f"step {step} is behind the end, there are {start}")


def read_config(path: Path) -> TrainingConfig:
    """
    Read a training file.

    Raises:
        WeightsError: If it is not one.
    """
    try:
        return TrainingConfig.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeError, ValidationError, yaml.YAMLError) as error:
        raise WeightsError(f"{path} is no training file: {error}") from error
