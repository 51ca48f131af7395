"""What `onestory train` does: the same as the deployment `train`, in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.studio.embedded import tracking_of
from deployments.studio.settings import StudioSettings
from deployments.verbs import ordered
from onestory.training.order import TrainingOrder

if TYPE_CHECKING:
    from onestory.bench.schooling import Trained

Say = Callable[[str], object]


def training_order_of(**fields: Any) -> TrainingOrder:
    """
    The training that the flags describe.

    Raises:
        OrderError: If a flag asks for something that cannot be had.
    """
    told = {name: str(one) if isinstance(one, Path) else one for name, one in fields.items()}
    return ordered(TrainingOrder, told)


def train_pocket(order: TrainingOrder, settings: StudioSettings, *, say: Say) -> "Trained":
    """
    Train the pocket model, or go on with it.

    Args:
        order: What, and where.
        settings: Which MLflow.
        say: Tells a person how far it is.

    Raises:
        OrderError: If the training file is none, or somebody else trains in the folder.
    """
    from onestory.bench import schooling

    uri, artifacts = tracking_of(settings)
    return schooling.train_pocket(order, tracking_uri=uri, artifact_root=artifacts, say=say)
