"""The embedded studio from outside: real Prefect, real gateway, real engine server."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import httpx
import psutil
import pytest
from minio import Minio

from deployments.studio import caretaker, processes, state
from deployments.studio.addresses import Addresses
from deployments.studio.caretaker import Caretaker
from deployments.studio.embedded import (
    ensure_studio,
    heal,
    mlflow_ui_command,
    start_mlflow_ui,
    status,
    stop_studio,
    studio,
)
from deployments.studio.processes import MARK
from deployments.studio.settings import StudioSettings, read_settings
from deployments.studio.state import enter, free_port, living_users, locked, read_state, write_state
from onestory.errors import StudioError

pytestmark = pytest.mark.studio

BUSY_SECONDS = 120.0
"""How long a busy machine may take for what takes no time elsewhere."""
FAST = ("gateway", "engine")
"""Services that start in a moment; Prefect takes ten seconds on a fresh home."""


def _pids(settings: StudioSettings) -> dict[str, int]:
    return {name: record.pid for name, record in read_state(settings.home).services.items()}


def _processes_of(home: Path) -> list[psutil.Process]:
    """Every living process that serves `home`, recorded or not."""
    mark, found = f"{MARK}={home}#".encode(), []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            # The environment of a zombie is empty, so it does not count.
            if mark in Path(f"/proc/{process.pid}/environ").read_bytes():
                found.append(process)
    return found


def _client(addresses: Addresses) -> Minio:
    return Minio(
        addresses.minio_endpoint,
        addresses.minio_access_key,
        addresses.minio_secret_key.get_secret_value(),
        secure=False,
    )


def _fetched(url: str) -> httpx.Response:
    return httpx.get(url, timeout=BUSY_SECONDS)


def _states(settings: StudioSettings) -> dict[str, str]:
    """How services are; a healthy one may be too busy to say so when it is asked first."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        found = {service.name: service.state for service in status(settings).services}
        if "silent" not in found.values() or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def _until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + BUSY_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    _until(lambda: not processes.birth_of(pid))


@contextmanager
def _occupied(port: int) -> Iterator[None]:
    """Listen on a port as soon as the last thread of its killed owner has let it go."""
    _until(lambda: free_port(port) == port)
    with socket.create_server(("127.0.0.1", port)), pytest.MonkeyPatch.context() as hasty:
        # Nobody is going to let it go.
        hasty.setattr(state, "_RELEASE_SECONDS", 0.2)
        yield


def _mend_gateway(settings: StudioSettings) -> Caretaker:
    """The gateway alone, which starts in a moment."""
    with locked(settings.home):
        keeper = Caretaker(settings)
        keeper.mend(("gateway",))
        return keeper


@pytest.fixture(name="fresh")
def _fresh(tmp_path: Path) -> Iterator[StudioSettings]:
    """An embedded studio at rest under a home of its own."""
    settings = read_settings(home=tmp_path / "fresh", engine="painted")
    yield settings
    stop_studio(settings)
    for process in _processes_of(settings.home):
        process.kill()


def test_every_service_answers(running: Addresses, settings: StudioSettings) -> None:
    """A studio that is up serves flows, objects and renders, and its bucket is there."""
    _client(running).put_object(running.bucket, "greeting", BytesIO(b"hello"), 5)

    assert _client(running).get_object(running.bucket, "greeting").read() == b"hello"
    assert _fetched(f"{running.prefect_api_url}/health").json() is True
    assert _fetched(running.prefect_ui_url).status_code == 200
    way = httpx.HTTPTransport(uds=str(running.engine_socket))
    with httpx.Client(transport=way, timeout=BUSY_SECONDS) as engine:
        assert engine.get("http://engine/health").status_code == 200
    _until(lambda: status(settings).is_healthy)
    assert {service.name for service in status(settings).services} == {
        "prefect",
        "gateway",
        "engine",
    }


def test_dashboard_calls_its_own_server(running: Addresses) -> None:
    """The dashboard's pages ask the server they came from, on whatever port that is."""
    told = _fetched(f"{running.prefect_ui_url}/ui-settings").json()

    assert told["api_url"] == running.prefect_api_url


