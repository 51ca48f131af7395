"""Where does a finished measurement stay? In one MLflow run, written at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from onestory.tracking.fields import KIND_TAG, Scalar, legal_params, legal_tags
from onestory.tracking.store import as_storage_errors, client_of, experiment_of, write


def keep_report(
    tracking_uri: str,
    experiment: str,
    name: str,
    *,
    params: Mapping[str, Scalar],
    metrics: Mapping[str, float],
    files: Sequence[Path],
    artifact_root: str | None = None,
) -> str:
    """
    Keep what was measured.

    Args:
        tracking_uri: `sqlite:////…/mlflow.db`, or the address of an MLflow server.
        experiment: Name of the experiment; created if there is none.
        name: What the run is called.
        params: What was measured, and how.
        metrics: What it came to.
        files: Reports and pictures.
        artifact_root: Where a new experiment keeps its artifacts; None leaves it to the server.

    Returns:
        MLflow's id of the run.

    Raises:
        StorageError: If the store cannot be opened or written.
    """
    with as_storage_errors():
        client = client_of(tracking_uri)
        experiment_id = experiment_of(client, experiment, artifact_root)
        tags = legal_tags({KIND_TAG: "benchmark"})
        run_id = str(client.create_run(experiment_id, run_name=name, tags=tags).info.run_id)
        write(client, run_id, params=legal_params(params), metrics=metrics)
        for path in files:
            client.log_artifact(run_id, str(path))
        client.set_terminated(run_id)
        return run_id
