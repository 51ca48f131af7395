"""`onestory bench engine`: from the command line to lines, a document and an exit code."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("onestory"))


def bench_engine(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Type the command."""
    return subprocess.run(
        [COMMAND, "bench", "engine", *arguments, "--home", str(folder / "home")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def test_an_engine_is_looked_at_without_a_studio(tmp_path: Path) -> None:
    """A line for each check as it ends, then one that says how it went; no service is started."""
    done = bench_engine(tmp_path, "--engine", "previz", "--quick")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "weights        ok        previz, none"
    assert lines[4].startswith("same seed      ok        twice sha256:")
    assert lines[-1] == "previz does as it says"
    assert not (tmp_path / "home").exists()


def test_what_must_hold_and_does_not_is_an_exit_code(tmp_path: Path) -> None:
    """With a document that says what to do, and the lines beside it."""
    (tmp_path / "onestory.toml").write_text(
        'engine = "wan"\n[engine_options]\nweights = "./none"\n'
    )

    done = bench_engine(tmp_path, "--json")

    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert not document["is_sound"]
    assert document["checks"][0]["state"] == "FAILS"
    assert document["checks"][0]["hint"]
    assert "→" in done.stderr
