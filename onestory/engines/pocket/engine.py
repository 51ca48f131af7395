"""
Which engine remembers, and runs on a laptop? OneStory with weights trained on StoryWorld.

    earlier takes ── selector ── lineage ── recalled frames ── conditioner ──┐
    recipe ── caption ── text features ──────────────────────────────────────┼── stretches of
    keyframe ── codec ── first latent frame ─────────────────────────────────┤   17 frames
    recipe ── previz ── stand-ins ── who stands where ───────────────────────┤      │
    seed ── noise ───────────────────────────────────────────────────────────┘      │
                                          frames, 8 a second ── held, resampled ◄───┘

torch is loaded with the first caption that is read, not with this module.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from onestory.diffusion.told import Told
from onestory.documents import Digest, digest_of_json
from onestory.engines.held import held, spread
from onestory.engines.latents import (
    Figures,
    Latents,
    pack_latents,
    unpack_figures,
    unpack_latents,
)
from onestory.engines.pocket.captions import pocket_told
from onestory.engines.pocket.picture import TRAINED, drawn_index, native_grid, onto_grid
from onestory.engines.pocket.weights import find_weights, weights_digest
from onestory.engines.protocol import (
    Capabilities,
    Control,
    EarlierTake,
    Footage,
    Frame,
    RecalledFrame,
)
from onestory.engines.recipe import EngineFingerprint, Recipe, imported_for
from onestory.errors import RenderError
from onestory.memory.budget import PATCH, tokens_per_frame
from onestory.memory.lineage import Remembered
from onestory.resampling import filled

if TYPE_CHECKING:
    import torch

    from onestory.diffusion.sampling import Sampling
    from onestory.engines.pocket.model import PocketModel
    from onestory.storyworld.scene import SceneSpec

NAME = "pocket"
MULTIPLE_OF = 2
RECIPE_VERSION = 1
"""Raised by hand when a change of code alters pixels."""

POLICIES = ("learned", "last_frame", "fixed_window", "single_keyframe", "uniform", "recency")
"""Who may choose what is remembered; see `onestory.memory.policies`."""

DRAWING_SHARE = 0.9
"""How much of a take is done once it is drawn; the rest is bringing frames to size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PocketConfig:
    """Choices of a `PocketEngine` that decide pixels."""

    steps: int = 10
    guidance: float = 2.5
    """How far a recipe with guidance 1 goes away from what is drawn without caption and memory."""
    shift: float = 3.0
    """How many of the steps go to high noise."""
    max_frames: int = 1440
    """Longest shot: a minute at 24 frames a second."""
    most_kept: int = 9
    """Latent frames of a take that later takes can remember, spread over its length."""

    def __post_init__(self) -> None:
        for name in ("steps", "max_frames", "most_kept"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.guidance < 0 or self.shift <= 0:
            raise ValueError(
                f"guidance must be from 0 on and shift above 0, got {self.guidance} and "
                f"{self.shift}"
            )


class PocketEngine:
    """Draws what a caption says and earlier takes showed. Equal recipes give equal bytes."""

    def __init__(
        self,
        config: PocketConfig | None = None,
        *,
        weights: str | Path | None = None,
        memory_budget: float = 2.0,
        memory_policy: str = "learned",
    ) -> None:
        """
        Make an engine; nothing is loaded yet.

        Args:
            config: Its choices; None for the usual ones.
            weights: Folder of the weights; None for those that are shipped.
            memory_budget: Of a first take, in latent-frame equivalents. It stands in recipes.
            memory_policy: Who chooses what is remembered, one of `POLICIES`. What was chosen
                stands in recipes.

        Raises:
            ValueError: If there is no such policy.
            WeightsError: If there are no such weights.
        """
        if memory_policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {memory_policy!r}")
        self.config = config or PocketConfig()
        self.folder = find_weights(weights)
        self._memory_budget = memory_budget
        self._memory_policy = memory_policy
        self._loading = threading.Lock()
        self._loaded: PocketModel | None = None
        self._read = lru_cache(maxsize=64)(self._read_anew)

    def fingerprint(self) -> EngineFingerprint:
        """What of this engine decides pixels."""
        return EngineFingerprint(
            name=NAME,
            weights=weights_digest(self.folder),
            config=digest_of_json(asdict(self.config)),
            recipe_version=RECIPE_VERSION,
        )

    def capabilities(self) -> Capabilities:
        """It remembers, draws keyframes, starts from given ones, and goes on without a cut."""
        return Capabilities(
            remembers=True,
            draws_keyframes=True,
            accepts_keyframes=True,
            max_frames=self.config.max_frames,
            multiple_of=MULTIPLE_OF,
            trained_sizes=((TRAINED.width, TRAINED.height),),
            resamples=True,
            continues=True,
            memory_budget=self._memory_budget,
            memory_policy=self._memory_policy,
        )

    def token_budget(self, recipe: Recipe) -> int:
        """As many tokens as its share of a drawn frame has."""
        grid = native_grid(recipe.width, recipe.height)
        return int(recipe.memory_budget * tokens_per_frame(grid.rows, grid.columns, PATCH))

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """
        Let the trained selector read the caption and choose frames of earlier takes.

        Takes of other engines, and of another size, have latents that mean something else here:
        they are passed over. A person's footage has this engine's, if it was brought for it.
        """
        import torch

        from onestory.diffusion.blocking import cast_of
        from onestory.memory.bank import MemoryBank

        grid = native_grid(recipe.width, recipe.height)
        bank = MemoryBank()
        for number, earlier in enumerate(takes):
            engine = earlier.take.recipe.engine
            is_own_codec = engine == imported_for(self.fingerprint(), Digest(engine.weights))
            if engine.name != NAME and not is_own_codec:
                continue
            content = earlier.read_latents()
            latent_FChw = unpack_latents(content)
            if latent_FChw.shape[2:] == (grid.rows, grid.columns):
                bank.remember(
                    torch.from_numpy(latent_FChw.copy()),
                    take=earlier.take.address,
                    slate=earlier.take.slate,
                    shot=number,
                    figures=_figures(unpack_figures(content)),
                    flagged=earlier.spoilt_latents(len(latent_FChw)),
                )
        if not len(bank) or recipe.memory_budget == 0:
            return ()
        model, scene = self._model(), self._scene(recipe)
        recalled = model.recall(
            bank,
            self._read(_told(recipe, scene, has_memory=True)),
            shot=len(takes),
            budget=recipe.memory_budget,
            cast=cast_of(scene, recipe.set_name),
            policy=self._memory_policy,
            has_people_first=has_people_first,
        )
        return recalled.lineage

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes:
        """
        Code footage that a person brought, as many frames of it as are kept of a take.

        Args:
            recipe: Its size, rate and length.
            frames: All of it.
        """
        import torch

        model = self._model()
        grid = native_grid(recipe.width, recipe.height)
        kept = set(spread(recipe.num_frames, self.config.most_kept).tolist())
        with torch.inference_mode():
            latents = [
                model.encode(onto_grid(frame_HWC, grid, width=recipe.width, height=recipe.height))
                for index, frame_HWC in enumerate(frames)
                if index in kept
            ]
            kept_FChw = torch.stack(latents).float()
        return pack_latents(kept_FChw.numpy(), model.describe(kept_FChw).numpy())

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """
        Draw a first frame: a shot of one frame.

        Args:
            recipe: What is to be seen.
            start: None.
            memory: The frames that it remembers, best first.
            control: Asked at every step whether to stop.

        Returns:
            The frame, at the recipe's size.

        Raises:
            RenderError: If the size cannot be drawn.
        """
        self._check(recipe)
        frames, _ = self._draw(recipe, self._scene(recipe), None, memory, control, index=(0,))
        control.progress(1.0)
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
            keyframe: The first frame. It is seen as the codec sees it.
            memory: The frames that it remembers, best first.
            control: Asked at every step and every frame whether to stop.

        Returns:
            Frames that are drawn already, and resampled when they are asked for; and latents.

        Raises:
            RenderError: If the size or length cannot be drawn, or the promised keyframe is
                missing.
        """
        import torch

        from onestory.engines.pocket.model import middles

        self._check(recipe)
        if keyframe is None and recipe.keyframe is not None:
            raise RenderError(
                "the recipe starts from a keyframe, and none was handed over",
                hint="import the keyframe again",
            )
        index = drawn_index(recipe.num_frames, recipe.fps)
        scene = self._scene(recipe)
        frames, latent_FChw = self._draw(recipe, scene, keyframe, memory, control, index=index)
        kept = spread(len(latent_FChw), self.config.most_kept)
        kept_FChw = latent_FChw[kept]
        model, shown = self._model(), _shown(index)
        features_FE = model.describe(torch.from_numpy(kept_FChw)).numpy()
        drawn = middles(index[-1] + 1)
        figures = model.figures(
            scene,
            native_grid(recipe.width, recipe.height),
            [shown[drawn[number]] for number in kept],
            recipe.set_name,
        )
        return Footage(
            frames=held(frames, index, recipe, control, drawing_share=DRAWING_SHARE),
            latents=pack_latents(
                kept_FChw,
                features_FE,
                {name: shown_Fhw.numpy() for name, shown_Fhw in figures.items()},
            ),
            remarks=self._remarks(recipe, scene),
        )

    def _draw(
        self,
        recipe: Recipe,
        scene: "SceneSpec",
        keyframe: Frame | None,
        memory: Sequence[RecalledFrame],
        control: Control,
        *,
        index: Sequence[int],
    ) -> tuple[list[Frame], Latents]:
        """Draw frames at the rate of the model: all of them, and all their latents."""
        import torch

        from onestory.diffusion.blocking import cast_of
        from onestory.memory.showing import shown_by, staged_by

        control.check()
        model = self._model()
        grid = native_grid(recipe.width, recipe.height)
        first_Chw = None
        if keyframe is not None:
            fitted = onto_grid(keyframe, grid, width=recipe.width, height=recipe.height)
            first_Chw = model.encode(fitted)
        remembered = None
        if memory:
            latents_KChw = torch.from_numpy(np.stack([frame.latent_CHW for frame in memory]))
            cast = cast_of(scene, recipe.set_name)
            figures = [_figures(frame.figures) for frame in memory]
            size = latents_KChw.shape[2:]
            remembered = model.remember(
                latents_KChw,
                [frame.source.level for frame in memory],
                torch.stack([shown_by(each, cast, size) for each in figures]),
                staged_by(figures, size),
            )

        def say(share: float) -> None:
            control.check()
            control.progress(DRAWING_SHARE * share)

        stretches = list(
            model.draw(
                self._read(_told(recipe, scene)),
                grid=grid,
                num_frames=index[-1] + 1,
                seed=recipe.seed,
                memory=remembered,
                first_Chw=first_Chw,
                blocking=model.block(scene, grid, _shown(index)),
                sampling=self._sampling(recipe),
                at_step=say,
            )
        )
        return (
            [frame for stretch in stretches for frame in stretch.frames_THW3],
            np.concatenate([stretch.latents_FChw for stretch in stretches]),
        )

    def _scene(self, recipe: Recipe) -> "SceneSpec":
        """Who is where, as the previsualisation of the same recipe has it."""
        from onestory.engines.previz.reader import read_recipe

        return read_recipe(recipe).scene

    def _sampling(self, recipe: Recipe) -> "Sampling":
        """
        The sampler of a recipe.

        Its guidance counts in the engine's own: 1 is as the engine is set, 0 does not go away
        from what is drawn without caption and memory, 2 goes twice as far.
        """
        from onestory.diffusion.sampling import Sampling

        return Sampling(
            steps=self.config.steps,
            guidance=1.0 + (self.config.guidance - 1.0) * recipe.guidance,
            shift=self.config.shift,
        )

    def _remarks(self, recipe: Recipe, scene: "SceneSpec") -> tuple[str, ...]:
        from onestory.diffusion.text import MAX_TOKENS
        from onestory.engines.pocket.model import is_cut_off

        remarks = []
        if is_cut_off(self._read(_told(recipe, scene))):
            remarks.append(f"The caption is longer than the {MAX_TOKENS} tokens that are read.")
        if recipe.negative_caption:
            remarks.append("The negative caption is not read.")
        return tuple(remarks)

    def _model(self) -> "PocketModel":
        with self._loading:
            if self._loaded is None:
                from onestory.engines.pocket.model import load_model

                self._loaded = load_model(self.folder)
            return self._loaded

    def _read_anew(self, told: Told) -> Any:
        return self._model().read(told)

    def _check(self, recipe: Recipe) -> None:
        if recipe.num_frames > self.config.max_frames:
            raise RenderError(
                f"the shot has {recipe.num_frames} frames, more than {self.config.max_frames}",
                hint="cut the shot in two",
            )
        if recipe.width % MULTIPLE_OF or recipe.height % MULTIPLE_OF:
            raise RenderError(
                f"the frame is {recipe.width}x{recipe.height}, and both must divide by "
                f"{MULTIPLE_OF}"
            )


def _told(recipe: Recipe, scene: "SceneSpec", *, has_memory: bool | None = None) -> Told:
    names = [performer.name for performer in scene.performers]
    return pocket_told(recipe, names, has_memory=has_memory)


def _shown(index: Sequence[int]) -> list[int]:
    """Which frame of the take each drawn frame is: that in which it first stands on screen."""
    return [bisect_left(index, drawn) for drawn in range(index[-1] + 1)]


def _figures(figures: Figures | None) -> "dict[str, torch.Tensor] | None":
    import torch

    if figures is None:
        return None
    return {name: torch.from_numpy(shown_hw.copy()) for name, shown_hw in figures.items()}
