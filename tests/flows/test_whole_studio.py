"""A whole studio on one machine: Postgres, Redis, two workers, two engines, and passwords."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg2
import pytest
import redis
from mlflow.tracking import MlflowClient

from deployments.reaping import WORKER
from deployments.studio.addresses import Addresses
from deployments.studio.credentials import keep_credentials
from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import StudioSettings, read_settings
from deployments.studio.state import read_state
from onestory.testing.dashboard import PATIENCE_SECONDS, Dashboard
from onestory.testing.producing import Producer, kill_tree, season_of, shot_list

pytestmark = [pytest.mark.studio, pytest.mark.slow]

SEASON = "produce-season/produce-season"
PRODUCE = "produce-episode/produce-episode"
EPISODES = ("ada", "ben", "cleo", "dora")
ACTIONS = ("waves", "jumps", "dances")
CRASHED = "onestory.crash.1.worker"
"""Label that says who had a run when it first crashed."""


@dataclass(frozen=True)
class House:
    """A whole studio, and a person in it."""

    producer: Producer
    settings: StudioSettings
    addresses: Addresses

    @property
    def dashboard(self) -> Dashboard:
        """What is seen with the password."""
        assert self.addresses.prefect_auth is not None
        return Dashboard(
            self.addresses.prefect_api_url, self.addresses.prefect_auth.get_secret_value()
        )


@pytest.fixture(name="house", scope="module")
def _house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    producer = Producer(folder / ".onestory", folder, options={"seconds_per_take": 1.0})
    two = ("--workers", "2", "--engines", "2", "--apis", "2")
    up = producer.run("studio", "up", "--whole", *two, "--home", str(producer.home))
    settings = read_settings(
        home=producer.home, engine=producer.engine, engine_options=producer.options
    )
    try:
        assert up.process.wait(timeout=400) == 0, "\n".join(up.lines)
        yield House(producer, settings, ensure_studio(settings))
    finally:
        stop_studio(settings)


@pytest.fixture(name="night", scope="module")
def _night(house: House) -> dict[str, Any]:
    """A season that was filmed while a worker died, with its film, and the Prefect server once."""
    folder = house.producer.out
    for episode in EPISODES:
        shot_list(folder, episode, ACTIONS)
    season_of(folder, "first", [{"episode": one} for one in EPISODES])
    dashboard = house.dashboard
    run = dashboard.submit(SEASON, {"season": "first.yaml"})
    dashboard.wait(run, ("RUNNING",))
    dashboard.wait_for_runs("produce-episode", "RUNNING", at_least=2)
    kill_tree(read_state(house.settings.home).services["worker-1"].pid)
    server = read_state(house.settings.home).services["prefect"]
    # Its two processes stay behind, and hold its port.
    psutil.Process(server.pid).kill()

    assert dashboard.wait(run, seconds=420) == "COMPLETED"
    assert read_state(house.settings.home).services["prefect"].pid != server.pid
    told: dict[str, Any] = json.loads((folder / "films" / "first" / "season.json").read_text())
    return told


def test_a_night_of_two_workers(house: House, night: dict[str, Any]) -> None:
    """All are delivered, each take was rendered once, and both workers had a share of it."""
    assert [one["job"] for one in night["episodes"]] == ["done"] * len(EPISODES)
    assert [one["num_takes_tonight"] for one in night["episodes"]] == [len(ACTIONS)] * len(EPISODES)
    for one in night["episodes"]:
        assert (house.producer.out / "films" / one["episode"] / "episode.mp4").exists()
    labels = [house.dashboard.read(one["flow_run"])["labels"] for one in night["episodes"]]
    workers = {one[name] for one in labels for name in (WORKER, CRASHED) if name in one}
    assert workers >= {"worker-1", "worker-2"}
    told = house.producer.typed("status")
    takes = {
        one["episode"]: sum(shot["takes"] for shot in one["shots"]) for one in told["episodes"]
    }
    assert takes == dict.fromkeys(EPISODES, len(ACTIONS))


def test_a_film_whose_worker_died_goes_on(house: House, night: dict[str, Any]) -> None:
    """The reaper missed it, and another worker, or the next of that name, went on with it."""
    runs = [house.dashboard.read(one["flow_run"]) for one in night["episodes"]]
    again = [run["labels"].get(CRASHED) for run in runs if run["run_count"] > 1]
    # A film may crash for a server that is away for long, too: it is begun again as well.
    assert "worker-1" in again
    log = (house.settings.home / "logs" / "reaper.log").read_text()
    assert "no sign of life" in log or "crashed" in log.lower()


def test_workers_film_one_thing_at_a_time(house: House, night: dict[str, Any]) -> None:
    """Two films at once, no third; the season at the desk takes nobody's place."""
    runs = [house.dashboard.read(one["flow_run"]) for one in night["episodes"]]
    # One was begun again: when it was at work the first time, only the others tell.
    whole = [run for run in runs if run["run_count"] == 1]
    at_once = [
        sum(one["start_time"] <= run["start_time"] < one["end_time"] for one in whole)
        for run in whole
    ]
    assert max(at_once) <= 2


