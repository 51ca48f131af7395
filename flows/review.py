"""
Answer for a person who did not.

    question ── hours ── still asked? ── the film goes on with the take that waits
"""

from prefect import flow

from tasks.review import Lapse, answer_for_nobody, is_unanswered


@flow(name="review-lapsed", flow_run_name="late: {lapse.key}", validate_parameters=True)
async def review_lapsed(lapse: Lapse) -> None:
    """Have a film go on whose question nobody answered in time."""
    if await is_unanswered(lapse):
        await answer_for_nobody(lapse)
