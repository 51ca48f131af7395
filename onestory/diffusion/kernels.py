"""
By which kernels does a transformer compute?

    attention   one of diffusers' backends, tried on a few tokens before it is relied on
    blocks      as they are, or compiled: once for all of them, since they are alike

Shape suffixes, for this module only:
    N  tokens   H  heads   E  channels of a head   1  one sample
"""

from typing import Any

import torch
from diffusers.models.attention_dispatch import (
    AttentionBackendName,
    _AttentionBackendRegistry,
    dispatch_attention_fn,
)
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

from onestory.diffusion.attach import bare
from onestory.errors import OrderError

TOKENS = 16


def choose_attention(
    transformer: WanTransformer3DModel, backend: str, *, device: torch.device
) -> None:
    """
    Let a transformer attend by a kernel of its own.

    Other models of the process keep theirs: diffusers would make the choice everybody's.

    Args:
        transformer: The stock model.
        backend: As diffusers calls it.
        device: Where it will compute.

    Raises:
        OrderError: If the kernel is not there, or does not work on this device.
    """
    model = bare(transformer)
    registry: Any = _AttentionBackendRegistry  # untyped
    everybodys, _ = registry.get_active_backend()
    try:
        model.set_attention_backend(backend)
        _try(model, AttentionBackendName(backend), device)
    except (RuntimeError, ValueError, ImportError, NotImplementedError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise OrderError(
            f"attention by {backend} does not work here: {reason}",
            hint="leave attention_backend out of the config, and torch chooses",
        ) from error
    finally:
        registry.set_active_backend(everybodys)


def compile_blocks(transformer: WanTransformer3DModel) -> None:
    """
    Compile the blocks, with the first call.

    Only they: what attaches a memory does it around them, or by what they hold.

    Args:
        transformer: The stock model.
    """
    bare(transformer).compile_repeated_blocks()


@torch.no_grad()
def _try(model: Any, backend: AttentionBackendName, device: torch.device) -> None:
    """Attend once: whether a kernel is for this device, dtype and width, only itself knows."""
    config = model.config
    dtype = model.patch_embedding.weight.dtype
    some_1NHE = torch.ones(
        1,
        TOKENS,
        config.num_attention_heads,
        config.attention_head_dim,
        device=device,
        dtype=dtype,
    )
    dispatch_attention_fn(some_1NHE, some_1NHE, some_1NHE, backend=backend)
