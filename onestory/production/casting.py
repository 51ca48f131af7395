"""
Who looks like that? Draws reference sheets, and lets a person circle one of each.

    script ── cast and sets ── candidates that are not in the vault yet ── painter ── ledger
                                      the first of each is circled until a person circles another

Nothing is drawn for whom there are as many candidates already: one season, one set of sheets.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from onestory.documents import Digest, Frozen
from onestory.engine_server.messages import KeyframeRequest
from onestory.errors import OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.recipes import Filming
from onestory.production.sheets import PREFIX, SHEETS, Subject, sheet_recipe, subjects_of
from onestory.production.unit import Unit
from onestory.screenplay.episode import Episode
from onestory.vault.ledger import Ledger

BY_DEFAULT = "the first, until a person circles another"


class Candidate(Frozen):
    """One picture of somebody."""

    number: int
    """From 1, as a person names it."""
    recipe: Digest
    blob: Digest
    """PNG."""


class ReferenceSheet(Frozen):
    """What there is of one subject."""

    subject: Subject
    candidates: tuple[Candidate, ...]
    circled: int | None
    """Number of the candidate that first frames start from."""
    by: str
    """Who circled it: a person's name, if it is known."""


class SheetsDrawn(Frozen):
    """The sheets of an episode's cast and sets."""

    sheets: tuple[ReferenceSheet, ...]
    drawn: int
    """How many candidates were not there before."""


async def draw_sheets(unit: Unit, sheet: CallSheet, *, candidates: int) -> SheetsDrawn:
    """
    Draw what is missing, and circle the first of whomever nothing is circled of.

    Args:
        unit: Whose painter draws.
        sheet: The episode, as broken down.
        candidates: How many there shall be of each subject.

    Raises:
        OrderError: If nobody paints from sheets.
        RenderError: If the painter cannot draw them.
    """
    episode, ledger = unit.records.episode_of(sheet), unit.records.ledger(SHEETS)
    ledger.refresh()
    filming = await _filming(unit, sheet)
    subjects, drawn = subjects_of(episode), 0
    for subject in subjects:
        coverage = ledger.state.shot(subject.key)
        # Counted, not compared: a film of another size, or another painter, draws nobody anew.
        for number in range(len(coverage.takes) + 1, candidates + 1):
            recipe = sheet_recipe(subject, episode, filming, number=number)
            answer = await unit.engine.keyframe(KeyframeRequest(recipe=recipe, slate=subject.key))
            ledger.keyframe(subject.key, answer.blob, recipe=recipe.digest)
            ledger.rendered(subject.key, prefix=PREFIX, address=recipe.digest, rung=number - 1)
            drawn += 1
        if coverage.circled is None and coverage.takes:
            first = coverage.takes[0].address
            ledger.circle(subject.key, address=first, by="nobody", why=BY_DEFAULT)
    return SheetsDrawn(sheets=_sheets(ledger, subjects), drawn=drawn)


def circle_sheets(
    unit: Unit, sheet: CallSheet, chosen: Mapping[str, int], *, person: str = ""
) -> SheetsDrawn:
    """
    Let first frames start from other candidates, all of those that are named or none.

    Args:
        unit: In whose vault they lie.
        sheet: The episode, as broken down.
        chosen: Number of a candidate, by name of the person or place.
        person: Name of who circles them.

    Raises:
        OrderError: If there is no such name, or no such candidate.
    """
    ledger, subjects = unit.records.ledger(SHEETS), subjects_of(unit.records.episode_of(sheet))
    ledger.refresh()
    found = []
    for name, number in chosen.items():
        of_name = [one for one in subjects if one.name.casefold() == name.casefold()]
        if not of_name:
            raise OrderError(
                f"there is no {name!r} to circle a sheet of",
                hint=f"there are {', '.join(one.name for one in subjects)}",
            )
        takes = ledger.state.shot(of_name[0].key).takes
        if not 1 <= number <= len(takes):
            raise OrderError(
                f"{name} has no candidate {number}, there are {len(takes)}",
                hint="draw more of them with --candidates",
            )
        found.append((of_name[0].key, takes[number - 1].address))
    for key, address in found:
        ledger.circle(key, address=address, by="person", why="circled", person=person)
    return SheetsDrawn(sheets=_sheets(ledger, subjects), drawn=0)


def sheets_of(unit: Unit, episode: Episode) -> tuple[ReferenceSheet, ...]:
    """What there is of an episode's cast and sets by now; nothing of whom nothing was drawn."""
    ledger = unit.records.ledger(SHEETS)
    ledger.refresh()
    drawn = [one for one in subjects_of(episode) if one.key in ledger.state.shots]
    return _sheets(ledger, drawn)


def write_sheets(unit: Unit, drawn: SheetsDrawn, folder: Path) -> list[Path]:
    """Write every candidate as `NAME-NUMBER.png`; returns where they lie."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for one in drawn.sheets:
        for candidate in one.candidates:
            paths.append(folder / f"{one.subject.key}-{candidate.number}.png")
            paths[-1].write_bytes(unit.vault.get_blob(candidate.blob))
    return paths


def _sheets(ledger: Ledger, subjects: Sequence[Subject]) -> tuple[ReferenceSheet, ...]:
    sheets = []
    for subject in subjects:
        coverage = ledger.state.shot(subject.key)
        circled = coverage.circled
        numbered = list(enumerate(coverage.takes, start=1))
        sheets.append(
            ReferenceSheet(
                subject=subject,
                candidates=tuple(
                    Candidate(
                        number=number, recipe=take.address, blob=coverage.keyframes[take.address]
                    )
                    for number, take in numbered
                ),
                circled=next(
                    (
                        number
                        for number, take in numbered
                        if circled and take.slate == circled.slate
                    ),
                    None,
                ),
                by=circled.who if circled else "",
            )
        )
    return tuple(sheets)


async def _filming(unit: Unit, sheet: CallSheet) -> Filming:
    """Of all that shots are filmed with, what sheets are drawn with."""
    health = await unit.engine.health()
    width, height = unit.records.size_of(sheet)
    return Filming(
        engine=health.engine,
        remembers=False,
        draws_keyframes=health.draws_keyframes,
        painter=health.painter,
        paints_from_sheets=health.paints_from_sheets,
        width=width,
        height=height,
        seed=sheet.order.seed,
        seeds_of=PREFIX,
    )
