"""A film leaves the house whole, checked, or not at all."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg
import numpy as np
import pytest

from onestory.cut.assemble import (
    DISCLOSURE,
    AssemblyOptions,
    AssemblyResult,
    _check_film,
    assemble,
)
from onestory.cut.encode import VideoWriter
from onestory.cut.ffmpeg_call import local_file, run_ffmpeg
from onestory.cut.probe import decode_frames, probe_video
from onestory.cut.sound import read_sound
from onestory.cut.timeline import Cut, SpokenLine
from onestory.errors import CutError, MediaError

VERTICAL = AssemblyOptions(width=90, height=160)


def _film(cut: Cut, folder: Path, **fields: Any) -> AssemblyResult:
    options = AssemblyOptions(**{"width": 90, "height": 160, **fields})
    return assemble(cut, out_dir=folder / "out", options=options)


def _line(room: Any, text: str, start: int, end: int, **fields: Any) -> SpokenLine:
    return SpokenLine(
        character="ANNA", text=text, start_frame=start, end_frame=end, voice=room.voice(), **fields
    )


def test_a_plain_cut_is_copied_frame_by_frame(room: Any, tmp_path: Path) -> None:
    """Every frame of every take is there, in order, at its exact time, not encoded again."""
    takes = [room.take(n, 10 + n, hue=60 * n) for n in (1, 2, 3)]
    line = _line(room, "Go.", 0, 12)
    cut = room.cut(*(room.shot(take, lines=(line,) if take is takes[1] else ()) for take in takes))
    result = _film(cut, tmp_path)

    frames = list(decode_frames(result.film))
    assert [room.number_of(rgb) for rgb in frames] == [*range(11), *range(12), *range(13)]
    assert [round(room.hue_of(rgb) / 60) for rgb in frames] == [1] * 11 + [2] * 12 + [3] * 13
    assert (result.num_frames, result.is_copied, result.duration_seconds) == (36, True, 1.5)
    with av.open(str(result.film)) as film:
        video = film.streams.video[0]
        times = [frame.pts * video.time_base for frame in film.decode(video)]
    assert times == [Fraction(n, 24) for n in range(36)]


def test_the_delivery_is_complete(room: Any, tmp_path: Path) -> None:
    """Film, subtitles, timeline, poster: all there, named alike, nothing left over."""
    text = 'It\'s "100%": C:\\new {x}'
    cut = room.cut(room.shot(room.take(num_frames=30), lines=(_line(room, text, 6, 20),)))
    result = _film(cut, tmp_path)

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"episode.{suffix}" for suffix in ("csv", "edl", "jpg", "mp4", "otio", "srt", "vtt")
    ]
    facts = probe_video(result.film, decode=True)
    assert (facts.video_codec, facts.audio_codec, facts.is_fast_start) == ("h264", "aac", True)
    assert text in result.srt.read_text()
    assert f"<v ANNA>{text}" in result.vtt.read_text()
    assert result.poster.read_bytes()[:2] == b"\xff\xd8"
    with av.open(str(result.film)) as film:
        assert film.metadata["title"] == "Night: 'Up' 100% again"
        assert film.metadata["comment"].startswith(DISCLOSURE)
        assert "scratch" in film.metadata["comment"]


def test_the_film_is_as_loud_as_it_says(room: Any, tmp_path: Path) -> None:
    """-14 LUFS within 1 LU, no peak over -1 dBTP, and words where the line is."""
    lines = tuple(_line(room, "Go.", start, start + 16) for start in (6, 40, 70))
    cut = room.cut(room.shot(room.take(num_frames=96), lines=lines))
    result = _film(cut, tmp_path)

    assert abs(result.loudness.integrated_lufs + 14) <= 1
    assert result.loudness.true_peak_db <= -1
    sound_NS = np.abs(read_sound(result.film)).max(axis=1)
    assert sound_NS[40 * 2000 : 50 * 2000].max() > 0.1
    assert sound_NS[28 * 2000 : 38 * 2000].max() < 0.02


def test_a_dissolve_mixes_and_every_frame_is_accounted_for(room: Any, tmp_path: Path) -> None:
    """12 and 14 frames that overlap by 6 make 20; the overlap goes from one to the other."""
    first, second = room.take(1, 12, hue=40), room.take(2, 14, hue=220)
    cut = room.cut(room.shot(first), room.shot(second, transition="dissolve", transition_frames=6))
    result = _film(cut, tmp_path)

    frames = list(decode_frames(result.film))
    assert (len(frames), result.num_frames, result.is_copied) == (20, 20, False)
    hues = [room.hue_of(rgb) for rgb in frames]
    assert [round(hue, -1) for hue in hues[:6]] == [40] * 6
    assert [round(hue, -1) for hue in hues[12:]] == [220] * 8
    steps = np.diff(hues[5:13])
    assert steps.min() > -2
    assert steps.max() < 60
    assert [room.number_of(rgb) for rgb in frames[:6]] == list(range(6))
    assert [room.number_of(rgb) for rgb in frames[12:]] == list(range(6, 14))


def test_a_fade_goes_through_black(room: Any, tmp_path: Path) -> None:
    """No frame is lost, and at the joint the picture is dark."""
    cut = room.cut(
        room.shot(room.take(1, 12, hue=200)),
        room.shot(room.take(2, 12, hue=200), transition="fade", transition_frames=8),
    )
    hues = [room.hue_of(rgb) for rgb in decode_frames(_film(cut, tmp_path).film)]

    assert len(hues) == 24
    assert hues[7] > 190
    assert hues[12] < 30
    assert hues[16] > 190


def test_handles_are_left_out(room: Any, tmp_path: Path) -> None:
    """A trimmed shot begins and ends at the frames asked for."""
    cut = room.cut(room.shot(room.take(num_frames=20), start_frame=3, num_frames=9))

    frames = list(decode_frames(_film(cut, tmp_path).film))
    assert [room.number_of(rgb) for rgb in frames] == list(range(3, 12))


def test_a_film_is_fitted_to_its_delivery(room: Any, tmp_path: Path) -> None:
    """A vertical take in a wide film stands between bars, whole and undistorted."""
    cut = room.cut(room.shot(room.take(num_frames=10, hue=200)))
    result = _film(cut, tmp_path, width=320, height=180)

    facts = probe_video(result.film)
    assert (facts.width, facts.height, facts.num_frames) == (320, 180, 10)
    frame = next(iter(decode_frames(result.film)))
    bright = np.flatnonzero(frame[90, :, 0] > 150)
    assert abs(bright[0] - 160) <= 3
    assert abs(bright[-1] - (160 + 50)) <= 3
    assert frame[:, :100].max() < 20


def test_somebody_elses_clip_is_joined_without_harm(room: Any, tmp_path: Path) -> None:
    """Takes whose headers differ are encoded again instead of being glued into garbage."""
    ours, theirs = room.take(1, 10, hue=60), room.take(2, 10, hue=180, width=180, height=320)
    cut = room.cut(room.shot(ours), room.shot(replace(theirs, is_imported=True)))
    result = _film(cut, tmp_path)

    frames = list(decode_frames(result.film))
    assert [room.number_of(rgb) for rgb in frames] == [*range(10), *range(10)]


def test_takes_of_two_encoders_are_not_glued(room: Any, tmp_path: Path) -> None:
    """Takes of one size whose headers differ are encoded again, every frame of them."""
    ours, theirs = room.take(1, 10, hue=60), room.take(2, 10, hue=180)
    with VideoWriter(theirs.video, width=90, height=160, crf=30) as writer:
        for index in range(10):
            writer.write(room.picture(index, 180))
    result = _film(room.cut(room.shot(ours), room.shot(theirs)), tmp_path)

    assert not result.is_copied
    frames = list(decode_frames(result.film))
    assert [room.number_of(rgb) for rgb in frames] == [*range(10), *range(10)]


def test_burnt_in_words_are_seen_while_they_are_said(room: Any, tmp_path: Path) -> None:
    """Chinese letters stand in the lower third on the line's frames only, across pieces too."""
    lines = (_line(room, "你好，门", 0, 12),)
    cut = room.cut(
        room.shot(room.take(1, 12, hue=60)),
        room.shot(
            room.take(2, 24, hue=60), lines=lines, transition="dissolve", transition_frames=6
        ),
    )
    result = _film(cut, tmp_path, burn_subtitles=True)

    frames = list(decode_frames(result.film))
    seen = [bool((rgb[120:, 50:85, 1] > 150).any()) for rgb in frames]
    assert [index for index, is_seen in enumerate(seen) if is_seen] == list(range(6, 18))
    assert "你好，门" in result.srt.read_text()


