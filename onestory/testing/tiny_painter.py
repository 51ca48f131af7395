"""
Who paints where it does not matter what is painted? Real pipelines of diffusers, tiny and random.

    stable-diffusion    captions, and pictures by its own image-to-image
    sana                captions alone: diffusers has no image-to-image for it
"""

from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
import transformers

from onestory.testing.tiny_wan import tiny_tokenizer

Kind = Literal["stable-diffusion", "sana"]

# Neither of them types what it exports.
_diffusers: Any = diffusers
_transformers: Any = transformers

TEXT_DIM = 16
CAPTION_LENGTH = 77


def write_tiny_painter(
    folder: Path, kind: Kind = "stable-diffusion", *, seed: int = 0, has_checker: bool = False
) -> Path:
    """
    Write a whole pipeline folder.

    Args:
        folder: Where; made if it is not there.
        kind: Which family.
        seed: Other seeds, other weights.
        has_checker: Whether a Stable Diffusion has a safety checker: one that trusts nothing.

    Returns:
        The folder.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = _sana() if kind == "sana" else _stable_diffusion(has_checker)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def _stable_diffusion(has_checker: bool) -> Any:
    text = _transformers.CLIPTextConfig(
        vocab_size=64,
        hidden_size=TEXT_DIM,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=CAPTION_LENGTH,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
    )
    unet = _diffusers.UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(4, 8),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=TEXT_DIM,
        attention_head_dim=2,
        norm_num_groups=2,
    )
    vae = _diffusers.AutoencoderKL(
        block_out_channels=(4, 4, 4, 4),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=2,
    )
    tokenizer = tiny_tokenizer()
    tokenizer.model_max_length = CAPTION_LENGTH
    return _diffusers.StableDiffusionPipeline(
        tokenizer=tokenizer,
        text_encoder=_transformers.CLIPTextModel(text).eval(),
        unet=unet.eval(),
        vae=vae.eval(),
        scheduler=_diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=_distrustful() if has_checker else None,
        feature_extractor=_eye() if has_checker else None,
        requires_safety_checker=has_checker,
    )


def _distrustful() -> Any:
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker

    vision = {
        "hidden_size": 8,
        "intermediate_size": 12,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 16,
        "patch_size": 8,
    }
    config = _transformers.CLIPConfig(vision_config=vision, projection_dim=4)
    made: Any = StableDiffusionSafetyChecker
    checker = made(config).eval()
    # Every picture is nearer to every concept than that.
    with torch.no_grad():
        checker.concept_embeds_weights.fill_(-2.0)
    return checker


def _eye() -> Any:
    return _transformers.CLIPImageProcessorPil(
        crop_size={"height": 16, "width": 16}, size={"shortest_edge": 16}
    )


def _sana() -> Any:
    text = _transformers.Gemma2Config(
        vocab_size=64,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
    )
    transformer = _diffusers.SanaTransformer2DModel(
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=32,
    )
    vae = _diffusers.AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=[1, 1],
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41407,
    )
    tokenizer = tiny_tokenizer()
    return _diffusers.SanaPipeline(
        tokenizer=tokenizer,
        text_encoder=_transformers.Gemma2Model(text).eval(),
        vae=vae.eval(),
        transformer=transformer.eval(),
        scheduler=_diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
    )
