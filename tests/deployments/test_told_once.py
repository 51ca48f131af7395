"""Of a shot that needs a person, a person is told once."""

import asyncio
from uuid import uuid4

import pytest
from prefect.events import EventTrigger
from prefect.events.clients import PrefectEventsClient
from prefect.events.schemas.events import Event
from prefect.events.worker import EventsWorker

from deployments.automations import NEEDED, NOTIFY, automations_of
from deployments.studio.settings import read_settings
from onestory.documents import Digest
from onestory.engine_server.messages import VerdictAnswer
from onestory.engines.take import NgReason
from onestory.production.call_sheet import CallSheet, TakeInHand
from onestory.production.order import EpisodeOrder
from onestory.production.review import Question
from tasks import report

SHOT = "sc01-sh002"
ADDRESS = Digest("sha256:" + "0" * 64)


class Kept:
    """Where Prefect puts what it is to send, in place of a connection to a server."""

    client_type = PrefectEventsClient

    def __init__(self) -> None:
        self.events: list[Event] = []

    def send(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)


@pytest.fixture(name="kept")
def _kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept = Kept()
    monkeypatch.setattr(EventsWorker, "instance", lambda *_: kept)
    # A question's page is the server's, and there is none.
    monkeypatch.setattr(report, "_show_question", lambda _: asyncio.sleep(0))
    return kept


def told(kept: Kept) -> list[str]:
    """Events of which a chat server is told."""
    found = automations_of(read_settings(), {NOTIFY: uuid4()})
    (trigger,) = [one.trigger for one in found if one.name == NEEDED]
    assert isinstance(trigger, EventTrigger)
    return [
        event.event
        for event in kept.events
        if event.event in trigger.expect and trigger.match.matches(event.resource)
    ]


async def spend_retakes(order: EpisodeOrder, *, is_asked: bool) -> None:
    """Have a film say that a shot's retakes are spent, and perhaps ask about the best take."""
    sheet = CallSheet(
        order=order, episode="e", title="Film", prefix="s01e01", document=ADDRESS, slates=()
    )
    take = TakeInHand(
        shot=SHOT, slate=f"s01e01-{SHOT}-tk02", address=ADDRESS, is_reused=False, seconds=1.0
    )
    verdict = VerdictAnswer(
        take=ADDRESS, question=ADDRESS, is_passed=False, reasons=(NgReason.BLACK,), badness=1.0
    )
    await report.announce_exhausted(sheet, take, verdict, [1, 2])
    if is_asked:
        question = Question(
            key="k",
            episode="e",
            shot=SHOT,
            slate=take.slate,
            number=2,
            why="least bad of 2 takes: black",
            caption="",
            takes=(),
        )
        report.announce_question(sheet, question)


def test_whoever_is_asked_about_a_shot_is_told_once(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its retakes are spent and its best take waits: the question says both."""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", "some")

    asyncio.run(spend_retakes(EpisodeOrder(script="a", review="flagged"), is_asked=True))

    assert told(kept) == ["onestory.review.asked"]


@pytest.mark.parametrize(
    ("deployment", "order"),
    [
        ("some", EpisodeOrder(script="a")),
        ("some", EpisodeOrder(script="a", review="flagged", when_exhausted="block")),
        ("", EpisodeOrder(script="a", review="flagged")),
    ],
    ids=["nobody reviews", "the film ends there", "no run that can be suspended"],
)
def test_whoever_is_not_asked_is_told_all_the_same(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, deployment: str, order: EpisodeOrder
) -> None:
    """Where no question follows, the end of the retakes is what a person has to know."""
    if deployment:
        monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", deployment)

    asyncio.run(spend_retakes(order, is_asked=False))

    assert told(kept) == ["onestory.shot.exhausted"]
