"""
How are processes started so that they outlive us, and ended so that only ours are?

A pid is recycled, so it names a process only together with the moment of its birth.
"""

import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

MARK = "ONESTORY_SERVICE_OF"
"""Environment variable that tells a service's home and name; every service carries it."""
END_SECONDS = 10.0
"""How long a process has between the request to end and the kill."""
_MAX_LOG_BYTES = 8 * 1024 * 1024


class Identity(NamedTuple):
    """A process, told apart from a later one under the same pid."""

    pid: int
    born: str


def birth_of(pid: int) -> str | None:
    """When the process under `pid` was born, or `None` if none is alive there."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            return None
        return _kernel_birth(pid) or f"time:{process.create_time():.2f}"
    except psutil.Error:
        return None


def _kernel_birth(pid: int) -> str | None:
    # Clock ticks since boot: unlike psutil's wall clock they do not move when the clock is set.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    return f"boot:{boot}:{stat.rpartition(')')[2].split()[19]}"


def is_alive(identity: Identity) -> bool:
    """Whether that very process still runs."""
    return birth_of(identity.pid) == identity.born


def age_seconds(identity: Identity) -> float:
    """How long the process has lived; zero if it is gone."""
    try:
        return max(0.0, time.time() - psutil.Process(identity.pid).create_time())
    except psutil.Error:
        return 0.0


def myself() -> Identity:
    """This process."""
    return Identity(os.getpid(), birth_of(os.getpid()) or "unknown")


def launch(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Identity | None:
    """
    Start a process in a session of its own, its output appended to `log`.

    Returns:
        The process, or `None` if it ended at once.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(log.with_suffix(".old.log"))
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        dict(environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        # A background job of a shell ignores SIGINT and its children inherit that; Prefect
        # turns SIGTERM into SIGINT and would then never end.
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
        setsigmask=[],
    )
    born = birth_of(pid)
    return Identity(pid, born) if born else None


def marked(mark: str) -> list[Identity]:
    """Living processes that carry `mark`: also those whose record was lost in a crash."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if _mark_of(process) == mark and (born := birth_of(process.pid)):
                found.append(Identity(process.pid, born))
    return found


def _mark_of(process: psutil.Process) -> str | None:
    # psutil stops at the first empty entry, and the gateway, which writes over its argv to
    # hide secrets, leaves empty entries in front.
    block = Path(f"/proc/{process.pid}/environ")
    if not block.exists():
        return process.environ().get(MARK)
    name = f"{MARK}=".encode()
    for entry in block.read_bytes().split(b"\0"):
        if entry.startswith(name):
            return os.fsdecode(entry.removeprefix(name))
    return None


def end(identities: Iterable[Identity]) -> None:
    """End those very processes and their children: asked first, killed when they dawdle.

    Dead processes and recycled pids are passed over.
    """
    asked: list[psutil.Process] = []
    families: list[psutil.Process] = []
    for identity in identities:
        with suppress(psutil.Error):
            process = psutil.Process(identity.pid)
            children = process.children(recursive=True)
            # Asked after the handle exists: psutil itself refuses to signal a recycled pid.
            if is_alive(identity):
                asked.append(process)
                families += [process, *children]
    for process in asked:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(families, timeout=END_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=END_SECONDS)
