"""
Step caches: which work of a step is the same as a step ago, and need not be done again?

    first-block  the first block says how much changed; if little, the others' change is kept
    taylorseer   attention and feed-forward of some steps are extrapolated from earlier ones
    magcache     which steps change little was measured beforehand, for one model and schedule

All three are diffusers' own. They are switched on for one denoising loop and off after it: their
state is as long as the sequence that they saw, and counts steps of one shot. So neither a shot
nor its memory finds anything of another one, and keeping a memory's keys and values is no step.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import diffusers
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

from onestory.diffusion.attach import bare

StepCache = Literal["none", "first-block", "taylorseer", "magcache"]

PARTS = [r"blocks\.\d+\.(attn1|attn2|ffn)"]
"""What is extrapolated. diffusers' usual names end in `attn`, which nothing in a Wan does: with
them TaylorSeer would be on, and do nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipping:
    """How steps are skipped."""

    how: StepCache
    steps: int
    """Of the whole loop."""
    threshold: float
    """Of `first-block` and `magcache`: change up to which a step is skipped."""
    interval: int
    """Of `taylorseer`: every so many steps are computed, after the first three."""
    ratios: Sequence[float] = ()
    """Of `magcache`: by how much each step's change is larger than the one's before."""


@contextmanager
def skipping(transformer: WanTransformer3DModel, choice: Skipping) -> Iterator[None]:
    """
    Let a transformer skip steps.

    Args:
        transformer: The stock model.
        choice: How. With "none" nothing is touched.

    Yields:
        Nothing; run a pipeline that holds the transformer once.
    """
    model = bare(transformer)
    if choice.how == "none":
        yield
        return
    model.enable_cache(_config(choice, model))
    try:
        yield
    finally:
        model.disable_cache()


def _config(choice: Skipping, model: Any) -> Any:
    stock: Any = diffusers  # untyped
    if choice.how == "first-block":
        return stock.FirstBlockCacheConfig(threshold=choice.threshold)
    if choice.how == "taylorseer":
        return stock.TaylorSeerCacheConfig(
            cache_interval=choice.interval,
            cache_identifiers=PARTS,
            taylor_factors_dtype=model.patch_embedding.weight.dtype,
        )
    return stock.MagCacheConfig(
        threshold=choice.threshold,
        num_inference_steps=choice.steps,
        mag_ratios=list(choice.ratios),
    )
