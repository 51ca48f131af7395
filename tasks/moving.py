"""
Where does a film go on whose device has too little memory?

    take ── out of memory ── a bigger pool? ──┬── a run of the same order there; this one ends
                                              └── none: the engine goes down its ladder first

Only a run of a deployment moves, and once it is in the bigger pool it is where it should be. What
was filmed is found there, since it lies in the vault.
"""

from copy import deepcopy
from typing import Any
from uuid import UUID

from prefect import task
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed

from onestory.errors import OutOfMemoryError
from onestory.production.call_sheet import CallSheet
from tasks._bridge import settings, unit
from tasks._policy import RETRIED
from tasks.report import emit, reported

MOVED = "Moved"
"""What the state of a run is called whose film goes on in another one."""
TO, FROM = "onestory.moved.to", "onestory.moved.from"
"""Labels: of a run that moved, the run that goes on; of that one, the run that was ordered."""


@task(task_run_name="moves {sheet.prefix} to {pool}", **RETRIED)
async def _enter_move(sheet: CallSheet, pool: str, error: OutOfMemoryError) -> None:
    await unit().move(sheet, pool, error)


async def look_for_bigger_pool() -> None:
    """Say whether this run can go on in a bigger pool, before anything is filmed."""
    name, run = settings().bigger_pool, _run()
    is_possible = name and run.deployment_id is not None and run.work_pool_name != name
    unit().bigger_pool = name if is_possible and await _is_there(str(name)) else None


async def go_on_elsewhere(sheet: CallSheet, error: OutOfMemoryError) -> State[None]:
    """
    Have a film go on in the bigger pool.

    Args:
        sheet: Which film.
        error: What ran out of memory here.

    Returns:
        How this run ends.

    Raises:
        OutOfMemoryError: The error, if there is no bigger pool.
    """
    pool, here = unit().bigger_pool, _run()
    if pool is None:
        raise error
    async with get_client() as client:
        there = await _begun_in(client, pool, here)
        await client.update_flow_run_labels(here.id, {TO: str(there.id)})
    await _enter_move(sheet, pool, error)
    words = f"Goes on in the pool {pool} as run {there.name} ({there.id}): {error}"
    payload = {"episode": sheet.episode, "pool": pool, "flow_run": str(there.id), "why": str(error)}
    emit("onestory.film.moved", f"{sheet.prefix}-{sheet.episode}", payload)
    await reported()
    return Completed(name=MOVED, message=words)


def ordered_as() -> str:
    """Id of the run by which this film was ordered: this one, or the one that moved here."""
    run = _run()
    return str(run.labels.get(FROM, run.id))


async def way_of(client: PrefectClient, run: FlowRun) -> tuple[FlowRun, ...]:
    """A run, and those in which its film went on, in order: the last one films it."""
    way = [run]
    while way[-1].state is not None and way[-1].state.name == MOVED and TO in way[-1].labels:
        way.append(await client.read_flow_run(UUID(str(way[-1].labels[TO]))))
    return tuple(way)


async def _begun_in(client: PrefectClient, pool: str, here: FlowRun) -> FlowRun:
    """The run that goes on in a pool, of a deployment that is like this run's; begun once."""
    assert here.deployment_id is not None
    ours = await client.read_deployment(here.deployment_id)
    offered = await client.create_deployment(
        flow_id=ours.flow_id,
        name=pool,
        version=ours.version,
        description=ours.description,
        tags=ours.tags,
        work_pool_name=pool,
        path=ours.path,
        entrypoint=ours.entrypoint,
        pull_steps=ours.pull_steps,
        job_variables=ours.job_variables,
        parameters=ours.parameters,
        parameter_openapi_schema=ours.parameter_openapi_schema,
        enforce_parameter_schema=ours.enforce_parameter_schema,
    )
    return await client.create_flow_run_from_deployment(
        offered,
        parameters=_agreed(here.parameters),
        name=here.name,
        tags=here.tags,
        labels={FROM: ordered_as()},
        idempotency_key=f"{here.id}-in-{pool}",
    )


def _agreed(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same order, to whose plan a person has agreed already if they were asked."""
    same = deepcopy(parameters)
    same["order"]["plan_first"] = False
    return same


async def _is_there(pool: str) -> bool:
    async with get_client() as client:
        try:
            await client.read_work_pool(pool)
        except ObjectNotFound:
            return False
    return True


def _run() -> FlowRun:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return context.flow_run
