"""
Does a model draw what captions name, and keep what they leave out? Asked while it is trained.

    held-out stories ── drawn as the engine does, from their own memory ── Reader ── shares

The stories are other ones than those of the comparison, so that no checkpoint is chosen by what
it will be judged by.
"""

from collections.abc import Sequence

from onestory.bench.cases import Case, cases
from onestory.diffusion.sampling import Sampling
from onestory.engines.pocket.model import PocketModel
from onestory.engines.pocket.picture import CELL, Grid
from onestory.evaluation.measures import (
    Filmed,
    Item,
    Share,
    kept_share,
    missing_share,
    named_accuracy,
    read_out,
)
from onestory.evaluation.reader import shared_reader
from onestory.storyworld.stories import HELD_OUT, Telling
from onestory.training.validation import draw_story


def validation_cases(num: int, *, telling: Telling | None = None) -> list[Case]:
    """Tell held-out stories of which the comparison knows nothing; see `cases`."""
    return cases(num, telling=telling, first=HELD_OUT)


def read_out_model(
    model: PocketModel, cases: Sequence[Case], *, budget: float, sampling: Sampling
) -> dict[str, float]:
    """
    Let a model draw stories, and read them.

    Args:
        model: Who draws.
        cases: What is told.
        budget: Memory budget of every shot, in latent-frame equivalents.
        sampling: Steps and guidance.

    Returns:
        Shares in [0, 1]: of what captions name, right at the first appearance; of what they do
        not name, kept when somebody or some place returns; of people, missing.
    """
    items: list[Item] = []
    for case in cases:
        grid = Grid(case.drawing.height // CELL, case.drawing.width // CELL)
        shots = list(
            draw_story(
                model,
                case.story,
                grid=grid,
                num_frames=case.story.shots[0].scene.num_frames,
                budget=budget,
                sampling=sampling,
            )
        )
        filmed = Filmed(story=case.story, shots=tuple(shared_reader().read_shots(shots)))
        items += read_out(filmed, case.truths)
    shares: dict[str, Share] = {
        "named right": named_accuracy(item for item in items if not item.returning),
        "unnamed kept": kept_share(items, named=False),
        "people missing": missing_share(items),
    }
    return {f"held out {name}": share.share for name, share in shares.items() if share.count}
