"""
Which pictures does a verdict speak of?

    pair of a gate's result ── what was seen in both takes ── strip ── two cuts of frames
"""

import base64
from io import BytesIO

from PIL import Image

from onestory.continuity.content import LOOK, Seen, look_key
from onestory.dailies.page import Evidence
from onestory.engines.take import Sight, Verdict
from onestory.vault.store import Vault

MARGIN = 0.08
"""How much more than the box is shown on every side, as a share of it."""
JPEG_QUALITY = 85
EXHIBIT_HEIGHT = 240
"""Of each picture of an exhibit, in pixels."""
GAP = 8


def evidence_of(vault: Vault, verdict: Verdict | None) -> tuple[Evidence, ...]:
    """
    Cut out what a verdict compared.

    Returns:
        One pair of pictures for each gate that compared two takes; a gate is left out if one of
        its pictures is gone.
    """
    if verdict is None or verdict.encoders is None:
        return ()
    compared = {one.gate: one.pair for one in verdict.results if one.pair is not None}
    seen = {
        take: Seen.model_validate(kept)
        for take in {sight.take for pair in compared.values() for sight in pair}
        if (kept := vault.find_lookup(LOOK, look_key(take, verdict.encoders))) is not None
    }
    return tuple(
        Evidence(
            gate=gate,
            here=cut(seen[here.take], here),
            there=cut(seen[there.take], there),
            there_from=seen[there.take].slate,
        )
        for gate, (here, there) in compared.items()
        if here.take in seen and there.take in seen
    )


def exhibit(vault: Vault, verdict: Verdict) -> bytes:
    """
    Put what the gates that said NG compared into one picture: a row a gate, the take on the left.

    Returns:
        JPEG; empty if no gate that said NG compared takes.
    """
    failed = {one.gate for one in verdict.results if one.is_passed is False}
    rows = [
        [Image.open(BytesIO(content)).convert("RGB") for content in (one.here, one.there)]
        for one in evidence_of(vault, verdict)
        if one.gate in failed
    ]
    if not rows:
        return b""
    fitted = [[_of_height(picture, EXHIBIT_HEIGHT) for picture in row] for row in rows]
    width = max(sum(picture.width for picture in row) + GAP for row in fitted)
    board = Image.new("RGB", (width, len(fitted) * (EXHIBIT_HEIGHT + GAP) - GAP), "white")
    for number, row in enumerate(fitted):
        top = number * (EXHIBIT_HEIGHT + GAP)
        board.paste(row[0], (0, top))
        board.paste(row[1], (row[0].width + GAP, top))
    return _jpeg(board)


def cut(seen: Seen, sight: Sight) -> bytes:
    """
    Cut a part of a frame out of the frames that are kept of a take.

    Returns:
        JPEG.

    Raises:
        ValueError: If that frame was not kept.
    """
    frames = seen.reading.frames
    if sight.frame not in frames:
        raise ValueError(f"frame {sight.frame} of {seen.slate} was not kept, of {len(frames)} were")
    strip = Image.open(BytesIO(base64.b64decode(seen.strip)))
    wide, high = strip.width // len(frames), strip.height
    start = frames.index(sight.frame) * wide
    left, top, right, bottom = sight.box
    more_wide, more_high = MARGIN * (right - left), MARGIN * (bottom - top)
    box = (
        start + round(max(0.0, left - more_wide) * wide),
        round(max(0.0, top - more_high) * high),
        start + round(min(1.0, right + more_wide) * wide),
        round(min(1.0, bottom + more_high) * high),
    )
    return _jpeg(strip.crop(box))


def _of_height(picture: Image.Image, height: int) -> Image.Image:
    return picture.resize((max(1, round(picture.width * height / picture.height)), height))


def _jpeg(picture: Image.Image) -> bytes:
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
