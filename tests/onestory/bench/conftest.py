"""A tiny model that films, and stories of three shots."""

from pathlib import Path

import pytest

from onestory.bench.cases import Case, cases
from onestory.bench.filming import Studio
from onestory.diffusion.pocket import load_modules
from onestory.diffusion.sampling import Sampling
from onestory.diffusion.text import shared_text
from onestory.storyworld.stories import Telling
from onestory.testing.tiny_pocket import tiny_codec, write_tiny_weights


@pytest.fixture(name="told", scope="session")
def _told() -> list[Case]:
    """One story of each pattern."""
    return cases(3, telling=Telling(num_shots=4))


@pytest.fixture(name="studio")
def _studio(tmp_path: Path) -> Studio:
    """Films in two steps, into an empty folder."""
    return Studio(
        modules=load_modules(write_tiny_weights(tmp_path / "weights")),
        codec=tiny_codec(),
        text=shared_text(),
        weights="tiny",
        folder=tmp_path / "out",
        sampling=Sampling(steps=2),
        num_frames=2,
    )
