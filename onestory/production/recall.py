"""
What may a shot remember, and what of it has changed?

    circled takes of the shots before it, in story order ── engine ── lineage
    lineage that a take was made with, against today's ── "frame 1 of sc01-sh002 changed"

Memory is built from circled takes only: what is not circled was never seen.
"""

from collections.abc import Collection, Mapping, Sequence

from onestory.documents import Digest
from onestory.engines.recipe import Recipe
from onestory.engines.take import Take
from onestory.memory.lineage import Remembered
from onestory.vault.ledger import EpisodeState

MOST_CHANGES_SHOWN = 3


def shots_by_take(state: EpisodeState) -> Mapping[Digest, str]:
    """Slate of the shot that every take of an episode belongs to."""
    return {take.address: slate for slate, shot in state.shots.items() for take in shot.takes}


def memory_changes(
    before: Sequence[Remembered], now: Sequence[Remembered], shots: Mapping[Digest, str]
) -> tuple[str, ...]:
    """
    Name the remembered frames in which two lineages differ.

    Args:
        before: What a take was made with.
        now: What it would be made with.
        shots: Slate of the shot of every take.

    Returns:
        A phrase for each frame, in story order; empty if both have the same digest.
    """
    old, new = _by_place(before, shots), _by_place(now, shots)
    changes = []
    for place in [*old, *(place for place in new if place not in old)]:
        if place not in new:
            changes.append(f"{_words(place)} is not remembered any more")
        elif place not in old:
            changes.append(f"{_words(place)} is remembered now")
        elif old[place].latent != new[place].latent:
            changes.append(f"{_words(place)} changed")
        elif old[place].level != new[place].level:
            levels = f"level {new[place].level}, no longer {old[place].level}"
            changes.append(f"{_words(place)} is read at {levels}")
        elif old[place].position != new[place].position:
            changes.append(f"{_words(place)} is read in another place")
    return tuple(changes)


def in_short(changes: Sequence[str]) -> str:
    """The first changes, and how many more there are."""
    shown = "; ".join(changes[:MOST_CHANGES_SHOWN])
    more = len(changes) - MOST_CHANGES_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _by_place(
    lineage: Sequence[Remembered], shots: Mapping[Digest, str]
) -> dict[tuple[str, int], Remembered]:
    return {(shots.get(one.take, one.take), one.frame_index): one for one in lineage}


def _words(place: tuple[str, int]) -> str:
    return f"frame {place[1]} of {place[0]}"


def changes_in_words(
    take: Take,
    recipe: Recipe,
    now: Sequence[Remembered],
    *,
    slates: Mapping[Digest, str],
    ordered: Collection[str] = (),
) -> str:
    """
    Name the fields in which a take differs from a recipe, and for memory the frames.

    Args:
        take: As it was filmed.
        recipe: As it would be filmed.
        now: What it would remember.
        slates: Slate of the shot that every take belongs to.
        ordered: Fields that a person has ordered.
    """
    words = []
    for name in differing_fields(take.recipe, recipe):
        if name == "memory":
            changes = memory_changes(take.lineage, now, slates)
            name = f"memory ({in_short(changes)})" if changes else name
        elif name in ordered:
            name = f"{name} (as ordered)"
        words.append(name)
    return ", ".join(words)


def differing_fields(one: Recipe, other: Recipe) -> tuple[str, ...]:
    """Names of the recipe fields that differ, those that a person wrote first."""
    fields = [
        name
        for name in type(one).model_fields
        if getattr(one, name) != getattr(other, name) and name != "keyframe_by"
    ]
    # A keyframe is drawn from the rest of the recipe: it is the cause only if it stands alone.
    causes = [name for name in fields if name != "keyframe"]
    order = ("caption", "subjects", "set_look", "num_frames", "speech")
    causes.sort(key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(name.replace("_", " ") for name in causes or fields)
