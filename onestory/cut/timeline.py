"""
Which frame of which take is seen when?

    cut       | A A A A A A | B B B B |              total = 6 + 4
    fade      | A A A A a . | . b B B |              total = 6 + 4, through black
    dissolve  | A A A A x x | B B |                  total = 6 + 4 - 2
                        B B                          the overlap is seen once, as a mixture

A shot's transition says how the film comes *into* it. A dissolve of n frames lays the last n
frames of the shot before over the first n of this one, so the film gets n frames shorter; a
fade of n frames dips through black in place, the shot before going dark for the first half,
and shortens nothing. Into the first shot both are a fade from black. Every frame that a shot
uses is therefore seen, alone or in a mixture, and the total is known before anything is encoded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

from onestory.errors import CutError


@dataclass(frozen=True, kw_only=True, slots=True)
class CutTake:
    """One take as the cut needs to know it."""

    slate: str
    """`s01e03-sc04-sh012-tk02`."""
    video: Path
    """Local file, without sound."""
    num_frames: int
    """Available frames."""
    width: int
    height: int
    fps: str
    """Rate as a rational."""
    recipe: str = ""
    """Digest of the recipe."""
    verdict: str = ""
    """`circled`, `passed`, `NG: black` …, for the editor's eyes."""
    url: str = ""
    """Where an editor finds the media; empty means the file's own name."""
    is_imported: bool = False
    """Whether it is somebody's own clip, which may have any size and is fitted in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpokenLine:
    """One speech, placed within its shot."""

    character: str
    text: str
    """Verbatim."""
    start_frame: int
    """From the first used frame of the shot."""
    end_frame: int
    """First frame after the words."""
    is_dual: bool = False
    """Whether it is spoken at the same time as the line before it."""
    voice: Path | None = None
    """WAV of the words; None if nobody speaks them."""
    is_scratch: bool = True
    """Whether the voice is a stand-in for an actor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CutShot:
    """One shot of the film: the circled take, how much of it, and how the film comes into it."""

    slate: str
    """The shot's slate, without a take number."""
    take: CutTake
    """The circled take."""
    num_frames: int
    """Frames used."""
    start_frame: int = 0
    """First used frame of the take."""
    transition: Literal["cut", "dissolve", "fade"] = "cut"
    transition_frames: int = 0
    """Length of the transition; 0 with a cut."""
    lines: tuple[SpokenLine, ...] = ()
    alternates: tuple[CutTake, ...] = ()
    """The other takes of the shot."""
    caption: str = ""
    """What the shot shows, for editors and trackers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """The film, as a list of shots in story order."""

    episode: str
    """Slug, safe as a file name."""
    title: str
    fps: str
    """Rate as a rational."""
    width: int
    """Width of the takes, in pixels."""
    height: int
    """Height of the takes, in pixels."""
    shots: tuple[CutShot, ...]

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.fps)


class Placed(NamedTuple):
    """A shot and where it stands in the film."""

    shot: CutShot
    start_frame: int
    """First frame of the film in which it is seen."""
    end_frame: int
    """First frame of the film in which it is no longer seen."""
    head: int
    """Frames mixed with the shot before."""
    tail: int
    """Frames mixed with the shot after."""
    fade_in: int
    """Frames that rise from black at the head."""
    fade_out: int
    """Frames that fall to black at the tail."""


class Event(NamedTuple):
    """A line and where it is heard in the film."""

    shot: CutShot
    line: SpokenLine
    start_frame: int
    end_frame: int


def place(cut: Cut) -> tuple[Placed, ...]:
    """
    Lay the shots end to end, with their transitions.

    Args:
        cut: The film.

    Returns:
        One place for each shot, in order; the last one's end is the film's length.

    Raises:
        CutError: If a take is too short, of another size or rate, or a transition does not fit.
    """
    if not cut.shots:
        raise CutError("a film needs at least 1 shot, got 0")
    places: list[Placed] = []
    for index, shot in enumerate(cut.shots):
        _check_take(cut, shot)
        after = cut.shots[index + 1] if index + 1 < len(cut.shots) else None
        places.append(_placed(shot, after, places[-1] if places else None))
    return tuple(places)


def total_frames(cut: Cut) -> int:
    """
    Length of the film in frames.

    Args:
        cut: The film.

    Returns:
        The sum of the shots, less the dissolves.

    Raises:
        CutError: As `place`.
    """
    return place(cut)[-1].end_frame


def events(cut: Cut) -> Iterator[Event]:
    """
    Every line of the film, where it is heard.

    Args:
        cut: The film.

    Yields:
        Lines in order of the script.

    Raises:
        CutError: As `place`, and if a line does not lie within its shot.
    """
    for placed in place(cut):
        for line in placed.shot.lines:
            if not 0 <= line.start_frame < line.end_frame <= placed.shot.num_frames:
                raise CutError(
                    f"the line of {line.character} takes frames {line.start_frame} to "
                    f"{line.end_frame} of a shot of {placed.shot.num_frames}",
                    slate=placed.shot.slate,
                )
            start = placed.start_frame
            yield Event(placed.shot, line, start + line.start_frame, start + line.end_frame)


def _check_take(cut: Cut, shot: CutShot) -> None:
    take = shot.take
    slate = take.slate
    if shot.num_frames < 1 or shot.start_frame < 0:
        raise CutError(
            f"frames {shot.start_frame} to {shot.start_frame + shot.num_frames} are not a shot",
            slate=slate,
        )
    if shot.start_frame + shot.num_frames > take.num_frames:
        raise CutError(
            f"the take has {take.num_frames} frames and the cut uses "
            f"{shot.start_frame + shot.num_frames}",
            slate=slate,
            hint="retake the shot at its new length",
        )
    if Fraction(take.fps) != cut.rate:
        raise CutError(f"the take runs at {take.fps} frames a second, not {cut.fps}", slate=slate)
    if not take.is_imported and (take.width, take.height) != (cut.width, cut.height):
        raise CutError(
            f"the take is {take.width}x{take.height} and the cut is {cut.width}x{cut.height}",
            slate=slate,
        )


def _placed(shot: CutShot, after: CutShot | None, before: Placed | None) -> Placed:
    if (shot.transition == "cut") != (shot.transition_frames == 0) or shot.transition_frames < 0:
        raise CutError(
            f"a {shot.transition} of {shot.transition_frames} frames is not a transition",
            slate=shot.slate,
        )
    head = shot.transition_frames if before and shot.transition == "dissolve" else 0
    tail = after.transition_frames if after and after.transition == "dissolve" else 0
    if before is None:
        fade_in = shot.transition_frames
    else:
        fade_in = shot.transition_frames - _dark_half(shot) if shot.transition == "fade" else 0
    fade_out = _dark_half(after) if after and after.transition == "fade" else 0
    if head + tail + fade_in + fade_out > shot.num_frames:
        raise CutError(
            f"transitions of {head + fade_in} and {tail + fade_out} frames do not fit into "
            f"a shot of {shot.num_frames}",
            slate=shot.slate,
            hint="shorten the transition or lengthen the shot",
        )
    start = before.end_frame - head if before else 0
    return Placed(shot, start, start + shot.num_frames, head, tail, fade_in, fade_out)


def _dark_half(shot: CutShot) -> int:
    """Frames of a fade that belong to the shot before it."""
    return shot.transition_frames // 2
