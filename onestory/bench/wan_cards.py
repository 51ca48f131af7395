"""
Which Wan fits which card, and how long does a shot take? A document, made of configurations.

    KNOWN ── configurations ── estimate ── fits, fits offloaded, does not fit ──┐
    FIGURES ── operations ── seconds of a shot ─────────────────────────────────┴── Markdown

Kept in `docs/wan-cards.md` by `onestory bench engine --document docs/wan-cards.md`.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from onestory.bench.looking import NAMES, Sizes
from onestory.bench.wan_shot import (
    GIB,
    estimate_words,
    full_shot,
    load_words,
    remembering_words,
    shot_words,
)
from onestory.bench.wan_speeds import FIGURES, Figure, expected_seconds, step_operations
from onestory.engines.wan.card import WanCard, WanConfig, read_card, usual_config
from onestory.engines.wan.estimate import PARTS, Need, Part, count_weights, estimate
from onestory.engines.wan.known import KNOWN, KnownWan, write_configurations
from onestory.engines.wan.picture import drawn_size
from onestory.memory.budget import PATCH, tokens_per_frame

BUDGETS = (0, 1, 8)
"""Latent frames that a shot remembers."""
CARDS: tuple[tuple[int, str], ...] = (
    (16, ""),
    (24, "RTX 4090"),
    (32, ""),
    (48, ""),
    (80, "A100"),
    (80, "H100"),
)
"""Memory in GB, and a GPU of which somebody published how long it takes."""
MARGIN = 0.05
"""Share of a card that is left to CUDA itself, and to what an allocator cannot use."""

FITS, OFFLOADED, DOES_NOT = "fits", "fits offloaded", "does not fit"

PRINTS: Mapping[str, tuple[str, str]] = {
    "weights": ("yes", "the model's name, and a digest: equal wherever the files are equal"),
    "estimate": ("", "tokens and GiB as in the model's block below; `warns` if the card has less"),
    "load": ("yes", "GiB as in the block below, to the byte"),
    "stock pipeline": ("yes", "`equal to the bit`"),
    "same seed": ("yes", "`twice`, and the digest of the line before"),
    "memory is read": ("yes", "`another take`, and another digest"),
    "shot": (
        "tokens",
        "tokens as in the block below; `warns` if drawing took a tenth more memory than estimated",
    ),
    "decoding": ("", "`warns` if decoding took a tenth more memory than estimated"),
    "remembering": ("tokens", "tokens as in the block below; the same of memory"),
    "night": ("", "episodes of two minutes"),
}
"""Whether it must hold, and what is printed, of every check."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What is counted of a published model, at its usual size."""

    known: KnownWan
    card: WanCard
    config: WanConfig
    width: int
    height: int
    frame_tokens: int
    """Of one latent frame."""
    needs: Mapping[int, Need]
    """By budget."""

    @property
    def tokens(self) -> int:
        """Of a shot."""
        return self.needs[0].num_tokens

    @property
    def full(self) -> Sizes:
        """The shot, as it is delivered."""
        return full_shot(self.config)

    @property
    def must_print(self) -> dict[str, str]:
        """How lines begin that a bench of it prints, with one frame remembered, by check."""
        need, frame = self.needs[1], self.frame_tokens
        return {
            "estimate": estimate_words(self.full, self.tokens, need.total_bytes),
            "load": load_words(need.weight_bytes),
            "shot": shot_words(self.tokens),
            "remembering": remembering_words(frame, 1, frame),
        }

    def verdict(self, card_gb: int, budget: int) -> str:
        """Say whether a shot fits a card."""
        there = card_gb * GIB * (1 - MARGIN)
        need = self.needs[budget]
        if need.total_bytes <= there:
            return FITS
        return OFFLOADED if need.offloaded_bytes <= there else DOES_NOT


_Parts = dict[tuple[str, str, str], Part]
"""What was counted already, by name of the part, its configuration and dtype."""


