"""
How does a shot become the recipe of its next take?

    shot + bible + measured dialogue + engine + rung of the ladder ── Recipe

The same function makes the recipe that is rendered and the one that freshness is checked
with, so that the two cannot drift apart.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from onestory.continuity.ladder import Rung, seed_for
from onestory.documents import Digest, digest_of_json
from onestory.engines.recipe import (
    NOTHING_REMEMBERED,
    EngineFingerprint,
    Recipe,
    Speech,
    Subject,
    imported_for,
)
from onestory.memory.lineage import Remembered, memory_digest
from onestory.production.table_read import ShotRead
from onestory.screenplay.episode import Episode, Shot


@dataclass(frozen=True, kw_only=True, slots=True)
class Filming:
    """What all shots of an episode are filmed with."""

    engine: EngineFingerprint
    remembers: bool
    draws_keyframes: bool
    painter: EngineFingerprint | None = None
    """Who draws first frames, if not the engine's own model."""
    paints_from_sheets: bool = False
    continues: bool = False
    """Whether shots without a cut start from the last frame of the take before."""
    width: int
    height: int
    seed: int
    seeds_of: str
    """Episode by whose id the seeds of shots are drawn."""
    guidance: float = 1.0
    memory_budget: float = 1.0
    """Of a first take, in latent-frame equivalents."""
    memory_policy: str = ""
    """Who chooses what is remembered; what was chosen stands in recipes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Keyframe:
    """The first frame that a take starts from."""

    blob: Digest
    by: Literal["engine", "user", "previous"]
    """Who it comes from; "previous": it is the last frame of the take before."""


def first_seed(seed: int, episode: str, slate: str) -> int:
    """Seed of a shot's first take: its own, and the same on every machine, in [0, 2**63)."""
    content = f"{seed}/{episode}/{slate}".encode()
    return int.from_bytes(hashlib.sha256(content).digest()[:8]) >> 1


def recipe_for(
    shot: Shot,
    episode: Episode,
    read: ShotRead,
    filming: Filming,
    *,
    attempt: int = 1,
    rung: Rung | None = None,
    keyframe: Keyframe | None = None,
    lineage: Sequence[Remembered] = (),
) -> Recipe:
    """
    Write down everything that determines the pixels of a take.

    Args:
        shot: What is to be seen.
        episode: Whose bible holds.
        read: Its measured dialogue and its length.
        filming: Engine, size and seed.
        attempt: Which take of the shot it is, from 1.
        rung: Rung of the retake ladder; None for a first take.
        keyframe: First frame to start from, if any.
        lineage: What the take remembers.

    Returns:
        The recipe, whose digest is the take's address.
    """
    new_seed = attempt if rung and rung.new_seed else 1
    names = {member.name: member for member in episode.cast}
    design = episode.set_design(shot.set_name)
    return Recipe(
        engine=filming.engine,
        caption=expanded_caption(shot, episode)
        if rung and rung.re_expand_caption
        else shot.caption,
        negative_caption=shot.negative_caption,
        subjects=tuple(
            Subject(name=ref.name, phrase=ref.phrase, look=names[ref.name].look)
            for ref in shot.references
            if ref.name in names
        ),
        set_name=design.name,
        set_look=design.look,
        speech=tuple(
            Speech(name=line.character, start_frame=line.start_frame, end_frame=line.end_frame)
            for line in read.lines
            if line.character in shot.on_screen and not line.is_off_screen
        ),
        keyframe=keyframe.blob if keyframe else None,
        keyframe_by=keyframe.by if keyframe else "nobody",
        memory=memory_digest(lineage),
        memory_budget=filming.memory_budget * (rung.memory_budget_factor if rung else 1.0),
        guidance=filming.guidance * (rung.guidance_factor if rung else 1.0),
        seed=seed_for(first_seed(filming.seed, filming.seeds_of, shot.slate), new_seed),
        width=filming.width,
        height=filming.height,
        num_frames=read.num_frames,
        fps=episode.fps,
    )


def imported_recipe(
    shot: Shot, episode: Episode, read: ShotRead, filming: Filming, *, clip: Digest
) -> Recipe:
    """
    Write down what determines the take that a person's own footage becomes.

    Neither caption nor seed is among it; who and what the shot shows is, for later shots look
    for it there.

    Args:
        shot: What it stands for.
        episode: Whose bible holds.
        read: The length of the shot.
        filming: Size, and which engine will remember it.
        clip: Blob of the footage.
    """
    recipe = recipe_for(shot, episode, read, filming)
    return recipe.model_copy(
        update={
            "engine": imported_for(filming.engine, clip),
            "caption": "",
            "negative_caption": "",
            "subjects": tuple(one.model_copy(update={"phrase": ""}) for one in recipe.subjects),
            "speech": (),
            "memory_budget": 0.0,
            "seed": 0,
        }
    )


def keyframe_recipe_of(
    recipe: Recipe, *, painter: EngineFingerprint | None = None, sheet: Digest | None = None
) -> Recipe:
    """
    The recipe of the first frame that is drawn for a take.

    Args:
        recipe: The take's.
        painter: Who draws it, if not the engine's own model. It remembers nothing, so that a
            change of memory, or of the engine, is none of its frames.
        sheet: Blob of the reference sheet that it starts from, if any.
    """
    first: dict[str, Any] = {"keyframe": None, "keyframe_by": "nobody"}
    if sheet is not None:
        first = {"keyframe": sheet, "keyframe_by": "sheet"}
    if painter is not None:
        first |= {"engine": painter, "memory": NOTHING_REMEMBERED, "memory_budget": 0.0}
    return recipe.model_copy(update={**first, "num_frames": 1, "speech": ()})


def intent_of(recipe: Recipe, first_frame: Recipe | None = None) -> Digest:
    """
    Name a recipe by what is known before its first frame is drawn.

    Args:
        recipe: The take's.
        first_frame: Recipe of its first frame, if somebody else than the engine paints it.
    """
    if recipe.keyframe_by in ("engine", "nobody"):
        recipe = recipe.model_copy(update={"keyframe": None, "keyframe_by": "nobody"})
        if first_frame is not None:
            return digest_of_json([recipe.digest, first_frame.digest])
    return recipe.digest


def expanded_caption(shot: Shot, episode: Episode) -> str:
    """The caption with every look spelled out behind the phrase that refers to it."""
    looks = {member.name: member.look for member in episode.cast}
    looks.update({design.name: design.look for design in episode.sets})
    caption = shot.caption
    for reference in shot.references:
        look = looks.get(reference.name, "")
        if look and look not in caption:
            caption = caption.replace(reference.phrase, f"{reference.phrase} ({look})", 1)
    return caption
