"""
Which shot is a Wan looked at by, and what is said of it? The same in a bench and in its document.
"""

from onestory.bench.looking import FPS, Sizes, said
from onestory.engines.wan.card import WanConfig
from onestory.production.call_sheet import DELIVERY_SIZES
from onestory.screenplay.episode import Aspect

GIB = 1024**3


def full_shot(config: WanConfig) -> Sizes:
    """A stretch of a vertical film, as long as is drawn at once."""
    width, height = DELIVERY_SIZES[Aspect.VERTICAL]
    frames = (config.stretch_frames - 1) * FPS // config.fps + 1
    return Sizes(width=width, height=height, num_frames=frames, fps=FPS)


def estimate_words(sizes: Sizes, tokens: int, num_bytes: int) -> str:
    """Say what was counted; the same here and in the document."""
    return f"{said(sizes)} are {tokens} tokens; about {num_bytes / GIB:.2f} GiB"


def load_words(num_bytes: int) -> str:
    """Say that weights are as many as counted."""
    return f"{num_bytes / GIB:.2f} GiB of weights, as counted"


def shot_words(tokens: int) -> str:
    """Say that tokens are as many as counted."""
    return f"{tokens} tokens, as counted"


def remembering_words(tokens: int, num_frames: int, budget: int) -> str:
    """Say how much was remembered."""
    frames = "frame" if num_frames == 1 else "frames"
    return f"{tokens} tokens of {num_frames} {frames} remembered, at most {budget}"
