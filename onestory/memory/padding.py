"""
What stands beyond the edge of a latent grid that a kernel does not divide?

Its last row and column, again: nothing invented, and a flat picture stays flat.
"""

from torch import Tensor, nn


def padded(latents_NCHW: Tensor, kernel_height: int, kernel_width: int) -> Tensor:
    """Repeat the last row and column until the kernel divides the grid."""
    H, W = latents_NCHW.shape[2:]
    pad = (0, -W % kernel_width, 0, -H % kernel_height)
    return nn.functional.pad(latents_NCHW, pad, mode="replicate") if any(pad) else latents_NCHW
