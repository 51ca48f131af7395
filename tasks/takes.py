"""Tasks that make, judge and circle takes. Each is one call into `onestory`."""

from collections.abc import Sequence

from prefect import task
from prefect.client.schemas.objects import State

from onestory.engine_server.messages import VerdictAnswer
from onestory.production.call_sheet import CallSheet, Circled, TakeInHand
from onestory.production.recipes import Keyframe
from tasks._bridge import unit
from tasks._policy import (
    BACKSTOP_SECONDS,
    RETRIED,
    found_or_made,
    unwrapped,
)


@task(task_run_name="keyframe {sheet.prefix}-{slate}", **RETRIED)
async def draw_keyframe(sheet: CallSheet, slate: str) -> Keyframe | None:
    """Draw the first frame that a shot's takes start from, or find it."""
    return await unit().keyframe(sheet, slate)


@task(
    name="render-take",
    task_run_name="take {sheet.prefix}-{slate}-tk{attempt:02d}",
    **RETRIED,
    timeout_seconds=BACKSTOP_SECONDS,
)
async def _render_take(sheet: CallSheet, slate: str, attempt: int) -> State[TakeInHand]:
    return found_or_made(await unit().shoot(sheet, slate, attempt=attempt))


async def render_take(sheet: CallSheet, slate: str, attempt: int) -> TakeInHand:
    """Render the n-th take of a shot; a take that was finished before is found, not rendered."""
    return await unwrapped(_render_take(sheet, slate, attempt))


@task(task_run_name="gates {take.slate}", **RETRIED)
async def judge_take(sheet: CallSheet, take: TakeInHand) -> VerdictAnswer:
    """Let the gates judge a take."""
    return await unit().judge(sheet, take)


@task(task_run_name="keep {sheet.prefix}-{slate}", **RETRIED)
async def keep_take(sheet: CallSheet, slate: str) -> None:
    """Enter instead of what a take is kept."""
    await unit().keep(sheet, slate)


@task(task_run_name="circle {take.slate}", **RETRIED)
async def circle_take(sheet: CallSheet, take: TakeInHand) -> Circled:
    """Circle a take that passed its gates, or that a person brought."""
    return await unit().circle(sheet, take)


@task(task_run_name="best of {sheet.prefix}-{slate}", **RETRIED)
async def circle_best(sheet: CallSheet, slate: str, attempts: Sequence[int]) -> Circled:
    """Circle the least bad take of a shot whose ladder has ended, as waiting for review."""
    return await unit().circle_best(sheet, slate, attempts)
