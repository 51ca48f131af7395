"""Stories are drawn for validation as an engine draws them."""

from pathlib import Path
from typing import Any

import pytest
import torch

from onestory.diffusion.blocking import clip_blocking
from onestory.diffusion.sampling import Sampling, sample
from onestory.engines.pocket import model as model_module
from onestory.engines.pocket.model import load_model
from onestory.engines.pocket.picture import Grid
from onestory.storyworld.stories import Telling, tell_story
from onestory.testing.tiny_pocket import write_tiny_weights
from onestory.training.validation import draw_story


def test_people_of_a_story_stand_where_it_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every shot is told the blocking of its own scene."""
    told: list[torch.Tensor] = []

    def keep(*args: Any, **given: Any) -> torch.Tensor:
        told.append(given["blocking_BPFhw"])
        return sample(*args, **given)

    monkeypatch.setattr(model_module, "sample", keep)
    model = load_model(write_tiny_weights(tmp_path))
    story = tell_story(11, telling=Telling(num_shots=2))
    list(draw_story(model, story, grid=Grid(6, 4), sampling=Sampling(steps=1)))

    for shot, told_1PFhw in zip(story.shots, told, strict=True):
        expected = clip_blocking(shot.scene, model.codec, rows=6, columns=4, num_frames=17)
        assert torch.equal(told_1PFhw[0], expected)
