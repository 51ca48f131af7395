"""
Is this take in the film? Asked of a person, while nothing is held.

    shot circled, waiting ── run suspended, the takes on its page ── a person resumes it ──┐
      ▲ another take, if it was rejected                                                   │
      └───────────────── answer in the ledger ── a new process, from the top of the film ──┘

A shot in which worker after worker crashed is asked of as well, before it is filmed.

Prefect suspends only runs of a deployment. Any other run ends with the question as its error,
and is run again once `onestory circle` or `onestory reject` has answered it. If an answer cannot
be followed, it is asked again under the next key, and the form says why.
"""

from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from prefect import task
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import resume_flow_run, suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from prefect.states import Scheduled
from pydantic import Field, ValidationError, create_model

from onestory.documents import Frozen
from onestory.errors import StudioError
from onestory.production import crashes, review
from onestory.production.call_sheet import CallSheet
from onestory.production.crashes import CrashedShot, crashed_shot
from onestory.production.review import NOBODY, Action, Answer, Question
from tasks._bridge import unit
from tasks._policy import RETRIED
from tasks.report import announce_answer, announce_question, reported

LAPSED = "review-lapsed/review-lapsed"
"""The deployment that answers for a person who did not."""


class Review(Answer, RunInput):
    """What a person says to a take: an answer, as a form of the dashboard."""


class Lapse(Frozen):
    """A question that somebody had time to answer."""

    flow_run: str = Field(title="Flow run", description="Which run waits for the answer.")
    key: str = Field(title="Question", description="Which of its questions it is.")


@task(task_run_name="waits for a person? {sheet.prefix}-{slate}", **RETRIED)
async def _open_question(sheet: CallSheet, slate: str) -> Question | None:
    return await review.open_question(unit(), sheet, slate)


@task(task_run_name="crashes in {found.shot}", **RETRIED)
async def _enter_crashes(sheet: CallSheet, found: CrashedShot) -> None:
    await crashes.enter_crashes(unit(), sheet, found, run=str(flow_run.id))


@task(task_run_name="answer {question.slate}", **RETRIED)
async def heed(sheet: CallSheet, question: Question, answer: Answer) -> str:
    """Enter an answer in the ledger; says why, if it cannot be followed."""
    return await review.heed(unit(), sheet, question, answer, run=str(flow_run.id))


async def enter_crashes(sheet: CallSheet) -> None:
    """Enter in the ledger if this run was begun again to have a person asked of a shot."""
    context = FlowRunContext.get()
    labels = context.flow_run.labels if context and context.flow_run else {}
    if (found := crashed_shot(labels)) is not None:
        await _enter_crashes(sheet, found)


async def ask_before(sheet: CallSheet, slate: str) -> None:
    """Wait until a person has decided what becomes of a shot in which workers crashed."""
    if (question := await _open_question(sheet, slate)) is not None:
        await ask(sheet, question)


async def open_question(sheet: CallSheet, slate: str) -> Question | None:
    """What a person is to be asked of a shot, if the order wants it and a take of it waits."""
    if sheet.order.review == "none":
        return None
    return await _open_question(sheet, slate)


async def ask(sheet: CallSheet, question: Question) -> None:
    """Wait until a person has decided, and enter it."""
    if deployment.id is None:
        raise question.unasked()
    objection = ""
    for times in count():
        key = f"{question.key}-{times}"
        answer, objection = await _asked(sheet, question, key, objection)
        if answer is None:
            continue
        objection = await heed(sheet, question, answer)
        if not objection:
            announce_answer(question, answer)
            return


async def is_unanswered(lapse: Lapse) -> bool:
    """Whether a run still waits for the answer to that very question."""
    async with get_client() as client:
        state = (await client.read_flow_run(UUID(lapse.flow_run))).state
    return bool(state and state.is_paused() and state.state_details.pause_key == lapse.key)


async def answer_for_nobody(lapse: Lapse) -> None:
    """Have a run go on with the take that waits."""
    said = Answer(action="circle", by=NOBODY).model_dump(mode="json", exclude_unset=True)
    await resume_flow_run(UUID(lapse.flow_run), run_input=said)  # type: ignore[misc]


async def _asked(
    sheet: CallSheet, question: Question, key: str, objection: str
) -> tuple[Answer | None, str]:
    """The answer, in the process that goes on with it; or why it is none."""
    order = sheet.order
    seconds = order.review_hours * 3600 if order.review_hours else None
    is_new = not _was_asked(key)
    if is_new:
        announce_question(sheet, question)
    await reported()
    # Without a take there is nothing to go on with.
    goes_on = question.number is not None and order.when_nobody_reviews == "go on"
    if is_new and seconds is not None and goes_on:
        # Last of all: who answers for nobody before the run is suspended does so in vain.
        await _answer_later(key, seconds)
    form = _form(question, objection)
    timeout = seconds if order.when_nobody_reviews == "stop" else None
    try:
        said = await suspend_flow_run(wait_for_input=form, timeout=timeout, key=key)  # type: ignore[misc, arg-type]
    except ValidationError as error:
        # The server knows the form's types; what the fields mean together is known here only.
        return None, "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
    return Answer.model_validate(said.model_dump()), ""


def _form(question: Question, objection: str) -> type[Review]:
    """The form, with the take that waits filled in; without one, what needs none."""
    name, kind = ("action", Action) if question.number is None else ("take", int)
    told = copy(Answer.model_fields[name])
    told.default = question.number or "film again"
    fields: dict[str, Any] = {name: (kind, told)}
    filled = create_model("Review", __base__=Review, **fields)
    return filled.with_initial_data(description=question.in_markdown(objection))


def _was_asked(key: str) -> bool:
    """Whether this run was suspended on a question before, and goes on from its answer."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return key in (context.flow_run.empirical_policy.pause_keys or ())


async def _answer_later(key: str, seconds: float) -> None:
    """Order a run that answers for nobody if no person does in time."""
    lapse = Lapse(flow_run=str(flow_run.id), key=key)
    async with get_client() as client:
        try:
            lapsed = await client.read_deployment_by_name(LAPSED)
        except ObjectNotFound as error:
            raise StudioError(
                f"nobody would see that a review is late: there is no deployment {LAPSED}",
                hint="onestory studio up --worker offers it",
            ) from error
        await client.create_flow_run_from_deployment(
            lapsed.id,
            parameters={"lapse": lapse.model_dump()},
            state=Scheduled(scheduled_time=datetime.now(UTC) + timedelta(seconds=seconds)),
            idempotency_key=f"{lapse.flow_run}-{key}-{flow_run.run_count}",
        )
