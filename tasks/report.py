"""
What does a person see while an episode is made?

Events for automations, artifacts for the dashboard, and a call to whoever listens in this
process (the terminal's live shot list). Artifacts are written in the background, so that
the next take does not wait for the dashboard; the last report waits for them all.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)
from prefect.events import emit_event
from prefect.runtime import deployment, flow_run

from onestory.engine_server.messages import VerdictAnswer
from onestory.production.call_sheet import CallSheet, Circled, TakeInHand
from onestory.production.delivered import Delivery
from onestory.production.estimate import plan_in_markdown
from onestory.production.plan import Plan, ShotPlan
from onestory.production.preflight import Finding
from onestory.production.review import Answer, Question
from tasks._bridge import price_of, unit


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """Something that just happened, for whoever watches in this process."""

    kind: Literal["plan", "shot", "take", "circled", "delivered"]
    sheet: CallSheet
    plan: Plan | None = None
    findings: tuple[Finding, ...] = ()
    shot: ShotPlan | None = None
    take: TakeInHand | None = None
    verdict: VerdictAnswer | None = None
    circled: Circled | None = None
    delivery: Delivery | None = None


NEEDS = {"onestory.needs": "a person"}
"""Label of events of which a person is told."""

watchers: list[Callable[[Happening], None]] = []
"""Called in order, in the flow's own process."""

_background: set[asyncio.Task[None]] = set()
_progress: dict[str, UUID] = {}


def _tell(happening: Happening) -> None:
    for watch in watchers:
        watch(happening)


def _in_background(work: Coroutine[Any, Any, None]) -> None:
    started = asyncio.create_task(work)
    _background.add(started)
    started.add_done_callback(_background.discard)


def emit(
    event: str, slate: str, payload: dict[str, Any], labels: Mapping[str, str] | None = None
) -> None:
    """Send an event, for automations; with labels beside the slate, which they can choose by."""
    resource = {"prefect.resource.id": f"onestory.{slate}", **(labels or {})}
    emit_event(event=event, resource=resource, payload=payload)


def emit_going_on() -> None:
    """Say that something came of this run: its heartbeats go on when it hangs, too."""
    if flow_run.id is None:
        return
    resource = {
        "prefect.resource.id": f"prefect.flow-run.{flow_run.id}",
        "prefect.state-type": "RUNNING",
    }
    emit_event(event="onestory.run.goes-on", resource=resource)


async def announce_plan(sheet: CallSheet, plan: Plan, findings: Sequence[Finding]) -> None:
    """Show what there is to do, and what contradicts itself, before anything is spent."""
    _tell(Happening(kind="plan", sheet=sheet, plan=plan, findings=tuple(findings)))
    emit_going_on()
    _in_background(_open_progress(sheet, plan))
    _in_background(_show_plan(sheet, plan, findings))


async def announce_agreement(sheet: CallSheet, *, by: str) -> None:
    """Say that a person wants the plan to be filmed."""
    emit("onestory.plan.agreed", f"{sheet.prefix}-{sheet.episode}", {"by": by})


async def announce_shot(sheet: CallSheet, plan: Plan, shot: ShotPlan) -> None:
    """Show which shot is on the floor."""
    _tell(Happening(kind="shot", sheet=sheet, shot=shot))
    emit_going_on()
    share = [one.slate for one in plan.shots].index(shot.slate) / len(plan.shots)
    _in_background(_update_progress(sheet, share))


async def announce_take(sheet: CallSheet, take: TakeInHand, verdict: VerdictAnswer) -> None:
    """Say that a take is there and what the gates found."""
    _tell(Happening(kind="take", sheet=sheet, take=take, verdict=verdict))
    emit_going_on()
    payload = {"take": take.address, "seconds": take.seconds, "reasons": list(verdict.reasons)}
    emit("onestory.take.rendered", take.slate, payload)
    if not verdict.is_passed:
        emit("onestory.take.ng", take.slate, payload)
        _in_background(_show_evidence(take, verdict))


async def announce_exhausted(
    sheet: CallSheet, take: TakeInHand, verdict: VerdictAnswer, tried: Sequence[int]
) -> None:
    """Say that a shot may have no other take, and none of those that it has has passed."""
    goes_on = sheet.order.when_exhausted == "go on"
    # Whoever is asked about the best of them a moment later is not told twice. Only runs of a
    # deployment ask; any other ends.
    is_asked = goes_on and sheet.order.review != "none" and deployment.id is not None
    slate = f"{sheet.prefix}-{take.shot}"
    payload = {
        "episode": sheet.episode,
        "title": sheet.title,
        "slate": slate,
        "takes": len(tried),
        "reasons": list(verdict.reasons),
        "why": f"none of {len(tried)} takes passed, the last is NG for "
        f"{', '.join(verdict.reasons)}; "
        + ("the best of them waits for review" if goes_on else "the film ends here"),
    }
    emit("onestory.shot.exhausted", slate, payload, {} if is_asked else NEEDS)


