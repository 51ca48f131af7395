"""
What is read while it is said?

    line ── wrap ── one or more cues of at most two rows ──┬─ SRT
                                                           ├─ VTT, with the speaker's name
                                                           └─ ASS, to be burnt in

The words are the script's own, letter for letter: only white space becomes a line break. Time
is counted in frames and turned into a clock by the film's rational rate, at the very end.
"""

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from onestory.cut.timeline import Cut, Event, events
from onestory.cut.wrapping import ROW_WIDTH, fold, text_width

MAX_ROWS = 2
"""More rows than this cover a vertical picture."""


class Cue(NamedTuple):
    """Words on the screen for a while."""

    start_frame: int
    end_frame: int
    """First frame without them."""
    text: str
    """Rows are parted by line breaks."""
    character: str
    is_dual: bool = False
    """Whether it may stand beside the cue before it."""


def cues_for(cut: Cut, *, row_width: int = ROW_WIDTH) -> tuple[Cue, ...]:
    """
    Turn every line of the film into cues.

    Args:
        cut: The film.
        row_width: Widest row, in Latin letters; a Chinese one counts for more than two.

    Returns:
        Cues in order of time, none empty; only the two of a dual dialogue overlap.

    Raises:
        CutError: If the timeline is not legal, or a line lies outside its shot.
    """
    spoken = [event for event in events(cut) if event.line.text.split()]
    cues: list[Cue] = []
    for event, until in zip(spoken, _limits(spoken), strict=True):
        cues.extend(_cues_of(event, until, row_width))
    return tuple(sorted(cues, key=lambda cue: cue.start_frame))


def to_srt(cues: Sequence[Cue], *, fps: str) -> str:
    """SubRip: numbered cues, comma before the milliseconds."""
    blocks = [
        f"{number}\n{_clock(cue.start_frame, fps, ',')} --> {_clock(cue.end_frame, fps, ',')}\n"
        f"{cue.text}\n"
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n".join(blocks)


def to_vtt(cues: Sequence[Cue], *, fps: str) -> str:
    """WebVTT: every cue in the voice of its character."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        name = _escaped(" ".join(cue.character.split()))
        blocks.append(
            f"{_clock(cue.start_frame, fps, '.')} --> {_clock(cue.end_frame, fps, '.')}\n"
            f"<v {name}>{_escaped(cue.text)}\n"
        )
    return "\n".join(blocks)


def milliseconds(frame: int, fps: str) -> int:
    """When `frame` begins, to the nearest millisecond."""
    return round(Fraction(frame * 1000) / Fraction(fps))


def _limits(spoken: Sequence[Event]) -> list[int]:
    """For each line: the frame at which it must be gone, because the next one is there."""
    limits: list[int] = []
    for index, event in enumerate(spoken):
        later = [
            other.start_frame
            for other in spoken[index + 1 :]
            if not other.line.is_dual and other.start_frame > event.start_frame
        ]
        limits.append(min([event.end_frame, *later]))
    return limits


def _cues_of(event: Event, until: int, row_width: int) -> Iterable[Cue]:
    rows = fold(event.line.text, row_width)
    pages = [rows[first : first + MAX_ROWS] for first in range(0, len(rows), MAX_ROWS)]
    pages = _merged(pages, until - event.start_frame)
    weights = [sum(text_width(row) for row in page) + 1 for page in pages]
    start, said = event.start_frame, Fraction(0)
    for number, (page, weight) in enumerate(zip(pages, weights, strict=True), start=1):
        said += Fraction(weight)
        share = said / Fraction(sum(weights))
        # Every page keeps at least a frame, and leaves one for each page after it.
        end = event.start_frame + round(share * (until - event.start_frame))
        end = min(max(end, start + 1), until - (len(pages) - number))
        yield Cue(start, end, "\n".join(page), event.line.character, event.line.is_dual)
        start = end


def _merged(pages: list[list[str]], num_frames: int) -> list[list[str]]:
    """Fewer pages if there are fewer frames than pages: no word is lost for want of time."""
    if len(pages) <= num_frames:
        return pages
    keep = pages[: num_frames - 1]
    return [*keep, [row for page in pages[num_frames - 1 :] for row in page]]


def _clock(frame: int, fps: str, point: str) -> str:
    seconds, rest = divmod(milliseconds(frame, fps), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{rest:03d}"


def _escaped(text: str) -> str:
    plain = re.sub("[\x00-\x09\x0b-\x1f]", " ", text)
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
