"""
Where can a researcher watch a training run, and compare it with others?

    experiment ── training run   params: the training file · metrics: every step, validation
                                 artifacts: pictures of held-out stories, the training file

Steps are gathered and written some at a time. A run that was killed repeats steps; those that
stand in the store already are not written again.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from onestory.documents import digest_of_json
from onestory.tracking.fields import KIND_TAG, RESUME_TAG, Scalar, legal_params, legal_tags
from onestory.tracking.store import (
    Status,
    as_storage_errors,
    client_of,
    experiment_of,
    newest,
    write,
    write_steps,
)

STEP = "step"
"""Metric that says how far the store knows the run."""

GATHERED_STEPS = 20
"""How many steps are written in one call."""


class TrainingRun:
    """One training run. As a context it ends as finished, failed or killed by itself."""

    def __init__(self, client: Any, *, run_id: str, known_step: int) -> None:
        """Use `start`."""
        self._client = client
        self._known_step = known_step
        self._rows: list[tuple[int, Mapping[str, float]]] = []
        self.run_id = run_id
        """MLflow's id of the run."""

    @classmethod
    def start(
        cls,
        tracking_uri: str,
        experiment: str,
        name: str,
        *,
        resume_key: str,
        is_resumed: bool = True,
        artifact_root: str | None = None,
        params: Mapping[str, Scalar] | None = None,
    ) -> Self:
        """
        Start a run, or go on with the newest one of the same key.

        Args:
            tracking_uri: `sqlite:////…/mlflow.db`, or the address of an MLflow server.
            experiment: Name of the experiment; created if there is none.
            name: What a new run is called.
            resume_key: What makes a run the same run.
            is_resumed: Whether to look for it; False always starts a new one.
            artifact_root: Where a new experiment keeps its artifacts; None leaves it to the
                server.
            params: What a new run is made with.

        Raises:
            StorageError: If the store cannot be opened or written.
        """
        with as_storage_errors():
            client = client_of(tracking_uri)
            experiment_id = experiment_of(client, experiment, artifact_root)
            key = str(digest_of_json([name, resume_key]))
            found = newest(client, experiment_id, {RESUME_TAG: key}) if is_resumed else None
            if found is not None:
                client.update_run(found.info.run_id, status="RUNNING")
                known_step = int(found.data.metrics.get(STEP, 0))
                return cls(client, run_id=found.info.run_id, known_step=known_step)
            tags = legal_tags({KIND_TAG: "training", RESUME_TAG: key})
            run = client.create_run(experiment_id, run_name=name, tags=tags)
            write(client, run.info.run_id, params=legal_params(params or {}))
            return cls(client, run_id=run.info.run_id, known_step=0)

    def log(self, step: int, told: Mapping[str, float]) -> None:
        """
        Note what a step came to.

        Args:
            step: Number of steps taken.
            told: Values by name; units belong in the names.

        Raises:
            StorageError: If the store cannot be written.
        """
        if step > self._known_step:
            self._rows.append((step, {STEP: step, **told}))
            if len(self._rows) >= GATHERED_STEPS:
                self.flush()

    def log_validation(self, step: int, told: Mapping[str, float]) -> None:
        """Note what a validation after a step came to. Raises StorageError as `log` does."""
        self.flush()
        with as_storage_errors():
            write_steps(self._client, self.run_id, [(step, told)])

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """Copy a file into the run. Raises StorageError if the store cannot be written."""
        with as_storage_errors():
            self._client.log_artifact(self.run_id, str(path), folder)

    def flush(self) -> None:
        """Write what was gathered. Raises StorageError if the store cannot be written."""
        if self._rows:
            with as_storage_errors():
                write_steps(self._client, self.run_id, self._rows)
            self._known_step = self._rows[-1][0]
            self._rows = []

    def finish(self, status: Status = "FINISHED") -> None:
        """End the run. Raises StorageError if the store cannot be written."""
        self.flush()
        with as_storage_errors():
            self._client.set_terminated(self.run_id, status)

    def __enter__(self) -> Self:
        """The run itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the run as finished, as failed after an error, as killed after an interruption."""
        if kind is None:
            self.finish()
        else:
            self.finish("FAILED" if issubclass(kind, Exception) else "KILLED")
