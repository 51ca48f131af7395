"""What is logged stands in a real MLflow store, once, and can be compared."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onestory.documents import Digest
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import CaptionReport, GateResult, Media, NgReason, Take, Timings, Verdict
from onestory.errors import StorageError
from onestory.tracking.mlflow_log import EpisodeRun, warm_up

BLOB = Digest("sha256:" + "a" * 64)


def _take(seed: int = 1, caption: str = "a man walks") -> Take:
    recipe = Recipe(
        engine=EngineFingerprint(name="previz", weights="none", config=BLOB, recipe_version=2),
        caption=caption,
        seed=seed,
        width=36,
        height=64,
        num_frames=48,
        fps="24",
    )
    media = Media(
        video=BLOB,
        poster=BLOB,
        first_frame=BLOB,
        last_frame=BLOB,
        num_frames=48,
        width=36,
        height=64,
        fps="24",
        video_bytes=4321,
    )
    return Take(
        slate="s01e01-sc01-sh001-tk01",
        recipe=recipe,
        media=media,
        caption_report=CaptionReport(num_words=9, unknown=("zither", "gong")),
        timings=Timings(render_seconds=2.5, encode_seconds=0.5, store_seconds=0.25),
        machine="cpu",
        rendered_at="2026-03-01T10:00:00+00:00",
    )


def _verdict(take: Take, *, is_passed: bool = True, gates: Digest = BLOB) -> Verdict:
    frozen = GateResult(
        gate="frozen",
        value=12 if is_passed else 48,
        threshold=30,
        unit="frames",
        is_passed=is_passed,
        reason=None if is_passed else NgReason.FROZEN,
    )
    drift = GateResult(gate="colour drift", value=None, threshold=None, unit="", is_passed=None)
    return Verdict(take=take.address, gates=gates, results=(frozen, drift))


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a SQLite store of its own; making one takes MLflow two seconds."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"
    warm_up(uri)
    return uri


@pytest.fixture(name="start")
def _start(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., EpisodeRun]:
    """Starts runs in an experiment of the test's own."""

    def start(**kwargs: Any) -> EpisodeRun:
        return EpisodeRun.start(
            store, request.node.name, "the-lamp", artifact_root=tmp_path.as_uri(), **kwargs
        )

    return start


def _client(store: str) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=store)


def _take_runs(store: str, run: EpisodeRun) -> list[Any]:
    client = _client(store)
    experiment = client.get_run(run.run_id).info.experiment_id
    return list(client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.run_id}'"))


def test_an_episode_is_a_run_with_its_takes_nested(
    store: str, start: Callable[..., EpisodeRun]
) -> None:
    """Params, tags, metrics and status of episode and take read back as they were logged."""
    take = _take(seed=77)
    with start(params={"script sha": "ab", "shots": 10}, tags={"flow_run": "f1"}) as run:
        run.log_take(take, slate="s01e01-sc01-sh001-tk02", verdict=_verdict(take), is_circled=True)
        run.log_metrics({"takes.rendered": 1})
    episode = _client(store).get_run(run.run_id)
    assert episode.info.run_name == "the-lamp"
    assert episode.info.status == "FINISHED"
    assert episode.data.params == {"script sha": "ab", "shots": "10"}
    assert episode.data.tags["flow_run"] == "f1"
    assert episode.data.metrics == {"takes.rendered": 1}

    (found,) = _take_runs(store, run)
    assert found.info.run_name == "s01e01-sc01-sh001-tk02"
    assert found.info.status == "FINISHED"
    assert found.info.end_time - found.info.start_time == 3000
    assert found.data.params["seed"] == "77"
    assert found.data.params["caption"] == "a man walks"
    assert found.data.tags["onestory.recipe"] == take.address
    assert found.data.tags["onestory.verdict"] == "passed"
    assert found.data.tags["onestory.circled"] == "True"
    assert found.data.metrics == {
        "render_seconds": 2.5,
        "encode_seconds": 0.5,
        "store_seconds": 0.25,
        "video_bytes": 4321,
        "remembered_frames": 0,
        "unknown_words": 2,
        "gate.frozen": 12,
        "gate.frozen.passed": 1,
        "badness": 0,
    }


def test_a_take_is_logged_once_and_kept_up_to_date(
    store: str, start: Callable[..., EpisodeRun]
) -> None:
    """Logging a take again adds no run; a new verdict and a lost circle are brought in."""
    take = _take()
    run = start()
    first = run.log_take(take, slate="tk01", verdict=_verdict(take), is_circled=True)
    again = run.log_take(take, slate="tk01", verdict=_verdict(take), is_circled=True)
    stricter = _verdict(take, is_passed=False, gates=Digest("sha256:" + "b" * 64))
    last = run.log_take(take, slate="tk01", verdict=stricter, is_circled=False)
    assert first == again == last
    (found,) = _take_runs(store, run)
    assert found.data.tags["onestory.verdict"] == "NG"
    assert found.data.tags["onestory.reasons"] == "frozen"
    assert found.data.tags["onestory.circled"] == "False"
    assert found.data.metrics["gate.frozen"] == 48
    assert found.data.metrics["gate.frozen.passed"] == 0


