"""
How does a first frame come to be painted? By whatever text-to-image pipeline diffusers knows.

    caption, with looks ──┐
    seed ── noise ────────┼── AutoPipelineForText2Image ──────────┐
    reference sheet ──────┴── AutoPipelineForImage2Image of it ───┴── frame

Pipelines differ in what they can be told: each is told what its call has a word for. A painter
has the device while it paints, and no longer: the model that films needs all of it.

Shape suffixes, for this module only:
    H, W  pixels    3  red, green, blue
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from diffusers.pipelines import auto_pipeline
from PIL import Image

from onestory.engines.pocket.captions import pocket_caption
from onestory.engines.protocol import Control, Frame
from onestory.engines.recipe import Recipe
from onestory.engines.wan.card import guided
from onestory.engines.wan.ladder import begun_anew, let_go, spoken_of
from onestory.engines.wan.painter import Painter
from onestory.engines.wan.picture import drawn_size
from onestory.errors import OutOfMemoryError, RenderError, WeightsError
from onestory.resampling import filled

MULTIPLE_OF = 32
"""Painted sides divide by this: what the coarsest of the known autoencoders asks for."""

# Untyped, and no name for all of them.
_auto: Any = auto_pipeline


class Easel:
    """A painter whose weights are loaded. They wait in main memory between two frames."""

    def __init__(self, painter: Painter, pipeline: Any, *, device: str, is_offloaded: bool) -> None:
        """
        Take over a stock pipeline.

        Args:
            painter: Whose it is.
            pipeline: As `from_pretrained` loads it, in main memory.
            device: Where it computes.
            is_offloaded: Whether each part comes there when it is needed.
        """
        self.painter = painter
        self.from_text: Any = pipeline
        self.from_picture: Any = None
        self.device = torch.device(device)
        self.has_elsewhere = self.device.type != "cpu"
        """Main memory is where the parts of a painter on the CPU are anyway."""
        self.is_in_turn = is_offloaded

    def paint(self, recipe: Recipe, start: Frame | None, control: Control) -> Frame:
        """
        Paint the first frame of a shot.

        Args:
            recipe: What is to be seen.
            start: The reference sheet that it starts from; None for noise alone.
            control: Asked at every step whether to stop, by pipelines that can be asked.

        Returns:
            The frame, at the recipe's size.

        Raises:
            RenderError: If the pipeline cannot paint that.
            WeightsError: If it paints no pictures.
            OutOfMemoryError: If the device has too little memory, even for one part at a time;
                or at once, if a bigger device takes over.
        """
        control.check()
        while True:
            try:
                frame = self._painted(recipe, start, control)
            except OutOfMemoryError:
                is_last = self.is_in_turn or not self.has_elsewhere
                if is_last or control.has_bigger_device:
                    raise
            else:
                return filled(frame, width=recipe.width, height=recipe.height)
            # Only here is nobody left who holds what the attempt had made.
            self.is_in_turn = True
            let_go()

    @torch.no_grad()
    @spoken_of()
    def _painted(self, recipe: Recipe, start: Frame | None, control: Control) -> Frame:
        name = self.painter.pipeline
        pipeline = self.from_text if start is None else self._starting_from_pictures()
        call = self._call(pipeline, recipe, start, control)
        with self._at_work(pipeline):
            try:
                told = pipeline(**call, return_dict=False)
            except (TypeError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise RenderError(f"{name} cannot paint the frame: {reason}") from error
        picture = told[0][0]
        if not isinstance(picture, Image.Image):
            raise WeightsError(
                f"{name} makes {type(picture).__name__}s, and a first frame is a picture",
                hint="name a text-to-image pipeline as the engine's option keyframes",
            )
        # Stable Diffusion's own check blackens what it keeps back.
        if len(told) > 1 and any(flag is True for flag in told[1] or ()):
            raise RenderError(
                f"the safety checker of {name} kept the first frame back",
                hint="write another caption, or give the shot a keyframe",
            )
        return np.asarray(picture.convert("RGB"), dtype=np.uint8)

    def _call(
        self, pipeline: Any, recipe: Recipe, start: Frame | None, control: Control
    ) -> dict[str, Any]:
        """What a pipeline is told: of everything there is to say, what it has a word for."""
        config = self.painter.config
        words = inspect.signature(type(pipeline).__call__).parameters
        if "generator" not in words:
            raise RenderError(
                f"{self.painter.pipeline} takes no seed, and equal recipes give equal frames",
                hint="name another pipeline as the engine's option keyframes",
            )
        width, height = drawn_size(
            recipe.width, recipe.height, multiple_of=MULTIPLE_OF, area=config.area
        )
        default = words["guidance_scale"].default if "guidance_scale" in words else None
        guidance = default if config.guidance is None else config.guidance

        def told(_: Any, index: int, __: Any, kept: dict[str, Any]) -> dict[str, Any]:
            control.check()
            return kept

        wanted: dict[str, Any] = {
            "prompt": pocket_caption(recipe, has_memory=False),
            "negative_prompt": recipe.negative_caption or config.negative_caption or None,
            "width": width,
            "height": height,
            "num_inference_steps": config.steps,
            "guidance_scale": _scaled(guidance, recipe.guidance),
            "generator": torch.Generator().manual_seed(recipe.seed),
            "output_type": "pil",
            "callback_on_step_end": told,
        }
        if start is not None:
            wanted["image"] = Image.fromarray(filled(start, width=width, height=height))
            wanted["strength"] = config.strength
        return {word: said for word, said in wanted.items() if word in words and said is not None}

    def _starting_from_pictures(self) -> Any:
        """The image-to-image pipeline of the same parts."""
        if self.from_picture is None:
            try:
                self.from_picture = _auto.AutoPipelineForImage2Image.from_pipe(self.from_text)
            except ValueError as error:
                raise RenderError(
                    f"{self.painter.pipeline} has no image-to-image, so that no frame can start "
                    "from a reference sheet",
                    hint="set strength in keyframe_config to 0: captions alone",
                ) from error
            self.from_picture.set_progress_bar_config(disable=True)
        return self.from_picture

    @contextmanager
    def _at_work(self, pipeline: Any) -> Iterator[None]:
        """Let a pipeline have the device for as long as it paints."""
        if not self.has_elsewhere:
            yield
            return
        try:
            if self.is_in_turn:
                pipeline.enable_model_cpu_offload(device=self.device)
            else:
                pipeline.to(self.device)
            yield
        finally:
            pipeline.remove_all_hooks()
            pipeline.to("cpu")
            let_go()


def check_painter(painter: Painter) -> None:
    """
    See whether a folder's pipeline can paint first frames, without loading it.

    Raises:
        WeightsError: If it is no text-to-image pipeline.
    """
    name = painter.pipeline
    if not _has_task(_auto.AUTO_TEXT2IMAGE_PIPELINES_MAPPING, name):
        raise WeightsError(
            f"{painter.folder.name} holds a {name}, and first frames are painted by text-to-image "
            "pipelines",
            hint="name one that diffusers' AutoPipelineForText2Image knows",
        )


def starts_from_pictures(painter: Painter) -> bool:
    """Whether diffusers has an image-to-image for a painter's pipeline."""
    return _has_task(_auto.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, painter.pipeline)


