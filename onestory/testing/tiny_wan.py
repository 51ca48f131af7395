"""
What does a Wan look like where it does not matter what it draws? The real classes, tiny and random.

    t2v    Wan2.1-T2V          i2v       Wan2.1-I2V: 36 channels, image tokens
    ti2v   Wan2.2-TI2V         a14b      Wan2.2-T2V-A14B: two experts
                               a14b-i2v  Wan2.2-I2V-A14B: two experts, 36 channels
"""

from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from onestory.memory.conditioner import AdaptiveConditioner
from onestory.memory.selector import FrameSelector

Kind = Literal["t2v", "i2v", "ti2v", "a14b", "a14b-i2v"]
Published = Literal["storymem", "memento"]
KINDS: tuple[Kind, ...] = ("t2v", "i2v", "ti2v", "a14b", "a14b-i2v")

# Neither of them types what it exports.
_diffusers: Any = diffusers
_transformers: Any = transformers

TEXT_DIM = 10
IMAGE_DIM = 8
HEADS, HEAD_DIM = 2, 12
FFN_DIM, BLOCKS = 32, 2
SPECIAL = ("<pad>", "</s>", "<unk>")


def write_tiny_wan(folder: Path, kind: Kind, *, seed: int = 0) -> Path:
    """
    Write a whole pipeline folder, half a megabyte.

    Args:
        folder: Where; made if it is not there.
        kind: Which architecture.
        seed: Other seeds, other weights.

    Returns:
        The folder.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = _pipeline(kind)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def write_tiny_memory(folder: Path, *, channels: int) -> Path:
    """
    Write untrained OneStory modules for a tiny Wan, as a training keeps them.

    Args:
        folder: Where; made if it is not there.
        channels: Of a latent.

    Returns:
        The folder.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        AdaptiveConditioner(in_channels=channels, inner_dim=HEADS * HEAD_DIM).save_pretrained(
            folder / "conditioner"
        )
        FrameSelector(in_channels=channels, text_dim=TEXT_DIM, width=16).save_pretrained(
            folder / "selector"
        )
    return folder


