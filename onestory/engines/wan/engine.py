"""
Which engine makes production footage? OneStory's memory on Wan weights that a studio has.

    earlier takes ── policy ── lineage ── recalled frames ── patchifiers ──┐
    recipe ── caption, with looks ── UMT5 ─────────────────────────────────┼── stretches
    keyframe ── VAE ── first latent frame ─────────────────────────────────┤      │
    seed ── noise ─────────────────────────────────────────────────────────┘      │
                         frames at the card's rate and size ── held, resampled ◄──┘

torch is loaded with the first question about memory, weights with the first take.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from onestory.documents import digest_of_json
from onestory.engines.held import held, spread
from onestory.engines.latents import pack_latents
from onestory.engines.pocket.captions import pocket_caption
from onestory.engines.pocket.picture import CELL, Grid, onto_grid
from onestory.engines.protocol import (
    Capabilities,
    Control,
    EarlierTake,
    Footage,
    Frame,
    RecalledFrame,
)
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.wan.card import guided, named_choices
from onestory.engines.wan.choosing import choosing, policy_named
from onestory.engines.wan.folder import levels_of
from onestory.engines.wan.picture import drawn_index, drawn_size, stretches
from onestory.engines.wan.refusing import MULTIPLE_OF, refuse
from onestory.engines.wan.sources import Place, Places, find_sources
from onestory.errors import OrderError, OutOfMemoryError, RenderError
from onestory.memory.budget import PATCH, tokens_per_frame
from onestory.memory.lineage import Remembered
from onestory.resampling import filled

if TYPE_CHECKING:
    from onestory.engines.wan.ladder import Work
    from onestory.engines.wan.model import WanModel
    from onestory.engines.wan.painting import Easel
    from onestory.engines.wan.shot import GivenFrames, Memory

_Asked = ParamSpec("_Asked")
_Done = TypeVar("_Done")

NAME = "wan"
RECIPE_VERSION = 1
"""Raised by hand when a change of code alters pixels."""

DRAWING_SHARE = 0.95
"""How much of a take is done once it is drawn; the rest is bringing frames to size."""


class WanEngine:
    """Films with a Wan. Equal recipes give equal bytes on one machine class."""

    def __init__(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        weights: Place | None = None,
        may_download: bool = False,
        memory: Place | None = None,
        memory_weights: Place | None = None,
        memory_budget: float = 1.0,
        memory_policy: str = "",
        adapter: Places | None = None,
        gguf: Places | None = None,
        keyframes: Place | None = None,
        keyframe_config: Mapping[str, Any] | None = None,
        device: str = "",
        is_offloaded: bool = False,
    ) -> None:
        """
        Make an engine; no weights are loaded yet.

        Args:
            config: Choices of `WanConfig` that shall be otherwise than the model's card says.
            weights: A diffusers folder, or a model of the hub that is on this machine; None for
                Wan2.2-TI2V-5B.
            may_download: Whether weights are fetched from the hub if they are missing.
            memory: Folder of OneStory modules; None for `memory` in the weights' own, if any.
            memory_weights: File or folder of a memory that others published for this model:
                StoryMem's or Memento's; None for none.
            memory_budget: Of a first take, in latent-frame equivalents. It stands in recipes.
            memory_policy: Who chooses what is remembered, one of `choosing.POLICIES`; nothing for
                the trained selector or Memento's queries, if there are any, and diversity if not.
            adapter: File of a few-step adapter (LoRA), or two: for high noise and for low noise;
                None for none.
            gguf: GGUF file with the transformer's weights, or two: for high noise and for low
                noise; None for those of the folder.
            keyframes: Who paints the first frames of shots after a cut: a text-to-image pipeline
                of diffusers, as `weights`; None for nobody.
            keyframe_config: Choices of `PainterConfig` that shall be otherwise than usual.
            device: Where it computes, as torch names it; nothing for the first GPU, or the CPU.
            is_offloaded: Whether parts wait in main memory until they are needed, so that the
                device need hold only the largest of them.

        Raises:
            OrderError: If there is no such choice or policy, or choices exclude each other.
            WeightsError: If there are no such weights, or they do not fit each other.
        """
        self.sources = find_sources(
            config,
            weights=weights,
            may_download=may_download,
            memory=memory,
            memory_weights=memory_weights,
            adapter=adapter,
            gguf=gguf,
            keyframes=keyframes,
            keyframe_config=keyframe_config,
        )
        self.folder, self.card = self.sources.folder, self.sources.card
        self.config, self.memory = self.sources.config, self.sources.memory
        self.published, self.painter = self.sources.published, self.sources.painter
        if is_offloaded and self.config.cards > 1:
            raise OrderError(
                f"on {self.config.cards} cards every part stays on its card, and is_offloaded lets "
                "parts wait elsewhere",
                hint="leave one of them out",
            )
        self._levels = levels_of(self.memory)
        self._policy = policy_named(memory_policy, self.memory, self.published)
        self._memory_budget = memory_budget
        self._device = device
        self._is_offloaded = is_offloaded
        self._loading = threading.Lock()
        self._loaded: WanModel | None = None
        self._easel: Easel | None = None

    def close(self) -> None:
        """End the processes on other cards, if there are any; the next shot starts new ones."""
        with self._loading:
            if self._loaded is not None and self._loaded.companions is not None:
                self._loaded.companions.close()

    def fingerprint(self) -> EngineFingerprint:
        """What of this engine decides pixels."""
        return EngineFingerprint(
            name=NAME,
            weights=self.sources.digest(),
            config=digest_of_json(named_choices(self.config)),
            recipe_version=RECIPE_VERSION,
        )

    def capabilities(self) -> Capabilities:
        """It remembers; the rest depends on the model."""
        return Capabilities(
            remembers=True,
            draws_keyframes=self.painter is not None,
            accepts_keyframes=self.card.reads_picture,
            painter=self.painter.fingerprint() if self.painter else None,
            paints_from_sheets=self.painter is not None and self.painter.config.strength > 0,
            max_frames=self.config.max_frames,
            multiple_of=MULTIPLE_OF,
            continues=self.card.reads_picture,
            memory_budget=self._memory_budget,
            memory_policy=self._policy,
        )

    def token_budget(self, recipe: Recipe) -> int:
        """As many tokens as its share of a drawn frame has."""
        rows, columns = self._cells(recipe)
        return int(recipe.memory_budget * tokens_per_frame(rows, columns, PATCH))

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """
        Choose frames of earlier takes.

        Takes whose latents are of another VAE or size are passed over; a person's footage is
        among them only if it was brought for this engine.
        """
        if recipe.memory_budget == 0 or not takes:
            return ()
        from onestory.engines.wan.recalling import bank_of, newest_first, next_shot
        from onestory.memory.policies import people_first
        from onestory.memory.recall import recall

        shape = (self.card.latent_channels, *self._cells(recipe))
        bank = bank_of(takes, self.fingerprint(), shape)
        if not len(bank):
            return ()
        following = next_shot(recipe, shot=len(takes), channels=shape[0])
        policy, asked = choosing(self._policy, following, self._caption(recipe), self.model)
        if has_people_first:
            policy = people_first(policy)
        chosen = recall(
            bank, policy, asked, budget=recipe.memory_budget, levels=self._levels
        ).lineage
        if self.published is None:
            return chosen
        order = {earlier.take.address: number for number, earlier in enumerate(takes)}
        return newest_first(chosen, order)

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes:
        """
        Code footage that a person brought, as many frames of it as are kept of a take.

        Args:
            recipe: Its size, rate and length.
            frames: All of it.
        """
        kept = set(spread(recipe.num_frames, self.config.most_kept).tolist())
        model = self.model()
        model.ladder.begin_take()
        latents_FChw = np.stack(
            [
                self._getting_along(
                    "decoding", None, model.encode, self._fitted(frame_HWC, recipe)
                ).numpy()
                for index, frame_HWC in enumerate(frames)
                if index in kept
            ]
        )
        return pack_latents(latents_FChw)

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """
        Make a first frame: by the painter, if there is one, else as a shot of one frame.

        Args:
            recipe: What is to be seen.
            start: The reference sheet that a painter starts from; None for noise.
            memory: The frames that it remembers, best first; a painter remembers none.
            control: Asked at every step whether to stop.

        Returns:
            The frame, at the recipe's size.

        Raises:
            RenderError: If the model, or the painter, cannot make one.
            WeightsError: If the painter cannot be loaded.
            OutOfMemoryError: If the device has too little memory.
        """
        if self.painter is not None:
            return self._at_the_easel().paint(recipe, start, control)
        frames, _ = self._draw(recipe, None, memory, control, num_frames=1)
        return filled(frames[0], width=recipe.width, height=recipe.height)

    def render(
        self,
        recipe: Recipe,
        *,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Footage:
        """
        Draw a take.

        Args:
            recipe: What is to be shot.
            keyframe: The first frame.
            memory: The frames that it remembers, best first.
            control: Asked at every step and every frame whether to stop.

        Returns:
            Frames that are drawn already, and resampled when they are asked for; and latents.

        Raises:
            RenderError: If the model cannot draw that, or the promised keyframe is missing.
            OutOfMemoryError: If the device has too little memory.
        """
        if keyframe is None and recipe.keyframe is not None:
            raise RenderError(
                "the recipe starts from a keyframe, and none was handed over",
                hint="import the keyframe again",
            )
        index = drawn_index(recipe.num_frames, recipe.fps, drawn_fps=self.config.fps)
        frames, latents_FChw = self._draw(
            recipe, keyframe, memory, control, num_frames=index[-1] + 1
        )
        kept_FChw = latents_FChw[spread(len(latents_FChw), self.config.most_kept)]
        return Footage(
            frames=held(frames, index, recipe, control, drawing_share=DRAWING_SHARE),
            latents=pack_latents(kept_FChw),
            remarks=self._remarks(memory),
        )

    def _draw(
        self,
        recipe: Recipe,
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame],
        control: Control,
        *,
        num_frames: int,
    ) -> tuple[list[Frame], npt.NDArray[np.float32]]:
        """Draw at the card's rate: no fewer frames than asked for, and all their latents."""
        # A published memory was trained to draw from what it remembers alone.
        has_sight = keyframe is not None or (self.published is not None and bool(memory))
        config, card = self.config, self.card
        has_first = keyframe is not None
        refuse(card, config, recipe, num_frames, has_first=has_first, has_sight=has_sight)
        control.check()
        from onestory.engines.wan.shot import Shot

        width, height = self._size(recipe)
        lengths = stretches(num_frames, most=config.stretch_frames, temporal=card.temporal)
        first_HW3 = None if keyframe is None else self._fitted(keyframe, recipe)
        model = self.model(control)
        model.ladder.begin_take()
        remembered = self._getting_along("drawing", control, self._remembered, memory)
        frames: list[Frame] = []
        latents: list[npt.NDArray[np.float32]] = []
        for number, length in enumerate(lengths):
            shot = Shot(
                caption=self._caption(recipe),
                negative_caption=recipe.negative_caption or config.negative_caption,
                width=width,
                height=height,
                num_frames=length,
                seed=(recipe.seed + number) % 2**63,
                guidance=guided(config.guidance, recipe.guidance),
                guidance_low=guided(config.guidance_low, recipe.guidance),
                first_HW3=first_HW3,
            )

            def say(share: float, number: int = number) -> None:
                control.check()
                control.progress(DRAWING_SHARE * (number + share) / len(lengths))

            # To a published memory, no first frame at all is a picture as well.
            is_coded = first_HW3 is not None or not card.reads_text_alone
            drawing: Work = "drawing from a picture" if is_coded else "drawing"
            latents_1CFhw = self._getting_along(drawing, control, model.draw, shot, remembered, say)
            drawn = self._getting_along("decoding", control, model.decode, latents_1CFhw)
            is_first = number == 0
            frames += drawn if is_first else drawn[1:]
            latents.append(latents_1CFhw[0].transpose(0, 1).numpy()[0 if is_first else 1 :])
            first_HW3 = drawn[-1]
        return frames, np.concatenate(latents)

    def _getting_along(
        self,
        work: "Work",
        control: Control | None,
        do: Callable[_Asked, _Done],
        *args: _Asked.args,
        **kwargs: _Asked.kwargs,
    ) -> _Done:
        """
        Do something; if the device has too little memory for it, again with what helps.

        Not if a bigger device takes over.
        """
        from onestory.engines.wan.ladder import let_go

        while True:
            try:
                return do(*args, **kwargs)
            except OutOfMemoryError:
                goes_elsewhere = control is not None and control.has_bigger_device
                if goes_elsewhere or not self.model().ladder.climb(work):
                    raise
            # Only here is nobody left who holds what the attempt had made.
            let_go()

    def _remembered(self, memory: Sequence[RecalledFrame]) -> "tuple[Memory, ...] | GivenFrames":
        if not memory:
            return ()
        import torch

        return self.model().remember(
            torch.from_numpy(np.stack([frame.latent_CHW for frame in memory])),
            [frame.source.level for frame in memory],
        )

    def _caption(self, recipe: Recipe) -> str:
        """
        What the model reads.

        "The same man" says nothing to weights that were not trained to look for him in a memory:
        those are told his look as well.
        """
        return pocket_caption(recipe, has_memory=None if self.memory else False)

    def _remarks(self, memory: Sequence[RecalledFrame]) -> tuple[str, ...]:
        along = self.model().ladder.remarks
        if not memory or self.memory is not None or self.published is not None:
            return along
        return (
            *along,
            "The memory is read by stock weights, which were never trained to read one.",
        )

    def _size(self, recipe: Recipe) -> tuple[int, int]:
        """Width and height of what is drawn, in pixels."""
        return drawn_size(
            recipe.width, recipe.height, multiple_of=self.card.multiple_of, area=self.config.area
        )

    def _cells(self, recipe: Recipe) -> tuple[int, int]:
        """Rows and columns of a latent frame."""
        width, height = self._size(recipe)
        return height // self.card.spatial, width // self.card.spatial

    def _fitted(self, frame_HWC: Frame, recipe: Recipe) -> Frame:
        """Bring a frame to where the model would have drawn it."""
        width, height = self._size(recipe)
        grid = Grid(rows=height // CELL, columns=width // CELL)
        return onto_grid(frame_HWC, grid, width=recipe.width, height=recipe.height)

    def _at_the_easel(self) -> "Easel":
        """The painter, to whom the model has left the device."""
        assert self.painter is not None, "whoever asks has one"
        with self._loading:
            if self._easel is None:
                from onestory.engines.wan.loading import usual_device
                from onestory.engines.wan.painting import load_painter

                self._easel = load_painter(
                    self.painter,
                    device=self._device or usual_device(),
                    is_offloaded=self._is_offloaded,
                )
            if self._loaded is not None:
                self._loaded.ladder.step_aside()
            return self._easel

    def model(self, control: Control | None = None) -> "WanModel":
        """
        The model, loaded with the first question for it; anew, if a take that can go to a bigger
        device finds parts waiting elsewhere for want of this one's memory.

        Args:
            control: Of the take that asks; None for whoever cannot go elsewhere.

        Raises:
            OutOfMemoryError: If there is too little memory; the next question loads it anew.
            WeightsError: If it cannot be loaded.
        """
        goes_elsewhere = control is not None and control.has_bigger_device
        with self._loading:
            if goes_elsewhere and self._loaded is not None and self._loaded.ladder.waits:
                self._loaded = None
            if self._loaded is None:
                from onestory.engines.wan.loading import load_model, usual_device

                self._loaded = load_model(
                    self.folder,
                    self.card,
                    self.config,
                    memory=self.memory,
                    published=self.published,
                    adapter=self.sources.adapter,
                    packed=self.sources.packed,
                    device=self._device or usual_device(),
                    is_offloaded=self._is_offloaded,
                    may_wait=not goes_elsewhere,
                )
            return self._loaded