def count(known: KnownWan, counted: _Parts | None = None) -> Counted:
    """
    Count what a published model takes for a shot of its usual size.

    Args:
        known: Which.
        counted: Parts of other models, of which most share some; what is new is added.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = write_configurations(known, Path(place) / known.name)
        card = read_card(folder)
        config = usual_config(card)
        parts = _parts(folder, config, {} if counted is None else counted)
        full = full_shot(config)
        width, height = drawn_size(
            full.width, full.height, multiple_of=card.multiple_of, area=config.area
        )
        # A folder that names no parts has none that are counted again for every budget.
        (folder / "model_index.json").write_text("{}", "utf-8")
        needs = {
            budget: replace(
                estimate(
                    folder,
                    card,
                    config,
                    width=width,
                    height=height,
                    num_frames=config.stretch_frames,
                    memory_budget=budget,
                ),
                parts=parts,
            )
            for budget in BUDGETS
        }
    return Counted(
        known=known,
        card=card,
        config=config,
        width=width,
        height=height,
        frame_tokens=tokens_per_frame(height // card.spatial, width // card.spatial, PATCH),
        needs=needs,
    )


def _parts(folder: Path, config: WanConfig, counted: _Parts) -> tuple[Part, ...]:
    """Count the weights of every part, but those that were counted for another model."""
    index_path = folder / "model_index.json"
    index = json.loads(index_path.read_text("utf-8"))
    parts = []
    for name in (part for part in PARTS if part in index):
        # The second expert is built as the first one is.
        kind = name.removesuffix("_2")
        key = (kind, (folder / name / "config.json").read_text("utf-8"), config.dtype)
        if key not in counted:
            index_path.write_text(json.dumps({name: index[name]}), "utf-8")
            (counted[key],) = count_weights(folder, config)
        parts.append(replace(counted[key], name=name))
    return tuple(parts)


def document() -> str:
    """Write the whole page."""
    parts: _Parts = {}
    counted = [count(known, parts) for known in KNOWN]
    sections = [line for one in counted for line in _section(one)]
    return "\n".join([*_heading(), *sections]) + "\n"


def _heading() -> Iterator[str]:
    yield from (
        "# Which Wan fits which card",
        "",
        "This page is made of configurations, and kept by "
        "`onestory bench engine --document docs/wan-cards.md`; nothing on it was measured by us. "
        "`onestory bench engine` measures, on your GPU, what it says.",
        "",
        "For every published model: a shot of five seconds for a vertical film, at the size, "
        "length and steps of the model's card, in bfloat16 with the VAE in float32.",
        "Weights are counted to the byte by the real classes. Steps and decoding are sums of their "
        "largest tensors ([what it takes](wan.md#what-it-takes)): about right, not a promise.",
        f"GB of a card are taken as GiB, and {100 * MARGIN:.0f} % of them are left free.",
        "*Remembered* are latent frames (`memory_budget`), cut at the model's own patch, as stock "
        "weights read them. *Offloaded* is with `is_offloaded`: parts wait in main memory in turn, "
        "which has to hold all weights. Where even that does not fit, layers can wait "
        "([ladder](wan.md#when-the-device-has-too-little-memory)), far slower.",
        "",
        "## What to run first",
        "",
        "With the settings of the model's block below; the second line of options where its table "
        "says *fits offloaded*:",
        "",
        "```",
        "onestory doctor                  # device memory: ok, or what to change",
        "onestory bench engine --quick    # minutes: every check on small takes",
        "onestory bench engine            # a whole shot, and some steps of one that remembers it",
        "```",
        "",
        "Each check is a line: its name, `ok`, `warns`, `FAILS` or `not asked`, and what was "
        "found. What fails or warns has a second line that says what to do. `--json` has every "
        "number. The exit code is 0 if all holds that must, and 1 if not.",
        "",
        "| line | what it is about | must hold | what it must print |",
        "| --- | --- | --- | --- |",
    )
    for name, what in NAMES.items():
        must, prints = PRINTS[name]
        yield f"| `{name}` | {what} | {must} | {prints} |"
    yield from (
        "",
        "`stock pipeline` is not asked with `step_cache`, `attention_backend` or `is_compiled`, "
        "which change the last digits. It loads the weights once more, by diffusers alone, and "
        "lets them go before the engine loads its own.",
        "",
        "## Published seconds",
        "",
        "| | model | GPU | shot | steps | seconds | source |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    )
    for number, figure in enumerate(FIGURES, start=1):
        yield (
            f"| {number} | {figure.model} | {figure.gpu} | {figure.num_frames} frames of "
            f"{figure.size} | {figure.steps} | {figure.seconds:.1f} | {figure.source} |"
        )
    low, high = agreement()
    yield from (
        "",
        "One GPU each, one shot, as others say. The vendor's tables print neither frames nor "
        "steps: its five-second shots, and the steps of its program, are assumed; a user has seen "
        "1,600 s where 1,056 s is printed (Wan-Video/Wan2.2#88). The vendor's are of its own "
        "code: figure 3, of diffusers, is "
        f"{FIGURES[2].seconds / FIGURES[7].seconds:.2f} times figure 8, of as many tokens.",
        "",
        "Every other number of seconds is an **extrapolation**:",
        "",
        "    seconds = published seconds x steps x O / (published steps x published O)",
        "    O = layers x (2 n (6 d² + 2 d f) + 4 n d (n + m + 512))",
        "",
        "with n tokens, m remembered ones, d the width and f the feed-forward width of the "
        "transformer; where the memory is read with the shot (`joint`), n counts it as well. It is "
        "taken from a figure of the same model on that GPU, else from the one on that GPU whose "
        "step is nearest. Text, decoding and waiting for offloaded parts are not in it, nor "
        "whether memory or kernels are the bottleneck.",
        "Held against each other, figures of the same GPU are met within a factor of "
        f"{low:.2f} to {high:.2f}.",
    )


def agreement() -> tuple[float, float]:
    """
    Extrapolate every figure from every other one of its GPU.

    Returns:
        Smallest and largest quotient of extrapolated and published seconds.
    """
    widths = {one.name: one.transformer for one in KNOWN}

    def rate(figure: Figure) -> float:
        work = step_operations(widths[figure.model], tokens=figure.tokens)
        return figure.steps * work / figure.seconds

    pairs = combinations(FIGURES, 2)
    found = [rate(one) / rate(other) for one, other in pairs if one.gpu == other.gpu]
    found += [1 / quotient for quotient in found]
    return min(found), max(found)


def _section(counted: Counted) -> Iterator[str]:
    known, config, need = counted.known, counted.config, counted.needs[1]
    options = {"weights": known.hub}
    weights = ", ".join(
        f"{part.name} {part.num_bytes / GIB:.2f}" for part in counted.needs[0].parts
    )
    yield from (
        "",
        f"## {known.name}",
        "",
        f"{config.stretch_frames} frames of {counted.width}x{counted.height} at {config.fps} a "
        f"second, {config.steps} steps: {counted.tokens:,} tokens. Weights: "
        f"{need.weight_bytes / GIB:.2f} GiB ({weights}).",
        "",
        "| remembered | tokens of it | step | memory | decoding | at most | offloaded, at most |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    )
    for budget, one in counted.needs.items():
        sizes = (
            *(one.step_bytes, one.memory_bytes, one.decode_bytes),
            *(one.total_bytes, one.offloaded_bytes),
        )
        cells = [str(budget), f"{budget * counted.frame_tokens:,}"]
        cells += [f"{size / GIB:.1f} GiB" for size in sizes]
        yield f"| {' | '.join(cells)} |"
    remembered = [f"{budget} remembered" for budget in BUDGETS]
    yield from (
        "",
        f"| card | {' | '.join(remembered)} | seconds a shot | from |",
        "| --- | --- | --- | --- | --- | --- |",
    )
    for card_gb, gpu in CARDS:
        verdicts = [counted.verdict(card_gb, budget) for budget in BUDGETS]
        seconds, source = _seconds(counted, gpu, verdicts)
        card = f"{card_gb} GB" + (f" ({gpu})" if gpu else "")
        yield f"| {card} | {' | '.join(verdicts)} | {seconds} | {source} |"
    yield from (
        "",
        "```",
        f"hf download {known.hub}",
        "export ONESTORY_ENGINE=wan",
        f"export ONESTORY_ENGINE_OPTIONS='{json.dumps(options)}'",
        f"export ONESTORY_ENGINE_OPTIONS='{json.dumps({**options, 'is_offloaded': True})}'",
        "```",
        "",
        "must print, with one frame remembered (offloaded: "
        f"{need.offloaded_bytes / GIB:.2f} GiB in `estimate`):",
        "",
        "```",
        *(f"{name:<15}ok        {words}" for name, words in counted.must_print.items()),
        "```",
    )


def _seconds(counted: Counted, gpu: str, verdicts: list[str]) -> tuple[str, str]:
    """Seconds of a shot for each budget, and where they are from."""
    widths = {one.name: one.transformer for one in KNOWN}
    if all(verdict == DOES_NOT for verdict in verdicts):
        return "", ""
    found = [
        expected_seconds(
            counted.known.name,
            gpu,
            widths,
            steps=counted.config.steps,
            tokens=counted.tokens,
            remembered=budget * counted.frame_tokens,
            is_kept=counted.config.attention == "cached",
        )
        for budget in BUDGETS
    ]
    first = found[0]
    if first is None:
        return "no published figure", ""
    shown = [
        "–" if verdict == DOES_NOT or one is None else f"{one.seconds:,.0f}"
        for one, verdict in zip(found, verdicts, strict=True)
    ]
    source = f"figure {first.number}"
    if first.is_published:
        source += "; with a memory extrapolated"
    else:
        source += f" ({first.figure.model}) x {first.factor:.2f}, extrapolated"
    return " / ".join(shown), source
