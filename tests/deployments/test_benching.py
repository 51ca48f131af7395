"""`onestory bench`: from the command line to reports, by a tiny model and the shipped reader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onestory.testing.tiny_pocket import write_tiny_weights

COMMAND = str(Path(sys.executable).with_name("onestory"))


@pytest.fixture(name="weights", scope="module")
def _weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole folder of tiny weights."""
    return write_tiny_weights(tmp_path_factory.mktemp("weights"))


def bench(folder: Path, *arguments: str) -> Any:
    """Type the command, and read its document."""
    done = subprocess.run(
        [COMMAND, "bench", *arguments, "--home", str(folder / "home"), "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_comparison_ends_in_reports(weights: Path, tmp_path: Path) -> None:
    """One document with a row for each policy; a table, plots, sheets and an MLflow run."""
    arguments = ("memory", "--quick", "--stories", "2", "--steps", "1", "--weights", str(weights))

    report = bench(tmp_path, *arguments)

    rows = {row["policy"]: row for row in report["policies"]}
    out = tmp_path / "out/bench/memory"
    assert {"none", "last_frame", "fixed_window", "single_keyframe", "adaptive"} <= set(rows)
    for measure in ("character_consistency", "environment_consistency", "caption_agreement"):
        assert -1 <= rows["adaptive"][measure] <= 1
    assert {"real_clips", "wrong_pairs"} <= set(rows)
    assert report["mlflow_run"]
    assert {path.name for path in out.iterdir()} >= {
        "report.md",
        "report.json",
        "gaps-character.png",
        "gaps-environment.png",
    }
    assert len(list(out.glob("sheet-*.png"))) == 2
    assert "| adaptive |" in (out / "report.md").read_text()

    takes = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    again = bench(tmp_path, *arguments)

    assert again["policies"] == report["policies"]
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")} == takes


def test_the_cost_of_late_shots_is_told(weights: Path, tmp_path: Path) -> None:
    """Adaptive memory reads as many tokens at shot 40 as at shot 5; a full history does not."""
    document = bench(tmp_path, "cost", "--weights", str(weights))

    tokens = {(row["rule"], row["shot"]): row["memory_tokens"] for row in document["steps"]}
    assert tokens["adaptive", 40] == tokens["adaptive", 5]
    assert tokens["full_history", 40] == 39 * tokens["full_history", 2]
    assert (tmp_path / "out/bench/cost/cost.md").exists()


def test_weights_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """One sentence, and nothing is made."""
    done = subprocess.run(
        [COMMAND, "bench", "memory", "--weights", "nowhere", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "WeightsError"
    assert not list(tmp_path.glob("out"))