def test_what_is_measured_lies_in_postgres_and_minio(house: House, night: dict[str, Any]) -> None:
    """MLflow has a run of every episode, with its artifacts in their bucket."""
    assert night["episodes"]
    client = MlflowClient(house.addresses.mlflow_tracking_uri)
    experiments = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(experiments)
    assert len(runs) >= len(EPISODES)
    assert all(run.info.artifact_uri.startswith("mlflow-artifacts:") for run in runs)
    listed = [file.path for run in runs for file in client.list_artifacts(run.info.run_id)]
    assert listed
    folder = house.settings.home / "mlflow" / "artifacts"
    assert not folder.exists()


def test_nobody_is_let_in_without_a_password(house: House) -> None:
    """Neither by Prefect nor by Redis nor by Postgres; whether it is well, anybody may ask."""
    api = house.addresses.prefect_api_url
    count = f"{api}/flow_runs/count"
    anybody = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)
    assert anybody.post(count, json={}).status_code == 401
    assert anybody.post(count, json={}, auth=("studio", "guess")).status_code == 401
    assert anybody.get(f"{api}/health").status_code == 200
    typed = house.producer.run("studio", "password", "--home", str(house.producer.home))
    assert typed.process.stdout is not None
    user, _, password = typed.process.stdout.read().strip().partition(":")
    told = anybody.post(count, json={}, auth=(user, password))
    assert told.status_code == 200
    ports = read_state(house.settings.home).ports
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=ports["redis"]).ping()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(
            host="127.0.0.1",
            port=ports["postgres"],
            user="onestory",
            password="guess",
            dbname="mlflow",
        )


def test_no_secret_is_told(house: House, night: dict[str, Any]) -> None:
    """Neither in a log, a flow run, the databases, MLflow, an object, a film nor an argument."""
    assert night["episodes"]
    keys = keep_credentials(house.settings.home)
    planted = [
        secret.get_secret_value().partition(":")[2] or secret.get_secret_value()
        for secret in (keys.secret_key, keys.database_password, keys.redis_password)
    ]
    planted.append(keys.prefect_auth.get_secret_value().partition(":")[2])
    assert len({*planted}) == 4
    assert min(map(len, planted)) >= 24
    kept = {"secrets.json", "redis.conf"}
    files = [path for path in house.producer.out.rglob("*") if path.is_file()]
    assert any("postgres/base" in str(path) for path in files)
    for path in files:
        if path.name not in kept:
            assert not _holds(path, planted), path
    assert _holds(house.settings.home / "secrets.json", planted)
    arguments = [word for process in psutil.process_iter() for word in _argv(process)]
    assert not [word for word in arguments if any(secret in word for secret in planted)]


def _holds(path: Path, planted: list[str]) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        # Databases delete files of theirs at any time.
        return False
    return any(secret.encode() in content for secret in planted)


def _argv(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
