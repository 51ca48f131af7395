"""
Does a long film cost more? One denoising step of shot 2, 5, 10, 20 and 40, under three rules.

    adaptive       every earlier frame is a candidate, the budget says how many are read
    fixed window   frames of the last shot
    full history   every frame of every earlier shot, each cut finely

Timed in turns, so that a busy machine is as unfair to one shot as to the other. Memory is counted,
not measured: keys and values of all blocks.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import PocketModules
from onestory.memory.budget import LEVELS, solve_layout
from onestory.memory.showing import OWNERS, SHOWN

SHOTS = (2, 5, 10, 20, 40)
RULES = ("adaptive", "fixed_window", "full_history")


@dataclass(frozen=True, kw_only=True, slots=True)
class StepCost:
    """What a denoising step costs at one shot of a film."""

    rule: str
    shot: int
    memory_tokens: int
    memory_megabytes: float
    """Keys and values of the memory."""
    step_milliseconds: float
    """Median of the rounds."""
    select_milliseconds: float
    """Scoring every candidate, cutting and reading the chosen ones: once a shot."""
    ratio: float
    """Step, against shot 2 of the same rule: median over rounds of the quotient of the two."""


def measure_cost(
    modules: PocketModules,
    *,
    shots: Sequence[int] = SHOTS,
    rounds: int = 15,
    budget: float = 1.0,
    num_frames: int = 5,
    grid: tuple[int, int] = (18, 10),
    text_tokens: int = 48,
) -> list[StepCost]:
    """
    Time denoising steps.

    Args:
        modules: Any weights: they do not change what a step costs.
        shots: Numbers of shots, the first of them is what others are compared with.
        rounds: How often every one is timed.
        budget: Latent-frame equivalents, for the adaptive rule and the window.
        num_frames: Latent frames of a shot.
        grid: Latent cells.
        text_tokens: Of the caption.

    Returns:
        One row for each rule and shot.
    """
    generator = torch.Generator().manual_seed(0)
    noisy_1CFhw = torch.randn(1, modules.channels, num_frames, *grid, generator=generator)
    text_dim = int(modules.transformer.config["text_dim"])
    text_1TE = torch.randn(1, text_tokens, text_dim, generator=generator)
    text_1TE[..., -OWNERS:] = 0.0
    share_1F = torch.full((1, num_frames), 0.5)
    with torch.inference_mode(), PlainAttention(), torch.autocast("cpu", torch.bfloat16):
        memories: dict[tuple[str, int], MemoryCache] = {}
        selects: dict[tuple[str, int], float] = {}
        for rule in RULES:
            for shot in shots:
                history = torch.randn(
                    1, (shot - 1) * num_frames, modules.channels, *grid, generator=generator
                )
                started = time.perf_counter()
                memories[rule, shot] = _remember(
                    modules, rule, history, text_1TE, budget, grid, num_frames
                )
                selects[rule, shot] = time.perf_counter() - started
        seconds: dict[tuple[str, int], list[float]] = {key: [] for key in memories}
        for turn in range(rounds + 1):
            for key, memory in memories.items():
                started = time.perf_counter()
                modules.denoise(noisy_1CFhw, share_1F, text_1TE, per_token=False, memory=memory)
                # The first round warms up.
                if turn:
                    seconds[key].append(time.perf_counter() - started)
    rows = []
    for (rule, shot), memory in memories.items():
        first = seconds[rule, shots[0]]
        ratios = [own / base for own, base in zip(seconds[rule, shot], first, strict=True)]
        size = sum(t.numel() * t.element_size() for block in memory.blocks for t in block)
        rows.append(
            StepCost(
                rule=rule,
                shot=shot,
                memory_tokens=memory.num_tokens,
                memory_megabytes=round(size / 1e6, 3),
                step_milliseconds=round(1000 * statistics.median(seconds[rule, shot]), 2),
                select_milliseconds=round(1000 * selects[rule, shot], 2),
                ratio=round(statistics.median(ratios), 3),
            )
        )
    return rows


def _remember(
    modules: PocketModules,
    rule: str,
    history_1MChw: torch.Tensor,
    text_1TE: torch.Tensor,
    budget: float,
    grid: tuple[int, int],
    num_frames: int,
) -> MemoryCache:
    if rule == "fixed_window":
        history_1MChw = history_1MChw[:, -num_frames:]
    num = history_1MChw.shape[1]
    if rule == "full_history":
        chosen, levels = history_1MChw, (0,) * num
    else:
        if rule == "adaptive":
            told_1MChw = functional.pad(history_1MChw, (0, 0, 0, 0, 0, SHOWN))
            scores_1M = modules.selector(told_1MChw, text_1TE)
        else:
            scores_1M = torch.arange(num).float()[None]
        layout = solve_layout(budget, num, grid, LEVELS)
        order = scores_1M[0].argsort(descending=True)[: layout.num_frames]
        chosen, levels = history_1MChw[:, order], layout.levels
    shown_1KOhw = torch.zeros(1, len(levels), SHOWN, *grid)
    return modules.remember(chosen, levels, shown_1KOhw)


def cost_table(rows: Sequence[StepCost]) -> str:
    """Write the rows as Markdown."""
    lines = [
        "| rule | shot | memory tokens | keys and values, MB | select, ms | step, ms | against "
        f"shot {rows[0].shot} |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.rule.replace('_', ' ')} | {row.shot} | {row.memory_tokens} | "
        f"{row.memory_megabytes:.2f} | {row.select_milliseconds:.1f} | "
        f"{row.step_milliseconds:.1f} | {row.ratio:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)
