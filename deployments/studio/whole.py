"""
Which services make a whole studio on one machine: what `infra/compose` runs in containers?

    postgres ─┬─ prefect ─┬─ prefect-services    schedules, late runs, automations
    redis ────┘           ├─ reaper              misses runs whose worker died
                          ├─ desk                seasons and reminders: orders without an engine
              ┌───────────┴─ worker-1 … N        a film at a time each
    gateway ──┴─ engine, engine-2 … M            workers share them in turn
    postgres, gateway ── mlflow

Everything listens on loopback, and Prefect, Redis and Postgres ask for a secret.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deployments.studio import services
from deployments.studio.addresses import QUIET, Addresses
from deployments.studio.credentials import Credentials, write_private
from deployments.studio.health import HealthCheck
from deployments.studio.services import PREFECT_SETTINGS, PYTHON, Service
from deployments.studio.state import Topology
from onestory.errors import StudioError

OWNER = "onestory"
"""The role that owns the databases."""
DATABASES = ("prefect", "mlflow")
ARTIFACTS = "mlflow"
"""Bucket of MLflow's artifacts."""
DESK = "desk"
"""Queue of orders that need no engine, and the worker that takes them."""
FILM_QUEUES = ("rush", "default", "nightly", "preview")
PACKAGES = "postgresql redis-server"
"""Of Debian."""


def service_names(topology: Topology) -> tuple[str, ...]:
    """Services of a whole studio, those that others need first."""
    engines = tuple(engine_name(number) for number in range(1, topology.engines + 1))
    workers = tuple(worker_name(number) for number in range(1, topology.workers + 1))
    foundations = ("postgres", "redis", "gateway", "prefect", "prefect-services", "mlflow")
    return (*foundations, *engines, "reaper", DESK, *workers)


def engine_name(number: int) -> str:
    """Of an engine server, from 1; the first is called as an embedded studio's only one."""
    return "engine" if number == 1 else f"engine-{number}"


def worker_name(number: int) -> str:
    """Of a worker, from 1."""
    return f"worker-{number}"


def is_worker(name: str) -> bool:
    """Whether a service takes orders of the work pool."""
    return name == DESK or name.startswith("worker-")


def engine_of(worker: int, topology: Topology) -> int:
    """Which engine a worker films with: they are dealt out in turn, both counted from 1."""
    return (worker - 1) % topology.engines + 1


def postgres(home: Path, port: int) -> Service:
    """Debian's Postgres over `<home>/postgres`."""
    options = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        # Every worker, engine and server holds a pool of connections.
        "max_connections": "200",
        "logging_collector": "off",
    }
    argv = [debian_program("postgres"), "-D", str(home / "postgres"), "-p", str(port)]
    argv += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        argv=(*_as_nobody_special(), *argv),
        environment={},
        log=home / "logs" / "postgres.log",
        health=HealthCheck(port=port),
        start_seconds=120.0,
    )


def lay_out_postgres(home: Path, keys: Credentials) -> None:
    """
    Make the cluster and its databases, once: it is either whole or not there.

    Raises:
        StudioError: If Postgres cannot make it.
    """
    folder = home / "postgres"
    if folder.exists():
        return
    draft = home / "postgres.draft"
    shutil.rmtree(draft, ignore_errors=True)
    secret = home / "postgres.secret"
    write_private(secret, keys.database_password.get_secret_value())
    try:
        # Not synced here: a machine that dies meanwhile leaves a draft, which is made anew.
        making = ["-D", str(draft), "-U", OWNER, "--pwfile", str(secret), "--auth=scram-sha-256"]
        initdb = [*_as_nobody_special(), debian_program("initdb"), *making]
        _run([*initdb, "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"])
        statements = "".join(f"CREATE DATABASE {name};\n" for name in DATABASES)
        single = [*_as_nobody_special(), debian_program("postgres"), "--single"]
        _run([*single, "-D", str(draft), "postgres"], said=statements)
    finally:
        secret.unlink(missing_ok=True)
    os.sync()
    draft.rename(folder)


def redis(home: Path, port: int, keys: Credentials) -> Service:
    """Debian's Redis, in memory: what passes through it is in Postgres, too."""
    config = home / "redis" / "redis.conf"
    return Service(
        name="redis",
        argv=(debian_program("redis-server"), str(config)),
        # The configuration holds the secret; so a new one is noticed.
        environment={"ONESTORY_REDIS": redis_url(port, keys)},
        log=home / "logs" / "redis.log",
        health=HealthCheck(port=port),
        start_seconds=120.0,
    )


def configure_redis(home: Path, port: int, keys: Credentials) -> None:
    """Write what Redis reads; its secret is in no argument."""
    folder = home / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "requirepass": keys.redis_password.get_secret_value(),
        "save": '""',
        "appendonly": "no",
    }
    content = "".join(f"{name} {value}\n" for name, value in lines.items())
    write_private(folder / "redis.conf", content)


