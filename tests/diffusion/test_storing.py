"""Storing: weights in 8 bits compute as weights that were rounded to 8 bits beforehand."""

from typing import Any

import torch

from onestory.diffusion.storing import FP8, kept_in_fp8, store_in_fp8


@torch.no_grad()
def test_stored_weights_are_rounded_weights(wan: Any) -> None:
    """To the bit; what is said to be rounded is, and nothing else."""
    names = kept_in_fp8(wan.model)
    stock = wan()
    for name, parameter in wan.model.named_parameters():
        if name in names:
            parameter.copy_(parameter.to(FP8).to(parameter.dtype))
    rounded = wan()

    store_in_fp8(wan.model, computing=torch.float32)

    kept = {name for name, one in wan.model.named_parameters() if one.dtype == FP8}
    assert kept == names == kept_in_fp8(wan.model)
    assert "blocks.1.ffn.net.2.weight" in names
    assert not any("norm" in name or "embed" in name or "proj_out" in name for name in names)
    assert torch.equal(wan(), rounded)
    assert (rounded - stock).abs().max() > 0.001
    # And again: what lies there is what was computed with.
    assert torch.equal(wan(), rounded)
