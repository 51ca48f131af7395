"""
Rotary positions: where and when does a memory token say it is?

Wan's own table knows the grid of the shot being made, 0 … n along time, height and
width. A remembered frame lies before that shot and may be pooled, so its tokens stand
at negative times and between the grid lines:

    time    -10    -5     0    1    2    3 …
            memory memory └── the shot ────┘

Shape suffixes, for this module only:
    B  samples in the batch   L  memory tokens
    E  channels of one attention head
    3  time, height and width, in units of the shot's own patch grid
"""

from typing import Any, NamedTuple

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor

THETA = 10_000.0
"""Base of the frequencies. Wan fixes it; its config does not carry it."""


class Rotary(NamedTuple):
    """A rotary table in the form that Wan's blocks take."""

    cos_1L1E: Tensor
    """Cosines, every one twice in a row along E."""
    sin_1L1E: Tensor
    """Sines, likewise."""


def rope_at(transformer: WanTransformer3DModel, positions_L3: Tensor) -> Rotary:
    """
    Look up Wan's rotary table at arbitrary positions.

    At the integer positions of a grid the result is, to the bit, the table that the
    stock model computes for itself.

    Args:
        transformer: The model whose head size, dtype and device the table is for.
        positions_L3: Time, height and width of each token; any real numbers, any
            dtype and device. With a batch axis in front, each sample has its own.

    Returns:
        The table, in the dtype and on the device of the model's own. No gradient
        reaches the positions.

    Raises:
        ValueError: If the last axis does not hold three numbers.
    """
    if positions_L3.ndim not in (2, 3) or positions_L3.shape[-1] != 3:
        raise ValueError(f"positions must be (L, 3) or (B, L, 3), got {tuple(positions_L3.shape)}")
    stock: Any = transformer.rope
    # As the stock table: double precision where there is such a thing, then single, then
    # whatever the model was cast to. On the CPU, for the same bits as at construction.
    dtype = torch.float32 if torch.backends.mps.is_available() else torch.float64
    positions = (
        positions_L3.detach().to(device="cpu", dtype=dtype).reshape(-1, *positions_L3.shape[-2:])
    )
    angles = torch.cat(
        [
            positions[..., axis, None] * _frequencies(channels, dtype)
            for axis, channels in enumerate((stock.t_dim, stock.h_dim, stock.w_dim))
        ],
        dim=-1,
    )
    cos, sin = (
        table.repeat_interleave(2, dim=-1).float().unsqueeze(2).to(stock.freqs_cos)
        for table in (angles.cos(), angles.sin())
    )
    return Rotary(cos, sin)


def _frequencies(channels: int, dtype: torch.dtype) -> Tensor:
    return 1.0 / (THETA ** (torch.arange(0, channels, 2, dtype=dtype) / channels))
