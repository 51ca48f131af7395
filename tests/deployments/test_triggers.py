"""Which happenings does an automation answer to, and what does it say? Prefect's own rules tell."""

import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.server.events.jinja_filters import all_filters
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.utilities.user_templates import (
    register_user_template_filters,
    render_user_template_sync,
)
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.automations import (
    DELIVERED,
    GOES_ON,
    LATE,
    NEEDED,
    NOTIFY,
    STILL,
    WEBHOOK,
    automate,
    automations_of,
)
from deployments.studio.settings import read_settings
from onestory.errors import StudioError
from tasks.report import NEEDS

RUN = UUID(int=7)
AWKWARD = 'The "Café" \\ her\nreturn'
"""A title with whatever JSON has to escape."""


def trigger_of(name: str) -> EventTrigger:
    """When a server sets off an automation of ours, as the server reads it."""
    made = {one.name: one for one in automations_of(read_settings(), {NOTIFY: RUN, WEBHOOK: RUN})}
    return EventTrigger.model_validate(made[name].trigger.model_dump(mode="json"))


def said(name: str, payload: Mapping[str, Any], /, **run: Any) -> Any:
    """What an automation sends, as the server renders it."""
    made = {one.name: one for one in automations_of(read_settings(), {NOTIFY: RUN, WEBHOOK: RUN})}
    (call,) = made[name].model_dump()["actions"]
    register_user_template_filters(all_filters)
    event = happening("onestory.thing", "onestory.s01e01-sc01-sh002", payload=payload)
    context = {"event": event, "flow_run": SimpleNamespace(id=RUN, **run)}
    return json.loads(render_user_template_sync(str(call["payload"]), context))


def happening(
    event: str,
    resource: str,
    *,
    flow: str = "",
    queue: str = "",
    state_type: str = "",
    payload: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
) -> ReceivedEvent:
    """An event as the server gets it."""
    related = [("flow", flow), ("work-queue", queue)]
    return ReceivedEvent.model_validate(
        {
            "id": str(uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": event,
            "resource": {"prefect.resource.id": resource}
            | ({"prefect.state-type": state_type} if state_type else {})
            | dict(labels or {}),
            "related": [
                {
                    "prefect.resource.id": f"prefect.{role}.{RUN}",
                    "prefect.resource.role": role,
                    "prefect.resource.name": name,
                }
                for role, name in related
                if name
            ],
            "payload": dict(payload or {}),
        }
    )


def of_a_run(event: str, flow: str, queue: str = "default", state: str = "RUNNING") -> Any:
    """An event of a flow run."""
    return happening(event, f"prefect.flow-run.{RUN}", flow=flow, queue=queue, state_type=state)


@pytest.mark.parametrize("flow", ["produce-episode", "retake-shots"])
def test_a_film_stands_still_whatever_it_came_to(flow: str) -> None:
    """Waiting begins with its process, its first line and each sign of life, and ends with any."""
    still = trigger_of(STILL)

    for name in ("Pending", "Running", "Retrying"):
        assert still.starts_after(f"prefect.flow-run.{name}")
    assert still.starts_after(GOES_ON)
    for name in ("prefect.flow-run.Completed", "prefect.flow-run.Suspended", GOES_ON):
        assert still.covers(of_a_run(name, flow))
        assert still.expects(name)
    for name in ("Late", "Scheduled", "Suspended", "Completed"):
        assert not still.starts_after(f"prefect.flow-run.{name}"), "nobody is at work"


def test_a_heartbeat_is_no_sign_that_a_film_goes_on() -> None:
    """A process that hangs goes on giving it; it says no state, which whatever counts does."""
    heartbeat = of_a_run("prefect.flow-run.heartbeat", "produce-episode", state="")

    assert not trigger_of(STILL).covers(heartbeat)


@pytest.mark.parametrize("flow", ["produce-season", "train", "maintenance", "review-lapsed"])
def test_what_takes_hours_by_nature_is_not_told_of(flow: str) -> None:
    """A season waits for its episodes, and a training goes on for days."""
    assert not trigger_of(STILL).covers(of_a_run("prefect.flow-run.Running", flow))
    assert not trigger_of(LATE).covers(of_a_run("prefect.flow-run.Late", flow, state="SCHEDULED"))


def test_a_film_is_late_where_nobody_expects_to_wait() -> None:
    """On the usual queues; a night's episodes wait for their turn."""
    late = trigger_of(LATE)

    assert late.starts_after("prefect.flow-run.Late")
    assert not late.starts_after("prefect.flow-run.Pending")
    for queue, is_told in (
        ("default", True),
        ("rush", True),
        ("nightly", False),
        ("preview", False),
    ):
        event = of_a_run("prefect.flow-run.Late", "produce-episode", queue, "SCHEDULED")
        assert late.covers(event) == is_told, queue


def test_each_film_is_waited_for_by_itself() -> None:
    """Another one that goes on is no sign of life of this one."""
    one = of_a_run("prefect.flow-run.Running", "produce-episode")
    other = happening(
        "prefect.flow-run.Running",
        f"prefect.flow-run.{uuid4()}",
        flow="produce-episode",
        state_type="RUNNING",
    )

    for name in (STILL, LATE):
        trigger = trigger_of(name)
        assert trigger.bucketing_key(one) != trigger.bucketing_key(other)
        assert trigger.within.total_seconds() == read_settings().stuck_minutes * 60


def test_a_person_is_told_of_shots_and_a_desk_of_films() -> None:
    """Spent retakes and questions are for a person, and a delivery is for a program."""
    told = {
        "onestory.shot.exhausted": NEEDED,
        "onestory.review.asked": NEEDED,
        "onestory.episode.delivered": DELIVERED,
        "onestory.take.ng": None,
    }

    for event, wanted in told.items():
        for name in (NEEDED, DELIVERED):
            covers = trigger_of(name).covers(happening(event, "onestory.s01e01", labels=NEEDS))
            assert covers == (name == wanted), f"{name} of {event}"
    # A question about the same shot follows, and tells of it.
    spent = happening("onestory.shot.exhausted", "onestory.s01e01")
    assert not trigger_of(NEEDED).covers(spent)
    assert trigger_of(NEEDED).immediate
    assert trigger_of(DELIVERED).immediate


def test_what_is_said_is_json_whatever_a_title_holds() -> None:
    """Quotes, backslashes and line ends are said as they are."""
    payload = {"title": AWKWARD, "slate": "s01e01-sc01-sh002", "why": "none passed", "episode": "e"}
    state = SimpleNamespace(name="Running", message='waits for "dances"')

    assert said(NEEDED, payload) == {"text": f"{AWKWARD}, s01e01-sc01-sh002: none passed"}
    still = said(STILL, {}, name=AWKWARD, state=state)["text"]
    assert still.startswith(f"{AWKWARD} stands still: nothing for ")
    assert still.endswith('It is Running: waits for "dances"')
    assert said(LATE, {}, name=AWKWARD)["text"].startswith(f"{AWKWARD} is late: ")
    delivered = said(DELIVERED, payload)
    assert delivered["delivery"] == payload
    assert delivered["flow_run"] == str(RUN)


def test_a_server_that_does_not_answer_is_said_without_the_address() -> None:
    """In one sentence, which may be copied into a chat."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        settings = read_settings(notify_url=f"{nowhere}/a-token-that-nobody-may-read")

        with (
            temporary_settings({PREFECT_API_URL: f"{nowhere}/api"}),
            pytest.raises(StudioError, match="the automations were refused: Connect") as refused,
        ):
            automate(settings)

    assert "a-token" not in str(refused.value)
