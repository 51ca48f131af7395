"""
Storing: how do weights lie between two calls of their layers?

    linear layer   float8_e4m3fn ── called ── bfloat16 ── done ── float8_e4m3fn
    norms, embeddings of patches, times and captions, modulation   as they compute

The casting is diffusers' own. It rounds weights once, when it is switched on: from then on a
transformer computes as one whose weights were rounded beforehand.
"""

import re
from typing import Any

import torch
from diffusers.hooks._common import _GO_LC_SUPPORTED_PYTORCH_LAYERS
from diffusers.hooks.layerwise_casting import DEFAULT_SKIP_MODULES_PATTERN
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import nn

from onestory.diffusion.attach import bare

FP8 = torch.float8_e4m3fn


def store_in_fp8(transformer: WanTransformer3DModel, *, computing: torch.dtype) -> None:
    """
    Keep weights of a transformer in 8 bits, from now on; they are rounded for good.

    Args:
        transformer: The stock model.
        computing: In which dtype layers compute.
    """
    bare(transformer).enable_layerwise_casting(storage_dtype=FP8, compute_dtype=computing)


def kept_in_fp8(transformer: WanTransformer3DModel) -> frozenset[str]:
    """
    Say which parameters `store_in_fp8` would round.

    Args:
        transformer: The stock model, with or without storage.

    Returns:
        Their names.
    """
    model: Any = bare(transformer)
    patterns = (
        *DEFAULT_SKIP_MODULES_PATTERN,
        *(model._keep_in_fp32_modules or ()),
        *(model._skip_layerwise_casting_patterns or ()),
    )
    layers: tuple[type[nn.Module], ...] = _GO_LC_SUPPORTED_PYTORCH_LAYERS
    return frozenset(
        f"{name}.{parameter}"
        for name, module in model.named_modules()
        if isinstance(module, layers) and not any(re.search(one, name) for one in patterns)
        for parameter, _ in module.named_parameters(recurse=False)
    )
