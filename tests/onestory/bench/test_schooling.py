"""What an order to train comes to, on a tiny model and in this process."""

from pathlib import Path

import pytest

from onestory.bench.schooling import Trained, only_trainer, train_pocket
from onestory.diffusion.sampling import Sampling
from onestory.engines.pocket.weights import find_weights, weights_digest
from onestory.errors import OrderError
from onestory.testing.tiny_pocket import TINY_TRAINING, write_tiny_data
from onestory.training.order import TrainingOrder
from onestory.training.run import Rhythm

SELDOM = Rhythm(sheet_stories=1, read_stories=1, sampling=Sampling(steps=1))


def trained(folder: Path, say: list[str], **order: object) -> Trained:
    """Train as ordered, in a folder with a training file whose second phase starts afresh."""
    file = folder / "tiny.yaml"
    file.write_text(
        TINY_TRAINING.replace("    looks: 0.05\n", "    looks: 0.05\n    afresh: true\n")
    )
    told = {"config": str(file), "data": str(folder / "data"), **order}
    return train_pocket(
        TrainingOrder.model_validate(told),
        tracking_uri=f"sqlite:///{folder}/mlflow.db",
        artifact_root=(folder / "files").as_uri(),
        say=say.append,
        rhythm=SELDOM,
    )


def test_an_order_says_from_which_weights_a_run_goes_on(tmp_path: Path) -> None:
    """Those of another run's first phase: none of its steps is taken again."""
    write_tiny_data(tmp_path / "data")
    early, later = [], []

    first = trained(tmp_path, early, out=str(tmp_path / "first"), steps=3)
    second = trained(tmp_path, later, out=str(tmp_path / "second"), start=first.weights, steps=4)

    assert "from step 0 to 3" in early
    assert "from step 3 to 4" in later
    assert (first.steps, second.steps, second.of) == (3, 4, 6)
    assert second.digest == weights_digest(find_weights(Path(second.weights))) != first.digest
    assert second.mlflow_run != first.mlflow_run
    assert {"held out flow of picture", "held out named right"} <= second.held_out.keys()
    assert f'{{"weights": "{second.weights}"}}' in second.in_words()


def test_somebody_trains_alone(tmp_path: Path) -> None:
    """The second one is refused before anything is made."""
    run = tmp_path / "run"
    with (
        only_trainer(run),
        pytest.raises(OrderError, match="another process is training in"),
    ):
        trained(tmp_path, [], out=str(run))

    assert not (tmp_path / "data").exists()
