"""Studios of real services, for tests that look at them from outside."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.studio import services
from deployments.studio.addresses import Addresses
from deployments.studio.embedded import stop_studio, studio
from deployments.studio.settings import StudioSettings, read_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no project file of the developer reaches a test."""
    for name in services.ours_in_environment():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(name="settings", scope="module")
def _settings(tmp_path_factory: pytest.TempPathFactory) -> StudioSettings:
    """An embedded studio under a home whose path holds a space."""
    return read_settings(home=tmp_path_factory.mktemp("a home"), engine="painted")


@pytest.fixture(name="running", scope="module")
def _running(settings: StudioSettings) -> Iterator[Addresses]:
    """The whole embedded studio, up and shared by the tests of a module."""
    with studio(settings) as addresses:
        yield addresses


@pytest.fixture(name="alone")
def _alone(tmp_path: Path) -> Iterator[StudioSettings]:
    """A studio at rest under a home of its own; with Prefect left out it starts fast."""
    settings = read_settings(home=tmp_path / "home", engine="painted")
    yield settings
    stop_studio(settings)


@pytest.fixture(name="innocent")
def _innocent() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()
