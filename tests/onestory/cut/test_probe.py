"""What is really in a file."""

from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import pytest

from onestory.cut.ffmpeg_call import local_file, run_ffmpeg
from onestory.cut.probe import decode_frames, frame_at, probe_video, stream_header
from onestory.errors import MediaError


def test_demuxed_and_decoded_counts_agree(room: Any) -> None:
    """Reading packets finds as many frames as decoding, from a file and from its bytes."""
    take = room.take(num_frames=13)

    counts = {
        probe_video(source, decode=decode).num_frames
        for source in (take.video, take.video.read_bytes())
        for decode in (False, True)
    }
    assert counts == {13}


def test_zero_bytes_are_not_a_video(tmp_path: Path) -> None:
    """An empty file is refused before anything opens it."""
    (tmp_path / "a.mp4").touch()
    for source in (tmp_path / "a.mp4", b""):
        with pytest.raises(MediaError, match="has 0 bytes"):
            probe_video(source)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message says which file is not there."""
    with pytest.raises(MediaError, match=r"no video file 'a\.mp4'"):
        probe_video(tmp_path / "a.mp4")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_truncated_video_is_refused(room: Any, share: float) -> None:
    """However little is missing, a truncated take does not pass for a whole one."""
    whole = room.take(num_frames=24).video.read_bytes()
    with pytest.raises(MediaError, match=r"truncated|cannot be read"):
        probe_video(whole[: int(len(whole) * share)])


def test_frames_that_the_index_promises_must_be_there(room: Any) -> None:
    """Media that claims to go on to the end of the file hides its loss from all but a count."""
    content = bytearray(room.take(num_frames=24).video.read_bytes())
    start = content.rindex(b"mdat")
    content[start - 4 : start] = bytes(4)
    with pytest.raises(MediaError, match=r"truncated: \d+ of 24 frames"):
        probe_video(bytes(content[: start + (len(content) - start) // 2]))


def test_text_is_not_a_video() -> None:
    """A file of words is refused with what the reader said."""
    with pytest.raises(MediaError, match="cannot be read: Invalid data"):
        probe_video(b"FADE IN:\n\nINT. KITCHEN - DAY\n" * 40)


def test_sound_alone_is_not_a_video(room: Any) -> None:
    """A file without a picture says so."""
    with pytest.raises(MediaError, match="no picture"):
        probe_video(room.voice())


def test_pictures_that_cannot_be_decoded_are_found(room: Any) -> None:
    """Packets of noise may be counted, but decoding finds them out."""
    content = bytearray(room.take(num_frames=24).video.read_bytes())
    start = content.rindex(b"mdat") + 4
    content[start:] = np.random.default_rng(3).bytes(len(content) - start)
    with pytest.raises(MediaError, match=r"truncated: \d+ of 24|cannot be read|corrupt"):
        probe_video(bytes(content), decode=True)


def test_a_late_index_is_not_fast_start(room: Any, tmp_path: Path) -> None:
    """An index at the end is seen as one."""
    take = room.take()
    late = tmp_path / "late.mp4"
    stream = ffmpeg.input(local_file(take.video)).output(local_file(late), c="copy")
    run_ffmpeg(stream, timeout_seconds=120)

    assert probe_video(take.video).is_fast_start
    assert not probe_video(late).is_fast_start


def test_frames_come_in_order_and_at_the_size_asked_for(room: Any) -> None:
    """Decoded frames are in order of showing, scaled if wanted."""
    take = room.take(num_frames=11)

    assert [room.number_of(rgb) for rgb in decode_frames(take.video)] == list(range(11))
    small = list(decode_frames(take.video, width=18, height=32))
    assert {rgb.shape for rgb in small} == {(32, 18, 3)}


@pytest.mark.parametrize("index", [0, 7, 10])
def test_one_frame_can_be_asked_for(room: Any, index: int) -> None:
    """A frame by its number is that frame and not its neighbour."""
    assert room.number_of(frame_at(room.take(num_frames=11).video, index)) == index


def test_a_frame_past_the_end_is_refused(room: Any) -> None:
    """There is no frame 11 in a take of 11."""
    take = room.take(num_frames=11)
    with pytest.raises(MediaError, match="frame 11 is past the end"):
        frame_at(take.video, 11)


def test_headers_tell_takes_of_another_size(room: Any) -> None:
    """Equal headers mean that two takes can be joined without encoding."""
    first, second = room.take(1, hue=20), room.take(2, hue=200)
    other = room.take(3, width=80)

    assert stream_header(first.video) == stream_header(second.video)
    assert stream_header(first.video) != stream_header(other.video)
