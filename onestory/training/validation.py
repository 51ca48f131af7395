"""
Is the run getting anywhere? Losses on stories that it never sees, and pictures of them.

    held-out stories ──┬── the same batches and the same noise, every time ── losses
                       └── whole stories, drawn shot after shot as the engine does ── sheet

    sheet    truth   │ shot 1 │ shot 2 │ …       a story takes two rows
             drawn   │ shot 1 │ shot 2 │ …       from captions and its own memory alone
"""

from collections.abc import Iterator, Sequence
from statistics import fmean

import numpy as np
import torch
from PIL import Image

from onestory.diffusion.blocking import cast_of
from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import PocketModules
from onestory.diffusion.sampling import Sampling
from onestory.documents import Digest, digest_of
from onestory.engines.pocket.model import FRAMES, PocketModel, middles
from onestory.engines.pocket.picture import CELL, Grid
from onestory.engines.protocol import Frame
from onestory.memory.bank import MemoryBank
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.stories import Story, Telling, tell_story
from onestory.training.batches import Stories
from onestory.training.config import TrainingConfig
from onestory.training.objective import Teacher, losses
from onestory.training.shards import Drawing, told_of

BATCHES = 4
"""Batches of each kind that a validation looks at."""

LARGEST_BATCH = 16

DATA, DRAWS = 2, 3
"""What the random numbers of a validation are for; a step's have other numbers."""


def held_out_losses(
    modules: PocketModules, teacher: Teacher, stories: Stories, config: TrainingConfig
) -> dict[str, float]:
    """
    Compute losses on held-out stories.

    Args:
        modules: What is validated.
        teacher: The heads that go with it.
        stories: Held-out stories.
        config: Of the run; of every kind of sample, what the last phase with it asks.

    Returns:
        Mean of every part of the loss by kind: `held out flow of shot` … Equal modules give
        equal numbers.
    """
    last = {kind: phase for phase in config.phases for kind in phase.kinds}
    found: dict[str, float] = {}
    for kind, phase in last.items():
        told: list[dict[str, float]] = []
        for number in range(BATCHES):
            size = min(phase.kinds[kind].batch, LARGEST_BATCH)
            batch = stories.batch(kind, size, (config.seed, number, DATA))
            rng = np.random.default_rng([config.seed, number, DRAWS])
            with torch.no_grad(), PlainAttention(), torch.autocast("cpu", torch.bfloat16):
                told.append(losses(modules, teacher, batch, config, phase, rng).told)
        for part in told[0].keys() - {"memory"}:
            values = [one[part] for one in told if part in one]
            found[f"held out {part} of {kind}"] = fmean(values)
    return found


def draw_story(
    model: PocketModel,
    story: Story,
    *,
    grid: Grid,
    num_frames: int = FRAMES,
    budget: float = 1.0,
    sampling: Sampling,
) -> Iterator[Frame]:
    """
    Draw a whole story from its captions, every shot remembering those before it.

    Args:
        model: Who draws.
        story: What is told.
        grid: Size of the frames.
        num_frames: Of every shot, as drawn.
        budget: Memory budget of every shot, in latent-frame equivalents.
        sampling: Steps and guidance.

    Yields:
        For every shot its frames, `T H W 3`, uint8.
    """
    bank = MemoryBank()
    for number, shot in enumerate(story.shots):
        text_TE = model.read(told_of(shot))
        cast = cast_of(shot.scene, shot.place)
        chosen = model.recall(bank, text_TE, shot=number, budget=budget, cast=cast)
        stretches = list(
            model.draw(
                text_TE,
                grid=grid,
                num_frames=num_frames,
                seed=shot.scene.seed,
                memory=model.remember(
                    chosen.latents_KCHW,
                    chosen.layout.levels,
                    chosen.shown_KOHW,
                    chosen.staged_KSHW,
                ),
                blocking=model.block(shot.scene, grid, range(num_frames)),
                sampling=sampling,
            )
        )
        latent_FChw = np.concatenate([stretch.latents_FChw for stretch in stretches])
        bank.remember(
            torch.from_numpy(latent_FChw),
            take=_name(story, number),
            slate=f"story-{story.seed}-{number + 1:03d}",
            shot=number,
            figures=model.figures(shot.scene, grid, middles(num_frames), shot.place),
        )
        yield np.concatenate([stretch.frames_THW3 for stretch in stretches])


def story_sheet(
    model: PocketModel, seeds: Sequence[int], *, num_shots: int, sampling: Sampling
) -> Image.Image:
    """
    Put held-out stories beside what becomes of them.

    Args:
        model: Who draws.
        seeds: Which stories.
        num_shots: Shots of each.
        sampling: Steps and guidance.

    Returns:
        A picture: two rows a story, the truth above what was drawn; the middle of every shot.
    """
    drawing = Drawing()
    width, height = drawing.width, drawing.height
    sheet = Image.new("RGB", (num_shots * width, 2 * len(seeds) * height))
    grid = Grid(height // CELL, width // CELL)
    for row, seed in enumerate(seeds):
        story = tell_story(seed, telling=Telling(num_shots=num_shots))
        drawn = draw_story(model, story, grid=grid, sampling=sampling)
        for column, (shot, frames_THW3) in enumerate(zip(story.shots, drawn, strict=True)):
            truth = SceneRenderer(shot.scene, width, height).frame(FRAMES // 2)
            made = Image.fromarray(frames_THW3[FRAMES // 2]).resize((width, height))
            sheet.paste(Image.fromarray(truth), (column * width, 2 * row * height))
            sheet.paste(made, (column * width, (2 * row + 1) * height))
    return sheet


def _name(story: Story, number: int) -> Digest:
    return digest_of(f"story {story.seed} shot {number}".encode())
