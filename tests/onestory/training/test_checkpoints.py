"""A run is kept whole or not at all."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from onestory.errors import WeightsError
from onestory.training import checkpoints
from onestory.training.checkpoints import NAME, read_checkpoint, write_checkpoint


class Run:
    """Two layers and their two optimizers."""

    def __init__(self, seed: int, *, width: int = 6) -> None:
        torch.manual_seed(seed)
        self.layer, self.norm = nn.Linear(4, width, bias=False), nn.BatchNorm1d(width)
        self.optimizers: dict[str, Optimizer] = {
            "muon": Muon(self.layer.parameters(), lr=0.1),
            "adamw": AdamW(self.norm.parameters(), lr=0.1),
        }

    @property
    def modules(self) -> dict[str, nn.Module]:
        """By the names under which they are kept."""
        return {"layer": self.layer, "norm": self.norm}

    def step(self, number: int) -> None:
        """Learn something that depends on nothing but the number."""
        given = torch.randn(5, 4, generator=torch.Generator().manual_seed(number))
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        (self.norm(self.layer(given)) - given.sum()).square().sum().backward()
        for optimizer in self.optimizers.values():
            optimizer.step()

    def weights(self) -> list[Tensor]:
        """All that was learnt."""
        return [*self.layer.state_dict().values(), *self.norm.state_dict().values()]

    def keep(self, folder: Path, step: int) -> None:
        """Write a checkpoint."""
        write_checkpoint(folder, step, self.modules, self.optimizers)

    def take_up(self, folder: Path) -> int:
        """Read a checkpoint."""
        return read_checkpoint(folder, self.modules, self.optimizers)


def equal(one: Run, other: Run) -> bool:
    """Whether two runs learnt the same, to the bit."""
    return all(torch.equal(a, b) for a, b in zip(one.weights(), other.weights(), strict=True))


@pytest.fixture(name="run")
def _run() -> Run:
    run = Run(1)
    for number in range(3):
        run.step(number)
    return run


def test_a_run_goes_on_as_if_never_interrupted(run: Run, tmp_path: Path) -> None:
    """Weights, buffers and the memory of both optimizers come back to the bit."""
    run.keep(tmp_path, 3)
    again = Run(2)

    assert again.take_up(tmp_path) == 3
    assert equal(run, again)
    for number in (3, 4):
        run.step(number)
        again.step(number)
    assert equal(run, again)


def test_nothing_kept_is_a_beginning(run: Run, tmp_path: Path) -> None:
    """Without a checkpoint a run starts at step 0, with the weights it has."""
    before = [weight.clone() for weight in run.weights()]

    assert run.take_up(tmp_path / "nowhere") == 0
    assert all(torch.equal(a, b) for a, b in zip(run.weights(), before, strict=True))


def test_the_last_checkpoint_counts(run: Run, tmp_path: Path) -> None:
    """A newer one takes the place of the older, and nothing else is left."""
    run.keep(tmp_path, 3)
    run.step(3)
    run.keep(tmp_path, 4)
    again = Run(2)

    assert again.take_up(tmp_path) == 4
    assert equal(run, again)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_writer_that_was_killed_leaves_the_last_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a checkpoint is never read, and does not stop the next."""
    run.keep(tmp_path, 3)
    kept = [weight.clone() for weight in run.weights()]

    def die(tensors: Any, path: Path, **_: Any) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    run.step(3)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_file", die)
        with pytest.raises(KeyboardInterrupt):
            run.keep(tmp_path, 4)
    again = Run(2)

    assert again.take_up(tmp_path) == 3
    assert all(torch.equal(a, b) for a, b in zip(again.weights(), kept, strict=True))
    run.keep(tmp_path, 4)
    assert again.take_up(tmp_path) == 4


def test_a_run_of_another_model_is_refused(run: Run, tmp_path: Path) -> None:
    """Weights that do not fit are named with their file."""
    run.keep(tmp_path, 3)

    with pytest.raises(WeightsError, match=rf"(?s){NAME} is of another model: .*size mismatch"):
        Run(1, width=7).take_up(tmp_path)
