"""
How do captions become part of the picture?

As an ASS script for libass, which shapes Arabic and Hebrew and finds its fonts in a folder that
holds the shipped ones. Words never reach ffmpeg's filter text: only two fixed names do.
"""

import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from onestory.cut.captions import Cue
from onestory.cut.lettering import letter_runs, shipped_fonts

SCRIPT_NAME = "captions.ass"
FONTS_NAME = "fonts"
LETTERS_PER_WIDTH = 19
"""A row of 32 Latin letters of this size fills about nine tenths of a vertical picture."""
HEADER = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 2
ScaledBorderAndShadow: yes
YCbCr Matrix: TV.709

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, \
Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,{family},{size},&H00FFFFFF,&H00FFFFFF,&H00201A18,&H80000000,\
-1,0,0,0,100,100,0,0,1,{outline},0,2,{side},{side},{bottom},-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def to_ass(cues: Sequence[Cue], *, fps: str, width: int, height: int) -> str:
    """
    Write cues as an ASS script for a picture of one size.

    Args:
        cues: What is shown when.
        fps: Rate as a rational.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.

    Returns:
        The script; each letter is set in a shipped font that has it.

    Raises:
        CutError: If no shipped font has one of the letters.
    """
    size = max(8, round(min(width, height) / LETTERS_PER_WIDTH))
    header = HEADER.format(
        width=width,
        height=height,
        family=shipped_fonts()[0].family,
        size=size,
        outline=max(1, round(size / 12)),
        side=round(width * 0.04),
        bottom=round(height * (0.14 if height > width else 0.06)),
    )
    return header + "".join(
        f"Dialogue: 0,{_clock(cue.start_frame, fps)},{_clock(cue.end_frame, fps)},"
        f"Default,,0,0,0,,{_spelled(cue.text)}\n"
        for cue in cues
    )


def lay_out(script: str, folder: Path) -> None:
    """Put an ASS script and the shipped fonts into the folder where ffmpeg will run."""
    (folder / SCRIPT_NAME).write_text(script, encoding="utf-8")
    fonts = folder / FONTS_NAME
    fonts.mkdir(exist_ok=True)
    for font in shipped_fonts():
        if f"{font.family}," in script or f"\\fn{font.family}" in script:
            shutil.copyfile(font.file, fonts / font.file.name)


def burnt(picture: Any) -> Any:
    """The ffmpeg stream `picture` with the laid-out captions on it."""
    return picture.filter("ass", filename=SCRIPT_NAME, fontsdir=FONTS_NAME)


def _clock(frame: int, fps: str) -> str:
    # Rounded down: frame N is shown at its own time or later, and gone by the time of the last.
    hundredths = int(Fraction(frame * 100) / Fraction(fps))
    seconds, rest = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{rest:02d}"


def _spelled(text: str) -> str:
    return "".join(f"{{\\fn{run.family}}}{_escaped(run.text)}" for run in letter_runs(text))


def _escaped(text: str) -> str:
    """Words that libass takes as words: no override, no escape, no second line."""
    # A word joiner after a backslash keeps it from meaning anything; it is invisible.
    harmless = text.replace("\\", "\\\u2060").replace("{", "\\{").replace("}", "\\}")
    return "\\N".join(harmless.splitlines())
