"""
What is one training step asked? To draw the last of three shots, and to say what helps.

    target ── noise ──► transformer ──► clean latents    flow matching, weighted as velocity
                          │   ▲
                  middle block └── conditioner ◄── chosen frames ◄── selector or warm-up
                          │
                          └──► parts, place              truth as a teacher
    clean latents ──► critic, frozen ──► looks           what captions name and memories show
    candidates ──► selector ──► scores                   pseudo-labels

Shape suffixes, for this module only:
    B  targets       C  latent channels   F  latent frames of the target
    M  candidates    K  chosen frames     S  memories: B, or half of it for twin pictures
    h, w  latent cells   L  patches of one frame   N  tokens, F * L
    T  caption tokens    E  width of a token       D  model width     P  parts

References: An et al., "OneStory", 2025 (arXiv:2512.07802): three-shot unification, decoupled
warm-up, pseudo-labels. Li and He, "Back to Basics", 2025 (arXiv:2511.13720): predicting clean
latents under the velocity's weight. Yu et al., "Representation Alignment for Generation", 2024
(arXiv:2410.06940): a middle block is taught what is there; here the truth is the teacher.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import nn
from torch.nn import functional

from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.pocket import PocketModules
from onestory.memory.budget import solve_layout
from onestory.memory.selector import selector_loss, top_k
from onestory.training.batches import Batch
from onestory.training.config import Phase, TrainingConfig
from onestory.training.critic import SCENE_WEIGHT, Critic, looks_loss
from onestory.training.looks import FIGURES
from onestory.training.shards import NUM_PARTS, PLACE_KINDS

LEAST_NOISE = 0.02
"""Share of noise below which the velocity's weight grows no further."""


