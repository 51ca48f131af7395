"""
What happens between `onestory produce` and the film?

    script checked ── episode locked ── studio up ── flow, watched ── outcome

The script is read before anything is started, so that bad input costs a second and leaves
nothing behind. The studio is mended while the flow runs: whichever service dies is started
again, and the tasks that missed it are retried.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.locks import only_producer
from deployments.studio.addresses import Addresses
from deployments.studio.embedded import heal, studio
from deployments.studio.settings import StudioSettings
from onestory.errors import OneStoryError, StudioError
from onestory.production.order import EpisodeOrder, RetakeOrder, with_music

if TYPE_CHECKING:
    from onestory.production.delivered import Delivery
    from tasks.report import Happening

Watcher = Callable[["Happening"], None]

logger = logging.getLogger("onestory.deployments")

MEND_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Outcome:
    """What came of an order."""

    delivery: "Delivery"
    rendered: int
    reused: int
    flow_run: str
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 delivered, 3 delivered with shots that wait for review."""
        return 3 if self.delivery.num_waiting_for_review else 0

    def as_json(self) -> dict[str, Any]:
        """The document that `produce --json` prints last."""
        made = self.delivery.model_dump(mode="json")
        return {
            "episode": made["episode"],
            "film": made["film"],
            "subtitles": made["subtitles"],
            "otio": made["otio"],
            "dailies": made["dailies"],
            "manifest": made["manifest"],
            "shots": made["shots"],
            "rendered": self.rendered,
            "reused": self.reused,
            "flow_run": self.flow_run,
            "mlflow_run": made["mlflow_run"],
            "seconds": round(self.seconds, 2),
        }


@dataclass(slots=True)
class Tally:
    """Counts what was rendered and what was found, take by take."""

    rendered: int = 0
    found: int = 0
    """Takes that lay in the vault when they were asked for."""
    untouched: set[str] = field(default_factory=set)
    """Shots that were not to be filmed when their turn came."""
    flow_run: str = ""

    @property
    def reused(self) -> int:
        """How much was there already."""
        return self.found + len(self.untouched)

    def __call__(self, happening: "Happening") -> None:
        """Watch a flow."""
        if happening.shot is not None and not happening.shot.is_to_be_filmed:
            self.untouched.add(happening.shot.slate)
        if happening.kind == "take" and happening.take:
            self.rendered += not happening.take.is_reused
            self.found += happening.take.is_reused


def check_script(order: EpisodeOrder) -> str:
    """
    Read and break down a script without touching anything.

    Returns:
        The episode's id.

    Raises:
        ScriptError: If it cannot be shot as written.
    """
    from onestory.breakdown.checks import check_dialogue, check_references
    from onestory.breakdown.rules import break_down
    from onestory.screenplay.reading import read_screenplay

    screenplay = read_screenplay(Path(order.script), episode=order.episode)
    episode = break_down(screenplay)
    check_dialogue(screenplay, episode)
    check_references(episode)
    with_music(order, episode)
    return episode.episode


def check_order(order: EpisodeOrder, settings: StudioSettings) -> str:
    """
    See whether an order can be begun, without touching anything.

    Returns:
        The episode's id.

    Raises:
        ScriptError: If the script cannot be shot as written.
        OrderError: If the language model that is ordered is not named.
        WeightsError: If it is not on this machine.
    """
    from onestory.production.writing import chat_for

    episode = check_script(order)
    chat_for(order.breakdown, settings.model_address)
    return episode


def produce(
    order: EpisodeOrder,
    settings: StudioSettings,
    *,
    watchers: tuple[Watcher, ...] = (),
    on_studio: Callable[[Addresses], None] = lambda _: None,
) -> Outcome:
    """
    Make a film in this process, with a studio that is started or shared.

    Args:
        order: What to make.
        settings: Which studio.
        watchers: Called with everything that happens, in order.
        on_studio: Called once the services are healthy.

    Raises:
        OneStoryError: Whatever stood in the way.
    """
    return _filmed(order, check_order(order, settings), settings, watchers, on_studio)


