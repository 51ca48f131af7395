"""
In which order would a shot recall the frames of earlier shots?

    learned         the trained selector reads caption and memory
    clip_diversity  caption likeness, minus likeness to what is already chosen; no training
    recency         newest first
    uniform         spread evenly over the story
    fixed_window    the last few shots only
    last_frame      the newest frame alone (edit-and-extend)
    first_frame     the story's opening frame alone (single keyframe)
    oracle          known truth

Each call returns a policy: a function from candidates and the next shot to a full ranking.
How many of them are used is the budget's business, so every choice is nested: the best k are
the first k of the best k + 1.

Shape suffixes, for this module only:
    F  candidate frames      C H W  channels and cells of a latent
    T  caption tokens        E  width of a caption token, or of a feature
    1  one story
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from onestory.errors import RenderError
from onestory.memory.bank import MemoryFrame
from onestory.memory.selector import FrameSelector, top_k
from onestory.memory.showing import Cast, shown_by

LEAST_SHOWN = 0.03
"""Share of a frame that shows somebody who counts as being in it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NextShot:
    """What is known of the shot about to be made."""

    shot: int
    """Its number in story order."""
    text_TE: Tensor | None = None
    """Token features of its caption, without padding: what `learned` reads."""
    feature_E: Tensor | None = None
    """Embedding of its caption in the space of the frames' features."""
    cast: Cast | None = None
    """Who and what is in it, in whose terms frames are told; None if nobody knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """Candidates, best first. Those that a policy never uses are left out."""

    frame_index: tuple[int, ...]
    """Positions among the candidates."""
    scores: tuple[float, ...]
    """Score of each of them, never rising. Comparable within one ranking only."""


class SelectionPolicy(Protocol):
    """Ranks frames. Equal inputs give equal rankings."""

    def __call__(self, frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        """Rank the candidates, which are in story order and may be none."""


def recency() -> SelectionPolicy:
    """Newest first."""

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        return _by_rank(range(len(frames) - 1, -1, -1))

    return rank


def last_frame() -> SelectionPolicy:
    """The newest frame and no other: edit-and-extend."""

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        return _by_rank(range(len(frames))[-1:])

    return rank


def first_frame() -> SelectionPolicy:
    """The story's opening frame and no other: the single keyframe of a reference picture."""

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        return _by_rank(range(len(frames))[:1])

    return rank


single_keyframe = first_frame
"""The name of this baseline in comparisons."""


def uniform() -> SelectionPolicy:
    """
    Spread over the story, ever denser.

    Frames come in the order of the van der Corput sequence (0, 1/2, 1/4, 3/4, 1/8 …), so any
    first k of them lie nearly evenly, and more of them add to fewer.
    """

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        return _by_rank(_bisection(len(frames)))

    return rank


def fixed_window(num_shots: int = 1) -> SelectionPolicy:
    """
    Only frames of the last few shots, spread evenly over them.

    Args:
        num_shots: How many remembered shots before the next one are in the window.

    Raises:
        ValueError: If the window holds no shot.
    """
    if num_shots < 1:
        raise ValueError(f"the window must hold at least 1 shot, got {num_shots}")

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        window = sorted({frame.shot for frame in frames})[-num_shots:]
        inside = [index for index, frame in enumerate(frames) if frame.shot in window]
        return _by_rank([inside[place] for place in _bisection(len(inside))])

    return rank


def oracle(relevance: Callable[[MemoryFrame], float]) -> SelectionPolicy:
    """Most relevant first, by known truth; of equals the later frame."""

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        return _by_score([relevance(frame) for frame in frames])

    return rank


def clip_diversity(relevance_weight: float = 0.7) -> SelectionPolicy:
    """
    Like the caption, unlike each other: maximal marginal relevance, with no training.

    The next frame is the one with the highest weighted likeness to the caption minus its
    likeness to the nearest frame already chosen; of equals the later one.

    Args:
        relevance_weight: Weight of the caption, in [0, 1]; the rest weighs against repeats.

    Returns:
        A policy that needs features of every candidate, in the space of the caption's.
        It raises `RenderError` without them.

    Raises:
        ValueError: If the weight is outside [0, 1].
    """
    if not 0 <= relevance_weight <= 1:
        raise ValueError(f"relevance weight must be in [0, 1], got {relevance_weight}")

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        features = [frame.feature_E for frame in frames if frame.feature_E is not None]
        if next_shot.feature_E is None or len(features) < len(frames):
            raise RenderError(
                f"diversity needs features of the caption and of {len(frames)} frames, "
                f"got {len(features)} frames with features",
                hint="choose recency or uniform for an engine without an encoder",
            )
        if not frames:
            return Ranking(frame_index=(), scores=())
        features_FE = nn.functional.normalize(torch.stack(features), dim=-1)
        wanted_E = nn.functional.normalize(next_shot.feature_E.to(features_FE), dim=-1)
        return _marginal(
            relevance_weight * (features_FE @ wanted_E),
            (1 - relevance_weight) * (features_FE @ features_FE.T).clamp(min=0),
        )

    return rank


