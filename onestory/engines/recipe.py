"""
What decides a take's pixels, and what is its name?

    Recipe ── canonical JSON ── sha256 = the take's address, everywhere and for ever

One function computes it (`Recipe.digest`), at render time and at check time alike. What is
not in a recipe cannot change a pixel; what is in it makes a take stale when it changes.
"""

import json
from typing import ClassVar, Literal

from pydantic import Field

from onestory.documents import Digest, Document, Frozen, digest_of_json

NOTHING_REMEMBERED = Digest(
    "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
)
"""Memory digest of an empty selection: the sha256 of `[]`."""


class EngineFingerprint(Frozen):
    """Which engine, exactly."""

    name: str
    weights: str
    """Digest of the weights; "none" for an engine without a network."""
    config: str
    """Digest of the sampler and model configuration."""
    recipe_version: int = Field(ge=1)
    """Raised by hand when a code change alters pixels, so that an upgrade alone makes nothing
    stale."""


IMPORTED = "imported"
"""Name of the engine of a person's own footage: none."""


def imported_for(engine: EngineFingerprint, clip: Digest) -> EngineFingerprint:
    """
    Name the source of a person's own footage.

    Args:
        engine: Which engine will remember it: its latents are that engine's.
        clip: Blob of the footage.
    """
    return EngineFingerprint(
        name=IMPORTED,
        weights=clip,
        config=digest_of_json(engine.model_dump(mode="json")),
        recipe_version=1,
    )


class Subject(Frozen):
    """Somebody whom the caption speaks of."""

    name: str
    phrase: str
    """The caption's words for them."""
    look: str
    """Their fixed look in the bible."""


class Speech(Frozen):
    """Somebody on screen says something: frames [start_frame, end_frame)."""

    name: str
    start_frame: int = Field(ge=0)
    end_frame: int = Field(ge=0)


class Recipe(Document):
    """Everything that determines a take's pixels."""

    schema_name: ClassVar[str] = "Recipe.1"

    engine: EngineFingerprint
    caption: str
    negative_caption: str = ""
    subjects: tuple[Subject, ...] = ()
    set_name: str = ""
    set_look: str = ""
    """Bible of the set; its name seeds the instance, so that a place returns as itself."""
    speech: tuple[Speech, ...] = ()
    keyframe: Digest | None = None
    """Blob of the first frame that conditions the take, PNG; in the recipe of a first frame the
    reference sheet that it starts from."""
    keyframe_by: Literal["nobody", "engine", "user", "previous", "sheet"] = "nobody"
    """Whose frame that is; "previous": the last of the take before, since there is no cut."""
    memory: Digest = NOTHING_REMEMBERED
    """Digest of the ordered (latent frame digest, position, level) list that selection chose."""
    memory_budget: float = Field(default=1.0, ge=0)
    """Most memory tokens, in latent-frame equivalents."""
    guidance: float = Field(default=1.0, ge=0)
    seed: int = Field(ge=0, lt=2**63)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    num_frames: int = Field(gt=0)
    fps: str


class Difference(Frozen):
    """One field of two recipes."""

    field: str
    one: str
    other: str


def differences(one: Recipe, other: Recipe) -> tuple[Difference, ...]:
    """Every field in which two recipes differ, in the recipe's own order."""
    left, right = one.model_dump(mode="json"), other.model_dump(mode="json")
    return tuple(
        Difference(field=name, one=_shown(left[name]), other=_shown(right[name]))
        for name in left
        if left[name] != right[name]
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
