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
    stream = BytesIO()
    strip.crop(box).save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()
