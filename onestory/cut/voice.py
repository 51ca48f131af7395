"""
Who speaks before an actor does, and how long does it take?

    line ── spoken_words ── Voice ── WAV ── measure_seconds ── fit_shot ── frames

A scratch voice is a stand-in: it gives every character a voice of their own, the film its
timing, and says in every file that it is scratch.
"""

import hashlib
import io
import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from onestory.cut.language import language_of, spoken_words
from onestory.errors import CutError, StudioError
from onestory.screenplay.episode import Shot

LEAD_IN_SECONDS = Fraction(1, 4)
"""Before the first line of a shot."""
GAP_SECONDS = Fraction(1, 5)
"""Between two lines."""
TAIL_SECONDS = Fraction(7, 20)
"""After the last line of a shot."""
SILENT_SECONDS = 0.4
"""Length of a line in which nothing can be said, such as "…"."""
SCRATCH_REMARK = b"scratch voice, synthetic, not for delivery"


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceSpec:
    """Whose voice it is."""

    character: str
    """Name in the cast: the same name always has the same voice."""
    kind: str = "person"
    """`woman`, `man`, `girl`, `boy`, `person` or `narrator`."""


class Voice(Protocol):
    """Anything that can say a line."""

    is_scratch: bool
    """Whether its words must be spoken again by somebody before the film leaves the house."""

    def fingerprint(self) -> str:
        """Everything but text and character that decides how a line sounds."""
        ...

    def speak(self, text: str, *, voice: VoiceSpec) -> bytes:
        """The line as a mono WAV file, without silence at its ends."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class EspeakSettings:
    """How espeak-ng shall sound."""

    variant: str
    pitch: int
    """0 to 99."""
    words_per_minute: int


VARIANTS: dict[str, tuple[str, ...]] = {
    "woman": ("f1", "f2", "f3", "f4", "f5", "Annie", "linda", "steph"),
    "man": ("m1", "m2", "m3", "m4", "m6", "m7", "m8", "john", "pablo"),
    "girl": ("f2", "f3", "f4", "f5"),
    "boy": ("f1", "f5", "m3", "m7"),
    "person": ("m3", "m7", "f1", "f4", "max"),
    "narrator": ("m2", "f3", "Michael"),
}
PITCHES: dict[str, range] = {
    "woman": range(50, 71),
    "man": range(25, 46),
    "girl": range(78, 96),
    "boy": range(72, 90),
    "person": range(42, 62),
    "narrator": range(36, 50),
}
SPEEDS: dict[str, range] = {"narrator": range(145, 160)}
USUAL_SPEEDS = range(150, 180)


def espeak_settings(voice: VoiceSpec) -> EspeakSettings:
    """The voice of a character, drawn from the name: the same on every machine."""
    kind = voice.kind if voice.kind in VARIANTS else "person"
    draw = hashlib.sha256(f"{kind}\0{voice.character}".encode()).digest()
    variants, pitches = VARIANTS[kind], PITCHES[kind]
    speeds = SPEEDS.get(kind, USUAL_SPEEDS)
    return EspeakSettings(
        variant=variants[int.from_bytes(draw[0:4], "big") % len(variants)],
        pitch=pitches[int.from_bytes(draw[4:8], "big") % len(pitches)],
        words_per_minute=speeds[int.from_bytes(draw[8:12], "big") % len(speeds)],
    )


class EspeakVoice:
    """The scratch voices of espeak-ng, offline and in a hundred languages."""

    is_scratch = True

    def __init__(self, *, command: str = "espeak-ng", timeout_seconds: float = 30.0) -> None:
        """
        Name the program; it is looked for at the first line.

        Args:
            command: Name or path of espeak-ng.
            timeout_seconds: Longest that one line may take to synthesize.
        """
        self.command = command
        self.timeout_seconds = timeout_seconds

    def fingerprint(self) -> str:
        """
        Version of the program and of the choice of voices.

        Returns:
            Such as `espeak-ng 1.51, voices 1`.

        Raises:
            StudioError: If espeak-ng is not installed or fails.
        """
        return f"espeak-ng {self._version}, voices 1"

    def speak(self, text: str, *, voice: VoiceSpec) -> bytes:
        """
        Say a line.

        Args:
            text: The script's words; markup and emoji are not read out.
            voice: Whose words they are.

        Returns:
            Mono WAV at espeak's own rate, marked as scratch, without silence at its ends. A
            line in which nothing can be said is a short silence.

        Raises:
            StudioError: If espeak-ng is not installed or fails.
        """
        words = spoken_words(text)
        if not any(letter.isalnum() for letter in words):
            return _as_wav(np.zeros(int(SILENT_SECONDS * 22050), np.int16), 22050)
        how = espeak_settings(voice)
        raw = self._run(
            "--stdin", "-b", "1", "--stdout",
            "-v", f"{language_of(words)}+{how.variant}",
            "-p", str(how.pitch),
            "-s", str(how.words_per_minute),
            words=words,
        )  # fmt: skip
        samples, rate = _streamed_samples(raw)
        if np.abs(samples.astype(np.int32)).max(initial=0) <= 64:
            # A script that espeak cannot read: the cut still needs its time.
            return _as_wav(np.zeros(int(len(words) * rate / 14), np.int16), rate)
        return _as_wav(_trimmed(samples, rate), rate)

    @cached_property
    def _version(self) -> str:
        said = self._run("--version").decode(errors="replace").split()
        return next((word for word in said if word[:1].isdigit()), "unknown")

    def _run(self, *arguments: str, words: str = "") -> bytes:
        program = shutil.which(self.command)
        if program is None:
            raise StudioError(
                f"the speech synthesizer {self.command!r} is not installed",
                hint="install espeak-ng, for instance: apt-get install espeak-ng",
            )
        try:
            done = subprocess.run(
                (program, *arguments),
                input=words.encode(),
                capture_output=True,
                timeout=self.timeout_seconds,
            )
        except subprocess.TimeoutExpired as expired:
            raise StudioError(
                f"espeak-ng took longer than {self.timeout_seconds:g} s for one line"
            ) from expired
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise StudioError(
                f"espeak-ng failed with code {done.returncode}: {(said or ['it said nothing'])[-1]}"
            )
        return done.stdout


def measure_seconds(wav: bytes) -> float:
    """
    Length of a WAV file.

    Args:
        wav: The whole file.

    Returns:
        Seconds, exact to the sample.

    Raises:
        CutError: If it is not a WAV file.
    """
    try:
        with wave.open(io.BytesIO(wav)) as file:
            return float(file.getnframes() / file.getframerate())
    except (wave.Error, EOFError) as error:
        raise CutError(f"the voice is not a WAV file: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedShot:
    """A shot that is long enough for its words."""

    num_frames: int
    """Length of the shot."""
    line_frames: tuple[tuple[int, int], ...]
    """Half-open range of every line, in frames from the start of the shot."""


def fit_shot(shot: Shot, line_seconds: Sequence[float], fps: str) -> FittedShot:
    """
    Place the lines of a shot and say how long it must be.

    Args:
        shot: What the script asks for.
        line_seconds: Measured length of each of its lines.
        fps: Rate as a rational.

    Returns:
        Lines one after another, dual ones together; never shorter than the script asks.

    Raises:
        CutError: If the script fixed a length that the lines do not fit into.
        ValueError: If there is not one measured length for each line.
    """
    if len(line_seconds) != len(shot.lines):
        raise ValueError(f"{len(shot.lines)} lines need as many lengths, got {len(line_seconds)}")
    rate = Fraction(fps)
    ranges: list[tuple[int, int]] = []
    start = end = ceil(LEAD_IN_SECONDS * rate)
    for line, seconds in zip(shot.lines, line_seconds, strict=True):
        if ranges and not line.dual:
            start = end + ceil(GAP_SECONDS * rate)
        length = max(1, ceil(Fraction(seconds).limit_denominator(1_000_000) * rate))
        ranges.append((start, start + length))
        end = max(end, start + length)
    if not ranges:
        return FittedShot(num_frames=shot.num_frames, line_frames=())
    if shot.is_length_fixed:
        _refuse_overrun(shot, end, rate)
        return FittedShot(num_frames=shot.num_frames, line_frames=tuple(ranges))
    needed = end + ceil(TAIL_SECONDS * rate)
    return FittedShot(num_frames=max(shot.num_frames, needed), line_frames=tuple(ranges))


def _refuse_overrun(shot: Shot, end: int, rate: Fraction) -> None:
    if end > shot.num_frames:
        raise CutError(
            f"the lines need {end} frames ({float(end / rate):.1f} s) and the script fixed "
            f"the shot at {shot.num_frames} ({float(shot.num_frames / rate):.1f} s)",
            slate=shot.slate,
            hint="lengthen the shot, split it, or cut words",
        )


def _streamed_samples(raw: bytes) -> tuple[NDArray[np.int16], int]:
    """Samples and rate of a WAV whose header could not know its own length."""
    start = raw.find(b"data")
    if raw[:4] != b"RIFF" or start < 0:
        raise StudioError(f"espeak-ng wrote {len(raw)} bytes that are not a WAV file")
    body = raw[start + 8 :]
    rate = int.from_bytes(raw[24:28], "little")
    return np.frombuffer(body[: len(body) // 2 * 2], "<i2").astype(np.int16), rate


def _trimmed(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """The words without the silence around them, with 20 ms of air on either side."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 64)
    air = rate // 50
    return samples[max(0, loud[0] - air) : loud[-1] + air]


def _as_wav(samples: NDArray[np.int16], rate: int) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    # A comment chunk after the samples, as RIFF defines it: any player shows or skips it.
    remark = SCRATCH_REMARK + b"\0" * (2 - len(SCRATCH_REMARK) % 2)
    chunk = b"INFOICMT" + len(remark).to_bytes(4, "little") + remark
    wav = target.getvalue() + b"LIST" + len(chunk).to_bytes(4, "little") + chunk
    return wav[:4] + (len(wav) - 8).to_bytes(4, "little") + wav[8:]
