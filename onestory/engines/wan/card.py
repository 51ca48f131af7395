"""
What kind of Wan lies in a folder, and how does its card say it is used?

    model_index.json ── which pipeline, experts, times of tokens ──┐
    transformer/config.json ── channels, width, image tokens ──────┼── WanCard
    vae/config.json ── cells ──────────────────────────────────────┤
    scheduler/scheduler_config.json ── flow shift ─────────────────┘

What the folder's configuration says is read from there. Sizes, lengths, steps and guidance stand
in the cards alone: https://huggingface.co/Wan-AI, the diffusers examples of each.

Nothing is loaded: this module reads JSON and does without torch.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from onestory.errors import OrderError, WeightsError
from onestory.memory.budget import PATCH

USUAL_HEADS = 40
"""Heads of a transformer whose configuration does not say: diffusers' own default."""

PIPELINES = ("WanPipeline", "WanImageToVideoPipeline")
"""Classes of diffusers whose folders are read."""

NEGATIVE_CAPTION = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, "
    "images, static, overall gray, worst quality, low quality, JPEG compression residue, ugly, "
    "incomplete, extra fingers, poorly drawn hands, poorly drawn faces, deformed, disfigured, "
    "misshapen limbs, fused fingers, still picture, messy background, three legs, many people in "
    "the background, walking backwards"
)
"""What the cards of all Wans ask not to see."""

STEP_CACHES = ("none", "first-block", "taylorseer", "magcache")

BACKENDS = (
    "native",
    "_native_cudnn",
    "_native_efficient",
    "_native_flash",
    "_native_math",
    "_native_npu",
    "_native_xla",
    "flex",
    "flash",
    "flash_varlen",
    "_flash_3",
    "_flash_varlen_3",
    "sage",
    "sage_varlen",
    "_sage_qk_int8_pv_fp8_cuda",
    "_sage_qk_int8_pv_fp8_cuda_sm90",
    "_sage_qk_int8_pv_fp16_cuda",
    "_sage_qk_int8_pv_fp16_triton",
    "xformers",
)
"""Kernels of attention, as diffusers calls them; but for those that it fetches from the hub, since
nothing is fetched unasked."""

LATER = (
    "step_cache",
    "step_threshold",
    "step_interval",
    "step_ratios",
    "attention_backend",
    "is_compiled",
    "adapter_weight",
    "storage",
    "cards",
)
"""Choices that came later. Where they are as ever they stand in no fingerprint, so that takes
from before them are still called what they were called."""

