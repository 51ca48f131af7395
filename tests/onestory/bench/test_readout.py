"""What a model makes of captions and of its memory can be known while it is trained."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from onestory.bench import readout
from onestory.bench.cases import FIRST_SEED
from onestory.bench.readout import read_out_model, validation_cases
from onestory.diffusion.sampling import Sampling
from onestory.engines.pocket.model import load_model
from onestory.engines.protocol import Frame
from onestory.evaluation.footage import real_frames
from onestory.storyworld.stories import Story, Telling
from onestory.testing.tiny_pocket import write_tiny_weights

SHORT = Telling(num_shots=4)


def test_whatever_draws_is_read(tmp_path: Path) -> None:
    """A model that learnt nothing draws, is read, and is mostly wrong."""
    model = load_model(write_tiny_weights(tmp_path))

    told = read_out_model(
        model, validation_cases(1, telling=SHORT), budget=1.0, sampling=Sampling(steps=1)
    )

    assert set(told) == {"held out named right", "held out unnamed kept", "held out people missing"}
    assert 0.0 <= told["held out named right"] < 0.6


def test_the_truth_is_told_from_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real shots in place of drawn ones: nearly all that is named is right, nobody is missing."""

    def real(model: object, story: Story, **_: object) -> Iterator[Frame]:
        for shot in story.shots:
            yield np.asarray(real_frames(shot.scene))

    monkeypatch.setattr(readout, "draw_story", real)
    model = load_model(write_tiny_weights(tmp_path))

    told = read_out_model(
        model, validation_cases(3, telling=SHORT), budget=1.0, sampling=Sampling()
    )

    assert told["held out named right"] > 0.7
    assert told["held out unnamed kept"] > 0.7
    assert told["held out people missing"] < 0.1


def test_no_checkpoint_is_chosen_by_what_it_is_judged_by() -> None:
    """Stories of a validation come before those of the comparison, however many there are."""
    assert all(case.seed < FIRST_SEED for case in validation_cases(8))
