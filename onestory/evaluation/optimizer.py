"""
Why so few steps? Convolutions learn by orthogonal steps, everything else by AdamW.

Muon (Jordan et al., 2024) on kernels seen as matrices, one row an output channel: every direction
of a kernel moves by as much, so that a few hundred steps are enough.
"""

from collections.abc import Iterable

import torch
from torch import nn

MOMENTUM = 0.95


class KernelMuon:
    """Moves kernels along orthogonalised momenta."""

    def __init__(self, kernels: Iterable[nn.Parameter]) -> None:
        self.kernels = list(kernels)
        self.momenta = [torch.zeros_like(kernel) for kernel in self.kernels]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """
        Take a step.

        Args:
            rate: Length of a step, against that of a kernel of its size that was just drawn.
        """
        for kernel, momentum in zip(self.kernels, self.momenta, strict=True):
            if kernel.grad is None:
                continue
            momentum.lerp_(kernel.grad, 1 - MOMENTUM)
            ahead = kernel.grad.lerp(momentum, MOMENTUM).flatten(1)
            moved = orthogonal(ahead)
            scale = max(1.0, moved.shape[0] / moved.shape[1]) ** 0.5
            kernel.mul_(1 - 0.01 * rate).sub_(moved.view_as(kernel), alpha=rate * scale)


def orthogonal(matrix_MN: torch.Tensor) -> torch.Tensor:
    """Bring all singular values near 1: five Newton-Schulz steps of Muon's quintic."""
    tall = matrix_MN.shape[0] > matrix_MN.shape[1]
    x = (matrix_MN.T if tall else matrix_MN).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    moved_MN: torch.Tensor = x.T if tall else x
    return moved_MN.to(matrix_MN.dtype)
