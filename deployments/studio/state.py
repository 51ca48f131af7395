"""
What does the embedded studio remember between commands?

    <home>/studio.json     ports, which never change without need, and running services
    <home>/studio.lock     held while either is changed; the kernel frees it when a holder dies
    <home>/users/*.json    one file a user; the last living one to leave stops the services
"""

import itertools
import os
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from deployments.studio.health import HealthCheck
from deployments.studio.processes import Identity, is_alive, myself
from onestory.documents import Document, Frozen
from onestory.errors import StudioError

LOCK_SECONDS = 300.0
"""Longest wait for another process that is starting or stopping the same studio."""
_PORTS = range(20_000, 32_000)
"""Below the ports that systems hand to outgoing connections, which would take ours at random."""
_RELEASE_SECONDS = 5.0
"""How long a killed server may go on holding its port, on a machine that has much to do."""
_count = itertools.count(1)


class ServiceRecord(Frozen):
    """A service as it was started."""

    pid: int
    born: str
    """Moment of the process's birth: tells it from a later process under the same pid."""
    log: Path
    health: HealthCheck
    was_healthy: bool = False
    """Whether it ever answered; before that it is still starting."""
    digest: str
    """Names argv and environment, so that a change is noticed."""
    options_digest: str
    """The same without MinIO's address, so that a move is told from a wish."""

    @property
    def identity(self) -> Identity:
        """The process to look for."""
        return Identity(self.pid, self.born)


class Topology(Frozen):
    """How many serve in a whole studio on one machine."""

    workers: int = Field(default=3, ge=1, le=32)
    engines: int = Field(default=1, ge=1, le=32)
    """Engine servers, one for each GPU."""
    apis: int = Field(default=1, ge=1, le=16)
    """Processes of Prefect's API, behind one port."""


class StudioState(Document):
    """The content of `studio.json`."""

    schema_name: ClassVar[str] = "Studio.1"

    is_kept: bool = False
    """Whether the services stay when the last user leaves (`onestory studio up`)."""
    ports: dict[str, int] = Field(default_factory=dict)
    engine_socket: Path | None = None
    """Socket of our own engine server, kept across stops."""
    topology: Topology | None = None
    """Of a whole studio, until it is stopped; None for the small one."""
    services: dict[str, ServiceRecord] = Field(default_factory=dict)


class User(Document):
    """One producer of the studio: the content of a file under `users/`."""

    schema_name: ClassVar[str] = "StudioUser.1"

    pid: int
    born: str


def read_state(home: Path) -> StudioState:
    """Read the state under `home`; a missing or broken file is a studio at rest."""
    try:
        return StudioState.from_json((home / "studio.json").read_bytes())
    except (OSError, ValueError, ValidationError):
        return StudioState()


def write_state(home: Path, state: StudioState) -> None:
    """Replace the state under `home` in one step, so that no reader sees half of it."""
    write_whole(home / "studio.json", state.to_json())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is either whole or not there."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """
    Hold the studio under `home` for one change.

    Raises:
        StudioError: If the folder cannot be written, or another process holds on too long.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(home / "studio.lock", timeout=LOCK_SECONDS)
        lock.acquire()
    except Timeout as error:
        raise StudioError(
            f"another process has held {home}/studio.lock for {LOCK_SECONDS:.0f} s",
            hint="see who with `onestory studio status`",
        ) from error
    except OSError as error:
        raise StudioError(
            f"the studio's home {home} cannot be written: {error.strerror}",
            hint="choose another with --home or ONESTORY_HOME",
        ) from error
    try:
        yield
    finally:
        lock.release()


def enter(home: Path) -> Path:
    """Register this process as a user; returns the file that says so."""
    user = User(**myself()._asdict())
    folder = home / "users"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{user.pid}-{user.born.rpartition(':')[2]}-{next(_count)}.json"
    write_whole(path, user.to_json())
    return path


def living_users(home: Path) -> list[User]:
    """Users whose process is alive; the files of the dead are cleared away."""
    users = []
    for path in sorted((home / "users").glob("*.json")):
        with suppress(OSError):
            try:
                user = User.from_json(path.read_bytes())
            except ValueError:
                path.unlink(missing_ok=True)
                continue
            if is_alive(Identity(user.pid, user.born)):
                users.append(user)
            else:
                path.unlink(missing_ok=True)
    return users


def free_port(preferred: int | None) -> int:
    """`preferred` if nobody listens there, else a port that nobody uses."""
    deadline = time.monotonic() + _RELEASE_SECONDS
    while preferred is not None and time.monotonic() < deadline:
        if _is_free(preferred):
            return preferred
        # A killed server may hold its port for a moment, until its last thread is gone.
        time.sleep(0.05)
    for port in random.sample(_PORTS, 100):
        if _is_free(port):
            return port
    raise StudioError("no loopback port is free", hint="end some servers and try again")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
