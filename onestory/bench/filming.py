"""
How is every story filmed under every rule, without filming anything twice?

    case, shot ── bank of its own takes ── rule ── recalled frames ─┐
                                      caption, noise, weights ──────┴── name of the take
                                                                        │ in the folder? take it
                                              batches of equal shape ◄──┘ else film it

A take is named by all that decides it, so rules that remember the same share a take, and a run
that was killed goes on where it was. A shot in which nothing returns has nothing to remember:
it is filmed once, without memory, and serves every rule.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from onestory.bench.cases import Case
from onestory.bench.variants import Variant, policy_of
from onestory.diffusion.blocking import cast_of, clip_blocking, figures_of
from onestory.diffusion.codec import TIME, BlockCodec, latent_middles
from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.pocket import PocketModules
from onestory.diffusion.sampling import Sampling, sample
from onestory.diffusion.text import MiniLmText
from onestory.documents import Digest, digest_of_json
from onestory.memory.bank import MemoryBank, read_latents, write_latents
from onestory.memory.policies import NextShot, recency
from onestory.memory.recall import Recall, recall
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import StoryShot
from onestory.training.batches import padded_text
from onestory.training.shards import told_of


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FilmedShot:
    """A take in the folder."""

    name: Digest
    latents_FChw: torch.Tensor


Takes = dict[tuple[int, int], FilmedShot]
"""By seed of the story and number of the shot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Studio:
    """What films: the model, and where takes are kept."""

    modules: PocketModules
    codec: BlockCodec
    text: MiniLmText
    weights: str
    """Name of the weights; other weights make other takes."""
    folder: Path
    sampling: Sampling
    grid: tuple[int, int] = (18, 10)
    num_frames: int = 5
    """Latent frames of a shot."""
    batch: int = 8


@dataclass(frozen=True, slots=True)
class _Order:
    """A take that is to be made."""

    case: Case
    shot: int
    text_TE: torch.Tensor
    recalled: Recall
    name: Digest

    @property
    def shape(self) -> tuple[int, tuple[int, ...]]:
        """What takes of one batch have in common."""
        return -(-len(self.text_TE) // 16), self.recalled.layout.levels


def film(
    studio: Studio,
    cases: Sequence[Case],
    variant: Variant,
    at_take: Callable[[int], None] | None = None,
) -> Takes:
    """
    Film stories under one rule.

    Args:
        studio: The model and the folder.
        cases: The stories.
        variant: The rule.
        at_take: Is told how many takes were filmed or found.

    Returns:
        Every take.
    """
    banks = {case.seed: MemoryBank() for case in cases}
    takes: Takes = {}
    for shot in range(max(len(case.story.shots) for case in cases)):
        there = [case for case in cases if shot < len(case.story.shots)]
        orders = [_order(studio, case, shot, variant, banks[case.seed]) for case in there]
        _film(studio, orders)
        for order in orders:
            latents_FChw = read_latents(_path(studio, order.name).read_bytes()).latents_FCHW
            takes[order.case.seed, shot] = FilmedShot(name=order.name, latents_FChw=latents_FChw)
            banks[order.case.seed].remember(
                latents_FChw,
                take=order.name,
                slate=f"{order.case.seed}",
                shot=shot,
                figures=_figures(studio, order.case.story.shots[shot]),
            )
        if at_take is not None:
            at_take(len(takes))
    return takes


def _order(
    studio: Studio,
    case: Case,
    shot: int,
    variant: Variant,
    bank: MemoryBank,
) -> _Order:
    told = case.story.shots[shot]
    text_TE = studio.text.read_told(told_of(told))
    next_shot = NextShot(shot=shot, text_TE=text_TE, cast=cast_of(told.scene, told.place))
    if variant.rule == "none" or not case.returns(shot):
        recalled = recall(bank, recency(), next_shot, budget=0.0)
    else:
        policy = policy_of(variant, studio.modules, case, shot)
        recalled = recall(bank, policy, next_shot, budget=variant.budget, levels=variant.levels)
    remembered = [[entry.latent, entry.level] for entry in recalled.lineage]
    sampling = studio.sampling
    name = digest_of_json(
        {
            "weights": studio.weights,
            "sampling": [sampling.steps, sampling.guidance, sampling.shift],
            "story": case.seed,
            "shot": shot,
            "caption": told.caption,
            "size": [studio.num_frames, *studio.grid],
            "memory": remembered,
        }
    )
    return _Order(case, shot, text_TE, recalled, name)


def _film(studio: Studio, orders: Sequence[_Order]) -> None:
    missing = [order for order in orders if not _path(studio, order.name).exists()]
    missing.sort(key=lambda order: (order.shape, order.case.seed))
    for _, alike in groupby(missing, key=lambda order: order.shape):
        for batch in _batches(list(alike), studio.batch):
            latents_BCFhw = _sample(studio, batch)
            for order, latents_CFhw in zip(batch, latents_BCFhw, strict=True):
                path = _path(studio, order.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                hidden = path.with_suffix(".part")
                hidden.write_bytes(write_latents(latents_CFhw.transpose(0, 1).contiguous()))
                hidden.replace(path)


def _batches(orders: list[_Order], size: int) -> Iterator[list[_Order]]:
    for start in range(0, len(orders), size):
        yield orders[start : start + size]


def _sample(studio: Studio, orders: Sequence[_Order]) -> torch.Tensor:
    shape = (studio.modules.channels, studio.num_frames, *studio.grid)
    noise = np.stack(
        [
            np.random.default_rng([order.case.seed, order.shot]).standard_normal(
                shape, dtype=np.float32
            )
            for order in orders
        ]
    )
    text_BTE, _ = padded_text([order.text_TE for order in orders])
    return sample(
        studio.modules,
        torch.from_numpy(noise),
        text_BTE,
        memory=_memory(studio, orders),
        blocking_BPFhw=_blocking(studio, orders),
        sampling=studio.sampling,
    )


def _blocking(studio: Studio, orders: Sequence[_Order]) -> torch.Tensor:
    """Who stands where, as each story has it: no rule is told more of it than another."""
    rows, columns = studio.grid
    num_frames = 1 + TIME * (studio.num_frames - 1)
    scenes = [order.case.story.shots[order.shot].scene for order in orders]
    told = [
        clip_blocking(scene, studio.codec, rows=rows, columns=columns, num_frames=num_frames)
        for scene in scenes
    ]
    return torch.stack(told)


def _figures(studio: Studio, told: StoryShot) -> dict[str, torch.Tensor]:
    """Who and what is seen where, by name."""
    rows, columns = studio.grid
    stand_ins = StandIns(told.scene, rows=rows, columns=columns)
    num_frames = 1 + TIME * (studio.num_frames - 1)
    return figures_of(stand_ins, studio.codec, latent_middles(num_frames), told.place)


def _memory(studio: Studio, orders: Sequence[_Order]) -> MemoryCache | None:
    levels = orders[0].recalled.layout.levels
    if not levels:
        return None
    latents_BKChw = torch.stack([order.recalled.latents_KCHW for order in orders])
    shown_BKOhw = torch.stack([order.recalled.shown_KOHW for order in orders])
    staged = [order.recalled.staged_KSHW for order in orders]
    staged_BKShw = torch.stack([each_KShw for each_KShw in staged if each_KShw is not None])
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        return studio.modules.remember(latents_BKChw, levels, shown_BKOhw, staged_BKShw)


def _path(studio: Studio, name: Digest) -> Path:
    plain = name.removeprefix("sha256:")
    return studio.folder / "takes" / plain[:2] / f"{plain}.safetensors"
