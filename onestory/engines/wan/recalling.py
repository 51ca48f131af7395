"""
How are frames of earlier takes chosen by weights that nobody trained to choose?

    earlier take ── what its caption, people and place say ──┐ MiniLM
    next shot ──── what its caption, people and place say ───┴── likeness ──┐
    latent frame ── made small ── unlike what is already chosen ────────────┴── ranking

A Wan has no eye that reads captions, but every frame is of a take whose caption is known. So
frames are as relevant as what was said of them, and of frames of which the same was said those
come first that show something new: the policy `clip_diversity`, on features of two halves.

Shape suffixes, for this module only:
    F  latent frames   C  latent channels   h, w  latent cells   E  width of a feature
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from onestory.documents import Digest
from onestory.engines.pocket.captions import pocket_caption
from onestory.engines.recipe import Recipe
from onestory.memory.lineage import Remembered
from onestory.memory.showing import Cast, person_key, set_key

if TYPE_CHECKING:
    from onestory.memory.policies import NextShot

SAID, SEEN = 0.8, 0.6
"""How much of a feature is what was said of a frame, and what is seen in it; of length 1."""

GRID = 4
"""Cells along a side of a frame that is made small."""


def told_of(recipe: Recipe) -> str:
    """Everything that a recipe says is to be seen: caption, looks of people, look of the place."""
    looks = [subject.look for subject in recipe.subjects]
    said = (pocket_caption(recipe, has_memory=False), *looks, recipe.set_look)
    return ". ".join(part.rstrip(".") for part in said if part)


def features_of(recipe: Recipe, latents_FChw: Tensor) -> Tensor:
    """
    Say by what the frames of a take are known.

    Args:
        recipe: Of the take.
        latents_FChw: Normalised latents.

    Returns:
        `F E`, float32, of length 1.
    """
    said_FE = SAID * _said(recipe).expand(len(latents_FChw), -1)
    small_FE = functional.adaptive_avg_pool2d(latents_FChw, GRID).flatten(1)
    return torch.cat([said_FE, SEEN * functional.normalize(small_FE, dim=-1)], dim=1)


def next_shot(recipe: Recipe, *, shot: int, channels: int) -> "NextShot":
    """
    Say what is known of the shot about to be made.

    Args:
        recipe: Of the shot.
        shot: Its number in story order.
        channels: Of a latent.
    """
    from onestory.memory.policies import NextShot

    nothing_seen_E = torch.zeros(channels * GRID * GRID)
    names = [person_key(subject.name) for subject in recipe.subjects]
    return NextShot(
        shot=shot,
        feature_E=torch.cat([_said(recipe), nothing_seen_E]),
        cast=Cast(
            first=names[0] if names else "",
            others=tuple(names[1:]),
            setting=set_key(recipe.set_name) if recipe.set_name else "",
        ),
    )


def figures_of(recipe: Recipe, latents_FChw: Tensor) -> dict[str, Tensor]:
    """
    Say who is in the frames of a take: somewhere, as far as anybody knows.

    Args:
        recipe: Of the take.
        latents_FChw: Its latents.

    Returns:
        By name, 1 in every cell, `F h w`.
    """
    everywhere_Fhw = torch.ones_like(latents_FChw[:, 0])
    return {person_key(subject.name): everywhere_Fhw for subject in recipe.subjects}


def newest_first(
    lineage: Sequence[Remembered], order: Mapping[Digest, int]
) -> tuple[Remembered, ...]:
    """
    Put remembered frames as published memories were trained to read them.

    Args:
        lineage: The frames.
        order: Place of their takes in the story.

    Returns:
        The newest first, which stands next to the shot.
    """
    newest = sorted(lineage, key=lambda one: (order[one.take], one.frame_index), reverse=True)
    return tuple(
        one.model_copy(update={"position": position}) for position, one in enumerate(newest)
    )


def _said(recipe: Recipe) -> Tensor:
    from onestory.diffusion.text import shared_text

    return functional.normalize(shared_text().mean([told_of(recipe)])[0], dim=-1)
