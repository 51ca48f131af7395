"""What an editor gets is the film that was cut."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from onestory.cut.interchange import to_edl, to_kitsu_csv, to_otio
from onestory.cut.timeline import Cut, SpokenLine, total_frames


def _says(text: str, start: int, end: int, *, dual: bool = False) -> SpokenLine:
    return SpokenLine(
        character="ANNA", text=text, start_frame=start, end_frame=end, is_dual=dual,
        voice=Path(f"{text}.wav"),
    )  # fmt: skip


@pytest.fixture(name="cut")
def _cut(room: Any, paper_take: Any) -> Cut:
    """A cut, a dissolve of 7 and a fade of 5, with handles, alternates and dual dialogue."""
    first = paper_take(1, 60, recipe="sha256:aa", verdict="circled")
    other = replace(first, slate="s01e01-sc01-sh001-tk02", verdict="NG: black")
    lines = (_says("A", 4, 20), _says("B", 4, 12, dual=True), _says("C", 25, 30))
    return room.cut(
        room.shot(first, start_frame=3, num_frames=40, lines=lines, alternates=(other,)),
        room.shot(paper_take(2, 50), transition="dissolve", transition_frames=7),
        room.shot(paper_take(3, 30), transition="fade", transition_frames=5, caption='=x, "y"\nz'),
    )


def test_otio_is_as_long_as_the_film(cut: Cut) -> None:
    """Trims and dissolves add up to the film's own number of frames."""
    timeline = otio.adapters.read_from_string(to_otio(cut), "otio_json")
    picture = timeline.video_tracks()[0]

    assert picture.duration().value == total_frames(cut) == 113
    assert [c.range_in_parent().start_time.value for c in picture.find_clips()] == [0, 36, 83]


def test_otio_dissolves_use_frames_that_exist(cut: Cut) -> None:
    """Both sides of a dissolve have the handles it needs, at the very frames that are mixed."""
    picture = otio.adapters.read_from_string(to_otio(cut), "otio_json").video_tracks()[0]
    first, dissolve, second = list(picture)[:3]

    assert (dissolve.in_offset.value, dissolve.out_offset.value) == (3, 4)
    assert first.source_range.end_time_exclusive().value + 4 == 3 + 40
    assert second.source_range.start_time.value - 3 == 0
    assert dissolve.transition_type == "SMPTE_Dissolve"


def test_otio_holds_every_take_with_the_circled_one_active(cut: Cut) -> None:
    """An editor can switch takes; recipe and verdict travel along."""
    clip = otio.adapters.read_from_string(to_otio(cut), "otio_json").find_clips()[0]

    assert clip.active_media_reference_key == "s01e01-sc01-sh001-tk01"
    takes = clip.media_references()
    assert set(takes) == {"s01e01-sc01-sh001-tk01", "s01e01-sc01-sh001-tk02"}
    assert takes["s01e01-sc01-sh001-tk02"].metadata["onestory"]["verdict"] == "NG: black"
    assert clip.media_reference.metadata["onestory"]["recipe"] == "sha256:aa"
    assert clip.media_reference.available_range.duration.value == 60
    assert clip.source_range.start_time.value == 3


def test_otio_has_words_and_voices(cut: Cut) -> None:
    """Markers have the words, and two who speak at once lie on two tracks."""
    timeline = otio.adapters.read_from_string(to_otio(cut, music=Path("m.mp3")), "otio_json")
    clip = timeline.find_clips()[0]

    assert [marker.metadata["onestory"]["text"] for marker in clip.markers] == ["A", "B", "C"]
    assert clip.markers[0].marked_range.start_time.value == 3 + 4
    tracks = {track.name: track for track in timeline.audio_tracks()}
    assert list(tracks) == ["voice 1", "voice 2", "music"]
    heard = [(c.name, c.range_in_parent().start_time.value) for c in tracks["voice 1"].find_clips()]
    assert heard == [("ANNA", 4), ("ANNA", 25)]
    assert tracks["voice 2"].find_clips()[0].metadata["onestory"]["is_scratch"] is True
    assert tracks["music"].duration().value == 113


def test_otio_is_the_same_every_time(cut: Cut) -> None:
    """Equal cuts give equal bytes, read and written again without loss."""
    text = to_otio(cut)

    assert text == to_otio(cut)
    assert list(json.loads(text)) == sorted(json.loads(text))
    again = otio.adapters.read_from_string(text, "otio_json").to_json_string()
    assert json.loads(again) == json.loads(text)


def test_edl_timecodes_are_the_cuts(cut: Cut) -> None:
    """Source and record clocks of every event, with the dissolve and the dip through black."""
    rows = [row for row in to_edl(cut).splitlines() if row[:1].isdigit()]

    assert [row.split() for row in rows] == [
        ["001", "AX", "V", "C", "00:00:00:03", "00:00:01:12", "01:00:00:00", "01:00:01:09"],
        ["002", "AX", "V", "C", "00:00:01:12", "00:00:01:12", "01:00:01:09", "01:00:01:09"],
        ["002", "AX", "V", "D", "007", "00:00:00:00", "00:00:02:00", "01:00:01:09", "01:00:03:09"],
        ["003", "AX", "V", "C", "00:00:02:00", "00:00:02:00", "01:00:03:09", "01:00:03:09"],
        ["003", "BL", "V", "D", "002", "00:00:00:00", "00:00:00:02", "01:00:03:09", "01:00:03:11"],
        ["004", "BL", "V", "C", "00:00:00:00", "00:00:00:00", "01:00:03:11", "01:00:03:11"],
        ["004", "AX", "V", "D", "003", "00:00:00:00", "00:00:01:06", "01:00:03:11", "01:00:04:17"],
    ]  # fmt: skip
    assert "* FROM CLIP NAME: s01e01-sc01-sh001-tk01" in to_edl(cut)
    assert "TITLE: Night: 'Up' 100% again\n" in to_edl(cut)


def test_kitsu_reads_the_shot_list(cut: Cut) -> None:
    """One row a shot, with the frames it is seen in, and no caption breaks the table."""
    rows = list(csv.DictReader(io.StringIO(to_kitsu_csv(cut))))

    assert [
        (r["Sequence"], r["Name"], r["Nb Frames"], r["Frame In"], r["Frame Out"]) for r in rows
    ] == [
        ("sc01", "sh001", "40", "0", "39"),
        ("sc01", "sh002", "50", "33", "82"),
        ("sc01", "sh003", "30", "83", "112"),
    ]
    assert rows[2]["Description"] == '=x, "y" z'
