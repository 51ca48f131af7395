"""
What does the film sound like?

    voices ─┬─ levelled ── placed at their frames ──┐
            └─ ducking ──┐                          ├─ sum ── loudness ── sound.wav
    music ── looped ── faded ── ducked ─────────────┤
    room tone, so that a pause is air and not a hole┘

Mixed at 48 kHz in float, sample by sample: a line begins on the sample of its frame.

Shape suffixes, for this module only:
    N  samples    S  left and right
"""

import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from onestory.cut.loudness import TARGET_LUFS, Loudness, normalize
from onestory.errors import CutError

Samples = NDArray[np.float32]

RATE = 48_000
VOICE_DB = -20.0
"""Level of every voice while it speaks, RMS."""
MUSIC_DB = -26.0
"""Level of the music in the clear, RMS."""
DUCK_DB = -10.0
"""How far the music steps back for a voice."""
DUCK_SECONDS = 0.25
"""How long it takes to step back or return."""
ROOM_DB = -62.0
"""Level of the room tone, RMS: air, not hiss."""
ROOM_ONLY_LUFS = -36.0
"""Where a film with neither word nor music is brought: room tone at -14 LUFS would be a gale."""
FADE_SECONDS = 1.5
"""Longest fade of the music at either end."""
DUAL_PAN = 0.35
"""How far two people who speak at once stand apart, 0 is the middle and 1 the edge."""


class PlacedVoice(NamedTuple):
    """A spoken line, and where in the film it is heard."""

    wav: Path
    start_frame: int
    end_frame: int
    character: str
    slate: str
    pan: float = 0.0
    """-1 is left, 1 is right."""


def mix_sound(
    voices: Sequence[PlacedVoice],
    target: Path,
    *,
    num_frames: int,
    fps: str,
    music: Path | None,
    room_db: float = ROOM_DB,
) -> Loudness:
    """
    Make the sound of a film.

    Args:
        voices: Spoken lines; their files may have any rate.
        target: WAV to write, 48 kHz stereo, 24 bits.
        num_frames: Length of the film.
        fps: Rate as a rational.
        music: A file that is looped and faded to the film's length; None is no music.
        room_db: Level of the room tone, RMS in dBFS.

    Returns:
        What the meter says of the result: -14 LUFS, or a quiet -40 if there is only room tone.

    Raises:
        CutError: If a file cannot be read, a voice is longer than its line, or all is silent.
    """
    num_samples = samples_at(num_frames, fps)
    mix_NS = np.zeros((num_samples, 2), np.float32)
    if music is not None:
        mix_NS += _music(music, num_samples) * _ducking(voices, num_samples, fps)[:, None]
    for voice in voices:
        _add_voice(mix_NS, voice, fps)
    is_heard = _is_audible(mix_NS)
    # The meter is deaf below -70 LUFS, so room tone that is alone is mixed louder and set after.
    mix_NS += room_tone(num_samples, room_db if is_heard else room_db + 30)
    draft = target.with_name(target.name + ".draft.wav")
    try:
        _write_wav(mix_NS, draft)
        goal = TARGET_LUFS if is_heard else ROOM_ONLY_LUFS
        return normalize(draft, target, num_samples=num_samples, target_lufs=goal)
    finally:
        draft.unlink(missing_ok=True)


def samples_at(frame: int, fps: str) -> int:
    """The sample at which `frame` begins."""
    return round(Fraction(frame * RATE) / Fraction(fps))


