"""
Who carries out orders from the dashboard? Workers, by the deployments of `prefect.yaml`.

    studio up ── work pool ── deployments ── worker ── for each flow run: deployments.shift
"""

import asyncio
import os
import subprocess
from contextlib import suppress
from pathlib import Path

from deployments.shift import folder_of
from deployments.studio.addresses import Addresses
from deployments.studio.embedded import ensure_studio, start_worker
from deployments.studio.services import POOL, PYTHON
from deployments.studio.settings import StudioSettings
from onestory.errors import StudioError

DEPLOYMENTS = Path(__file__).with_name("prefect.yaml")


def hire(settings: StudioSettings) -> Addresses:
    """
    Start the studio for good, offer its deployments, and start a worker for them.

    Raises:
        StudioError: If a service does not become healthy, or Prefect refuses a deployment.
    """
    addresses = ensure_studio(settings, keep=True)
    os.environ.update(addresses.as_environment())
    asyncio.run(_open_pool())
    deploy(settings)
    start_worker(settings)
    return addresses


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


async def _open_pool() -> None:
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
    )
    async with get_client() as client:
        with suppress(ObjectAlreadyExists):
            await client.create_work_pool(pool)
