"""
Film some shots of an episode again, and whatever follows from that.

    order ── ledger ── survey ──┬── shot 3 ── shot 4 ── … ──┬── cut ── delivery
                                │  again      stale by then?│
                                │             kept? frozen? │
                                └───────────────────────────┘

The order is entered before anything is filmed, and the plan knows what was ordered: from there
on this is the film of an episode that begins in the middle. The plan is made anew before every
later shot, so that a change stops as soon as a shot comes out with the frames that it had.
"""

from prefect import flow
from prefect.client.schemas.objects import State

from flows.episode import film
from onestory.errors import OutOfMemoryError
from onestory.production.delivered import Delivery
from onestory.production.order import RetakeOrder
from tasks.agreement import agree
from tasks.delivery import assemble
from tasks.moving import go_on_elsewhere
from tasks.report import announce_delivery, announce_plan
from tasks.review import enter_crashes
from tasks.script import enter_retake, pencil_in, preflight, survey


@flow(name="retake-shots", flow_run_name="retake {order.name}", validate_parameters=True)
async def retake_shots(order: RetakeOrder) -> Delivery | State[None]:
    """Shoot the ordered shots again, those after them as the order says, and deliver the film."""
    if order.plan_first:
        pencilled = await pencil_in(order)
        foreseen = await survey(pencilled.sheet)
        await agree(pencilled.sheet, foreseen.since(pencilled.first))
    retake = await enter_retake(order)
    await enter_crashes(retake.sheet)
    plan = await survey(retake.sheet)
    findings = await preflight(retake.sheet, plan.since(retake.first))
    await announce_plan(retake.sheet, plan, findings)

    try:
        await film(retake.sheet, plan, plan.since(retake.first))
    except OutOfMemoryError as error:
        return await go_on_elsewhere(retake.sheet, error)
    delivery = await assemble(retake.sheet)
    await announce_delivery(retake.sheet, delivery)
    return delivery
