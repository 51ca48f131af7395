"""
How does somebody look before anything is filmed? Reference sheets, drawn once and circled.

    looks of cast and sets ── painter, a seed for each candidate ── candidates ── circled: one each
                                                                                     │
    shot ── whom or where it shows ── sheet that its first frame starts from ◄───────┘

A sheet is known by whose it is and how they look, not by an episode: whatever episode has the same
look has the same sheet, and who changes their look needs another. All of them are in one ledger,
in which they are circled like takes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from onestory.continuity.ladder import seed_for
from onestory.documents import Digest, Frozen, digest_of_json
from onestory.engines.recipe import Recipe
from onestory.errors import OrderError
from onestory.production.recipes import Filming, first_seed
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.ledger import EpisodeState

SHEETS = "-sheets-"
"""Their ledger: the id of no episode."""

PREFIX = "sheets"
"""Of their slates: `sheets-person-mara-1a2b3c4d-tk02`."""

CAPTIONS = {
    "person": "Character reference sheet: {look}, alone, whole figure from the front, plain grey "
    "background, even light.",
    "place": "Location reference sheet: {look}, nobody in it, wide view, even light.",
}


class Subject(Frozen):
    """Somebody or some place that returns."""

    kind: Literal["person", "place"]
    name: str
    look: str

    @property
    def key(self) -> str:
        """Name of their sheet: readable, and another one for another look."""
        words = re.sub(r"[^a-z0-9]+", "-", self.name.casefold()).strip("-")
        digest = digest_of_json([self.kind, self.name.casefold(), self.look])
        return f"{self.kind}-{words}-{digest.removeprefix('sha256:')[:8]}".replace("--", "-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheets:
    """Blobs of circled sheets, by name."""

    people: Mapping[str, Digest] = field(default_factory=dict)
    places: Mapping[str, Digest] = field(default_factory=dict)


def subjects_of(episode: Episode) -> tuple[Subject, ...]:
    """Everybody and every place that an episode knows the look of; nobody who is only heard."""
    seen = {name for shot in episode.shots for name in shot.on_screen}
    people = [one for one in episode.cast if one.name in seen and one.look]
    places = [one for one in episode.sets if one.look]
    return (
        *(Subject(kind="person", name=one.name, look=one.look) for one in people),
        *(Subject(kind="place", name=one.name, look=one.look) for one in places),
    )


def sheet_recipe(subject: Subject, episode: Episode, filming: Filming, *, number: int) -> Recipe:
    """
    Write down what determines a candidate for a sheet.

    Args:
        subject: Whose sheet.
        episode: Its rate, which no picture depends on.
        filming: Painter, size and seed.
        number: Which candidate, from 1; each has a seed of its own.

    Raises:
        OrderError: If nobody paints, or whoever does cannot start from a sheet.
    """
    if filming.painter is None:
        raise OrderError(
            f"{filming.engine.name} has no painter, and reference sheets are painted",
            hint="name a text-to-image pipeline as the option keyframes of the engine wan",
        )
    if not filming.paints_from_sheets:
        raise OrderError(
            "strength in keyframe_config is 0: no first frame starts from a sheet",
            hint="set it above 0, or leave it out",
        )
    return Recipe(
        engine=filming.painter,
        caption=CAPTIONS[subject.kind].format(look=subject.look),
        memory_budget=0.0,
        # Not of an episode, so that all of a season draw the same candidates.
        seed=seed_for(first_seed(filming.seed, PREFIX, subject.key), number),
        width=filming.width,
        height=filming.height,
        num_frames=1,
        fps=episode.fps,
    )


def circled_sheets(state: EpisodeState, episode: Episode) -> Sheets:
    """The circled sheets of an episode's cast and sets, as far as there are any."""
    found: dict[str, dict[str, Digest]] = {"person": {}, "place": {}}
    for subject in subjects_of(episode):
        coverage = state.shots.get(subject.key)
        if coverage is not None and coverage.circled is not None:
            blob = coverage.keyframes.get(coverage.circled.address)
            if blob is not None:
                found[subject.kind][subject.name] = blob
    return Sheets(people=found["person"], places=found["place"])


def sheet_for(shot: Shot, sheets: Sheets) -> Digest | None:
    """
    Choose the sheet that the first frame of a shot starts from.

    Returns:
        That of a person who is alone in the shot, who is what viewers know again; else that of the
        place, since a picture of one is none of two; else that of whoever is most important. None
        if there is no sheet of any of them.
    """
    people = [sheets.people[name] for name in shot.on_screen if name in sheets.people]
    if people and len(shot.on_screen) == 1:
        return people[0]
    return sheets.places.get(shot.set_name) or next(iter(people), None)
