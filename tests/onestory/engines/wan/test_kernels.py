"""Do other kernels draw what torch's own draw, and are those that cannot work refused?"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_dispatch import (
    AttentionBackendName,
    _AttentionBackendRegistry,
)
from torch import Tensor

from onestory.engines.wan.card import BACKENDS, read_card, usual_config
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.loading import load_model
from onestory.engines.wan.model import WanModel
from onestory.errors import OrderError
from onestory.testing.tiny_wan import Kind, write_tiny_published

FolderOf = Callable[[Kind], Path]

TOLERANCE = 1e-4
"""Largest difference that other kernels may make: of latents up to about 4, in float32."""


def loaded(folder: Path, **choices: Any) -> WanModel:
    """A Wan that is used so."""
    card = read_card(folder)
    config = usual_config(card, {"dtype": "float32", "steps": 2, **choices})
    return load_model(folder, card, config, device="cpu")


@pytest.fixture(name="draw")
def _draw(drawn_by: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Draw with the guidance of the card, so that a step is two."""
    return partial(drawn_by, guidance=5.0)


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["cached", "joint"])
def test_compiled_blocks_draw_the_same(
    attention: str, folder_of: FolderOf, draw: Callable[..., Tensor]
) -> None:
    """Within a tolerance, without a memory, with one, and without again."""
    torch.compiler.reset()
    eager = loaded(folder_of("t2v"), attention=attention)
    compiled = loaded(folder_of("t2v"), attention=attention, is_compiled=True)

    for remembered in (0, 1, 0):
        expected = draw(eager, remembered=remembered)
        drawn = draw(compiled, remembered=remembered)
        assert (drawn - expected).abs().max() < TOLERANCE
    assert not torch.equal(draw(eager, remembered=1), draw(eager, remembered=0))
    assert compiled.transformers[0].blocks[0]._compiled_call_impl is not None


@pytest.mark.parametrize("attention", ["cached", "joint"])
@pytest.mark.parametrize("backend", ["native", "_native_math"])
def test_another_kernel_draws_the_same(
    backend: str, attention: str, folder_of: FolderOf, draw: Callable[..., Tensor]
) -> None:
    """Within a tolerance, the memory's attention too; torch's own is the usual one, to the bit."""
    usual = loaded(folder_of("t2v"), attention=attention)
    other = loaded(folder_of("t2v"), attention=attention, attention_backend=backend)

    for remembered in (0, 1):
        expected, drawn = draw(usual, remembered=remembered), draw(other, remembered=remembered)
        assert (drawn - expected).abs().max() < TOLERANCE
        assert torch.equal(drawn, expected) == (backend == "native")


def test_a_kernel_is_one_models_own(folder_of: FolderOf) -> None:
    """Whoever else computes in the process keeps the usual one."""
    before = _AttentionBackendRegistry.get_active_backend()[0]

    model = loaded(folder_of("t2v"), attention_backend="_native_math")

    assert _AttentionBackendRegistry.get_active_backend()[0] == before
    processor = model.transformers[0].blocks[0].attn1.processor
    assert processor._attention_backend == AttentionBackendName._NATIVE_MATH


@pytest.mark.parametrize("backend", ["_native_npu", "_native_cudnn"])
def test_a_kernel_that_does_not_work_here_is_refused(backend: str, folder_of: FolderOf) -> None:
    """One whose package is missing, and one that is for another device; and nothing is left."""
    before = _AttentionBackendRegistry.get_active_backend()[0]

    with pytest.raises(OrderError, match=f"attention by {backend} does not work here"):
        loaded(folder_of("t2v"), attention_backend=backend)

    assert _AttentionBackendRegistry.get_active_backend()[0] == before


def test_every_kernel_of_diffusers_is_known_but_those_of_the_hub() -> None:
    """Those it would fetch when they are named, and nothing is fetched unasked."""
    assert set(BACKENDS) == {
        backend.value for backend in AttentionBackendName if "hub" not in backend.value
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attention_backend": "luck"}, "must be native, .* got 'luck'"),
        ({"attention_backend": "flash_hub"}, "must be native, .* got 'flash_hub'"),
        ({"is_compiled": True, "step_cache": "first-block"}, "blocks cannot .* as first-block"),
    ],
)
def test_kernels_that_cannot_be_are_refused(
    changes: dict[str, Any], words: str, folder_of: FolderOf
) -> None:
    """With what was found."""
    with pytest.raises(OrderError, match=words):
        usual_config(read_card(folder_of("t2v")), changes)


def test_lent_updates_are_refused_in_compiled_blocks(folder_of: FolderOf, tmp_path: Path) -> None:
    """They would be lent, and not be seen."""
    place = write_tiny_published(tmp_path / "memory")

    with pytest.raises(OrderError, match="updates of StoryMem are lent to layers, and compiled"):
        WanEngine({"is_compiled": True}, weights=folder_of("a14b-i2v"), memory_weights=place)
