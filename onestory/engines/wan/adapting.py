"""
How does a few-step adapter get into the transformers of a Wan?

    down, up, alpha ── beside a linear layer ── for good, its weights stay as they are
    diff, diff_b ───── added to a weight or a bias; diff_m to a block's modulation

Updates are not merged: they are not rounded with the weights, and weights that are packed, or
stored as fp8 afterwards, take them as well.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from onestory.diffusion.lora import LowRank, update
from onestory.engines.wan.adapter import Adapter
from onestory.errors import WeightsError


@torch.no_grad()
def adapt(transformers: Sequence[Any], adapter: Adapter, *, weight: float) -> None:
    """
    Let transformers compute with an adapter from now on.

    Args:
        transformers: One, or two experts; where they will compute or not, in their dtype.
        adapter: What was found; one file serves both experts.
        weight: How much it counts.

    Raises:
        WeightsError: If it does not fit, or its file changed since it was found.
    """
    for number, transformer in enumerate(transformers):
        index = min(number, len(adapter.files) - 1)
        file, layers = adapter.files[index], adapter.changes[index]
        try:
            with safe_open(file, framework="pt") as content:
                read = {
                    layer: {name: content.get_tensor(piece.key) for name, piece in change.items()}
                    for layer, change in layers.items()
                }
            # Wholes first: nothing is hung onto a model that they do not fit.
            for layer, tensors in read.items():
                _add(transformer, layer, tensors, weight)
            update(transformer, _updates(read, weight, like=transformer.patch_embedding.weight))
        except (OSError, SafetensorError, ValueError, AttributeError) as error:
            raise WeightsError(
                f"the adapter {file.name} does not fit: {error}",
                hint="name the adapter that was trained for this model",
            ) from error


def _updates(
    read: Mapping[str, Mapping[str, Tensor]], weight: float, *, like: Tensor
) -> dict[str, LowRank]:
    found = {}
    for layer, tensors in read.items():
        if "down" not in tensors:
            continue
        rank = tensors["down"].shape[0]
        alpha = float(tensors["alpha"]) if "alpha" in tensors else rank
        bias = tensors.get("bias")
        found[layer] = LowRank(
            down_RI=tensors["down"],
            up_OR=tensors["up"],
            scale=weight * alpha / rank,
            bias_O=None if bias is None else weight * bias.float(),
        ).like(like)
    return found


def _add(transformer: Any, layer: str, tensors: Mapping[str, Tensor], weight: float) -> None:
    """Add whole differences to what a layer has."""
    names = {"weight": "diff", "scale_shift_table": "modulation"} | (
        {} if "down" in tensors else {"bias": "bias"}
    )
    for name, difference in names.items():
        if difference not in tensors:
            continue
        own = getattr(transformer.get_submodule(layer), name, None)
        change = tensors[difference]
        if own is None or own.shape != change.shape or not own.is_floating_point():
            has = "none that can be added to" if own is None else f"{tuple(own.shape)}"
            raise ValueError(f"{name} of {layer} is changed by {tuple(change.shape)}, and is {has}")
        own.copy_(own.float() + weight * change.float())
