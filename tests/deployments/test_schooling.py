"""`onestory train encoders`: from stories to encoders that can look, on tiny ones."""

from dataclasses import replace
from pathlib import Path

import pytest

import onestory.evaluation.curriculum as curriculum_module
from deployments.schooling import schooling_text, train_encoders
from deployments.studio.settings import read_settings
from onestory.bench.schooling import only_trainer
from onestory.continuity.encoders import FolderEncoders
from onestory.diffusion.codec import load_codec
from onestory.engines.pocket.weights import find_weights
from onestory.errors import OrderError
from onestory.evaluation.schoolbook import page_name, write_pages
from onestory.testing.tiny_schooling import TINY_SCHOOLING
from onestory.tracking.store import client_of


def test_encoders_are_schooled_in_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run stops and goes on, another begins at its end; MLflow knows both, and both can look."""
    tiny = (replace(TINY_SCHOOLING, steps=3), replace(TINY_SCHOOLING, steps=2, seed=1))
    monkeypatch.setattr(curriculum_module, "SHIPPED_RUNS", tiny)
    settings = read_settings(home=tmp_path / "home")
    first, second = tmp_path / "first", tmp_path / "second"
    seed = TINY_SCHOOLING.first_seed
    codec = load_codec(find_weights(None) / "vae")
    write_pages(first / "pages" / page_name(seed), range(seed, seed + 2), codec)
    second.mkdir()
    (second / "pages").symlink_to(first / "pages")
    told: list[str] = []

    begun = train_encoders(settings, out=first, start=None, steps=1, say=told.append)
    ended = train_encoders(settings, out=first, start=None, steps=None, say=told.append)
    after = train_encoders(settings, out=second, start=first, steps=None, say=told.append)

    assert (begun["steps"], ended["steps"], ended["of"], after["steps"]) == (1, 3, 3, 2)
    assert begun["mlflow_run"] == ended["mlflow_run"] != after["mlflow_run"]
    client = client_of(f"sqlite:///{tmp_path}/home/mlflow/mlflow.db")
    steps = [one.step for one in client.get_metric_history(ended["mlflow_run"], "identity")]
    assert steps == [1, 2, 3]
    assert [line.split("  ")[0] for line in told] == ["step 1 of 1", "step 3 of 3", "step 2 of 2"]
    looked = {FolderEncoders(Path(made["encoders"])).fingerprint for made in (ended, after)}
    assert len(looked) == 2
    assert after["encoders"] in schooling_text(after)


def test_encoders_are_schooled_by_one_process(tmp_path: Path) -> None:
    """The second one is refused before anything is drawn."""
    with (
        only_trainer(tmp_path / "out"),
        pytest.raises(OrderError, match="another process is training in"),
    ):
        train_encoders(
            read_settings(home=tmp_path / "home"),
            out=tmp_path / "out",
            start=None,
            steps=1,
            say=lambda _: None,
        )

    assert not (tmp_path / "out" / "pages").exists()
