"""Tests of the optimizer of kernels."""

import pytest
import torch
from torch import nn

from onestory.evaluation.optimizer import KernelMuon, orthogonal


@pytest.mark.parametrize("shape", [(6, 20), (20, 6)])
def test_all_directions_move_alike(shape: tuple[int, int]) -> None:
    """Singular values come near 1, whichever side is longer."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.4


def test_a_step_lowers_the_loss_by_the_rate() -> None:
    """Steps go downhill, are as long as they are told to be, and leave other weights alone."""
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 5, 3)
    muon = KernelMuon([layer.weight])
    pixels, before = torch.randn(4, 3, 8, 8), layer.weight.detach().clone()
    bias = layer.bias
    assert bias is not None
    kept = bias.detach().clone()
    loss = layer(pixels).square().mean()
    loss.backward()
    muon.step(0.01)
    moved = torch.linalg.svdvals((layer.weight - before).flatten(1)).detach()
    assert 0.003 < float(moved.min()) < float(moved.max()) < 0.015
    assert layer(pixels).square().mean().item() < loss.item()
    assert torch.equal(bias, kept)


def test_a_kernel_without_a_gradient_stays() -> None:
    """What took no part in the loss is not moved."""
    layer = nn.Conv2d(3, 5, 3)
    before = layer.weight.detach().clone()
    KernelMuon([layer.weight]).step(1.0)
    assert torch.equal(layer.weight, before)