def test_broadcast_rates_are_exact(room: Any, tmp_path: Path) -> None:
    """24000/1001 stays 24000/1001, with or without encoding."""
    cut = room.cut(
        room.shot(room.take(1, 13, fps="24000/1001")),
        room.shot(room.take(2, 17, fps="24000/1001"), transition="dissolve", transition_frames=5),
        fps="24000/1001",
    )
    result = _film(cut, tmp_path)

    assert probe_video(result.film, decode=True).fps == "24000/1001"
    assert result.num_frames == 25


@pytest.mark.parametrize("fps", ["24", "25", "30000/1001"])
def test_shots_of_odd_lengths_stand_where_they_should(room: Any, tmp_path: Path, fps: str) -> None:
    """A shot that lasts no whole number of milliseconds does not pull the next one forward."""
    takes = [room.take(number, 20, fps=fps) for number in (1, 2, 3)]
    film = _film(room.cut(*map(room.shot, takes), fps=fps), tmp_path).film

    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        shown = sorted(frame.pts * stream.time_base for frame in container.decode(stream))
    assert shown == [number / Fraction(fps) for number in range(3 * 20)]


def test_the_same_cut_gives_the_same_film(room: Any, tmp_path: Path) -> None:
    """No date, no version, no chance: two assemblies are equal to the byte."""
    shot = room.shot(room.take(num_frames=30), lines=(_line(room, "Go.", 6, 20),))
    films = [
        assemble(room.cut(shot), out_dir=tmp_path / name, options=VERTICAL).film.read_bytes()
        for name in ("a", "b")
    ]

    assert films[0] == films[1]
    assert b"Lavf" not in films[0]