def prefect(home: Path, port: int, environment: Mapping[str, str], *, apis: int) -> Service:
    """Prefect's API and dashboard in so many processes, without what runs in the background."""
    served = services.prefect(home, port)
    many = ("--workers", str(apis))
    # Each of them would write the first rows of types of blocks, and all but one die of it. Whoever
    # saves a block writes down its type, too.
    alone = {
        "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    }
    return replace(
        served,
        argv=(*served.argv, "--no-services", *(many if apis > 1 else ())),
        environment={**served.environment, **environment, **(alone if apis > 1 else {})},
        needs=("postgres", "redis"),
    )


def lay_out_prefect(environment: Mapping[str, str]) -> None:
    """
    Bring the tables of Prefect up to date, which several processes would do all at once.

    Raises:
        StudioError: If that cannot be done.
    """
    argv = [*PYTHON, "prefect", "server", "database", "upgrade", "--yes"]
    _run(argv, environment=environment)


def prefect_services(home: Path, environment: Mapping[str, str]) -> Service:
    """Prefect's scheduler, automations and the rest, apart from its API."""
    return Service(
        name="prefect-services",
        argv=(*PYTHON, "prefect", "server", "services", "start"),
        environment={
            **QUIET,
            **PREFECT_SETTINGS,
            "PREFECT_HOME": str(home / "prefect-services"),
            **environment,
        },
        log=home / "logs" / "prefect-services.log",
        health=HealthCheck(),
        start_seconds=60.0,
        # Which lays the tables out.
        needs=("prefect",),
    )


def prefect_environment(
    dashboard: str, postgres_port: int, redis_port: int, keys: Credentials
) -> Mapping[str, str]:
    """What Prefect's two servers are told: one database, one Redis, and whom they answer."""
    url = redis_url(redis_port, keys)
    database = database_url("prefect", postgres_port, keys, driver="postgresql+asyncpg")
    return {
        # What automations send holds links to it.
        "PREFECT_UI_URL": dashboard,
        "PREFECT_API_DATABASE_CONNECTION_URL": database,
        "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
        "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
        "PREFECT_REDIS_MESSAGING_URL": url,
        "PREFECT_SERVER_DOCKET_URL": url,
        "PREFECT_SERVER_API_AUTH_STRING": keys.prefect_auth.get_secret_value(),
    }


def mlflow(home: Path, port: int, postgres_port: int, minio: str, keys: Credentials) -> Service:
    """MLflow's server: tables in Postgres, artifacts in MinIO, which it alone reaches."""
    where = ["--artifacts-destination", f"s3://{ARTIFACTS}/"]
    where += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return Service(
        name="mlflow",
        argv=(*PYTHON, "mlflow", "server", *where),
        environment={
            **QUIET,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_BACKEND_STORE_URI": database_url("mlflow", postgres_port, keys),
            "MLFLOW_S3_ENDPOINT_URL": f"http://{minio}",
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key.get_secret_value(),
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        log=home / "logs" / "mlflow.log",
        health=HealthCheck(path="/health", port=port),
        start_seconds=180.0,
        needs=("postgres", "gateway"),
    )


def worker(addresses: Addresses, name: str, port: int, queues: Sequence[str]) -> Service:
    """A worker of a whole studio; whoever films does one thing at a time."""
    hired = services.worker(addresses, port)
    options = [word for queue in queues for word in ("--work-queue", queue)]
    if name != DESK:
        options += ["--limit", "1"]
    return replace(
        hired,
        name=name,
        argv=(*hired.argv, "--name", name, *options),
        log=addresses.home / "logs" / f"{name}.log",
        needs=("prefect", "prefect-services"),
    )


def redis_url(port: int, keys: Credentials) -> str:
    """Address of Redis, secret included."""
    return f"redis://:{keys.redis_password.get_secret_value()}@127.0.0.1:{port}/0"


def database_url(
    name: str, port: int, keys: Credentials, *, driver: str = "postgresql+psycopg2"
) -> str:
    """Address of a database, secret included."""
    password = keys.database_password.get_secret_value()
    return f"{driver}://{OWNER}:{password}@127.0.0.1:{port}/{name}"


def debian_program(name: str) -> str:
    """
    Path of a program that Debian brings.

    Raises:
        StudioError: If it is not installed.
    """
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = sorted(versions, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))])
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        raise StudioError(
            f"a whole studio needs {name}, and there is none",
            hint=f"apt-get install {PACKAGES}",
        )
    return found


def _as_nobody_special() -> tuple[str, ...]:
    """Postgres refuses root: it is shown another user, for whom root's files are his own."""
    if os.geteuid():
        return ()
    unshare = shutil.which("unshare")
    if unshare is None:
        raise StudioError("root cannot start Postgres without unshare", hint="use another user")
    return (unshare, "--user", "--map-user=1000", "--map-group=1000")


def _run(argv: Sequence[str], said: str = "", environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        argv, input=said, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise StudioError(
            "the database cannot be laid out: " + (lines[-1] if lines else "it said nothing"),
            hint="is the disk full? Postgres refuses root where users cannot be mapped",
        )
