"""
Who paints first frames for models that cannot begin from words? A text-to-image pipeline.

    keyframes: a folder, or the hub's copy ── weights ──┐
    keyframe_config ── steps, guidance, area … ─────────┴── fingerprint ── recipes of first frames

A painter is named in recipes as an engine is: other weights or another choice make first frames
anew, and the takes that start from them, and no others. Nothing is loaded here; `painting` draws.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from onestory.documents import digest_of_json
from onestory.engines.recipe import EngineFingerprint
from onestory.engines.wan.card import WanCard
from onestory.engines.wan.folder import find_folder, weights_digest
from onestory.errors import OrderError, WeightsError

NAME = "painter"
RECIPE_VERSION = 1
"""Raised by hand when a change of code alters pixels."""

DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True, kw_only=True, slots=True)
class PainterConfig:
    """How first frames are painted."""

    steps: int | None = None
    """None: as many as the pipeline takes by itself."""
    guidance: float | None = None
    """None: the pipeline's own."""
    strength: float = 0.8
    """How far a frame may leave the reference sheet that it starts from, in (0, 1]; 0: frames are
    painted from captions alone, whatever sheets there are."""
    area: int = 1024 * 1024
    """About the most pixels that are painted, of the film's shape."""
    negative_caption: str = ""
    """If the recipe has none; left out for pipelines that read none."""
    dtype: str = "bfloat16"

    def __post_init__(self) -> None:
        if (self.steps is not None and self.steps < 1) or self.area < 1:
            raise ValueError(f"steps and area must be at least 1, got {self.steps} and {self.area}")
        if self.guidance is not None and self.guidance < 0:
            raise ValueError(f"guidance must be from 0 on, got {self.guidance}")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"strength must be from 0 to 1, got {self.strength}")
        # From a sheet only the last steps are taken, as many as the frame may leave it.
        if self.steps is not None and self.strength and self.steps * self.strength < 1:
            raise ValueError(f"strength {self.strength} of {self.steps} steps leaves none to take")
        if self.dtype not in DTYPES:
            raise ValueError(f"dtype must be {', '.join(DTYPES)}, got {self.dtype!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Painter:
    """A text-to-image pipeline on disk, and how it is used."""

    folder: Path
    pipeline: str
    """Class that diffusers calls it by."""
    config: PainterConfig

    def fingerprint(self) -> EngineFingerprint:
        """What of it decides pixels."""
        return EngineFingerprint(
            name=NAME,
            weights=weights_digest(self.folder),
            config=digest_of_json(asdict(self.config)),
            recipe_version=RECIPE_VERSION,
        )


def find_painter(
    keyframes: str | Path | None,
    changes: Mapping[str, Any] | None,
    card: WanCard,
    *,
    may_download: bool = False,
) -> Painter | None:
    """
    Find who paints first frames for a model.

    Args:
        keyframes: A diffusers folder, or a model of the hub that is on this machine; None for
            nobody.
        changes: Choices of `PainterConfig` that shall be otherwise than usual.
        card: The model that starts from them.
        may_download: Whether weights are fetched from the hub if they are missing.

    Raises:
        OrderError: If the model cannot start from a first frame, there is no such choice, or
            there are choices and nobody to paint.
        WeightsError: If there is no such folder, or no pipeline in it.
    """
    if keyframes is None:
        if changes:
            raise OrderError(
                "keyframe_config says how first frames are painted, and nobody paints them",
                hint="name a text-to-image pipeline as the engine's option keyframes",
            )
        return None
    if not card.reads_picture:
        raise OrderError(
            f"{card.name} reads captions alone and cannot start from a painted first frame",
            hint="leave keyframes out, or film with Wan2.2-TI2V, Wan2.1-I2V or Wan2.2-I2V-A14B",
        )
    known = [field.name for field in fields(PainterConfig)]
    strangers = sorted(set(changes or {}) - set(known))
    if strangers:
        raise OrderError(
            f"keyframe_config has no choice {strangers[0]!r}",
            hint=f"choices are {', '.join(known)}",
        )
    try:
        config = PainterConfig(**dict(changes or {}))
    except (ValueError, TypeError) as error:
        raise OrderError(f"first frames cannot be painted so: {error}") from error
    folder = find_folder(keyframes, may_download=may_download)
    return Painter(folder=folder, pipeline=_pipeline_in(folder), config=config)


def _pipeline_in(folder: Path) -> str:
    try:
        index = json.loads((folder / "model_index.json").read_text("utf-8"))
        return str(index["_class_name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{folder.name} holds no pipeline: its model_index.json cannot be read",
            hint="name a whole diffusers folder as the engine's option keyframes",
        ) from error
