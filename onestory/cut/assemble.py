"""
How do circled takes become a film that can be delivered?

    takes ── conform ── pieces ──┐
    voices, music ── sound ──────┼── join ── probe ── episode.mp4
    lines ── captions ── srt vtt ┘           └─ anything missing: CutError, and no file

Everything is made in a folder of its own and moved into place at the end, the film last: a film
that can be seen is a film that was checked.
"""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import ffmpeg

from onestory.cut.captions import Cue, cues_for, to_srt, to_vtt
from onestory.cut.conform import Look, conform
from onestory.cut.encode import frame_to_jpeg
from onestory.cut.ffmpeg_call import BITEXACT, local_file, run_ffmpeg
from onestory.cut.interchange import to_edl, to_kitsu_csv, to_otio
from onestory.cut.loudness import SILENT_LUFS, Loudness, measure_loudness
from onestory.cut.probe import frame_at, probe_video
from onestory.cut.sound import DUAL_PAN, PlacedVoice, mix_sound
from onestory.cut.timeline import Cut, CutTake, events, place
from onestory.cut.wrapping import ROW_WIDTH
from onestory.errors import CutError, MediaError

DISCLOSURE = "AI-generated: every picture of this film was made by a generative model."
SCRATCH_DISCLOSURE = "The voices are synthetic scratch voices."
WIDE_ROW_WIDTH = 42
"""Widest caption of a wide picture, in Latin letters."""
AAC_PACKET = Fraction(1024, 48_000)
"""Seconds; AAC knows no shorter length."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AssemblyOptions:
    """What is wanted of the film, beside its cut."""

    width: int
    """Of the delivery, in pixels."""
    height: int
    """Of the delivery, in pixels."""
    burn_subtitles: bool = False
    music: Path | None = None
    """A music file; None is no music."""
    crf: int = 18
    """Quality of what must be encoded again."""
    timeout_seconds: float = 600.0
    """Longest that one call of ffmpeg may take."""

    def __post_init__(self) -> None:
        if self.width < 2 or self.height < 2 or self.width % 2 or self.height % 2:
            raise ValueError(f"width and height must be even, got {self.width}x{self.height}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AssemblyResult:
    """The delivered files, and what a probe of the film said."""

    film: Path
    srt: Path
    vtt: Path
    otio: Path
    edl: Path
    kitsu_csv: Path
    poster: Path
    """JPEG of the middle of the longest shot."""
    loudness: Loudness
    """Measured on the film itself."""
    num_frames: int
    """Decoded from the film itself."""
    duration_seconds: float
    is_copied: bool
    """Whether no picture had to be encoded again."""


def assemble(cut: Cut, *, out_dir: Path, options: AssemblyOptions) -> AssemblyResult:
    """
    Make the film and everything that is delivered with it.

    Args:
        cut: Circled takes, their lines and voices, in story order.
        out_dir: Folder of the delivery; made if it is missing.
        options: Size, subtitles, music.

    Returns:
        The files, named `episode.*`, and the measured facts.

    Raises:
        CutError: If the takes make no legal timeline, a frame is missing, or the film is silent.
        MediaError: If a take cannot be read.
    """
    places = place(cut)
    for placed in places:
        _check_media(placed.shot.take)
    out_dir.mkdir(parents=True, exist_ok=True)
    desk = Path(tempfile.mkdtemp(prefix=".assembling-", dir=out_dir))
    try:
        is_copied = _make_film(cut, options, desk, places[-1].end_frame)
        loudness = _check_film(desk / "episode.mp4", cut, options, places[-1].end_frame)
        _write_papers(cut, options, desk)
        longest = max(places, key=lambda placed: placed.shot.num_frames)
        middle = (longest.start_frame + longest.end_frame) // 2
        (desk / "episode.jpg").write_bytes(frame_to_jpeg(frame_at(desk / "episode.mp4", middle)))
        return _deliver(desk, out_dir, cut, loudness, places[-1].end_frame, is_copied)
    finally:
        shutil.rmtree(desk, ignore_errors=True)


def _check_media(take: CutTake) -> None:
    """What the file really holds must be what its document says."""
    try:
        found = probe_video(take.video)
    except MediaError as error:
        raise MediaError(error.message, slate=take.slate, hint=error.hint) from error
    said = (take.num_frames, take.width, take.height, Fraction(take.fps))
    seen = (found.num_frames, found.width, found.height, Fraction(found.fps))
    if said != seen:
        raise CutError(
            "the file has {} frames of {}x{} at {}".format(*seen)
            + " and should have {} of {}x{} at {}".format(*said),
            slate=take.slate,
        )


def _cues(cut: Cut, options: AssemblyOptions) -> tuple[Cue, ...]:
    is_wide = options.width > options.height
    return cues_for(cut, row_width=WIDE_ROW_WIDTH if is_wide else ROW_WIDTH)


def _make_film(cut: Cut, options: AssemblyOptions, desk: Path, num_frames: int) -> bool:
    pieces = desk / "pieces"
    pieces.mkdir()
    look = Look(
        width=options.width,
        height=options.height,
        fps=cut.fps,
        crf=options.crf,
        cues=_cues(cut, options) if options.burn_subtitles else (),
        timeout_seconds=options.timeout_seconds,
    )
    sound = desk / "sound.wav"
    with ThreadPoolExecutor(1) as pool:
        mixing = pool.submit(
            mix_sound,
            _voices(cut),
            sound,
            num_frames=num_frames,
            fps=cut.fps,
            music=options.music,
        )
        listing, is_copied = conform(cut, look, pieces)
        mixing.result()
    _join(cut, listing, sound, desk / "episode.mp4", options)
    return is_copied


def _voices(cut: Cut) -> list[PlacedVoice]:
    voices: list[PlacedVoice] = []
    for event in events(cut):
        if event.line.voice is None:
            continue
        if event.line.is_dual and voices:
            voices[-1] = voices[-1]._replace(pan=-DUAL_PAN)
        voices.append(
            PlacedVoice(
                event.line.voice,
                event.start_frame,
                event.end_frame,
                event.line.character,
                event.shot.slate,
                DUAL_PAN if event.line.is_dual else 0.0,
            )
        )
    return voices


def _join(cut: Cut, listing: Path, sound: Path, film: Path, options: AssemblyOptions) -> None:
    picture = ffmpeg.input(listing.name, format="concat", safe=0).video
    heard = ffmpeg.input(local_file(sound)).audio
    is_scratch = any(line.voice and line.is_scratch for shot in cut.shots for line in shot.lines)
    comment = f"{DISCLOSURE} {SCRATCH_DISCLOSURE}" if is_scratch else DISCLOSURE
    output = ffmpeg.output(
        picture,
        heard,
        local_file(film),
        vcodec="copy",
        acodec="aac",
        movflags="+faststart",
        **{
            "b:a": "160k",
            "flags:a": "+bitexact",
            "metadata:g:0": f"title={' '.join(cut.title.split())}",
            "metadata:g:1": f"comment={comment}",
            **BITEXACT,
        },
    )
    run_ffmpeg(output, timeout_seconds=options.timeout_seconds, cwd=listing.parent)


def _check_film(film: Path, cut: Cut, options: AssemblyOptions, num_frames: int) -> Loudness:
    """Decode the whole film; nothing is delivered that was not seen and heard."""
    with ThreadPoolExecutor(1) as pool:
        metering = pool.submit(measure_loudness, film)
        facts = probe_video(film, decode=True)
        loudness = metering.result()
    found = (facts.num_frames, facts.width, facts.height, Fraction(facts.fps))
    wanted = (num_frames, options.width, options.height, cut.rate)
    if found != wanted:
        raise CutError(
            "the film has {} frames of {}x{} at {}".format(*found)
            + " and should have {} of {}x{} at {}".format(*wanted)
        )
    _check_sound(film, num_frames / cut.rate, 1 / cut.rate)
    if loudness.integrated_lufs <= SILENT_LUFS:
        raise CutError(f"the film is silent: {loudness.integrated_lufs:.1f} LUFS")
    return loudness


def _check_sound(film: Path, length: Fraction, frame: Fraction) -> None:
    with av.open(str(film)) as container:
        if not container.streams.audio:
            raise CutError("the film has no sound track")
        streams = (container.streams.video[0], container.streams.audio[0])
        for stream in streams:
            lasts = (stream.duration or 0) * (stream.time_base or Fraction(1))
            if abs(lasts - length) > max(frame, AAC_PACKET):
                raise CutError(
                    f"the film's {stream.type} lasts {float(lasts):.3f} s "
                    f"and should last {float(length):.3f} s"
                )


def _write_papers(cut: Cut, options: AssemblyOptions, desk: Path) -> None:
    cues = _cues(cut, options)
    papers = {
        "episode.srt": to_srt(cues, fps=cut.fps),
        "episode.vtt": to_vtt(cues, fps=cut.fps),
        "episode.otio": to_otio(cut, music=options.music),
        "episode.edl": to_edl(cut),
        "episode.csv": to_kitsu_csv(cut),
    }
    for name, text in papers.items():
        (desk / name).write_text(text, encoding="utf-8")


def _deliver(
    desk: Path, out_dir: Path, cut: Cut, loudness: Loudness, num_frames: int, is_copied: bool
) -> AssemblyResult:
    delivered = {}
    for suffix in ("srt", "vtt", "otio", "edl", "csv", "jpg", "mp4"):
        delivered[suffix] = out_dir / f"episode.{suffix}"
        os.replace(desk / f"episode.{suffix}", delivered[suffix])
    return AssemblyResult(
        film=delivered["mp4"],
        srt=delivered["srt"],
        vtt=delivered["vtt"],
        otio=delivered["otio"],
        edl=delivered["edl"],
        kitsu_csv=delivered["csv"],
        poster=delivered["jpg"],
        loudness=loudness,
        num_frames=num_frames,
        duration_seconds=float(num_frames / cut.rate),
        is_copied=is_copied,
    )
