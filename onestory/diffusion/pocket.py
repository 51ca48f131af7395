"""
What is a pocket model? The classes of the big engine, small enough to be trained on a laptop.

    folder/  transformer/  stock WanTransformer3DModel     memory/conditioner/  patchifiers
             vae/          BlockCodec                      memory/selector/     frame selection
             preconditioner/

    blocking ────────────────────────────┐
    noisy ──┬── scaled, and where it is ─┴─ transformer ── scaled ──┐
            └── scaled ─────────────────────────────────────────────┴──► clean latents ──► velocity

Text features come from the frozen encoder of `onestory.diffusion.text`.

Rotary positions say how far apart two tokens are, and nothing says where in the picture: at pure
noise a caption's sky could not be put on top. So every cell is told, in channels of its own.
And since a caption leaves open where people stand, stand-ins may show it: `blocking`.

Reference: Liu et al., "An Intriguing Failing of Convolutional Neural Networks and the CoordConv
Solution", 2018 (arXiv:1807.03247): channels that say where.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import nn

from onestory.diffusion.blocking import GAIN, PEOPLE, blocking_channels
from onestory.diffusion.kv import MemoryCache, cached, prefill
from onestory.diffusion.preconditioning import Preconditioner
from onestory.diffusion.regions import bias_between, hearing, owned_by, shown_of
from onestory.diffusion.text import TEXT_DIM
from onestory.memory.conditioner import AdaptiveConditioner
from onestory.memory.selector import FrameSelector
from onestory.memory.showing import OWNERS, SHOWN
from onestory.storyworld.standins import GUIDES

TIMESTEPS = 1000.0
"""What the transformer calls pure noise."""

GATES = (2, 5)
"""Rows of a block's modulation that say how much of attention and feed-forward counts."""

OCTAVES = (0.5, 1.0, 2.0, 4.0)
"""Waves over the whole height or width of a picture, by which a cell is told where it is."""