class Teacher(nn.Module):
    """Reads parts and place out of the middle block; not shipped."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.parts = nn.Linear(width, NUM_PARTS)
        self.place = nn.Linear(width, len(PLACE_KINDS))

    def loss(
        self, hidden_BND: torch.Tensor, parts_BNP: torch.Tensor, place_B: torch.Tensor
    ) -> torch.Tensor:
        """Cross-entropy against how much of a patch each part covers, and against the place."""
        parts = functional.cross_entropy(
            self.parts(hidden_BND).flatten(0, 1).float(), parts_BNP.flatten(0, 1)
        )
        place = functional.cross_entropy(self.place(hidden_BND.mean(dim=1)).float(), place_B)
        return parts + 0.3 * place


@dataclass(frozen=True, slots=True)
class Losses:
    """What a step came to."""

    total: torch.Tensor
    told: dict[str, float]
    """Every part, for the log."""


@dataclass(frozen=True, slots=True)
class _Selection:
    """Frames that are remembered, best first."""

    latents_SKChw: torch.Tensor
    shown_SKOhw: torch.Tensor
    staged_SKShw: torch.Tensor
    levels: tuple[int, ...]


def losses(
    modules: PocketModules,
    teacher: Teacher,
    batch: Batch,
    config: TrainingConfig,
    phase: Phase,
    rng: np.random.Generator,
    critic: Critic | None = None,
) -> Losses:
    """
    Compute the loss of a batch.

    Args:
        modules: What is trained.
        teacher: The heads on the middle block.
        batch: Samples of one kind.
        config: Weights and shares.
        phase: Budgets, and whether frames are selected yet.
        rng: Decides everything random; equal states give equal losses.
        critic: Reads looks off what is drawn; None, or a phase without a weight for them: nobody
            does.

    Returns:
        The sum to minimise, and its parts.
    """
    if batch.kind == "selection":
        return _selection_losses(modules, batch)
    clean_BCFhw = batch.latents_BCFhw
    num, _, num_frames = clean_BCFhw.shape[:3]
    noise_BCFhw = torch.from_numpy(rng.standard_normal(clean_BCFhw.shape, dtype=np.float32))
    mean, spread = phase.noise
    logit_B = spread * rng.standard_normal(num) + mean
    share_B = torch.from_numpy(1 / (1 + np.exp(-logit_B))).float()
    share_BF = share_B[:, None].expand(-1, num_frames).clone()
    is_told = num_frames > 1 and rng.random() < config.first_frame
    if is_told:
        share_BF[:, 0] = 0.0
    share_B1F11 = share_BF[:, None, :, None, None]
    noisy_BCFhw = torch.lerp(clean_BCFhw, noise_BCFhw, share_B1F11)
    text_BTE = batch.text_BTE
    is_silent_B = torch.from_numpy(rng.random(num) < config.text_dropout)
    text_BTE = text_BTE.masked_fill(is_silent_B[:, None, None], 0.0)

    blocking_BPFhw = None
    if phase.blocked:
        is_blocked_B = torch.from_numpy(rng.random(num) < phase.blocked)
        blocking_BPFhw = batch.blocking_BPFhw * is_blocked_B[:, None, None, None, None]

    scores_SM, selection = _select(modules, batch, config, phase, rng)
    told: dict[str, float] = {}
    memory: MemoryCache | None = None
    if selection is not None:
        memory = modules.remember(
            selection.latents_SKChw,
            selection.levels,
            selection.shown_SKOhw,
            selection.staged_SKShw,
        )
        if memory.batch < num:
            memory = memory.twice()

    with _middle(modules.transformer) as middle:
        drawn_BCFhw = modules.denoise(
            noisy_BCFhw,
            share_BF,
            text_BTE,
            per_token=is_told,
            blocking_BPFhw=blocking_BPFhw,
            memory=memory,
        )

    weight_BFL = 1 + phase.person_weight * batch.parts_BFLP[..., 1:].sum(dim=-1)
    weight_BFL = weight_BFL / share_BF.clamp(min=LEAST_NOISE)[..., None].square()
    if is_told:
        weight_BFL = weight_BFL[:, 1:]
    std_C = modules.preconditioner.std_C
    weight_C = std_C**phase.focus
    weight_C = weight_C / (weight_C * std_C.square()).mean()
    error_BFhw = torch.einsum("bcfhw,c->bfhw", (drawn_BCFhw - clean_BCFhw).square(), weight_C)
    error_BFhw = error_BFhw / len(weight_C)
    error_BFL = functional.avg_pool2d(error_BFhw, 2).flatten(2)[:, int(is_told) :]
    flow = (error_BFL * weight_BFL).sum() / (weight_BFL[0].numel() * num)
    parts = teacher.loss(middle[0].float(), batch.parts_BFLP.flatten(1, 2), batch.place_B)
    total = flow + config.parts_weight * parts
    told |= {"flow": float(flow.detach()), "parts": float(parts.detach())}
    if critic is not None and phase.looks:
        frame = int(rng.integers(num_frames))
        people, scene = looks_loss(
            critic,
            modules.preconditioner.even(drawn_BCFhw)[:, :, frame],
            batch.blocking_BPFhw[:, 1 : 1 + FIGURES, frame],
            batch.parts_BFLP[:, frame],
            batch.looks,
            is_heard_N=~is_silent_B,
            has_memory=memory is not None,
        )
        total = total + phase.looks * (people + SCENE_WEIGHT * scene)
        told |= {"looks": float(people.detach()), "scene looks": float(scene.detach())}
    if scores_SM is not None and batch.labels_BM is not None:
        select = selector_loss(scores_SM, batch.labels_BM)
        total = total + config.selector_weight * select
        told["selector"] = float(select.detach())
    told["memory"] = float(memory is not None)
    return Losses(total, told)


def _selection_losses(modules: PocketModules, batch: Batch) -> Losses:
    """Of the selector alone, which takes a small part of the time that a picture takes."""
    assert batch.candidates_BMChw is not None
    assert batch.shown_BMOhw is not None
    assert batch.labels_BM is not None
    scores_BM = modules.selector(
        torch.cat([batch.candidates_BMChw, batch.shown_BMOhw], dim=2),
        batch.text_BTE,
        batch.text_mask_BT,
    )
    total = selector_loss(scores_BM, batch.labels_BM)
    return Losses(total, {"selector": float(total.detach())})


def _select(
    modules: PocketModules,
    batch: Batch,
    config: TrainingConfig,
    phase: Phase,
    rng: np.random.Generator,
) -> tuple[torch.Tensor | None, _Selection | None]:
    """Score the candidates, and choose frames as the phase says; all draws happen always."""
    budget = float(rng.choice(phase.budgets))
    is_dropped = rng.random() < config.context_dropout
    by_labels = rng.random() < phase.labelled
    if batch.candidates_BMChw is None:
        return None, None
    assert batch.shown_BMOhw is not None
    assert batch.staged_BMShw is not None
    assert batch.labels_BM is not None
    assert batch.is_real_BM is not None
    candidates_SMChw = batch.candidates_BMChw
    is_known_S = torch.from_numpy(rng.random(len(candidates_SMChw)) < phase.blocked)
    is_known_S1111 = is_known_S[:, None, None, None, None]
    shown_SMOhw = batch.shown_BMOhw * is_known_S1111
    num, num_candidates = candidates_SMChw.shape[:2]
    jitter_SM = torch.from_numpy(rng.random((num, num_candidates), dtype=np.float32))
    # Twins share a memory and a caption, so the first of each stand for both.
    scores_SM = modules.selector(
        torch.cat([candidates_SMChw, shown_SMOhw], dim=2),
        batch.text_BTE[:num],
        batch.text_mask_BT[:num],
    )
    if is_dropped:
        return scores_SM, None
    if phase.warm_up:
        rank_SM = jitter_SM - 2.0 * ~batch.is_real_BM
    elif by_labels:
        rank_SM = batch.labels_BM + 0.2 * jitter_SM
    else:
        rank_SM = scores_SM.detach()
    grid = (candidates_SMChw.shape[3], candidates_SMChw.shape[4])
    # A budget that pays for more frames than are real must not reach for the others.
    num_real = int(batch.is_real_BM.sum(dim=1).min())
    layout = solve_layout(budget, num_real if phase.warm_up else num_candidates, grid)
    chosen_SK = top_k(rank_SM, layout.num_frames)
    index_SK111 = chosen_SK[:, :, None, None, None]
    latents_SKChw, shown_SKOhw, staged_SKShw = (
        frames.gather(1, index_SK111.expand(-1, -1, *frames.shape[2:]))
        for frames in (candidates_SMChw, shown_SMOhw, batch.staged_BMShw * is_known_S1111)
    )
    return scores_SM, _Selection(latents_SKChw, shown_SKOhw, staged_SKShw, layout.levels)


@contextmanager
def _middle(transformer: WanTransformer3DModel) -> Iterator[list[torch.Tensor]]:
    """Keep what the middle block says."""
    kept: list[torch.Tensor] = []

    def keep(_: nn.Module, __: Any, hidden_BND: torch.Tensor) -> None:
        kept[:] = [hidden_BND]

    blocks = transformer.blocks
    hook = blocks[len(blocks) // 2 - 1].register_forward_hook(keep)
    try:
        yield kept
    finally:
        hook.remove()
