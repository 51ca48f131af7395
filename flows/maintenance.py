"""
Keep a studio small.

    vault ── what nobody needs ── deleted ──┐
    runs that ended long ago ── forgotten ──┴── said on the dashboard
"""

from prefect import flow

from onestory.production.upkeep import UpkeepOrder
from tasks.upkeep import announce_upkeep, forget_runs, tidy_vault


@flow(name="maintenance", flow_run_name="maintenance", validate_parameters=True)
async def maintenance(order: UpkeepOrder) -> None:
    """Throw away what nobody needs. Nothing that was ever circled goes."""
    tidied = await tidy_vault(order)
    await announce_upkeep(tidied, await forget_runs(order))
