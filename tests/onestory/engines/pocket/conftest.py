"""An engine with tiny weights, and takes that it made."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onestory.engines.pocket.engine import PocketConfig, PocketEngine
from onestory.engines.protocol import EarlierTake
from onestory.engines.recipe import Recipe, Subject
from onestory.testing.stories import earlier_take
from onestory.testing.tiny_pocket import write_tiny_weights

MARA = Subject(
    name="MARA", phrase="the same woman", look="a young woman with a brown bob and a red coat"
)


@pytest.fixture(scope="session", name="tiny_weights")
def _tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_weights(tmp_path_factory.mktemp("pocket") / "weights")


@pytest.fixture(scope="session", name="engine")
def _engine(tiny_weights: Path) -> PocketEngine:
    return PocketEngine(PocketConfig(steps=3), weights=tiny_weights)


@pytest.fixture(name="recipe_of")
def _recipe_of(engine: PocketEngine) -> Callable[..., Recipe]:
    """Make a small recipe of a woman who walks, some of it changed."""

    def make(**fields: Any) -> Recipe:
        usual: dict[str, Any] = {
            "engine": engine.fingerprint(),
            "caption": "Wide shot, day: in the same street, the same woman walks.",
            "subjects": (MARA,),
            "set_name": "STREET",
            "set_look": "a narrow street with blue doors",
            "seed": 3,
            "width": 90,
            "height": 160,
            "num_frames": 7,
            "fps": "24",
        }
        return Recipe(**(usual | fields))

    return make


@pytest.fixture(name="filmed")
def _filmed() -> Callable[..., EarlierTake]:
    """Put what an engine made of a recipe into the form in which it comes back to be recalled."""
    return earlier_take
