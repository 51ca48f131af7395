"""What takes have cost is read back from the store that they were logged to."""

from pathlib import Path

import pytest

from onestory.documents import Digest
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import Media, Take, Timings
from onestory.tracking import history
from onestory.tracking.history import EXPERIMENT, past_takes
from onestory.tracking.mlflow_log import EpisodeRun, warm_up

BLOB = Digest("sha256:" + "a" * 64)


def take(seed: int, *, engine: str = "painted", width: int = 36, seconds: float = 2.0) -> Take:
    """A take that cost something."""
    recipe = Recipe(
        engine=EngineFingerprint(name=engine, weights="none", config=BLOB, recipe_version=2),
        caption="a man walks",
        seed=seed,
        width=width,
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
        width=width,
        height=64,
        fps="24",
        video_bytes=1,
    )
    return Take(
        slate="s01e01-sc01-sh001-tk01",
        recipe=recipe,
        media=media,
        timings=Timings(render_seconds=seconds, encode_seconds=0.5, store_seconds=0.25),
        machine="cpu",
        rendered_at=f"2026-03-01T10:00:0{seed}+00:00",
    )


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with takes of two engines, two sizes and two episodes, one take in both."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    warm_up(uri)
    for episode, seeds in (("one", (1, 2, 3)), ("two", (3,))):
        start = EpisodeRun.start(uri, EXPERIMENT, episode, artifact_root=folder.as_uri())
        with start as run:
            for seed in seeds:
                slate = f"s01e01-sc01-sh00{min(seed, 2)}-tk0{1 + (seed == 3)}"
                run.log_take(take(seed), slate=slate, verdict=None, is_circled=False)
            for other in (take(9, engine="previz"), take(9, width=90)):
                run.log_take(other, slate="s01e01-sc01-sh009-tk01", verdict=None, is_circled=False)
    return uri


def test_takes_of_an_engine_at_a_size_are_told_once_each(store: str) -> None:
    """Seconds are those of all that takes time; takes of one shot are known as such."""
    told = past_takes(store, engine="painted", width=36, height=64)

    assert [(one.seconds, one.num_frames) for one in told] == [(2.75, 48)] * 3
    shots = [one.shot.rpartition("/")[2] for one in told]
    assert sorted(shots) == ["s01e01-sc01-sh001", "s01e01-sc01-sh002", "s01e01-sc01-sh002"]


def test_only_the_newest_takes_are_read(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long history costs a film no more than a short one."""
    # The last take of all is in both episodes.
    monkeypatch.setattr(history, "MOST", 3)

    told = past_takes(store, engine="painted", width=36, height=64)
    assert [one.shot.rpartition("/")[2] for one in told] == ["s01e01-sc01-sh002"] * 2


def test_other_engines_and_sizes_tell_nothing(store: str) -> None:
    """What is slower or larger would mislead."""
    assert len(past_takes(store, engine="previz", width=36, height=64)) == 1
    assert past_takes(store, engine="previz", width=37, height=64) == ()


def test_a_store_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    """A first plan is made before anything was logged; asking makes no store."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"

    assert past_takes(uri, engine="painted", width=36, height=64) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_store_without_films_holds_nothing(tmp_path: Path) -> None:
    """Training runs and benchmarks are no takes."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    warm_up(uri)

    assert past_takes(uri, engine="painted", width=36, height=64) == ()
