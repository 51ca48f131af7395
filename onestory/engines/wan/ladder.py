"""
What is done when the device has too little memory, before a take is given up?

    drawing ran out    parts in turn ── layers in turn ── given up; tiles, if there is a first frame
    decoding ran out   parts in turn ── tiles ── given up

Where things lie changes no pixel by more than rounding; tiles may leave seams. Either stands in
the remarks of every take that was made so. Nothing else is tried: fewer remembered frames, fewer
pixels or fewer steps would be another take than its recipe says, under the same name.

What was moved stays where it is for later takes, which would run out as well; tiles are for one
take alone.
"""

import gc
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any, Literal

import torch
from diffusers.hooks.group_offloading import apply_group_offloading

from onestory.errors import OutOfMemoryError, WeightsError

Work = Literal["drawing", "drawing from a picture", "decoding"]


SHORT = ("out of memory", "can't allocate memory", "cannot allocate memory")
"""What is said where there is no error of its own for that: by torch on the CPU and of cuDNN, and
by the system when it reads files."""

FEWER = "onestory doctor --engine wan says what it takes; draw fewer pixels or frames"
SMALLER = (
    "onestory doctor --engine wan says what they take; name a smaller model or GGUF files (gguf), "
    'choose storage = "fp8", or let parts wait in main memory on one card (is_offloaded)'
)
"""What to do where a take needs too much, and where the weights do."""


class Rung(Enum):
    """What can be done; its value is what a take then says of itself."""

    PARTS = (
        "The device ran out of memory, and parts of the model waited in main memory in turn: it "
        "took longer, and changed no pixel by more than rounding."
    )
    LAYERS = (
        "The device ran out of memory, and the model's layers waited in main memory in turn: it "
        "took far longer, and changed no pixel by more than rounding."
    )
    TILES = (
        "The device ran out of memory, and the VAE worked in tiles: there may be seams, which the "
        "same recipe has not where there is enough memory."
    )


RUNGS: dict[Work, tuple[Rung, ...]] = {
    "drawing": (Rung.PARTS, Rung.LAYERS),
    # Its VAE codes the first frame, too.
    "drawing from a picture": (Rung.PARTS, Rung.LAYERS, Rung.TILES),
    "decoding": (Rung.PARTS, Rung.TILES),
}


class Ladder:
    """Where the parts of a model are, and what was done to get along."""

    def __init__(
        self,
        pipelines: tuple[Any, ...],
        *,
        device: str,
        is_offloaded: bool,
        is_tiled: bool,
        is_compiled: bool,
        is_spread: bool = False,
    ) -> None:
        """
        Take over where parts are.

        Args:
            pipelines: Of the same parts.
            device: Where it computes.
            is_offloaded: Whether parts wait in main memory from the start.
            is_tiled: Whether the VAE works in tiles from the start.
            is_compiled: Whether blocks are compiled: then their layers stay together.
            is_spread: Whether other cards draw along: then everything stays where it is.
        """
        self.device = torch.device(device)
        self.taken: list[Rung] = []
        """In the order in which they were."""
        # Main memory is where the parts of a model on the CPU are anyway.
        self.has_elsewhere = self.device.type != "cpu"
        self._pipelines = pipelines
        self._vae = pipelines[0].vae
        self._is_in_turn = is_offloaded
        self._is_tiled = is_tiled
        self._is_compiled = is_compiled
        self._is_spread = is_spread
        self._is_aside = False

    @property
    def remarks(self) -> tuple[str, ...]:
        """What takes that are made now say of themselves."""
        return tuple(rung.value for rung in self.taken)

    @property
    def waits(self) -> bool:
        """Whether parts or layers wait elsewhere because the device ran out of memory."""
        return Rung.PARTS in self.taken or Rung.LAYERS in self.taken

    def begin_take(self) -> None:
        """Forget what was for one take alone."""
        if Rung.TILES in self.taken:
            self.taken.remove(Rung.TILES)
            self._vae.disable_tiling()

    def climb(self, work: Work) -> bool:
        """
        Do the next thing.

        Args:
            work: What ran out of memory.

        Returns:
            Whether there was one.
        """
        for rung in RUNGS[work]:
            if rung not in self.taken and self._may(rung):
                self._take(rung)
                self.taken.append(rung)
                return True
        return False

    def bring(self, pipeline: Any) -> None:
        """Let the parts of one pipeline come to the device when they are needed."""
        if self._is_aside:
            for one in self._pipelines:
                one.to(self.device)
            self._is_aside = False
        if self._is_in_turn:
            pipeline.enable_model_cpu_offload(device=self.device)

    def step_aside(self) -> None:
        """Leave the device to another model, until something is brought there again."""
        if not self.has_elsewhere or Rung.LAYERS in self.taken:
            return  # Layers are elsewhere anyway.
        for one in self._pipelines:
            one.remove_all_hooks()
            one.to("cpu")
        self._is_aside = not self._is_in_turn
        let_go()

    def _may(self, rung: Rung) -> bool:
        if rung is Rung.TILES:
            return not self._is_tiled
        if self._is_spread:
            return False
        if rung is Rung.LAYERS and self._is_compiled:
            return False
        # Layers in turn are parts in turn as well.
        is_done = rung is Rung.PARTS and (self._is_in_turn or Rung.LAYERS in self.taken)
        return self.has_elsewhere and not is_done

    def _take(self, rung: Rung) -> None:
        if rung is Rung.TILES:
            self._vae.enable_tiling()
            return
        for pipeline in self._pipelines:
            pipeline.remove_all_hooks()
            pipeline.to("cpu")
        self._is_aside = False
        self._is_in_turn = rung is Rung.PARTS
        if rung is Rung.LAYERS:
            self._put_layers_in_turn()

    def _put_layers_in_turn(self) -> None:
        """Layer by layer, not block by block: a memory is read by layers that no block holds."""
        parts = {
            name: part
            for pipeline in self._pipelines
            for name, part in pipeline.components.items()
            if isinstance(part, torch.nn.Module)
        }
        for name, part in parts.items():
            if name in ("transformer", "transformer_2", "text_encoder"):
                apply_group_offloading(
                    part,
                    onload_device=self.device,
                    offload_device=torch.device("cpu"),
                    offload_type="leaf_level",
                )
            else:
                part.to(self.device)


@contextmanager
def spoken_of(said: str = "the device has too little memory:", hint: str = FEWER) -> Iterator[None]:
    """
    Say in our own words that the device has too little memory.

    Args:
        said: What is said before the reason.
        hint: What to do.

    Raises:
        OutOfMemoryError: If it has.
    """
    try:
        yield
    except (RuntimeError, MemoryError, OSError, WeightsError) as error:
        # Libraries that load weights say that a file is unreadable, in the place of why.
        short = next((one for one in _chain(error) if _is_short(one)), None)
        if short is None:
            raise
        reason = next(iter(str(short).splitlines()), "") or type(short).__name__
        raise OutOfMemoryError(f"{said} {reason}", hint=hint) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_short(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    is_foreign = isinstance(error, (RuntimeError, OSError))
    return is_foreign and any(words in str(error).lower() for words in SHORT)


@contextmanager
def begun_anew() -> Iterator[None]:
    """Begin with all the memory there is, and leave none of it taken if it was too little."""
    let_go()
    try:
        yield
    except OutOfMemoryError as error:
        # It tells line by line what was done, and each line holds what it worked on.
        for one in _chain(error):
            traceback.clear_frames(one.__traceback__)
        let_go()
        raise


def let_go() -> None:
    """Give back what a failed attempt held, once nobody speaks of it any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
