"""
May this be filmed? The plan, asked of a person before anything is spent.

    plan ── run suspended, the plan on its page ── a person resumes it ── a new process goes on

Prefect suspends only runs of a deployment, so this is for orders that a worker carries out.
Whoever does not agree cancels the run: nothing was filmed yet, and no retake entered.
"""

from collections.abc import Sequence

from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from onestory.production.call_sheet import CallSheet
from onestory.production.estimate import plan_in_markdown
from onestory.production.plan import ShotPlan
from onestory.production.preflight import Finding
from tasks._bridge import price_of
from tasks.report import announce_agreement


class Agreement(RunInput):
    """What a person says to a plan."""

    by: str = Field(
        default="", title="Your name", description="Who agrees that this is filmed; may be empty."
    )


async def agree(
    sheet: CallSheet, shots: Sequence[ShotPlan], findings: Sequence[Finding] = ()
) -> None:
    """Show what would be filmed of these shots, and wait until a person wants it."""
    if not any(shot.is_to_be_filmed for shot in shots):
        return
    words = plan_in_markdown(shots, await price_of(sheet, shots), findings)
    form = Agreement.with_initial_data(description=words)
    said = await suspend_flow_run(wait_for_input=form, timeout=None, key="plan")  # type: ignore[misc]
    await announce_agreement(sheet, by=said.by)
