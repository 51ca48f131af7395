"""Who trains? This process does: an engine server renders, and learns nothing."""

import asyncio
from typing import TYPE_CHECKING

from prefect import get_run_logger, task
from prefect.artifacts import acreate_markdown_artifact

from onestory.training.order import TrainingOrder
from tasks._bridge import training_room

if TYPE_CHECKING:
    from onestory.bench.schooling import Trained


@task(task_run_name="train {order.out}")
async def train_weights(order: TrainingOrder) -> "Trained":
    """Train as ordered; what it says on the way stands in the run's log on the dashboard."""
    return await asyncio.to_thread(training_room(), order, say=get_run_logger().info)


async def announce_training(trained: "Trained") -> None:
    """Show on the dashboard how far the weights are, and where they lie."""
    await acreate_markdown_artifact(
        key="training",
        markdown=f"```text\n{trained.in_words()}\n```",
        description=f"{trained.steps} of {trained.of} steps are trained",
    )
