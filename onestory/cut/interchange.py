"""
What does an editor, or a production tracker, get?

    Cut ─┬─ OTIO   every take as an alternate, handles, transitions, captions, scratch voices
         ├─ EDL    CMX 3600, one picture track
         └─ CSV    the shot list, as Kitsu imports it

The same cut gives the same bytes. Media are named by file name or by the take's own URL.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import opentimelineio as otio

from onestory.cut.timeline import Cut, CutShot, CutTake, Event, Placed, events, place
from onestory.errors import CutError

OWNER = "onestory"
"""Key of our metadata in somebody else's file."""
RECORD_START_HOURS = 1
"""Where the record side of an EDL begins, as is usual."""


def to_otio(cut: Cut, *, music: Path | None = None) -> str:
    """
    Write the cut as an OpenTimelineIO document.

    Args:
        cut: The film.
        music: The music file, if there is one.

    Returns:
        JSON: one video track, whose clips hold all takes of their shot with the circled one
        active; scratch voices on as many tracks as speak at once; music on one of its own.

    Raises:
        CutError: If the timeline is not legal.
    """
    places = place(cut)
    timeline = otio.schema.Timeline(name=cut.title)
    timeline.global_start_time = otio.opentime.RationalTime(0, float(cut.rate))
    timeline.metadata[OWNER] = {"episode": cut.episode, "fps": cut.fps}
    timeline.tracks.append(_picture_track(cut, places))
    timeline.tracks.extend(_voice_tracks(cut))
    if music is not None:
        timeline.tracks.append(_music_track(cut, music, places[-1].end_frame))
    # Read and written again with sorted keys: the library promises no order.
    document = json.loads(timeline.to_json_string())
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _picture_track(cut: Cut, places: Sequence[Placed]) -> otio.schema.Track:
    track = otio.schema.Track(name="picture", kind=otio.schema.TrackKind.Video)
    for placed, after in zip(places, (*places[1:], None), strict=True):
        if placed.shot.transition != "cut":
            track.append(_transition(cut, placed, is_first=not track))
        # A dissolve's overlap is shared out: the cut lies in its middle, the rest are handles.
        head = placed.head // 2
        tail = after.head - after.head // 2 if after else 0
        track.append(_picture_clip(cut, placed.shot, head, tail))
    return track


def _transition(cut: Cut, placed: Placed, *, is_first: bool) -> otio.schema.Transition:
    length = placed.shot.transition_frames
    before = 0 if is_first else length // 2
    kinds = otio.schema.TransitionTypes
    is_dissolve = placed.shot.transition == "dissolve" and not is_first
    return otio.schema.Transition(
        name=placed.shot.transition,
        transition_type=kinds.SMPTE_Dissolve if is_dissolve else kinds.Custom,
        in_offset=_time(before, cut),
        out_offset=_time(length - before, cut),
        metadata={OWNER: {"kind": "dissolve" if is_dissolve else "fade through black"}},
    )


def _picture_clip(cut: Cut, shot: CutShot, head: int, tail: int) -> otio.schema.Clip:
    first = shot.start_frame + head
    clip = otio.schema.Clip(
        name=shot.slate, source_range=_span(first, shot.num_frames - head - tail, cut)
    )
    takes = {take.slate: _reference(take, cut) for take in (shot.take, *shot.alternates)}
    clip.set_media_references(takes, shot.take.slate)
    clip.metadata[OWNER] = {
        "slate": shot.slate,
        "circled": shot.take.slate,
        "caption": shot.caption,
    }
    for line in shot.lines:
        clip.markers.append(
            otio.schema.Marker(
                name=f"{line.character}: {line.text}",
                color=otio.schema.MarkerColor.CYAN,
                marked_range=_span(
                    shot.start_frame + line.start_frame, line.end_frame - line.start_frame, cut
                ),
                metadata={OWNER: {"character": line.character, "text": line.text}},
            )
        )
    return clip


def _reference(take: CutTake, cut: Cut) -> otio.schema.ExternalReference:
    reference = otio.schema.ExternalReference(
        target_url=take.url or take.video.name,
        available_range=_span(0, take.num_frames, cut),
        metadata={
            OWNER: {
                "recipe": take.recipe,
                "verdict": take.verdict,
                "size": f"{take.width}x{take.height}",
            }
        },
    )
    reference.name = take.slate
    return reference


def _voice_tracks(cut: Cut) -> list[otio.schema.Track]:
    layers: list[list[Event]] = []
    for event in events(cut):
        if event.line.voice is None:
            continue
        free = next((layer for layer in layers if layer[-1].end_frame <= event.start_frame), None)
        if free is None:
            layers.append([event])
        else:
            free.append(event)
    return [_voice_track(cut, layer, number) for number, layer in enumerate(layers, start=1)]


def _voice_track(cut: Cut, layer: Sequence[Event], number: int) -> otio.schema.Track:
    track = otio.schema.Track(name=f"voice {number}", kind=otio.schema.TrackKind.Audio)
    end = 0
    for event in layer:
        if event.start_frame > end:
            track.append(otio.schema.Gap(source_range=_span(0, event.start_frame - end, cut)))
        track.append(_voice_clip(cut, event))
        end = event.end_frame
    return track


