"""
How is an engine looked at? It films small takes, and each question ends in a check.

    recipe ── Engine.render ── frames, digest, seconds
    take ── Engine.recall ── recalled frames ── the same recipe with them and without

Everything goes through the `Engine` protocol, as a film does.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from onestory.documents import Digest, digest_of
from onestory.engines.latents import unpack_figures, unpack_latents
from onestory.engines.protocol import EarlierTake, Engine, Frame, RecalledFrame
from onestory.engines.recipe import Recipe, Subject
from onestory.engines.take import Media, Take, Timings
from onestory.errors import EngineFaultError, RenderError
from onestory.memory.lineage import Remembered, memory_digest

NAMES: Mapping[str, str] = {
    "weights": "which weights were found, and their digest",
    "estimate": "what a shot takes, counted before anything is loaded",
    "load": "how long loading takes; the weights, against those that were counted",
    "stock pipeline": "a take without memory, against what diffusers alone draws: equal to the bit",
    "same seed": "a recipe filmed twice: the same digest",
    "memory is read": "a recipe filmed with and without a memory: two digests",
    "shot": "a shot of full length: its tokens, against those that were counted, and its steps",
    "decoding": "seconds and device memory of decoding it",
    "remembering": "a step that reads a memory, against one that does not",
    "night": "episodes that can be filmed in a night",
}
"""Every check, in order, and what it is about."""

SECONDS_OF_SHOT = 5
SHOTS_OF_EPISODE = 24
"""Two minutes."""
HOURS_OF_NIGHT = 8
SMALL_SIZE = (128, 224)
SMALL_FRAMES = 5
FPS = 24

MARA = Subject(
    name="MARA", phrase="the same woman", look="a young woman with a brown bob and a red coat"
)
STREET = "a narrow street with blue doors"


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNS = "warns"
    """Not as expected, and films can be made all the same."""
    FAILS = "FAILS"
    """What is promised does not hold."""
    NOT_ASKED = "not asked"
    """It means nothing for this engine, or needs what failed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """One of `NAMES`."""
    state: State
    found: str
    hint: str = ""
    """What to do about it; empty when all is well."""
    numbers: Mapping[str, float | str] = field(default_factory=dict)
    """What was measured; a unit ends each name."""


