"""
How do chosen frames become memory tokens?

    rank 0  ── finest patchifier ──┐
    rank 1  ── coarser ────────────┼── tokens, with (t, h, w) beside the shot that is being made
    rank 2  ── coarser ────────────┘    t = -S, -2S, -3S: before its first frame

The most relevant frames keep small patches, the others are pooled, so that more of the past
fits into one token budget. Every token stands at the centre of what it covers.

Shape suffixes, for this module only:
    B  stories in the batch     F  remembered frames, best first
    C  latent channels          H, W  latent cells
    N  frames of one level, over the batch    Y, X  tokens of one frame
    L  memory tokens            D  model width
    3  the coordinates t, h, w

Reference: An et al., "OneStory", 2025 (arXiv:2512.07802), adaptive conditioner. Kernels and
positions are ours: the paper does not state them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from onestory.errors import MemoryBudgetError
from onestory.memory.budget import LEVELS, PATCH
from onestory.memory.keeping import keeps_config
from onestory.memory.padding import padded


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryTokens:
    """What a model reads of its memory."""

    tokens_BLD: Tensor
    """Tokens of the best frame first; row by row within a frame."""
    positions_L3: Tensor
    """Rope coordinates (t, h, w), float32, in units of the model's own patch grid."""
    levels: tuple[int, ...]
    """Level of each frame, best first."""


class AdaptiveConditioner(ModelMixin, ConfigMixin):
    """Cuts remembered frames into patches: finely where they matter."""

    config_name = "config.json"  # type: ignore[assignment]  # diffusers declares it as None

    @keeps_config
    def __init__(
        self,
        *,
        in_channels: int = 16,
        inner_dim: int = 1536,
        levels: Sequence[Sequence[int]] = LEVELS,
        time_step: float = 5.0,
    ) -> None:
        """
        Make patchifiers with PyTorch's own init; see `init_from`.

        Args:
            in_channels: Channels of a latent.
            inner_dim: Width of the model that reads the tokens.
            levels: Kernels (T, H, W) in latent cells, finest first. T is 1.
            time_step: Rope time between two remembered frames, S.

        Raises:
            ValueError: If a kernel spans several latent frames.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        kernels = tuple((int(t), int(h), int(w)) for t, h, w in levels)
        if not kernels or any(kernel[0] != 1 for kernel in kernels):
            raise ValueError(f"kernels must have temporal size 1, got {kernels}")
        self.kernels: tuple[tuple[int, int, int], ...] = kernels
        self.time_step = float(time_step)
        self.patchifiers = nn.ModuleList(
            nn.Conv3d(in_channels, inner_dim, kernel, stride=kernel) for kernel in kernels
        )

    @torch.no_grad()
    def init_from(self, patch_embedding: nn.Conv3d) -> None:
        """
        Start from a model's own patch embedding.

        Afterwards a token of any level is the mean of the model's own tokens over the patches
        which it covers. Of a base with more input channels (noise, mask, first frame) the first
        ones are taken.

        Args:
            patch_embedding: The model's own, with the model's own patch as kernel.

        Raises:
            ValueError: If kernels are no multiples of the base kernel, or sizes differ.
        """
        base_weight, base_bias = patch_embedding.weight, patch_embedding.bias
        for patchifier in self._patchifiers():
            weight = patchifier.weight
            tiles = [k // b for k, b in zip(weight.shape[2:], base_weight.shape[2:], strict=True)]
            base = base_weight[:, : weight.shape[1]].repeat(1, 1, *tiles)
            if base.shape != weight.shape:
                raise ValueError(
                    f"patchifier {tuple(weight.shape)} cannot start from a patch embedding "
                    f"{tuple(base_weight.shape)}"
                )
            weight.copy_(base / (tiles[0] * tiles[1] * tiles[2]))
            if patchifier.bias is not None:
                if base_bias is None:
                    patchifier.bias.zero_()
                else:
                    patchifier.bias.copy_(base_bias)

    def forward(self, latents_BFCHW: Tensor, levels: Sequence[int]) -> MemoryTokens:
        """
        Cut frames into tokens.

        Args:
            latents_BFCHW: Normalised latents, most relevant frame first. May hold no frame.
            levels: Level of each frame, as `solve_layout` shares them out.

        Returns:
            Tokens in the order of the frames, each at the centre of the real cells it covers.

        Raises:
            MemoryBudgetError: If frames and levels do not fit together.
        """
        B, F, _, H, W = latents_BFCHW.shape
        if len(levels) != F or not all(0 <= level < len(self.kernels) for level in levels):
            raise MemoryBudgetError(
                f"{F} frames cannot be cut at levels {tuple(levels)}, "
                f"there are {len(self.kernels)} levels"
            )
        patchifiers = self._patchifiers()
        D = patchifiers[0].out_channels
        parts_BLD: list[Tensor] = []
        rank = 0
        for level, run in groupby(levels):
            num_frames = len(list(run))
            latents_NCHW = latents_BFCHW[:, rank : rank + num_frames].flatten(0, 1)
            padded_NCHW = padded(latents_NCHW, *self.kernels[level][1:])
            patches_NDYX = patchifiers[level](padded_NCHW[:, :, None])[:, :, 0]
            parts_BLD.append(
                patches_NDYX.flatten(2).transpose(1, 2).reshape(B, -1, D),
            )
            rank += num_frames
        tokens_BLD = torch.cat(parts_BLD, dim=1) if parts_BLD else latents_BFCHW.new_zeros(B, 0, D)
        return MemoryTokens(
            tokens_BLD=tokens_BLD,
            positions_L3=self.positions(levels, (H, W)).to(tokens_BLD.device),
            levels=tuple(levels),
        )

    def pooled(self, shown_BFCHW: Tensor, levels: Sequence[int]) -> Tensor:
        """
        Average over what each token covers.

        Args:
            shown_BFCHW: Of every frame and cell, anything; most relevant frame first.
            levels: Level of each frame.

        Returns:
            `B L C`, in the order of the tokens.
        """
        parts_BLC = []
        for frame_BCHW, level in zip(shown_BFCHW.unbind(1), levels, strict=True):
            kernel = self.kernels[level][1:]
            mean_BCYX = functional.avg_pool2d(padded(frame_BCHW, *kernel), kernel)
            parts_BLC.append(mean_BCYX.flatten(2).transpose(1, 2))
        return torch.cat(parts_BLC, dim=1)

    def positions(self, levels: Sequence[int], grid: tuple[int, int]) -> Tensor:
        """Rope coordinates of the tokens of frames with these levels, `L 3`, float32."""
        parts_L3 = [
            torch.cartesian_prod(
                torch.tensor([-self.time_step * (rank + 1)]),
                _centres(grid[0], self.kernels[level][1], PATCH[1]),
                _centres(grid[1], self.kernels[level][2], PATCH[2]),
            )
            for rank, level in enumerate(levels)
        ]
        return torch.cat(parts_L3) if parts_L3 else torch.zeros(0, 3)

    def _patchifiers(self) -> list[nn.Conv3d]:
        return [module for module in self.patchifiers if isinstance(module, nn.Conv3d)]


def _centres(cells: int, kernel: int, patch: int) -> Tensor:
    """
    Where tokens along one side stand, in patches.

    A token over the patches a … b stands at their mean. Patches beyond the grid do not count:
    they hold nothing but the repeated edge.
    """
    whole = -(-cells // patch) * patch
    start = torch.arange(0, cells, kernel, dtype=torch.float32)
    end = (start + kernel).clamp(max=whole)
    return (start + end) / (2 * patch) - 0.5
