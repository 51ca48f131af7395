"""A handful of stories, drawn once as small as can be, and a run over them that takes seconds."""

from pathlib import Path

import pytest
import yaml

from onestory.diffusion.text import shared_text
from onestory.storyworld.stories import Telling
from onestory.testing.tiny_pocket import TINY_TRAINING, tiny_codec
from onestory.training.batches import Stories
from onestory.training.config import TrainingConfig
from onestory.training.shards import Drawing, write_shard

TELLING = Telling(num_shots=3, num_frames=5)
SMALL = Drawing(width=64, height=96)


@pytest.fixture(scope="session", name="telling")
def _telling() -> Telling:
    """Three shots of two latent frames."""
    return TELLING


@pytest.fixture(scope="session", name="small")
def _small() -> Drawing:
    """Two by three tokens."""
    return SMALL


@pytest.fixture(scope="session", name="shards")
def _shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two shards of five stories each."""
    folder = tmp_path_factory.mktemp("shards")
    paths = [folder / "one.safetensors", folder / "two.safetensors"]
    for path, first in zip(paths, (0, 100), strict=True):
        write_shard(
            path,
            range(first, first + 5),
            codec=tiny_codec(),
            text=shared_text(),
            telling=TELLING,
            drawing=SMALL,
        )
    return paths


@pytest.fixture(scope="session", name="stories")
def _stories(shards: list[Path]) -> Stories:
    return Stories(shards, num_shots=3)


@pytest.fixture(scope="session", name="config")
def _config() -> TrainingConfig:
    return TrainingConfig.model_validate(yaml.safe_load(TINY_TRAINING))
