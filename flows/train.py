"""
Train the weights of the studio's own model.

    training file ── data, if any is missing ── steps, kept every few ── weights

Killing this process at any line and running it again, on a machine that has the run's folder,
goes on from the last steps that were kept.
"""

from prefect import flow

from onestory.training.order import TrainingOrder
from tasks.training import announce_training, train_weights


@flow(name="train", flow_run_name="train {order.out}", validate_parameters=True)
async def train(order: TrainingOrder) -> None:
    """Train weights, or go on with them."""
    await announce_training(await train_weights(order))
