"""What is said between a flow and the engine server: small, frozen JSON, never pixels."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from onestory.documents import Digest, Frozen
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import Comparison, NgReason
from onestory.memory.lineage import Remembered


class TakeRequest(Frozen):
    """Shoot this recipe, or find the take that was shot of it before."""

    recipe: Recipe
    slate: str
    """For people: whom the camera report and errors name."""
    lineage: tuple[Remembered, ...] = ()
    """What it remembers; its digest is the recipe's `memory`."""
    time_limit_seconds: float = Field(default=900.0, gt=0)
    """Longest render; waiting for the engine does not count."""
    has_bigger_device: bool = False
    """Whether a bigger device takes the film over if this one's memory is too small: then the
    engine goes down no ladder of its own."""


class TakeAnswer(Frozen):
    """Where the take lies."""

    address: Digest
    is_reused: bool
    """Whether it lay in the vault already."""
    seconds: float
    """Wall seconds of rendering, encoding and storing; 0 if reused."""


class KeyframeRequest(Frozen):
    """Draw the first frame of this recipe."""

    recipe: Recipe
    slate: str
    lineage: tuple[Remembered, ...] = ()
    has_bigger_device: bool = False
    """As for a take."""


class KeyframeAnswer(Frozen):
    """Where the keyframe lies, as PNG."""

    blob: Digest
    is_reused: bool


class RecallRequest(Frozen):
    """Which frames of these takes would this recipe remember?"""

    recipe: Recipe
    """Without memory and keyframe, which are not known yet."""
    slate: str
    takes: tuple[Digest, ...]
    """Circled takes of the earlier shots, in story order."""
    spoilt: Mapping[Digest, tuple[int, ...]] = {}
    """By take: frames that a gate marked bad, and that are not to be remembered."""
    has_people_first: bool = False
    """Whether frames that show the recipe's people are remembered before all others."""


class RecallAnswer(Frozen):
    """The lineage that a take of the recipe would have."""

    lineage: tuple[Remembered, ...]


class VerdictRequest(Frozen):
    """Judge this take."""

    take: Digest
    slate: str
    comparison: Comparison = Comparison()
    """What it is held against."""


class VerdictAnswer(Frozen):
    """What the gates said, in short; the document lies in the vault."""

    take: Digest
    question: Digest
    """With the take it names the document."""
    is_passed: bool
    reasons: tuple[NgReason, ...]
    badness: float


class CancelRequest(Frozen):
    """Stop working on this take."""

    address: Digest


class Health(Frozen):
    """How the server is, and what it has done since it started."""

    status: Literal["ready"] = "ready"
    pid: int
    engine: EngineFingerprint
    remembers: bool
    draws_keyframes: bool
    accepts_keyframes: bool
    painter: EngineFingerprint | None = None
    paints_from_sheets: bool = False
    continues: bool
    memory_budget: float
    memory_policy: str = ""
    max_frames: int
    multiple_of: int
    trained_sizes: tuple[tuple[int, int], ...] = ()
    resamples: bool = False
    rendered: int
    reused: int
    working_on: Digest | None = None
    share: float = 0.0
    """How much of that take is done, in [0, 1]."""