SHIFT_OF_720P = 5.0
"""From this flow shift on a Wan2.1 was trained for 720p."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WanCard:
    """What a folder holds. Cells are those of its VAE."""

    name: str
    """Of the architecture: "Wan2.2-TI2V", "Wan2.1-T2V", "Wan2.1-I2V", "Wan2.2-T2V-A14B" …"""
    pipeline: str
    """One of `PIPELINES`, by which the folder is loaded."""
    reads_text_alone: bool
    """Whether a shot can be made from its caption alone."""
    reads_picture: bool
    """Whether a shot can start from a given first frame."""
    has_token_times: bool
    """Whether every token has a time of its own, so that given ones are clean."""
    num_experts: int
    """Transformers: 2 if one draws at high noise and another at low noise."""
    latent_channels: int
    spatial: int
    """Pixels along a side of a cell."""
    temporal: int
    """Frames of a latent frame; the first holds one alone."""
    shift: float
    """Flow shift that the scheduler's configuration says."""
    num_heads: int
    """Heads of attention of a transformer."""

    @property
    def multiple_of(self) -> int:
        """Width and height of what is drawn divide by this."""
        return self.spatial * PATCH[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class WanConfig:
    """Choices of a `WanEngine` that decide pixels."""

    steps: int
    guidance: float
    """Of a recipe with guidance 1; of two experts, the one for high noise."""
    guidance_low: float
    """Of the expert for low noise."""
    shift: float
    """Flow shift."""
    area: int
    """Pixels of a drawn frame, at most about so many."""
    fps: int
    """Drawn frames of a second."""
    stretch_frames: int
    """Frames that are drawn at once, at most; the temporal factor times k, plus 1."""
    max_frames: int
    """Drawn frames of the longest shot. More than a stretch go on from its last frame."""
    attention: Literal["joint", "cached", "frames"]
    """How memory is read: with the shot, or kept as keys and values, both at time 0; or as frames
    before the shot, as published memories are, at its time."""
    negative_caption: str = NEGATIVE_CAPTION
    """Where a recipe has none of its own."""
    dtype: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the transformers and the text encoder. The VAE computes in float32, as cards ask."""
    is_tiled: bool = False
    """Whether the VAE works in tiles, which takes less memory and may leave seams."""
    most_kept: int = 9
    """Latent frames of a take that later takes can remember, spread over its length."""
    step_cache: Literal["none", "first-block", "taylorseer", "magcache"] = "none"
    """How steps are skipped that change little; see `onestory.diffusion.skipping`."""
    step_threshold: float = 0.05
    """Of `first-block` and `magcache`: change up to which a step is skipped."""
    step_interval: int = 5
    """Of `taylorseer`: every so many steps are computed."""
    step_ratios: Sequence[float] = ()
    """Of `magcache`: by how much each step's change is larger than the one's before, as measured
    for these weights and this schedule."""
    attention_backend: str = ""
    """By which kernel attention is computed, one of `BACKENDS`; nothing: as torch chooses."""
    is_compiled: bool = False
    """Whether blocks are compiled with the first step."""
    adapter_weight: float = 1.0
    """How much an adapter counts."""
    storage: Literal["dtype", "fp8"] = "dtype"
    """How the transformers' weights lie on the device: as they compute, or rounded to 8 bits,
    `float8_e4m3fn`; see `onestory.diffusion.storing`."""
    cards: int = 1
    """Over how many devices the tokens of a shot are spread; see `onestory.diffusion.spreading`."""

    def __post_init__(self) -> None:
        least = {"steps": 1, "fps": 1, "area": 1, "stretch_frames": 5, "max_frames": 1}
        for name, number in {**least, "most_kept": 1, "step_interval": 1, "cards": 1}.items():
            if getattr(self, name) < number:
                raise ValueError(f"{name} must be at least {number}, got {getattr(self, name)}")
        if min(self.guidance, self.guidance_low) < 0 or self.shift <= 0:
            raise ValueError(
                f"guidance must be from 0 on and shift above 0, got {self.guidance}, "
                f"{self.guidance_low} and {self.shift}"
            )
        if self.attention not in ("joint", "cached", "frames"):
            raise ValueError(f"attention must be joint, cached or frames, got {self.attention!r}")
        if self.dtype not in ("float32", "bfloat16"):
            raise ValueError(f"dtype must be float32 or bfloat16, got {self.dtype!r}")
        if self.storage not in ("dtype", "fp8"):
            raise ValueError(f"storage must be dtype or fp8, got {self.storage!r}")
        if self.storage == "fp8" and self.is_compiled:
            raise ValueError(
                "weights that are stored as fp8 are unpacked around every layer, and compiled "
                "blocks do not see it"
            )
        if self.step_cache not in STEP_CACHES:
            raise ValueError(
                f"step_cache must be {', '.join(STEP_CACHES)}, got {self.step_cache!r}"
            )
        if self.attention_backend and self.attention_backend not in BACKENDS:
            raise ValueError(
                f"attention_backend must be {', '.join(BACKENDS)}, got {self.attention_backend!r}"
            )
        if self.is_compiled and self.step_cache != "none":
            raise ValueError(
                f"compiled blocks cannot decide whether to skip themselves, as {self.step_cache} "
                "lets them"
            )
        if self.step_threshold < 0 or any(ratio <= 0 for ratio in self.step_ratios):
            raise ValueError(
                f"step_threshold must be from 0 on and step_ratios above 0, got "
                f"{self.step_threshold} and {list(self.step_ratios)}"
            )
        if (self.step_cache == "magcache") != bool(self.step_ratios):
            raise ValueError(
                "magcache needs step_ratios that were measured for these weights, and nothing "
                f"else does; got {self.step_cache} and {len(self.step_ratios)} ratios"
            )
        if self.cards > 1:
            self._refuse_to_spread()

    def _refuse_to_spread(self) -> None:
        """Refuse what was not made for tokens that are spread over devices."""
        if self.attention != "joint":
            raise ValueError(
                f"on {self.cards} cards a memory is read with the shot, attention = 'joint', and "
                f"attention is {self.attention!r}"
            )
        if self.step_cache != "none":
            raise ValueError(
                f"on {self.cards} cards each would decide by its own share whether "
                f"{self.step_cache} skips a step, and they would part"
            )
        if self.is_compiled:
            raise ValueError(
                f"on {self.cards} cards compiled blocks do not see how they are spread"
            )


def read_card(folder: Path) -> WanCard:
    """
    Say what kind of Wan lies in a folder.

    Args:
        folder: As diffusers writes it.

    Returns:
        Its card.

    Raises:
        WeightsError: If it is no Wan that this engine can film with.
    """
    index = _read(folder, "model_index.json")
    pipeline = str(index.get("_class_name"))
    if pipeline not in PIPELINES:
        raise WeightsError(
            f"the folder holds a {pipeline}, and the engine wan films with {' or '.join(PIPELINES)}"
        )
    transformer = _read(folder, "transformer/config.json")
    vae = _read(folder, "vae/config.json")
    scheduler = _read(folder, "scheduler/scheduler_config.json")

    patch = tuple(transformer.get("patch_size", PATCH))
    if patch != PATCH:
        raise WeightsError(f"the transformer's patch is {patch}, and {PATCH} is needed")
    channels, given = int(vae.get("z_dim", 16)), int(transformer.get("in_channels", 16))
    temporal = int(vae.get("scale_factor_temporal", 4))
    has_second = (index.get("transformer_2") or [None])[0] is not None
    if has_second != (index.get("boundary_ratio") is not None):
        raise WeightsError(
            "two experts and the boundary between them belong together, and the folder has "
            + ("no boundary_ratio" if has_second else "no transformer_2")
        )
    has_token_times = bool(index.get("expand_timesteps"))
    reads_picture = given == 2 * channels + temporal
    if not reads_picture and given != channels:
        raise WeightsError(
            f"the transformer reads {given} channels, and {channels} (text) or "
            f"{2 * channels + temporal} (first frame) fit its VAE"
        )
    return WanCard(
        name=_name(reads_picture, has_token_times, has_second),
        pipeline=pipeline,
        reads_text_alone=not reads_picture,
        reads_picture=reads_picture or has_token_times,
        has_token_times=has_token_times,
        num_experts=2 if has_second else 1,
        latent_channels=channels,
        spatial=int(vae.get("scale_factor_spatial", 8)),
        temporal=temporal,
        shift=float(scheduler.get("flow_shift") or scheduler.get("shift") or 1.0),
        num_heads=int(transformer.get("num_attention_heads", USUAL_HEADS)),
    )


def usual_config(card: WanCard, changes: Mapping[str, Any] | None = None) -> WanConfig:
    """
    Say how a model is used: as its card says, but for some choices.

    Args:
        card: The model.
        changes: Choices by name; None for the card's.

    Returns:
        A whole configuration.

    Raises:
        OrderError: If there is no such choice, or its value cannot be.
    """
    kept = {"shift": card.shift, "attention": "joint" if card.has_token_times else "cached"}
    at_720p = card.num_experts == 2 or card.shift >= SHIFT_OF_720P
    if card.has_token_times:
        usual = _usual(50, (5.0, 5.0), 1280 * 704, fps=24, frames=121, **kept)
    elif card.num_experts == 2:
        guidance = (3.5, 3.5) if card.reads_picture else (4.0, 3.0)
        usual = _usual(40, guidance, 1280 * 720, fps=16, frames=81, **kept)
    else:
        area = 1280 * 720 if at_720p else 832 * 480
        usual = _usual(50, (5.0, 5.0), area, fps=16, frames=81, **kept)
    if card.reads_picture:
        usual = replace(usual, max_frames=60 * usual.fps)
    known = [field.name for field in fields(WanConfig)]
    strangers = sorted(set(changes or {}) - set(known))
    if strangers:
        raise OrderError(
            f"the engine wan has no choice {strangers[0]!r}", hint=f"choices are {', '.join(known)}"
        )
    try:
        chosen = replace(usual, **dict(changes or {}))
    except (ValueError, TypeError) as error:
        raise OrderError(f"the engine wan cannot film so: {error}") from error
    if chosen.step_cache == "magcache" and card.num_experts == 2:
        raise OrderError(
            f"magcache knows the steps of one transformer, and {card.name} has two",
            hint="choose first-block or taylorseer",
        )
    if card.num_heads % chosen.cards:
        raise OrderError(
            f"{card.name} has {card.num_heads} heads of attention, which {chosen.cards} cards "
            "cannot share evenly",
            hint="choose a number of cards that divides them",
        )
    return chosen


def named_choices(config: WanConfig) -> dict[str, Any]:
    """
    Say which choices are in the name of a take.

    Args:
        config: A whole configuration.

    Returns:
        By name: all but `LATER` ones that are as ever.
    """
    return {
        field.name: getattr(config, field.name)
        for field in fields(WanConfig)
        if field.name not in LATER or getattr(config, field.name) != field.default
    }


def guided(usual: float, factor: float) -> float:
    """A recipe's guidance counts in the model's own: 1 is as its card says, 0 does not guide."""
    return 1.0 + (usual - 1.0) * factor


def _usual(
    steps: int, guidance: tuple[float, float], area: int, *, fps: int, frames: int, **kept: Any
) -> WanConfig:
    return WanConfig(
        steps=steps,
        guidance=guidance[0],
        guidance_low=guidance[1],
        area=area,
        fps=fps,
        stretch_frames=frames,
        max_frames=frames,
        **kept,
    )


def _name(reads_picture: bool, has_token_times: bool, has_experts: bool) -> str:
    if has_token_times:
        return "Wan2.2-TI2V"
    kind = "I2V" if reads_picture else "T2V"
    return f"Wan2.2-{kind}-A14B" if has_experts else f"Wan2.1-{kind}"


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{name} of {folder.name} cannot be read: {type(error).__name__}",
            hint="name a whole diffusers folder as the engine's option weights",
        ) from error
    if not isinstance(found, dict):
        raise WeightsError(f"{name} of {folder.name} is no JSON object")
    return found
