"""
How much device memory does a Wan take, before anything is loaded?

    configurations ── the real classes on torch's meta device ── parameters ── bytes of weights
    tokens of a stretch and of its memory ── width, dtype ── bytes of a denoising step
    pixels of a drawn frame ── the VAE's widest layers ── bytes of decoding

Weights are counted exactly. Steps and decoding are sums of the largest tensors that are alive at
once, for kernels that never hold a whole attention matrix: about right, not a promise.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from onestory.diffusion.storing import kept_in_fp8
from onestory.engines.wan.adapter import Adapter
from onestory.engines.wan.card import WanCard, WanConfig
from onestory.engines.wan.packed import count_packed
from onestory.engines.wan.painter import Painter
from onestory.engines.wan.published import Published
from onestory.errors import WeightsError
from onestory.memory.budget import PATCH, tokens_per_frame

# Untyped, and its pipelines are found by name.
_pipelines: Any = diffusers.pipelines

PARTS = ("text_encoder", "image_encoder", "transformer", "transformer_2", "vae")
IN_FULL = ("vae", "image_encoder")
"""Parts that compute in float32, whatever the dtype."""

CAPTION_TOKENS = 512
CACHED_FRAMES = 2
"""Frames that every causal convolution of the VAE keeps."""
LIVE_COPIES = 4
"""Tensors as large as the VAE's widest layer that are alive at once."""
FULL = 4
"""Bytes of a float32."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Weights of one part of a pipeline."""

    name: str
    num_parameters: int
    num_bytes: int
    """Once loaded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """What a stretch takes."""

    parts: tuple[Part, ...]
    num_tokens: int
    """Of the stretch, without its memory."""
    step_bytes: int
    """Of a denoising step, beside the weights; about."""
    memory_bytes: int
    """Of what is remembered, between the steps; and of an adapter's updates."""
    decode_bytes: int
    """Of decoding, beside the weights; about."""
    painter: tuple[Part, ...] = ()
    """Weights of whoever paints first frames, with whom the model takes turns on a GPU."""

    @property
    def weight_bytes(self) -> int:
        """Of all parts together."""
        return sum(part.num_bytes for part in self.parts)

    @property
    def painter_bytes(self) -> int:
        """Of the painter's parts together."""
        return sum(part.num_bytes for part in self.painter)

    @property
    def total_bytes(self) -> int:
        """The most that is alive at once on a GPU: all of the model, or of its painter."""
        return max(self._model_bytes, self.painter_bytes)

    @property
    def together_bytes(self) -> int:
        """The most that is alive at once in main memory, where model and painter stay."""
        return self._model_bytes + self.painter_bytes

    @property
    def _model_bytes(self) -> int:
        return self.weight_bytes + max(self.step_bytes + self.memory_bytes, self.decode_bytes)

    @property
    def offloaded_bytes(self) -> int:
        """The most that is alive at once, if each part is on the device only when it is needed."""
        beside = {"vae": self.decode_bytes, "transformer": self.step_bytes}
        beside["transformer_2"] = self.step_bytes
        parts = [part.num_bytes + beside.get(part.name, 0) for part in self.parts]
        return max(max(parts) + self.memory_bytes, *(part.num_bytes for part in self.painter), 0)


