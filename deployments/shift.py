"""
What does a worker run for a flow run? A shift: this module, once, in a process of its own.

    order of the flow run ── episode locked, waiting if need be ── studio up ── Prefect's engine

The same as `onestory produce` does around its flow: one producer works on an episode, and
whichever service of an embedded studio dies meanwhile is started again. While somebody else
works on the episode, the run stays pending.
"""

import logging
import os
import runpy
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from deployments.locks import only_producer
from deployments.producing import check_script, mended
from deployments.studio.embedded import studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.errors import EpisodeBusyError
from onestory.production.order import EpisodeOrder

logger = logging.getLogger("onestory.deployments")

ASK_AGAIN_SECONDS = 1.0


def main() -> None:
    """Run the flow run that the worker was given."""
    flow_run = UUID(os.environ["PREFECT__FLOW_RUN_ID"])
    settings = read_settings()
    os.chdir(folder_of(settings))
    with _turn(settings.home, _episode_of(flow_run)), studio(settings) as addresses:
        os.environ.update(addresses.as_environment())
        with mended(settings):
            runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def folder_of(settings: StudioSettings) -> Path:
    """The folder that scripts and deliveries are named from: the one that holds the studio."""
    return settings.home.parent


def _episode_of(flow_run: UUID) -> str:
    # Prefect reads its settings at import.
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        order: dict[str, Any] = client.read_flow_run(flow_run).parameters["order"]
    return check_script(EpisodeOrder(**order)) if "script" in order else str(order["episode"])


@contextmanager
def _turn(home: Path, episode: str) -> Iterator[None]:
    """Wait until nobody else works on an episode, and hold it."""
    with ExitStack() as work:
        while True:
            try:
                work.enter_context(only_producer(home, episode))
                break
            except EpisodeBusyError as busy:
                logger.info("shift.waits episode=%s cause=%s", episode, busy)
                time.sleep(ASK_AGAIN_SECONDS)
        yield


if __name__ == "__main__":
    main()
