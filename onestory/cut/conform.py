"""
How do takes become one picture, with every frame accounted for?

    take 1      take 2              take 3
    ┌────────┬─────┬──────────────┐ ┌──────────┐
    │  body  │ mix │     body     │ │   body   │     pieces
    └────────┴─────┴──────────────┘ └──────────┘

The film is cut into pieces that are counted one by one. A piece that is a whole take of the
delivery's size, with nothing on it, is not encoded again but copied; the others are scaled,
padded, faded, mixed and lettered, and then all are joined without touching a frame.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from onestory.cut.burn_in import burnt, lay_out, to_ass
from onestory.cut.captions import Cue
from onestory.cut.encode import TAKE_CRF, h264
from onestory.cut.ffmpeg_call import local_file, run_ffmpeg
from onestory.cut.probe import probe_video, stream_header
from onestory.cut.timeline import Cut, CutShot, Placed, place
from onestory.errors import CutError

JOIN_LIST = "pieces.txt"
WORKERS = 2
"""Encoders at a time; each of them has threads of its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What the picture of the delivery is like."""

    width: int
    height: int
    fps: str
    crf: int
    """Quality, if every piece is encoded; beside copied takes it is the takes' own."""
    cues: tuple[Cue, ...] = ()
    """Captions to burn in; empty burns none."""
    timeout_seconds: float = 600.0
    """Longest that one piece may take."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Consecutive frames of the film that are made in one way."""

    start_frame: int
    """In the film."""
    num_frames: int
    shot: CutShot
    source_frame: int
    """First frame in the shot's take."""
    fade_in: int = 0
    fade_out: int = 0
    outgoing: "tuple[CutShot, int] | None" = None
    """In a mix: the shot that goes, and the first frame in its take."""

    @property
    def is_whole_take(self) -> bool:
        """Whether it is all of a take, and nothing else."""
        return (
            self.outgoing is None
            and self.fade_in == self.fade_out == 0
            and (self.source_frame, self.num_frames) == (0, self.shot.take.num_frames)
        )


def pieces_of(cut: Cut) -> tuple[Piece, ...]:
    """
    Divide the film into pieces.

    Args:
        cut: The film.

    Returns:
        Pieces in order, without gap or overlap, none empty.

    Raises:
        CutError: If the timeline is not legal.
    """
    pieces: list[Piece] = []
    places = place(cut)
    for before, placed in zip((None, *places), places, strict=False):
        if placed.head and before is not None:
            pieces.append(_mix(before, placed))
        body = placed.shot.num_frames - placed.head - placed.tail
        if body:
            pieces.append(_body(placed, body))
    return tuple(pieces)


def conform(cut: Cut, look: Look, folder: Path) -> tuple[Path, bool]:
    """
    Make all pieces of the film and the list that joins them.

    Args:
        cut: The film.
        look: What it shall look like.
        folder: An empty folder to work in.

    Returns:
        The list for ffmpeg's concat demuxer, and whether every piece was copied.

    Raises:
        CutError: If the timeline is not legal, or a piece has not the frames it should have.
    """
    pieces = pieces_of(cut)
    copied = [not look.cues and piece.is_whole_take and _fits(piece, look) for piece in pieces]
    files = _made(pieces, copied, look, folder)
    if any(copied) and len({stream_header(file) for file in files}) > 1:
        # Somebody else's encoder: its frames cannot stand in one stream with ours.
        copied = [False] * len(pieces)
        files = _made(pieces, copied, look, folder)
    lines = [
        f"file '{file.name}'\nduration {_microseconds(piece, look.fps)}us\n"
        for file, piece in zip(files, pieces, strict=True)
    ]
    (folder / JOIN_LIST).write_text("ffconcat version 1.0\n" + "".join(lines))
    return folder / JOIN_LIST, all(copied)


def _microseconds(piece: Piece, fps: str) -> int:
    """
    Say how long a piece lasts in the film.

    An MP4 says so in whole milliseconds, and the next piece would begin that much too early.
    Counted from the film's start, so that what is rounded never adds up.
    """
    start, end = (
        round(1_000_000 * frame / Fraction(fps))
        for frame in (piece.start_frame, piece.start_frame + piece.num_frames)
    )
    return end - start


def _body(placed: Placed, num_frames: int) -> Piece:
    return Piece(
        start_frame=placed.start_frame + placed.head,
        num_frames=num_frames,
        shot=placed.shot,
        source_frame=placed.shot.start_frame + placed.head,
        fade_in=placed.fade_in,
        fade_out=placed.fade_out,
    )