def estimate(
    folder: Path,
    card: WanCard,
    config: WanConfig,
    *,
    width: int,
    height: int,
    num_frames: int,
    memory_budget: float,
    published: Published | None = None,
    adapter: Adapter | None = None,
    packed: Sequence[Path] = (),
    painter: Painter | None = None,
) -> Need:
    """
    Say what a stretch takes.

    Args:
        folder: A diffusers folder; its configurations are enough.
        card: What it holds.
        config: How it is used.
        width: Of what is drawn, in pixels.
        height: Of what is drawn, in pixels.
        num_frames: Of the stretch.
        memory_budget: In latent-frame equivalents.
        published: A memory that others published; its updates stay on the device.
        adapter: A few-step adapter; its updates stay there as well.
        packed: A GGUF file for each transformer.
        painter: Who paints first frames; its weights are counted, not what it paints with.

    Raises:
        WeightsError: If a configuration is no part of a Wan, or of a pipeline that paints.
    """
    rows, columns = height // card.spatial, width // card.spatial
    num_latents = (num_frames - 1) // card.temporal + 1
    frame_tokens = tokens_per_frame(rows, columns, PATCH)
    remembered = int(memory_budget * frame_tokens)
    transformer = _config(folder, "transformer")
    own = num_latents * frame_tokens
    return Need(
        parts=count_weights(folder, config, packed),
        num_tokens=own,
        step_bytes=_step(transformer, card, config, own=own, remembered=remembered),
        memory_bytes=_memory(transformer, card, config, remembered, published)
        + _adapter(card, config, adapter),
        decode_bytes=_decode(_config(folder, "vae"), width, height, num_frames),
        painter=() if painter is None else count_painter(painter),
    )


def count_weights(folder: Path, config: WanConfig, packed: Sequence[Path] = ()) -> tuple[Part, ...]:
    """
    Count the weights of every part, as they will lie on the device.

    Args:
        folder: A diffusers folder; its configurations are enough.
        config: How it is used.
        packed: A GGUF file for each transformer; then its weights are counted.

    Raises:
        WeightsError: If a configuration is no part of a Wan, or a GGUF file cannot be read.
    """
    files = dict(zip(("transformer", "transformer_2"), packed, strict=False))
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    small = torch.finfo(getattr(torch, config.dtype)).bits // 8
    parts = []
    for name in PARTS:
        library, kind = index.get(name) or ("", "")
        if not kind:
            continue
        if name in files:
            number, num_bytes = count_packed(files[name], size=small)
            parts.append(Part(name=name, num_parameters=number, num_bytes=num_bytes))
            continue
        module = _meta(library, kind, _config(folder, name), name)
        is_rounded = config.storage == "fp8" and name.startswith("transformer")
        rounded = kept_in_fp8(module) if is_rounded else ()
        size = FULL if name in IN_FULL else small
        parts.append(_counted(name, library, module, size=size, rounded=rounded))
    return tuple(parts)


def count_painter(painter: Painter) -> tuple[Part, ...]:
    """
    Count the weights of every part of a painter that has any, as they will lie on the device.

    Args:
        painter: Whose configurations are enough.

    Raises:
        WeightsError: If a configuration is no part of a pipeline.
    """
    size = torch.finfo(getattr(torch, painter.config.dtype)).bits // 8
    index = json.loads((painter.folder / "model_index.json").read_text("utf-8"))
    parts = []
    for name, known in index.items():
        # Tokenizers, schedulers and the like are configured by files of other names.
        if not isinstance(known, list) or not (painter.folder / name / "config.json").is_file():
            continue
        library, kind = known
        module = _meta(library, kind, _config(painter.folder, name), name)
        parts.append(_counted(name, library, module, size=size))
    return tuple(parts)


def _counted(
    name: str, library: str, module: Any, *, size: int, rounded: Collection[str] = ()
) -> Part:
    """A part whose weights take so many bytes each, but for those in float32 and in 8 bits."""
    # transformers holds to the plain list in float16 only.
    kept = "_keep_in_fp32_modules" + ("_strict" if library == "transformers" else "")
    in_full = tuple(getattr(module, kept, None) or ())
    counts = [
        (weight.numel(), 1 if key in rounded else FULL if _is_in(key, in_full) else size)
        for key, weight in module.named_parameters()
    ]
    return Part(
        name=name,
        num_parameters=sum(number for number, _ in counts),
        num_bytes=sum(number * each for number, each in counts),
    )


