"""
Which frames would Memento remember?

    story queries, shot queries ── read the caption ── read the frames ── how strongly each answers

Shot queries choose first, story queries then choose others: who the story is about, whatever the
shot is about. What is read of a caption is what the low-noise expert makes of it.

Shape suffixes, for this module only:
    B  samples in the batch   Q  queries   T  tokens of a caption   D  width of the model
    N  tokens of all frames   F  frames    C  latent channels       h, w  latent cells
    H  attention heads        E  channels of a head; of the text encoder in captions
    1  one story              X  whatever axes follow

Reference: "Memento", 2026 (arXiv:2606.14667), and its code, whose names the weights bear.
"""

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed
from torch import Tensor, nn
from torch.nn import functional

from onestory.diffusion.rope import rope_at
from onestory.errors import RenderError
from onestory.memory.bank import MemoryFrame
from onestory.memory.budget import PATCH
from onestory.memory.policies import NextShot, Ranking, SelectionPolicy

CAPTION_TOKENS = 512
"""Captions are padded to so many, and padding is read as well: as it was in training."""

FRAME_STEP = 2.0
"""Latent frames of time from one candidate to the next, where nobody knows the true distance."""

ROPE_ROWS = 1024
EARLIEST = -512.0
"""Time of all that lies longer ago: half of the rows are for the past."""


class CrossAttention(nn.Module):
    """Queries read something; the layers of a Wan's cross-attention."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.norm_q, self.norm_k = nn.RMSNorm(dim, eps=1e-6), nn.RMSNorm(dim, eps=1e-6)

    def forward(self, query_BQD: Tensor, context_BTD: Tensor) -> Tensor:
        """Read a context."""
        query, key, value = (
            heads_BXHE.transpose(1, 2)
            for heads_BXHE in (
                self.heads(self.norm_q(self.q(query_BQD))),
                self.heads(self.norm_k(self.k(context_BTD))),
                self.heads(self.v(context_BTD)),
            )
        )
        read_BHQE = functional.scaled_dot_product_attention(query, key, value)
        read_BQD: Tensor = self.o(read_BHQE.transpose(1, 2).flatten(2))
        return read_BQD

    def read_in_parts(
        self, query_1QD: Tensor, parts: Iterable[tuple[Tensor, tuple[Tensor, Tensor]]]
    ) -> Tensor:
        """
        Read a long context part by part: only one part's keys and values are alive at once.

        Args:
            query_1QD: What is asked.
            parts: Tokens `1 N D` of each part, and the rotary table by which its keys stand.

        Returns:
            What all parts together say.
        """
        query_1QHE = self.heads(self.norm_q(self.q(query_1QD)))
        _, asked, heads, size = query_1QHE.shape
        most_HQ1 = torch.full((heads, asked, 1), -torch.inf)
        sum_HQ1 = torch.zeros_like(most_HQ1)
        read_HQE = torch.zeros(heads, asked, size)
        for tokens_1ND, rotary in parts:
            key_1NHE = _turned(self.heads(self.norm_k(self.k(tokens_1ND))), *rotary)
            value_1NHE = self.heads(self.v(tokens_1ND))
            logit_HQN = torch.einsum("bqhe,bnhe->hqn", query_1QHE, key_1NHE)
            logit_HQN = logit_HQN / math.sqrt(size)
            more_HQ1 = torch.maximum(most_HQ1, logit_HQN.amax(2, keepdim=True))
            kept_HQ1 = (most_HQ1 - more_HQ1).exp()
            share_HQN = (logit_HQN - more_HQ1).exp()
            sum_HQ1 = sum_HQ1 * kept_HQ1 + share_HQN.sum(2, keepdim=True)
            said_HQE = torch.einsum("hqn,bnhe->hqe", share_HQN, value_1NHE)
            read_HQE = read_HQE * kept_HQ1 + said_HQE
            most_HQ1 = more_HQ1
        read_1QD: Tensor = self.o((read_HQE / sum_HQ1).transpose(0, 1).flatten(1)[None])
        return read_1QD

    def heads(self, channels_BXD: Tensor) -> Tensor:
        """Share channels out to heads."""
        untyped: Any = channels_BXD
        shared_BXHE: Tensor = untyped.unflatten(-1, (self.num_heads, -1))
        return shared_BXHE


class KeyframeQuery(nn.Module):
    """Memento's trained queries."""

    def __init__(
        self,
        *,
        dim: int,
        num_heads: int,
        num_local: int,
        num_global: int,
        channels: int = 16,
    ) -> None:
        """
        Make queries with PyTorch's own init; weights are loaded into them.

        Args:
            dim: Width of the model.
            num_heads: Its attention heads.
            num_local: Queries about the shot; as many frames are chosen by them.
            num_global: Queries about the story, likewise; may be 0.
            channels: Of a latent.
        """
        super().__init__()
        self.memory_patcher = nn.Conv3d(channels, dim, PATCH, stride=PATCH)
        self.query_to_text = CrossAttention(dim, num_heads)
        self.query_to_visual = CrossAttention(dim, num_heads)
        self.queries = nn.Parameter(torch.randn(num_local, dim) / math.sqrt(dim))
        if num_global:
            self.queries_global = nn.Parameter(torch.randn(num_global, dim) / math.sqrt(dim))
        self.num_local, self.num_global = num_local, num_global
        # Its tables are no weights, so that it stands in no file.
        self.rope = WanRotaryPosEmbed(dim // num_heads, PATCH, ROPE_ROWS)

    def forward(self, latents_CFhw: Tensor, caption_1TD: Tensor) -> Tensor:
        """
        Say how strongly each query answers to each frame.

        Args:
            latents_CFhw: Normalised latents in story order.
            caption_1TD: The caption, as the model's text embedder projects it.

        Returns:
            `Q F`, unbounded: queries about the shot, then those about the story.
        """
        asked: tuple[Tensor, ...] = (self.queries,)
        if self.num_global:
            asked = (self.queries, self.queries_global)
        query_1QD = torch.cat(asked)[None]
        query_1QD = query_1QD + self.query_to_text(query_1QD, caption_1TD)
        query_1QD = query_1QD + self.query_to_visual.read_in_parts(
            query_1QD, self._frames(latents_CFhw)
        )

        # Once more without the norms: so the scores are in the original.
        reader = self.query_to_visual
        asking_1QHE = reader.heads(reader.q(query_1QD))
        scores = []
        for tokens_1ND, rotary in self._frames(latents_CFhw):
            answer_1NHE = _turned(reader.heads(reader.k(tokens_1ND)), *rotary)
            score_QHN = torch.einsum("bqhe,bnhe->qhn", asking_1QHE, answer_1NHE)
            scores.append(score_QHN.mean((1, 2)) / math.sqrt(asking_1QHE.shape[3]))
        return torch.stack(scores, dim=1)

    def _frames(self, latents_CFhw: Tensor) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor]]]:
        """Tokens of each frame, and where they stand."""
        num_frames = latents_CFhw.shape[1]
        for frame in range(num_frames):
            patches_1Dhw = self.memory_patcher(latents_CFhw[None, :, frame : frame + 1])[:, :, 0]
            ago = max(EARLIEST, FRAME_STEP * (frame - num_frames))
            places_N3 = torch.cartesian_prod(
                torch.tensor([ago]),
                torch.arange(patches_1Dhw.shape[2], dtype=torch.float32),
                torch.arange(patches_1Dhw.shape[3], dtype=torch.float32),
            )
            rotary = rope_at(self, places_N3)  # type: ignore[arg-type]  # only its rope is read
            yield patches_1Dhw.flatten(2).transpose(1, 2), rotary