def test_a_run_is_gone_on_with_by_its_key(store: str, start: Callable[..., EpisodeRun]) -> None:
    """A second start with the same key finds run and takes; another key or none does not."""
    take = _take()
    one = start(params={"shots": 10, "seed": 1}, resume_key="order 7")
    one.log_take(take, slate="tk01", verdict=None, is_circled=False)
    one.finish("FAILED")

    two = start(params={"shots": 10, "seed": 2, "voices": "on"}, resume_key="order 7")
    assert two.run_id == one.run_id
    assert _client(store).get_run(two.run_id).info.status == "RUNNING"
    two.log_take(take, slate="tk01", verdict=_verdict(take), is_circled=True)
    two.log_take(_take(seed=2), slate="tk02", verdict=None, is_circled=False)
    two.finish()
    episode = _client(store).get_run(two.run_id)
    assert episode.info.status == "FINISHED"
    assert episode.data.params == {"shots": "10", "seed": "1", "voices": "on"}
    assert episode.data.tags["now.seed"] == "2"
    runs = {found.info.run_name: found for found in _take_runs(store, two)}
    assert sorted(runs) == ["tk01", "tk02"]
    assert runs["tk01"].data.tags["onestory.circled"] == "True"

    assert start(resume_key="order 8").run_id != one.run_id
    assert start().run_id != one.run_id


def test_a_take_that_was_half_logged_is_finished_not_doubled(
    store: str, start: Callable[..., EpisodeRun]
) -> None:
    """A take run whose writer was killed is written to its end by the next."""
    take = _take()
    one = start(resume_key="k")
    client = _client(store)
    experiment = client.get_run(one.run_id).info.experiment_id
    torn = client.create_run(
        experiment,
        run_name="tk01",
        tags={"mlflow.parentRunId": one.run_id, "onestory.recipe": take.address},
    )
    two = start(resume_key="k")
    found = two.log_take(take, slate="tk01", verdict=_verdict(take), is_circled=True)
    assert found == torn.info.run_id
    (run,) = _take_runs(store, two)
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "1"
    assert run.data.tags["onestory.circled"] == "True"


def test_artifacts_are_copied(store: str, start: Callable[..., EpisodeRun], tmp_path: Path) -> None:
    """The files of a folder stand in the run's artifacts, under the experiment's root."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "episode.mp4").write_bytes(b"film")
    run = start()
    run.log_artifacts(folder)
    run.log_artifacts(folder, "copies")
    names = [item.path for item in _client(store).list_artifacts(run.run_id)]
    assert names == ["copies", "episode.mp4"]
    (stored,) = tmp_path.glob(f"{run.run_id}/artifacts/episode.mp4")
    assert stored.read_bytes() == b"film"
    with pytest.raises(StorageError, match="no folder 'nowhere' to log"):
        run.log_artifacts(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_run_says_how_it_ended(
    store: str, start: Callable[..., EpisodeRun], error: type[BaseException], status: str
) -> None:
    """An error ends the run as failed, an interruption as killed; the error goes on."""
    run = start()
    with pytest.raises(error, match="stop"), run:
        raise error("stop")
    assert _client(store).get_run(run.run_id).info.status == status
    run.finish("FINISHED")
    assert _client(store).get_run(run.run_id).info.status == status


def test_names_of_any_language_and_length_are_logged(
    store: str, start: Callable[..., EpisodeRun]
) -> None:
    """Odd names, quotes, line breaks and a caption of 20,000 letters do not stop a log."""
    take = _take(caption="雨 '\"\n" * 5000)
    run = start(params={"ярлык <script>": "x" * 9000, "../..": 1}, resume_key='it\'s "q"\n')
    run.log_take(take, slate="s01-ü", verdict=None, is_circled=False)
    (found,) = _take_runs(store, run)
    assert len(found.data.params["caption"]) == 6000
    assert len(_client(store).get_run(run.run_id).data.params) == 2
    assert start(resume_key='it\'s "q"\n').run_id == run.run_id


def test_threads_log_without_losing_or_doubling(
    store: str, start: Callable[..., EpisodeRun]
) -> None:
    """Four threads that log the same six takes leave six runs."""
    run = start()
    takes = [_take(seed=seed) for seed in range(6)]
    errors: list[BaseException] = []

    def log() -> None:
        try:
            for take in takes:
                run.log_take(take, slate=f"tk{take.recipe.seed}", verdict=None, is_circled=False)
        except StorageError as error:
            errors.append(error)

    threads = [threading.Thread(target=log) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(found.info.run_name for found in _take_runs(store, run)) == [
        f"tk{seed}" for seed in range(6)
    ]


def test_twelve_takes_cost_under_a_second_or_so(start: Callable[..., EpisodeRun]) -> None:
    """A take costs about 20 ms; three seconds for twelve allow for a busy machine."""
    run = start()
    begun = time.process_time()
    for seed in range(12):
        take = _take(seed)
        run.log_take(take, slate=f"tk{seed}", verdict=_verdict(take), is_circled=False)
    assert time.process_time() - begun < 3


def test_a_store_that_cannot_be_is_refused_at_once(tmp_path: Path) -> None:
    """A SQLite file in a missing folder, and one that is no database, are storage errors."""
    begun = time.process_time()
    with pytest.raises(StorageError, match="no folder for the MLflow store"):
        warm_up(f"sqlite:///{tmp_path}/missing/mlflow.db")
    assert time.process_time() - begun < 5


def test_a_deleted_experiment_is_refused_with_a_hint(
    store: str, start: Callable[..., EpisodeRun]
) -> None:
    """Runs are not written where nobody would see them."""
    client = _client(store)
    client.delete_experiment(client.get_run(start().run_id).info.experiment_id)
    with pytest.raises(StorageError, match=r"was deleted \(restore it"):
        start()


def test_reading_the_module_does_not_import_mlflow() -> None:
    """Callers pay for MLflow only when they log, and it is never told to phone home."""
    code = (
        "import sys, os, json, onestory.tracking.mlflow_log as log;"
        "lazy = 'mlflow' not in sys.modules;"
        "log.warm_up(sys.argv[1]);"
        "from mlflow.telemetry.utils import is_telemetry_disabled;"
        "print(json.dumps([lazy, is_telemetry_disabled()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "sqlite://"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        # MLflow holds its tongue in tests and on build servers anyway: look like neither.
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, True]
