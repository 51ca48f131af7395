"""
Produce one episode, shot by shot.

    script ── breakdown ── table read ── survey ──┬── shot 1 ── shot 2 ── … ──┬── cut ── delivery
                                                  │  take ▸ gates ▸ circle    │
                                                  │    ▲ retake ◂┘ NG  │      │
                                                  │    └──── a person? ┘      │
                                                  └──── ledger in the vault ──┘

A device that has too little memory hands the film over to a bigger pool, if there is one.

What an engine that remembers will remember depends on what is filmed before it: such a shot is
looked at again when its turn comes, and left alone if those very frames came out equal.

Killing this process at any line and running it again loses at most the take in flight: what
was finished lies in the vault, what was said stands in the ledger.
"""

from collections.abc import Sequence

from prefect import flow
from prefect.client.schemas.objects import State

from onestory.continuity.ladder import next_attempt
from onestory.errors import OutOfMemoryError
from onestory.production.call_sheet import CallSheet, Circled
from onestory.production.delivered import Delivery
from onestory.production.order import EpisodeOrder
from onestory.production.plan import Plan, ShotPlan
from onestory.production.spending import Spending
from tasks.agreement import agree
from tasks.delivery import assemble
from tasks.moving import go_on_elsewhere, look_for_bigger_pool
from tasks.report import (
    announce_circled,
    announce_delivery,
    announce_exhausted,
    announce_plan,
    announce_shot,
    announce_take,
)
from tasks.review import ask, ask_before, enter_crashes, open_question
from tasks.script import break_down, look_again, preflight, read_through, survey
from tasks.takes import (
    circle_best,
    circle_take,
    draw_keyframe,
    judge_take,
    keep_take,
    render_take,
)


@flow(name="produce-episode", flow_run_name="{order.name}", validate_parameters=True)
async def produce_episode(order: EpisodeOrder) -> Delivery | State[None]:
    """Shoot every shot of the order that is not current, in story order, and deliver the film."""
    sheet = await break_down(order)
    sheet = await read_through(sheet)
    await enter_crashes(sheet)
    plan = await survey(sheet)
    findings = await preflight(sheet, plan.shots)
    await announce_plan(sheet, plan, findings)
    if order.plan_first:
        await agree(sheet, plan.shots, findings)

    try:
        await film(sheet, plan, plan.shots)
    except OutOfMemoryError as error:
        return await go_on_elsewhere(sheet, error)
    delivery = await assemble(sheet)
    await announce_delivery(sheet, delivery)
    return delivery


async def film(sheet: CallSheet, plan: Plan, shots: Sequence[ShotPlan]) -> None:
    """Shoot those of the shots that are to be filmed when their turn comes."""
    # A shot that was current may be filmed again for a person, whatever the plan foresaw.
    is_reviewed = sheet.order.review != "none"
    spending = Spending(sheet.order)
    await look_for_bigger_pool()
    # Serial by nature: a shot may remember every shot before it.
    for foreseen in shots:
        if foreseen.waits_for_a_person:
            await ask_before(sheet, foreseen.slate)
        may_change = foreseen.may_change or is_reviewed or foreseen.waits_for_a_person
        shot = await look_again(sheet, foreseen.slate) if may_change else foreseen
        await announce_shot(sheet, plan, shot)
        await shoot(sheet, shot, spending)
        while (question := await open_question(sheet, shot.slate)) is not None:
            await ask(sheet, question)
            await shoot(sheet, await look_again(sheet, shot.slate), spending)


async def shoot(sheet: CallSheet, shot: ShotPlan, spending: Spending) -> Circled | None:
    """Take after take of one shot, until one passes the gates or the order allows no more."""
    if shot.hold == "to be kept":
        await keep_take(sheet, shot.slate)
    if not shot.is_to_be_filmed:
        return None
    await draw_keyframe(sheet, shot.slate)
    tried, attempt = [*shot.tried], shot.attempt
    spending.begin_shot(num_tried=len(tried))
    while True:
        tried.append(attempt)
        take = await render_take(sheet, shot.slate, attempt)
        verdict = await judge_take(sheet, take)
        await announce_take(sheet, take, verdict)
        spending.add(take.seconds)
        if verdict.is_passed or take.is_own:
            circled = await circle_take(sheet, take)
            break
        if not spending.allows_retake:
            await announce_exhausted(sheet, take, verdict, tried)
            circled = await circle_best(sheet, shot.slate, tried)
            break
        attempt = next_attempt(tried, sheet.order.heeded(verdict.reasons))
    await announce_circled(sheet, circled)
    return circled
