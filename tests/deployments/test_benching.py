"""`onestory bench`: from the command line to reports, by a tiny model and the shipped reader."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deployments.benching import retakes_text
from onestory.bench.retakes import BLINDLY, BY_VERDICT, ShotOutcome, compared
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
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["kind"] == "WeightsError"
    assert not list(tmp_path.glob("out"))


def test_the_tables_of_retakes_say_what_each_rung_gained() -> None:
    """A row for each strategy, one sentence for each gain, and how often each rung helped."""

    def outcome(story: int, *rungs: str, is_passed: bool) -> ShotOutcome:
        """A shot whose last take decides, of two seconds each."""
        takes = (("", not rungs), *((rung, is_passed and rung == rungs[-1]) for rung in rungs))
        return ShotOutcome(
            story=story,
            takes=takes,
            reasons=("identity",) if rungs else (),
            seconds=2.0 * len(takes),
            spent_on_retakes=2.0 * len(rungs),
        )

    outcomes = {
        BY_VERDICT: [outcome(one, "new seed", "again", is_passed=True) for one in range(2)],
        BLINDLY: [outcome(one, "new seed", is_passed=one == 0) for one in range(2)],
    }

    text = retakes_text({"stories": 2, "engine": "pocket", **compared(outcomes)})

    assert (
        f"| {BY_VERDICT} | 2 | 2 | 1.000 ± 0.000 | 3.000 ± 0.000 | 6.000 ± 0.000 | 15.000" in text
    )
    assert f"| {BLINDLY} | 2 | 2 | 0.500 ± 0.500 |" in text
    assert f"{BY_VERDICT} rescues +0.500 more of NG shots than {BLINDLY} (+0.000 to +1.0" in text
    assert f"{BY_VERDICT} rescues +0.000 more a minute of retakes than {BLINDLY} (-15.0" in text
    assert f"| {BY_VERDICT} | new seed | 2 | 0 |\n| {BY_VERDICT} | again | 2 | 2 |" in text
    assert f"| {BLINDLY} | new seed | 2 | 1 |" in text
    assert f"| {BY_VERDICT} | identity | 2 | 2 |\n| {BLINDLY} | identity | 2 | 1 |" in text

    good = {name: [outcome(0, is_passed=True)] for name in outcomes}
    nothing = retakes_text({"stories": 1, "engine": "pocket", **compared(good)})
    assert f"| {BLINDLY} | 1 | 0 | – |" in nothing
    assert "rescues" not in nothing