class Watch:
    """A control that notes when steps end, and stops a take after some of them if it is asked."""

    def __init__(
        self, *, most: int | None = None, at_step: Callable[[float], None] = lambda _: None
    ) -> None:
        """
        Begin to watch.

        Args:
            most: Steps after which the take is stopped; None to let it end.
            at_step: Is told how much is done, in [0, 1].
        """
        self.times: list[float] = []
        """Seconds, of a clock that never goes back, at the end of every step."""
        self._most = most
        self._at_step = at_step

    @property
    def has_bigger_device(self) -> bool:
        """Whoever looks at an engine looks at its ladder, too."""
        return False

    def progress(self, share: float) -> None:
        """Note a step."""
        self.times.append(time.perf_counter())
        self._at_step(share)

    def check(self) -> None:
        """Stop if it is time."""
        if self._most is not None and len(self.times) >= self._most:
            raise EngineFaultError("the take was stopped on purpose")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Filmed:
    """A take that was made to look at the engine."""

    frames: Sequence[Frame]
    latents: bytes | None
    remarks: tuple[str, ...]
    seconds: float

    @property
    def digest(self) -> Digest:
        """sha256 of all pixels."""
        whole = hashlib.sha256()
        for frame in self.frames:
            whole.update(np.ascontiguousarray(frame).tobytes())
        return Digest(f"sha256:{whole.hexdigest()}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """Of a take that is filmed to look at the engine."""

    width: int
    height: int
    num_frames: int
    fps: int


def said(sizes: Sizes) -> str:
    """Say how large a take is."""
    return f"{sizes.num_frames} frames of {sizes.width}x{sizes.height}"


def recipe_of(engine: Engine, sizes: Sizes, **fields: Any) -> Recipe:
    """Write a recipe of a woman who walks, some of it changed."""
    usual: dict[str, Any] = {
        "engine": engine.fingerprint(),
        "caption": "Wide shot, day: in the same street, the same woman walks.",
        "subjects": (MARA,),
        "set_name": "STREET",
        "set_look": STREET,
        "memory_budget": engine.capabilities().memory_budget,
        "seed": 3,
        "width": sizes.width,
        "height": sizes.height,
        "num_frames": sizes.num_frames,
        "fps": str(sizes.fps),
    }
    return Recipe(**(usual | fields))


def film(
    engine: Engine,
    recipe: Recipe,
    *,
    first_HW3: Frame | None = None,
    memory: Sequence[RecalledFrame] = (),
    watch: Watch | None = None,
) -> Filmed:
    """
    Film a recipe to the last frame.

    Raises:
        RenderError: If it cannot be made, or `watch` stopped it.
    """
    started = time.perf_counter()
    footage = engine.render(recipe, keyframe=first_HW3, memory=memory, control=watch or Watch())
    if footage.frames is None:
        raise RenderError("the engine delivers videos, and frames are needed to look at")
    frames = list(footage.frames)
    return Filmed(
        frames=frames,
        latents=footage.latents,
        remarks=footage.remarks,
        seconds=time.perf_counter() - started,
    )


def same_seed(once: Filmed, again: Filmed) -> Check:
    """Compare two takes of one recipe, which must be equal."""
    is_equal = once.digest == again.digest
    return Check(
        name="same seed",
        state=State.OK if is_equal else State.FAILS,
        found=f"twice {once.digest[:19]}"
        if is_equal
        else f"{once.digest[:19]}, then {again.digest[:19]}",
        hint=""
        if is_equal
        else "a kernel adds up in another order each time: choose attention_backend native or "
        "_native_math, and look whether CUBLAS_WORKSPACE_CONFIG or cuDNN's benchmark is set",
        numbers={"digest": once.digest},
    )


def memory_is_read(engine: Engine, sizes: Sizes, *, first_HW3: Frame | None = None) -> Check:
    """
    Film a recipe that remembers with its memory and without, which must be two takes.

    The recipe is the same, since what is remembered changes the caption of some engines as well.

    Args:
        engine: Who films.
        sizes: Of the takes.
        first_HW3: Their first frame, if the engine needs one.
    """
    name = "memory is read"
    known = engine.capabilities()
    if not known.remembers or known.memory_budget == 0:
        return Check(name=name, state=State.NOT_ASKED, found="nothing is ever remembered")
    other = recipe_of(engine, sizes, seed=8)
    taken = film(engine, other, first_HW3=first_HW3)
    recipe, memory = recalled(engine, sizes, other, taken)
    if not memory:
        return Check(
            name=name,
            state=State.WARNS,
            found="nothing of a take of the same woman in the same street was recalled",
            hint="choose another memory_policy, or a larger memory_budget",
        )
    within = film(engine, recipe, first_HW3=first_HW3, memory=memory)
    is_other = within.digest != film(engine, recipe, first_HW3=first_HW3).digest
    return Check(
        name=name,
        state=State.OK if is_other else State.FAILS,
        found=f"{len(memory)} recalled, and another take: {within.digest[:19]}"
        if is_other
        else f"{len(memory)} recalled, and the same take: {within.digest[:19]}",
        hint=""
        if is_other
        else "the memory does not reach the model: film without step_cache and is_compiled, and "
        "report it if it stays so",
        numbers={"recalled_frames": len(memory), "digest": within.digest},
    )


def recalled(
    engine: Engine, sizes: Sizes, recipe: Recipe, taken: Filmed
) -> tuple[Recipe, list[RecalledFrame]]:
    """
    Ask the engine what a take remembers of an earlier one.

    Args:
        engine: Who films.
        sizes: Of both takes.
        recipe: Of the earlier one.
        taken: The earlier one.

    Returns:
        The recipe of the next one, and the frames that it remembers; none if the earlier one has
        nothing to remember.
    """
    bare = recipe_of(engine, sizes)
    latents = taken.latents
    if latents is None:
        return bare, []
    earlier = EarlierTake(take=_take(recipe), read_latents=lambda: latents)
    lineage: tuple[Remembered, ...] = engine.recall(bare, [earlier])
    all_FChw, shown = unpack_latents(latents), unpack_figures(latents)
    frames = [
        RecalledFrame(
            source=one,
            latent_CHW=all_FChw[one.frame_index],
            figures=shown and {name: each[one.frame_index] for name, each in shown.items()},
        )
        for one in lineage
    ]
    return recipe_of(engine, sizes, memory=memory_digest(lineage)), frames


def night(shot_seconds: float, sizes: Sizes, *, words: str = "") -> Check:
    """
    Say how many episodes a night has room for, with one take of every shot.

    Args:
        shot_seconds: Of a shot.
        sizes: Of it.
        words: How the seconds were found, if that is to be said.
    """
    length = sizes.num_frames / sizes.fps
    of_five = shot_seconds * SECONDS_OF_SHOT / length
    episodes = HOURS_OF_NIGHT * 3600 / (SHOTS_OF_EPISODE * of_five)
    minutes = SHOTS_OF_EPISODE * SECONDS_OF_SHOT // 60
    return Check(
        name="night",
        state=State.OK,
        found=f"{shot_seconds:.1f} s a shot of {length:.1f} s{words}: {episodes:.1f} episodes of "
        f"{minutes} minutes in {HOURS_OF_NIGHT} hours, with one take a shot",
        numbers={"shot_seconds": shot_seconds, "episodes": episodes},
    )


def _take(recipe: Recipe) -> Take:
    """A take of which nothing but recipe and latents is ever read."""
    blob = digest_of(recipe.to_json())
    return Take(
        slate="bench-sc01-sh001-tk01",
        recipe=recipe,
        media=Media(
            video=blob,
            poster=blob,
            first_frame=blob,
            last_frame=blob,
            num_frames=recipe.num_frames,
            width=recipe.width,
            height=recipe.height,
            fps=recipe.fps,
            video_bytes=0,
        ),
        timings=Timings(render_seconds=0.0, encode_seconds=0.0),
        machine="bench",
        rendered_at="1970-01-01T00:00:00+00:00",
    )