def test_services_listen_on_loopback_only(running: Addresses, settings: StudioSettings) -> None:
    """Nobody on the network reaches an embedded studio."""
    listening = {
        connection.laddr.ip
        for pid in _pids(settings).values()
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert listening == {"127.0.0.1"}


def test_secrets_stay_in_their_file(running: Addresses, settings: StudioSettings) -> None:
    """The MinIO key is in the secrets file and in the environment, and nowhere to be seen."""
    secret = running.minio_secret_key.get_secret_value()
    path = settings.home / "secrets.json"
    argv = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    logs = [log.read_text(errors="replace") for log in (settings.home / "logs").iterdir()]
    seen = [running.summary(), repr(running), (settings.home / "studio.json").read_text()]

    assert len(secret) >= 24
    assert json.loads(path.read_bytes())["minio_secret_key"] == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert running.as_environment()["ONESTORY_MINIO_SECRET_KEY"] == secret
    assert any(str(settings.home) in line for line in argv)
    assert not [text for text in argv + logs + seen if secret in text]


def test_clients_find_the_studio_by_environment(
    running: Addresses, settings: StudioSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child process that inherits the addresses mends and shares the very same services."""
    before = _pids(settings)
    for name, value in running.as_environment().items():
        monkeypatch.setenv(name, value)

    inherited = read_settings()

    assert inherited.is_embedded
    assert heal(inherited) == running
    assert _pids(settings) == before


def test_two_producers_share_one_studio(running: Addresses, settings: StudioSettings) -> None:
    """A second producer uses the services of the first and leaves them running."""
    before = _pids(settings)
    program = (
        "import sys\n"
        "from deployments.studio.embedded import status, studio\n"
        "from deployments.studio.settings import read_settings\n"
        "settings = read_settings(home=sys.argv[1], engine='painted')\n"
        "with studio(settings) as addresses:\n"
        "    print(addresses.prefect_api_url, status(settings).num_users)\n"
    )
    argv = [sys.executable, "-c", program, str(settings.home)]
    said = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert said.stdout.split() == [running.prefect_api_url, "2"], said.stderr
    assert _pids(settings) == before
    _until(lambda: status(settings).is_healthy)
    assert status(settings).num_users == 1


def test_gateway_killed_while_used_comes_back_with_its_objects(
    running: Addresses, settings: StudioSettings
) -> None:
    """Eight producers mend a killed gateway at once: one new process, no acknowledged loss."""
    client = _client(running)
    for number in range(20):
        client.put_object(running.bucket, f"take-{number}", BytesIO(b"%03d" % number), 3)
    before = _pids(settings)
    _kill(before["gateway"])
    threads = [threading.Thread(target=heal, args=[settings]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    after = _pids(settings)
    gateways = [process for process in _processes_of(settings.home) if "juicefs" in process.name()]
    content = [client.get_object(running.bucket, f"take-{n}").read() for n in range(20)]

    assert after["gateway"] != before["gateway"]
    assert {**after, "gateway": 0} == {**before, "gateway": 0}
    assert len(gateways) == 1
    assert content == [b"%03d" % number for number in range(20)]


def test_prefect_killed_comes_back_on_its_port(
    running: Addresses, settings: StudioSettings
) -> None:
    """A killed Prefect server is replaced under the same address, so links stay good."""
    before = _pids(settings)["prefect"]
    _kill(before)
    assert not status(settings).is_healthy

    mended = heal(settings)

    assert mended == running
    assert _pids(settings)["prefect"] != before
    assert _fetched(f"{running.prefect_api_url}/health").json() is True


def test_silent_service_is_replaced(
    running: Addresses, settings: StudioSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that lives but does not answer is replaced once patience is over."""
    monkeypatch.setattr(caretaker, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(processes, "END_SECONDS", 0.5)
    before = _pids(settings)["gateway"]
    os.kill(before, signal.SIGSTOP)

    heal(settings)

    assert _pids(settings)["gateway"] != before
    _until(lambda: not psutil.pid_exists(before))
    _until(lambda: status(settings).is_healthy)


def test_mlflow_screen_starts_on_demand(running: Addresses, settings: StudioSettings) -> None:
    """The MLflow screen opens when asked for, over the file that the clients write."""
    url = start_mlflow_ui(settings)

    assert _fetched(url).status_code == 200
    assert running.mlflow_tracking_uri in mlflow_ui_command(settings)


def test_mlflow_screen_before_any_film(fresh: StudioSettings) -> None:
    """The screen finds a store that came whole: nobody lays tables out in place."""
    url = start_mlflow_ui(fresh)

    try:
        assert _fetched(url).status_code == 200
        assert (fresh.home / "mlflow" / "mlflow.db.lock").exists(), "made by the screen itself"
    finally:
        stop_studio(fresh)


def test_last_user_leaves_no_process(fresh: StudioSettings) -> None:
    """From nothing to a healthy studio and back, without a process left behind."""
    with studio(fresh) as addresses:
        _until(lambda: status(fresh).is_healthy)
        assert len(_processes_of(fresh.home)) >= 3

    assert _processes_of(fresh.home) == []
    assert set(_states(fresh).values()) == {"stopped"}
    assert not addresses.engine_socket.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(addresses.prefect_api_url)


def test_kept_studio_outlives_its_users(alone: StudioSettings) -> None:
    """`studio up` keeps services until `studio down`, whoever comes and goes between."""
    ensure_studio(alone, keep=True, only=FAST)
    with studio(alone, only=FAST):
        before = _pids(alone)
    assert _pids(alone) == before
    assert _states(alone) == {"prefect": "stopped", "gateway": "healthy", "engine": "healthy"}

    stop_studio(alone)

    assert _processes_of(alone.home) == []


def test_studio_of_a_killed_producer_is_taken_over(alone: StudioSettings) -> None:
    """A producer that was killed leaves services behind; the next one shares and stops them."""
    ensure_studio(alone, only=FAST)
    before = _pids(alone)
    program = "import sys, pathlib; from deployments.studio.state import enter\n"
    program += "enter(pathlib.Path(sys.argv[1])); import os; os.kill(os.getpid(), 9)"
    dead = subprocess.run([sys.executable, "-c", program, str(alone.home)], check=False)
    assert dead.returncode == -signal.SIGKILL
    assert len(list((alone.home / "users").iterdir())) == 1

    with studio(alone, only=FAST):
        assert _pids(alone) == before
        assert len(living_users(alone.home)) == 1

    assert _processes_of(alone.home) == []
    assert list((alone.home / "users").iterdir()) == []


def test_leaving_spares_other_users(alone: StudioSettings) -> None:
    """While another user is registered, leaving stops nothing."""
    with studio(alone, only=FAST):
        other = enter(alone.home)
    assert _states(alone) == {"prefect": "stopped", "gateway": "healthy", "engine": "healthy"}

    other.unlink()
    with studio(alone, only=FAST):
        pass

    assert _processes_of(alone.home) == []


def test_other_options_are_refused_while_shared(
    alone: StudioSettings, innocent: subprocess.Popen[bytes]
) -> None:
    """The engine is not restarted with other options under another producer's feet."""
    with studio(alone, only=FAST):
        born = processes.birth_of(innocent.pid)
        user = alone.home / "users" / "other.json"
        user.write_text(json.dumps({"schema": "StudioUser.1", "pid": innocent.pid, "born": born}))
        other = alone.model_copy(update={"engine_options": {"seconds_per_take": 0.5}})

        with pytest.raises(StudioError, match="engine runs with other options for 1 other"):
            ensure_studio(other, only=FAST)

        before = _pids(alone)
        user.unlink()
        ensure_studio(other, only=FAST)
        assert _pids(alone) != before


def test_moved_gateway_takes_its_engine_along(
    alone: StudioSettings, innocent: subprocess.Popen[bytes]
) -> None:
    """When MinIO had to change its port, the engine follows, though others use it."""
    with studio(alone, only=FAST) as addresses:
        born = processes.birth_of(innocent.pid)
        user = alone.home / "users" / "other.json"
        user.write_text(json.dumps({"schema": "StudioUser.1", "pid": innocent.pid, "born": born}))
        before = _pids(alone)
        _kill(before["gateway"])
        port = int(addresses.minio_endpoint.rpartition(":")[2])
        with _occupied(port):
            ensure_studio(alone, only=("gateway",))
        moved = ensure_studio(alone, only=FAST)

        assert moved.minio_endpoint != addresses.minio_endpoint
        assert _pids(alone)["engine"] != before["engine"]
        assert _states(alone)["engine"] == "healthy"
        user.unlink()


def test_half_started_studio_is_finished(alone: StudioSettings) -> None:
    """A producer killed while it starts the studio, lock in hand, is no obstacle to the next."""
    program = (
        "import sys\n"
        "from deployments.studio.embedded import studio\n"
        "from deployments.studio.health import HealthCheck\n"
        "from deployments.studio.settings import read_settings\n"
        # However late it is killed, it has not heard of the engine.
        "passes = HealthCheck.passes\n"
        "HealthCheck.passes = lambda self: self.unix_socket is None and passes(self)\n"
        "with studio(read_settings(home=sys.argv[1], engine='painted'), only=('gateway','engine')):"
        " print('too late')\n"
    )
    argv = [sys.executable, "-c", program, str(alone.home)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as starter:
        _until(lambda: "engine" in _pids(alone))
        starter.kill()
        assert starter.communicate()[0] == b""
    half = _pids(alone)["engine"]
    assert not read_state(alone.home).services["engine"].was_healthy

    with studio(alone, only=FAST):
        assert _pids(alone)["engine"] == half
        assert _states(alone)["engine"] == "healthy"
        assert len(_processes_of(alone.home)) == 2

    assert _processes_of(alone.home) == []


def test_deep_home_gets_a_short_socket(alone: StudioSettings) -> None:
    """A home deeper than a socket's path may be still gets an engine that answers."""
    deep = alone.model_copy(update={"home": alone.home / ("deep" * 30)})
    with studio(deep, only=FAST) as addresses:
        assert len(str(addresses.engine_socket)) < 100
        assert _states(deep)["engine"] == "healthy"

    assert not addresses.engine_socket.parent.exists()


def test_recycled_pid_is_never_signalled(
    fresh: StudioSettings, innocent: subprocess.Popen[bytes]
) -> None:
    """A record whose pid now belongs to a stranger harms neither mending nor stopping him."""
    keeper = _mend_gateway(fresh)
    record = keeper.state.services["gateway"]
    _kill(record.pid)
    stale = record.model_copy(update={"pid": innocent.pid})
    write_state(fresh.home, keeper.state.model_copy(update={"services": {"gateway": stale}}))
    assert _states(fresh)["gateway"] == "dead"

    stop_studio(fresh)
    write_state(fresh.home, keeper.state.model_copy(update={"services": {"gateway": stale}}))
    mended = _mend_gateway(fresh)

    assert innocent.poll() is None
    assert mended.state.services["gateway"].pid != innocent.pid
    assert _states(fresh)["gateway"] == "healthy"


def test_taken_port_is_exchanged(fresh: StudioSettings) -> None:
    """Ports stay the same from start to start, unless somebody else took one meanwhile."""
    port = _mend_gateway(fresh).state.ports["gateway"]
    stop_studio(fresh)
    assert _mend_gateway(fresh).state.ports["gateway"] == port
    stop_studio(fresh)

    with _occupied(port):
        moved = _mend_gateway(fresh).state.ports["gateway"]

    assert moved != port
    assert status(fresh).services[1].address == f"http://127.0.0.1:{moved}"
    assert _states(fresh)["gateway"] == "healthy"


def test_port_that_is_being_released_is_waited_for() -> None:
    """A killed server's port is its successor's, though it is let go a moment later."""
    port = free_port(None)
    holder = socket.create_server(("127.0.0.1", port))
    release = threading.Timer(0.3, holder.close)
    release.start()

    assert free_port(port) == port
    release.join()


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema": "Studio.99"}'])
def test_lost_record_leaves_no_orphan(fresh: StudioSettings, content: bytes) -> None:
    """A service whose record is lost or unreadable is found by its mark and replaced."""
    orphan = _mend_gateway(fresh).state.services["gateway"].pid
    (fresh.home / "studio.json").write_bytes(content)

    _mend_gateway(fresh)

    assert processes.birth_of(orphan) is None
    assert len(_processes_of(fresh.home)) == 1


def test_failing_service_is_named_with_its_log(
    fresh: StudioSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that cannot start is named, with its last words and where to read more."""
    broken = (sys.executable, "-c", "raise ValueError('no weights at all')")
    monkeypatch.setattr("deployments.studio.services.ENGINE", broken)

    with pytest.raises(
        StudioError, match=r"engine did not .* 2 starts: ValueError: no weights"
    ) as caught:
        ensure_studio(fresh, only=FAST)

    assert str(fresh.home / "logs" / "engine.log") in (caught.value.hint or "")
