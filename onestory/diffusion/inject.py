"""
The `joint` mode: how do memory tokens get into a stock transformer, and out again?

    patch embedding ──►  noise tokens + memory tokens
    rope            ──►  their places + the memory's places
    timestep        ──►  their times  + the memory's time       (if it has one of its own)
         blocks          everything attends to everything
    proj_out        ◄──  noise tokens alone

Four ordinary hooks, taken off on the way out. The model, its weights and its output
shape stay as they are.

Where a model's tokens are spread over devices (context parallelism), diffusers splits them before
the first block and gathers them after the last layer: the memory is spread along with the shot,
and everything attends to everything still.

Shape suffixes, for this module only:
    B  samples in the batch   N  tokens of the shot being made   L  memory tokens
    M  both, N + L            D  model width     C  numbers of a patch
    T, H, W  patches of the shot along time, height and width; 3, those axes
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from math import prod
from typing import Any

import torch
from diffusers.hooks.context_parallel import EquipartitionSharder
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor, nn

from onestory.diffusion.attach import attached, check_tokens, for_batch, mesh_of
from onestory.diffusion.rope import Rotary, rope_at


@contextmanager
def joint(
    transformer: WanTransformer3DModel,
    tokens_BLD: Tensor,
    positions_L3: Tensor,
    *,
    timestep: float | None = None,
) -> Iterator[None]:
    """
    Let the shot's tokens and the memory's attend to each other in every block.

    Hold it around the whole denoising loop: step caches are made to forget on the way
    in and out. A backward pass may come later. No tokens at all leave the model as it is,
    to the bit.

    Args:
        transformer: The stock model, compiled or not.
        tokens_BLD: Memory tokens, as wide as the model. One sample serves any batch.
        positions_L3: Time, height and width of each, as `rope_at` takes them.
        timestep: Time of the memory, 0 for clean, on the scale that the transformer is
            called with. `None` shares the time of the shot; if its tokens have times of
            their own, that is the latest of each sample.

    Yields:
        Nothing; call the transformer, or a pipeline that holds it, as ever.

    Raises:
        ValueError: If tokens and positions are not equally many, or not as wide as the model.
        RenderError: If a memory is attached already.
    """
    with attached(transformer, may_be_spread=True) as model, ExitStack() as hooks:
        check_tokens(model, tokens_BLD, positions_L3)
        if tokens_BLD.shape[1]:
            mesh = mesh_of(model)
            visit = _Visit(tokens_BLD, rope_at(model, positions_L3), timestep, mesh)
            for hook in (
                model.register_forward_pre_hook(visit.widen_timestep, with_kwargs=True),
                model.rope.register_forward_hook(visit.add_places),
                model.patch_embedding.register_forward_hook(visit.add_tokens),
                model.proj_out.register_forward_pre_hook(visit.strip)
                if mesh is None
                else model.proj_out.register_forward_hook(visit.strip_gathered),
            ):
                hooks.callback(hook.remove)
            hooks.enter_context(_seen_by_the_compiler(model.rope))
        yield


@contextmanager
def _seen_by_the_compiler(module: Any) -> Iterator[None]:
    """
    Keep a compiled model from replaying a graph without the hooks.

    `torch.compile` guards nothing about hooks that are not there, so a graph of the stock model
    would go on being used, and the memory be ignored. A `forward` of the instance's own it
    does guard, and the plain bound method gives all memories of one size one graph.
    """
    own = vars(module).get("forward")
    module.forward = partial(own) if own else module.forward
    try:
        yield
    finally:
        del module.forward
        if own:
            module.forward = own


class _Visit:
    """The hooks of one memory."""

    def __init__(
        self, tokens_BLD: Tensor, rotary: Rotary, timestep: float | None, mesh: Any
    ) -> None:
        self.tokens_BLD = tokens_BLD
        self.rotary = rotary
        self.timestep = timestep
        self.mesh = mesh

    def add_tokens(self, _: nn.Module, __: Any, patches_BDTHW: Tensor) -> Tensor:
        """Append the memory; the model flattens the three grid axes and nothing else."""
        noise_BDN = patches_BDTHW.flatten(2)
        memory_BDL = for_batch(self.tokens_BLD.to(noise_BDN).mT, len(noise_BDN))
        return torch.cat([noise_BDN, memory_BDL], dim=2)[..., None, None]

    def add_places(
        self, rope: nn.Module, args: tuple[Tensor, ...], stock: tuple[Tensor, Tensor]
    ) -> Rotary:
        """Append the memory's places to the shot's."""
        if self.mesh is not None:
            # What it said is this device's share alone.
            stock = type(rope).forward(rope, *args)
        both = Rotary(
            *(
                # An offloaded model was elsewhere when its memory was attached.
                torch.cat([own.expand(len(memory), -1, -1, -1), memory.to(own.device)], dim=1)
                for own, memory in zip(stock, self.rotary, strict=True)
            )
        )
        if self.mesh is None:
            return both
        return Rotary(*(EquipartitionSharder.shard(one, 1, self.mesh) for one in both))

    def widen_timestep(
        self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Give every token a time, if the memory's is not simply that of the shot."""
        timestep = kwargs["timestep"] if "timestep" in kwargs else args[1]
        if timestep.ndim == 1 and self.timestep is None:
            return None
        if timestep.ndim == 1:
            latent = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
            sizes = zip(latent.shape[2:], model.config.patch_size, strict=True)
            timestep = timestep[:, None].expand(-1, prod(size // patch for size, patch in sizes))
        # An integer time may stand beside a fractional one; Wan reads both in fp32.
        timestep_BN = timestep if timestep.is_floating_point() else timestep.float()
        memory_B1 = (
            timestep_BN.amax(dim=1, keepdim=True)
            if self.timestep is None
            else timestep_BN.new_full((timestep_BN.shape[0], 1), self.timestep)
        )
        timestep_BM = torch.cat(
            [timestep_BN, memory_B1.expand(-1, self.tokens_BLD.shape[1])], dim=1
        )
        if "timestep" in kwargs:
            return args, {**kwargs, "timestep": timestep_BM}
        return (args[0], timestep_BM, *args[2:]), kwargs

    def strip(self, _: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Drop the memory before it is turned into pixels."""
        return (args[0][:, : -self.tokens_BLD.shape[1]],)

    def strip_gathered(self, _: nn.Module, __: Any, out_BMC: Tensor) -> Tensor:
        """Drop the memory of what was gathered from all devices."""
        return out_BMC[:, : -self.tokens_BLD.shape[1]]
