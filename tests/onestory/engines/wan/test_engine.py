"""Does the engine wan keep the promises of an engine, with every architecture?"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from onestory.engines.latents import unpack_latents
from onestory.engines.protocol import EarlierTake, Footage, Frame, RecalledFrame
from onestory.engines.recipe import Recipe, Subject
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.model import CAPTION_TOKENS
from onestory.errors import EngineFaultError
from onestory.memory.lineage import Remembered
from onestory.testing.tiny_wan import KINDS, Kind

EngineOf = Callable[[Kind], WanEngine]
RecipeOf = Callable[..., Recipe]
Filmed = Callable[..., EarlierTake]

JONAS = Subject(name="JONAS", phrase="an old man", look="an old man with a white beard")


class Recorder:
    """A control that notes progress and may cancel."""

    def __init__(self, cancel_at: float = 2.0) -> None:
        self.shares: list[float] = []
        self.cancel_at = cancel_at

    def progress(self, share: float) -> None:
        """Note a share."""
        self.shares.append(share)

    def check(self) -> None:
        """Cancel when it is time."""
        if self.shares and self.shares[-1] >= self.cancel_at:
            raise EngineFaultError("the take was cancelled")


def shoot(
    engine: WanEngine,
    recipe: Recipe,
    *,
    keyframe: Frame | None = None,
    memory: Sequence[RecalledFrame] = (),
) -> tuple[list[Frame], Footage]:
    """All frames of a take, and the rest of it."""
    footage = engine.render(recipe, keyframe=keyframe, memory=memory, control=Recorder())
    assert footage.frames is not None
    return list(footage.frames), footage


def latents_of(footage: Footage) -> bytes:
    """Latents of a take, which are there."""
    assert footage.latents is not None
    return footage.latents


def recalled(lineage: Sequence[Remembered], takes: Sequence[EarlierTake]) -> list[RecalledFrame]:
    """What the stage hands over for a lineage."""
    contents = {one.take.address: one.read_latents() for one in takes}
    return [
        RecalledFrame(source=one, latent_CHW=unpack_latents(contents[one.take])[one.frame_index])
        for one in lineage
    ]


def needs_picture(kind: Kind) -> bool:
    """Whether an architecture starts from a first frame only."""
    return kind in ("i2v", "a14b-i2v")


def stock_film(folder: Path, recipe: Recipe, engine: WanEngine, first: Frame | None) -> Any:
    """What diffusers' own pipeline draws of a recipe, `F H W 3` in [0, 1]; nothing of ours."""
    pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    parts = dict(pipeline.components)
    times = {"expand_timesteps": pipeline.config.expand_timesteps}
    times["boundary_ratio"] = pipeline.config.boundary_ratio
    for image_part in ("image_encoder", "image_processor"):
        parts.setdefault(image_part, None)
    reader = {name: part for name, part in parts.items() if not name.startswith("image_")}
    # The image pipeline reads captions with a package that need not be there; they are the same.
    with torch.no_grad():
        prompt, negative = diffusers.WanPipeline(**reader, **times).encode_prompt(
            prompt=engine._caption(recipe),
            negative_prompt=recipe.negative_caption,
            max_sequence_length=CAPTION_TOKENS,
        )
    image = {}
    stock: Any = diffusers.WanPipeline(**reader, **times)
    if first is not None:
        stock = diffusers.WanImageToVideoPipeline(**parts, **times)
        image = {"image": Image.fromarray(first)}
    stock.set_progress_bar_config(disable=True)
    low = {"guidance_scale_2": engine.config.guidance_low} if "a14b" in folder.name else {}
    return stock(
        prompt_embeds=prompt,
        negative_prompt_embeds=negative,
        height=recipe.height,
        width=recipe.width,
        num_frames=recipe.num_frames,
        num_inference_steps=engine.config.steps,
        guidance_scale=engine.config.guidance,
        generator=torch.Generator().manual_seed(recipe.seed),
        **low,
        **image,
    ).frames[0]


@pytest.mark.parametrize("kind", KINDS)
def test_without_memory_a_take_is_what_the_stock_pipeline_draws(
    kind: Kind,
    engine_of: EngineOf,
    folder_of: Callable[[Kind], Path],
    recipe_of: RecipeOf,
    first_frame: Frame,
) -> None:
    """To the bit, for every architecture, from a caption or from a first frame."""
    engine = engine_of(kind)
    recipe = recipe_of(engine)
    firsts = [first_frame] if needs_picture(kind) else [None]
    if kind == "ti2v":
        firsts.append(first_frame)
    for first in firsts:
        frames, _ = shoot(engine, recipe, keyframe=first)

        stock = stock_film(folder_of(kind), recipe, engine, first)
        assert np.array_equal(np.stack(frames), (stock * 255).round().astype(np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_a_take_that_remembers_is_another_one(
    kind: Kind, engine_of: EngineOf, recipe_of: RecipeOf, filmed: Filmed, first_frame: Frame
) -> None:
    """What is remembered changes what is drawn, the same each time, and leaves nothing behind."""
    engine = engine_of(kind)
    keyframe = first_frame if needs_picture(kind) else None
    earlier = recipe_of(engine, seed=8)
    take = filmed(earlier, latents_of(shoot(engine, earlier, keyframe=keyframe)[1]))
    recipe = recipe_of(engine)
    lineage = engine.recall(recipe, [take])
    plain, _ = shoot(engine, recipe, keyframe=keyframe)

    memory = recalled(lineage, [take])
    frames, footage = shoot(engine, recipe, keyframe=keyframe, memory=memory)
    again, _ = shoot(engine, recipe, keyframe=keyframe, memory=memory)

    assert len(lineage) == 1
    assert not np.array_equal(np.stack(frames), np.stack(plain))
    assert np.array_equal(np.stack(frames), np.stack(again))
    assert np.array_equal(np.stack(shoot(engine, recipe, keyframe=keyframe)[0]), np.stack(plain))
    assert footage.remarks == (
        "The memory is read by stock weights, which were never trained to read one.",
    )