async def announce_circled(sheet: CallSheet, circled: Circled) -> None:
    """Say that a shot has its take."""
    _tell(Happening(kind="circled", sheet=sheet, circled=circled))
    emit_going_on()
    payload = {"take": circled.address, "waiting_for_review": circled.is_waiting_for_review}
    emit("onestory.take.circled", circled.slate, payload)


def announce_question(sheet: CallSheet, question: Question) -> None:
    """Say that a run is about to wait for a person."""
    payload = {
        "episode": sheet.episode,
        "title": sheet.title,
        "slate": question.slate,
        "key": question.key,
        "takes": [take.in_short for take in question.takes],
        "why": f"the film waits until a person has looked at take {question.number} "
        f"({question.why})"
        if question.number
        else f"{question.why}; the film waits until a person has decided",
    }
    emit("onestory.review.asked", question.slate, payload, NEEDS)
    _in_background(_show_question(question))


def announce_answer(question: Question, answer: Answer) -> None:
    """Say what a person decided."""
    payload = {"key": question.key, "decision": answer.action, "by": answer.by}
    emit("onestory.review.answered", question.slate, payload)


async def reported() -> None:
    """Wait until everything that is shown in the background is there."""
    while _background:
        await asyncio.gather(*_background)


async def announce_delivery(sheet: CallSheet, delivery: Delivery) -> None:
    """Put contact sheet, gate table and links on the dashboard, and wait for all reports."""
    _tell(Happening(kind="delivered", sheet=sheet, delivery=delivery))
    emit_going_on()
    # Paths only: the links of a delivery are keys to the vault until they expire.
    payload = {
        "episode": delivery.episode,
        "title": delivery.title,
        "film": delivery.film,
        "dailies": delivery.dailies,
        "manifest": delivery.manifest,
        "shots": len(delivery.shots),
        "waiting_for_review": delivery.num_waiting_for_review,
    }
    emit("onestory.episode.delivered", f"{sheet.prefix}-{sheet.episode}", payload)
    _in_background(_update_progress(sheet, 1.0))
    _in_background(_show_delivery(sheet, delivery))
    await reported()


async def _show_plan(sheet: CallSheet, plan: Plan, findings: Sequence[Finding]) -> None:
    price = await price_of(sheet, plan.shots)
    await acreate_markdown_artifact(
        markdown=plan_in_markdown(plan.shots, price, findings),
        key=f"plan-{sheet.episode}",
        description=f"What this run films, and why: {sheet.title}",
    )


async def _open_progress(sheet: CallSheet, plan: Plan) -> None:
    _progress[sheet.episode] = await acreate_progress_artifact(
        progress=0.0,
        key=f"progress-{sheet.episode}",
        description=f"{plan.num_to_shoot} of {len(plan.shots)} shots to film: {sheet.title}",
    )


async def _update_progress(sheet: CallSheet, share: float) -> None:
    if sheet.episode in _progress:
        await aupdate_progress_artifact(_progress[sheet.episode], progress=100 * share)


async def _show_evidence(take: TakeInHand, verdict: VerdictAnswer) -> None:
    link = await unit().exhibit(verdict)
    if link is not None:
        reasons = ", ".join(verdict.reasons)
        await acreate_markdown_artifact(
            markdown=f"**{take.slate} is NG: {reasons}**\n\n![what its gates saw]({link})\n\n"
            "What its gates saw, and what they held it against.",
            key=f"evidence-{take.slate}",
            description=f"NG ({reasons}): {take.slate}",
        )


async def _show_question(question: Question) -> None:
    run = f"[its run](/runs/flow-run/{flow_run.id})"
    await acreate_markdown_artifact(
        markdown=f"{question.in_markdown()}\n\n**Open {run} and press Resume to decide.**",
        key=f"waits-{question.episode}",
        description=f"Take {question.number} of shot {question.shot_number} waits for a person",
    )


async def _show_delivery(sheet: CallSheet, delivery: Delivery) -> None:
    await acreate_markdown_artifact(
        markdown=delivery.in_markdown,
        key=f"film-{sheet.episode}",
        description=f"Film, dailies and pictures: {sheet.title}",
    )
    await acreate_table_artifact(
        table=[dict(row) for row in delivery.gate_table],
        key=f"gates-{sheet.episode}",
        description="What the gates measured of every circled take; – is one that did not run, "
        f"and those that ran for none are left out: {sheet.title}",
    )
