"""
What do the gates' encoders learn from in a step? Moments of stories, spoilt as takes are.

    pages ── two shots each of some stories ── decode, error ── tint ── mirror ── moments

Shape suffixes, for this module only:
    B  frames    S  shots of a page    G  moments of a shot    P  people, from the left
    H, W  pixels/cells    C  channels    h, w  latents    A  attributes
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from onestory.diffusion.codec import BlockCodec
from onestory.evaluation.coverage import MAX_PEOPLE
from onestory.evaluation.curriculum import Schooling
from onestory.evaluation.schoolbook import LARGEST_ERROR, Pages, each_story
from onestory.evaluation.training import pictures
from onestory.storyworld.kinds import Part
from onestory.storyworld.pen import PARTS


class Moments(NamedTuple):
    """What a step learns from."""

    frames_BHW3: NDArray[np.uint8]
    classes_BHW: torch.Tensor
    """Of cells, see `Coverage`."""
    owners_BHW: torch.Tensor
    """Of cells, without what people hold: 0 nobody, then from the left."""
    people_BP: torch.Tensor
    looks_BPA: torch.Tensor
    places_B: torch.Tensor
    scenes_BA: torch.Tensor
    captions: list[str]


def bodies(classes: torch.Tensor, owners: torch.Tensor) -> torch.Tensor:
    """Whose each cell is, without what people hold: that is another thing in the next shot."""
    held = classes == 1 + PARTS.index(Part.PROP)
    return owners.masked_fill(held, 0)


def moments_of(
    pages: list[Pages], codec: BlockCodec, choices: Schooling, rng: np.random.Generator
) -> Moments:
    """
    Choose moments of a step: two shots each of some stories.

    Args:
        pages: Read so far.
        codec: Decodes.
        choices: Of the run.
        rng: Decides.
    """
    frames, rows = [], []
    for _ in range(choices.stories):
        page = pages[int(rng.integers(len(pages)))]
        stories = list(each_story(page))
        shots = stories[int(rng.integers(len(stories)))].tolist()
        for shot in rng.choice(shots, 2, replace=False).tolist():
            is_drawn = bool(rng.random() < choices.drawn)
            moment = 0 if is_drawn else int(rng.integers(page.latents_SGChw.shape[1]))
            frame_HW3 = (
                page.pictures_SHW3[shot].numpy()
                if is_drawn
                else redecoded(page.latents_SGChw[shot, moment], codec, rng)
            )
            frames.append(_tinted(frame_HW3, choices.tint, rng))
            rows.append((page, shot, moment))
    moments = Moments(
        frames_BHW3=np.stack(frames),
        classes_BHW=torch.stack([page.classes_SGHW[s, g] for page, s, g in rows]),
        owners_BHW=torch.stack(
            [bodies(page.classes_SGHW[s, g], page.owners_SGHW[s, g]) for page, s, g in rows]
        ),
        people_BP=torch.stack([page.people_SGP[s, g] for page, s, g in rows]),
        looks_BPA=torch.stack([page.looks_SGPA[s, g] for page, s, g in rows]),
        places_B=torch.stack([page.places_S[s] for page, s, _ in rows]),
        scenes_BA=torch.stack([page.scenes_SA[s] for page, s, _ in rows]),
        captions=[page.captions[s] for page, s, _ in rows],
    )
    return mirrored(moments, rng.random(len(rows)) < 0.5)


@torch.no_grad()
def redecoded(
    latent_Chw: torch.Tensor, codec: BlockCodec, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Decode a moment by the basis alone, with an error like a generator's first."""
    strength = max(0.0, rng.uniform(-0.3, 1.0)) * LARGEST_ERROR
    error_Chw = torch.from_numpy(rng.standard_normal(latent_Chw.shape, dtype=np.float32))
    frames_BCHW = pictures(codec, (latent_Chw.float() + strength * error_Chw)[None])
    frame_HW3: NDArray[np.uint8] = (
        ((frames_BCHW[0] + 1.0) * 127.5).round().byte().permute(1, 2, 0).contiguous().numpy()
    )
    return frame_HW3


def _tinted(
    frame_HW3: NDArray[np.uint8], tint: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    gain_3 = 1.0 + tint * rng.uniform(-1.0, 1.0, 3).astype(np.float32)
    return (frame_HW3 * gain_3).clip(0, 255).round().astype(np.uint8)


def mirrored(moments: Moments, flipped_B: NDArray[np.bool_]) -> Moments:
    """Mirror some of the frames; whoever was first from the left is then last."""
    flip_B = torch.from_numpy(flipped_B)
    swap_B = flip_B & (moments.people_BP >= 0).all(1)
    owners_BHW = moments.owners_BHW
    other_BHW = torch.where(owners_BHW > 0, MAX_PEOPLE + 1 - owners_BHW, owners_BHW)
    owners_BHW = torch.where(swap_B[:, None, None], other_BHW, owners_BHW)
    frames = moments.frames_BHW3
    return moments._replace(
        frames_BHW3=np.where(flipped_B[:, None, None, None], frames[:, :, ::-1], frames),
        classes_BHW=_flipped(moments.classes_BHW, flip_B),
        owners_BHW=_flipped(owners_BHW, flip_B),
        people_BP=torch.where(swap_B[:, None], moments.people_BP.flip(1), moments.people_BP),
        looks_BPA=torch.where(swap_B[:, None, None], moments.looks_BPA.flip(1), moments.looks_BPA),
    )


def _flipped(cells_BHW: torch.Tensor, flip_B: torch.Tensor) -> torch.Tensor:
    return torch.where(flip_B[:, None, None], cells_BHW.flip(-1), cells_BHW)
