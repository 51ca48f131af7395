"""
How large should the pocket model draw? What a size costs, and the best that can be read off it.

    random weights ── one step of the sampler, sizes by turns ───────────────── CPU milliseconds
    held-out shots ── drawn at a size ─┬──────────────────────┬─ 160 x 288 ── Reader ── right
                                       └─ codec of that size ─┘

One thread, CPU time, not the clock's. What a busy machine adds it adds to every size alike: trust
ratios, not milliseconds. `docs/native-size.md` says what the figures do not show.

    python tests/benchmarks/native_size.py [--json] [--stories 12] [--sizes 96x160 160x288 …]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from onestory.bench.cases import Case, cases
from onestory.diffusion.codec import BlockCodec
from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import PocketModules, PocketSize, new_modules
from onestory.diffusion.sampling import Sampling, sample
from onestory.diffusion.text import TEXT_DIM
from onestory.engines.pocket.model import LATENT_FRAMES
from onestory.engines.pocket.picture import CELL, Grid
from onestory.evaluation.coverage import HEIGHT, WIDTH
from onestory.evaluation.footage import Frames, coded
from onestory.evaluation.measures import (
    Filmed,
    Interval,
    Item,
    bootstrap,
    missing_share,
    read_out,
)
from onestory.evaluation.reader import shared_reader
from onestory.memory.budget import PATCH, solve_layout, tokens_per_frame
from onestory.memory.showing import OWNERS, SHOWN
from onestory.resampling import filled
from onestory.storyworld.render import draw_scene
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.stories import tell_story
from onestory.training.run import CODEC_STORIES

SIZES = ("96x160", "128x224", "160x288", "192x352", "224x384")
"""For 6, 8, 10, 12 and 14 columns of cells the even number of rows that is nearest to 9:16."""

BUDGET = 2.0
"""Of memory, in latent-frame equivalents."""
CANDIDATES = 5 * LATENT_FRAMES
"""Latent frames of the earlier shots, of which the memory is chosen."""
TEXT_TOKENS = 48
ROUNDS = 30

CODEC_BLOCKS = 15_000
"""Of each codec. The smallest size has hardly more in eight stories."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What is read off shots of one size."""

    shares: tuple[float, ...]
    """Of attributes that are right, one a story, in [0, 1]."""
    missing: float
    """Share of what was asked of people who were not found, in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What is known of one size."""

    size: str
    tokens: int
    """Of a shot of 17 frames."""
    memory_tokens: int
    step_ms: float
    """CPU milliseconds of one step of the sampler, median of the rounds."""
    ratio: float
    """The same against the smallest size, median over rounds of the quotient of the two."""
    drawn_right: float
    """Share of attributes that are read right before the codec."""
    right: Interval
    """The same behind it: the ceiling of whatever draws these latents."""
    gained: Interval | None
    """On the next smaller size, story by story; None for the smallest."""
    missing: float
    """Share of what was asked of people who were not found, behind the codec."""


def step_seconds(
    modules: PocketModules, grids: Sequence[Grid], *, rounds: int
) -> list[tuple[float, ...]]:
    """
    Time one step of the sampler: the model with caption and memory, and without.

    Args:
        modules: Any weights: they do not change what a step costs.
        grids: Sizes that take turns.
        rounds: How often every one is timed.

    Returns:
        CPU seconds of every grid in every round.
    """
    generator = torch.Generator().manual_seed(0)
    text_1TE = torch.randn(1, TEXT_TOKENS, TEXT_DIM, generator=generator)
    text_1TE = torch.nn.functional.pad(text_1TE, (0, OWNERS))
    memories = [_remembered(modules, grid, text_1TE, generator) for grid in grids]
    noises = [
        torch.randn(
            (1, modules.channels, LATENT_FRAMES, grid.rows, grid.columns), generator=generator
        )
        for grid in grids
    ]
    seconds: list[list[float]] = [[] for _ in grids]
    for turn in range(rounds + 1):
        for taken, noise_1CFhw, memory in zip(seconds, noises, memories, strict=True):
            started = time.process_time()
            sample(modules, noise_1CFhw, text_1TE, memory=memory, sampling=Sampling(steps=1))
            # The first round warms up.
            if turn:
                taken.append(time.process_time() - started)
    return [tuple(taken) for taken in seconds]


def _remembered(
    modules: PocketModules, grid: Grid, text_1TE: torch.Tensor, generator: torch.Generator
) -> MemoryCache:
    """Let the selector choose among random frames, as the engine does among earlier shots."""
    cells = (grid.rows, grid.columns)
    history_1MChw = torch.randn((1, CANDIDATES, modules.channels, *cells), generator=generator)
    layout = solve_layout(BUDGET, CANDIDATES, cells)
    with torch.inference_mode(), PlainAttention(), torch.autocast("cpu", torch.bfloat16):
        told_1MChw = torch.nn.functional.pad(history_1MChw, (0, 0, 0, 0, 0, SHOWN))
        best_M = modules.selector(told_1MChw, text_1TE)[0].argsort(descending=True)
        return modules.remember(history_1MChw[:, best_M[: layout.num_frames]], layout.levels)


def fitted_codec(grid: Grid, *, num_stories: int, channels: int) -> BlockCodec:
    """Fit a codec to clips that are drawn at a size, of stories that nothing is read off."""
    clips = [
        _drawn(shot.scene, grid)
        for seed in CODEC_STORIES[:num_stories]
        for shot in tell_story(seed).shots
    ]
    codec = BlockCodec(channels=channels, block=CELL, refine_width=0, upscale=1)
    codec.fit(torch.from_numpy(np.stack(clips)), max_blocks=CODEC_BLOCKS)
    return codec


