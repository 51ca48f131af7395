"""What is put on the dailies page of an episode, and where does it come from?"""

import asyncio
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from onestory.continuity.ladder import rung_of
from onestory.dailies.contact_sheet import contact_sheet, thumbnail
from onestory.dailies.page import (
    DailiesPage,
    DailiesShot,
    DailiesTake,
    JudgedTake,
    RememberedShot,
    SheetPicture,
)
from onestory.dailies.rendering import render_page
from onestory.documents import Digest
from onestory.engines.take import Take, Verdict
from onestory.errors import CorruptBlobError, MissingBlobError
from onestory.production.call_sheet import CallSheet
from onestory.production.casting import sheets_of
from onestory.production.estimate import Price, price
from onestory.production.evidence import evidence_of
from onestory.production.plan import Plan, ShotPlan
from onestory.production.recall import shots_by_take
from onestory.production.unit import Unit
from onestory.screenplay.episode import Episode, Shot
from onestory.vault.ledger import EpisodeState, ShotState, TakeEntry

THUMBNAIL_PIXELS = 480
STRIP_PIXELS = 320


async def write_dailies(unit: Unit, sheet: CallSheet, out: Path, *, tracking_uri: str) -> Path:
    """
    Write the dailies page of an episode beside its film, with what is still to be filmed.

    Args:
        unit: Whose vault and ledger.
        sheet: Which episode.
        out: Where deliveries lie.
        tracking_uri: Of the MLflow that knows what takes have cost.

    Returns:
        The page's path.
    """
    plan = await unit.survey(sheet)
    found = await price(unit, sheet, plan.shots, tracking_uri)
    folder = out / sheet.episode
    return await asyncio.to_thread(_write, unit, sheet, plan, found, folder)


