"""
Which words, and which of what is remembered, are about what a token draws?

    stand-ins ── shown: who is seen where ──┐
    caption ── owners: of whom a word tells ┼── bias ── cross-attention: one's own words
    memory ── shown: who is seen where ─────┴── bias ── self-attention: one's own likeness

A screenplay says who is in a shot, and blocking says where. So nobody need learn from pictures
alone that "a red coat" is worn by who stands on the left, or which of two remembered people is
"the same man". A bias says it: attention is drawn to what tells of the same person or place, and
away from what tells of others. What tells of nobody (light, deeds, framing) is left alone, and
where nothing is known nothing is said.

People are counted as the shot that is made has them: its first, its others; a memory is told in
the same terms, and whoever is not in the shot is nobody there.

Shape suffixes, for this module only:
    B  shots of the batch   N  tokens of the shot   T  caption tokens   L  memory tokens
    O  owners               F  latent frames        h, w  latent cells  P  blocking channels
    D  model width          H  attention heads      E  channels of one head

References: Kim et al., "Dense Text-to-Image Generation with Attention Modulation", 2023
(arXiv:2308.12964): attention to words by region. Tewel et al., "Training-Free Consistent
Text-to-Image Generation", 2024 (arXiv:2402.03286): attention to the same subject elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.transformers.transformer_wan import WanAttention, WanTransformer3DModel
from torch import Tensor
from torch.nn import functional

from onestory.memory.showing import OWNERS

LOUDEST = 7.0
"""How many times as much attention goes to what is about nothing but the same owner."""

FAINTEST = 0.02
"""How many times as much goes to what is about others."""


def shown_of(blocking_BPFhw: Tensor) -> Tensor:
    """
    Read off blocking what every token of a shot shows.

    Args:
        blocking_BPFhw: As `onestory.diffusion.blocking` makes it; its first channels say whether
            it is known, where the first person stands, and where others do.

    Returns:
        `B N O+1`: known, first, others, set; each in [0, 1].
    """
    told_BOFhw = blocking_BPFhw[:, :3]
    mean_BOFhw = functional.avg_pool3d(told_BOFhw, (1, 2, 2))
    known, first, others = mean_BOFhw.flatten(2).unbind(1)
    return torch.stack([known, first, others, (known - first - others).clamp(min=0)], dim=-1)


def bias_between(shown_BNO: Tensor, owned_BMO: Tensor) -> Tensor:
    """
    Say how much more attention goes from tokens to what is about the same.

    Args:
        shown_BNO: What tokens show: known, and how much of each owner.
        owned_BMO: The same of what is attended to.

    Returns:
        `B N M`, to be added to the logits of attention.
    """
    known_BNM = shown_BNO[..., :1] * owned_BMO[..., 0][:, None]
    alike_BNM = shown_BNO[..., 1:] @ owned_BMO[..., 1:].transpose(1, 2)
    return known_BNM * (FAINTEST + LOUDEST * alike_BNM).log()


def owned_by(text_BTE: Tensor) -> Tensor:
    """Of caption features with owners: `B T O+1`, in the terms of `shown_of`."""
    owner_BTO = text_BTE[..., -OWNERS:]
    return torch.cat([owner_BTO.sum(dim=-1, keepdim=True), owner_BTO], dim=-1)


class HearingAttention:
    """Wan's cross-attention, with a bias."""

    _parallel_config = None

    def __init__(self, stock: Any, bias_B1NT: Tensor) -> None:
        self._attention_backend = getattr(stock, "_attention_backend", None)
        self._bias_B1NT = bias_B1NT

    def __call__(
        self,
        attn: WanAttention,
        hidden_BND: Tensor,
        text_BTD: Tensor,
        attention_mask: None = None,
        rotary_emb: None = None,
    ) -> Tensor:
        """Attend as stock does, but for the bias."""
        query_BND = attn.norm_q(attn.to_q(hidden_BND))
        key_BTD = attn.norm_k(attn.to_k(text_BTD))
        out_BNHE = dispatch_attention_fn(
            query_BND.unflatten(2, (attn.heads, -1)),
            key_BTD.unflatten(2, (attn.heads, -1)),
            attn.to_v(text_BTD).unflatten(2, (attn.heads, -1)),
            attn_mask=self._bias_B1NT.to(query_BND.dtype),
            backend=self._attention_backend,
        )
        out_BND: Tensor = out_BNHE.flatten(2, 3).type_as(query_BND)
        for layer in attn.to_out:
            out_BND = layer(out_BND)
        return out_BND


@contextmanager
def hearing(transformer: WanTransformer3DModel, bias_BNT: Tensor) -> Iterator[None]:
    """Let every cross-attention inside prefer some words."""
    blocks: Any = transformer.blocks
    stock = [block.attn2.processor for block in blocks]
    try:
        for block in blocks:
            block.attn2.processor = HearingAttention(block.attn2.processor, bias_BNT[:, None])
        yield
    finally:
        for block, processor in zip(blocks, stock, strict=True):
            block.attn2.processor = processor
