"""ffmpeg neither hangs nor fails in silence."""

import subprocess
from pathlib import Path

import ffmpeg
import pytest

from onestory.cut.ffmpeg_call import compile_call, find_ffmpeg, last_words, run_ffmpeg
from onestory.errors import CutError, MediaError


def test_a_failure_is_quoted() -> None:
    """The error has the code, ffmpeg's own reason and the slate."""
    call = ffmpeg.input("file:gone.mp4").output("-", format="null")
    with pytest.raises(CutError, match=r"\[sh007\] ffmpeg failed with code \d+: .*No such file"):
        run_ffmpeg(call, timeout_seconds=120, slate="sh007")


def test_a_call_that_takes_too_long_is_killed() -> None:
    """A picture without end is stopped at its time limit."""
    call = ffmpeg.input("testsrc", f="lavfi", re=None).output("-", format="null")
    with pytest.raises(MediaError, match=r"took longer than 0\.5 s"):
        run_ffmpeg(call, timeout_seconds=0.5, error=MediaError)


def test_no_call_reads_the_keyboard() -> None:
    """Every call says so, whatever it does."""
    assert "-nostdin" in compile_call(ffmpeg.input("a").output("b"))


def test_relative_names_belong_to_the_working_folder(tmp_path: Path) -> None:
    """Filter files are found in the folder where ffmpeg runs, by generated names."""
    run_ffmpeg(
        ffmpeg.input("testsrc=d=0.1", f="lavfi").output("a.png", vframes=1),
        timeout_seconds=120,
        cwd=tmp_path,
    )
    assert (tmp_path / "a.png").is_file()


def test_boilerplate_is_not_a_reason() -> None:
    """What ffmpeg says after every failure is passed over."""
    said = b"a.mp4: No space left\nframe=  0 fps=0\nConversion failed!\n"
    assert last_words(said) == "a.mp4: No space left"
    assert last_words(b"") == "it said nothing"


def test_ffmpeg_is_found_though_a_trial_of_it_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started to find it: one killed trial would be believed by a whole process."""

    def killed(*command: object, **options: object) -> None:
        raise subprocess.CalledProcessError(-9, "ffmpeg")

    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(subprocess, "check_call", killed)
    assert Path(find_ffmpeg()).is_file()


def test_another_ffmpeg_is_taken_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment names goes before what is brought along."""
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/opt/bin/ffmpeg")
    assert find_ffmpeg() == "/opt/bin/ffmpeg"
