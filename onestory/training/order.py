"""What shall be trained now? The order is what a person fills in, here and on the dashboard."""

from pydantic import Field

from onestory.documents import Frozen


class TrainingOrder(Frozen):
    """Which weights are trained, or trained further."""

    config: str | None = Field(
        default=None,
        title="Training file",
        description="Path of what the run depends on. Empty: that of the weights that are shipped.",
    )
    out: str = Field(
        default=".training/pocket",
        min_length=1,
        title="Folder of the run",
        description="Checkpoint, log, pictures and weights. A run that lies there is taken up "
        "again.",
    )
    data: str = Field(
        default=".training",
        min_length=1,
        title="Folder of the data",
        description="Codec and stories, which runs share; whatever is missing is made first.",
    )
    start: str | None = Field(
        default=None,
        title="Weights to start from",
        description="Folder of finished weights that the run goes on from. Empty: from nothing.",
    )
    steps: int | None = Field(
        default=None,
        ge=0,
        title="Steps",
        description="Stop after so many steps of the run. Empty: after all of them.",
    )