def read_size(told: Sequence[Case], grid: Grid, codec: BlockCodec) -> tuple[Reading, Reading]:
    """
    Read stories that are drawn at a size.

    Args:
        told: The stories.
        grid: The size.
        codec: Fitted to it.

    Returns:
        What is read off them as they were drawn, and as they were decoded.
    """
    before: list[list[Item]] = []
    behind: list[list[Item]] = []
    for case in told:
        shots = [_drawn(shot.scene, grid) for shot in case.story.shots]
        before.append(_items(case, shots))
        behind.append(_items(case, [coded(frames_THW3, codec) for frames_THW3 in shots]))
    return _reading(before), _reading(behind)


def _drawn(scene: SceneSpec, grid: Grid) -> Frames:
    return np.stack(list(draw_scene(scene, grid.width, grid.height)))


def _items(case: Case, shots: Sequence[Frames]) -> list[Item]:
    # A delivery shows the middle of what is drawn, and what is to be seen is known of 160 x 288.
    shown = [
        np.stack([filled(frame_HW3, width=WIDTH, height=HEIGHT) for frame_HW3 in frames_THW3])
        for frames_THW3 in shots
    ]
    filmed = Filmed(story=case.story, shots=tuple(shared_reader().read_shots(shown)))
    return read_out(filmed, case.truths)


def _reading(items: Sequence[Sequence[Item]]) -> Reading:
    return Reading(
        shares=tuple(float(np.mean([item.right for item in story])) for story in items),
        missing=missing_share(item for story in items for item in story).share,
    )


def measure(
    grids: Sequence[Grid], *, num_stories: int, num_codec_stories: int, rounds: int
) -> list[Row]:
    """
    Measure sizes, the smallest first.

    Args:
        grids: The sizes.
        num_stories: How many held-out stories are read.
        num_codec_stories: How many others every codec is fitted to.
        rounds: How often a step is timed.
    """
    grids = sorted(grids, key=lambda grid: grid.rows * grid.columns)
    torch.manual_seed(0)
    size = PocketSize()
    modules = new_modules(size).eval().requires_grad_(False)
    seconds = step_seconds(modules, grids, rounds=rounds)
    told = cases(num_stories)
    rows: list[Row] = []
    smaller: Reading | None = None
    for grid, taken in zip(grids, seconds, strict=True):
        codec = fitted_codec(grid, num_stories=num_codec_stories, channels=size.channels)
        before, behind = read_size(told, grid, codec)
        cells = (grid.rows, grid.columns)
        ratios = [own / least for own, least in zip(taken, seconds[0], strict=True)]
        rows.append(
            Row(
                size=f"{grid.width}x{grid.height}",
                tokens=LATENT_FRAMES * tokens_per_frame(*cells, PATCH),
                memory_tokens=solve_layout(BUDGET, CANDIDATES, cells).num_tokens,
                step_ms=1000 * statistics.median(taken),
                ratio=statistics.median(ratios),
                drawn_right=float(np.mean(before.shares)),
                right=bootstrap(behind.shares),
                gained=None if smaller is None else _gained(smaller, behind),
                missing=behind.missing,
            )
        )
        smaller = behind
    return rows


def _gained(smaller: Reading, larger: Reading) -> Interval:
    pairs = zip(smaller.shares, larger.shares, strict=True)
    return bootstrap([more - less for less, more in pairs])


def table(rows: Sequence[Row]) -> str:
    """Write the rows as Markdown."""
    lines = [
        "| size | tokens of a shot | of its memory | step, CPU ms | against the smallest | "
        "right as drawn, % | right, % | gained, points | people missing, % |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.size} | {row.tokens} | {row.memory_tokens} | {row.step_ms:.0f} | {row.ratio:.2f} "
        f"| {100 * row.drawn_right:.1f} | {_percent(row.right)} | {_percent(row.gained, '+')} "
        f"| {100 * row.missing:.1f} |"
        for row in rows
    ]
    return "\n".join(lines)


def _percent(interval: Interval | None, sign: str = "") -> str:
    if interval is None:
        return ""
    mean, low, high = (100 * value for value in (interval.mean, interval.low, interval.high))
    return f"{mean:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})"


def _grid(text: str) -> Grid:
    """Read a size such as 160x288. A token covers two cells of 16 pixels each way."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"a size is written 160x288, got {text!r}")
    if int(width) % (PATCH[2] * CELL) or int(height) % (PATCH[1] * CELL):
        raise argparse.ArgumentTypeError(f"sides must divide by {PATCH[2] * CELL}, got {text}")
    return Grid(int(height) // CELL, int(width) // CELL)


def main() -> None:
    """Measure every size in one run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--stories", type=int, default=12)
    parser.add_argument("--codec-stories", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--sizes", type=_grid, nargs="+", default=[_grid(one) for one in SIZES])
    asked = parser.parse_args()
    # CPU time of several threads that wait for each other says little.
    torch.set_num_threads(1)
    rows = measure(
        asked.sizes,
        num_stories=asked.stories,
        num_codec_stories=asked.codec_stories,
        rounds=asked.rounds,
    )
    if asked.json:
        document = {
            "stories": asked.stories,
            "codec_stories": asked.codec_stories,
            "rounds": asked.rounds,
            "sizes": [asdict(row) for row in rows],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    sys.stdout.write(table(rows) + "\n")


if __name__ == "__main__":
    main()
