"""A lock has one holder, and whoever comes second is told what the first one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from onestory.errors import OrderError
from onestory.locks import alone

BUSY = OrderError("somebody else is at work", hint="wait for it")
HOLDER = """
import sys, time
from pathlib import Path
from onestory.errors import OrderError
from onestory.locks import alone
with alone(Path(sys.argv[1]), OrderError("busy")):
    sys.stdout.write("held")
    sys.stdout.flush()
    time.sleep(600)
"""


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    """The second one is refused in the words of whoever asks; afterwards anybody may."""
    with alone(tmp_path / "one.lock", BUSY), alone(tmp_path / "other.lock", BUSY):
        with (
            pytest.raises(OrderError, match="somebody else is at work") as refused,
            alone(tmp_path / "one.lock", BUSY),
        ):
            pass
        assert refused.value is BUSY

    with pytest.raises(ZeroDivisionError), alone(tmp_path / "one.lock", BUSY):
        os.getpid() / 0
    with alone(tmp_path / "one.lock", BUSY):
        pass


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    """Killed without a word, it leaves the work to others."""
    path = tmp_path / "one.lock"
    command = [sys.executable, "-P", "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.read(4) == b"held"
            with pytest.raises(OrderError), alone(path, BUSY):
                pass
        finally:
            holder.kill()
        holder.wait()

        with alone(path, BUSY):
            pass
