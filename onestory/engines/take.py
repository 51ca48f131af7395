"""
What is a take, once it lies in the vault?

A take's address is its recipe's digest. The document is written last, after every blob that
it names, so that a take that can be read is a take that is whole.
"""

from enum import StrEnum
from typing import ClassVar

from onestory.documents import Digest, Document, Frozen, digest_of_json
from onestory.engines.recipe import Recipe
from onestory.memory.lineage import Remembered


class Media(Frozen):
    """The blobs of a take, and what a probe of the video said."""

    video: Digest
    """H.264 MP4 without sound, at the recipe's size."""
    poster: Digest
    """JPEG of the middle frame."""
    first_frame: Digest
    """PNG."""
    last_frame: Digest
    """PNG."""
    latents: Digest | None = None
    """safetensors; only engines that remember have them."""
    num_frames: int
    width: int
    height: int
    fps: str
    video_bytes: int


class CaptionReport(Frozen):
    """How well an engine with a finite vocabulary understood the caption."""

    num_words: int = 0
    """Words that carry meaning."""
    unknown: tuple[str, ...] = ()
    """Words it does not know."""
    mapped: tuple[tuple[str, str], ...] = ()
    """(word, nearest known word that was used instead)."""


class Timings(Frozen):
    """Wall seconds of the parts of a take."""

    render_seconds: float
    encode_seconds: float
    store_seconds: float = 0.0


class Take(Document):
    """One attempt at one shot. Never changes."""

    schema_name: ClassVar[str] = "Take.1"

    slate: str
    """The slate under which it was first rendered: `s01e03-sc04-sh012-tk02`."""
    recipe: Recipe
    lineage: tuple[Remembered, ...] = ()
    media: Media
    caption_report: CaptionReport | None = None
    remarks: tuple[str, ...] = ()
    """What the engine wants a person to know, one sentence each."""
    timings: Timings
    machine: str
    """Machine class: equal recipes give equal bytes within it."""
    versions: tuple[tuple[str, str], ...] = ()
    """(library, version) of whatever touched the pixels."""
    rendered_at: str
    """UTC, ISO 8601."""

    @property
    def address(self) -> Digest:
        """The recipe's digest: the name under which the take is stored and asked for."""
        return self.recipe.digest


class NgReason(StrEnum):
    """The fixed vocabulary of why a take is no good."""

    BLACK = "black"
    FROZEN = "frozen"
    WRONG_LENGTH = "wrong length"
    WRONG_SIZE = "wrong size"
    UNREADABLE = "unreadable"
    FLICKER = "flicker"
    SOFT = "soft"
    COLOUR_DRIFT = "colour drift"
    CONTRAST_DRIFT = "contrast drift"
    IDENTITY = "identity"
    PLACE = "place"
    UNSTEADY = "unsteady"
    """Its place, or its people, are not the same from frame to frame."""
    CAPTION = "caption"
    MOTION = "motion"
    PERSON = "person"
    """Rejected by a person."""


class Sight(Frozen):
    """A part of one frame of a take."""

    take: Digest
    frame: int
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Left, top, right, bottom, as shares of the frame, [0, 1]."""


class GateResult(Frozen):
    """What one gate found."""

    gate: str
    """Name of the gate: "black", "frozen", "length" …"""
    value: float | None
    """The number; None if the gate did not run."""
    threshold: float | None
    unit: str
    """Unit of both, as a word: "share of frames", "frames", "delta E" …"""
    is_passed: bool | None
    """None if the gate did not run: which is never a pass."""
    reason: NgReason | None = None
    """Why it is no good; None if passed or not run."""
    evidence: str = ""
    """Which frames, which pair; or why the gate did not run."""
    frames: tuple[int, ...] = ()
    """Frame indices that show it."""
    pair: tuple[Sight, Sight] | None = None
    """What was compared and is least alike: in this take, and in the one it was held against."""


class Reference(Frozen):
    """Takes that show somebody as they are known by now."""

    name: str
    takes: tuple[Digest, ...]
    """In story order."""


class Comparison(Frozen):
    """What a take is held against: takes that are circled of earlier shots."""

    anchor: Digest | None = None
    """First take of the same scene, for colour and contrast; None if there is none yet."""
    people: tuple[Reference, ...] = ()
    """Everybody in the shot who was seen before."""
    place: tuple[Digest, ...] = ()
    """Takes of the same place, in story order."""

    def question(self, gates: Digest) -> Digest:
        """Name what gates with that fingerprint are asked of a take."""
        return digest_of_json({"gates": gates, **self.model_dump(mode="json")})


class Verdict(Document):
    """What the gates say of one take. Keyed by the take's address and the question."""

    schema_name: ClassVar[str] = "Verdict.1"

    take: Digest
    gates: Digest
    """Fingerprint of the gates: their names, thresholds and versions."""
    comparison: Comparison = Comparison()
    """What the take was held against."""
    encoders: Digest | None = None
    """Fingerprint of who looked for the content gates; None if nobody did."""
    results: tuple[GateResult, ...]

    @property
    def question(self) -> Digest:
        """Names the gates and what the take was held against."""
        return self.comparison.question(self.gates)

    @property
    def is_passed(self) -> bool:
        """Whether every gate that ran passed, and at least one ran."""
        ran = [result for result in self.results if result.is_passed is not None]
        return bool(ran) and all(result.is_passed for result in ran)

    @property
    def reasons(self) -> tuple[NgReason, ...]:
        """Why the take is no good, worst gate first; empty if it passed."""
        return tuple(r.reason for r in self.results if r.is_passed is False and r.reason)

    @property
    def spoilt_frames(self) -> tuple[int, ...]:
        """Frames that a gate marked bad, ascending."""
        return tuple(sorted({frame for result in self.results for frame in result.frames}))

    @property
    def badness(self) -> float:
        """How far the failed gates are over their limits, summed; 0 if passed. For best-of."""
        total = 0.0
        for result in self.results:
            if result.is_passed is False:
                total += 1.0
                if result.value is not None and result.threshold:
                    total += abs(result.value - result.threshold) / abs(result.threshold)
        return total
