"""Captions in the picture are the letters of the script, looked at pixel by pixel."""

from pathlib import Path

import ffmpeg
import numpy as np
import pytest

from onestory.cut.burn_in import burnt, lay_out, to_ass
from onestory.cut.captions import Cue
from onestory.cut.encode import Rgb, h264
from onestory.cut.ffmpeg_call import local_file, run_ffmpeg
from onestory.cut.probe import decode_frames
from onestory.errors import CutError


def _burn(folder: Path, script: str, num_frames: int) -> list[Rgb]:
    folder.mkdir(exist_ok=True)
    lay_out(script, folder)
    grey = ffmpeg.input(f"color=c=0x404040:s=360x640:r=24:d={num_frames / 24}", f="lavfi")
    film = folder / "a.mp4"
    output = ffmpeg.output(burnt(grey.video), local_file(film), **h264(10))
    run_ffmpeg(output, timeout_seconds=120, cwd=folder)
    return list(decode_frames(film))


def _drawn(folder: Path, *texts: str) -> list[Rgb]:
    """One frame for each text: white letters as True."""
    cues = [Cue(index, index + 1, text, "A") for index, text in enumerate(texts)]
    frames = _burn(folder, to_ass(cues, fps="24", width=360, height=640), len(texts))
    return [rgb[..., 1] > 160 for rgb in frames]


def _cropped(mask: Rgb) -> Rgb:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _is_alike(first: Rgb, second: Rgb) -> bool:
    """Whether two glyphs are the same drawing, give or take a codec."""
    first, second = _cropped(first), _cropped(second)
    near = all(abs(a - b) <= 1 for a, b in zip(first.shape, second.shape, strict=True))
    rows, columns = np.minimum(first.shape, second.shape)
    differ = first[:rows, :columns] ^ second[:rows, :columns]
    return near and float(differ.mean()) < 0.08


def test_chinese_is_drawn_and_not_boxed(tmp_path: Path) -> None:
    """Characters differ from each other, repeat themselves, and none is the missing-glyph box."""
    letters = ("你", "我", "走", "门", "国", "你")
    drawn = _drawn(tmp_path / "a", *letters)
    # The control: U+FFFF forced through, which no font has, draws the box.
    script = to_ass([Cue(0, 1, "门", "A")], fps="24", width=360, height=640)
    box = _burn(tmp_path / "b", script.replace("门", "\uffff"), 1)[0][..., 1] > 160

    assert box.any()
    assert all(mask.sum() > 20 for mask in drawn)
    assert _is_alike(drawn[0], drawn[5])
    pairs = [(a, b) for a in range(5) for b in range(a)]
    assert not any(_is_alike(drawn[a], drawn[b]) for a, b in pairs)
    assert not any(_is_alike(mask, box) for mask in drawn)


def test_arabic_letters_are_joined(tmp_path: Path) -> None:
    """Two joined letters are narrower than the same two kept apart by a non-joiner."""
    joined, apart = _drawn(tmp_path, "ههه", "ه\u200cه\u200cه")
    assert not _is_alike(joined, apart)


@pytest.mark.parametrize("sign", ["{", "}", "\\", "%", ":", "'", '"', ",", "["])
def test_signs_are_drawn_and_not_obeyed(tmp_path: Path, sign: str) -> None:
    """What means something to a subtitle or a filter is a sign like any other."""
    plain, marked = _drawn(tmp_path, "aab", f"a{sign}ab")
    plain, marked = _cropped(plain), _cropped(marked)

    assert marked.shape[1] > plain.shape[1]
    assert marked.sum() > plain.sum()


def test_escapes_are_words(tmp_path: Path) -> None:
    r"""`\N` is two letters on the same row, and an override block hides nothing."""
    row, escaped, override = (_cropped(m) for m in _drawn(tmp_path, "aaN", "a\\Na", "a{\\b0}a"))

    assert escaped.shape[0] < 1.6 * row.shape[0]
    assert override.shape[1] > 2 * _cropped(_drawn(tmp_path / "c", "aa")[0]).shape[1]


def test_a_cue_is_seen_on_its_frames_only(tmp_path: Path) -> None:
    """Seen from its first frame to the one before its end, at a broadcast rate too."""
    cues = [Cue(3, 7, "Go.", "A"), Cue(9, 10, "No.", "A")]
    frames = _burn(tmp_path, to_ass(cues, fps="24", width=360, height=640), 12)

    seen = [bool((rgb[..., 1] > 160).any()) for rgb in frames]
    assert [index for index, is_seen in enumerate(seen) if is_seen] == [3, 4, 5, 6, 9]


def test_the_widest_row_fits_the_picture(tmp_path: Path) -> None:
    """32 broad Latin letters, or 14 Chinese ones, stay within the frame."""
    for mask in _drawn(tmp_path, "Where were you on that warm night", "我" * 14):
        columns = np.flatnonzero(mask.any(0))
        assert columns[0] > 4
        assert columns[-1] < 355


def test_a_letter_that_no_font_has_stops_the_burn_in() -> None:
    """Better no film than one with empty boxes."""
    with pytest.raises(CutError, match=r"U\+12000, CUNEIFORM SIGN A"):
        to_ass([Cue(0, 1, "\U00012000", "A")], fps="24", width=90, height=160)
