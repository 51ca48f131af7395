"""The one command: its verbs, its refusals, its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("onestory"))


def onestory(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Type the command in a folder."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=280,
        check=False,
    )


@pytest.mark.parametrize(
    "verb",
    [
        "produce",
        "season",
        "plan",
        "retake",
        "status",
        "explain",
        "screen",
        "compare",
        "ab",
        "export",
        "history",
        "revert",
        "gc",
        "studio",
        "doctor",
        "train",
        "bench",
    ],
)
def test_a_promised_verb_explains_itself(verb: str, tmp_path: Path) -> None:
    """Every verb is there, and its help begins with what it does."""
    done = onestory(verb, "--help", folder=tmp_path)

    assert done.returncode == 0
    assert f"onestory {verb}" in done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_a_refused_script_says_where_and_what(json_flag: list[str], tmp_path: Path) -> None:
    """One sentence with file, line, column and hint; exit code 2; nothing is left behind."""
    script = ROOT / "deployments/examples/refused.fountain"

    done = onestory("produce", str(script), *json_flag, folder=tmp_path)

    said = json.loads(done.stdout)["error"]["message"] if json_flag else done.stderr
    assert done.returncode == 2
    assert "refused.fountain:10:1:" in said
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../../etc/passwd", "nothing.fountain", "."])
def test_a_script_that_is_no_file_is_bad_input(name: str, tmp_path: Path) -> None:
    """A missing file, a folder, a file that is no script: exit code 2 for all."""
    done = onestory("produce", name, "--json", folder=tmp_path)

    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "ScriptError"


def test_an_impossible_order_is_bad_input(tmp_path: Path) -> None:
    """What a flag asks for is checked before anything starts."""
    script = str(ROOT / "deployments/examples/two-shots.fountain")

    size = onestory("produce", script, "--size", "huge", "--json", folder=tmp_path)
    takes = onestory("produce", script, "--max-takes", "0", "--json", folder=tmp_path)

    assert (size.returncode, takes.returncode) == (2, 2)
    assert "WIDTHxHEIGHT" in json.loads(size.stdout)["error"]["message"]
    assert "max_takes" in json.loads(takes.stdout)["error"]["message"]
    assert not list(tmp_path.iterdir())


def test_the_doctor_finds_this_machine_ready(tmp_path: Path) -> None:
    """The machine that runs the tests has all that a film needs."""
    done = onestory("doctor", "--json", "--home", str(tmp_path / "home"), folder=tmp_path)

    findings = json.loads(done.stdout)
    assert done.returncode == 0, findings
    assert {"ffmpeg", "espeak-ng"} <= {one["name"] for one in findings["findings"]}


def test_every_example_can_be_shot(tmp_path: Path) -> None:
    """What lies in the examples folder breaks down, but for the one that must not."""
    from deployments.producing import check_script
    from deployments.verbs import order_of

    scripts = sorted((ROOT / "deployments/examples").iterdir())
    good = [path for path in scripts if path.stem != "refused"]

    episodes = [check_script(order_of(script=str(path))) for path in good]

    assert len(episodes) == len(set(episodes)) >= 5
