"""Does a text-to-image pipeline paint the first frames that a Wan starts from?"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, StableDiffusionImg2ImgPipeline
from PIL import Image

from onestory.diffusion.storing import FP8
from onestory.engines.pocket.captions import pocket_caption
from onestory.engines.protocol import Frame
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.wan.engine import WanEngine
from onestory.errors import (
    EngineFaultError,
    OrderError,
    OutOfMemoryError,
    RenderError,
    WeightsError,
)
from onestory.testing.tiny_painter import write_tiny_painter
from onestory.testing.tiny_wan import Kind

FolderOf = Callable[[Kind], Path]
RecipeOf = Callable[..., Recipe]
PaintingOf = Callable[..., WanEngine]

FILMING = {"dtype": "float32", "steps": 2, "stretch_frames": 5}
PAINTING = {"dtype": "float32", "steps": 2}


class Patient:
    """A control that lets a take go on for so many questions."""

    has_bigger_device = False

    def __init__(self, most: int = 1_000) -> None:
        self.left = most

    def progress(self, share: float) -> None:
        """Say nothing."""

    def check(self) -> None:
        """Stop when patience is at an end."""
        self.left -= 1
        if self.left < 0:
            raise EngineFaultError("the take was cancelled")


@pytest.fixture(scope="module", name="painter")
def _painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Stable Diffusion."""
    return write_tiny_painter(tmp_path_factory.mktemp("painter") / "tiny")


@pytest.fixture(scope="module", name="painting")
def _painting(folder_of: FolderOf, painter: Path) -> WanEngine:
    """A Wan2.1-I2V whose first frames it paints, loaded once."""
    options: dict[str, Any] = {"keyframes": painter, "keyframe_config": PAINTING}
    return WanEngine(FILMING, weights=folder_of("i2v"), device="cpu", **options)


@pytest.fixture(name="painting_of")
def _painting_of(folder_of: FolderOf, painter: Path) -> PaintingOf:
    """Make another such engine."""

    def make(
        choices: dict[str, Any] | None = None, *, kind: Kind = "i2v", folder: Path = painter
    ) -> WanEngine:
        return WanEngine(
            FILMING,
            weights=folder_of(kind),
            device="cpu",
            keyframes=folder,
            keyframe_config={**PAINTING, **(choices or {})},
        )

    return make


def painter_of(engine: WanEngine) -> EngineFingerprint:
    """Who paints for an engine, which is known."""
    painter = engine.capabilities().painter
    assert painter is not None
    return painter


def first_of(engine: WanEngine, recipe_of: RecipeOf, **fields: Any) -> Recipe:
    """The recipe of a first frame."""
    return recipe_of(engine, engine=painter_of(engine), num_frames=1, **fields)


@pytest.fixture(name="sheet")
def _sheet() -> Frame:
    """A picture of another size than the film's."""
    return np.random.default_rng(8).integers(0, 256, (96, 96, 3), dtype=np.uint8)


def stock_frame(folder: Path, recipe: Recipe, sheet: Frame | None) -> Frame:
    """What diffusers' own pipeline paints of a recipe; nothing of ours."""
    pipeline: Any = DiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    call: dict[str, Any] = {"height": recipe.height, "width": recipe.width}
    if sheet is not None:
        pipeline = StableDiffusionImg2ImgPipeline(**pipeline.components)
        middle = Image.fromarray(sheet).resize((32, 64), Image.Resampling.LANCZOS, (24, 0, 72, 96))
        call = {"image": middle, "strength": 0.8}
    picture = pipeline(
        prompt=pocket_caption(recipe, has_memory=False),
        negative_prompt=recipe.negative_caption,
        num_inference_steps=2,
        generator=torch.Generator().manual_seed(recipe.seed),
        **call,
    ).images[0]
    return np.asarray(picture)


def test_a_first_frame_is_what_the_stock_pipeline_paints(
    painting: WanEngine, painter: Path, recipe_of: RecipeOf, sheet: Frame
) -> None:
    """From noise and from a sheet, of caption and looks, on the recipe's seed, to the bit."""
    recipe = first_of(painting, recipe_of)

    for start in (None, sheet):
        frame = painting.keyframe(recipe, start=start, control=Patient())

        assert frame.shape == (64, 32, 3)
        assert np.array_equal(frame, stock_frame(painter, recipe, start))
    assert "a red coat" in pocket_caption(recipe, has_memory=False), "nobody else remembers her"


