"""
What may a language model answer? One JSON object; its schema is what the model is held to.

    LookAnswer    how somebody, or some place, looks
    SceneAnswer   a scene as shots: which paragraphs each covers, camera, people, action, speeches
"""

from typing import Annotated

from pydantic import Field

from onestory.documents import Frozen
from onestory.screenplay.shot_list import Framing, Move

MOST_SHOTS = 60
"""Most shots of a scene."""


class LookAnswer(Frozen):
    """How somebody, or some place, looks for good."""

    look: Annotated[str, Field(min_length=3, max_length=200)]
    """A noun phrase."""


class ModelLine(Frozen):
    """A speech, or a piece of one."""

    character: str
    text: str


class ModelShot(Frozen):
    """One run of camera."""

    elements: Annotated[tuple[int, ...], Field(min_length=1, max_length=MOST_SHOTS)]
    """Numbers of the paragraphs and speeches that it covers, ascending."""
    framing: Framing
    move: Move
    cast: Annotated[tuple[str, ...], Field(max_length=12)]
    """Names of who is seen."""
    action: Annotated[str, Field(min_length=3, max_length=400)]
    """What is seen, with names."""
    lines: Annotated[tuple[ModelLine, ...], Field(max_length=40)]
    """What is said, verbatim."""


class SceneAnswer(Frozen):
    """A scene as shots, in story order."""

    shots: Annotated[tuple[ModelShot, ...], Field(min_length=1, max_length=MOST_SHOTS)]