def write_tiny_published(
    folder: Path, kind: Published = "storymem", *, rank: int = 3, seed: int = 2
) -> Path:
    """
    Write what StoryMem or Memento publish, for a tiny Wan of two experts.

    Args:
        folder: Where; made if it is not there.
        kind: Whose.
        rank: Of the updates; theirs is 128.
        seed: Other seeds, other updates.

    Returns:
        The folder: a file for each expert, with the keys that theirs have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lots = torch.Generator().manual_seed(seed)
    for expert in ("high_noise", "low_noise"):
        save_file(_updates(expert, kind, rank, lots), folder / f"backbone_{expert}.safetensors")
    return folder


def _updates(
    expert: str, kind: Published, rank: int, lots: torch.Generator
) -> dict[str, torch.Tensor]:
    width = HEADS * HEAD_DIM
    # Memento's training saves both experts' names and the adapter's; StoryMem's neither.
    before, name = ("", "") if kind == "storymem" else (f"{expert}_model.", ".default")
    before += "base_model.model."
    sizes = {f"{part}_attn.{one}": (width, width) for part in ("self", "cross") for one in "qkvo"}
    sizes |= {"ffn.0": (width, FFN_DIM), "ffn.2": (FFN_DIM, width)}
    written = {}
    for block in range(BLOCKS):
        for layer, (into, out) in sizes.items():
            halves: dict[str, tuple[int, ...]] = {"A": (rank, into), "B": (out, rank)}
            for half, half_shape in halves.items():
                key = f"{before}blocks.{block}.{layer}.lora_{half}{name}.weight"
                written[key] = torch.randn(half_shape, generator=lots) / 4
    if kind == "memento":
        shapes: dict[str, tuple[int, ...]] = {"queries": (6, width), "queries_global": (2, width)}
        shapes |= {"memory_patcher.weight": (width, 16, 1, 2, 2), "memory_patcher.bias": (width,)}
        for reader in ("query_to_text", "query_to_visual"):
            for one in "qkvo":
                shapes[f"{reader}.{one}.weight"] = (width, width)
                shapes[f"{reader}.{one}.bias"] = (width,)
            shapes |= {f"{reader}.norm_{one}.weight": (width,) for one in "qk"}
        for key, shape in shapes.items():
            written[f"{before}keyframe_query.{key}"] = torch.randn(shape, generator=lots) / 4
    return written


def _pipeline(kind: Kind) -> Any:
    has_image, has_experts = kind in ("i2v", "a14b-i2v"), kind.startswith("a14b")
    parts: dict[str, Any] = {
        "tokenizer": tiny_tokenizer(),
        "text_encoder": _transformers.UMT5EncoderModel(
            _transformers.UMT5Config(
                vocab_size=64, d_model=TEXT_DIM, d_kv=5, d_ff=12, num_layers=1, num_heads=2
            )
        ).eval(),
        "vae": _vae(kind),
        "scheduler": _diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction",
            use_flow_sigmas=True,
            flow_shift=5.0 if kind == "ti2v" else 3.0,
        ),
        "transformer": _transformer(kind),
        "transformer_2": _transformer(kind) if has_experts else None,
        "boundary_ratio": (0.9 if has_image else 0.875) if has_experts else None,
        "expand_timesteps": kind == "ti2v",
    }
    if not has_image:
        return _diffusers.WanPipeline(**parts)
    if kind == "i2v":
        vision = _transformers.CLIPVisionConfig(
            hidden_size=IMAGE_DIM,
            projection_dim=4,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=16,
            intermediate_size=12,
            patch_size=8,
        )
        parts["image_encoder"] = _transformers.CLIPVisionModel(vision).eval()
        parts["image_processor"] = _transformers.CLIPImageProcessorPil(
            crop_size={"height": 16, "width": 16}, size={"shortest_edge": 16}
        )
    return _diffusers.WanImageToVideoPipeline(**parts)


def _transformer(kind: Kind) -> Any:
    latent = 48 if kind == "ti2v" else 16
    model = _diffusers.WanTransformer3DModel(
        num_attention_heads=HEADS,
        attention_head_dim=HEAD_DIM,
        in_channels=36 if kind in ("i2v", "a14b-i2v") else latent,
        out_channels=latent,
        text_dim=TEXT_DIM,
        freq_dim=64,
        ffn_dim=FFN_DIM,
        num_layers=BLOCKS,
        rope_max_seq_len=64,
        image_dim=IMAGE_DIM if kind == "i2v" else None,
        added_kv_proj_dim=HEADS * HEAD_DIM if kind == "i2v" else None,
    ).eval()
    # As drawn by lot, modulation would hide what attention reads.
    with torch.no_grad():
        for block in model.blocks:
            block.get_parameter("scale_shift_table").fill_(0.5)
    return model


def _vae(kind: Kind) -> Any:
    shared: dict[str, Any] = {
        "base_dim": 3,
        "dim_mult": [1, 1, 1, 1],
        "num_res_blocks": 1,
        "temperal_downsample": [False, True, True],
    }
    if kind == "ti2v":
        shared |= {
            "is_residual": True,
            "in_channels": 12,
            "out_channels": 12,
            "decoder_base_dim": 3,
            "patch_size": 2,
            "scale_factor_spatial": 16,
            "latents_mean": [0.0] * 48,
            "latents_std": [1.0] * 48,
        }
    vae = _diffusers.AutoencoderKLWan(z_dim=48 if kind == "ti2v" else 16, **shared).eval()
    # Noise as loud as drawn by lot flickers, and what flickers is never remembered.
    with torch.no_grad():
        vae.decoder.conv_out.weight.mul_(0.2)
    return vae


def tiny_tokenizer() -> Any:
    """Letters as words: every caption can be read, and ends as UMT5's do."""
    letters = [*SPECIAL, *"abcdefghijklmnopqrstuvwxyz.,:'()"]
    vocabulary = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(letters)}, unk_token="<unk>")
    )
    vocabulary.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    vocabulary.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return _transformers.PreTrainedTokenizerFast(
        tokenizer_object=vocabulary, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
