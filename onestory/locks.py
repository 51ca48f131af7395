"""
Who is the only one? Whoever holds the lock of a file, on this machine.

    process ── lock ── held ── released, or dead with its process
                 └── held by another one ── an error that says what it does
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from onestory.errors import OneStoryError


@contextmanager
def alone(path: Path, busy: OneStoryError) -> Iterator[None]:
    """
    Hold a lock, which dies with this process.

    Args:
        path: File of the lock, in a folder that is there.
        busy: Raised if somebody else holds it.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise busy from error
    try:
        yield
    finally:
        lock.release()
