"""An MLflow store that comes whole or not at all."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from onestory.tracking.mlflow_log import warm_up

CREATE = "from onestory.tracking.mlflow_log import warm_up; import sys; warm_up(sys.argv[1])"


def _has_webhooks(path: Path) -> bool:
    """Whether the tables are laid out as far as the one that MLflow cannot lay out twice."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'webhooks'")
            return found.fetchone() is not None
    except sqlite3.DatabaseError:
        return False


def test_a_store_whose_creation_was_killed(tmp_path: Path) -> None:
    """The next process creates it, however far the killed one had come."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    first = subprocess.Popen([sys.executable, "-c", CREATE, uri])
    until = time.monotonic() + 300
    while not any(_has_webhooks(path) for path in tmp_path.glob("mlflow.db*")):
        # Between two looks it may have come to its end.
        assert first.poll() in (None, 0), "it ended before"
        assert time.monotonic() < until, "it never came so far"
    first.send_signal(signal.SIGKILL)
    first.wait()

    warm_up(uri)

    assert sorted(path.name for path in tmp_path.glob("mlflow.db*")) == [
        "mlflow.db",
        "mlflow.db.lock",
    ]
