"""The network between a machine that films and its studio fails for a minute."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deployments.studio.embedded import ensure_studio
from deployments.studio.settings import StudioSettings
from onestory.testing.network import Line
from onestory.testing.producing import Producer, shot_list

pytestmark = [pytest.mark.studio, pytest.mark.slow]

A_MINUTE = 60.0
ACTIONS = ("waves", "jumps", "dances", "sits down")


@dataclass(frozen=True)
class FarAway:
    """A machine that reaches a studio over two lines."""

    producer: Producer
    minio: Line
    prefect: Line


@pytest.fixture(name="machine")
def _machine(full_studio: StudioSettings, tmp_path: Path) -> Iterator[FarAway]:
    studio = ensure_studio(full_studio, keep=True)
    with ExitStack() as lines:
        minio, prefect = (
            lines.enter_context(Line(urlsplit(f"//{address}").port or 0))
            for address in (studio.minio_endpoint, urlsplit(studio.prefect_api_url).netloc)
        )
        environment = {
            "ONESTORY_PREFECT_API_URL": f"http://127.0.0.1:{prefect.port}/api",
            "ONESTORY_MINIO_ENDPOINT": f"127.0.0.1:{minio.port}",
            "ONESTORY_MINIO_ACCESS_KEY": studio.minio_access_key,
            "ONESTORY_MINIO_SECRET_KEY": studio.minio_secret_key.get_secret_value(),
            "ONESTORY_MLFLOW_TRACKING_URI": studio.mlflow_tracking_uri,
            "NO_PROXY": "127.0.0.1",
        }
        producer = Producer(
            tmp_path / "machine",
            tmp_path,
            options={"seconds_per_take": 2.0},
            environment=environment,
        )
        yield FarAway(producer, minio, prefect)


@pytest.mark.parametrize("how", ["cut", "stall"])
def test_a_minute_without_network(machine: FarAway, episode_id: str, how: str) -> None:
    """The film is delivered; every shot was rendered once, for nothing was lost."""
    run = machine.producer.start(shot_list(machine.producer.out, episode_id, ACTIONS))
    run.wait_for("circled")
    # In the middle of the second shot.
    time.sleep(0.5)
    lines = (machine.minio, machine.prefect)
    for line in lines:
        line.cut() if how == "cut" else line.stall()
    timer = threading.Timer(A_MINUTE, lambda: [line.mend() for line in lines])
    timer.start()
    code, document = run.finish()
    timer.join()

    assert code == 0, "\n".join(run.lines)
    assert [shot["takes"] for shot in document["shots"]] == [1] * len(ACTIONS)
    assert document["rendered"] + document["reused"] == len(ACTIONS)
    assert document["seconds"] > A_MINUTE
