"""The images: built from what is pinned, with all that is needed and nobody's root."""

import importlib.util
import re
import socketserver
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "infra" / "images"
DOCKERFILES = sorted(IMAGES.glob("*.Dockerfile"))
ONLY_IN_TESTS = {"chromium", "postgresql", "redis-server"}
"""Debian packages of the Makefile that no worker needs: the stack has images for them."""


def _pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in lines}


def _stages(path: Path) -> list[list[str]]:
    """Instructions of each stage, continued lines joined."""
    text = re.sub(r"\\\n\s*", "", path.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages: list[list[str]] = []
    for line in lines:
        if line.startswith("FROM "):
            stages.append([])
        stages[-1].append(line)
    return stages


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(path: Path) -> None:
    """hadolint reads each Dockerfile, and the shell in it."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("hadolint")), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    """An image of no version that ends as root would be found."""
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python:latest\nRUN cd /srv && pip install x\nUSER root\n")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("hadolint")), str(wrong)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert all(rule in done.stdout for rule in ("DL3002", "DL3007", "DL3013")), done.stdout


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_no_image_runs_as_root(path: Path) -> None:
    """Whatever stage is built to the end, its last word on the user is a number above zero."""
    stages = _stages(path)
    users: dict[str, str | None] = {}
    for stage in stages:
        base, name = re.fullmatch(r"FROM (\S+)(?: AS (\S+))?", stage[0]).groups()  # type: ignore[union-attr]
        own = [line.split()[1] for line in stage if line.startswith("USER ")]
        users[name or "final"] = own[-1] if own else users.get(base)
    built = ("cpu", "cuda") if "cpu" in users else ("final",)

    assert {users[name] for name in built} == {"1000:1000"}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_every_base_has_a_version(path: Path) -> None:
    """What is built on today is what is built on tomorrow, and each image says how it is."""
    stages = _stages(path)
    ours = {stage[0].partition(" AS ")[2] for stage in stages}
    bases = {stage[0].split()[1] for stage in stages} - ours

    assert len(bases) == 1
    assert re.search(r":(\d+\.\d+\.\d+-|RELEASE\.\d{4}-)", bases.pop())
    assert any(line.startswith("HEALTHCHECK ") for stage in stages for line in stage)


def test_images_copy_what_is_sent(tmp_path: Path) -> None:
    """Each file that a Dockerfile copies is there, and .dockerignore lets it through."""
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if "!" in line
    ]
    for path in DOCKERFILES:
        for line in (line for stage in _stages(path) for line in stage):
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert (ROOT / source).exists(), (path.name, source)
                    assert any(
                        source == name or source.startswith(f"{name}/") for name in allowed
                    ), (path.name, source)


def test_servers_have_the_versions_of_the_lock() -> None:
    """Prefect's server is of the version that its workers speak to, and so are the others."""
    lock, services = _pins(ROOT / "requirements.lock"), _pins(IMAGES / "services.txt")

    assert {"prefect", "prefect-redis", "mlflow", "psycopg2-binary", "boto3"} <= services.keys()
    assert {name: pin for name, pin in services.items() if lock.get(name, pin) != pin} == {}
    assert {name: pin for name, pin in services.items() if version(name) != pin} == {}


def test_workers_have_all_that_the_project_needs() -> None:
    """What is installed before the wheel is every dependency, and weights by their own list."""
    done = subprocess.run(
        [sys.executable, "-P", str(IMAGES / "needed.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = {canonicalize_name(Requirement(line).name) for line in done.stdout.splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    weights = _pins(ROOT / "weights.lock").keys()

    assert printed == declared - weights
    assert weights
    assert printed <= _pins(ROOT / "requirements.lock").keys()


def test_workers_have_what_debian_brings() -> None:
    """The voice and the libraries that draw are those of `make setup`."""
    wanted = re.search(r"^DEBIAN\s*:= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    installed = re.search(
        r"--no-install-recommends ([^&]*?)\s*&&", "\n".join(_text(IMAGES / "worker.Dockerfile"))
    )

    assert wanted is not None
    assert installed is not None
    assert set(installed[1].split()) == set(wanted[1].split()) - ONLY_IN_TESTS


def test_an_image_with_a_strangers_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The build ends when another distribution writes into `tasks`, which pip would not mind."""
    needed = _module(IMAGES / "needed.py")
    held = {name: ["onestory-studio"] for name in needed.OURS}

    monkeypatch.setattr(needed, "packages_distributions", lambda: held)
    assert needed.strangers() == {}
    monkeypatch.setattr(
        needed, "packages_distributions", lambda: {**held, "tasks": ["onestory-studio", "tasks"]}
    )
    assert needed.strangers() == {"tasks": ["onestory-studio", "tasks"]}
    monkeypatch.setattr(needed, "packages_distributions", dict)
    assert needed.strangers()["flows"] == ["nobody"]
    text = (IMAGES / "worker.Dockerfile").read_text()
    assert text.count("needed.py --check") == text.count("--no-deps /wheels/*.whl") == 2


class _Answer(BaseHTTPRequestHandler):
    """Well at /health, and nowhere else."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 503)
        self.end_headers()

    def address_string(self) -> str:
        return "test"

    def log_message(self, *_: object) -> None: ...


class _Ill(_Answer):
    """Not well anywhere."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.end_headers()


class _UnixServer(socketserver.ThreadingUnixStreamServer):
    """HTTP on a unix socket."""


@pytest.fixture(name="served")
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """The same answers on a loopback port and on a unix socket, and a socket that is ill."""
    folder = tmp_path_factory.mktemp("s")
    well, ill = str(folder / "engine.sock"), str(folder / "ill.sock")
    servers = [
        ThreadingHTTPServer(("127.0.0.1", 0), _Answer),
        _UnixServer(well, _Answer),
        _UnixServer(ill, _Ill),
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{servers[0].server_address[1]}", well, ill
    for server in servers:
        server.shutdown()
        server.server_close()


def test_health_is_what_a_service_answers(served: tuple[str, str, str], tmp_path: Path) -> None:
    """The check passes on 200 over either kind of socket, and on nothing else."""
    port, socket, ill = served

    assert _health(f"{port}/health") == 0
    assert _health(socket) == 0
    assert _health(ill) != 0
    assert _health(f"{port}/ill") != 0
    assert _health("http://127.0.0.1:1/health") != 0
    assert _health(str(tmp_path / "none.sock")) != 0


def _health(address: str) -> int:
    script = [sys.executable, "-P", str(IMAGES / "healthy.py"), address]
    # A proxy that is not there: a check must not go through it.
    environment = {"http_proxy": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"}
    return subprocess.run(script, env=environment, capture_output=True, check=False).returncode


def _text(path: Path) -> list[str]:
    return [line for stage in _stages(path) for line in stage]


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
