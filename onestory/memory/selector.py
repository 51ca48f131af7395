"""
Frame selection: which past frames does the next shot need to see?

    caption ── read ──> queries ── read memory ──> queries'
                                                      │ cosine
    frame ── conv ── tokens ── pool ──> one embedding ┘  ──> score of the frame

Learnable queries read the next shot's caption, then read every remembered frame; a frame's
score is how strongly the queries answer to it, on the scale of the labels: 1 shows what the
next shot shows, -1 is out of another story.

Shape suffixes, for this module only:
    B  stories in the batch     F  remembered frames, over all past shots
    C  latent channels          H, W  latent cells
    N  frames over the batch    Y, X  tokens of one frame
    S  spatial tokens per frame L  memory tokens, F * S
    T  caption tokens           E  width of a caption token, or of a feature
    Q  learnable queries        D  width of the selector
    K  frames kept

Reference: An et al., "OneStory", 2025 (arXiv:2512.07802), frame selection. The paper scores by
dot product; ours is a scaled cosine, which makes the labels' range reachable (a switch).
Residuals and norms around the two attentions are ours too.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from onestory.errors import MemoryBudgetError
from onestory.memory.keeping import keeps_config
from onestory.memory.padding import padded

FOREIGN_LABEL = -1.0
"""Label of a frame out of another story (paper)."""

AUGMENTED_LABEL = 0.0
"""Label of a frame of an augmented copy of the first shot (paper)."""


class FrameSelector(ModelMixin, ConfigMixin):
    """Scores every remembered frame against the next caption."""

    config_name = "config.json"  # type: ignore[assignment]  # diffusers declares it as None

    std_C: Tensor
    """How much every channel of the latents varies; what is read varies by 1."""

    @keeps_config
    def __init__(
        self,
        *,
        in_channels: int = 16,
        text_dim: int = 4096,
        width: int = 192,
        num_queries: int = 8,
        num_heads: int = 4,
        patch: int = 2,
        max_tokens_per_frame: int = 128,
        scoring: Literal["cosine", "dot"] = "cosine",
    ) -> None:
        """
        Make an untrained selector.

        Args:
            in_channels: Channels of a latent, and of what else is told about a frame.
            text_dim: Width of a caption token.
            width: Width of the selector, in channels.
            num_queries: Learnable queries.
            num_heads: Attention heads. Must divide `width`.
            patch: Latent cells along each side of a token.
            max_tokens_per_frame: Tokens are pooled until a frame has no more than these.
            scoring: "cosine" times a learned scale, or "dot" as in the paper.

        Raises:
            ValueError: If the heads do not divide the width, or the scoring is unknown.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        if width % num_heads:
            raise ValueError(f"width must divide by num_heads, got {width} and {num_heads}")
        if scoring not in ("cosine", "dot"):
            raise ValueError(f"scoring must be cosine or dot, got {scoring}")
        self.in_channels = in_channels
        self.patch = patch
        self.max_tokens_per_frame = max_tokens_per_frame
        self.scoring = scoring

        self.register_buffer("std_C", torch.ones(in_channels))
        self.query_QD = nn.Parameter(torch.randn(num_queries, width) / width**0.5)
        self.project_text = nn.Linear(text_dim, width)
        self.project_latent = nn.Sequential(
            nn.Conv2d(in_channels, width, patch, stride=patch),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 1),
        )
        self.norm_tokens = nn.LayerNorm(width)
        self.norm_query = nn.LayerNorm(width)
        self.norm_intent = nn.LayerNorm(width)
        self.read_caption = nn.MultiheadAttention(width, num_heads, batch_first=True)
        self.read_memory = nn.MultiheadAttention(width, num_heads, batch_first=True)
        self.project_frame = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(
        self,
        latents_BFCHW: Tensor,
        text_BTE: Tensor,
        text_mask_BT: Tensor | None = None,
        frame_mask_BF: Tensor | None = None,
    ) -> Tensor:
        """
        Score frames.

        Frames carry no position: their order changes nothing but the order of the scores.

        Args:
            latents_BFCHW: Normalised latents of past frames. May hold no frame.
            text_BTE: Token features of the caption of the shot about to be made.
            text_mask_BT: Nonzero where a token is there; by default everywhere.
            frame_mask_BF: Nonzero where a frame is there; by default everywhere.

        Returns:
            Relevance of every frame, `B F`; minus infinity where the mask has no frame.
        """
        B, F = latents_BFCHW.shape[:2]
        if F == 0:
            return latents_BFCHW.new_zeros(B, 0)
        tokens_NSD = self._tokens(latents_BFCHW.flatten(0, 1))
        tokens_BFSD = tokens_NSD.reshape(B, F, *tokens_NSD.shape[1:])
        memory_BLD = tokens_BFSD.flatten(1, 2)
        memory_mask_BL = None
        if frame_mask_BF is not None:
            memory_mask_BL = frame_mask_BF.repeat_interleave(tokens_BFSD.shape[2], dim=1)

        text_BTE, hidden_BT = _hide(text_BTE, text_mask_BT)
        text_BTD = self.project_text(text_BTE)
        query_BQD = self.query_QD.expand(B, -1, -1)
        read_BQD, _ = self.read_caption(
            self.norm_query(query_BQD), text_BTD, text_BTD, hidden_BT, need_weights=False
        )
        intent_BQD = query_BQD + read_BQD

        memory_BLD, hidden_BL = _hide(memory_BLD, memory_mask_BL)
        recall_BQD, _ = self.read_memory(
            self.norm_intent(intent_BQD), memory_BLD, memory_BLD, hidden_BL, need_weights=False
        )
        answer_BQD = intent_BQD + recall_BQD

        frame_BFD = self._frames(tokens_BFSD)
        if self.scoring == "cosine":
            answer_BQD = nn.functional.normalize(answer_BQD, dim=-1)
            frame_BFD = self.scale * nn.functional.normalize(frame_BFD, dim=-1)
        scores_BF = torch.einsum("bfd,bqd->bfq", frame_BFD, answer_BQD).mean(dim=-1)
        if frame_mask_BF is not None:
            scores_BF = scores_BF.masked_fill(~frame_mask_BF.bool(), float("-inf"))
        return scores_BF

    def describe(self, latents_FCHW: Tensor) -> Tensor:
        """
        Say by what frames are known: what scores are computed from, whatever the caption.

        Args:
            latents_FCHW: Normalised latents. May be of no frame.

        Returns:
            One feature per frame, `F E` with E = the selector's width, of length 1.
        """
        if not len(latents_FCHW):
            return latents_FCHW.new_zeros(0, self.query_QD.shape[1])
        return nn.functional.normalize(self._frames(self._tokens(latents_FCHW)), dim=-1)

    def _tokens(self, latents_NCHW: Tensor) -> Tensor:
        even_NCHW = latents_NCHW / self.std_C[:, None, None]
        patches_NDYX = self.project_latent(padded(even_NCHW, self.patch, self.patch))
        pooled_NDYX = _pooled(patches_NDYX, self.max_tokens_per_frame)
        tokens_NSD: Tensor = self.norm_tokens(pooled_NDYX.flatten(2).transpose(1, 2))
        return tokens_NSD

    def _frames(self, tokens_XSD: Tensor) -> Tensor:
        # Mean over tokens, not max: one loud cell must not buy a frame.
        frame_XD: Tensor = self.project_frame(tokens_XSD.mean(dim=-2))
        return frame_XD


