"""Tiny random Wan models of the three kinds, with something to denoise and something to recall."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from onestory.diffusion.inject import joint
from onestory.diffusion.kv import cached, prefill

FRAMES, ROWS, COLUMNS = 3, 4, 5
"""Patch grid of the shot."""
WIDTH = 2 * 12


@dataclass(frozen=True)
class Wan:
    """A tiny model and one call of it."""

    model: Any
    latent: Tensor
    timestep: Tensor
    text: Tensor
    image: Tensor | None

    def __call__(self, model: Any = None) -> Tensor:
        """The velocity that the model, or a compiled form of it, predicts."""
        output: Tensor = (self.model if model is None else model)(
            self.latent, self.timestep, self.text, self.image, return_dict=False
        )[0]
        return output

    def remembered(self, frames: int, *, batch: int | None = None) -> Tensor:
        """Latents of the past, of the shot's own size."""
        B, C, _, height, width = self.latent.shape
        return torch.randn(batch or B, C, frames, height, width)

    def tokens(self, latent: Tensor) -> Tensor:
        """Latents as the model's own patch embedding sees them."""
        patches: Tensor = self.model.patch_embedding(latent)
        return patches.flatten(2).mT

    def with_sample(self, index: int) -> "Wan":
        """The same call for one sample of the batch."""
        cut = slice(index, index + 1)
        image = None if self.image is None else self.image[cut]
        return replace(
            self,
            latent=self.latent[cut],
            timestep=self.timestep[cut],
            text=self.text[cut],
            image=image,
        )


def places(frames: int, *, start: float = 0.0) -> Tensor:
    """Positions of whole frames, the first of them at a time `start`."""
    axes = (torch.arange(frames) + start, torch.arange(ROWS), torch.arange(COLUMNS))
    return torch.cartesian_prod(*(axis.float() for axis in axes))


def build(kind: str, *, layers: int = 2) -> Wan:
    """A model of the Wan2.1 (t2v), Wan2.1-I2V (i2v) or Wan2.2-TI2V (ti2v) kind."""
    torch.manual_seed(7)
    channels = {"t2v": 16, "i2v": 36, "ti2v": 48}[kind]
    model = WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels,
        out_channels=48 if kind == "ti2v" else 16,
        text_dim=10,
        freq_dim=64,
        ffn_dim=32,
        num_layers=layers,
        rope_max_seq_len=64,
        image_dim=14 if kind == "i2v" else None,
        added_kv_proj_dim=WIDTH if kind == "i2v" else None,
    ).eval()
    timestep = torch.tensor([700, 300])
    if kind == "ti2v":
        # The first latent frame is given, so it is clean.
        timestep = timestep[:, None].repeat(1, FRAMES * ROWS * COLUMNS)
        timestep[:, : ROWS * COLUMNS] = 0
    return Wan(
        model=model,
        latent=torch.randn(2, channels, FRAMES, 2 * ROWS, 2 * COLUMNS),
        timestep=timestep,
        # Wan2.1-I2V counts on 512 caption tokens when it looks for the image's.
        text=torch.randn(2, 512 if kind == "i2v" else 7, 10),
        image=torch.randn(2, 9, 14) if kind == "i2v" else None,
    )


@pytest.fixture(name="wan", params=["t2v", "i2v", "ti2v"])
def _wan(request: pytest.FixtureRequest) -> Wan:
    return build(request.param)


@pytest.fixture(name="t2v")
def _t2v() -> Wan:
    return build("t2v")


@pytest.fixture(name="places")
def _places() -> Callable[..., Tensor]:
    return places


Attach = Callable[[Any, Tensor, Tensor], AbstractContextManager[None]]


def _joint_shared(model: Any, tokens: Tensor, positions: Tensor) -> AbstractContextManager[None]:
    return joint(model, tokens, positions)


def _joint_clean(model: Any, tokens: Tensor, positions: Tensor) -> AbstractContextManager[None]:
    return joint(model, tokens, positions, timestep=0)


def _cached(model: Any, tokens: Tensor, positions: Tensor) -> AbstractContextManager[None]:
    return cached(model, prefill(model, tokens, positions))


@pytest.fixture(name="attach", params=[_joint_shared, _joint_clean, _cached])
def _attach(request: pytest.FixtureRequest) -> Attach:
    """Each of the ways to attach a memory."""
    way: Attach = request.param
    return way
