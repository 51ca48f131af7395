"""
Where can a researcher compare takes, seeds and gates across episodes?

    experiment ── episode run ─┬─ take run   params: recipe · metrics: gates, seconds
                               ├─ take run   tags: slate, recipe digest, verdict, circled
                               └─ artifacts: film, dailies, contact sheet …

MLflow takes about two seconds to import and two more to create a SQLite store, so it is
imported by the first call that needs it; `warm_up` may be called early, in a thread of its
own. After that a take costs some 20 ms. No global state of MLflow's is touched, so several
episodes may be logged from several threads at once.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from onestory.documents import digest_of_json
from onestory.engines.take import Take, Verdict
from onestory.errors import StorageError
from onestory.tracking.fields import (
    EPISODE_TAG,
    GATES_TAG,
    KIND_TAG,
    PARENT_TAG,
    RECIPE_TAG,
    RESUME_TAG,
    Scalar,
    gate_metrics,
    legal_params,
    legal_tags,
    milliseconds,
    take_metrics,
    take_params,
    take_tags,
)
from onestory.tracking.store import (
    Status,
    as_storage_errors,
    client_of,
    experiment_of,
    newest,
    search,
    write,
)


def warm_up(tracking_uri: str) -> None:
    """
    Import MLflow and create or upgrade the store, so that the first run starts at once.

    Args:
        tracking_uri: Address of the store.

    Raises:
        StorageError: If the store cannot be opened.
    """
    with as_storage_errors():
        client_of(tracking_uri).search_experiments(max_results=1)


class EpisodeRun:
    """One episode's run. As a context it ends as finished, failed or killed by itself."""

    def __init__(self, client: Any, *, run_id: str, experiment_id: str) -> None:
        """Use `start`."""
        self._client = client
        self._experiment_id = experiment_id
        self._lock = threading.Lock()
        self._takes: dict[str, tuple[str, dict[str, str]]] = {}
        # Take runs that were begun and not ended: they are written to their end, not twice.
        self._torn: dict[str, str] = {}
        self._is_over = False
        self.run_id = run_id
        """MLflow's id of the episode's run."""

    @classmethod
    def start(
        cls,
        tracking_uri: str,
        experiment: str,
        episode: str,
        *,
        artifact_root: str | None = None,
        params: Mapping[str, Scalar] | None = None,
        tags: Mapping[str, Scalar] | None = None,
        resume_key: str | None = None,
    ) -> Self:
        """
        Start the run of an episode, or go on with the one of the same key.

        Args:
            tracking_uri: `sqlite:////…/mlflow.db`, or the address of an MLflow server.
            experiment: Name of the experiment; created if there is none.
            episode: The episode's id; the run is called so.
            artifact_root: Where a new experiment keeps its artifacts, as a URI or a path; None
                leaves it to the server.
            params: What the episode was made with. A resumed run keeps its own, and what
                differs stands beside them as tags `now.<name>`.
            tags: Anything to look the run up by. No secrets.
            resume_key: The newest run of this episode and key is gone on with if there is
                one, takes and all. None always starts a new run.

        Returns:
            The run, ready for takes.

        Raises:
            StorageError: If the store cannot be opened or written.
        """
        with as_storage_errors():
            client = client_of(tracking_uri)
            experiment_id = experiment_of(client, experiment, artifact_root)
            own_tags = {KIND_TAG: "episode", EPISODE_TAG: episode, **(tags or {})}
            if resume_key is not None:
                own_tags[RESUME_TAG] = digest_of_json([episode, resume_key])
                found = newest(client, experiment_id, {RESUME_TAG: str(own_tags[RESUME_TAG])})
                if found is not None:
                    return cls._go_on(client, found, params or {}, own_tags)
            run = client.create_run(experiment_id, run_name=episode, tags=legal_tags(own_tags))
            write(client, run.info.run_id, params=legal_params(params or {}))
            return cls(client, run_id=run.info.run_id, experiment_id=experiment_id)

    @classmethod
    def _go_on(
        cls,
        client: Any,
        found: Any,
        params: Mapping[str, Scalar],
        tags: Mapping[str, Scalar],
    ) -> Self:
        run_id, experiment_id = found.info.run_id, found.info.experiment_id
        old, new = found.data.params, legal_params(params)
        changed = {f"now.{key}": new[key] for key in new if key in old and old[key] != new[key]}
        client.update_run(run_id, status="RUNNING")
        write(
            client,
            run_id,
            params={key: value for key, value in new.items() if key not in old},
            tags=legal_tags({**tags, **changed}),
        )
        episode = cls(client, run_id=run_id, experiment_id=experiment_id)
        for take in search(client, experiment_id, {PARENT_TAG: run_id}):
            recipe = take.data.tags.get(RECIPE_TAG)
            if recipe and take.info.status == "FINISHED":
                episode._takes[recipe] = (take.info.run_id, dict(take.data.tags))
            elif recipe:
                episode._torn[recipe] = take.info.run_id
        return episode

    def log_take(self, take: Take, *, slate: str, verdict: Verdict | None, is_circled: bool) -> str:
        """
        Log a take as a nested run, once.

        A take whose recipe is logged already is not logged again; only its verdict and whether
        it is circled are brought up to date.

        Args:
            take: The take.
            slate: What it is called in this episode.
            verdict: What the gates say; None if it was not judged.
            is_circled: Whether it is the chosen take of its shot.

        Returns:
            MLflow's id of the take's run.

        Raises:
            StorageError: If the store cannot be written.
        """
        tags = legal_tags(take_tags(take, slate, verdict, is_circled))
        with self._lock, as_storage_errors():
            known = self._takes.get(take.address)
            if known is not None:
                run_id, old = known
                changed = {key: value for key, value in tags.items() if old.get(key) != value}
                metrics = gate_metrics(verdict) if GATES_TAG in changed else {}
                write(self._client, run_id, tags=changed, metrics=metrics)
            else:
                run_id = self._log_new_take(take, slate, verdict, tags)
            self._takes[take.address] = (run_id, tags)
            return run_id

    def _log_new_take(
        self, take: Take, slate: str, verdict: Verdict | None, tags: dict[str, str]
    ) -> str:
        ended = milliseconds(take.rendered_at)
        spent = take.timings.render_seconds + take.timings.encode_seconds
        run_id = self._torn.get(take.address)
        if run_id is None:
            run = self._client.create_run(
                self._experiment_id,
                start_time=ended - round(1000 * spent),
                run_name=slate,
                tags={PARENT_TAG: self.run_id, RECIPE_TAG: take.address},
            )
            run_id = self._torn[take.address] = str(run.info.run_id)
        write(
            self._client,
            run_id,
            params=legal_params(take_params(take)),
            metrics={**take_metrics(take), **gate_metrics(verdict)},
            tags=tags,
        )
        self._client.set_terminated(run_id, "FINISHED", end_time=ended)
        del self._torn[take.address]
        return run_id

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """
        Log totals of the episode, such as `takes.rendered`.

        Args:
            metrics: Values by name; units belong in the names.

        Raises:
            StorageError: If the store cannot be written.
        """
        with as_storage_errors():
            write(self._client, self.run_id, metrics=metrics)

    def log_artifacts(self, folder: Path, artifact_path: str | None = None) -> None:
        """
        Copy a folder's files into the run.

        Args:
            folder: The folder; everything in it is copied.
            artifact_path: Folder within the run's artifacts; None is their root.

        Raises:
            StorageError: If the folder is missing or the store cannot be written.
        """
        if not folder.is_dir():
            raise StorageError(f"there is no folder {folder.name!r} to log artifacts from")
        with as_storage_errors():
            self._client.log_artifacts(self.run_id, str(folder), artifact_path)

    def finish(self, status: Status = "FINISHED") -> None:
        """
        End the run; once ended it stays as it is.

        Args:
            status: How it ended.

        Raises:
            StorageError: If the store cannot be written.
        """
        if self._is_over:
            return
        with as_storage_errors():
            self._client.set_terminated(self.run_id, status)
        self._is_over = True

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
