"""
Context parallelism: how do several devices draw one shot?

    tokens ── a share for each device ── blocks ── gathered after the last layer, on every device
                       │
        attention: heads are shared out instead of tokens, and back again (Ulysses)

Every device holds all weights, is called with the same inputs at the same time, and gets the same
result. The way is diffusers' own; it is switched on for one denoising loop and off after it, so
that whoever calls the transformer otherwise need not know of the other devices.

Devices of one machine meet: their processes find each other by a file, and talk on loopback.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.hooks.context_parallel import apply_context_parallel, remove_context_parallel
from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor, distributed
from torch.distributed.device_mesh import init_device_mesh

from onestory.diffusion.attach import bare
from onestory.errors import EngineFaultError, OrderError

PATIENCE = timedelta(minutes=5)
"""How long a device waits for the others, in the middle of a shot and when they meet."""


def meet(meeting: Path, *, rank: int, cards: int, device: torch.device) -> Any:
    """
    Join the other devices; returns once all are there.

    Args:
        meeting: A file that is not there yet, the same for all, in a folder of nobody else's.
        rank: Which of them this process is, from 0 on.
        cards: How many there are.
        device: Of this process.

    Returns:
        diffusers' configuration of how tokens are spread, for `spread`.

    Raises:
        EngineFaultError: If this process has met others already.
    """
    if distributed.is_initialized():
        raise EngineFaultError(
            "another engine of this process films on several cards, and there can be one",
            hint="close it first",
        )
    if sys.platform == "linux":
        # Whoever may talk to them may give them tensors: nobody beyond this machine shall.
        for library in ("GLOO", "NCCL"):
            os.environ.setdefault(f"{library}_SOCKET_IFNAME", "lo")
    has_gpu = device.type == "cuda"
    distributed.init_process_group(
        "nccl" if has_gpu else "gloo",
        init_method=meeting.as_uri(),
        rank=rank,
        world_size=cards,
        timeout=PATIENCE,
        device_id=device if has_gpu else None,
    )
    mesh = init_device_mesh(device.type, (1, cards), mesh_dim_names=("ring", "ulysses"))
    stock: Any = diffusers  # untyped
    shares = stock.ContextParallelConfig(ulysses_degree=cards, mesh=mesh)
    parallel = stock.ParallelConfig(context_parallel_config=shares)
    parallel.setup(rank, cards, device, mesh=mesh)
    return parallel


def part() -> None:
    """Leave the other devices, whether they are still there or not."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def give_up() -> None:
    """
    Wake whoever waits for the others in another thread, since one of them is gone.

    gloo notices that by itself. nccl does not, and would wait for as long as it has patience.
    """
    if distributed.is_initialized():
        distributed.distributed_c10d._abort_process_group()


def shared(tensor: Tensor) -> None:
    """Show a tensor to all other devices, or be shown it by the first: it is overwritten then."""
    distributed.broadcast(tensor, src=0)


@contextmanager
def spread(transformers: Sequence[WanTransformer3DModel], parallel: Any) -> Iterator[None]:
    """
    Let transformers work on this device's share.

    `enable_parallelism` of diffusers does the same for good, and finds no device on a CPU.

    Args:
        transformers: Stock models.
        parallel: As `meet` returns it.

    Yields:
        Nothing; call them on all devices alike.
    """
    for model in map(bare, transformers):
        _tell(model, parallel)
        apply_context_parallel(model, parallel.context_parallel_config, model._cp_plan)
    try:
        yield
    finally:
        for model in map(bare, transformers):
            remove_context_parallel(model, model._cp_plan)
            _tell(model, None)


def refuse_kernel(transformer: WanTransformer3DModel) -> None:
    """
    Refuse a model whose kernel of attention cannot be shared.

    Args:
        transformer: The stock model.

    Raises:
        OrderError: If diffusers does not know how to.
    """
    registry: Any = _AttentionBackendRegistry  # untyped
    chosen = bare(transformer).blocks[0].attn1.processor._attention_backend
    kernel = AttentionBackendName(chosen) if chosen else registry.get_active_backend()[0]
    if not registry._is_context_parallel_available(kernel):
        known = sorted(registry._supports_context_parallel)
        raise OrderError(
            f"attention by {kernel.value} cannot be spread over several cards",
            hint=f"choose an attention_backend of {', '.join(known)}",
        )


def _tell(model: Any, parallel: Any) -> None:
    """Let a model, and all that attends in it, know how tokens are spread."""
    model._parallel_config = parallel
    for module in model.modules():
        processor: Any = getattr(module, "processor", None)
        if hasattr(processor, "_parallel_config"):
            processor._parallel_config = parallel
