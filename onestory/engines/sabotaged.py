"""
What does the studio do when an engine fails? Let one fail on purpose and see.

A sabotaged engine wraps a real one. For every caption that contains some words it plays a
list of faults, one per attempt; after the last it works. Which faults were played is kept in
a file, so that a hang that costs the server its life is not played again by its successor.
"""

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias

import av
import numpy as np

from onestory.engines.protocol import (
    Capabilities,
    Control,
    EarlierTake,
    Engine,
    Footage,
    Frame,
    RecalledFrame,
)
from onestory.engines.recipe import NOTHING_REMEMBERED, EngineFingerprint, Recipe
from onestory.memory.lineage import Remembered

Fault: TypeAlias = Literal[
    "none",
    "black",
    "frozen",
    "truncated",
    "zero bytes",
    "wrong length",
    "exception",
    "no memory",
    "hang",
    "crash",
    "stranger",
]


STRANGER = "a boy with curly brown hair, a yellow jumper and black trousers"
"""Look of whoever stands in for somebody."""


class SabotagedEngine:
    """A real engine that fails where and how it is told to."""

    def __init__(self, inner: Engine, faults: Mapping[str, Sequence[Fault]], *, state: str) -> None:
        """
        Args:
            inner: The engine that does the work.
            faults: By words of the caption: what goes wrong at the first, second … attempt.
            state: File that remembers how many faults were played.
        """
        self._inner = inner
        self._faults = faults
        self._state = Path(state)

    def fingerprint(self) -> EngineFingerprint:
        """That of the engine within: sabotage is no part of a recipe."""
        return self._inner.fingerprint()

    def capabilities(self) -> Capabilities:
        """Those of the engine within."""
        return self._inner.capabilities()

    def token_budget(self, recipe: Recipe) -> int:
        """That of the engine within."""
        return self._inner.token_budget(recipe)

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """That of the engine within."""
        return self._inner.recall(recipe, takes, has_people_first=has_people_first)

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes | None:
        """Those of the engine within."""
        return self._inner.latents_of(recipe, frames)

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """That of the engine within: only takes are sabotaged."""
        return self._inner.keyframe(recipe, start=start, memory=memory, control=control)

    def render(
        self,
        recipe: Recipe,
        *,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Footage:
        """Render, or fail in the way that is next."""
        fault = self._next_fault(recipe)
        if fault == "exception":
            raise RuntimeError("sabotaged: the sampler diverged")
        if fault == "no memory":
            raise MemoryError
        if fault == "crash":
            os._exit(70)
        if fault == "hang":
            time.sleep(3600)
        if fault == "stranger":
            recipe, keyframe, memory = _with_strangers(recipe), None, ()
        footage = self._inner.render(recipe, keyframe=keyframe, memory=memory, control=control)
        frames = footage.frames or iter(())
        if fault == "black":
            footage.frames = (np.zeros_like(frame) for frame in frames)
        elif fault == "frozen":
            footage.frames = _frozen(frames)
        elif fault == "wrong length":
            footage.frames = (frame for index, frame in enumerate(frames) if index % 2)
        elif fault in ("truncated", "zero bytes"):
            video = _encoded(frames, recipe) if fault == "truncated" else b""
            footage = Footage(video=video[: len(video) // 2])
        return footage

    def _next_fault(self, recipe: Recipe) -> Fault:
        played: dict[str, int] = json.loads(self._state.read_text()) if self._state.exists() else {}
        for words, faults in self._faults.items():
            count = played.get(words, 0)
            if words in recipe.caption and count < len(faults):
                played[words] = count + 1
                self._state.write_text(json.dumps(played))
                return faults[count]
        return "none"


def _frozen(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The first frame, again and again."""
    first: Frame | None = None
    for frame in frames:
        first = frame if first is None else first
        yield first.copy()


def _encoded(frames: Iterator[Frame], recipe: Recipe) -> bytes:
    """A whole MP4, as a remote engine would send it."""
    target = BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=int(float(recipe.fps)))
        stream.width, stream.height, stream.pix_fmt = recipe.width, recipe.height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return target.getvalue()


def _with_strangers(recipe: Recipe) -> Recipe:
    """The recipe, but with other people in it, whom nobody remembers."""
    subjects = tuple(
        subject.model_copy(update={"look": STRANGER, "name": f"not {subject.name}"})
        for subject in recipe.subjects
    )
    return recipe.model_copy(
        update={
            "subjects": subjects,
            "keyframe": None,
            "keyframe_by": "nobody",
            "memory": NOTHING_REMEMBERED,
        }
    )
