"""Does a Wan whose weights are stored in 8 bits draw as one whose weights were rounded?"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from onestory.diffusion.storing import FP8, kept_in_fp8
from onestory.engines.wan.card import read_card, usual_config
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.estimate import count_weights
from onestory.engines.wan.model import WanModel
from onestory.errors import OrderError
from onestory.testing.tiny_wan import Kind, write_tiny_memory, write_tiny_published

FolderOf = Callable[[Kind], Path]
DrawnBy = Callable[..., Tensor]


def loaded(folder: Path, *, memory: Path | None = None, **choices: Any) -> WanModel:
    """A Wan that is used so."""
    usual = {"dtype": "float32", "steps": 2}
    return WanEngine({**usual, **choices}, weights=folder, memory=memory, device="cpu").model()


@torch.no_grad()
def round_weights(transformer: Any) -> None:
    """Round to 8 bits what is stored so."""
    names = kept_in_fp8(transformer)
    for name, parameter in transformer.named_parameters():
        if name in names:
            parameter.copy_(parameter.to(FP8).to(parameter.dtype))


@pytest.mark.parametrize("attention", ["cached", "joint"])
def test_stored_weights_draw_as_rounded_ones(
    attention: str, folder_of: FolderOf, drawn_by: DrawnBy, tmp_path: Path
) -> None:
    """To the bit, without a memory, with stock patches and with trained ones."""
    memory = write_tiny_memory(tmp_path / "memory", channels=16)
    for modules, remembered in ((None, 0), (None, 1), (memory, 1)):
        plain = loaded(folder_of("t2v"), memory=modules, attention=attention)
        stored = loaded(folder_of("t2v"), memory=modules, attention=attention, storage="fp8")
        stock = drawn_by(plain, remembered=remembered)
        round_weights(plain.transformers[0])

        drawn = drawn_by(stored, remembered=remembered)

        assert torch.equal(drawn, drawn_by(plain, remembered=remembered))
        assert not torch.equal(drawn, stock)


def test_layers_that_wait_stay_stored(folder_of: FolderOf, drawn_by: DrawnBy) -> None:
    """Parts in turn and layers in turn draw what a model in one place draws."""
    model = loaded(folder_of("t2v"), storage="fp8")
    expected = drawn_by(model, remembered=1)
    model.ladder.has_elsewhere = True

    rungs = 0
    while model.ladder.climb("drawing"):
        rungs += 1
        assert (drawn_by(model, remembered=1) - expected).abs().max() < 1e-5
        assert model.transformers[0].blocks[0].attn1.to_q.weight.dtype == FP8
    assert rungs == 2


def test_steps_are_skipped_of_stored_weights(folder_of: FolderOf, drawn_by: DrawnBy) -> None:
    """Where a step cache skips nothing it changes nothing."""
    plain = loaded(folder_of("t2v"), storage="fp8", steps=4)
    skipping = loaded(
        folder_of("t2v"), storage="fp8", steps=4, step_cache="first-block", step_threshold=0.0
    )

    drawn = drawn_by(skipping, remembered=1)

    assert (drawn - drawn_by(plain, remembered=1)).abs().max() < 1e-4


def test_updates_of_a_published_memory_are_not_rounded(folder_of: FolderOf, tmp_path: Path) -> None:
    """They are lent beside the layers, as the layers compute."""
    engine = WanEngine(
        {"dtype": "float32", "storage": "fp8"},
        weights=folder_of("a14b-i2v"),
        memory_weights=write_tiny_published(tmp_path / "memory"),
        device="cpu",
    )

    (update, *_) = engine.model().updates[0].values()

    assert engine.model().transformers[0].blocks[0].attn1.to_q.weight.dtype == FP8
    assert update.down_RI.dtype == torch.float32


@pytest.mark.parametrize("kind", ["t2v", "i2v"])
def test_what_is_counted_is_what_lies_there(kind: Kind, folder_of: FolderOf) -> None:
    """A byte of each rounded weight, to the byte."""
    folder = folder_of(kind)
    choices = {"dtype": "bfloat16", "storage": "fp8"}
    config = usual_config(read_card(folder), choices)

    (counted,) = (one for one in count_weights(folder, config) if one.name == "transformer")

    transformer = loaded(folder, **choices).transformers[0]
    assert counted.num_bytes == sum(one.nbytes for one in transformer.parameters())
    usual = usual_config(read_card(folder), {"dtype": "bfloat16"})
    (whole,) = (one for one in count_weights(folder, usual) if one.name == "transformer")
    assert counted.num_bytes < whole.num_bytes


def test_storage_is_in_the_name_of_a_take(folder_of: FolderOf) -> None:
    """As it decides pixels; and what cannot be is refused."""
    folder = folder_of("t2v")
    plain, stored = WanEngine(weights=folder), WanEngine({"storage": "fp8"}, weights=folder)

    assert plain.fingerprint().config != stored.fingerprint().config
    with pytest.raises(OrderError, match="storage must be dtype or fp8, got 'int4'"):
        WanEngine({"storage": "int4"}, weights=folder)
    with pytest.raises(OrderError, match="stored as fp8 are unpacked around every layer, and comp"):
        WanEngine({"storage": "fp8", "is_compiled": True}, weights=folder)
