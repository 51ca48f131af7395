"""What a real Prefect server tells a real receiver, while a film is made and others stand still."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
from prefect.events import emit_event
from prefect.events.filters import EventAnyResourceFilter, EventFilter
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Running

from deployments.automations import LATE, NAMES, STILL, automate
from deployments.studio.embedded import ensure_studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, shot_list
from tasks.report import emit_going_on

pytestmark = [pytest.mark.studio, pytest.mark.timeout(1500)]

TOKEN = "a-token-that-nobody-may-read"
STUCK_MINUTES = 0.25
POOL = "nobody"
OF_THE_SERVER = ("id", "created", "updated")
"""What an automation has that nobody gave it."""


@dataclass
class Receiver:
    """Whoever is told, on loopback. It refuses whatever it is told, and keeps it."""

    address: str
    bodies: dict[str, list[str]] = field(default_factory=dict)
    """What came, by the path that was called."""

    def url(self, whom: str) -> str:
        """An address that holds a secret."""
        return f"{self.address}/{whom}/{TOKEN}"

    def wait_for(self, whom: str, words: str, *, seconds: float = 300.0) -> dict[str, Any]:
        """
        Wait until somebody was told something.

        Raises:
            AssertionError: If it never is.
        """
        deadline = time.monotonic() + seconds
        while not (found := self.about(whom, words)):
            assert time.monotonic() < deadline, f"never told {words!r}: {self.bodies}"
            time.sleep(0.2)
        return found[0]

    def about(self, whom: str, words: str) -> list[dict[str, Any]]:
        """What somebody was told of something."""
        told = self.bodies.get(f"/{whom}/{TOKEN}", [])
        return [json.loads(one) for one in told if words in one]


@pytest.fixture(name="receiver", scope="module")
def _receiver() -> Iterator[Receiver]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            receiver.bodies.setdefault(self.path, []).append(body)
            # What a server logs of a call that failed may hold the address.
            self.send_response(404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield receiver
    server.shutdown()


@pytest.fixture(name="producer", scope="module")
def _producer(
    receiver: Receiver, full_studio: StudioSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Producer]:
    """A person who has a studio up that tells the receiver, and whose actor always dances badly."""
    folder = tmp_path_factory.mktemp("told")
    options = {
        "inner": "painted",
        "faults": {"dances": ["black"] * 9},
        "state": str(folder / "played.json"),
    }
    told = {
        "ONESTORY_NOTIFY_URL": receiver.url("chat"),
        "ONESTORY_WEBHOOK_URL": receiver.url("desk"),
        "ONESTORY_STUCK_MINUTES": str(STUCK_MINUTES),
    }
    producer = Producer(
        full_studio.home, folder, engine="sabotaged", options=options, environment=told
    )
    _typed(producer, "studio", "up")
    yield producer
    _typed(replace(producer, environment={}), "studio", "automate")


def _typed(producer: Producer, *words: str) -> str:
    """What a command prints."""
    run = producer.run(*words, "--home", str(producer.home))
    assert run.process.stdout is not None
    printed = run.process.stdout.read()
    assert run.process.wait(timeout=240) == 0, "\n".join(run.lines)
    return printed


@pytest.fixture(name="api", scope="module")
def _api(producer: Producer) -> Iterator[str]:
    """Address of the studio's Prefect server, which this process speaks to as well."""
    address = ensure_studio(_settings(producer), only=("prefect",)).prefect_api_url
    with temporary_settings({PREFECT_API_URL: address}):
        yield address


def _settings(producer: Producer, **told: Any) -> StudioSettings:
    return read_settings(
        home=producer.home, engine=producer.engine, engine_options=producer.options, **told
    )


