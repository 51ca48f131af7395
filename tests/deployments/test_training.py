"""`onestory train pocket`: from a training file to weights, by one command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from onestory.engines.pocket.weights import find_weights, weights_digest
from onestory.testing.tiny_pocket import TINY_TRAINING, write_tiny_data
from onestory.tracking.store import client_of

COMMAND = str(Path(sys.executable).with_name("onestory"))


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type the command in a folder with a tiny training file."""
    (folder / "tiny.yaml").write_text(TINY_TRAINING)
    return subprocess.run(
        [COMMAND, "train", "pocket", "--home", "home", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=280,
        check=False,
    )


@pytest.mark.slow
def test_a_run_is_trained_in_two_goes(tmp_path: Path) -> None:
    """Weights, log, pictures and an MLflow run, which the second go takes up again."""
    write_tiny_data(tmp_path / "data")
    flags = ("--config", "tiny.yaml", "--data", "data", "--out", "run", "--json")

    first = train(tmp_path, *flags, "--steps", "2")
    second = train(tmp_path, *flags)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    early, late = json.loads(first.stdout), json.loads(second.stdout)
    assert (early["steps"], late["steps"], late["of"]) == (2, 6, 6)
    assert late["digest"] == weights_digest(find_weights(late["weights"])) != early["digest"]
    assert len(Path(late["log"]).read_text().splitlines()) == 6
    assert [Path(path).name for path in late["sheets"]] == ["step-000002.png", "step-000006.png"]
    assert late["held_out"].keys() >= {"held out flow of picture", "held out named right"}
    assert early["mlflow_run"] == late["mlflow_run"]
    client = client_of(f"sqlite:///{tmp_path}/home/mlflow/mlflow.db")
    history = client.get_metric_history(late["mlflow_run"], "flow")
    assert [metric.step for metric in history] == [1, 2, 3, 4, 5, 6]
    assert len(client.list_artifacts(late["mlflow_run"], "sheets")) == 2
    assert "step 6 of 6" in second.stderr


def test_a_file_that_is_no_training_file_is_bad_input(tmp_path: Path) -> None:
    """One sentence, exit code 2, nothing begun."""
    (tmp_path / "broken.yaml").write_text("seed: many")

    missing = train(tmp_path, "--config", "nowhere.yaml")
    broken = train(tmp_path, "--config", "broken.yaml")

    assert (missing.returncode, broken.returncode) == (2, 2)
    assert "nowhere.yaml is no training file" in missing.stderr
    assert "seed" in broken.stderr
    assert not (tmp_path / ".training").exists()


def test_two_do_not_train_in_one_folder(tmp_path: Path) -> None:
    """The second is told so before it touches anything."""
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / "train.lock"):
        done = train(tmp_path, "--config", "tiny.yaml", "--out", "run")

    assert done.returncode == 2
    assert "another process is training" in done.stderr
