"""
A rehearsal: no container engine is here, but each command of the compose file runs.

    compose.yaml ── its commands, variables and health checks ── the same programs of this machine

Postgres and Redis are Debian's, MinIO is the gateway; hosts, ports and folders are replaced, and
nothing else. Workers and engines are left out: tests/deployments films with those.
"""

import io
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from minio import Minio

from deployments.studio.state import free_port

pytestmark = [pytest.mark.studio, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
HOSTS = ("postgres:5432", "redis:6379", "minio:9000", "prefect:4200", "mlflow:5000")
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
NOBODY_SPECIAL = "postgres" if os.geteuid() == 0 else None
"""As whom Postgres runs: it refuses root, and is no trouble to anybody else."""
SERVERS = ("prefect", "prefect-services", "mlflow")
BUSY_SECONDS = 120.0
"""How long an answer may take on a busy machine."""


@dataclass
class Stack:
    """The services of the compose file, with this machine's addresses in place of theirs."""

    services: dict[str, Any]
    addresses: dict[str, str]
    folder: Path
    running: dict[str, subprocess.Popen[bytes]]

    def python(self, name: str, *, wait: bool = True) -> None:
        """Run a service of the image of services or workers, as a job or for good."""
        service = self.services[name]
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-P", *service["command"]],
            env=_clean() | service["environment"] | {"PREFECT_HOME": str(self.folder / name)},
            cwd=self.folder,
            stdout=log,
            stderr=log,
        )
        if not wait:
            self.running[name] = process
            return
        assert process.wait(240) == 0, self.log(name)

    def is_well(self, name: str) -> bool:
        """Ask by the health check of the compose file."""
        service = self.services[name]
        _, _, *check = service["healthcheck"]["test"]
        argv = [sys.executable, *check]
        done = subprocess.run(
            argv, env=_clean() | service["environment"], capture_output=True, check=False
        )
        return done.returncode == 0

    def await_health(self, name: str) -> None:
        """Wait as long as the compose file would."""
        deadline = time.monotonic() + 240
        while not self.is_well(name):
            assert self.running[name].poll() is None, self.log(name)
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.5)

    def log(self, name: str) -> str:
        """What a service said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("PREFECT_API_URL",)}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _replaced(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(part, words) for name, part in value.items()}
    if isinstance(value, list):
        return [_replaced(part, words) for part in value]
    for old, new in words.items():
        value = value.replace(old, new) if isinstance(value, str) else value
    return value


@pytest.fixture(scope="module", name="stack")
def _stack(
    compose: dict[str, Any],
    fill_in: Callable[..., Any],
    infra: Path,
    minio_endpoint: str,
    secret_values: dict[str, str],
) -> Iterator[Stack]:
    """Everything but workers and engines, started in the order of the compose file."""
    assert POSTGRES, "make packages installs Debian's postgresql"
    assert shutil.which("redis-server"), "make packages installs Debian's redis-server"
    drawn = runpy.run_path(str(infra / "compose" / "draw_secrets.py"))["fresh"]()
    secrets = {**drawn, **secret_values}
    # Not under pytest's folder, which only root may enter.
    folder = Path(tempfile.mkdtemp(prefix="onestory-rehearsal-"))
    folder.chmod(0o755)
    addresses = {host: f"127.0.0.1:{free_port(None)}" for host in HOSTS}
    addresses["minio:9000"] = minio_endpoint
    ports = {name: addresses[name].rpartition(":")[2] for name in HOSTS}
    (folder / "films").mkdir()
    words = {
        **addresses,
        "0.0.0.0": "127.0.0.1",
        "/opt/onestory/minio/": f"{infra}/minio/",
        "/opt/onestory/offer.py": f"{infra}/compose/offer.py",
        "/opt/onestory/": f"{infra}/images/",
        "/films": f"{folder}/films",
        "127.0.0.1:4200": addresses["prefect:4200"],
        "127.0.0.1:5000": addresses["mlflow:5000"],
        "dir /data": f"dir {folder}/redis\nport {ports['redis:6379']}\nbind 127.0.0.1",
    }
    services = _replaced(fill_in(compose["services"], secrets), words)
    for name, port in (("prefect", "4200"), ("mlflow", "5000")):
        command = services[name]["command"]
        command[command.index(port)] = ports[f"{name}:{port}"]
    # Docker's resolver knows the name; a test says it in its own header.
    services["mlflow"]["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"] += ",mlflow:5000"
    stack = Stack(services, addresses, folder, {})
    try:
        _start_postgres(stack, infra, ports["postgres:5432"])
        _start_redis(stack)
        for job in ("minio-users", "prefect-tables", "mlflow-tables"):
            stack.python(job)
        for name in SERVERS:
            stack.python(name, wait=False)
        for name in SERVERS:
            stack.await_health(name)
        yield stack
    finally:
        for process in reversed(stack.running.values()):
            _end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _start_postgres(stack: Stack, infra: Path, port: str) -> None:
    """What the image's own entry point does: lay out, run databases.sh, listen."""
    environment = stack.services["postgres"]["environment"]
    programs, data = POSTGRES[-1], stack.folder / "postgres"
    data.mkdir()
    secret = stack.folder / "secret"
    secret.write_text(environment["POSTGRES_PASSWORD"])
    if NOBODY_SPECIAL:
        for path in (data, secret):
            shutil.chown(path, NOBODY_SPECIAL, NOBODY_SPECIAL)
    layout = [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--pwfile", str(secret)]
    layout += ["--auth-host=scram-sha-256", "--data-checksums", "-E", "UTF8", "--no-sync"]
    subprocess.run(layout, user=NOBODY_SPECIAL, cwd="/", check=True, capture_output=True)
    options = [
        "-p",
        port,
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={data}",
    ]
    _, *given = stack.services["postgres"]["command"]
    stack.running["postgres"] = subprocess.Popen(
        [str(programs / "postgres"), "-D", str(data), *options, *given],
        user=NOBODY_SPECIAL,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=(stack.folder / "postgres.log").open("wb"),
    )
    ask = [str(programs / "pg_isready"), "--host=127.0.0.1", f"--port={port}"]
    deadline = time.monotonic() + 240
    while subprocess.run(ask, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, stack.log("postgres")
        time.sleep(0.2)
    here = {"PGHOST": str(data), "PGPORT": port}
    script = [str(infra / "compose" / "databases.sh")]
    subprocess.run(script, env=_clean() | environment | here, check=True, capture_output=True)


def _start_redis(stack: Stack) -> None:
    service = stack.services["redis"]
    (stack.folder / "redis").mkdir()
    stack.running["redis"] = subprocess.Popen(
        service["command"],
        env=_clean() | service["environment"],
        stdout=(stack.folder / "redis.log").open("wb"),
    )
    port = stack.addresses["redis:6379"].rpartition(":")[2]
    _, check = service["healthcheck"]["test"]
    asked = check.replace("redis-cli", f"redis-cli -p {port}")
    told = _clean() | service["environment"]
    deadline = time.monotonic() + 240
    while subprocess.run(asked, shell=True, env=told, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, stack.log("redis")
        time.sleep(0.2)


def _psql(stack: Stack, role: str, database: str) -> subprocess.CompletedProcess[str]:
    secret = stack.services["postgres"]["environment"][f"{role.upper()}_DATABASE_PASSWORD"]
    host, port = stack.addresses["postgres:5432"].split(":")
    argv = [str(POSTGRES[-1] / "psql"), "-h", host, "-p", port, "-U", role, database, "-Atc"]
    return subprocess.run(
        [*argv, "SELECT count(*) > 10 FROM pg_tables WHERE schemaname = 'public'"],
        env=_clean() | {"PGPASSWORD": secret},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_database_is_its_owners_alone(stack: Stack) -> None:
    """Prefect and MLflow have their tables in Postgres, and neither enters the other's."""
    for role, other in (("prefect", "mlflow"), ("mlflow", "prefect")):
        assert _psql(stack, role, role).stdout == "t\n"
        assert "permission denied" in _psql(stack, role, other).stderr
        assert "permission denied" in _psql(stack, role, "postgres").stderr


def test_redis_asks_for_its_secret(stack: Stack) -> None:
    """Whoever has no password is told nothing."""
    port = stack.addresses["redis:6379"].rpartition(":")[2]
    argv = ["redis-cli", "-p", port, "keys", "*"]
    told = {name: value for name, value in _clean().items() if name != "REDISCLI_AUTH"}
    said = subprocess.run(argv, env=told, capture_output=True, text=True, check=False).stdout

    assert said.startswith("NOAUTH")


def test_prefect_asks_who_calls(stack: Stack) -> None:
    """The API refuses strangers, and tells anybody whether it is well."""
    address = f"http://{stack.addresses['prefect:4200']}/api"
    user, _, password = stack.services["worker"]["environment"][
        "PREFECT_API_AUTH_STRING"
    ].partition(":")

    with httpx.Client(base_url=address, timeout=BUSY_SECONDS) as anybody:
        assert anybody.get("/health").status_code == 200
        assert anybody.post("/flows/filter").status_code == 401
        assert anybody.post("/flows/filter", auth=(user, "guess")).status_code == 401
        assert anybody.post("/flows/filter", auth=(user, password)).status_code == 200


def test_background_services_show_that_they_live(stack: Stack) -> None:
    """Their heartbeat is in Redis, apart from the API's, and is missed when they are gone."""
    service = stack.services["prefect-services"]
    stack.await_health("prefect-services")
    _end(stack.running.pop("prefect-services"))

    deadline = time.monotonic() + 240
    while stack.is_well("prefect-services"):
        assert time.monotonic() < deadline
        time.sleep(1)
    stack.await_health("prefect")
    assert service["command"] == ["-m", "prefect", "server", "services", "start"]
    stack.python("prefect-services", wait=False)
    stack.await_health("prefect-services")


def test_deployments_are_offered_twice(stack: Stack) -> None:
    """The job opens the pool, its queues and the deployments, and changes nothing the next time."""
    stack.python("offer")
    stack.python("offer")
    user, _, password = stack.services["offer"]["environment"]["PREFECT_API_AUTH_STRING"].partition(
        ":"
    )
    address = f"http://{stack.addresses['prefect:4200']}/api"
    with httpx.Client(base_url=address, auth=(user, password), timeout=BUSY_SECONDS) as client:
        offered = client.post("/deployments/filter", json={}).json()
        queues = client.post("/work_pools/onestory/queues/filter", json={}).json()

    names = sorted(deployment["name"] for deployment in offered)
    listed = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    assert names == sorted(deployment["name"] for deployment in listed)
    assert {"rush", "default", "nightly", "preview"} <= {queue["name"] for queue in queues}


def test_mlflow_keeps_artifacts_with_its_own_account(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client without any key of MinIO logs, reads and deletes an artifact through the server."""
    from mlflow.artifacts import download_artifacts
    from mlflow.tracking import MlflowClient

    # What is refused is refused the second time, too: minutes later, by default.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    uri = f"http://{stack.addresses['mlflow:5000']}"
    client = MlflowClient(uri)
    run = client.create_run(client.create_experiment("season"))
    client.log_metric(run.info.run_id, "drift", 0.25)
    client.log_text(run.info.run_id, "circled", "verdict.txt")
    keys = stack.services["minio-users"]["environment"]
    root = Minio(
        stack.addresses["minio:9000"],
        keys["MINIO_ROOT_USER"],
        keys["MINIO_ROOT_PASSWORD"],
        secure=False,
    )
    stored = [found.object_name or "" for found in root.list_objects("mlflow", recursive=True)]
    back = download_artifacts(
        run_id=run.info.run_id,
        artifact_path="verdict.txt",
        dst_path=str(tmp_path),
        tracking_uri=uri,
    )

    assert client.get_run(run.info.run_id).data.metrics == {"drift": 0.25}
    assert Path(back).read_text() == "circled"
    assert [name.rpartition("/")[2] for name in stored] == ["verdict.txt"]
    assert io.BytesIO(root.get_object("mlflow", stored[0]).data).read() == b"circled"


def test_mlflow_answers_to_its_names_alone(stack: Stack) -> None:
    """It may be called by its name in the stack and on loopback, and by no other."""
    address = f"http://{stack.addresses['mlflow:5000']}/api/2.0/mlflow/experiments/search"
    with httpx.Client(params={"max_results": 1}, timeout=BUSY_SECONDS) as client:
        answers = {
            host: client.get(address, headers={"Host": host}).status_code
            for host in ("mlflow:5000", stack.addresses["mlflow:5000"], "evil.example")
        }

    assert list(answers.values()) == [200, 200, 403]


def test_no_server_shows_a_secret(stack: Stack) -> None:
    """Neither arguments nor logs of whatever runs hold a secret of the stack."""
    environments = [
        service["environment"] for service in stack.services.values() if "environment" in service
    ]
    secrets = {
        value
        for environment in environments
        for name, value in environment.items()
        if name.endswith(("PASSWORD", "SECRET_KEY", "SECRET_ACCESS_KEY"))
    }
    assert len(secrets) >= 6
    for name, process in stack.running.items():
        argv = Path(f"/proc/{process.pid}/cmdline").read_text()
        log = stack.folder / f"{name}.log"
        said = log.read_text(errors="replace") if log.exists() else ""
        assert not [secret for secret in secrets if secret in argv or secret in said], name
