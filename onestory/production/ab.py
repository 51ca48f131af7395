"""
Which of two ways of filming is the better one? One script, filmed twice on the same seeds.

    ledger A ── circled takes ──┐
                                ├── shot by shot: frames, gates, measures, what differs
    ledger B ── circled takes ──┘

Shots that come out alike under both are the same take, rendered once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from onestory.continuity.measures import Measure
from onestory.dailies.ab import ABPage, ABShot, Side
from onestory.dailies.comparison import ComparedTake
from onestory.dailies.rendering import render_ab
from onestory.documents import Digest
from onestory.engines.take import Take
from onestory.production.call_sheet import CallSheet
from onestory.production.compare import compared
from onestory.production.dailies import put_file
from onestory.production.recall import shots_by_take
from onestory.production.unit import Unit
from onestory.screenplay.episode import Shot
from onestory.vault.ledger import ShotState, TakeEntry


class Filmed(NamedTuple):
    """One of the two films."""

    sheet: CallSheet
    policy: str
    """How it was filmed, in the words of the command."""


def lay_beside(unit: Unit, films: tuple[Filmed, Filmed], *, episode: str) -> ABPage:
    """
    Lay two films of one script beside each other.

    Args:
        unit: Whose vault and ledgers; its engine is not asked.
        films: Both, A first.
        episode: Whose seeds they were drawn from.
    """
    told = unit.records.episode_of(films[0].sheet)
    states = [unit.records.ledger(film.sheet.episode).state for film in films]
    entries = [
        {shot.slate: _circled(state.shot(shot.slate)) for shot in told.shots} for state in states
    ]
    takes = unit.records.takes([one.address for side in entries for one in side.values() if one])
    remembered = {take: slate for state in states for take, slate in shots_by_take(state).items()}
    beside: list[dict[str, ComparedTake]] = []
    for state, side in zip(states, entries, strict=True):
        beside.append(
            {
                slate: compared(
                    unit,
                    entry,
                    state.shot(slate),
                    takes,
                    _reference(entries[0][slate], takes),
                    remembered,
                )
                for slate, entry in side.items()
                if entry is not None
            }
        )
    shots = tuple(_shot(shot, [side.get(shot.slate) for side in beside]) for shot in told.shots)
    one, other = (
        _side(name, film, [state.shot(shot.slate) for shot in told.shots], list(side.values()))
        for name, film, state, side in zip("AB", films, states, beside, strict=True)
    )
    return ABPage(
        title=films[0].sheet.title,
        episode=episode,
        prefix=films[0].sheet.prefix,
        sides=(one, other),
        shots=shots,
    )


def write_ab(page: ABPage, out: Path) -> Path:
    """Write the page into a folder of the episode; returns the page's path."""
    folder = out / page.episode
    folder.mkdir(parents=True, exist_ok=True)
    return put_file(folder / "ab.html", render_ab(page).encode())


def _circled(shot: ShotState) -> TakeEntry | None:
    """The entry of the circled take."""
    circled = shot.circled
    return next((one for one in shot.takes if circled and one.address == circled.address), None)


def _reference(entry: TakeEntry | None, takes: Mapping[Digest, Take]) -> TakeEntry | None:
    """A's take, if it is there."""
    return entry if entry and entry.address in takes else None


def _shot(shot: Shot, takes: Sequence[ComparedTake | None]) -> ABShot:
    there = tuple(take for take in takes if take is not None)
    return ABShot(
        slate=shot.slate,
        set_name=shot.set_name,
        caption=shot.caption,
        references=shot.references,
        is_same=len(there) == len(takes) and len({take.address for take in there}) == 1,
        takes=there,
    )


def _side(
    name: str, film: Filmed, shots: Sequence[ShotState], takes: Sequence[ComparedTake]
) -> Side:
    circled = [shot.circled for shot in shots if shot.circled]
    return Side(
        name=name,
        episode=film.sheet.episode,
        policy=film.policy,
        num_takes=sum(len(shot.takes) for shot in shots),
        num_first_takes=sum(one.rung == 0 for one in circled),
        num_waiting_for_review=sum(one.is_waiting_for_review for one in circled),
        render_seconds=sum(take.render_seconds for take in takes),
        measures=_means(takes),
    )


def _means(takes: Sequence[ComparedTake]) -> tuple[Measure, ...]:
    """What gates and measures say, over all shots that have it."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for take in takes:
        for result in take.results:
            if result.value is not None:
                values[result.gate, result.unit].append(result.value)
        for measure in take.measures:
            values[measure.name, measure.unit].append(measure.value)
    return tuple(
        Measure(name=name, unit=unit, value=round(sum(found) / len(found), 4))
        for (name, unit), found in values.items()
    )
