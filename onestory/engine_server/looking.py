"""
Who looks at takes, beside the engine that makes them?

    frames going by ── a few, made small ── Encoders ── Reading ── kept in the vault
    reading ~ readings of earlier takes ~ limits of this engine ── results of the content gates

A take is read once: right after it was shot from the frames that went by, later from its video.
"""

import base64
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onestory import continuity
from onestory.continuity.content import LOOK, Calibration, Limit, Seen, content_results, look_key
from onestory.continuity.eyes import EncoderEyes, Eyes
from onestory.continuity.likeness import frames_of
from onestory.continuity.measures import FrameMeasures
from onestory.cut.probe import decode_frames
from onestory.documents import Digest, digest_of_json
from onestory.engines.take import Comparison, GateResult, Take
from onestory.errors import CorruptBlobError, MediaError, MissingBlobError, WeightsError
from onestory.vault.store import Vault

logger = logging.getLogger("onestory.engine_server")

HEIGHT_READ = 640
"""Most pixels of a frame's height that encoders are shown."""
STRIP_HEIGHT = 240
"""Height of the frames that are kept for evidence, in pixels."""
JPEG_QUALITY = 82
KEPT_LOOKS = 256
"""How many are kept at hand."""
CALIBRATION = "calibration.json"
"""Beside the encoders by which it was drawn."""

SHIPPED = Path(continuity.__file__).parent / "weights"
"""Encoders that look unless others are named, and their calibration."""


class Glimpses:
    """The few frames of a take that are looked at, caught as all of them go by."""

    def __init__(self, num_frames: int) -> None:
        self.numbers = frames_of(num_frames)
        self._caught: list[NDArray[np.uint8]] = []
        self._next = 0

    def see(self, frame_HW3: NDArray[np.uint8]) -> None:
        """Look at the next frame."""
        if self._next in self.numbers:
            self._caught.append(_made_small(frame_HW3, HEIGHT_READ))
        self._next += 1

    @property
    def caught(self) -> tuple[tuple[int, ...], NDArray[np.uint8]]:
        """Numbers of the frames, and the frames, `F H W 3`; fewer if the take was too short."""
        frames = self._caught or [np.zeros((1, 1, 3), np.uint8)]
        return self.numbers[: len(self._caught)], np.stack(frames)[: len(self._caught)]