def _mix(before: Placed, placed: Placed) -> Piece:
    gone = before.shot.start_frame + before.shot.num_frames - placed.head
    return Piece(
        start_frame=placed.start_frame,
        num_frames=placed.head,
        shot=placed.shot,
        source_frame=placed.shot.start_frame,
        outgoing=(before.shot, gone),
    )


def _fits(piece: Piece, look: Look) -> bool:
    take = piece.shot.take
    return (take.width, take.height) == (look.width, look.height)


def _made(
    pieces: Sequence[Piece], copied: Sequence[bool], look: Look, folder: Path
) -> tuple[Path, ...]:
    crf = TAKE_CRF if any(copied) else look.crf

    def make(number: int) -> Path:
        # Generated names: what a script calls its shots never reaches ffmpeg's list.
        target = folder / f"piece{number:04d}.mp4"
        target.unlink(missing_ok=True)
        if copied[number]:
            target.symlink_to(pieces[number].shot.take.video.absolute())
        else:
            _render(pieces[number], look, crf, target)
        return target

    with ThreadPoolExecutor(WORKERS) as pool:
        return tuple(pool.map(make, range(len(pieces))))


def _render(piece: Piece, look: Look, crf: int, target: Path) -> None:
    picture = _fitted(piece.shot, piece.source_frame, piece.num_frames, look)
    if piece.outgoing is not None:
        going = _fitted(*piece.outgoing, piece.num_frames, look)
        length = _seconds(piece.num_frames, look)
        picture = ffmpeg.filter([going, picture], "xfade", duration=length, offset=0)
    picture = _faded(picture, piece)
    cues = _cues_within(piece, look.cues)
    desk = target.with_suffix("")
    desk.mkdir(exist_ok=True)
    if cues:
        script = to_ass(cues, fps=look.fps, width=look.width, height=look.height)
        lay_out(script, desk)
        picture = burnt(picture)
    output = ffmpeg.output(
        picture, local_file(target), **{"frames:v": piece.num_frames, "an": None, **h264(crf)}
    )
    slate = piece.shot.take.slate
    run_ffmpeg(output, timeout_seconds=look.timeout_seconds, cwd=desk, slate=slate)
    found = probe_video(target).num_frames
    if found != piece.num_frames:
        raise CutError(f"a piece has {found} frames instead of {piece.num_frames}", slate=slate)


def _fitted(shot: CutShot, source_frame: int, num_frames: int, look: Look) -> Any:
    """The take's frames at the delivery's size, with bars where the shape differs."""
    picture = ffmpeg.input(local_file(shot.take.video)).video
    picture = picture.filter(
        "trim", start_frame=source_frame, end_frame=source_frame + num_frames
    ).filter("setpts", f"N/({look.fps})/TB")
    if (shot.take.width, shot.take.height) != (look.width, look.height):
        picture = picture.filter(
            "scale",
            look.width,
            look.height,
            force_original_aspect_ratio="decrease",
            force_divisible_by=2,
            flags="lanczos",
            out_color_matrix="bt709",
            out_range="tv",
        ).filter("pad", look.width, look.height, "(ow-iw)/2", "(oh-ih)/2")
    return (
        picture.filter("setsar", 1)
        .filter("format", "yuv420p")
        .filter("fps", look.fps)
        .filter("settb", f"1/({look.fps})")
    )


def _faded(picture: Any, piece: Piece) -> Any:
    if piece.fade_in:
        picture = picture.filter("fade", type="in", start_frame=0, nb_frames=piece.fade_in)
    if piece.fade_out:
        first = piece.num_frames - piece.fade_out
        picture = picture.filter("fade", type="out", start_frame=first, nb_frames=piece.fade_out)
    return picture


def _cues_within(piece: Piece, cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The cues seen in a piece, on its own clock."""
    start, end = piece.start_frame, piece.start_frame + piece.num_frames
    return tuple(
        cue._replace(
            start_frame=max(cue.start_frame, start) - start,
            end_frame=min(cue.end_frame, end) - start,
        )
        for cue in cues
        if cue.start_frame < end and cue.end_frame > start
    )


def _seconds(num_frames: int, look: Look) -> str:
    return f"{float(num_frames / Fraction(look.fps)):.6f}"
