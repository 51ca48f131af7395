"""
How long does a Wan take for a shot? As long as others have published, or that times arithmetic.

    figure: model, GPU, size, steps ── seconds ──┐
    operations of its steps ─────────────────────┼── seconds = published x wanted / published's
    operations of the wanted steps ──────────────┘

Nothing here was measured by us. Figures of the same model come first, then those of the same GPU
whose step is nearest; what is not the very same shot is an extrapolation, and is called one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CAPTION_TOKENS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """What somebody published."""

    model: str
    """Name of a `KnownWan`."""
    gpu: str
    card_gb: int
    tokens: int
    """Of the shot."""
    size: str
    num_frames: int
    """Assumed where the source does not print it."""
    steps: int
    """The same."""
    seconds: float
    source: str


WAN_21 = "Wan-Video/Wan2.1, assets/comp_effic.png"
WAN_22 = "Wan-Video/Wan2.2, assets/comp_effic.png"
LIGHTX2V = "ModelTC/LightX2V, README: diffusers, 9.77 s a step"

_AT_480P = {"tokens": 32_760, "size": "480x832", "num_frames": 81}
_AT_720P = {"tokens": 75_600, "size": "720x1280", "num_frames": 81}
_AT_704 = {"tokens": 27_280, "size": "704x1280", "num_frames": 121}


def _figure(
    model: str, gpu: str, steps: int, seconds: float, source: str, shot: Mapping[str, Any]
) -> Figure:
    return Figure(
        model=model,
        gpu=gpu,
        card_gb=24 if gpu == "RTX 4090" else 80,
        steps=steps,
        seconds=seconds,
        source=source,
        **shot,
    )


FIGURES: tuple[Figure, ...] = (
    _figure("Wan2.1-T2V-1.3B", "RTX 4090", 50, 261.4, WAN_21, _AT_480P),
    _figure("Wan2.2-TI2V-5B", "RTX 4090", 50, 524.8, WAN_22, _AT_704),
    _figure("Wan2.1-I2V-14B-480P", "H100", 40, 390.8, LIGHTX2V, _AT_480P),
    _figure("Wan2.1-I2V-14B-720P", "A100", 40, 2715.5, WAN_21, _AT_720P),
    _figure("Wan2.1-I2V-14B-720P", "H100", 40, 1491.6, WAN_21, _AT_720P),
    _figure("Wan2.2-I2V-A14B", "A100", 40, 810.0, WAN_22, _AT_480P),
    _figure("Wan2.2-I2V-A14B", "A100", 40, 2810.9, WAN_22, _AT_720P),
    _figure("Wan2.2-I2V-A14B", "H100", 40, 327.8, WAN_22, _AT_480P),
    _figure("Wan2.2-I2V-A14B", "H100", 40, 1055.9, WAN_22, _AT_720P),
)
"""One GPU each. The vendor's tables print neither frames nor steps: those of its five-second shots
and of its program are assumed (40 steps from a picture and for A14B, 50 else)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """How long a shot should take."""

    seconds: float
    figure: Figure
    number: int
    """Of the figure in `FIGURES`, from 1 on."""
    factor: float
    """By which the published seconds were multiplied."""
    is_published: bool
    """Whether it is that very shot of that very model, and not an extrapolation."""


def step_operations(
    transformer: Mapping[str, Any], *, tokens: int, remembered: int = 0, is_kept: bool = False
) -> float:
    """
    Count the operations of one pass through a transformer: a multiplication and addition are two.

    Of every block: the projections of self-attention and to and from the caption, the feed-forward
    layer, and both products of both attentions. What is left out (norms, embeddings, keys and
    values of the caption) is less than a hundredth.

    Args:
        transformer: Its configuration.
        tokens: Of the shot.
        remembered: Tokens of the memory.
        is_kept: Whether keys and values of the memory are kept, so that only attention reads it.
    """
    width = transformer["num_attention_heads"] * transformer["attention_head_dim"]
    own = tokens if is_kept else tokens + remembered
    linear = 2 * own * (6 * width**2 + 2 * width * transformer["ffn_dim"])
    attention = 4 * own * width * (tokens + remembered + CAPTION_TOKENS)
    return float(transformer["num_layers"] * (linear + attention))


def expected_seconds(
    model: str,
    gpu: str,
    transformers: Mapping[str, Mapping[str, Any]],
    *,
    steps: int,
    tokens: int,
    remembered: int = 0,
    is_kept: bool = False,
    figures: Sequence[Figure] = FIGURES,
) -> Expected | None:
    """
    Say how long a shot should take.

    Args:
        model: Name of a `KnownWan`.
        gpu: As `Figure` names it.
        transformers: Configuration of every model's transformer, by name.
        steps: Of the shot.
        tokens: Of the shot.
        remembered: Tokens of its memory.
        is_kept: Whether the memory's keys and values are kept.
        figures: What is published.

    Returns:
        None if nothing was published for that GPU.
    """

    def work(figure: Figure) -> float:
        return step_operations(transformers[figure.model], tokens=figure.tokens)

    wanted = step_operations(
        transformers[model], tokens=tokens, remembered=remembered, is_kept=is_kept
    )
    bare = step_operations(transformers[model], tokens=tokens)
    known = [(number, one) for number, one in enumerate(figures, start=1) if one.gpu == gpu]
    if not known:
        return None
    number, nearest = min(
        known, key=lambda each: (each[1].model != model, abs(math.log(bare / work(each[1]))))
    )
    factor = steps * wanted / (nearest.steps * work(nearest))
    is_same = (nearest.model, nearest.tokens, nearest.steps) == (model, tokens, steps)
    return Expected(
        seconds=nearest.seconds * factor,
        figure=nearest,
        number=number,
        factor=factor,
        is_published=is_same and not remembered,
    )