def _meta(library: str, kind: str, config: dict[str, Any], name: str) -> Any:
    """A part without weights."""
    try:
        with torch.device("meta"):
            if library == "diffusers":
                return getattr(diffusers, kind).from_config(config)
            # A safety checker is named by the pipeline of diffusers that brings it.
            owner = transformers if library == "transformers" else getattr(_pipelines, library)
            known: Any = getattr(owner, kind)
            return known(known.config_class.from_dict(config))
    except (AttributeError, TypeError, ValueError) as error:
        raise WeightsError(f"{name} of the folder is no {kind}: {error}") from error


def _is_in(key: str, modules: tuple[str, ...]) -> bool:
    return any(module in key.split(".") for module in modules)


def _step(
    transformer: dict[str, Any], card: WanCard, config: WanConfig, *, own: int, remembered: int
) -> int:
    """
    Largest tensors of a block at once.

    Two streams of tokens; three copies in float32 for a norm; then either queries, keys, values,
    their rotated forms, what attention says and two transients in float32, or the feed-forward
    layer's inside twice. Where every token has a time, modulation is as long as the sequence.
    """
    size = torch.finfo(getattr(torch, config.dtype)).bits // 8
    width = _width(transformer)
    is_joint = config.attention != "cached"
    tokens = own + (remembered if is_joint else 0)
    stream = tokens * width
    block = 2 * stream * size + 3 * stream * FULL
    attention = 6 * stream * size + 2 * stream * FULL
    if not is_joint:
        attention += 2 * remembered * width * size
    inside = 2 * tokens * int(transformer.get("ffn_dim", 13824)) * size
    times = 0
    if card.has_token_times or (config.attention == "joint" and remembered):
        times = 6 * stream * (size + FULL)
    return block + max(attention, inside) + times + CAPTION_TOKENS * width * size


def _memory(
    transformer: dict[str, Any],
    card: WanCard,
    config: WanConfig,
    remembered: int,
    published: Published | None,
) -> int:
    """
    Tokens, and keys and values of every block if they are kept, for each expert.

    Of a published memory the updates: what it remembers is counted among the shot's tokens.
    """
    size = torch.finfo(getattr(torch, config.dtype)).bits // 8
    if published is not None:
        return published.num_parameters * size
    layers = 2 * int(transformer.get("num_layers", 40)) if config.attention == "cached" else 0
    return card.num_experts * (layers + 1) * remembered * _width(transformer) * size


def _adapter(card: WanCard, config: WanConfig, adapter: Adapter | None) -> int:
    """Updates beside the layers; of one file, beside those of both experts."""
    if adapter is None:
        return 0
    copies = card.num_experts if len(adapter.files) == 1 else 1
    return copies * adapter.num_parameters * torch.finfo(getattr(torch, config.dtype)).bits // 8


def _decode(vae: dict[str, Any], width: int, height: int, num_frames: int) -> int:
    """The VAE's last stage, four frames at a time, what its convolutions keep, and the video."""
    patch = int(vae.get("patch_size") or 1)
    base = int(vae.get("decoder_base_dim") or vae.get("base_dim", 96))
    widths: list[int] = vae.get("dim_mult", [1, 2, 4, 4])
    # The stage before hands over twice the channels at the full size.
    channels = base * max(widths[:2])
    pixels = width * height // patch**2
    convolutions = 2 * (int(vae.get("num_res_blocks", 2)) + 1) + 1
    stage = (LIVE_COPIES * 4 + CACHED_FRAMES * convolutions) * channels * pixels
    # Once more while its stretches are put together.
    video = 2 * 3 * num_frames * width * height
    return int(FULL * (stage + video))


def _width(transformer: dict[str, Any]) -> int:
    heads = int(transformer.get("num_attention_heads", 40))
    return heads * int(transformer.get("attention_head_dim", 128))


def _config(folder: Path, part: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / part / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{part}/config.json of {folder.name} cannot be read") from error
    return found
