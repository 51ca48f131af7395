"""
Which shots can a Wan not make?

What it can is in its card: whether it reads captions alone or first frames, and how many frames
it draws at once.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from onestory.engines.recipe import Recipe
from onestory.engines.wan.card import WanCard, WanConfig
from onestory.errors import RenderError
from onestory.memory.budget import PATCH, tokens_per_frame

if TYPE_CHECKING:
    from onestory.engines.wan.shot import GivenFrames, Memory, Shot

MULTIPLE_OF = 2
"""Width and height of a delivered frame divide by this."""


def refuse(
    card: WanCard,
    config: WanConfig,
    recipe: Recipe,
    num_frames: int,
    *,
    has_first: bool,
    has_sight: bool,
) -> None:
    """
    Say what a model cannot do.

    Args:
        card: The model.
        config: How it is used.
        recipe: What is asked of it.
        num_frames: That it would draw.
        has_first: Whether a first frame is given.
        has_sight: Whether it sees anything, a first frame or what it remembers.

    Raises:
        RenderError: In one sentence.
    """
    if has_first and not card.reads_picture:
        raise RenderError(
            f"{card.name} reads captions alone and cannot start from a first frame",
            hint="take the keyframe back, or film with Wan2.2-TI2V",
        )
    if not has_sight and not card.reads_text_alone:
        raise RenderError(
            f"{card.name} starts from a first frame, and the shot has none",
            hint="name who paints them as the engine's option keyframes, give every shot after a "
            "cut a keyframe, or film with Wan2.2-TI2V",
        )
    at_once = (config.stretch_frames - 1) // card.temporal * card.temporal + 1
    most = config.max_frames if card.reads_picture else at_once
    if num_frames > most:
        raise RenderError(
            f"the shot takes {num_frames} frames at {config.fps} a second, and {card.name} "
            f"draws {most}",
            hint="cut the shot in two",
        )
    if recipe.width % MULTIPLE_OF or recipe.height % MULTIPLE_OF:
        raise RenderError(
            f"the frame is {recipe.width}x{recipe.height}, and both must divide by {MULTIPLE_OF}"
        )


def refuse_to_share(
    shot: "Shot", memory: "Sequence[Memory] | GivenFrames", card: WanCard, *, cards: int
) -> None:
    """
    Say which tokens cannot be shared out over cards.

    Args:
        shot: What is drawn.
        memory: What is read with it.
        card: The model.
        cards: How many share.

    Raises:
        RenderError: If some were left over.
    """
    latent_frames = (shot.num_frames - 1) // card.temporal + 1
    rows, columns = shot.height // card.spatial, shot.width // card.spatial
    own = latent_frames * tokens_per_frame(rows, columns, PATCH)
    remembered = 0
    for one in memory if isinstance(memory, Sequence) else ():
        remembered = one.tokens_1LD.shape[1]
    if own % cards or remembered % cards:
        raise RenderError(
            f"the shot has {own} tokens and its memory {remembered}, and {cards} cards cannot "
            "share both evenly",
            hint="film this shot with cards = 1, or draw another size or length",
        )