def test_a_model_that_starts_from_pictures_films_what_is_painted(
    painting: WanEngine, recipe_of: RecipeOf
) -> None:
    """The take that starts from the painted frame is another one than from any other."""
    known = painting.capabilities()
    frame = painting.keyframe(first_of(painting, recipe_of), control=Patient())
    other = painting.keyframe(first_of(painting, recipe_of, seed=4), control=Patient())

    one, two = (
        painting.render(recipe_of(painting), keyframe=first, control=Patient()).latents
        for first in (frame, other)
    )

    assert (known.draws_keyframes, known.accepts_keyframes) == (True, True)
    assert not np.array_equal(frame, other)
    assert one != two


def test_whatever_decides_its_pixels_is_in_a_painters_name(
    painting: WanEngine, painting_of: PaintingOf, tmp_path: Path, folder_of: FolderOf
) -> None:
    """Other weights and other choices are another painter; the model that films is the same."""
    other = write_tiny_painter(tmp_path / "other", seed=1)
    engines = [
        painting,
        painting_of({"steps": 3}),
        painting_of({"guidance": 2.0}),
        painting_of({"strength": 0.5}),
        painting_of({"area": 4096}),
        painting_of(folder=other),
    ]

    names = {painter_of(engine) for engine in engines}

    assert len(names) == len(engines)
    assert painter_of(painting_of()) == painter_of(painting)
    films = {engine.fingerprint() for engine in engines}
    assert films == {WanEngine(FILMING, weights=folder_of("i2v")).fingerprint()}


def test_frames_are_painted_from_captions_alone_if_a_sheet_counts_for_nothing(
    painting: WanEngine, painting_of: PaintingOf
) -> None:
    """Strength 0 is said before any frame is planned from a sheet."""
    assert painting.capabilities().paints_from_sheets
    assert not painting_of({"strength": 0.0}).capabilities().paints_from_sheets


def test_a_frame_that_is_cancelled_is_not_painted_to_its_end(
    painting: WanEngine, recipe_of: RecipeOf
) -> None:
    """The painter asks at every step."""
    with pytest.raises(EngineFaultError, match="cancelled"):
        painting.keyframe(first_of(painting, recipe_of), control=Patient(2))


def test_what_cannot_be_painted_is_refused(
    painting_of: PaintingOf, folder_of: FolderOf, recipe_of: RecipeOf, tmp_path: Path, sheet: Frame
) -> None:
    """In one sentence, as early as it is known."""
    with pytest.raises(OrderError, match=r"reads captions alone and cannot start from a painted"):
        painting_of(kind="t2v")
    with pytest.raises(OrderError, match="no choice 'stepps'"):
        painting_of({"stepps": 3})
    with pytest.raises(OrderError, match="strength must be from 0 to 1, got 2"):
        painting_of({"strength": 2})
    with pytest.raises(OrderError, match=r"strength 0.1 of 2 steps leaves none to take"):
        painting_of({"strength": 0.1})
    with pytest.raises(OrderError, match="nobody paints them"):
        WanEngine(FILMING, weights=folder_of("i2v"), keyframe_config=PAINTING)
    with pytest.raises(WeightsError, match="holds no pipeline"):
        painting_of(folder=tmp_path)
    video = painting_of(folder=folder_of("t2v"))
    with pytest.raises(WeightsError, match="a WanPipeline, and first frames are painted by text"):
        video.keyframe(first_of(video, recipe_of), control=Patient())
    no_pictures = painting_of(folder=write_tiny_painter(tmp_path / "sana", "sana"))
    with pytest.raises(RenderError, match="SanaPipeline has no image-to-image"):
        no_pictures.keyframe(first_of(no_pictures, recipe_of), start=sheet, control=Patient())


def test_a_frame_that_a_safety_checker_keeps_back_is_no_black_first_frame(
    painting_of: PaintingOf, recipe_of: RecipeOf, tmp_path: Path
) -> None:
    """Whoever wrote the caption is told, instead of a film's starting from black."""
    engine = painting_of(folder=write_tiny_painter(tmp_path / "checked", has_checker=True))

    with pytest.raises(RenderError, match="safety checker of StableDiffusionPipeline kept"):
        engine.keyframe(first_of(engine, recipe_of), control=Patient())