def room_tone(num_samples: int, level_db: float) -> Samples:
    """
    Synthesize the air of a quiet room: soft noise without rumble or hiss, the same every time.

    Args:
        num_samples: Length.
        level_db: RMS in dBFS.

    Returns:
        `room_NS`, float.
    """
    chance = np.random.default_rng(20251207)
    loop = 1 << 18
    pitch = np.fft.rfftfreq(loop, 1 / RATE)
    # Rises to 120 Hz, then falls off by 6 dB an octave, as air and distant machines do.
    shape = np.minimum(pitch / 120, 120 / np.maximum(pitch, 1))
    turns = chance.uniform(0, 2 * np.pi, (2, pitch.size))
    noise_SN = np.fft.irfft(shape * np.exp(1j * turns), loop)
    noise_NS = (noise_SN.T / np.sqrt(np.mean(noise_SN**2))).astype(np.float32)
    repeats = -(-num_samples // loop)
    return np.tile(noise_NS, (repeats, 1))[:num_samples] * np.float32(_gain(level_db))


def read_sound(source: Path, *, slate: str | None = None) -> Samples:
    """
    Decode any sound file.

    Args:
        source: The file.
        slate: The shot it belongs to, for the error.

    Returns:
        `sound_NS`, float, 48 kHz stereo.

    Raises:
        CutError: If it is missing, not a sound, or has no sample.
    """
    if not source.is_file():
        raise CutError(f"there is no sound file {source.name!r}", slate=slate)
    try:
        with av.open(str(source)) as container:
            if not container.streams.audio:
                raise CutError(f"{source.name!r} has no sound in it", slate=slate)
            converter = av.AudioResampler(format="flt", layout="stereo", rate=RATE)
            parts = [
                part.to_ndarray().reshape(-1, 2)
                for frame in [*container.decode(audio=0), None]
                for part in converter.resample(frame)
            ]
    except FFmpegError as error:
        raise CutError(f"{source.name!r} cannot be read: {error.strerror}", slate=slate) from error
    if not parts:
        raise CutError(f"{source.name!r} has 0 samples", slate=slate)
    return np.concatenate(parts).astype(np.float32, copy=False)


def _add_voice(mix_NS: Samples, voice: PlacedVoice, fps: str) -> None:
    voice_NS = read_sound(voice.wav, slate=voice.slate)
    start, end = samples_at(voice.start_frame, fps), samples_at(voice.end_frame, fps)
    if len(voice_NS) > end - start + samples_at(1, fps) or start + len(voice_NS) > len(mix_NS):
        raise CutError(
            f"the line of {voice.character} lasts {len(voice_NS) / RATE:.2f} s and has "
            f"{(min(end, len(mix_NS)) - start) / RATE:.2f} s",
            slate=voice.slate,
            hint="measure the voice again and fit the shot to it",
        )
    # Constant power: a voice at the side is as loud as one in the middle.
    angle = (voice.pan + 1) * np.pi / 4
    side_S = np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2))
    mix_NS[start : start + len(voice_NS)] += _levelled(voice_NS, VOICE_DB) * side_S


def _music(source: Path, num_samples: int) -> Samples:
    music_NS = _levelled(read_sound(source), MUSIC_DB)
    if not _is_audible(music_NS):
        raise CutError(f"the music {source.name!r} is silent")
    repeats = -(-num_samples // len(music_NS))
    film_NS = np.tile(music_NS, (repeats, 1))[:num_samples]
    fade = min(num_samples // 4, int(FADE_SECONDS * RATE))
    ramp = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
    film_NS[:fade] *= ramp
    film_NS[num_samples - fade :] *= ramp[::-1]
    return film_NS


def _ducking(voices: Sequence[PlacedVoice], num_samples: int, fps: str) -> Samples:
    """Gain of the music at every sample: down before a voice begins, up after it ended."""
    ramp = int(DUCK_SECONDS * RATE)
    spoken = np.zeros(num_samples, np.float32)
    for voice in voices:
        start, end = samples_at(voice.start_frame, fps), samples_at(voice.end_frame, fps)
        spoken[max(0, start - ramp // 2) : end + ramp // 2] = 1
    summed = np.concatenate(
        ([0.0], np.cumsum(np.pad(spoken, (ramp // 2, ramp - ramp // 2), "edge")))
    )
    smooth = (summed[ramp:] - summed[:-ramp])[:num_samples] / ramp
    return (10 ** (smooth * DUCK_DB / 20)).astype(np.float32)


def _levelled(sound_NS: Samples, level_db: float) -> Samples:
    """The sound with its loud half at `level_db`; silence stays silence."""
    power_N = np.mean(sound_NS.astype(np.float64) ** 2, axis=1)
    heard = power_N[power_N > power_N.mean() / 10]
    if heard.size == 0 or heard.mean() < 1e-10:
        return sound_NS
    return sound_NS * np.float32(_gain(level_db) / np.sqrt(heard.mean()))


def _is_audible(sound_NS: Samples) -> bool:
    return bool(np.abs(sound_NS).max(initial=0) > 1e-3)


def _gain(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def _write_wav(mix_NS: Samples, target: Path) -> None:
    # Headroom for two voices at once; the loudness passes bring the level back.
    quiet = np.clip(mix_NS * 0.25, -1, 1)
    scaled = (quiet * (2**31 - 1)).astype("<i4")
    with wave.open(str(target), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(4)
        file.setframerate(RATE)
        file.writeframes(scaled.tobytes())
