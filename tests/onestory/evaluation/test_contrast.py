"""Tests of the contrastive loss and its memory."""

import math

import pytest
import torch

from onestory.evaluation.contrast import ContrastMemory


def unit(*rows: tuple[float, float]) -> torch.Tensor:
    """Make embeddings of length 1."""
    return torch.nn.functional.normalize(torch.tensor(rows), dim=1)


def test_the_loss_agrees_with_a_second_computation() -> None:
    """Every pair of the same is told from all others in its light, and from no one else."""
    seen = unit((1.0, 0.2), (0.8, 0.5), (-0.3, 1.0), (0.9, -0.4))
    label, light = torch.tensor([7, 7, 8, 9]), torch.tensor([1, 1, 1, 2])
    dots = (seen @ seen.T).tolist()
    losses = []
    for one, other in ((0, 1), (1, 0)):
        mine, theirs = math.exp(dots[one][other] / 0.5), math.exp(dots[one][2] / 0.5)
        losses.append(-math.log(mine / (mine + theirs)))
    found = ContrastMemory(8).loss(seen, label, light, 0.5)
    assert float(found) == pytest.approx(sum(losses) / 2, abs=1e-5)


def test_earlier_embeddings_count_until_they_are_forgotten() -> None:
    """The last ones are remembered, newest first, without gradients."""
    memory = ContrastMemory(3)
    first = unit((1.0, 0.0), (0.0, 1.0)).requires_grad_()
    lonely = memory.loss(first, torch.tensor([1, 2]), torch.zeros(2), 0.1)
    assert lonely.item() == 0.0
    assert memory.loss(first, torch.tensor([1, 3]), torch.zeros(2), 0.1).item() > 0.0
    assert memory.rows is not None
    assert memory.rows[1].tolist() == [1, 3, 1]
    assert not memory.rows[0].requires_grad