@flow(name="produce-episode", flow_run_name="goes on")
async def goes_on(seconds: float) -> None:
    """A film of which something comes again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        emit_going_on()
        await asyncio.sleep(3)


def _begun(what: Callable[..., object], *arguments: object) -> threading.Thread:
    """A thread that speaks to the same server as this one."""
    thread = threading.Thread(target=copy_context().run, args=(what, *arguments), daemon=True)
    thread.start()
    return thread


def _hangs(client: SyncPrefectClient, is_over: threading.Event) -> None:
    """A film whose process hangs: it gives heartbeats, and nothing comes of it."""
    run = client.create_flow_run(goes_on, parameters={"seconds": 1}, name="hangs").id
    client.set_flow_run_state(run, Running())
    while not is_over.wait(2):
        emit_event("prefect.flow-run.heartbeat", {"prefect.resource.id": f"prefect.flow-run.{run}"})


def _is_late(client: SyncPrefectClient) -> UUID:
    """Where films lie that no worker takes, and the first of them."""
    client.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
    deployment = client.create_deployment(
        client.create_flow(goes_on), "late", work_pool_name=POOL, work_queue_name="default"
    )
    client.create_flow_run_from_deployment(deployment, name="unclaimed 1")
    return deployment


def _told_late(client: SyncPrefectClient, receiver: Receiver, deployment: UUID) -> str:
    """
    What is told of a film that no worker takes.

    A server on SQLite that is locked out of its database when a film becomes late forgets to tell
    it, so another one is left lying then.
    """
    for number in range(1, 4):
        with suppress(AssertionError):
            return str(receiver.wait_for("chat", f"unclaimed {number}", seconds=120)["text"])
        client.create_flow_run_from_deployment(deployment, name=f"unclaimed {number + 1}")
    raise AssertionError("of three films that nobody began none was told")


def _longest_silence(client: SyncPrefectClient, name: str) -> float:
    """Seconds for which the server has heard nothing of a run: one that is starved hears late."""
    wanted = FlowRunFilter(name=FlowRunFilterName(any_=[name]))
    (run,) = client.read_flow_runs(flow_run_filter=wanted)
    of_run = EventAnyResourceFilter(id=[f"prefect.flow-run.{run.id}"])
    page = client.read_events(EventFilter(any_resource=of_run), limit=50)
    heard = sorted(event.received for event in page.events)
    assert len(heard) > 2
    return max((later - one).total_seconds() for one, later in pairwise(heard))


def test_a_studio_tells_what_happens(
    producer: Producer, receiver: Receiver, api: str, episode_id: str
) -> None:
    """A shot without a good take, a delivery, a film that hangs, a late one; each is told once."""
    script = shot_list(producer.out, episode_id, ("waves", "dances"))
    is_over = threading.Event()
    with get_client(sync_client=True) as client:
        late_ones = _is_late(client)
        hanging = _begun(_hangs, client, is_over)
        well = _begun(lambda: asyncio.run(goes_on(36)))
        try:
            code, film = producer.produce(script, "--max-takes", "2")
            assert code == 3

            needed = receiver.wait_for("chat", "sh002")["text"]
            delivered = receiver.wait_for("desk", episode_id)
            hangs = receiver.wait_for("chat", "hangs")["text"]
            late = _told_late(client, receiver, late_ones)
            well.join()
        finally:
            is_over.set()
            hanging.join()
            client.delete_deployment(late_ones)
        silent_seconds = _longest_silence(client, "goes on")

    dashboard = api.removesuffix("/api")
    assert needed.startswith(
        f"Film {episode_id}, s01e01-sc01-sh002: none of 2 takes passed, the last is NG for black"
    )
    assert f"; the best of them waits for review {dashboard}/runs/flow-run/" in needed
    assert hangs.startswith(
        f"hangs stands still: nothing for 0.25 minutes. It is Running {dashboard}/runs/flow-run/"
    )
    name, is_late = late.split(" is late: ")
    assert is_late.startswith("nobody began it for 0.25 minutes.")
    assert delivered["schema"] == "Delivered.1"
    assert delivered["flow_run"] == film["flow_run"]
    assert delivered["run_page"] == f"{dashboard}/runs/flow-run/{delivered['flow_run']}"
    assert delivered["dailies_page"] == f"{dashboard}/artifacts/key/film-{episode_id}"
    assert "is delivered" in Dashboard(api).artifact(f"film-{episode_id}")
    assert delivered["delivery"] == {
        "episode": episode_id,
        "title": f"Film {episode_id}",
        "film": film["film"],
        "dailies": film["dailies"],
        "manifest": film["manifest"],
        "shots": 2,
        "waiting_for_review": 1,
    }
    assert receiver.bodies.keys() == {f"/chat/{TOKEN}", f"/desk/{TOKEN}"}
    for words in ("sh002", "hangs", name):
        assert len(receiver.about("chat", words)) == 1, words
    assert len(receiver.about("desk", "")) == 1
    # Of a machine that stood still itself, it is rightly told.
    assert not receiver.about("chat", "goes on") or silent_seconds > 60 * STUCK_MINUTES


@pytest.mark.usefixtures("api")
def test_an_address_is_a_secret(producer: Producer, receiver: Receiver) -> None:
    """Calls that failed are in no log with it; no automation, event or block shows it."""
    assert receiver.bodies, "the test before this one had something told"
    logs = [path.read_text(errors="replace") for path in (producer.home / "logs").glob("*.log")]
    shown = [
        _asked("POST", f"/{kind}/filter", {}).text
        for kind in ("automations", "block_documents", "flow_runs", "logs")
    ]
    failed = _asked("POST", "/events/filter", {"limit": 50}).text

    assert len(logs) >= 2
    assert "onestory-notify" in shown[1]
    for text in [*logs, *shown, failed]:
        assert TOKEN not in text


def _asked(method: str, path: str, content: dict[str, Any]) -> httpx.Response:
    """What the server answers: it is asked again while it is busy."""
    with get_client(sync_client=True) as client:
        return client._client.request(method, path, json=content).raise_for_status()


def _there() -> dict[str, dict[str, Any]]:
    answer = _asked("POST", "/automations/filter", {})
    found = [one for one in answer.json() if one["name"] in NAMES]
    there = {one["name"]: one for one in found}
    assert len(found) == len(there), "at most one of a name"
    return there


@pytest.mark.usefixtures("api")
def test_what_is_there_already_stays(producer: Producer, receiver: Receiver) -> None:
    """Once more changes nothing; what a person switched off stays so; the rest follows settings."""
    told = {
        "notify_url": receiver.url("chat"),
        "webhook_url": receiver.url("desk"),
        "stuck_minutes": STUCK_MINUTES,
    }
    before = _there()
    assert sorted(before) == sorted(NAMES)
    automate(_settings(producer, **told))
    assert _there() == before

    # Who writes one down at the same time leaves two of a name.
    twin = {name: one for name, one in before[LATE].items() if name not in OF_THE_SERVER}
    _asked("POST", "/automations/", twin)
    automate(_settings(producer, **told))
    assert _there().keys() == before.keys()

    _asked("PATCH", f"/automations/{before[STILL]['id']}", {"enabled": False})
    automate(_settings(producer, **told | {"stuck_minutes": 30}))

    after = _there()
    assert after[STILL]["id"] == before[STILL]["id"]
    assert (after[STILL]["enabled"], after[LATE]["enabled"]) == (False, True)
    assert after[LATE]["trigger"]["within"] == 30 * 60


@pytest.mark.usefixtures("api")
def test_without_an_address_nobody_is_told(producer: Producer, receiver: Receiver) -> None:
    """Neither automations nor addresses are left when a person takes the settings back."""
    automate(_settings(producer, notify_url=receiver.url("chat")))
    assert len(_there()) == 3

    printed = _typed(replace(producer, environment={}), "studio", "automate")

    assert "nobody is told of anything" in printed
    assert not _there()
    blocks = _asked("POST", "/block_documents/filter", {}).text
    assert "onestory-" not in blocks