def test_a_film_that_lacks_a_frame_is_not_delivered(room: Any, tmp_path: Path) -> None:
    """The last look finds a film of 12 frames where 13 should be, or of another size."""
    cut = room.cut(room.shot(room.take(num_frames=12)))
    film = _film(cut, tmp_path).film
    with pytest.raises(CutError, match=r"film has 12 frames of 90x160 .* should have 13"):
        _check_film(film, cut, VERTICAL, 13)
    with pytest.raises(CutError, match=r"should have 12 of 92x160"):
        _check_film(film, cut, AssemblyOptions(width=92, height=160), 12)


def test_sound_and_picture_end_together(room: Any, tmp_path: Path) -> None:
    """A film whose sound stops early is found, although it has sound and every frame."""
    cut = room.cut(room.shot(room.take(num_frames=12)))
    film, short = _film(cut, tmp_path).film, tmp_path / "short.mp4"
    tone = ffmpeg.input("sine=d=0.25", f="lavfi")
    picture = ffmpeg.input(local_file(film)).video
    call = ffmpeg.output(picture, tone, local_file(short), vcodec="copy", acodec="aac")
    run_ffmpeg(call, timeout_seconds=120)
    with pytest.raises(CutError, match=r"film's audio lasts 0\.2\d+ s and should last 0\.500 s"):
        _check_film(short, cut, VERTICAL, 12)


@pytest.mark.parametrize(("content", "message"), [(0, "has 0 bytes"), (0.6, "truncated")])
def test_an_unreadable_take_is_refused_by_its_slate(
    room: Any, tmp_path: Path, content: float, message: str
) -> None:
    """Zero bytes or half a file: the take is named and nothing is left in the folder."""
    good, bad = room.take(1, 20), room.take(2, 20)
    whole = bad.video.read_bytes()
    bad.video.write_bytes(whole[: int(len(whole) * content)])
    with pytest.raises(MediaError, match=rf"\[s01e01-sc01-sh002-tk01\] .*{message}"):
        _film(room.cut(room.shot(good), room.shot(bad)), tmp_path)

    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_a_take_that_is_not_what_it_says_is_refused(room: Any, tmp_path: Path) -> None:
    """A document that promises more frames than the file has is found out."""
    take = replace(room.take(num_frames=12), num_frames=14)
    with pytest.raises(CutError, match=r"tk01\] the file has 12 frames .* should have 14"):
        _film(room.cut(room.shot(take)), tmp_path)


def test_a_failure_leaves_the_old_delivery_alone(room: Any, tmp_path: Path) -> None:
    """A second assembly that fails half-way neither harms nor mixes with the first."""
    shot = room.shot(room.take(num_frames=30))
    before = _film(room.cut(shot), tmp_path).film.read_bytes()
    with pytest.raises(CutError, match=r"no sound file 'gone\.wav'"):
        _film(room.cut(shot), tmp_path, music=Path("gone.wav"))

    assert (tmp_path / "out" / "episode.mp4").read_bytes() == before
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_an_odd_delivery_is_refused() -> None:
    """Half of a chroma sample cannot be delivered."""
    with pytest.raises(ValueError, match="must be even, got 91x160"):
        AssemblyOptions(width=91, height=160)
