"""Choices of a schooling that a test can afford: tiny encoders, one file of two stories."""

from onestory.evaluation.curriculum import Schooling
from onestory.evaluation.pupils import Sizes

TINY_SCHOOLING = Schooling(
    steps=12,
    warmup=2,
    stories=3,
    first_seed=41,
    files=1,
    first_files=1,
    queue=16,
    fewest_cells=24,
    sizes=Sizes(
        frame=(96, 64),
        widths=(16, 16, 32, 32),
        depths=(1, 1, 1, 1),
        picture=(64, 32),
        pyramid=16,
        looked_at=(64, 32),
        appearance=(16, 16, 32, 32),
        appearance_layers=(1, 1, 1, 1),
        language=40,
        language_layers=1,
        caption_layers=1,
        projection=24,
        words=400,
    ),
)
