"""Does a training run stand in a real MLflow store, every step once?"""

from pathlib import Path
from typing import Any

import pytest

from onestory.errors import StorageError
from onestory.tracking.store import client_of
from onestory.tracking.training_run import TrainingRun


def _start(folder: Path, **fields: Any) -> TrainingRun:
    usual: dict[str, Any] = {
        "resume_key": "a run",
        "artifact_root": (folder / "artifacts").as_uri(),
        "params": {"seed": 5},
    }
    store = f"sqlite:///{folder}/mlflow.db"
    return TrainingRun.start(store, "training", "pocket", **(usual | fields))


def _history(folder: Path, run: TrainingRun, name: str) -> list[tuple[int, float]]:
    history = client_of(f"sqlite:///{folder}/mlflow.db").get_metric_history(run.run_id, name)
    return [(metric.step, metric.value) for metric in history]


def _log_and_die(run: TrainingRun, steps: int) -> None:
    with run:
        for step in range(1, steps + 1):
            run.log(step, {"flow": float(step)})
        raise KeyboardInterrupt


def test_steps_validation_and_pictures_stand_in_the_run(tmp_path: Path) -> None:
    """Every number at its step, the file among the artifacts, the run finished."""
    picture = tmp_path / "sheet.png"
    picture.write_bytes(b"png")

    with _start(tmp_path) as run:
        for step in range(1, 46):
            run.log(step, {"flow": 1 / step})
        run.log_validation(45, {"held out flow": 0.5})
        run.log_file(picture, "sheets")

    client = client_of(f"sqlite:///{tmp_path}/mlflow.db")
    found = client.get_run(run.run_id)
    assert _history(tmp_path, run, "flow") == [(step, 1 / step) for step in range(1, 46)]
    assert _history(tmp_path, run, "held out flow") == [(45, 0.5)]
    assert [item.path for item in client.list_artifacts(run.run_id, "sheets")] == [
        "sheets/sheet.png"
    ]
    assert found.data.params == {"seed": "5"}
    assert found.info.status == "FINISHED"


def test_a_killed_run_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    """Steps that are taken again after a crash are the same steps."""
    first = _start(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        _log_and_die(first, 30)

    client = client_of(f"sqlite:///{tmp_path}/mlflow.db")
    assert client.get_run(first.run_id).info.status == "KILLED"
    with _start(tmp_path) as second:
        for step in range(26, 33):
            second.log(step, {"flow": float(step)})

    assert second.run_id == first.run_id
    assert _history(tmp_path, second, "flow") == [(step, float(step)) for step in range(1, 33)]


def test_another_run_is_another_run(tmp_path: Path) -> None:
    """A run from the beginning, or of another file, does not go on with an old one."""
    with _start(tmp_path) as one:
        one.log(1, {"flow": 1.0})

    anew = _start(tmp_path, is_resumed=False)
    other = _start(tmp_path, resume_key="another run")

    assert len({one.run_id, anew.run_id, other.run_id}) == 3


def test_a_store_without_a_folder_is_refused(tmp_path: Path) -> None:
    """MLflow's own minutes of trying are not waited for."""
    with pytest.raises(StorageError, match="there is no folder"):
        _start(tmp_path / "nowhere")
