"""
What does a model want to be shown? Its `preprocessor_config.json` says, and its tokenizer.

    frames, pictures ── letterboxed ── resized ── normalised ── pixels
    captions ── padded, or cut where the model stops reading ── tokens

Frames are uint8 sRGB, `N H W 3`, of any size.

Shape suffixes, for this module only:
    N  frames, pictures or captions    H, W  pixels    C  channels
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from onestory.continuity.cutting import letterboxed
from onestory.errors import WeightsError

HINT = "point at a folder with people/, appearance/ and language/, or install the wheel again"
"""What to do about a folder that cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """What a model wants to be shown, from its `preprocessor_config.json`."""

    height: int
    """In pixels; the shorter side if `keeps_aspect`."""
    width: int
    mean: tuple[float, float, float]
    """Of red, green and blue, in [0, 1]."""
    std: tuple[float, float, float]
    keeps_aspect: bool = False
    """Whether only the shorter side is given."""
    longest: int | None = None
    """Longest side, in pixels, if the aspect is kept."""
    divisor: int = 1
    """What both sides must divide by, if the aspect is kept."""

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """Say at which height and width a frame of some size is shown whole."""
        if not self.keeps_aspect:
            return self.height, self.width
        scale = self.height / min(height, width)
        if self.longest is not None:
            scale = min(scale, self.longest / max(height, width))
        high, wide = (
            max(1, round(side * scale / self.divisor)) * self.divisor for side in (height, width)
        )
        return high, wide

    def normalised(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Scale pixels from [0, 255] to what the model was trained on."""
        mean_C11 = torch.tensor(self.mean).view(3, 1, 1)
        std_C11 = torch.tensor(self.std).view(3, 1, 1)
        return (pixels_NCHW / 255.0 - mean_C11) / std_C11


def read_preprocessing(folder: Path) -> Preprocessing:
    """
    Read how pictures are prepared for a model.

    Args:
        folder: Of the model.

    Raises:
        WeightsError: If its `preprocessor_config.json` is missing or says too little.
    """
    path = folder / "preprocessor_config.json"
    try:
        config = json.loads(path.read_text())
        crop, size = config.get("crop_size"), config.get("size")
        shown = crop if crop and config.get("do_center_crop", True) else size
        sides = {"shortest_edge": shown} if isinstance(shown, int) else dict(shown)
        mean, std = (tuple(map(float, config[key])) for key in ("image_mean", "image_std"))
        if len(mean) != 3 or len(std) != 3:
            raise ValueError(f"{len(mean)} channels instead of 3")
        if "height" in sides:
            return Preprocessing(
                height=int(sides["height"]), width=int(sides["width"]), mean=mean, std=std
            )
        longest = sides.get("longest_edge")
        return Preprocessing(
            height=int(sides["shortest_edge"]),
            width=int(sides["shortest_edge"]),
            mean=mean,
            std=std,
            keeps_aspect=True,
            longest=None if longest is None else int(longest),
            divisor=int(config.get("size_divisor") or 1),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} cannot be used: {error}", hint=HINT) from error


def resized(frames_NHW3: NDArray[np.uint8], size: tuple[int, int]) -> torch.Tensor:
    """Resize frames, with antialiasing: `N C H W`, float in [0, 255]."""
    pixels_NCHW = torch.from_numpy(np.ascontiguousarray(frames_NHW3)).permute(0, 3, 1, 2).float()
    if pixels_NCHW.shape[2:] == size:
        return pixels_NCHW.contiguous()
    return nn.functional.interpolate(
        pixels_NCHW, size=size, mode="bilinear", antialias=True, align_corners=False
    )


def prepared(
    pictures: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], shown: Preprocessing
) -> torch.Tensor:
    """
    Letterbox, resize and normalise pictures.

    Args:
        pictures: `H W 3`, each of any size.
        shown: What the model wants.

    Returns:
        `N C H W`, float32.

    Raises:
        ValueError: If one is no picture.
    """
    size = (shown.height, shown.width)
    boxed = []
    for picture_HW3 in pictures:
        check_frames(picture_HW3[None])
        boxed.append(resized(letterboxed(picture_HW3, *size)[None], size))
    return shown.normalised(torch.cat(boxed))


def tokenized(tokenizer: Any, captions: Sequence[str], model: Any) -> dict[str, torch.Tensor]:
    """
    Turn captions into what a text tower reads.

    SigLIP was trained on captions padded to full length and without a mask; CLIP is given one.
    """
    longest = int(model.config.text_config.max_position_embeddings)
    is_siglip = "siglip" in str(model.config.model_type)
    tokens = tokenizer(
        list(captions),
        padding="max_length" if is_siglip else True,
        truncation=True,
        max_length=longest,
        return_tensors="pt",
    )
    wanted = ("input_ids",) if is_siglip else ("input_ids", "attention_mask")
    return {name: tokens[name] for name in wanted}


def check_frames(frames_NHW3: NDArray[np.uint8]) -> None:
    """
    See whether these are frames.

    Raises:
        ValueError: If they are not.
    """
    if frames_NHW3.ndim != 4 or frames_NHW3.shape[3] != 3 or frames_NHW3.dtype != np.uint8:
        raise ValueError(
            f"frames must be uint8 N H W 3, got {frames_NHW3.dtype} of shape {frames_NHW3.shape}"
        )
