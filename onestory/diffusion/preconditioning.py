"""
How does a network see noisy latents, and what must it say? Every channel at its own scale.

    noisy ──┬── x in(noise, std) ── transformer ── x out(noise, std) ──┐
            └── x skip(noise, std) ────────────────────────────────────┴──► clean latents

Latents vary as pixels do: the first channel twenty times as much as the last. A network to which
all of them are given as they are learns the large ones and covers the small ones with noise,
grain in a picture. So whatever it sees and whatever it is asked for varies by 1 in every channel,
at every noise level; the skip is the best guess from that one number alone.

References: Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models",
2022 (arXiv:2206.00364), section 5, here for mixtures (1 - t) clean + t noise and for each channel.
"""

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin

from onestory.memory.keeping import keeps_config


class Preconditioner(ModelMixin, ConfigMixin):  # type: ignore[misc]  # diffusers is untyped
    """Knows how much every channel of clean latents varies."""

    std_C: torch.Tensor

    @keeps_config
    def __init__(self, channels: int = 48) -> None:
        """
        Take every channel to vary by 1.

        Args:
            channels: Of a latent.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.register_buffer("std_C", torch.ones(channels))

    def even(self, latents_BCFhw: torch.Tensor) -> torch.Tensor:
        """Let every channel of clean latents vary by 1."""
        return latents_BCFhw / self._column()

    def seen(self, noisy_BCFhw: torch.Tensor, share_BF: torch.Tensor) -> torch.Tensor:
        """
        Say what the transformer sees.

        Args:
            noisy_BCFhw: Clean latents and noise, mixed.
            share_BF: How much of each frame is noise, in [0, 1].

        Returns:
            `B C F h w`, of unit variance in every channel; where nothing is noise, as `even`.
        """
        return noisy_BCFhw / self._spread(share_BF)

    def clean(
        self, noisy_BCFhw: torch.Tensor, drawn_BCFhw: torch.Tensor, share_BF: torch.Tensor
    ) -> torch.Tensor:
        """
        Turn what the transformer drew into clean latents.

        Args:
            noisy_BCFhw: What they are drawn from.
            drawn_BCFhw: Its output, of unit variance in every channel.
            share_BF: How much of each frame is noise, in [0, 1]; where it is 0, clean is noisy.

        Returns:
            Clean latents, `B C F h w`, float32.
        """
        share_B1F11 = share_BF[:, None, :, None, None].float()
        std_C111, spread_BCF11 = self._column(), self._spread(share_BF)
        skip_BCF11 = (1 - share_B1F11) * (std_C111 / spread_BCF11).square()
        out_BCF11 = share_B1F11 * std_C111 / spread_BCF11
        return skip_BCF11 * noisy_BCFhw + out_BCF11 * drawn_BCFhw.float()

    def _spread(self, share_BF: torch.Tensor) -> torch.Tensor:
        """How much noisy latents vary, `B C F 1 1`."""
        share_B1F11 = share_BF[:, None, :, None, None].float()
        return torch.hypot((1 - share_B1F11) * self._column(), share_B1F11)

    def _column(self) -> torch.Tensor:
        return self.std_C.float()[:, None, None, None]
