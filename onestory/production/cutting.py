"""
How do the circled takes in the vault become a cut on a cutting room's desk?

The media is fetched into a folder, checked against its digest on the way; the cut then
speaks of local files only.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from onestory.cut.captions import cues_for, to_srt, to_vtt
from onestory.cut.interchange import to_edl, to_kitsu_csv, to_otio
from onestory.cut.timeline import Cut, CutShot, CutTake, SpokenLine
from onestory.documents import Digest
from onestory.engines.take import Take
from onestory.errors import CorruptBlobError, CutError, MissingBlobError, OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.table_read import LineRead
from onestory.production.unit import Unit
from onestory.screenplay.episode import Shot
from onestory.vault.ledger import ShotState

logger = logging.getLogger("onestory.production")

TRANSITION_FRAMES = 12
"""Length of a dissolve or a fade: half a second at 24 frames a second."""

EXPORTS: Mapping[str, Callable[[Cut], str]] = {
    "otio": to_otio,
    "edl": to_edl,
    "srt": lambda cut: to_srt(cues_for(cut), fps=cut.fps),
    "vtt": lambda cut: to_vtt(cues_for(cut), fps=cut.fps),
    "kitsu-csv": to_kitsu_csv,
}


def export(unit: Unit, sheet: CallSheet, to: str) -> str:
    """
    Write an episode's cut in a foreign format. Fetches no media.

    Raises:
        OrderError: If there is no such format.
        CutError: If a shot has no circled take.
    """
    if to not in EXPORTS:
        raise OrderError(f"there is no export {to!r}", hint=f"one of {', '.join(EXPORTS)}")
    return EXPORTS[to](lay_out(unit, sheet, Path("media")))


def lay_out(unit: Unit, sheet: CallSheet, folder: Path) -> Cut:
    """
    Lay the circled takes end to end.

    Args:
        unit: Whose vault and ledger.
        sheet: Which episode.
        folder: Where media will lie; nothing is fetched here.

    Raises:
        CutError: If a shot has no circled take in the vault.
    """
    episode, state = (
        unit.records.episode_as_ordered(sheet),
        unit.records.ledger(sheet.episode).state,
    )
    coverage = {shot.slate: state.shot(shot.slate) for shot in episode.shots}
    takes = unit.records.takes([take.address for one in coverage.values() for take in one.takes])
    shots = tuple(
        _cut_shot(unit, sheet, shot, coverage[shot.slate], takes, folder) for shot in episode.shots
    )
    return Cut(
        episode=sheet.episode,
        title=sheet.title,
        fps=episode.fps,
        width=max(shot.take.width for shot in shots),
        height=max(shot.take.height for shot in shots),
        shots=shots,
    )


def fetch(unit: Unit, sheet: CallSheet, folder: Path) -> None:
    """
    Put the circled takes' videos and the spoken lines into a folder.

    Raises:
        CorruptBlobError: If bytes are not what their name promises. The take that they belong
            to is forgotten, so that the next run renders it anew.
    """
    state = unit.records.ledger(sheet.episode).state
    circled = [state.shot(slate).circled for slate in sheet.slates]
    takes = unit.records.takes([one.address for one in circled if one])
    audio = {
        line.audio
        for shot in unit.records.read_of(sheet).shots
        for line in shot.lines
        if line.audio
    }
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda take: _fetch_take(unit, take, folder), takes.values()))
        list(pool.map(lambda blob: _fetch_audio(unit, blob, folder), audio))


def _cut_shot(
    unit: Unit,
    sheet: CallSheet,
    shot: Shot,
    coverage: ShotState,
    takes: Mapping[Digest, Take],
    folder: Path,
) -> CutShot:
    circled = coverage.circled
    if circled is None or circled.address not in takes:
        raise CutError("no take is circled", slate=f"{sheet.prefix}-{shot.slate}")
    read = unit.records.read_of(sheet).shot(shot.slate)
    chosen = takes[circled.address]
    word = "waiting for review" if circled.is_waiting_for_review else "circled"
    others = [
        _cut_take(takes[entry.address], entry.slate, folder, _word(entry.is_passed))
        for entry in coverage.takes
        if entry.address in takes and entry.address != circled.address
    ]
    return CutShot(
        slate=shot.slate,
        take=_cut_take(chosen, circled.slate, folder, word),
        num_frames=min(read.num_frames, chosen.media.num_frames),
        transition=shot.transition,
        transition_frames=0 if shot.transition == "cut" else TRANSITION_FRAMES,
        lines=tuple(
            _spoken(line, folder, chosen.media.num_frames)
            for line in read.lines
            if line.start_frame < chosen.media.num_frames
        ),
        alternates=tuple(others),
        caption=shot.caption,
    )


def _word(is_passed: bool | None) -> str:
    return "not judged" if is_passed is None else "passed" if is_passed else "NG"


def _cut_take(take: Take, slate: str, folder: Path, verdict: str) -> CutTake:
    return CutTake(
        slate=slate,
        video=folder / _file_name(take.media.video, "mp4"),
        num_frames=take.media.num_frames,
        width=take.media.width,
        height=take.media.height,
        fps=take.media.fps,
        recipe=take.address,
        verdict=verdict,
        url=f"{slate}.mp4",
    )


def _spoken(line: LineRead, folder: Path, num_frames: int) -> SpokenLine:
    return SpokenLine(
        character=line.character,
        text=line.text,
        start_frame=line.start_frame,
        end_frame=min(line.end_frame, num_frames),
        is_dual=line.is_dual,
        voice=folder / _file_name(line.audio, "wav") if line.audio else None,
    )


def _file_name(blob: Digest, suffix: str) -> str:
    return f"{blob.removeprefix('sha256:')}.{suffix}"


def _fetch_take(unit: Unit, take: Take, folder: Path) -> None:
    blob = take.media.video
    try:
        content = unit.vault.get_blob(blob)
    except (CorruptBlobError, MissingBlobError) as error:
        unit.records.forget(take)
        raise CorruptBlobError(
            f"the video of the take is damaged: {error.message}",
            slate=take.slate,
            hint="the take was forgotten; run produce again and it is rendered anew",
        ) from error
    (folder / _file_name(blob, "mp4")).write_bytes(content)


def _fetch_audio(unit: Unit, blob: Digest, folder: Path) -> None:
    (folder / _file_name(blob, "wav")).write_bytes(unit.vault.get_blob(blob))
