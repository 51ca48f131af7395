"""What can a Wan not draw? Said in one sentence, before anything is loaded."""

from onestory.engines.recipe import Recipe
from onestory.engines.wan.card import WanCard, WanConfig
from onestory.errors import RenderError

MULTIPLE_OF = 2


def refuse(
    recipe: Recipe,
    num_frames: int,
    card: WanCard,
    config: WanConfig,
    *,
    has_first: bool,
    has_sight: bool,
) -> None:
    """
    Say what a model cannot do.

    Args:
        recipe: What is to be shot.
        num_frames: How many frames that takes at the model's own rate.
        card: The model.
        config: How it is used.
        has_first: Whether the shot has a first frame.
        has_sight: Whether it has that, or frames that a published memory draws from.

    Raises:
        RenderError: If the model cannot draw that.
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
