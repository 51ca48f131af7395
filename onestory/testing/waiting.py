"""Wait for what comes late on a busy machine: ask until it is so."""

import time
from collections.abc import Callable

WAIT_SECONDS = 300.0
"""Longer than whatever is waited for may take beside other films. A test that passes never knows
it, and one that fails does so before pytest ends it."""


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float = WAIT_SECONDS) -> None:
    """
    Ask until something is so.

    Args:
        is_so: What is asked.
        what: The same in words.
        seconds: How long to go on asking.

    Raises:
        AssertionError: If it never is.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.1)
