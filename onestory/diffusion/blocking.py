"""
How is the transformer told who stands where? By stand-ins, coded as pictures are.

    StandIns ─┬─ guides ──────────┐
              └─ sketch ── codec ─┴──► channels beside the noisy latents

References: Jiang et al., "VACE: All-in-One Video Creation and Editing", 2025 (arXiv:2503.07598):
what guides a video is coded by the codec of the video, and joined to its latents.
"""

from collections.abc import Sequence

import numpy as np
import torch

from onestory.diffusion.codec import BlockCodec, latent_middles
from onestory.memory.showing import Cast, person_key, set_key, stage_key
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.standins import GUIDES, StandIns

GAIN = 4.0
"""How loud blocking is. An optimizer moves every weight equally far a step, so what is said louder
is learnt sooner."""


PEOPLE = 3
"""The first guides, which count people as a shot has them: told at all, first person, others."""


def blocking_channels(channels: int) -> int:
    """
    Say how many channels tell who stands where.

    Args:
        channels: Of a latent.
    """
    return GUIDES + channels


def staged(blocking_FPhw: torch.Tensor) -> torch.Tensor:
    """
    Take from blocking what does not hang on who is asked about: the stage and its sketch.

    Args:
        blocking_FPhw: `P F h w` as `blocking_of` makes it, frames first.

    Returns:
        `F S h w`, the last channels; they stay with what is remembered.
    """
    return blocking_FPhw[:, PEOPLE:]


@torch.inference_mode()
def blocking_of(stand_ins: StandIns, codec: BlockCodec, frames: Sequence[int]) -> torch.Tensor:
    """
    Say who stands where.

    Args:
        stand_ins: A scene.
        codec: Of the model that is told; its cells are those of the stand-ins.
        frames: Of the scene, one for each latent frame.

    Returns:
        `P F h w` with P = `blocking_channels`, float32.
    """
    guides_FGhw = np.stack([stand_ins.guides(index) for index in frames])
    sketch_FHW3 = np.stack([stand_ins.sketch(index) for index in frames])
    coded_FChw = codec.encode(torch.from_numpy(sketch_FHW3)[:, None])[:, :, 0]
    told_FPhw = torch.cat([torch.from_numpy(guides_FGhw), coded_FChw], dim=1)
    return told_FPhw.transpose(0, 1)


def figures_of(
    stand_ins: StandIns, codec: BlockCodec, frames: Sequence[int], setting: str
) -> dict[str, torch.Tensor]:
    """
    Say by name who and what is seen where, and where on the stage that is.

    Args:
        stand_ins: A scene.
        codec: Of the model that remembers; its cells are those of the stand-ins.
        frames: Of the scene, one for each latent frame.
        setting: Name of its set; nothing if it has none.

    Returns:
        How much of each cell shows each person and the set, `F h w` each, float32; the set is
        wherever nobody is. And, channel by channel, what `staged` says. See
        `onestory.memory.showing`.
    """
    people_FAhw = torch.from_numpy(np.stack([stand_ins.people(index) for index in frames]))
    names = [person_key(performer.name) for performer in stand_ins.scene.performers]
    figures = dict(zip(names, people_FAhw.unbind(1), strict=True))
    if setting:
        figures[set_key(setting)] = 1.0 - people_FAhw.sum(dim=1)
    staged_FShw = staged(blocking_of(stand_ins, codec, frames).transpose(0, 1))
    for number, channel_Fhw in enumerate(staged_FShw.unbind(1)):
        figures[stage_key(number)] = channel_Fhw
    return figures


def cast_of(scene: SceneSpec, setting: str) -> Cast:
    """
    Say who and what is in a scene.

    Args:
        scene: What is shot.
        setting: Name of its set; nothing if it has none.
    """
    first, *others = [person_key(performer.name) for performer in scene.performers] or [""]
    return Cast(first=first, others=tuple(others), setting=set_key(setting) if setting else "")


def clip_blocking(
    scene: SceneSpec, codec: BlockCodec, *, rows: int, columns: int, num_frames: int
) -> torch.Tensor:
    """
    Say who stands where in the first frames of a scene.

    Args:
        scene: What is shot.
        codec: Of the model that is told.
        rows: Cells from top to bottom.
        columns: Cells from left to right.
        num_frames: How many frames.

    Returns:
        `P F h w`, F latent frames, float32.
    """
    cell = int(codec.config["block"])
    stand_ins = StandIns(scene, rows=rows, columns=columns, cell=cell)
    return blocking_of(stand_ins, codec, latent_middles(num_frames))