def learned(selector: FrameSelector) -> SelectionPolicy:
    """
    What the trained selector says.

    Args:
        selector: A trained selector; used in the mode, dtype and place it is in.

    Returns:
        A policy that needs the caption's token features. It raises `RenderError` without them,
        or if a score is not a number.
    """

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        if next_shot.text_TE is None:
            raise RenderError("the learned selector needs the caption's token features, got none")
        if not frames:
            return Ranking(frame_index=(), scores=())
        weight = selector.query_QD
        latents_1FCHW = _told(frames, next_shot.cast, selector.in_channels)[None].to(weight)
        with torch.no_grad():
            scores_1F = selector(latents_1FCHW, next_shot.text_TE[None].to(weight))
        return _by_score(scores_1F[0].tolist())

    return rank


LEARNED = "learned"
"""Name of what the trained selector says."""

UNTRAINED: Mapping[str, SelectionPolicy] = {
    "last_frame": last_frame(),
    "fixed_window": fixed_window(1),
    "single_keyframe": first_frame(),
    "uniform": uniform(),
    "recency": recency(),
}
"""Policies that know nothing but when a frame was, by name."""


def _told(frames: Sequence[MemoryFrame], cast: Cast | None, channels: int) -> Tensor:
    """Latents, and what their cells show if the selector was trained to be told."""
    latents_FCHW = torch.stack([frame.latents_CHW for frame in frames])
    if channels == latents_FCHW.shape[1]:
        return latents_FCHW
    size = latents_FCHW.shape[2:]
    shown_FOHW = torch.stack([shown_by(frame.figures, cast, size) for frame in frames])
    return torch.cat([latents_FCHW, shown_FOHW], dim=1)


def _bisection(count: int) -> list[int]:
    """Whole numbers below `count` in van der Corput order, each once."""
    bits = max(count - 1, 0).bit_length()
    reversals = (int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(2**bits))
    # At least as many points as numbers, so flooring leaves none of them out.
    return list(dict.fromkeys(point * count >> bits for point in reversals))[:count]


def people_first(policy: SelectionPolicy) -> SelectionPolicy:
    """
    As another policy ranks, but frames that show the next shot's people before all others.

    Args:
        policy: Ranks both groups; what it leaves out stays out.
    """

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        ranking = policy(frames, next_shot)
        cast = next_shot.cast
        people = {cast.first, *cast.others} if cast else set()
        pairs = sorted(
            zip(ranking.frame_index, ranking.scores, strict=True),
            key=lambda pair: _shown_of(frames[pair[0]], people) < LEAST_SHOWN,
        )
        # Scores never rise: whoever was moved up is worth as much as the best.
        best = [max(score for _, score in pairs[at:]) for at in range(len(pairs))]
        return Ranking(frame_index=tuple(index for index, _ in pairs), scores=tuple(best))

    return rank


def _shown_of(frame: MemoryFrame, people: Collection[str]) -> float:
    """How much of a frame shows some people: the share of its cells, [0, 1]."""
    figures = frame.figures or {}
    return sum(float(figures[name].float().mean()) for name in people if name in figures)


def _by_rank(order: Sequence[int]) -> Ranking:
    """A ranking whose policy knows an order and no measure: scores fall from 1 towards 0."""
    return Ranking(
        frame_index=tuple(order),
        scores=tuple(1 - rank / len(order) for rank in range(len(order))),
    )


def _by_score(scores: Sequence[float]) -> Ranking:
    scores_1F = torch.tensor([scores], dtype=torch.float64)
    if not torch.isfinite(scores_1F).all():
        raise RenderError(
            f"{int((~torch.isfinite(scores_1F)).sum())} of {len(scores)} scores are not finite"
        )
    order = tuple(top_k(scores_1F, len(scores))[0].tolist())
    return Ranking(frame_index=order, scores=tuple(float(scores[index]) for index in order))


def _marginal(relevance_F: Tensor, repeat_FF: Tensor) -> Ranking:
    """Greedy choice by relevance minus the worst repeat of what is already chosen."""
    penalty_F = torch.zeros_like(relevance_F)
    order: list[int] = []
    scores: list[float] = []
    left = list(range(len(relevance_F)))
    while left:
        gain = (relevance_F - penalty_F).tolist()
        best = max(left, key=lambda index: (gain[index], index))
        left.remove(best)
        order.append(best)
        scores.append(gain[best])
        penalty_F = torch.maximum(penalty_F, repeat_FF[best])
    return Ranking(frame_index=tuple(order), scores=tuple(scores))