@contextmanager
def short_of_memory(module: Any, times: int) -> Iterator[None]:
    """Let the device run out of memory in a layer, the first so many times."""
    left = times

    def run_out(*_: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    hook = module.register_forward_hook(run_out)
    try:
        yield
    finally:
        hook.remove()


def test_model_and_painter_have_the_device_in_turn(
    painting: WanEngine, painting_of: PaintingOf, recipe_of: RecipeOf
) -> None:
    """The model that films leaves it before a frame is painted, and films as before after it."""
    recipe, first = recipe_of(painting), first_of(painting, recipe_of)
    frame = painting.keyframe(first, control=Patient())
    filmed = painting.render(recipe, keyframe=frame, control=Patient()).latents
    engine = painting_of()
    ladder, easel = engine.model().ladder, engine._at_the_easel()
    ladder.has_elsewhere = easel.has_elsewhere = True
    moves: list[str] = []
    for name, pipeline in (("film", ladder._pipelines[0]), ("paint", easel.from_text)):
        _note_moves(pipeline, name, moves)

    again = engine.keyframe(first, control=Patient())
    after = engine.render(recipe, keyframe=again, control=Patient())

    assert moves == ["film", "paint", "paint", "film"], "out; in, out; in again"
    assert np.array_equal(again, frame)
    assert after.latents == filmed
    assert after.remarks == ()


def test_rounded_weights_make_way_for_a_painter(
    painting: WanEngine, folder_of: FolderOf, painter: Path, recipe_of: RecipeOf
) -> None:
    """They film as before when they are back, still rounded; and the painter is the same one."""
    engine = WanEngine(
        {**FILMING, "storage": "fp8"},
        weights=folder_of("i2v"),
        device="cpu",
        keyframes=painter,
        keyframe_config=PAINTING,
    )
    frame = painting.keyframe(first_of(painting, recipe_of), control=Patient())
    filmed = engine.render(recipe_of(engine), keyframe=frame, control=Patient()).latents
    engine.model().ladder.has_elsewhere = True

    again = engine.keyframe(first_of(engine, recipe_of), control=Patient())

    layer = engine.model().transformers[0].blocks[0].attn1.to_q
    # Seen while it waits: whatever computes with it rounds it again.
    assert layer.weight.dtype == FP8
    assert np.array_equal(again, frame)
    assert engine.render(recipe_of(engine), keyframe=again, control=Patient()).latents == filmed
    assert layer.weight.dtype == FP8
    assert painter_of(engine) == painter_of(painting)
    assert engine.fingerprint() != painting.fingerprint()


def _note_moves(pipeline: Any, name: str, moves: list[str]) -> None:
    move = pipeline.to

    def noted(*args: Any) -> Any:
        moves.append(name)
        return move(*args)

    pipeline.to = noted


def test_a_painter_short_of_memory_goes_on_part_by_part(
    painting: WanEngine, painting_of: PaintingOf, recipe_of: RecipeOf
) -> None:
    """The frame is the same; when even one part is too much, that is said."""
    first = first_of(painting, recipe_of)
    engine = painting_of()
    easel = engine._at_the_easel()
    with short_of_memory(easel.from_text.unet, 1), pytest.raises(OutOfMemoryError):
        engine.keyframe(first, control=Patient())
    easel.has_elsewhere = True
    leaving = Patient()
    leaving.has_bigger_device = True
    with short_of_memory(easel.from_text.unet, 1), pytest.raises(OutOfMemoryError):
        engine.keyframe(first, control=leaving)
    assert not easel.is_in_turn, "a bigger device comes before that"

    with short_of_memory(easel.from_text.unet, 1):
        frame = engine.keyframe(first, control=Patient())

    assert easel.is_in_turn
    assert np.array_equal(frame, painting.keyframe(first, control=Patient()))
    with short_of_memory(easel.from_text.unet, 1), pytest.raises(OutOfMemoryError):
        engine.keyframe(first, control=Patient())


def test_a_painter_without_main_memory_is_loaded_again(
    painting: WanEngine,
    painting_of: PaintingOf,
    recipe_of: RecipeOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That its weights do not fit is said in the family's words; with memory it paints as ever."""
    engine, first = painting_of(), first_of(painting, recipe_of)

    def run_out(*_: Any, **__: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.torch.load_file", run_out)
        with pytest.raises(OutOfMemoryError, match="for the painter's weights: MemoryError"):
            engine.keyframe(first, control=Patient())

    frame = engine.keyframe(first, control=Patient())
    assert np.array_equal(frame, painting.keyframe(first, control=Patient()))
