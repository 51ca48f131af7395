"""
What is a pocket model? The classes of the big engine, small enough to be trained on a laptop.

    folder/  transformer/  stock WanTransformer3DModel        memory/conditioner/  patchifiers
             vae/          BlockCodec                         memory/selector/     frame selection
             scheduler/    flow matching

The transformer predicts clean latents ("sample"); `velocity_of` turns that into what a flow
scheduler takes. Text features come from the frozen encoder of `onestory.diffusion.text`.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import nn

from onestory.diffusion.text import TEXT_DIM
from onestory.memory.conditioner import AdaptiveConditioner
from onestory.memory.selector import FrameSelector

TIMESTEPS = 1000.0
"""What the transformer calls pure noise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PocketSize:
    """How large the trained modules are."""

    channels: int = 48
    heads: int = 4
    head_dim: int = 64
    layers: int = 8
    ffn: int = 1024
    selector_width: int = 128


class PocketModules(nn.Module):
    """The three modules that are trained together."""

    def __init__(
        self,
        transformer: WanTransformer3DModel,
        conditioner: AdaptiveConditioner,
        selector: FrameSelector,
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.conditioner = conditioner
        self.selector = selector


def new_modules(size: PocketSize) -> PocketModules:
    """Make untrained modules; seed torch before."""
    width = size.heads * size.head_dim
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=size.heads,
        attention_head_dim=size.head_dim,
        in_channels=size.channels,
        out_channels=size.channels,
        text_dim=TEXT_DIM,
        freq_dim=256,
        ffn_dim=size.ffn,
        num_layers=size.layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=128,
    )
    conditioner = AdaptiveConditioner(in_channels=size.channels, inner_dim=width)
    conditioner.init_from(transformer.patch_embedding)
    selector = FrameSelector(
        in_channels=size.channels, text_dim=TEXT_DIM, width=size.selector_width
    )
    return PocketModules(transformer, conditioner, selector)


def save_modules(modules: PocketModules, folder: Path) -> None:
    """Write the modules as a diffusers folder, safetensors."""
    modules.transformer.save_pretrained(folder / "transformer")
    modules.conditioner.save_pretrained(folder / "memory" / "conditioner")
    modules.selector.save_pretrained(folder / "memory" / "selector")


def load_modules(folder: Path) -> PocketModules:
    """Read the modules, ready to use."""
    return PocketModules(
        WanTransformer3DModel.from_pretrained(folder / "transformer", use_safetensors=True),
        AdaptiveConditioner.from_pretrained(folder / "memory" / "conditioner"),
        FrameSelector.from_pretrained(folder / "memory" / "selector"),
    ).eval()


def velocity_of(
    clean_BCFhw: torch.Tensor, noisy_BCFhw: torch.Tensor, noise_share: torch.Tensor
) -> torch.Tensor:
    """
    Turn predicted clean latents into a flow's velocity (noise minus clean).

    Args:
        clean_BCFhw: What the transformer predicts.
        noisy_BCFhw: What it looked at.
        noise_share: How much of that is noise, in (0, 1], broadcastable.
    """
    return (noisy_BCFhw - clean_BCFhw) / noise_share