PLACE_CHANNELS = 4 * len(OCTAVES)
"""Channels that say where a cell is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PocketSize:
    """How large the trained modules are."""

    channels: int = 16
    heads: int = 4
    head_dim: int = 64
    layers: int = 8
    ffn: int = 1024
    selector_width: int = 128


class PocketModules(nn.Module):
    """The modules that are trained together."""

    def __init__(
        self,
        transformer: WanTransformer3DModel,
        conditioner: AdaptiveConditioner,
        selector: FrameSelector,
        preconditioner: Preconditioner,
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.conditioner = conditioner
        self.selector = selector
        self.preconditioner = preconditioner

    @property
    def channels(self) -> int:
        """Of a latent."""
        return int(self.transformer.config["out_channels"])

    @property
    def blocking_channels(self) -> int:
        """How many say who stands where."""
        return blocking_channels(self.channels)

    @torch.no_grad()
    def expect(self, std_C: torch.Tensor) -> None:
        """
        Be told how much every channel of clean latents varies.

        Args:
            std_C: Standard deviations.
        """
        self.preconditioner.std_C.copy_(std_C)
        self.selector.std_C[: len(std_C)].copy_(std_C)

    @torch.no_grad()
    def make_captions_louder(self, gain: float) -> None:
        """
        Scale the text embedder's output, and what reads it by the inverse.

        Keys are normalised anyway; so only values are made less sensitive. What is drawn stays the
        same, but for rounding.
        """
        embedder: Any = self.transformer.condition_embedder.text_embedder
        blocks: Any = self.transformer.blocks
        embedder.linear_2.weight.mul_(gain)
        embedder.linear_2.bias.mul_(gain)
        for block in blocks:
            block.attn2.to_v.weight.div_(gain)
            # A key's bias is added to what has just become louder.
            block.attn2.to_k.bias.mul_(gain)

    def denoise(
        self,
        noisy_BCFhw: torch.Tensor,
        share_BF: torch.Tensor,
        text_BTE: torch.Tensor,
        *,
        per_token: bool,
        blocking_BPFhw: torch.Tensor | None = None,
        memory: MemoryCache | None = None,
    ) -> torch.Tensor:
        """
        Estimate clean latents.

        Args:
            noisy_BCFhw: Clean latents and noise, mixed.
            share_BF: How much of each frame is noise, in [0, 1].
            text_BTE: Caption features, zeros behind the end.
            per_token: Whether frames differ in that; one time for all is faster.
            blocking_BPFhw: Who stands where; None or zeros if nobody says.
            memory: What `remember` made, for as many samples.

        Returns:
            Clean latents, `B C F h w`, float32.
        """
        patches = noisy_BCFhw.shape[3] // 2 * (noisy_BCFhw.shape[4] // 2)
        timestep = share_BF[:, 0] * TIMESTEPS
        if per_token:
            timestep = (share_BF * TIMESTEPS).repeat_interleave(patches, dim=1)
        if blocking_BPFhw is None:
            num, _, num_frames, height, width = noisy_BCFhw.shape
            shape = (num, self.blocking_channels, num_frames, height, width)
            blocking_BPFhw = noisy_BCFhw.new_zeros(shape)
        seen_BCFhw = with_places(self.preconditioner.seen(noisy_BCFhw, share_BF))
        told_BCFhw = torch.cat([seen_BCFhw, self._heard(blocking_BPFhw)], dim=1)
        with self._attending(shown_of(blocking_BPFhw), text_BTE, memory):
            drawn_BCFhw = self.transformer(told_BCFhw, timestep, text_BTE, return_dict=False)[0]
        return self.preconditioner.clean(noisy_BCFhw, drawn_BCFhw, share_BF)

    def _heard(self, blocking_BPFhw: torch.Tensor) -> torch.Tensor:
        """Who stands where, every channel as loud as the others; guides stand out."""
        guides_BGFhw, sketch_BCFhw = blocking_BPFhw[:, :GUIDES], blocking_BPFhw[:, GUIDES:]
        return torch.cat([GAIN * guides_BGFhw, self.preconditioner.even(sketch_BCFhw)], dim=1)

    @contextmanager
    def _attending(
        self, shown_BNO: torch.Tensor, text_BTE: torch.Tensor, memory: MemoryCache | None
    ) -> Iterator[None]:
        """Attend to the memory, and most to what is about the same people and place."""
        with ExitStack() as stack:
            if memory is not None:
                bias_BNL = None
                if memory.shown_BLO is not None:
                    bias_BNL = bias_between(shown_BNO, memory.shown_BLO)
                stack.enter_context(cached(self.transformer, memory, bias_BNL=bias_BNL))
            bias_BNT = bias_between(shown_BNO, owned_by(text_BTE))
            stack.enter_context(hearing(self.transformer, bias_BNT))
            yield

    def remember(
        self,
        latents_BKChw: torch.Tensor,
        levels: Sequence[int],
        shown_BKOhw: torch.Tensor | None = None,
        staged_BKShw: torch.Tensor | None = None,
    ) -> MemoryCache:
        """
        Turn recalled frames into what every step reads.

        Args:
            latents_BKChw: The frames, best first.
            levels: How finely each of them is cut.
            shown_BKOhw: What their cells show, in the terms of the shot that is made; see
                `onestory.diffusion.regions`.
            staged_BKShw: Where on the stage their cells are; see `staged`.

        Returns:
            Keys and values of every block.
        """
        even_BCKhw = with_places(self.preconditioner.even(latents_BKChw.transpose(1, 2)))
        blocking_BPKhw = even_BCKhw.new_zeros(
            len(even_BCKhw), self.blocking_channels, *even_BCKhw.shape[2:]
        )
        if shown_BKOhw is not None and staged_BKShw is not None:
            blocking_BKPhw = torch.cat([shown_BKOhw[:, :, :PEOPLE], staged_BKShw], dim=2)
            blocking_BPKhw = blocking_BKPhw.transpose(1, 2)
        told_BCKhw = torch.cat([even_BCKhw, self._heard(blocking_BPKhw)], dim=1)
        read = self.conditioner(told_BCKhw.transpose(1, 2), levels)
        cache = prefill(self.transformer, read.tokens_BLD, read.positions_L3)
        if shown_BKOhw is None:
            return cache
        return replace(cache, shown_BLO=self.conditioner.pooled(shown_BKOhw, levels))

    @torch.no_grad()
    def remember_as_drawn(self) -> None:
        """
        Read what is remembered as the transformer has learnt to read what it draws.

        Whoever has learnt from pictures alone knows every part of a picture again, in tokens of
        its own making; a memory of such tokens need not be learnt to be read.
        """
        self.conditioner.init_from(self.transformer.patch_embedding)


def with_places(latents_BCFhw: torch.Tensor) -> torch.Tensor:
    """Add the channels that say where every cell is."""
    place_CFhw = places(*latents_BCFhw.shape[2:]).to(latents_BCFhw)
    place_BCFhw = place_CFhw.expand(len(latents_BCFhw), -1, -1, -1, -1)
    return torch.cat([latents_BCFhw, place_BCFhw], dim=1)


def places(num_frames: int, height: int, width: int) -> torch.Tensor:
    """
    Say where every cell is: sines and cosines of its height and of its width.

    Args:
        num_frames: Latent frames, all alike.
        height: Latent cells.
        width: Latent cells.

    Returns:
        `C F h w` with C = `PLACE_CHANNELS`, float32, in [-1, 1].
    """
    waves_hw = []
    for axis, cells in enumerate((height, width)):
        middle = (torch.arange(cells, dtype=torch.float32) + 0.5) / cells
        for octave in OCTAVES:
            angle = 2 * torch.pi * octave * middle
            for wave in (angle.sin(), angle.cos()):
                line = wave[:, None] if axis == 0 else wave[None]
                waves_hw.append(line.expand(height, width))
    return torch.stack(waves_hw)[:, None].expand(-1, num_frames, -1, -1)


def new_modules(size: PocketSize) -> PocketModules:
    """Make untrained modules; seed torch before."""
    width = size.heads * size.head_dim
    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=size.heads,
        attention_head_dim=size.head_dim,
        in_channels=size.channels + PLACE_CHANNELS + blocking_channels(size.channels),
        out_channels=size.channels,
        text_dim=TEXT_DIM + OWNERS,
        freq_dim=256,
        ffn_dim=size.ffn,
        num_layers=size.layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=128,
    )
    _open_gates(transformer)
    with torch.no_grad():
        # Whoever learns first without blocking, and then with it, begins where it was.
        transformer.patch_embedding.weight[:, size.channels + PLACE_CHANNELS :] = 0.0
    conditioner = AdaptiveConditioner(
        in_channels=transformer.config["in_channels"], inner_dim=width
    )
    conditioner.init_from(transformer.patch_embedding)
    selector = FrameSelector(
        in_channels=size.channels + SHOWN,
        text_dim=TEXT_DIM + OWNERS,
        width=size.selector_width,
    )
    return PocketModules(transformer, conditioner, selector, Preconditioner(size.channels))


@torch.no_grad()
def _open_gates(transformer: WanTransformer3DModel) -> None:
    """
    Let attention and feed-forward layers through from the first step on.

    Wan starts with modulation of random sign and a size of a few hundredths, and pretrains that
    away. A short run does not: after 400 steps gates stood at 0.1, and captions changed nothing.
    What an untrained model draws is nothing, rather than a random guess.
    """
    for block in transformer.blocks:
        table_1RD = block.get_parameter("scale_shift_table")
        table_1RD.zero_()
        table_1RD[:, GATES] = 1.0
    transformer.scale_shift_table.zero_()
    nn.init.zeros_(transformer.condition_embedder.time_proj.weight)
    nn.init.zeros_(transformer.condition_embedder.time_proj.bias)
    nn.init.zeros_(transformer.proj_out.weight)
    nn.init.zeros_(transformer.proj_out.bias)


def save_modules(modules: PocketModules, folder: Path) -> None:
    """Write the modules as a diffusers folder, safetensors."""
    modules.transformer.save_pretrained(folder / "transformer")
    modules.conditioner.save_pretrained(folder / "memory" / "conditioner")
    modules.selector.save_pretrained(folder / "memory" / "selector")
    modules.preconditioner.save_pretrained(folder / "preconditioner")


def load_modules(folder: Path) -> PocketModules:
    """Read the modules, ready to use."""
    return PocketModules(
        WanTransformer3DModel.from_pretrained(folder / "transformer", use_safetensors=True),
        AdaptiveConditioner.from_pretrained(
            folder / "memory" / "conditioner", use_safetensors=True
        ),
        FrameSelector.from_pretrained(folder / "memory" / "selector", use_safetensors=True),
        Preconditioner.from_pretrained(folder / "preconditioner", use_safetensors=True),
    ).eval()


def velocity_of(
    clean_BCFhw: torch.Tensor, noisy_BCFhw: torch.Tensor, noise_share: torch.Tensor
) -> torch.Tensor:
    """
    Turn estimated clean latents into a flow's velocity (noise minus clean).

    Args:
        clean_BCFhw: The estimate.
        noisy_BCFhw: What it looked at.
        noise_share: How much of that is noise, in (0, 1], broadcastable.
    """
    return (noisy_BCFhw - clean_BCFhw) / noise_share
