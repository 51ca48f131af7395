"""
What have takes cost so far? Every take run in an MLflow store, of one engine at one size.

The same runs that `onestory.tracking.mlflow_log` writes, read back: an estimate is as good as the
studio's own history, and no better.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from onestory.tracking.fields import KIND_TAG, PARENT_TAG, RECIPE_TAG, SLATE_TAG
from onestory.tracking.store import as_storage_errors, client_of, has_store, search

EXPERIMENT = "onestory"
"""Where episodes are logged."""

COSTS = ("render", "encode", "store")
"""What of a take takes time."""

MOST = 300
"""Takes that are looked at, the newest. Every film asks before it is shot, a take costs MLflow
about 3 ms of its one process, and everybody else waits meanwhile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PastTake:
    """What one take cost."""

    shot: str
    """Which shot of which film it was a take of: equal for takes of one shot."""
    seconds: float
    """Rendered, encoded and stored."""
    num_frames: int


def past_takes(tracking_uri: str, *, engine: str, width: int, height: int) -> tuple[PastTake, ...]:
    """
    Read what takes have cost.

    Args:
        tracking_uri: Address of the store; one that is not there yet holds nothing.
        engine: Name of the engine.
        width: Of the film, in pixels.
        height: Of the film, in pixels.

    Returns:
        The newest `MOST` takes of that engine at that size, newest first.

    Raises:
        StorageError: If the store cannot be read.
    """
    if not has_store(tracking_uri):
        return ()
    with as_storage_errors():
        client = client_of(tracking_uri)
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            return ()
        params = {"engine": engine, "width": str(width), "height": str(height)}
        runs = search(
            client, experiment.experiment_id, {KIND_TAG: "take"}, params=params, most=MOST
        )
    return tuple(_told(runs))


def _told(runs: Iterable[Any]) -> Iterator[PastTake]:
    seen: set[str] = set()
    for run in runs:
        tags, metrics, params = run.data.tags, run.data.metrics, run.data.params
        take = tags.get(RECIPE_TAG, "")
        # A take that several versions of a film show was paid for once; a torn run tells nothing.
        if take in seen or "render_seconds" not in metrics or "num_frames" not in params:
            continue
        seen.add(take)
        slate, _, _ = tags.get(SLATE_TAG, "").rpartition("-")
        yield PastTake(
            shot=f"{tags.get(PARENT_TAG, '')}/{slate}",
            seconds=sum(metrics.get(f"{what}_seconds", 0.0) for what in COSTS),
            num_frames=int(params["num_frames"]),
        )