def _write(unit: Unit, sheet: CallSheet, plan: Plan, found: Price, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    page = page_of(unit, sheet, plan, folder, price_words=found.in_words)
    return put_file(folder / "dailies.html", render_page(page).encode())


def put_file(path: Path, content: bytes) -> Path:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    os.chmod(name, 0o644)
    os.replace(name, path)
    return path


def page_of(
    unit: Unit,
    sheet: CallSheet,
    plan: Plan,
    folder: Path,
    *,
    provenance: tuple[tuple[str, str], ...] = (),
    price_words: str = "",
) -> DailiesPage:
    """
    What the dailies page of an episode shows.

    Args:
        unit: Whose vault and ledger.
        sheet: Which episode.
        plan: Where its shots stand now.
        folder: The delivery, for film and subtitles; may be empty.
        provenance: (what, value) pairs for the foot of the page.
        price_words: What filming the rest would cost.
    """
    episode, state = (
        unit.records.episode_as_ordered(sheet),
        unit.records.ledger(sheet.episode).state,
    )
    entries = [take for shot in episode.shots for take in state.shot(shot.slate).takes]
    takes = unit.records.takes([entry.address for entry in entries])
    standing = {shot.slate: shot for shot in plan.shots}
    slates = {**sheet.lent(), **shots_by_take(state)}
    film, subtitles = folder / "episode.mp4", folder / "episode.vtt"
    poster = folder / "episode.jpg"
    starts = _film_starts(unit, sheet)
    return DailiesPage(
        title=sheet.title,
        episode=sheet.episode,
        prefix=sheet.prefix,
        fps=episode.fps,
        film_name=film.name if film.exists() else None,
        film_poster=poster.read_bytes() if poster.exists() else b"",
        subtitles=subtitles.read_text() if subtitles.exists() else "",
        shots=tuple(
            _shot(unit, shot, standing[shot.slate], state, takes, starts, slates)
            for shot in episode.shots
        ),
        sheets=_sheets(unit, episode),
        warnings=unknown_words(takes),
        provenance=provenance,
        num_to_film=plan.num_to_shoot,
        price=price_words,
        made_at=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
    )


def contact_sheet_of(unit: Unit, sheet: CallSheet, *, columns: int = 5) -> bytes:
    """JPEG of the circled take of every shot, in story order."""
    state = unit.records.ledger(sheet.episode).state
    pictures = []
    for slate in sheet.slates:
        circled = state.shot(slate).circled
        found = unit.records.takes([circled.address]) if circled else {}
        for take in found.values():
            pictures.append((slate, blob_if_whole(unit, take.media.poster)))
    return contact_sheet(pictures, columns)


def unknown_words(takes: Mapping[Digest, Take]) -> tuple[str, ...]:
    """One sentence about words that the engine did not know, if there are any."""
    reports = [take.caption_report for take in takes.values() if take.caption_report]
    unknown = sorted({word for report in reports for word in report.unknown})
    mapped = sorted({pair for report in reports for pair in report.mapped})
    sentences = []
    if unknown:
        num_words = sum(report.num_words for report in reports)
        num_unknown = sum(len(report.unknown) for report in reports)
        share = 100 * num_unknown / max(1, num_words)
        sentences.append(
            f"{share:.0f} % of the captions' words mean nothing to the engine: "
            + ", ".join(unknown)
        )
    if mapped:
        pairs = ", ".join(f"{word} as {nearest}" for word, nearest in mapped)
        sentences.append(f"Drawn as the nearest that the engine knows: {pairs}")
    return tuple(sentences)


def _sheets(unit: Unit, episode: Episode) -> tuple[SheetPicture, ...]:
    return tuple(
        SheetPicture(
            name=one.subject.name,
            number=candidate.number,
            picture=thumbnail(blob_if_whole(unit, candidate.blob), STRIP_PIXELS),
            is_circled=candidate.number == one.circled,
        )
        for one in sheets_of(unit, episode)
        for candidate in one.candidates
    )


def _film_starts(unit: Unit, sheet: CallSheet) -> Mapping[str, int]:
    from onestory.cut.timeline import place
    from onestory.errors import CutError
    from onestory.production.cutting import lay_out

    try:
        cut = lay_out(unit, sheet, Path())
    except CutError:
        return {}
    return {placed.shot.slate: placed.start_frame for placed in place(cut)}


def _shot(
    unit: Unit,
    shot: Shot,
    plan: ShotPlan,
    state: EpisodeState,
    takes: Mapping[Digest, Take],
    starts: Mapping[str, int],
    slates: Mapping[Digest, str],
) -> DailiesShot:
    coverage = state.shot(shot.slate)
    circled = coverage.circled
    shown = takes.get(circled.address) if circled else None
    return DailiesShot(
        slate=shot.slate,
        scene=shot.scene,
        set_name=shot.set_name,
        setting=", ".join((shot.light, shot.weather, shot.framing, shot.move)),
        caption=shot.caption,
        references=shot.references,
        lines=shot.lines,
        num_frames=shown.media.num_frames if shown else shot.num_frames,
        film_start_frame=starts.get(shot.slate),
        job="done" if circled else "waiting",
        freshness=plan.freshness,
        why=plan.why if plan.freshness != "current" else "",
        hold=plan.hold,
        ordered=plan.ordered,
        verdict=plan.verdict,
        circled=circled.slate if circled else None,
        circled_why=circled.why if circled else "",
        circled_by=circled.who if circled else "",
        is_waiting_for_review=plan.verdict == "waiting for review",
        remembered=_remembered(shown, slates),
        takes=tuple(
            _take(unit, entry, takes[entry.address], coverage)
            for entry in coverage.takes
            if entry.address in takes
        ),
    )


def _take(unit: Unit, entry: TakeEntry, take: Take, coverage: ShotState) -> DailiesTake:
    verdict = unit.records.verdict_of(entry)
    frames = (take.media.first_frame, take.media.poster, take.media.last_frame)
    return DailiesTake(
        **dict(judged(entry, coverage, take=take, verdict=verdict)),
        poster=thumbnail(blob_if_whole(unit, take.media.poster), THUMBNAIL_PIXELS),
        strip=tuple(thumbnail(blob_if_whole(unit, frame), STRIP_PIXELS) for frame in frames),
        evidence=evidence_of(unit.vault, verdict),
    )


def judged(
    entry: TakeEntry, coverage: ShotState, *, take: Take | None, verdict: Verdict | None
) -> JudgedTake:
    """
    What is shown of a take beside its pictures.

    Args:
        entry: What the ledger says of it.
        coverage: The shot whose take it is.
        take: The take; None if it is gone, and then nothing is said of how it was made.
        verdict: What the gates in force say of it; None if they were not asked.
    """
    circled = coverage.circled
    is_circled = circled is not None and circled.address == entry.address
    waiting = is_circled and circled is not None and circled.is_waiting_for_review
    rung = rung_of(entry.rung + 1)
    said = JudgedTake(
        slate=entry.slate,
        address=entry.address,
        rung=rung.name if rung else "",
        results=verdict.results if verdict else (),
        verdict=_word(entry, is_circled, waiting),
        is_circled=is_circled,
        is_waiting_for_review=waiting,
    )
    if take is None:
        return said
    made = {
        "engine": take.recipe.engine.name,
        "seed": take.recipe.seed,
        "render_seconds": take.timings.render_seconds,
        "remarks": take.remarks,
        "caption_report": take.caption_report,
    }
    return said.model_copy(update=made)


def _word(entry: TakeEntry, is_circled: bool, is_waiting: bool) -> str:
    if is_waiting:
        return "waiting for review"
    if is_circled:
        return "circled"
    if entry.is_passed is None:
        return ""
    return "passed" if entry.is_passed else "NG"


def _remembered(take: Take | None, slates: Mapping[Digest, str]) -> tuple[RememberedShot, ...]:
    scores: dict[str, list[float]] = {}
    for frame in take.lineage if take else ():
        if frame.take in slates:
            scores.setdefault(slates[frame.take], []).append(frame.score)
    return tuple(
        RememberedShot(shot=shot, num_frames=len(found), score=max(found))
        for shot, found in scores.items()
    )


def blob_if_whole(unit: Unit, digest: Digest) -> bytes:
    """A picture, or nothing if it is damaged: a page shows what there is."""
    try:
        return unit.vault.get_blob(digest)
    except (CorruptBlobError, MissingBlobError):
        return b""
