"""
Who may work on what, on this machine?

    producer ── the episode's lock ── held as long as it works, and by whoever reverts
    collector ── the collector's lock ── held as long as gc works

One producer at a time works on an episode. A producer starts under the collector's lock, so
that whoever collects knows of every film that is being made, and none begins meanwhile. The
locks die with their processes. They hold on this machine only: in a studio of many machines,
gc is for hours in which no film is made there.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from onestory.errors import CollectorBusyError, EpisodeBusyError
from onestory.locks import alone

logger = logging.getLogger("onestory.deployments")


@contextmanager
def only_producer(home: Path, episode: str) -> Iterator[None]:
    """
    Be the only one who works on an episode; wait for gc, if it is at work.

    Raises:
        EpisodeBusyError: If somebody else works on it.
    """
    busy = EpisodeBusyError(
        f"another producer is working on episode {episode}",
        hint="wait until it is done, or order another --episode",
    )
    with ExitStack() as work:
        with _after_collector(home):
            work.enter_context(alone(_folder(home) / f"{episode}.lock", busy))
        yield


@contextmanager
def only_collector(home: Path) -> Iterator[tuple[str, ...]]:
    """
    Be the only one who deletes; until then, no film begins to be made.

    Yields:
        Ids of the episodes that are being made.

    Raises:
        CollectorBusyError: If somebody else deletes.
    """
    busy = CollectorBusyError(
        "another gc is at work", hint="wait until it is done: it deletes the same"
    )
    with alone(_collectors(home), busy):
        yield _being_made(home)


def _being_made(home: Path) -> tuple[str, ...]:
    # An episode id never begins with an underscore: those are not episodes.
    paths = sorted(path for path in _folder(home).glob("[!_]*.lock"))
    return tuple(path.stem for path in paths if _is_held(path))


def _is_held(path: Path) -> bool:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


@contextmanager
def _after_collector(home: Path) -> Iterator[None]:
    lock = FileLock(_collectors(home))
    try:
        lock.acquire(timeout=1)
    except Timeout:
        logger.info("producer.waits_for_gc home=%s", home)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _collectors(home: Path) -> Path:
    return _folder(home) / "_collector.lock"


def _folder(home: Path) -> Path:
    folder = home / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
