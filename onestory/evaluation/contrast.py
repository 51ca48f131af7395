"""
How do embeddings learn whose they are? From earlier ones, of the same and of others.

Others count only in the same light: otherwise the hour alone would tell most of them apart, and
that is not what an identity is. Reference: Khosla et al., "Supervised Contrastive Learning", 2020
(arXiv:2004.11362), with a queue as in He et al., "MoCo", 2019 (arXiv:1911.05722).

Shape suffixes, for this module only:
    N  new embeddings    M  new and earlier ones    D  embedding
"""

import torch

Rows = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Embeddings, whose they are, and in which light."""


class ContrastMemory:
    """Embeddings of earlier steps, with whose they are and in which light."""

    def __init__(self, size: int) -> None:
        """
        Begin with none.

        Args:
            size: How many are remembered.
        """
        self.size = size
        self.rows: Rows | None = None

    def loss(
        self,
        embedding_ND: torch.Tensor,
        label_N: torch.Tensor,
        light_N: torch.Tensor,
        warmth: float,
    ) -> torch.Tensor:
        """
        Compare new embeddings with each other and with earlier ones, and remember them.

        Args:
            embedding_ND: Of length 1.
            label_N: Whose they are.
            light_N: In which light.
            warmth: Temperature.

        Returns:
            Supervised contrastive loss, negatives in the same light only; 0 without a pair.
        """
        new = (embedding_ND.detach(), label_N, light_N)
        kept = (
            new
            if self.rows is None
            else tuple(torch.cat([a, b]) for a, b in zip(new, self.rows, strict=True))
        )
        others_MD = torch.cat([embedding_ND, kept[0][len(label_N) :]])
        likeness_NM = embedding_ND @ others_MD.T / warmth
        same_NM = label_N[:, None] == kept[1][None]
        other_NM = ~same_NM & (light_N[:, None] == kept[2][None])
        itself = torch.arange(len(label_N))
        same_NM[itself, itself] = False
        self.rows = (kept[0][: self.size], kept[1][: self.size], kept[2][: self.size])
        if not bool(same_NM.any()):
            return embedding_ND.sum() * 0.0
        against_N1 = likeness_NM.masked_fill(~other_NM, -1e4).logsumexp(1, keepdim=True)
        return (torch.logaddexp(likeness_NM, against_N1) - likeness_NM)[same_NM].mean()
