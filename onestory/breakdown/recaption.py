"""
How is a caption read that a person orders for one shot? As one that a shot list brings.

    "Mara cries."  ──  "The same woman cries.", which means MARA
"""

from onestory.breakdown.bible import Bible
from onestory.breakdown.captions import CaptionWriter
from onestory.breakdown.laid_out import caption_laid_out
from onestory.screenplay.episode import Episode, Shot
from onestory.screenplay.script import ScriptShot


def recaptioned(shot: Shot, episode: Episode, caption: str) -> Shot:
    """
    Give a shot another caption; names in it become the bible's phrases.

    Args:
        shot: Which shot of the episode. What it says stays; who is seen follows the caption.
        episode: Whose bible holds, and whose earlier shots have introduced people.
        caption: The new one.

    Raises:
        CaptionError: If it says "the same …" of nobody known.
    """
    writer = CaptionWriter(Bible(cast=episode.cast, sets=episode.sets, names={}))
    slates = [one.slate for one in episode.shots]
    for earlier in episode.shots[: slates.index(shot.slate)]:
        writer.introduced.update(reference.name for reference in earlier.references)
    read = caption_laid_out(
        writer,
        ScriptShot(slate=shot.slate, caption=caption, framing=shot.framing, move=shot.move),
        path="the ordered caption",
        set_name=shot.set_name,
        cast=list(shot.on_screen),
        lines=list(shot.lines),
        head_of=lambda framing, move: f"{framing}, {move}",
    )
    decided = ("caption", "on_screen", "references")
    return shot.model_copy(update={name: read[name] for name in decided})