def _has_task(pipelines: Any, name: str) -> bool:
    return _auto._get_task_class(pipelines, name, throw_error_if_not_exist=False) is not None


@begun_anew()
@spoken_of(
    "the device has too little memory for the painter's weights:",
    "name a smaller pipeline as the engine's option keyframes",
)
def load_painter(painter: Painter, *, device: str, is_offloaded: bool = False) -> Easel:
    """
    Load a painter into main memory.

    Args:
        painter: Which one.
        device: Where it computes, as torch names it.
        is_offloaded: Whether its parts come there in turn.

    Raises:
        WeightsError: If it is no text-to-image pipeline, or cannot be loaded.
        OutOfMemoryError: If main memory is too small.
    """
    check_painter(painter)
    try:
        pipeline = _auto.AutoPipelineForText2Image.from_pretrained(
            painter.folder,
            dtype=getattr(torch, painter.config.dtype),
            local_files_only=True,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(f"{painter.folder.name} cannot be loaded: {reason}") from error
    pipeline.set_progress_bar_config(disable=True)
    return Easel(painter, pipeline, device=device, is_offloaded=is_offloaded)


def _scaled(usual: Any, factor: float) -> float | None:
    """
    A recipe's guidance, counted in the pipeline's own.

    Distilled pipelines are not guided (0 or 1), and no rung of a ladder makes them.
    """
    if not isinstance(usual, (int, float)):
        return None
    return float(usual) if usual <= 1 else guided(usual, factor)