def top_k(scores_BF: Tensor, k: int) -> Tensor:
    """
    Pick the best frames, best first.

    Of equal scores the later frame wins: it is nearer to the shot about to be made. So the
    choice is the same on every machine, and the best k are the first k of the best k + 1.

    Args:
        scores_BF: Relevance of frames in story order.
        k: Frames to keep.

    Returns:
        Positions on the F axis, `B K`, int64, best first.

    Raises:
        MemoryBudgetError: If k is negative or more than there are frames.
    """
    F = scores_BF.shape[1]
    if not 0 <= k <= F:
        raise MemoryBudgetError(f"cannot keep {k} of {F} remembered frames")
    reversed_BF = torch.argsort(scores_BF.flip(1), dim=1, descending=True, stable=True)
    return F - 1 - reversed_BF[:, :k]


def pseudo_labels(
    frame_features: Sequence[Tensor],
    target_features: Sequence[Tensor],
    weights: Sequence[float] | None = None,
) -> Tensor:
    """
    Say how much of a shot its past frames show, with no annotation.

    Args:
        frame_features: Per feature space (DINOv2, CLIP …): features of the past frames, `B F E`.
        target_features: Per feature space: mean feature of the frames of the shot, `B E`.
        weights: Weight of each space; by default all weigh the same.

    Returns:
        Weighted mean of the cosine similarities, `B F`, in [-1, 1].

    Raises:
        ValueError: If there is no space, or the spaces do not pair up.
    """
    weights = [1.0] * len(frame_features) if weights is None else list(weights)
    if not frame_features or not len(frame_features) == len(target_features) == len(weights):
        raise ValueError(
            f"feature spaces must pair up, got {len(frame_features)} of frames, "
            f"{len(target_features)} of targets, {len(weights)} weights"
        )
    similarity_BF = [
        weight * nn.functional.cosine_similarity(frame_BFE, target_BE[:, None], dim=-1)
        for weight, frame_BFE, target_BE in zip(
            weights, frame_features, target_features, strict=True
        )
    ]
    return torch.stack(similarity_BF).sum(dim=0) / sum(weights)


def selector_loss(scores_BF: Tensor, labels_BF: Tensor, mask_BF: Tensor | None = None) -> Tensor:
    """
    Mean squared error between scores and pseudo-labels, over the frames that are there.

    Args:
        scores_BF: What the selector said.
        labels_BF: What it should have said.
        mask_BF: Nonzero where a frame is there; by default everywhere.

    Returns:
        One number; 0 if no frame is there.
    """
    if mask_BF is None:
        return nn.functional.mse_loss(scores_BF, labels_BF)
    is_there_BF = mask_BF.bool()
    # Filled before subtracting: scores of absent frames are minus infinity.
    scores_BF = scores_BF.masked_fill(~is_there_BF, 0.0)
    labels_BF = labels_BF.masked_fill(~is_there_BF, 0.0)
    return (scores_BF - labels_BF).square().sum() / is_there_BF.sum().clamp(min=1)


def _hide(keys_BTE: Tensor, mask_BT: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """
    Keys and the mask of those that attention must not read.

    Attention over nothing is not a number, so a row without any key reads zeros instead.
    """
    if mask_BT is None:
        return keys_BTE, None
    is_there_BT = mask_BT.bool()
    keys_BTE = keys_BTE.masked_fill(~is_there_BT[..., None], 0.0)
    return keys_BTE, ~is_there_BT & is_there_BT.any(dim=1, keepdim=True)


def _pooled(patches_NDYX: Tensor, max_tokens: int) -> Tensor:
    """Pool by the smallest whole factor that leaves no more than `max_tokens`."""
    Y, X = patches_NDYX.shape[2:]
    factor = next(f for f in range(1, max(Y, X) + 1) if -(-Y // f) * -(-X // f) <= max_tokens)
    return nn.functional.avg_pool2d(patches_NDYX, factor, ceil_mode=True)