def memento(queries: KeyframeQuery, text_embedder: nn.Module) -> SelectionPolicy:
    """
    What Memento's queries say.

    Args:
        queries: Trained ones, on the CPU in float32.
        text_embedder: Of the expert with which they were trained, likewise.

    Returns:
        A policy that needs the caption's token features. First those that answer the shot, as
        many as there are queries; then those that answer the story, likewise; then the others, as
        they answer the shot. It raises `RenderError` without features, or if a score is no number.
    """

    def rank(frames: Sequence[MemoryFrame], next_shot: NextShot) -> Ranking:
        if next_shot.text_TE is None:
            raise RenderError("Memento's queries need the caption's token features, got none")
        if not frames:
            return Ranking(frame_index=(), scores=())
        latents_CFhw = torch.stack([frame.latents_CHW for frame in frames], dim=1).float()
        text_TE = next_shot.text_TE.float().cpu()[:CAPTION_TOKENS]
        padded_TE = functional.pad(text_TE, (0, 0, 0, CAPTION_TOKENS - len(text_TE)))
        with torch.no_grad():
            score_QF = queries(latents_CFhw, text_embedder(padded_TE[None]))
        if not score_QF.isfinite().all():
            raise RenderError("Memento's queries give scores that are no numbers")
        order = _order(score_QF, queries.num_local, queries.num_global)
        return Ranking(
            frame_index=tuple(order), scores=tuple(-float(rank) for rank in range(len(order)))
        )

    return rank


def on_cpu(module: Any) -> nn.Module:
    """A copy on the CPU in float32, wherever and whatever the model's own is."""
    kept: nn.Module = copy.deepcopy(module).to("cpu", torch.float32).eval()
    return kept


def _order(score_QF: Tensor, num_local: int, num_global: int) -> list[int]:
    local = torch.sort(score_QF[:num_local].mean(0), descending=True, stable=True).indices.tolist()
    first, others = local[:num_local], local[num_local:]
    if not num_global:
        return [*first, *others]
    told_F = score_QF[num_local:].mean(0)
    chosen = sorted(others, key=lambda frame: -float(told_F[frame]))[:num_global]
    return [*first, *chosen, *(frame for frame in others if frame not in chosen)]


def _turned(key_BTHE: Any, cos_1T1E: Tensor, sin_1T1E: Tensor) -> Tensor:
    even, odd = key_BTHE.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = cos_1T1E[..., 0::2], sin_1T1E[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)
