"""
What is really in a video file?

There is no ffprobe beside our ffmpeg, so PyAV reads the file. A number here was counted, not
copied from a header: frames are packets that were read, or pictures that were decoded.

Shape suffixes, for this module only:
    H  rows    W  columns    C  red, green, blue
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from onestory.cut.encode import Rgb
from onestory.errors import MediaError

Source = Path | bytes
"""A file, or the bytes of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFacts:
    """What a probe found."""

    num_frames: int
    """Pictures counted in the file."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""
    fps: str
    """Rate as a rational: "24", "24000/1001"."""
    duration_seconds: float
    """Length of the picture."""
    has_audio: bool
    video_codec: str
    audio_codec: str | None
    """None if there is no sound."""
    is_fast_start: bool
    """Whether the index stands before the pictures, so that a browser can begin at once."""


def probe_video(source: Source, *, decode: bool = False) -> VideoFacts:
    """
    Read a video and say what is in it.

    Args:
        source: A file, or the bytes of one.
        decode: Decode every picture instead of only reading its packet: slower, and the only
            way to know that all of them can be seen.

    Returns:
        Facts that were counted.

    Raises:
        MediaError: If it is empty, truncated, not a video, or has a picture nobody can decode.
    """
    _refuse_empty(source)
    boxes = _boxes(source)
    try:
        with _opened(source) as container:
            return _facts(container, decode=decode, is_fast_start=_is_fast_start(boxes))
    except FFmpegError as error:
        raise MediaError(f"the video cannot be read: {error.strerror}") from error


def decode_frames(
    source: Source, *, width: int | None = None, height: int | None = None
) -> Iterator[Rgb]:
    """
    Decode a video, one frame at a time.

    Args:
        source: A file, or the bytes of one.
        width: Width to scale to; None keeps the file's.
        height: Height to scale to; None keeps the file's.

    Yields:
        `rgb_HWC`, uint8 sRGB, in order of showing.

    Raises:
        MediaError: If it cannot be opened or decoded.
    """
    _refuse_empty(source)
    try:
        with _opened(source) as container:
            stream = _video_of(container)
            for frame in container.decode(stream):
                yield _rgb(frame, width, height)
    except FFmpegError as error:
        raise MediaError(f"the video cannot be read: {error.strerror}") from error


def frame_at(source: Source, index: int) -> Rgb:
    """
    Decode one frame, starting at the nearest frame before it that stands alone.

    Args:
        source: A file, or the bytes of one.
        index: Position from 0.

    Returns:
        `rgb_HWC`, uint8 sRGB, at the file's size.

    Raises:
        MediaError: If it cannot be decoded or there is no such frame.
    """
    _refuse_empty(source)
    try:
        with _opened(source) as container:
            stream = _video_of(container)
            rate, base = _rate_of(stream), stream.time_base or Fraction(1, 1)
            start = stream.start_time or 0
            container.seek(start + round(index / rate / base), stream=stream)
            for frame in container.decode(stream):
                if frame.pts is not None and round((frame.pts - start) * base * rate) >= index:
                    return _rgb(frame, None, None)
    except FFmpegError as error:
        raise MediaError(f"the video cannot be read: {error.strerror}") from error
    raise MediaError(f"frame {index} is past the end of the video")


def _refuse_empty(source: Source) -> None:
    if isinstance(source, Path) and not source.is_file():
        raise MediaError(f"there is no video file {source.name!r}")
    if (len(source) if isinstance(source, bytes) else source.stat().st_size) == 0:
        raise MediaError("the video file has 0 bytes")


def _opened(source: Source) -> InputContainer:
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    container = av.open(file, mode="r")
    for stream in container.streams.video:
        stream.thread_type = "AUTO"
    return container


def _video_of(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise MediaError("the file has no picture in it")
    return container.streams.video[0]


def _rate_of(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise MediaError("the video has no frame rate")
    return rate


def _facts(container: InputContainer, *, decode: bool, is_fast_start: bool) -> VideoFacts:
    stream = _video_of(container)
    rate = _rate_of(stream)
    audio = container.streams.audio
    promised = stream.frames
    found = _count_decoded(container, stream) if decode else _count_packets(container, stream)
    if found == 0 or found < promised:
        raise MediaError(f"the video is truncated: {found} of {promised} frames can be read")
    return VideoFacts(
        num_frames=found,
        width=stream.width,
        height=stream.height,
        fps=str(rate),
        duration_seconds=float(found / rate),
        has_audio=bool(audio),
        video_codec=stream.codec_context.name,
        audio_codec=audio[0].codec_context.name if audio else None,
        is_fast_start=is_fast_start,
    )


def _count_packets(container: InputContainer, stream: VideoStream) -> int:
    return sum(1 for packet in container.demux(stream) if packet.size and not packet.is_discard)


def _count_decoded(container: InputContainer, stream: VideoStream) -> int:
    found = 0
    for frame in container.decode(stream):
        if frame.is_corrupt:
            raise MediaError(f"frame {found} of the video is corrupt")
        found += 1
    return found


def _rgb(frame: VideoFrame, width: int | None, height: int | None) -> Rgb:
    rgb_HWC = frame.to_ndarray(
        format="rgb24", width=width, height=height, interpolation=Interpolation.AREA
    )
    return cast(Rgb, rgb_HWC)


def _boxes(source: Source) -> list[str]:
    """Names of an MP4's outermost boxes in order; empty for another kind of file."""
    if isinstance(source, bytes):
        return _walk(io.BytesIO(source), len(source))
    with source.open("rb") as file:
        return _walk(file, source.stat().st_size)


def _walk(file: BinaryIO, num_bytes: int) -> list[str]:
    names: list[str] = []
    position = 0
    while position + 8 <= num_bytes:
        file.seek(position)
        head = file.read(16)
        name = head[4:8].decode("latin-1")
        if not names and name != "ftyp":
            return []
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        names.append(name)
        position += length if length >= 8 else num_bytes
    if position > num_bytes and length >= 8:
        raise MediaError(
            f"the video is truncated: {num_bytes} bytes of at least {position} are there"
        )
    return names


def _is_fast_start(boxes: list[str]) -> bool:
    return "moov" in boxes and "mdat" in boxes and boxes.index("moov") < boxes.index("mdat")


def stream_header(source: Path) -> bytes:
    """
    The parameter sets of a video: pieces whose headers are equal can be joined without encoding.

    Args:
        source: A file.

    Returns:
        Codec, pixel format and extradata, as one string of bytes.

    Raises:
        MediaError: If it cannot be opened.
    """
    _refuse_empty(source)
    try:
        with _opened(source) as container:
            context = _video_of(container).codec_context
            kind = f"{context.name} {context.pix_fmt} {context.width}x{context.height} "
            return kind.encode() + (context.extradata or b"")
    except FFmpegError as error:
        raise MediaError(f"the video cannot be read: {error.strerror}") from error
