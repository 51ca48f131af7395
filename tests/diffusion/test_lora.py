"""Low-rank updates: lent for a while, and exactly what merged weights would be."""

from typing import Any

import pytest
import torch

from onestory.diffusion.lora import LowRank, updated

NAME = "blocks.1.attn2.to_out.0"


@torch.no_grad()
def test_a_lent_update_is_a_merged_one(wan: Any) -> None:
    """Down, up and scale, for as long as it is lent; the weights stay what they are."""
    layer = wan.model.get_submodule(NAME)
    update = LowRank(down_RI=torch.randn(3, 24), up_OR=torch.randn(24, 3), scale=1.5)
    stock, weight = wan(), layer.weight.clone()
    layer.weight += 1.5 * update.up_OR @ update.down_RI
    merged = wan()
    layer.weight.copy_(weight)

    with updated(wan.model, {NAME: update}):
        lent = wan()

    assert (lent - merged).abs().max() < 1e-4
    assert (lent - stock).abs().max() > 0.001
    assert torch.equal(wan(), stock)
    assert torch.equal(layer.weight, weight)


@torch.no_grad()
def test_an_update_computes_in_the_dtype_of_its_layer(wan: Any) -> None:
    """Whatever dtype its file has, so that a model in bfloat16 stays in it."""
    layer = wan.model.get_submodule(NAME).to(torch.bfloat16)
    update = LowRank(down_RI=torch.randn(3, 24), up_OR=torch.randn(24, 3), scale=1.0)
    asked_BNE = torch.randn(2, 5, 24, dtype=torch.bfloat16)

    with updated(wan.model, {NAME: update}):
        said_BNE = layer(asked_BNE)

    assert said_BNE.dtype == torch.bfloat16
    layer.to(torch.float32)


@pytest.mark.parametrize(
    ("name", "down", "up", "words"),
    [
        ("blocks.9.attn1.to_q", (3, 24), (24, 3), "no layer blocks.9.attn1.to_q to update"),
        (NAME, (3, 25), (24, 3), r"an update of \(24, 25\) does not fit"),
        ("blocks.1.attn2", (3, 24), (24, 3), "does not fit the layer blocks.1.attn2"),
        (NAME, (3, 24), (24, 2), "of different ranks"),
    ],
)
def test_updates_that_fit_nothing_are_refused(
    name: str, down: tuple[int, int], up: tuple[int, int], words: str, t2v: Any
) -> None:
    """And nothing is left behind of those that fitted."""
    fitting = LowRank(down_RI=torch.ones(3, 24), up_OR=torch.ones(24, 3), scale=1.0)
    other = LowRank(down_RI=torch.ones(down), up_OR=torch.ones(up), scale=1.0)

    with (
        pytest.raises(ValueError, match=words),
        updated(t2v.model, {"blocks.0.attn1.to_q": fitting, name: other}),
    ):
        pass

    assert not t2v.model.blocks[0].attn1.to_q._forward_hooks
