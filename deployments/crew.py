"""
Who carries out orders from the dashboard? Workers, by the deployments of `prefect.yaml`.

    studio up ── work pool ── deployments ── worker ── for each flow run: deployments.shift
                 desk ▸ rush ▸ default ▸ nightly ▸ preview

An embedded studio has one worker for all queues. A whole one has a worker at the desk, for seasons
and reminders, and others that film, each one thing at a time.
"""

import asyncio
import os
import subprocess
from contextlib import suppress
from pathlib import Path

from deployments.shift import folder_of
from deployments.studio.addresses import Addresses
from deployments.studio.embedded import ensure_studio, start_worker, studio
from deployments.studio.services import POOL, PYTHON
from deployments.studio.settings import StudioSettings
from deployments.studio.state import Topology
from deployments.studio.whole import DESK, FILM_QUEUES, is_worker, service_names
from onestory.errors import StudioError

DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")

AT_ONCE = 3
"""Flow runs that an embedded studio carries out at once: a season and two films, which share one
engine and SQLite. More only wait for each other, and then queues have no say."""
QUEUES = (DESK, *FILM_QUEUES)
"""Of the work pool, the first of which is emptied first. `default` is for what persons order one
by one."""


def hire(settings: StudioSettings, topology: Topology | None = None) -> Addresses:
    """
    Start the studio for good, offer its deployments, and start workers for them.

    Args:
        settings: Which studio.
        topology: Of a whole studio; None for the embedded one with a single worker.

    Raises:
        StudioError: If a service does not become healthy, or Prefect refuses a deployment.
    """
    # Workers last: they ask for a pool that is there.
    names = service_names(topology) if topology else ()
    servers = tuple(name for name in names if not is_worker(name)) or None
    addresses = ensure_studio(settings, keep=True, only=servers, topology=topology)
    os.environ.update(addresses.as_environment())
    is_small = settings.is_embedded and topology is None
    offer(settings, at_once=AT_ONCE if is_small else None)
    have_told(settings)
    if topology is None:
        start_worker(settings)
    else:
        ensure_studio(settings)
    return addresses


def keep_up(settings: StudioSettings) -> Addresses:
    """
    Start the studio for good, with its automations and without any worker.

    Raises:
        StudioError: If a service does not become healthy, or Prefect refuses an automation.
    """
    addresses = ensure_studio(settings, keep=True)
    os.environ.update(addresses.as_environment())
    have_told(settings)
    return addresses


def have_told(settings: StudioSettings) -> None:
    """
    Have the Prefect server that the environment names tell whom the settings name.

    Where the server is somebody else's, whoever has no address leaves the automations of others
    alone: `onestory studio automate` deletes them.

    Raises:
        StudioError: If Prefect refuses an automation.
    """
    if settings.is_embedded or settings.notify_url or settings.webhook_url:
        # Prefect reads its settings at import.
        from deployments import automations

        automations.automate(settings)


def automate(settings: StudioSettings) -> str:
    """
    Have a studio's Prefect server tell whom the settings name, and nobody else.

    Returns:
        What is told from now on, for a person to read.

    Raises:
        StudioError: If Prefect does not answer, or refuses an automation.
    """
    with studio(settings, only=("prefect",)) as addresses:
        os.environ.update(addresses.as_environment())
        # Prefect reads its settings at import.
        from deployments import automations

        told = automations.automate(settings)
    return "\n".join(told) or (
        "nobody is told of anything: ONESTORY_NOTIFY_URL and ONESTORY_WEBHOOK_URL are not set"
    )


def offer(settings: StudioSettings, *, at_once: int | None) -> None:
    """
    Open the work pool if there is none, and offer the deployments to it.

    Args:
        settings: Which studio; its Prefect server is the one that the environment names.
        at_once: Flow runs that a new pool carries out at once; None for as many as workers do.

    Raises:
        StudioError: If Prefect refuses a deployment.
    """
    asyncio.run(_open_pool(at_once))
    deploy(settings)


def deploy(settings: StudioSettings) -> None:
    """
    Offer the deployments on the Prefect server that the environment names.

    Raises:
        StudioError: If it refuses.
    """
    done = subprocess.run(
        [*PYTHON, "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(DEPLOYMENTS)],
        cwd=folder_of(settings),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise StudioError(
            f"the deployments of {DEPLOYMENTS.name} were refused: {lines[-1] if lines else ''}",
            hint="does the Prefect server answer?",
        )


async def _open_pool(at_once: int | None) -> None:
    """Make the work pool if there is none; one that is there may be set by a person."""
    # Prefect reads its settings at import.
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    pool = WorkPoolCreate(
        name=POOL,
        type=ProcessWorker.type,
        base_job_template=ProcessWorker.get_default_base_job_template(),
        description="Films episodes on this studio's machines.",
        concurrency_limit=at_once,
    )
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(pool)
        for priority, name in enumerate(QUEUES, start=1):
            with suppress(ObjectAlreadyExists):
                await client.create_work_queue(name, priority=priority, work_pool_name=POOL)
