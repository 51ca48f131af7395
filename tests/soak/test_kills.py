"""The soak in the small: everybody is killed once, and nothing may be lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.studio, pytest.mark.timeout(1500)]

SOAK = Path(__file__).with_name("kills.py")


def test_a_film_survives_whoever_is_killed() -> None:
    """Flow, gateway, Prefect, engine, ffmpeg, the disk, a worker: the next run is always whole."""
    run = subprocess.run(
        [sys.executable, str(SOAK), "--kills", "7", "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=1400,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    tally = json.loads(run.stdout)
    assert tally["kills"] == 7
    assert set(tally["by_victim"]) == {
        "disk",
        "engine",
        "ffmpeg",
        "flow",
        "gateway",
        "prefect",
        "worker",
    }
    assert tally["left_out"] == []
    assert tally["failures"] == []
    assert tally["blobs_verified"] > 100
