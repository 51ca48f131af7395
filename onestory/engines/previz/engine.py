"""
Which engine needs no network? StoryWorld draws the caption as it is read.

    Recipe ── read_recipe ── SceneSpec ── SceneRenderer ── frames
       └── a person's keyframe ── push_in ── frames
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from onestory.documents import digest_of_json
from onestory.engines.protocol import (
    Capabilities,
    Control,
    EarlierTake,
    Footage,
    Frame,
    RecalledFrame,
)
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.errors import RenderError
from onestory.memory.lineage import Remembered

MULTIPLE_OF = 2
RECIPE_VERSION = 1
"""Raised by hand when a change of reader or drawing alters pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrevizConfig:
    """Choices of a `PrevizEngine` that decide pixels."""

    max_frames: int = 2400
    """Longest shot: 100 seconds at 24 frames a second."""
    draw_scale: float = 1.0
    """Size at which frames are drawn, as a share of the recipe's; the rest is upscaling."""

    def __post_init__(self) -> None:
        if self.max_frames < 1:
            raise ValueError(f"max_frames must be at least 1, got {self.max_frames}")
        if not 0.25 <= self.draw_scale <= 1.0:
            raise ValueError(f"draw_scale must be in [0.25, 1], got {self.draw_scale}")


class PrevizEngine:
    """Draws captions in StoryWorld. Equal recipes give equal bytes."""

    def __init__(self, config: PrevizConfig | None = None) -> None:
        """
        Make an engine.

        Args:
            config: Its choices; None for the usual ones.
        """
        self.config = config or PrevizConfig()

    def fingerprint(self) -> EngineFingerprint:
        """What of this engine decides pixels: no weights, only its choices and version."""
        return EngineFingerprint(
            name="previz",
            weights="none",
            config=digest_of_json(asdict(self.config)),
            recipe_version=RECIPE_VERSION,
        )

    def capabilities(self) -> Capabilities:
        """It remembers nothing, and needs to: names seed looks and places."""
        return Capabilities(
            remembers=False,
            draws_keyframes=True,
            accepts_keyframes=True,
            max_frames=self.config.max_frames,
            multiple_of=MULTIPLE_OF,
        )

    def token_budget(self, recipe: Recipe) -> int:
        """No memory, no tokens."""
        return 0

    def recall(
        self, recipe: Recipe, takes: Sequence[EarlierTake], *, has_people_first: bool = False
    ) -> tuple[Remembered, ...]:
        """Nothing is ever remembered."""
        return ()

    def latents_of(self, recipe: Recipe, frames: Iterable[Frame]) -> bytes | None:
        """Nothing is remembered."""
        return None

    def keyframe(
        self,
        recipe: Recipe,
        *,
        start: Frame | None = None,
        memory: Sequence[RecalledFrame] = (),
        control: Control,
    ) -> Frame:
        """
        Draw the first frame that `render` would draw.

        Args:
            recipe: What to draw.
            start: None.
            memory: Empty.
            control: Asked once whether to stop.

        Returns:
            Frame 0 of the recipe's scene.
        """
        self._check(recipe)
        control.check()
        return next(self._draw(recipe, num_frames=1))

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
            recipe: What to draw.
            keyframe: The first frame. A person's own is moved into slowly, since nothing else of
                it can be drawn; an engine's is the scene's frame 0 anyway.
            memory: Empty.
            control: Asked at every frame whether to stop.

        Returns:
            Frames, each drawn when it is asked for, and how well the caption was understood.

        Raises:
            RenderError: If the size or length cannot be drawn, or the promised keyframe is missing.
        """
        from onestory.engines.previz.reader import read_recipe

        self._check(recipe)
        reading = read_recipe(recipe)
        if recipe.keyframe_by != "user":
            frames, remarks = self._draw(recipe, num_frames=recipe.num_frames), reading.remarks
        else:
            frames = self._animate(recipe, keyframe)
            remarks = ("The take is an animatic: the given keyframe with a slow push-in.",)
        return Footage(
            frames=_watched(frames, recipe.num_frames, control),
            caption_report=reading.report,
            remarks=remarks,
        )

    def _animate(self, recipe: Recipe, keyframe: Frame | None) -> Iterator[Frame]:
        from onestory.engines.previz.animatic import push_in

        if keyframe is None:
            raise RenderError(
                "the recipe starts from a person's keyframe, and none was handed over",
                hint="import the keyframe again",
            )
        return push_in(
            keyframe, width=recipe.width, height=recipe.height, num_frames=recipe.num_frames
        )

    def _draw(self, recipe: Recipe, *, num_frames: int) -> Iterator[Frame]:
        from onestory.engines.previz.drawing import draw

        return draw(recipe, num_frames=num_frames, scale=self.config.draw_scale)

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


def _watched(frames: Iterator[Frame], num_frames: int, control: Control) -> Iterator[Frame]:
    """Ask before each frame whether to stop, and say after it how far it went."""
    for index in range(num_frames):
        control.check()
        yield next(frames)
        control.progress((index + 1) / num_frames)
