"""
How is an MLflow store spoken to? Through a client of its own, and no global state.

Two seconds of import are paid by whoever logs first. Whatever MLflow and its database complain of
becomes a `StorageError`.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from onestory.errors import StorageError
from onestory.tracking.fields import legal_key

Status = Literal["FINISHED", "FAILED", "KILLED"]

_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
}
_importing = threading.Lock()
_MOST_METRICS = 1000


def client_of(tracking_uri: str) -> Any:
    """
    Open a store.

    Raises:
        StorageError: If it is a SQLite file in a folder that is not there.
    """
    _check_folder(tracking_uri)
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    with _importing:
        # Two seconds of import, and only whoever logs should pay them.
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)
        file = _sqlite_file(tracking_uri)
        if file is not None and not file.is_file():
            _create(file)
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def has_store(tracking_uri: str) -> bool:
    """Whether there is a store to be read: a server, or a SQLite file that is there."""
    file = _sqlite_file(tracking_uri)
    return file is None or file.is_file()


def _sqlite_file(tracking_uri: str) -> Path | None:
    scheme, _, path = tracking_uri.partition(":///")
    return Path(path) if scheme == "sqlite" else None


def _create(path: Path) -> None:
    """
    Create a SQLite store under another name first.

    MLflow lays its tables out in dozens of steps, and one that is killed between them leaves a
    file that no later run can open.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    with FileLock(f"{path}.lock"):
        if path.is_file():
            return
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        store = SqlAlchemyStore(f"sqlite:///{new}", str(path.with_name("artifacts")))
        store.engine.dispose()
        new.replace(path)


def _check_folder(tracking_uri: str) -> None:
    """MLflow would try for minutes to open a SQLite file in a folder that is not there."""
    file = _sqlite_file(tracking_uri)
    if file is not None and not file.parent.is_dir():
        raise StorageError(
            f"there is no folder for the MLflow store {str(file)!r}", hint="create it first"
        )


@contextmanager
def as_storage_errors() -> Iterator[None]:
    """What goes wrong inside is a `StorageError`, if it is MLflow's."""
    try:
        yield
    except Exception as error:
        if type(error).__module__.startswith(("mlflow", "sqlalchemy", "requests", "alembic")):
            first_line = next(iter(str(error).splitlines()), type(error).__name__)
            raise StorageError(f"MLflow: {first_line}") from error
        raise


def experiment_of(client: Any, name: str, artifact_root: str | None) -> str:
    """
    Find an experiment's id, or create it.

    Raises:
        StorageError: If it was deleted.
    """
    found = client.get_experiment_by_name(name)
    if found is None:
        return _new_experiment_id(client, name, artifact_root)
    if found.lifecycle_stage != "active":
        raise StorageError(
            f"the MLflow experiment {name!r} was deleted", hint="restore it or choose another name"
        )
    return str(found.experiment_id)


def _new_experiment_id(client: Any, name: str, artifact_root: str | None) -> str:
    from mlflow.exceptions import MlflowException

    try:
        return str(client.create_experiment(name, artifact_location=artifact_root))
    except MlflowException:
        # Somebody else may have created it in between.
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def newest(client: Any, experiment_id: str, tags: Mapping[str, str]) -> Any | None:
    """The newest run with these tags."""
    return next(iter(search(client, experiment_id, tags, most=1)), None)


def search(
    client: Any,
    experiment_id: str,
    tags: Mapping[str, str],
    *,
    params: Mapping[str, str] | None = None,
    most: int = 5000,
) -> list[Any]:
    """Runs with these tags and params, newest first. Values are ids, and need no escaping."""
    named = [("tags", tags), ("params", params or {})]
    condition = " and ".join(
        f"{kind}.`{key}` = '{value}'" for kind, wanted in named for key, value in wanted.items()
    )
    return list(
        client.search_runs(
            [experiment_id],
            filter_string=condition,
            max_results=most,
            order_by=["attributes.start_time DESC"],
        )
    )


def write(
    client: Any,
    run_id: str,
    *,
    params: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> None:
    """Write params, tags and metrics in one call, which is one transaction."""
    from mlflow.entities import Metric, Param, RunTag

    if not (params or tags or metrics):
        return
    now = round(time.time() * 1000)
    client.log_batch(
        run_id,
        metrics=[
            Metric(legal_key(key), float(value), now, 0) for key, value in (metrics or {}).items()
        ],
        params=[Param(key, value) for key, value in (params or {}).items()],
        tags=[RunTag(key, value) for key, value in (tags or {}).items()],
    )


def write_steps(client: Any, run_id: str, rows: Sequence[tuple[int, Mapping[str, float]]]) -> None:
    """Write metrics of many steps, a thousand values a call."""
    from mlflow.entities import Metric

    now = round(time.time() * 1000)
    metrics = [
        Metric(legal_key(key), float(value), now, step)
        for step, told in rows
        for key, value in told.items()
    ]
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MOST_METRICS])