def _voice_clip(cut: Cut, event: Event) -> otio.schema.Clip:
    assert event.line.voice is not None
    length = _span(0, event.end_frame - event.start_frame, cut)
    return otio.schema.Clip(
        name=event.line.character,
        source_range=length,
        media_reference=otio.schema.ExternalReference(
            target_url=event.line.voice.name, available_range=length
        ),
        metadata={
            OWNER: {
                "character": event.line.character,
                "text": event.line.text,
                "is_scratch": event.line.is_scratch,
                "slate": event.shot.slate,
            }
        },
    )


def _music_track(cut: Cut, music: Path, num_frames: int) -> otio.schema.Track:
    track = otio.schema.Track(name="music", kind=otio.schema.TrackKind.Audio)
    reference = otio.schema.ExternalReference(target_url=music.name)
    track.append(
        otio.schema.Clip(
            name="music", source_range=_span(0, num_frames, cut), media_reference=reference
        )
    )
    return track


def _time(frames: int, cut: Cut) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, float(cut.rate))


def _span(first: int, frames: int, cut: Cut) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_time(first, cut), _time(frames, cut))


def to_edl(cut: Cut) -> str:
    """
    Write the picture as a CMX 3600 edit decision list, non-drop.

    Args:
        cut: The film.

    Returns:
        Events of eight-letter reels with the takes' slates as clip names; the record side
        starts at one hour.

    Raises:
        CutError: If the timeline is not legal.
    """
    lines = [f"TITLE: {_one_row(cut.title)[:70]}", "FCM: NON-DROP FRAME", ""]
    places = place(cut)
    edits = [
        edit
        for before, placed in zip((None, *places), places, strict=False)
        for edit in _edits_of(placed, before)
    ]
    for number, edit in enumerate(edits, start=1):
        lines.extend(_edl_rows(cut, number, edit))
    return "\n".join(lines) + "\n"


class _Edit(NamedTuple):
    """One numbered event: what is seen, and what a transition into it starts from."""

    reel: str
    source: tuple[int, int]
    record: tuple[int, int]
    names: tuple[str, ...]
    transition: int = 0
    """Frames of the dissolve into it; 0 is a cut."""
    from_reel: str = "BL"
    from_frame: int = 0


def _edits_of(placed: Placed, before: Placed | None) -> Iterator[_Edit]:
    """A shot is one event, and another for the black it falls to."""
    shot, slate = placed.shot, placed.shot.take.slate
    # The tail under the next dissolve, or the fall to black, is the next event's business.
    spared = placed.tail + placed.fade_out
    last = shot.start_frame + shot.num_frames - spared
    record = (placed.start_frame, placed.end_frame - spared)
    edit = _Edit("AX", (shot.start_frame, last), record, (f"* FROM CLIP NAME: {slate}",))
    if placed.head and before is not None:
        gone = before.shot
        edit = edit._replace(
            transition=placed.head,
            from_reel="AX",
            from_frame=gone.start_frame + gone.num_frames - placed.head,
            names=(f"* FROM CLIP NAME: {gone.take.slate}", f"* TO CLIP NAME: {slate}"),
        )
    elif placed.fade_in:
        edit = edit._replace(transition=placed.fade_in, names=(f"* TO CLIP NAME: {slate}",))
    yield edit
    if placed.fade_out:
        yield _Edit(
            "BL",
            (0, placed.fade_out),
            (record[1], placed.end_frame),
            (f"* FROM CLIP NAME: {slate}",),
            placed.fade_out,
            "AX",
            last,
        )


def _edl_rows(cut: Cut, number: int, edit: _Edit) -> Iterator[str]:
    kind = "C"
    if edit.transition:
        here, kind = (edit.record[0], edit.record[0]), f"D    {edit.transition:03d}"
        point = (edit.from_frame, edit.from_frame)
        yield _edl_row(cut, number, edit.from_reel, "C", point, here)
    yield _edl_row(cut, number, edit.reel, kind, edit.source, edit.record)
    yield from edit.names


def _edl_row(
    cut: Cut, number: int, reel: str, kind: str, source: tuple[int, int], record: tuple[int, int]
) -> str:
    base = max(1, round(cut.rate)) * 3600 * RECORD_START_HOURS
    clocks = [*source, *(base + frame for frame in record)]
    stamps = " ".join(_timecode(frame, cut) for frame in clocks)
    return f"{number:03d}  {reel:<8} V     {kind:<8} {stamps}"


def _timecode(frame: int, cut: Cut) -> str:
    base = max(1, round(cut.rate))
    if base > 60:
        raise CutError(f"{cut.fps} frames a second are too many for a timecode")
    seconds, frames = divmod(frame, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}:{frames:02d}"


def to_kitsu_csv(cut: Cut) -> str:
    """
    Write the shot list as Kitsu's CSV import reads it.

    Args:
        cut: The film.

    Returns:
        One row for each shot, with the frames it has in the film.

    Raises:
        CutError: If the timeline is not legal.
    """
    target = io.StringIO()
    rows = csv.writer(target, lineterminator="\n")
    rows.writerow(
        ("Episode", "Sequence", "Name", "Description", "Nb Frames", "Frame In", "Frame Out", "FPS")
    )
    for placed in place(cut):
        parts = re.search(r"(sc\d+\w*)-(sh\w+)$", placed.shot.slate)
        sequence, name = parts.groups() if parts else ("", placed.shot.slate)
        last = placed.end_frame - 1
        rows.writerow(
            (cut.episode, sequence, name, _one_row(placed.shot.caption),
             placed.shot.num_frames, placed.start_frame, last, cut.fps)
        )  # fmt: skip
    return target.getvalue()


def _one_row(text: str) -> str:
    return " ".join(text.split())
