"""Tasks of the writing department: from a script to a call sheet."""

from collections.abc import Sequence

from prefect import task
from prefect.runtime import flow_run

from onestory.production.call_sheet import CallSheet
from onestory.production.order import EpisodeOrder, RetakeOrder
from onestory.production.plan import Plan, ShotPlan
from onestory.production.preflight import Finding
from onestory.production.retake import Retake, enter
from tasks._bridge import unit
from tasks._policy import RETRIED
from tasks.moving import ordered_as


@task(task_run_name="break down {order.name}", **RETRIED)
async def break_down(order: EpisodeOrder) -> CallSheet:
    """Turn the script into shots with captions, and keep the slates that the ledger knows."""
    return await unit().break_down(order)


@task(task_run_name="enter retake {order.name}", **RETRIED)
async def enter_retake(order: RetakeOrder) -> Retake:
    """Say in the ledger what is wanted of which shots, once wherever the run goes on."""
    return await enter(unit(), order, run=ordered_as())


@task(task_run_name="pencil in retake {order.name}", **RETRIED)
async def pencil_in(order: RetakeOrder) -> Retake:
    """Say what a retake would be, without entering it."""
    return await enter(unit(), order, run=str(flow_run.id), in_pencil=True)


@task(task_run_name="read through {sheet.episode}", **RETRIED)
async def read_through(sheet: CallSheet) -> CallSheet:
    """Speak every line with the scratch voice and fit the shots to it."""
    return await unit().read_through(sheet)


@task(task_run_name="survey {sheet.episode}", **RETRIED)
async def survey(sheet: CallSheet) -> Plan:
    """Say which shots are current, stale or missing, and why."""
    return await unit().survey(sheet)


@task(task_run_name="preflight {sheet.episode}", **RETRIED)
async def preflight(sheet: CallSheet, shots: Sequence[ShotPlan]) -> list[Finding]:
    """Name what contradicts itself, and refuse what cannot be filmed, before anything is spent."""
    return await unit().preflight(sheet, shots)


@task(task_run_name="look again at {sheet.prefix}-{slate}", **RETRIED)
async def look_again(sheet: CallSheet, slate: str) -> ShotPlan:
    """Say where a shot stands, now that those that it may remember are filmed."""
    return await unit().look_again(sheet, slate)
