"""
What does a worker run for a flow run? A shift: this module, once, in a process of its own.

    order of the flow run ── episode locked, waiting if need be ── studio up ── Prefect's engine

The same as `onestory produce` does around its flow: one producer works on an episode, and
whichever service of an embedded studio dies meanwhile is started again. While somebody else
works on the episode, the run stays pending and says so; its heart beats from the first moment,
not only once Prefect's engine runs, so that the reaper knows it from one whose worker died. A
season whose episodes other workers film holds none of them.
"""

import os
import runpy
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from deployments.draining import why_drained
from deployments.locks import only_producer
from deployments.producing import check_script, mended
from deployments.season import filmed_here
from deployments.studio.embedded import studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.errors import EpisodeBusyError, OrderError, ScriptError
from onestory.production.order import EpisodeOrder
from onestory.production.season import SeasonOrder

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

ASK_AGAIN_SECONDS = 1.0
BEAT_SECONDS = 20.0
PUT_BACK_SECONDS = 30.0
"""Longer than a worker takes runs ahead of their time, so that others come first."""


def main() -> None:
    """Run the flow run that the worker was given."""
    flow_run = UUID(os.environ["PREFECT__FLOW_RUN_ID"])
    if _is_put_back(flow_run, os.environ.get("PREFECT__WORKER_NAME", "")):
        return
    settings = read_settings()
    os.chdir(folder_of(settings))
    try:
        episodes = _episodes_of(flow_run)
    except (ScriptError, OrderError) as error:
        from prefect.states import Failed

        # A worker that left it at that would have crashed, and others would try the same again.
        _say(flow_run, Failed(message=str(error)))
        return
    with ExitStack() as before, ExitStack() as work:
        before.enter_context(_beating(flow_run))
        work.enter_context(_turn(settings.home, flow_run, episodes))
        addresses = work.enter_context(studio(settings))
        os.environ.update(addresses.as_environment())
        before.close()
        with mended(settings):
            runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)


def _is_put_back(flow_run: UUID, worker: str) -> bool:
    """Whether this worker is drained: then the run is left to others."""
    # Prefect reads its settings at import.
    from prefect.client.orchestration import get_client
    from prefect.states import AwaitingRetry

    with get_client(sync_client=True) as client:
        why = why_drained(client, worker)
    if why is None:
        return False
    later = datetime.now(UTC) + timedelta(seconds=PUT_BACK_SECONDS)
    words = f"Left to other workers: {worker} is drained, since {why}."
    _say(flow_run, AwaitingRetry(scheduled_time=later, message=words))
    return True


def folder_of(settings: StudioSettings) -> Path:
    """The folder that scripts and deliveries are named from: the one that holds the studio."""
    return settings.home.parent


def _episodes_of(flow_run: UUID) -> tuple[str, ...]:
    # Prefect reads its settings at import.
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        order: dict[str, Any] = client.read_flow_run(flow_run).parameters["order"]
    if "season" in order:
        return filmed_here(SeasonOrder(**order))
    return (check_script(EpisodeOrder(**order)) if "script" in order else str(order["episode"]),)


@contextmanager
def _turn(home: Path, flow_run: UUID, episodes: Sequence[str]) -> Iterator[None]:
    """Wait until nobody else works on a flow run's episodes, and hold them."""
    has_said = False
    with ExitStack() as work:
        for episode in episodes:
            while True:
                try:
                    work.enter_context(only_producer(home, episode))
                    break
                except EpisodeBusyError as busy:
                    if not has_said:
                        from prefect.states import Pending

                        # Pending it is already; only the message is new.
                        _say(flow_run, Pending(message=f"Waits: {busy.message}"))
                        has_said = True
                    time.sleep(ASK_AGAIN_SECONDS)
        yield


@contextmanager
def _beating(flow_run: UUID) -> Iterator[None]:
    """Give the signs of life that Prefect's engine gives as soon as it runs."""
    from prefect.events import emit_event

    resource = {"prefect.resource.id": f"prefect.flow-run.{flow_run}"}
    is_over = threading.Event()

    def beat() -> None:
        emit_event("prefect.flow-run.heartbeat", resource)
        while not is_over.wait(BEAT_SECONDS):
            emit_event("prefect.flow-run.heartbeat", resource)

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield
    finally:
        is_over.set()
        beating.join()


def _say(flow_run: UUID, state: "State[None]") -> None:
    """Show on the dashboard what a run waits for, or why it was refused."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run, state, force=True)


if __name__ == "__main__":
    main()
