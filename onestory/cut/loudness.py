"""
How loud is it, and how is it brought to where a viewer expects it?

    measure ── gain + true-peak limiter ── measure ── small gain ── measure
       pass 1            pass 2                                       the truth
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

import ffmpeg

from onestory.cut.ffmpeg_call import BITEXACT, local_file, run_ffmpeg
from onestory.errors import CutError

TARGET_LUFS = -14.0
"""Integrated loudness at which the short-video platforms play."""
CEILING_DB = -1.5
"""Half a decibel under the allowed -1 dBTP, which AAC may overshoot."""
OVERSAMPLED = 192_000
"""Rate at which peaks between samples can be seen."""
SILENT_LUFS = -69.0
"""What the meter says of silence is -70."""
SHORTEST_SECONDS = 0.5
"""The meter needs a block of 0.4 s before it says anything."""
CLOSE_ENOUGH_LU = 0.2
MAX_ROUNDS = 4


class Loudness(NamedTuple):
    """What the meter said, by EBU R 128."""

    integrated_lufs: float
    true_peak_db: float


def measure_loudness(source: Path, *, timeout_seconds: float = 300.0) -> Loudness:
    """
    Measure the sound of a file.

    Args:
        source: Sound, or a film with sound.
        timeout_seconds: Longest it may take.

    Returns:
        Integrated loudness (-70 means silence) and true peak.

    Raises:
        CutError: If there is no sound to measure.
    """
    sound = ffmpeg.input(local_file(source)).audio.filter("apad", whole_dur=SHORTEST_SECONDS)
    meter = sound.filter("ebur128", peak="true", framelog="quiet")
    said = run_ffmpeg(
        ffmpeg.output(meter, "-", format="null"), timeout_seconds=timeout_seconds, slate=None
    )
    summary = said.rpartition("Summary:")[2]
    integrated = re.search(r"I:\s*(-?[\d.]+|-?inf|nan) LUFS", summary)
    peak = re.search(r"Peak:\s*(-?[\d.]+|-?inf|nan) dBFS", summary)
    if not integrated or not peak:
        raise CutError(f"the loudness of {source.name!r} could not be measured")
    return Loudness(_number(integrated.group(1)), _number(peak.group(1)))


def normalize(
    source: Path, target: Path, *, num_samples: int, target_lufs: float = TARGET_LUFS
) -> Loudness:
    """
    Bring a mix to its loudness, without a peak over the ceiling.

    Args:
        source: The mix, 48 kHz stereo WAV.
        target: Where the normalized one shall lie.
        num_samples: Exact length.
        target_lufs: Integrated loudness to reach.

    Returns:
        What the meter says of the result.

    Raises:
        CutError: If the mix is silent, or cannot be brought there.
    """
    measured = measure_loudness(source)
    if measured.integrated_lufs <= SILENT_LUFS:
        raise CutError(
            f"the mix is silent: {measured.integrated_lufs:.1f} LUFS, "
            f"peak {measured.true_peak_db:.1f} dBTP"
        )
    gain = 0.0
    for _ in range(MAX_ROUNDS):
        gain += target_lufs - measured.integrated_lufs
        _apply(source, target, gain, num_samples)
        measured = measure_loudness(target)
        if abs(target_lufs - measured.integrated_lufs) <= CLOSE_ENOUGH_LU:
            return measured
    if abs(target_lufs - measured.integrated_lufs) > 1.0:
        raise CutError(
            f"the mix stays at {measured.integrated_lufs:.1f} LUFS and should be at "
            f"{target_lufs:.1f}",
            hint="it is nearly silent, or nothing but short peaks",
        )
    return measured


def _number(text: str) -> float:
    """A reading; silence is the meter's lowest mark, so that JSON can hold it."""
    return float(text) if text[-1].isdigit() else -70.0


def _apply(source: Path, target: Path, gain_db: float, num_samples: int) -> None:
    sound = ffmpeg.input(local_file(source)).audio.filter("volume", f"{gain_db:.3f}dB")
    limited = (
        sound.filter("aresample", OVERSAMPLED)
        .filter(
            "alimiter",
            limit=10 ** (CEILING_DB / 20),
            attack=5,
            release=60,
            level="disabled",
            latency="enabled",  # Without it every word comes as late as the limiter looks ahead.
        )
        .filter("aresample", 48_000)
        .filter("apad")
        .filter("atrim", end_sample=num_samples)
    )
    output: Any = ffmpeg.output(
        limited, local_file(target), format="wav", acodec="pcm_s24le", ar=48_000, ac=2, **BITEXACT
    )
    run_ffmpeg(output, timeout_seconds=300.0)
