"""
Which Wans are published, and what do their configurations say? Enough to count without fetching.

    KnownWan ── configurations as diffusers writes them ── folder without weights
                                                            └── card, estimate, as of a whole one

Sizes of transformers and VAEs are those of diffusers' conversion script for Wan, which makes the
published folders (`scripts/convert_wan_to_diffusers.py`); the text encoder is UMT5-XXL, the image
encoder of Wan2.1-I2V the vision half of CLIP ViT-H/14.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onestory.memory.budget import PATCH


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownWan:
    """A published model."""

    name: str
    hub: str
    """Name on the hub."""
    transformer: Mapping[str, Any]
    vae: Mapping[str, Any]
    shift: float | None = None
    """Flow shift of its scheduler, where that says what it was trained to draw; None elsewhere."""
    boundary: float | None = None
    """Share of the noise at which the second expert takes over; None for one transformer."""
    has_token_times: bool = False
    has_image_encoder: bool = False

    @property
    def reads_picture_alone(self) -> bool:
        """Whether its folder is that of diffusers' image pipeline."""
        return bool(self.transformer["in_channels"] > self.transformer["out_channels"])


UMT5_XXL: Mapping[str, Any] = {
    "vocab_size": 256384,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}
CLIP_VIT_H: Mapping[str, Any] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "image_size": 224,
    "patch_size": 14,
    "projection_dim": 1024,
}
VAE_21: Mapping[str, Any] = {"z_dim": 16}
"""The rest is as the class has it."""
VAE_22: Mapping[str, Any] = {
    "z_dim": 48,
    "base_dim": 160,
    "decoder_base_dim": 256,
    "is_residual": True,
    "in_channels": 12,
    "out_channels": 12,
    "patch_size": 2,
    "scale_factor_spatial": 16,
    # As many as channels; what they say takes no room and no time.
    "latents_mean": [0.0] * 48,
    "latents_std": [1.0] * 48,
}
IMAGE_TOKENS: Mapping[str, Any] = {"image_dim": 1280, "added_kv_proj_dim": 5120}


def _transformer(heads: int, ffn: int, layers: int, channels: int, out: int) -> dict[str, Any]:
    return {
        "num_attention_heads": heads,
        "attention_head_dim": 128,
        "ffn_dim": ffn,
        "num_layers": layers,
        "in_channels": channels,
        "out_channels": out,
        "text_dim": 4096,
        "freq_dim": 256,
        "patch_size": list(PATCH),
    }


_TEXT_14B = _transformer(40, 13824, 40, 16, 16)
_PICTURE_14B = _transformer(40, 13824, 40, 36, 16)

KNOWN: tuple[KnownWan, ...] = (
    KnownWan(
        name="Wan2.1-T2V-1.3B",
        hub="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
        transformer=_transformer(12, 8960, 30, 16, 16),
        vae=VAE_21,
        shift=3.0,
    ),
    KnownWan(
        name="Wan2.2-TI2V-5B",
        hub="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        transformer=_transformer(24, 14336, 30, 48, 48),
        vae=VAE_22,
        shift=5.0,
        has_token_times=True,
    ),
    KnownWan(
        name="Wan2.1-T2V-14B",
        hub="Wan-AI/Wan2.1-T2V-14B-Diffusers",
        transformer=_TEXT_14B,
        vae=VAE_21,
        shift=3.0,
    ),
    KnownWan(
        name="Wan2.1-I2V-14B-480P",
        hub="Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
        transformer={**_PICTURE_14B, **IMAGE_TOKENS},
        vae=VAE_21,
        shift=3.0,
        has_image_encoder=True,
    ),
    KnownWan(
        name="Wan2.1-I2V-14B-720P",
        hub="Wan-AI/Wan2.1-I2V-14B-720P-Diffusers",
        transformer={**_PICTURE_14B, **IMAGE_TOKENS},
        vae=VAE_21,
        shift=5.0,
        has_image_encoder=True,
    ),
    KnownWan(
        name="Wan2.2-T2V-A14B",
        hub="Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        transformer=_TEXT_14B,
        vae=VAE_21,
        boundary=0.875,
    ),
    KnownWan(
        name="Wan2.2-I2V-A14B",
        hub="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        transformer=_PICTURE_14B,
        vae=VAE_21,
        boundary=0.9,
    ),
)
"""Smallest first."""


def write_configurations(known: KnownWan, folder: Path) -> Path:
    """
    Write a published model's folder without its weights, as far as it is counted by.

    Args:
        known: Which.
        folder: Where; made if it is not there.

    Returns:
        The folder, which `read_card` and `estimate` read.
    """
    index: dict[str, Any] = {
        "_class_name": "WanImageToVideoPipeline" if known.reads_picture_alone else "WanPipeline",
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
        "expand_timesteps": known.has_token_times,
    }
    parts: dict[str, Mapping[str, Any]] = {
        "text_encoder": UMT5_XXL,
        "transformer": known.transformer,
        "vae": known.vae,
    }
    if known.boundary is not None:
        index |= {"boundary_ratio": known.boundary, "transformer_2": index["transformer"]}
        parts["transformer_2"] = known.transformer
    if known.has_image_encoder:
        index["image_encoder"] = ["transformers", "CLIPVisionModel"]
        parts["image_encoder"] = CLIP_VIT_H
    scheduler = {} if known.shift is None else {"flow_shift": known.shift}
    files = {f"{name}/config.json": config for name, config in parts.items()}
    files |= {"model_index.json": index, "scheduler/scheduler_config.json": scheduler}
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), "utf-8")
    return folder