def retake(
    order: RetakeOrder,
    settings: StudioSettings,
    *,
    watchers: tuple[Watcher, ...] = (),
    on_studio: Callable[[Addresses], None] = lambda _: None,
) -> Outcome:
    """
    Film some shots of an episode again, in this process.

    Args:
        order: Which shots, and what becomes of those after them.
        settings: Which studio.
        watchers: Called with everything that happens, in order.
        on_studio: Called once the services are healthy.

    Raises:
        OneStoryError: Whatever stood in the way.
    """
    return _filmed(order, order.episode, settings, watchers, on_studio)


def check_retake(order: RetakeOrder, addresses: Addresses) -> None:
    """
    See whether a retake can be entered, without entering it.

    Raises:
        OrderError: If there is no such episode or shot, or the order contradicts itself.
        CaptionError: If the caption speaks of nobody known.
    """
    from onestory.engine_server.client import EngineClient
    from onestory.production.retake import enter
    from onestory.production.unit import Unit
    from onestory.vault.store import Vault

    unit = Unit(Vault(addresses.vault_address()), EngineClient(addresses.engine_socket), None)
    asyncio.run(enter(unit, order, run="", in_pencil=True))


def _filmed(
    order: EpisodeOrder | RetakeOrder,
    episode: str,
    settings: StudioSettings,
    watchers: tuple[Watcher, ...],
    on_studio: Callable[[Addresses], None],
) -> Outcome:
    started = time.perf_counter()
    with only_producer(settings.home, episode), studio(settings) as addresses:
        if isinstance(order, RetakeOrder):
            check_retake(order, addresses)
        on_studio(addresses)
        os.environ.update(addresses.as_environment())
        with mended(settings):
            warm = partial(_warm_tracking, addresses.mlflow_tracking_uri)
            delivery, tally, flow_run = _run_flow(order, (warm, *watchers))
    return Outcome(
        delivery=delivery,
        rendered=tally.rendered,
        reused=tally.reused,
        flow_run=flow_run,
        seconds=time.perf_counter() - started,
    )


def _warm_tracking(tracking_uri: str, happening: "Happening") -> None:
    """Import MLflow (seconds) while the first shot is rendered, not after the last one."""
    if happening.plan is None or not happening.plan.num_to_shoot:
        return
    from onestory.tracking.mlflow_log import warm_up

    def warm() -> None:
        with suppress(OneStoryError):  # whoever logs to it will say what is wrong with it
            warm_up(tracking_uri)

    threading.Thread(target=warm, name="warm-tracking", daemon=True).start()


def _run_flow(
    order: EpisodeOrder | RetakeOrder, watchers: tuple[Watcher, ...]
) -> "tuple[Delivery, Tally, str]":
    # Prefect reads its settings at import, so it is imported once the studio is known.
    from prefect.client.schemas.objects import State

    from flows.episode import produce_episode
    from flows.retake import retake_shots
    from tasks import report

    tally = Tally()
    report.watchers[:] = [tally, *watchers]

    async def filmed() -> "Delivery":
        if isinstance(order, RetakeOrder):
            state = await retake_shots(order, return_state=True)
        else:
            state = await produce_episode(order, return_state=True)
        tally.flow_run = str(state.state_details.flow_run_id or "")
        result = await state.aresult()
        assert not isinstance(result, State), "only a run of a deployment moves"
        return result

    try:
        return asyncio.run(filmed()), tally, tally.flow_run
    finally:
        report.watchers.clear()


@contextmanager
def mended(settings: StudioSettings) -> Iterator[None]:
    """Keep the services alive as long as the flow runs."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(MEND_EVERY_SECONDS):
            try:
                heal(settings)
            except StudioError as error:
                logger.warning("studio.not_mended cause=%s", error)

    watching = threading.Thread(target=watch, name="studio-watch", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join(timeout=60)
