"""
Who starts, mends and stops the services? A caretaker, while it holds the studio's lock.

    prefect ─────────────────────────────┐
    gateway ── healthy ── engine ────────┴─ all healthy       a whole studio has more: `whole`

Nobody watches the services all the time. Whoever uses the studio mends it first, and again
when a connection fails; the lock makes the second of two menders find the work done.
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from deployments.studio import services, whole
from deployments.studio.addresses import Addresses
from deployments.studio.credentials import Credentials, keep_credentials
from deployments.studio.processes import age_seconds, end, is_alive, launch, marked
from deployments.studio.services import Service
from deployments.studio.settings import StudioSettings
from deployments.studio.state import (
    ServiceRecord,
    StudioState,
    Topology,
    free_port,
    living_users,
    read_state,
    write_state,
)
from onestory.errors import StudioError

PATIENCE_SECONDS = 30.0
"""How long a living service may stay silent, busy perhaps, before it is replaced."""
_MAX_SOCKET_BYTES = 100
"""The kernel's limit for a unix socket's path is about 107 bytes; some are left for suffixes."""
_FOUNDATIONS = ("gateway", "postgres", "redis")
"""What others need to end well."""
_MAX_ATTEMPTS = 2
_POLL_SECONDS = 0.05


class Caretaker:
    """Mends the services of one home. Use it under `state.locked` only."""

    def __init__(self, settings: StudioSettings) -> None:
        self.settings = settings
        self.home = settings.home
        self.state: StudioState = read_state(settings.home)
        self._launched: dict[str, int] = {}

    @property
    def topology(self) -> Topology | None:
        """Of a whole studio that runs here; None if it is small, or somewhere else."""
        return self.state.topology if self.settings.is_embedded else None

    def names(self) -> tuple[str, ...]:
        """Services this machine runs, in the order in which they are best started."""
        if self.topology is not None:
            return whole.service_names(self.topology)
        is_ours = self.settings.engine_socket in (None, self.state.engine_socket)
        own_engine = ("engine",) if is_ours else ()
        # A worker is started on demand, and from then on as needed as the others.
        worker = ("worker",) if "worker" in self.state.services else ()
        embedded = ("prefect", "gateway") if self.settings.is_embedded else ()
        return (*embedded, *own_engine, *worker)

    def credentials(self) -> Credentials:
        """Keys of MinIO, the configured or the embedded one."""
        settings = self.settings
        if settings.is_embedded or not settings.minio_access_key or not settings.minio_secret_key:
            return keep_credentials(self.home)
        return Credentials(settings.minio_access_key, settings.minio_secret_key)

    def minio_endpoint(self) -> str:
        """Host and port of MinIO."""
        if self.settings.is_embedded or not self.settings.minio_endpoint:
            return f"127.0.0.1:{self.port('gateway')}"
        return self.settings.minio_endpoint

    def addresses(self) -> Addresses:
        """
        Where everything answers, or will once it is started.

        Raises:
            StudioError: If the engine is somebody else's, and nobody says where it listens.
        """
        settings = self.settings
        keys = self.credentials()
        socket = self._socket_to_use()
        auth: SecretStr | None = settings.prefect_auth
        if settings.is_embedded:
            dashboard = f"http://127.0.0.1:{self.port('prefect')}"
            api = f"{dashboard}/api"
            tracking, artifacts = self.tracking()
            auth = keys.prefect_auth if self.topology else None
        else:
            api, tracking = str(settings.prefect_api_url), str(settings.mlflow_tracking_uri)
            dashboard, artifacts = api.removesuffix("/").removesuffix("/api"), None
        return Addresses(
            home=self.home,
            is_embedded=settings.is_embedded,
            prefect_api_url=api,
            prefect_ui_url=dashboard,
            prefect_auth=auth,
            minio_endpoint=self.minio_endpoint(),
            minio_access_key=keys.access_key,
            minio_secret_key=keys.secret_key,
            minio_secure=settings.minio_secure and not settings.is_embedded,
            bucket=settings.bucket,
            mlflow_tracking_uri=tracking,
            mlflow_artifacts=artifacts,
            engine_socket=socket,
            engine=settings.engine,
            engine_options=settings.engine_options,
            bigger_pool=settings.bigger_pool,
            model=settings.model_address,
        )

    def tracking(self) -> tuple[str, str | None]:
        """Address of MLflow here, and where it keeps artifacts if that is ours to say."""
        (self.home / "mlflow").mkdir(parents=True, exist_ok=True)
        if self.topology is not None:
            return f"http://127.0.0.1:{self.port('mlflow')}", None
        return services.mlflow_uri(self.home), services.mlflow_artifacts(self.home)

    def become(self, topology: Topology) -> None:
        """Be a whole studio from now on; whatever serves in another one is stopped first."""
        if self.state.topology != topology:
            self.stop()
            self._remember(topology=topology)

    def mend(self, names: Sequence[str]) -> None:
        """
        Start what is not running, replace what is broken, and wait until all are healthy.

        Raises:
            StudioError: If a service does not become healthy, or is in use with other options.
        """
        for name in names:
            service = self._describe(name)
            for needed in service.needs:
                self._await_health(self._describe(needed))
            # Described again: its address may have changed while it was waited for.
            service = self._describe(name)
            if not self._may_stay(service):
                self._launch(service)
        for name in names:
            self._await_health(self._describe(name))
        if "gateway" in self._launched or (self.topology and "mlflow" in self._launched):
            self._open_buckets()

    def stop(self) -> None:
        """End every recorded service, those that need others first, and forget them."""
        records = dict(self.state.services)
        foundations = {name: records.pop(name) for name in _FOUNDATIONS if name in records}
        for wave in (records, foundations):
            end(record.identity for record in wave.values())
        socket = self.state.engine_socket
        if socket is not None:
            for file in socket.parent.glob("engine*.sock"):
                file.unlink(missing_ok=True)
            if socket.parent != self.home:
                shutil.rmtree(socket.parent, ignore_errors=True)
        self._remember(services={}, is_kept=False, topology=None)

    def keep(self) -> None:
        """Let the services stay when the last user leaves."""
        self._remember(is_kept=True)

    def _remember(self, **changes: object) -> None:
        self.state = self.state.model_copy(update=changes)
        write_state(self.home, self.state)

    # Where each service answers and what it is.

    def _describe(self, name: str) -> Service:
        home, keys = self.home, self.credentials()
        if name.partition("-")[0] == "engine":
            return self._describe_engine(name)
        port = self.port(name)
        if name == "gateway":
            return services.gateway(home, port, keys)
        if self.topology is not None:
            return self._describe_in_whole(name, port, keys, self.topology)
        if name == "worker":
            return services.worker(self.addresses(), port)
        make = services.prefect if name == "prefect" else services.mlflow
        return make(home, port)

    def _describe_in_whole(
        self, name: str, port: int, keys: Credentials, topology: Topology
    ) -> Service:
        home = self.home
        if name == "postgres":
            return whole.postgres(home, port)
        if name == "redis":
            return whole.redis(home, port, keys)
        if name == "mlflow":
            return whole.mlflow(home, port, self.port("postgres"), self.minio_endpoint(), keys)
        if name in ("prefect", "prefect-services"):
            dashboard = f"http://127.0.0.1:{self.port('prefect')}"
            ports = self.port("postgres"), self.port("redis")
            told = whole.prefect_environment(dashboard, *ports, keys)
            if name == "prefect":
                return whole.prefect(home, port, told, apis=topology.apis)
            return whole.prefect_services(home, told)
        number = int(name.rpartition("-")[2]) if name.startswith("worker-") else 1
        engine = whole.engine_name(whole.engine_of(number, topology))
        # Not that of whoever asks: a service is the same for every one of them.
        addresses = replace(self.addresses(), engine_socket=self.engine_socket(engine))
        if name == "reaper":
            return services.reaper(addresses, port)
        queues = (whole.DESK,) if name == whole.DESK else whole.FILM_QUEUES
        return whole.worker(addresses, name, port, queues)

    def _describe_engine(self, name: str) -> Service:
        keys = self.credentials()
        minio = {
            "ONESTORY_MINIO_ENDPOINT": self.minio_endpoint(),
            "ONESTORY_MINIO_ACCESS_KEY": keys.access_key,
            "ONESTORY_MINIO_SECRET_KEY": keys.secret_key.get_secret_value(),
            "ONESTORY_MINIO_SECURE": str(
                self.settings.minio_secure and not self.settings.is_embedded
            ).lower(),
        }
        needs = ("gateway",) if self.settings.is_embedded else ()
        service = services.engine(self.settings, self.engine_socket(name), minio, needs)
        return replace(service, name=name, log=self.home / "logs" / f"{name}.log")

    def port(self, name: str) -> int:
        """The loopback port of a service, chosen when first asked for and then kept."""
        if name not in self.state.ports:
            self._remember(ports={**self.state.ports, name: free_port(None)})
        return self.state.ports[name]

    def engine_socket(self, name: str = "engine") -> Path:
        """The socket of an engine server of ours, short enough for the kernel."""
        socket = self.state.engine_socket
        if socket is None or not _is_private(socket.parent):
            socket = self.home / "engine.sock"
            if len(os.fsencode(socket)) > _MAX_SOCKET_BYTES:
                socket = Path(tempfile.mkdtemp(prefix="onestory-")) / "engine.sock"
            self._remember(engine_socket=socket)
        return socket.with_stem(name)

    def _socket_to_use(self) -> Path:
        """
        Which engine server we speak to: the one we are told, else our own first.

        Raises:
            StudioError: If it is somebody else's, and nobody says where it listens.
        """
        told = self.settings.engine_socket
        if "engine" not in self.names():
            if told is None:
                raise StudioError("no engine socket is known", hint="set ONESTORY_ENGINE_SOCKET")
            return told
        engines = [name for name in self.names() if name.partition("-")[0] == "engine"]
        ours = {self.engine_socket(name) for name in engines}
        return told if told in ours and told is not None else self.engine_socket()

    # Whether it runs, and how it is started.

    def _is_alive(self, name: str) -> bool:
        record = self.state.services.get(name)
        return record is not None and is_alive(record.identity)

    def _may_stay(self, service: Service) -> bool:
        if not self._is_alive(service.name):
            return False
        record = self.state.services[service.name]
        if record.digest == service.digest:
            return True
        others = [user for user in living_users(self.home) if user.pid != os.getpid()]
        if others and record.options_digest != service.options_digest:
            raise StudioError(
                f"the {service.name} runs with other options for {len(others)} other producers",
                hint="wait for them, use the same options, or give this one its own --home",
            )
        return False

    def _launch(self, service: Service) -> None:
        name = service.name
        mark = f"{self.home}#{name}"
        records = dict(self.state.services)
        record = records.pop(name, None)
        # Also those whose record was lost when their starter was killed in between.
        end([*([record.identity] if record else []), *marked(mark)])
        self._prepare(service, mark)
        service = self._move_if_taken(service)
        identity = launch(service.argv, service.full_environment(mark), service.log)
        self._launched[name] = self._launched.get(name, 0) + 1
        if identity is not None:
            records[name] = ServiceRecord(
                pid=identity.pid,
                born=identity.born,
                log=service.log,
                health=service.health,
                digest=service.digest,
                options_digest=service.options_digest,
            )
        self._remember(services=records)

    def _move_if_taken(self, service: Service) -> Service:
        name = service.name
        if name not in self.state.ports:
            return service
        port = free_port(self.state.ports[name])
        if port == self.state.ports[name]:
            return service
        self._remember(ports={**self.state.ports, name: port})
        return self._describe(name)

    def _prepare(self, service: Service, mark: str) -> None:
        name = service.name
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        if name.partition("-")[0] == "engine":
            self.engine_socket(name).unlink(missing_ok=True)
        elif name == "gateway":
            self._format_volume()
        elif name == "postgres":
            whole.lay_out_postgres(self.home, self.credentials())
        elif name == "redis":
            whole.configure_redis(self.home, self.port(name), self.credentials())
        else:
            (self.home / name).mkdir(exist_ok=True)
        if name == "prefect" and self.topology is not None and self.topology.apis > 1:
            whole.lay_out_prefect(service.full_environment(mark))

    def _format_volume(self) -> None:
        (self.home / "minio").mkdir(exist_ok=True)
        argv = services.format_argv(self.home)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise StudioError(
                f"the MinIO volume under {self.home}/minio cannot be laid out: "
                + (lines[-1] if lines else f"exit status {done.returncode}"),
                hint="is the disk full, or the folder another program's?",
            )

    def _open_buckets(self) -> None:
        # A leaf import: most calls find the gateway running and need no client.
        from minio import Minio

        keys = self.credentials()
        client = Minio(
            self.minio_endpoint(),
            keys.access_key,
            keys.secret_key.get_secret_value(),
            secure=False,
        )
        for bucket in (self.settings.bucket, *([whole.ARTIFACTS] if self.topology else [])):
            if not client.bucket_exists(bucket):
                client.make_bucket(bucket)

    def _await_health(self, service: Service) -> None:
        """Wait for `service`, replacing it if it dies or stays silent."""
        while not self._becomes_healthy(service):
            if self._launched.get(service.name, 0) >= _MAX_ATTEMPTS:
                raise StudioError(
                    f"the {service.name} did not become healthy in {_MAX_ATTEMPTS} starts: "
                    + _last_words(service.log),
                    hint=f"read {service.log}",
                )
            self._launch(service)
            service = self._describe(service.name)

    def _becomes_healthy(self, service: Service) -> bool:
        deadline = time.monotonic() + self._seconds_left(service)
        while self._is_alive(service.name):
            if service.health.passes():
                self._note_health(service.name)
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return False

    def _seconds_left(self, service: Service) -> float:
        """How long to wait; half-started services, our own or a dead producer's, get the rest."""
        record = self.state.services.get(service.name)
        if record is None or record.was_healthy:
            return PATIENCE_SECONDS
        return service.start_seconds - age_seconds(record.identity)

    def _note_health(self, name: str) -> None:
        record = self.state.services[name]
        if not record.was_healthy:
            healthy = record.model_copy(update={"was_healthy": True})
            self._remember(services={**self.state.services, name: healthy})


def _is_private(folder: Path) -> bool:
    """Make `folder` if need be; whether it is then ours alone to write."""
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
        return found.st_uid == os.getuid() and not found.st_mode & 0o022
    return False


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    # A server's very last line is often only that it failed; the error is what says why.
    reasons = [line for line in lines[-100:] if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (reasons or lines or ["its log is empty"])[-1].strip()[:300]
