"""
How does a producer get a studio?

    with studio(settings) as addresses:
        ...                                 # services are healthy and shared

The first producer starts the services, later ones share them, the last living one to leave
stops them, unless `onestory studio up` asked to keep them. A configured studio is only
pointed at; of its services this machine runs the engine alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from deployments.studio import services
from deployments.studio.addresses import Addresses
from deployments.studio.caretaker import Caretaker
from deployments.studio.processes import is_alive
from deployments.studio.settings import StudioSettings
from deployments.studio.state import (
    ServiceRecord,
    Topology,
    enter,
    living_users,
    locked,
    read_state,
)
from onestory.documents import Frozen
from onestory.errors import StudioError
from onestory.tracking.mlflow_log import warm_up
from onestory.tracking.store import has_store


class ServiceStatus(Frozen):
    """How one service of this machine is doing."""

    name: str
    state: Literal["healthy", "silent", "dead", "stopped"]
    """Silent: alive without an answer. Dead: recorded, but its process is gone."""
    pid: int | None
    address: str | None
    log: Path | None


class StudioStatus(Frozen):
    """How the studio under one home is doing."""

    home: Path
    is_embedded: bool
    is_kept: bool
    num_users: int
    services: tuple[ServiceStatus, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether every service that should run answers."""
        return all(
            service.state == "healthy" for service in self.services if service.name != "mlflow"
        )


@contextmanager
def studio(settings: StudioSettings, *, only: tuple[str, ...] | None = None) -> Iterator[Addresses]:
    """
    Use the studio: register, mend, and on leaving stop it if nobody else uses it.

    Args:
        settings: Which studio.
        only: Names of the services that are needed; None for all of them.

    Raises:
        StudioError: If a service does not become healthy.
    """
    with locked(settings.home):
        registration = enter(settings.home)
    try:
        yield ensure_studio(settings, only=only)
    finally:
        with locked(settings.home):
            registration.unlink(missing_ok=True)
            _stop_if_unused(settings)


def ensure_studio(
    settings: StudioSettings,
    *,
    keep: bool = False,
    only: tuple[str, ...] | None = None,
    topology: Topology | None = None,
) -> Addresses:
    """
    Make the studio's services run and be healthy.

    Args:
        settings: Which studio.
        keep: Whether the services stay when the last user leaves.
        only: Names of the services that are needed; None for all of them.
        topology: Be a whole studio until it is stopped; None leaves it as it is.

    Returns:
        Addresses that answer.

    Raises:
        StudioError: If a service does not become healthy.
    """
    with locked(settings.home):
        caretaker = Caretaker(settings)
        if topology is not None:
            caretaker.become(topology)
        caretaker.mend([name for name in caretaker.names() if only is None or name in only])
        if keep:
            caretaker.keep()
        return caretaker.addresses()


def heal(settings: StudioSettings) -> Addresses:
    """
    Restart whatever is dead or silent; call it when a connection to a service fails.

    Any number of processes may call it at once: one mends, the others find it done.

    Raises:
        StudioError: If a service does not become healthy.
    """
    return ensure_studio(settings)


def stop_studio(settings: StudioSettings) -> None:
    """End the services that are recorded and verified to be ours, whoever uses them."""
    with locked(settings.home):
        Caretaker(settings).stop()


def status(settings: StudioSettings) -> StudioStatus:
    """Look at the studio without changing it."""
    state = read_state(settings.home)
    names = [*Caretaker(settings).names()]
    names += [name for name in state.services if name not in names]
    return StudioStatus(
        home=settings.home,
        is_embedded=settings.is_embedded,
        is_kept=state.is_kept,
        num_users=len(living_users(settings.home)),
        services=tuple(_status_of(name, state.services.get(name)) for name in names),
    )


def tracking_of(settings: StudioSettings) -> tuple[str, str | None]:
    """Address of the studio's MLflow, and where it keeps artifacts if that is ours to say."""
    if not settings.is_embedded:
        return str(settings.mlflow_tracking_uri), None
    with locked(settings.home):
        return Caretaker(settings).tracking()


def dashboard_password(settings: StudioSettings) -> str:
    """
    User and password that the dashboard asks for, as it wants them typed.

    Raises:
        StudioError: If it asks for none.
    """
    with locked(settings.home):
        caretaker = Caretaker(settings)
        if caretaker.topology is None:
            raise StudioError(
                "this studio's dashboard asks for no password",
                hint="only that of `onestory studio up --whole` does",
            )
        return caretaker.credentials().prefect_auth.get_secret_value()


def start_mlflow_ui(settings: StudioSettings) -> str:
    """
    Start the MLflow screen and keep it until the studio stops.

    Returns:
        The address to open in a browser.

    Raises:
        StudioError: If it does not become healthy.
    """
    if not settings.is_embedded and settings.mlflow_tracking_uri:
        return settings.mlflow_tracking_uri
    with locked(settings.home):
        caretaker = Caretaker(settings)
        tracking_uri, _ = caretaker.tracking()
        if caretaker.topology is None and not has_store(tracking_uri):
            # The screen lays its tables out in place: killed at that, it would never open again.
            warm_up(tracking_uri)
        caretaker.mend(("mlflow",))
        return f"http://127.0.0.1:{caretaker.state.ports['mlflow']}"


def start_worker(settings: StudioSettings) -> None:
    """
    Start a worker and keep it until the studio stops: from now on it is mended, too.

    Raises:
        StudioError: If it does not become healthy.
    """
    with locked(settings.home):
        Caretaker(settings).mend(("worker",))


def mlflow_ui_command(settings: StudioSettings, port: int = 5000) -> list[str]:
    """The command that opens the MLflow screen without any studio."""
    return list(services.mlflow(settings.home, port).argv)


def _stop_if_unused(settings: StudioSettings) -> None:
    caretaker = Caretaker(settings)
    if not caretaker.state.is_kept and not living_users(settings.home):
        caretaker.stop()


def _status_of(name: str, record: ServiceRecord | None) -> ServiceStatus:
    if record is None:
        return ServiceStatus(name=name, state="stopped", pid=None, address=None, log=None)
    word: Literal["healthy", "silent", "dead"] = "dead"
    if is_alive(record.identity):
        word = "healthy" if record.health.passes() else "silent"
    return ServiceStatus(
        name=name, state=word, pid=record.pid, address=record.health.address, log=record.log
    )
