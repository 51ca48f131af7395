"""
How do the takes of one shot differ?

    ledger ── every take of the shot ──┬── frames, gates, measures
              its circled take ────────┴── recipe and memory: what each has otherwise

All takes that were ever filmed of it, not only those of today's recipe; one that is damaged or
gone still has its place, with what is left of it.
"""

from collections.abc import Mapping
from pathlib import Path

from onestory.breakdown.slates import parts_of
from onestory.continuity.measures import FrameMeasures
from onestory.dailies.comparison import FRAMES, ComparedTake, ComparisonPage, Picture
from onestory.dailies.contact_sheet import thumbnail
from onestory.dailies.rendering import render_comparison
from onestory.documents import Digest
from onestory.engines.recipe import differences
from onestory.engines.take import Take
from onestory.errors import OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.dailies import THUMBNAIL_PIXELS, blob_if_whole, judged, put_file
from onestory.production.recall import memory_changes, shots_by_take
from onestory.production.retake import chosen
from onestory.production.unit import Unit
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.ledger import ShotState, TakeEntry


def compare(unit: Unit, sheet: CallSheet, shot: str) -> ComparisonPage:
    """
    Lay every take of a shot beside the others.

    Args:
        unit: Whose vault and ledger; its engine is not asked.
        sheet: Which episode.
        shot: Number as on the slate: `3`, or `5A`.

    Raises:
        OrderError: If that is no shot of the episode, or more than one.
    """
    state = unit.records.ledger(sheet.episode).state
    wanted = _only(shot, unit.records.episode_as_ordered(sheet))
    coverage = state.shot(wanted.slate)
    circled = coverage.circled
    takes = unit.records.takes([entry.address for entry in coverage.takes])
    reference = _reference(coverage, takes)
    shots = shots_by_take(state)
    return ComparisonPage(
        title=sheet.title,
        episode=sheet.episode,
        prefix=sheet.prefix,
        slate=wanted.slate,
        set_name=wanted.set_name,
        caption=wanted.caption,
        references=wanted.references,
        circled=circled.slate if circled else None,
        circled_why=circled.why if circled else "",
        circled_by=circled.who if circled else "",
        reference=reference.slate if reference else None,
        takes=tuple(
            compared(unit, entry, coverage, takes, reference, shots) for entry in coverage.takes
        ),
    )


def write_comparison(page: ComparisonPage, out: Path) -> Path:
    """Write the page into the episode's folder, beside its dailies; returns the page's path."""
    folder = out / page.episode
    folder.mkdir(parents=True, exist_ok=True)
    return put_file(folder / f"compare-{page.slate}.html", render_comparison(page).encode())


def _only(shot: str, episode: Episode) -> Shot:
    wanted = chosen(shot, episode)
    if len(wanted) > 1:
        raise OrderError(
            f"{shot} are {len(wanted)} shots, but takes of one shot are compared",
            hint=f"for example {parts_of(wanted[0].slate).number}",
        )
    return wanted[0]


def _reference(coverage: ShotState, takes: Mapping[Digest, Take]) -> TakeEntry | None:
    """The circled take if it is there, else the latest that is."""
    there = [entry for entry in coverage.takes if entry.address in takes]
    circled = coverage.circled.address if coverage.circled else None
    latest = there[-1] if there else None
    return next((entry for entry in there if entry.address == circled), latest)


def compared(
    unit: Unit,
    entry: TakeEntry,
    coverage: ShotState,
    takes: Mapping[Digest, Take],
    reference: TakeEntry | None,
    shots: Mapping[Digest, str],
) -> ComparedTake:
    """
    Say everything of one take that sets it apart.

    Args:
        unit: Whose vault.
        entry: What the ledger says of it.
        coverage: Of its shot.
        takes: Those that are there, by address.
        reference: The take that it is held against, one that is there; None if none is.
        shots: Slate of the shot of every take that may be remembered.
    """
    take, verdict = takes.get(entry.address), unit.records.verdict_of(entry)
    measures = unit.vault.find_measures(entry.address)
    said = ComparedTake(
        **dict(judged(entry, coverage, take=take, verdict=verdict)),
        is_gone=take is None,
        is_passed=verdict.is_passed if verdict else None,
        reasons=verdict.reasons if verdict else (),
        rejected_why=entry.rejected_why,
        measures=FrameMeasures.model_validate(measures).in_short if measures else (),
    )
    if take is None or reference is None:
        return said
    other = takes[reference.address]
    seen = {
        "pictures": _pictures(unit, take),
        "differences": differences(other.recipe, take.recipe),
        "memory_changes": memory_changes(other.lineage, take.lineage, shots),
    }
    return said.model_copy(update=seen)


def _pictures(unit: Unit, take: Take) -> tuple[Picture, ...]:
    blobs = (take.media.first_frame, take.media.poster, take.media.last_frame)
    contents = [thumbnail(blob_if_whole(unit, blob), THUMBNAIL_PIXELS) for blob in blobs]
    return tuple(
        Picture(frame=frame, blob=blob, is_readable=bool(content), content=content)
        for frame, blob, content in zip(FRAMES, blobs, contents, strict=True)
    )
