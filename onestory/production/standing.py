"""
Which word holds for a shot: the script's, or a person's?

    script ── breakdown ── shot as written ──┬── shot as ordered ── recipe
                       order in the ledger ──┘

A person's order wins over the script, run after run, until the script says something else of
that very shot, or the order is withdrawn. Edits of other shots end no order: what is compared
are the shot's own words, in which whoever is meant stands by name, so that a shot is the same
whether it introduces somebody or sees them again.

    kept     the circled take stays although it remembers otherwise than it would now. This is
             said of one difference only: once it would be filmed in yet another way, it is stale.
    frozen   the circled take stays whatever happens: to earlier takes, to the script, to the
             engine. Only a person ends it, by ordering that shot or by withdrawing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onestory.breakdown.recaption import recaptioned
from onestory.documents import Digest, digest_of_json
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.events import Hold, ShotOrder
from onestory.vault.ledger import EpisodeState


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What persons have ordered that holds today, by slate."""

    orders: Mapping[str, ShotOrder] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    lapsed: frozenset[str] = frozenset()
    """Shots that were ordered or kept, and of which the script says something else now."""


def written(shot: Shot) -> Digest:
    """Name what the script says of a shot."""
    caption = shot.caption
    for reference in sorted(shot.references, key=lambda one: -len(one.phrase)):
        caption = caption.replace(reference.phrase, f"<{reference.name}>")
    return digest_of_json(
        [
            [shot.set_name, shot.light, shot.weather, shot.action, caption, shot.negative_caption],
            [line.model_dump(mode="json") for line in shot.lines],
            [shot.keyframe, shot.is_cut, shot.num_frames if shot.is_length_fixed else None],
        ]
    )


def standing(episode: Episode, state: EpisodeState) -> Standing:
    """What holds today of all that was ordered; `episode` is the script's, not as ordered."""
    orders: dict[str, ShotOrder] = {}
    holds: dict[str, Hold] = {}
    lapsed: set[str] = set()
    for shot in episode.shots:
        coverage, words = state.shot(shot.slate), written(shot)
        if coverage.order is not None:
            if coverage.order.written == words:
                orders[shot.slate] = coverage.order
            else:
                lapsed.add(shot.slate)
        hold, circled = coverage.hold, coverage.circled
        if hold is None or circled is None or hold.take != circled.address:
            continue
        if hold.is_frozen or hold.written == words:
            holds[shot.slate] = hold
        else:
            lapsed.add(shot.slate)
    return Standing(orders=orders, holds=holds, lapsed=frozenset(lapsed))


def as_ordered(episode: Episode, orders: Mapping[str, ShotOrder]) -> Episode:
    """
    The episode with the captions that persons ordered.

    Raises:
        CaptionError: If an ordered caption says "the same …" of nobody known.
    """
    shots = tuple(
        recaptioned(shot, episode, order.caption)
        if (order := orders.get(shot.slate)) and order.caption is not None
        else shot
        for shot in episode.shots
    )
    return episode.model_copy(update={"shots": shots})
