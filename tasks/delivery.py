"""Tasks of the cutting room: from circled takes to a film that leaves the house."""

from prefect import task
from prefect.client.schemas.objects import State

from onestory.production.call_sheet import CallSheet
from onestory.production.delivered import Delivery
from tasks._bridge import cutting_room
from tasks._policy import RETRIED, found_or_made, unwrapped


@task(name="assemble", task_run_name="deliver {sheet.episode}", **RETRIED)
async def _assemble(sheet: CallSheet) -> State[Delivery]:
    return found_or_made(await cutting_room().deliver(sheet))


async def assemble(sheet: CallSheet) -> Delivery:
    """Conform, cut, mix, caption, encode and probe the film; write the delivery folder."""
    return await unwrapped(_assemble(sheet))
