"""
How is ffmpeg asked, so that it can neither hang, nor wait for a key, nor fail in silence?

Every call goes through here: the binary of imageio-ffmpeg, no standard input, a time limit,
and an error that carries the last line ffmpeg said.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import ffmpeg

from onestory.errors import CutError, OneStoryError

QUIET = ("-hide_banner", "-nostdin", "-nostats")
"""Global arguments of every call."""

BITEXACT: dict[str, object] = {
    "fflags": "+bitexact",
    "map_metadata": -1,
    "map_chapters": -1,
}
"""Output arguments that keep dates and versions out of a file."""


def local_file(path: Path) -> str:
    """`path` as an ffmpeg argument: never an option, never another protocol."""
    return f"file:{path.absolute()}"


def find_ffmpeg() -> str:
    """
    Where ffmpeg is: what IMAGEIO_FFMPEG_EXE says, else what imageio-ffmpeg brings, else the host's.

    It is not tried: `imageio_ffmpeg.get_ffmpeg_exe` does, once per process, and if somebody kills
    that one call it says for the rest of the process's life that there is none.

    Raises:
        CutError: If there is none.
    """
    if said := os.environ.get("IMAGEIO_FFMPEG_EXE"):
        return said
    brought = resources.files("imageio_ffmpeg.binaries").iterdir()
    programs = [str(file) for file in brought if file.name.startswith("ffmpeg-")]
    if found := next(iter(programs), None) or shutil.which("ffmpeg"):
        return found
    raise CutError("there is no ffmpeg", hint="onestory doctor says what helps")


def compile_call(stream: Any) -> list[str]:
    """The argument list of an ffmpeg-python output stream, quiet and overwriting.

    Args:
        stream: What `ffmpeg.output` returned; the library has no types.

    Returns:
        Arguments for `subprocess`, the binary first.
    """
    binary, *arguments = ffmpeg.compile(stream, cmd=find_ffmpeg(), overwrite_output=True)
    return [binary, *QUIET, *arguments]


BOILERPLATE = re.compile(
    "^frame=|^size=|Conversion failed|Nothing was written|erminating thread|Task finished"
)
"""Last lines that ffmpeg writes whatever went wrong."""


def last_words(stderr: bytes | str) -> str:
    """The last line of ffmpeg's complaint that says something."""
    text = stderr.decode(errors="replace") if isinstance(stderr, bytes) else stderr
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    spoken = [line for line in lines if not BOILERPLATE.search(line)]
    return (spoken or lines or ["it said nothing"])[-1]


def run_ffmpeg(
    stream: Any,
    *,
    timeout_seconds: float,
    cwd: Path | None = None,
    slate: str | None = None,
    error: type[OneStoryError] = CutError,
) -> str:
    """
    Run one ffmpeg call to its end.

    Args:
        stream: What `ffmpeg.output` returned.
        timeout_seconds: Longest it may take; then it is killed.
        cwd: Folder in which relative names of filter files are found.
        slate: The take concerned, if it is one take.
        error: Member of the family to raise.

    Returns:
        All that ffmpeg wrote to standard error, where its measurements are.

    Raises:
        error: If ffmpeg fails or takes too long.
    """
    call: Sequence[str] = compile_call(stream)
    try:
        done = subprocess.run(
            call, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds
        )
    except subprocess.TimeoutExpired as expired:
        raise error(f"ffmpeg took longer than {timeout_seconds:g} s", slate=slate) from expired
    if done.returncode != 0:
        raise error(
            f"ffmpeg failed with code {done.returncode}: {last_words(done.stderr)}", slate=slate
        )
    return done.stderr.decode(errors="replace")
