"""Tiny Wans of every architecture, engines that film with them, and takes that they made."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from onestory.engines.protocol import EarlierTake, Frame
from onestory.engines.recipe import Recipe, Subject
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.model import WanModel
from onestory.engines.wan.shot import Shot
from onestory.testing.stories import earlier_take
from onestory.testing.tiny_wan import Kind, write_tiny_wan

MARA = Subject(
    name="MARA", phrase="the same woman", look="a young woman with a brown bob and a red coat"
)
TINY = {"dtype": "float32", "steps": 2, "stretch_frames": 5}
"""Choices with which a tiny Wan films in an instant."""


@pytest.fixture(scope="session", name="folder_of")
def _folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Path]:
    """The folder of a tiny Wan, written once."""

    @lru_cache
    def write(kind: Kind) -> Path:
        return write_tiny_wan(tmp_path_factory.mktemp("wan") / kind, kind)

    return write


@pytest.fixture(scope="session", name="engine_of")
def _engine_of(folder_of: Callable[[Kind], Path]) -> Callable[[Kind], WanEngine]:
    """An engine that films with a tiny Wan, loaded once."""

    @lru_cache
    def make(kind: Kind) -> WanEngine:
        return WanEngine(TINY, weights=folder_of(kind), device="cpu")

    return make


@pytest.fixture(name="recipe_of")
def _recipe_of() -> Callable[..., Recipe]:
    """Make a small recipe of a woman who walks, some of it changed."""

    def make(engine: WanEngine, /, **fields: Any) -> Recipe:
        usual: dict[str, Any] = {
            "engine": engine.fingerprint(),
            "caption": "Wide shot, day: in the same street, the same woman walks.",
            "negative_caption": "a hat",
            "subjects": (MARA,),
            "set_name": "STREET",
            "set_look": "a narrow street with blue doors",
            "seed": 3,
            "width": 32,
            "height": 64,
            "num_frames": 5,
            "fps": str(engine.config.fps),
        }
        return Recipe(**(usual | fields))

    return make


@pytest.fixture(name="first_frame")
def _first_frame() -> Frame:
    """Some picture of the recipe's size."""
    return np.random.default_rng(5).integers(0, 256, (64, 32, 3), dtype=np.uint8)


@pytest.fixture(name="filmed")
def _filmed() -> Callable[..., EarlierTake]:
    """Put what an engine made of a recipe into the form in which it comes back to be recalled."""
    return earlier_take


@pytest.fixture(scope="session", name="drawn_by")
def _drawn_by() -> Callable[..., Tensor]:
    """Draw a small shot with a loaded model, which may remember frames."""

    def draw(model: WanModel, *, remembered: int = 0, guidance: float = 1.0) -> Tensor:
        lots = torch.Generator().manual_seed(1)
        latents_KChw = torch.randn(remembered, model.card.latent_channels, 8, 4, generator=lots)
        shot = Shot(
            caption="a woman walks",
            negative_caption="",
            width=32,
            height=64,
            num_frames=5,
            seed=4,
            guidance=guidance,
            guidance_low=guidance,
        )
        memory = model.remember(latents_KChw, [0] * remembered) if remembered else ()
        return model.draw(shot, memory, lambda _: None)

    return draw
