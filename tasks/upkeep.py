"""
Who throws away what the studio need not keep?

Which films are being made is asked of Prefect: workers on other machines make some, too.
"""

import asyncio
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound

from onestory.production.upkeep import Tidied, UpkeepOrder, tidy, upkeep_in_markdown
from tasks._bridge import unit
from tasks._policy import RETRIED

FILMING = ("produce-episode", "retake-shots")
"""Flows that put into the vault what no ledger knows yet."""
_AT_WORK = [StateType.PENDING, StateType.RUNNING, StateType.PAUSED, StateType.CANCELLING]
_PAGE = 200


@task(task_run_name="tidy the vault", **RETRIED)
async def tidy_vault(order: UpkeepOrder) -> Tidied:
    """Delete what no ledger reaches, and uncircled takes if the order says so."""
    return await asyncio.to_thread(tidy, unit().vault, order, is_filming=await is_filming())


@task(task_run_name="forget old runs", **RETRIED)
async def forget_runs(order: UpkeepOrder) -> int:
    """Delete flow runs that ended long ago, with their task runs; says how many."""
    return await _forget(order)


async def announce_upkeep(tidied: Tidied, num_runs: int) -> None:
    """Show on the dashboard what went."""
    await acreate_markdown_artifact(
        key="maintenance", markdown=upkeep_in_markdown(tidied, num_runs)
    )


async def is_filming() -> bool:
    """Whether a film is being made, on whatever machine."""
    async with get_client() as client:
        at_work = await client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(FILMING))),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_AT_WORK))
            ),
            limit=1,
        )
    return bool(at_work)


async def _forget(order: UpkeepOrder) -> int:
    if order.keep_runs_days is None:
        return 0
    before = datetime.now(UTC) - timedelta(days=order.keep_runs_days)
    ended = FlowRunFilter(end_time=FlowRunFilterEndTime(before_=before))
    forgotten = 0
    async with get_client() as client:
        if order.is_dry_run:
            return len(await _all_of(client, ended))
        while runs := await client.read_flow_runs(flow_run_filter=ended, limit=_PAGE):
            forgotten += await _deleted(client, runs)
    return forgotten


async def _all_of(client: PrefectClient, wanted: FlowRunFilter) -> list[FlowRun]:
    found: list[FlowRun] = []
    while page := await client.read_flow_runs(
        flow_run_filter=wanted, limit=_PAGE, offset=len(found)
    ):
        found += page
    return found


async def _deleted(client: PrefectClient, runs: list[FlowRun]) -> int:
    for run in runs:
        try:
            await client.delete_flow_run(run.id)
        except ObjectNotFound:
            # Somebody else forgot it first.
            continue
    return len(runs)
