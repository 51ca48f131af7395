"""
What does a shot see of the shots before it?

    bank ── candidates ── policy ── ranking ── budget ── frames in rank order, and their lineage

The lineage is what the take's report says and what the memory digest names; the latents are
what the conditioner cuts.

Shape suffixes, for this module only:
    K  frames kept, best first    C  latent channels    H, W  latent cells    O  `SHOWN`
    S  channels that say where on the stage a cell is
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onestory.memory.bank import MemoryBank
from onestory.memory.budget import LEVELS, MemoryLayout, solve_layout
from onestory.memory.lineage import Remembered
from onestory.memory.policies import NextShot, SelectionPolicy
from onestory.memory.showing import shown_by, staged_by


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Recall:
    """What is recalled for one shot."""

    latents_KCHW: Tensor
    """Latents, best frame first, float32; `0 0 0 0` if nothing is recalled."""
    shown_KOHW: Tensor
    """What their cells show, in the terms of the next shot; see `onestory.memory.showing`."""
    staged_KSHW: Tensor | None
    """Where on the stage their cells are; None if nobody knows."""
    layout: MemoryLayout
    """How finely each of them is cut."""
    lineage: tuple[Remembered, ...]
    """Whose they are; position is the rank."""


def recall(
    bank: MemoryBank,
    policy: SelectionPolicy,
    next_shot: NextShot,
    *,
    budget: float,
    levels: Sequence[tuple[int, int, int]] = LEVELS,
) -> Recall:
    """
    Choose what the next shot sees. Cheap: no diffusion.

    Args:
        bank: Circled takes of the shots before, and perhaps later ones, which are not looked at.
        policy: Who ranks the candidates.
        next_shot: The shot about to be made.
        budget: Most tokens, in latent-frame equivalents.
        levels: Patchifier kernels, finest first.

    Returns:
        The best frames that the budget holds; nothing for the first shot or a budget of 0.

    Raises:
        MemoryBudgetError: If there is something to recall and the budget holds no frame.
        RenderError: If the policy lacks what it needs.
    """
    candidates = bank.before(next_shot.shot)
    nothing = MemoryLayout(levels=(), num_tokens=0)
    if not candidates or budget == 0:
        empty = torch.zeros(0, 0, 0, 0)
        return Recall(
            latents_KCHW=empty, shown_KOHW=empty, staged_KSHW=None, layout=nothing, lineage=()
        )
    ranking = policy(candidates, next_shot)
    size = candidates[0].latents_CHW.shape[1:]
    layout = solve_layout(budget, len(ranking.frame_index), (size[0], size[1]), levels)
    chosen = [candidates[index] for index in ranking.frame_index[: layout.num_frames]]
    return Recall(
        latents_KCHW=torch.stack([frame.latents_CHW for frame in chosen]),
        shown_KOHW=torch.stack([shown_by(frame.figures, next_shot.cast, size) for frame in chosen]),
        staged_KSHW=staged_by([frame.figures for frame in chosen], size),
        layout=layout,
        lineage=tuple(
            Remembered(
                take=frame.take,
                frame_index=frame.frame_index,
                latent=frame.latent,
                position=rank,
                level=level,
                score=score,
            )
            # Rankings go on beyond the budget.
            for rank, (frame, level, score) in enumerate(
                zip(chosen, layout.levels, ranking.scores, strict=False)
            )
        ),
    )
