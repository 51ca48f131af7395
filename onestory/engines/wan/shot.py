"""
What is drawn at once, and what of a memory is shown to a transformer?

Shape suffixes, for this module only:
    C  latent channels    h, w  latent cells    M  recalled frames, as they stand in time
    H, W  pixels    3  red, green, blue; or time, height, width    1  one shot
    L  memory tokens    D  width of a model
"""

from dataclasses import dataclass

from torch import Tensor

from onestory.diffusion.kv import MemoryCache
from onestory.engines.protocol import Frame


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shot:
    """What is drawn at once."""

    caption: str
    negative_caption: str
    width: int
    """In pixels; divides by the card's `multiple_of`, and so does the height."""
    height: int
    num_frames: int
    """The temporal factor times k, plus 1."""
    seed: int
    guidance: float
    guidance_low: float
    first_HW3: Frame | None = None
    """A first frame of that size, if it is given."""


@dataclass(frozen=True, slots=True)
class GivenFrames:
    """Recalled frames as a published memory reads them."""

    latents_1CMhw: Tensor
    times_M: tuple[float, ...]
    """Before the shot, in latent frames."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Recalled frames as one transformer reads them."""

    tokens_1LD: Tensor
    positions_L3: Tensor
    cache: MemoryCache | None
    """Keys and values, if they are kept."""