class Lookout:
    """Looks at the takes of one engine."""

    def __init__(self, vault: Vault, eyes: Eyes, limits: Mapping[str, Limit]) -> None:
        """
        Args:
            vault: Keeps what was seen.
            eyes: Who looks.
            limits: Of the content gates, calibrated for the engine and for these eyes.
        """
        self.eyes = eyes
        self.limits = limits
        self._vault = vault
        self._fresh: OrderedDict[Digest, Glimpses] = OrderedDict()
        self._seen: OrderedDict[Digest, Seen] = OrderedDict()

    @property
    def digest(self) -> Digest:
        """Names eyes and limits."""
        told = {gate: limit.model_dump(mode="json") for gate, limit in self.limits.items()}
        return digest_of_json([self.eyes.fingerprint, told])

    def keep(self, take: Digest, glimpses: Glimpses) -> None:
        """Keep frames that went by until the take is judged."""
        self._fresh[take] = glimpses
        while len(self._fresh) > 4:
            self._fresh.popitem(last=False)

    def results(
        self, take: Take, measures: FrameMeasures, comparison: Comparison
    ) -> tuple[GateResult, ...]:
        """
        Let the content gates look at a take.

        Args:
            take: Whose media can be read.
            measures: Of its frames.
            comparison: What it is held against; takes that cannot be read are left out.

        Raises:
            MediaError: If the media cannot be read after all.
        """
        wanted = [*comparison.place, *(one for name in comparison.people for one in name.takes)]
        known = {
            address: seen
            for address in dict.fromkeys(wanted)
            if (seen := self._known(address)) is not None
        }
        caption = take.recipe.caption
        return content_results(
            self.seen(take),
            measures,
            caption_D=self.eyes.captions([caption])[0] if caption else None,
            comparison=comparison,
            known=known,
            limits=self.limits,
        )

    def seen(self, take: Take) -> Seen:
        """
        What a take shows: at hand, as kept in the vault, or else looked at now.

        Raises:
            MediaError: If its media cannot be read.
            CorruptBlobError: If it is damaged.
            MissingBlobError: If it is gone.
        """
        if take.address not in self._seen:
            key = look_key(take.address, self.eyes.fingerprint)
            kept = self._vault.find_lookup(LOOK, key)
            seen = Seen.model_validate(kept) if kept else self._look(take)
            if kept is None:
                self._vault.put_lookup(LOOK, key, seen.model_dump(mode="json"))
            self._seen[take.address] = seen
            while len(self._seen) > KEPT_LOOKS:
                self._seen.popitem(last=False)
        return self._seen[take.address]

    def _known(self, address: Digest) -> Seen | None:
        try:
            return self._seen.get(address) or self.seen(self._vault.get_take(address))
        except (MediaError, CorruptBlobError, MissingBlobError) as error:
            logger.warning("take.not_compared take=%s cause=%s", address, error)
            return None

    def _look(self, take: Take) -> Seen:
        glimpses = self._fresh.pop(take.address, None)
        if glimpses is None:
            glimpses = Glimpses(take.media.num_frames)
            for frame in decode_frames(self._vault.get_blob(take.media.video)):
                glimpses.see(frame)
        numbers, frames_FHW3 = glimpses.caught
        return Seen(
            take=take.address,
            slate=take.slate,
            names=tuple(dict.fromkeys(subject.name for subject in take.recipe.subjects)),
            reading=self.eyes.read(numbers, frames_FHW3),
            strip=_strip(frames_FHW3),
        )


def open_eyes(folder: Path | None) -> tuple[Eyes, Path]:
    """
    Open whoever looks at takes.

    Args:
        folder: Of encoders; None for those that are shipped.

    Returns:
        The eyes, and where their calibration lies or is to lie.

    Raises:
        WeightsError: If there are no such encoders.
    """
    from onestory.continuity.encoders import shared_encoders

    chosen = folder or SHIPPED
    return EncoderEyes(shared_encoders(chosen)), chosen / CALIBRATION


def open_lookout(vault: Vault, engine: str, folder: Path | None) -> Lookout | None:
    """
    Have the takes of an engine looked at, if somebody was calibrated for that.

    Args:
        vault: Keeps what is seen.
        engine: Name of the engine.
        folder: Of encoders, with `calibration.json`; None for those that are shipped.

    Returns:
        None if there is no calibration for this engine: nothing is loaded then.

    Raises:
        WeightsError: If the encoders are not those that were calibrated.
    """
    path = (folder or SHIPPED) / CALIBRATION
    if not path.is_file():
        return None
    calibration = Calibration.from_json(path.read_bytes())
    limits = calibration.limits_of(engine)
    if not limits:
        return None
    eyes, _ = open_eyes(folder)
    if eyes.fingerprint != calibration.encoders:
        raise WeightsError(
            f"{path} was made for other eyes", hint="calibrate again: onestory bench gates"
        )
    return Lookout(vault, eyes, limits)


def _strip(frames_FHW3: Iterable[NDArray[np.uint8]]) -> str:
    side_by_side = np.concatenate([_made_small(one, STRIP_HEIGHT) for one in frames_FHW3], axis=1)
    stream = BytesIO()
    Image.fromarray(side_by_side).save(stream, "JPEG", quality=JPEG_QUALITY)
    return base64.b64encode(stream.getvalue()).decode()


def _made_small(frame_HW3: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    high, wide = frame_HW3.shape[:2]
    if high <= height:
        return frame_HW3.copy()
    size = (max(1, round(wide * height / high)), height)
    small = Image.fromarray(frame_HW3).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small, dtype=np.uint8)
