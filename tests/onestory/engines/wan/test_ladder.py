"""Does a take go on when the device has too little memory, and say what was done about it?"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from onestory.engines.latents import unpack_latents
from onestory.engines.protocol import EarlierTake, Frame, RecalledFrame
from onestory.engines.recipe import Recipe
from onestory.engines.wan.card import read_card, usual_config
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.ladder import Rung
from onestory.engines.wan.loading import load_model
from onestory.errors import OutOfMemoryError
from onestory.testing.silent import Silent
from onestory.testing.tiny_wan import Kind, write_tiny_published

FolderOf = Callable[[Kind], Path]
RecipeOf = Callable[..., Recipe]
Filmed = Callable[..., EarlierTake]

TINY = {"dtype": "float32", "steps": 2, "stretch_frames": 5}
CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
MAIN = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 2 GiB")


@contextmanager
def short_of_memory(module: Any, times: int, error: RuntimeError = CUDA) -> Iterator[None]:
    """Let the device run out of memory in a layer, the first so many times."""
    left = times

    def run_out(*_: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            raise error

    hook = module.register_forward_hook(run_out)
    try:
        yield
    finally:
        hook.remove()


@pytest.fixture(name="elsewhere")
def _elsewhere(folder_of: FolderOf, tmp_path: Path) -> Callable[..., WanEngine]:
    """Make an engine whose model may wait elsewhere than where it computes, as of a GPU's."""

    def make(kind: Kind, **options: Any) -> WanEngine:
        choices = {**TINY, **options.pop("config", {})}
        engine = WanEngine(choices, weights=folder_of(kind), device="cpu", **options)
        engine.model().ladder.has_elsewhere = True
        return engine

    return make


def shoot(
    engine: WanEngine,
    recipe: Recipe,
    *,
    keyframe: Frame | None = None,
    memory: Sequence[RecalledFrame] = (),
) -> tuple[Any, tuple[str, ...], bytes]:
    """Frames, remarks and latents of a take."""
    footage = engine.render(recipe, keyframe=keyframe, memory=memory, control=Silent())
    assert footage.frames is not None
    assert footage.latents is not None
    return np.stack(list(footage.frames)).astype(int), footage.remarks, footage.latents


def recalled(engine: WanEngine, recipe: Recipe, take: EarlierTake) -> list[RecalledFrame]:
    """What a shot after a take remembers of it."""
    latents_FChw = unpack_latents(take.read_latents())
    return [
        RecalledFrame(source=one, latent_CHW=latents_FChw[one.frame_index])
        for one in engine.recall(recipe, [take])
    ]


@pytest.mark.parametrize("kind", ["t2v", "ti2v"])
def test_parts_wait_and_then_layers_and_the_take_says_so(
    kind: Kind, elsewhere: Callable[..., WanEngine], recipe_of: RecipeOf, filmed: Filmed
) -> None:
    """With what is remembered, to the same pixels but for rounding; later takes stay there."""
    engine = elsewhere(kind)
    model = engine.model()
    earlier = recipe_of(engine, seed=8)
    recipe = recipe_of(engine)
    memory = recalled(engine, recipe, filmed(earlier, shoot(engine, earlier)[2]))
    assert len(memory) == 1
    expected, usual, _ = shoot(engine, recipe, memory=memory)

    layer = model.transformers[0].blocks[0].ffn
    with short_of_memory(layer, 1):
        frames, remarks, _ = shoot(engine, recipe, memory=memory)
    assert remarks == (Rung.PARTS.value, *usual)
    assert np.abs(frames - expected).max() <= 1
    with short_of_memory(layer, 1):
        frames, remarks, _ = shoot(engine, recipe, memory=memory)
    assert remarks == (Rung.PARTS.value, Rung.LAYERS.value, *usual)
    assert np.abs(frames - expected).max() <= 1
    frames, remarks, _ = shoot(engine, recipe, memory=memory)
    assert remarks == (Rung.PARTS.value, Rung.LAYERS.value, *usual)
    assert np.abs(frames - expected).max() <= 1


def test_both_in_one_take(elsewhere: Callable[..., WanEngine], recipe_of: RecipeOf) -> None:
    """One after the other, as often as it runs out; and no further than there is."""
    engine = elsewhere("t2v")
    expected, _, _ = shoot(engine, recipe_of(engine))
    layer = engine.model().transformers[0].blocks[1]

    with short_of_memory(layer, 2):
        frames, remarks, _ = shoot(engine, recipe_of(engine))

    assert remarks == (Rung.PARTS.value, Rung.LAYERS.value)
    assert np.abs(frames - expected).max() <= 1
    with (
        short_of_memory(layer, 1),
        pytest.raises(OutOfMemoryError, match=r"too little memory: CUDA .* 2\.00 GiB") as caught,
    ):
        shoot(engine, recipe_of(engine))
    assert not caught.value.retryable


def test_a_bigger_device_comes_before_the_ladder(
    elsewhere: Callable[..., WanEngine], recipe_of: RecipeOf
) -> None:
    """The take fails at once, and nothing is kept elsewhere for those that come after it."""
    engine = elsewhere("t2v")
    ladder, layer = engine.model().ladder, engine.model().transformers[0].blocks[1]
    control = Silent()
    control.has_bigger_device = True

    for module in (layer, engine.model().vae.decoder):
        with short_of_memory(module, 1), pytest.raises(OutOfMemoryError, match="too little memory"):
            engine.render(recipe_of(engine), keyframe=None, control=control)

    assert ladder.taken == []
    with short_of_memory(layer, 1):
        assert shoot(engine, recipe_of(engine))[1] == (Rung.PARTS.value,)


def test_a_published_memory_and_step_caches_go_down_with_it(
    elsewhere: Callable[..., WanEngine],
    recipe_of: RecipeOf,
    filmed: Filmed,
    first_frame: Frame,
    tmp_path: Path,
) -> None:
    """Lent updates and what is kept of steps are right wherever the layers wait."""
    engine = elsewhere(
        "a14b-i2v",
        memory_weights=write_tiny_published(tmp_path / "memory"),
        config={"steps": 6, "step_cache": "first-block", "step_threshold": 10.0},
    )
    earlier, recipe = recipe_of(engine, seed=8), recipe_of(engine)
    take = filmed(earlier, shoot(engine, earlier, keyframe=first_frame)[2])
    memory = recalled(engine, recipe, take)
    expected, _, _ = shoot(engine, recipe, memory=memory)

    with short_of_memory(engine.model().transformers[1].blocks[0], 2):
        frames, remarks, _ = shoot(engine, recipe, memory=memory)

    assert remarks == (Rung.PARTS.value, Rung.LAYERS.value)
    assert np.abs(frames - expected).max() <= 1
    # No first frame is coded as well, and that may be what runs out.
    with short_of_memory(engine.model().vae.encoder, 1):
        assert Rung.TILES.value in shoot(engine, recipe, memory=memory)[1]


@pytest.mark.parametrize("error", [CUDA, MAIN])
def test_tiles_are_for_one_take_and_it_says_so(
    error: RuntimeError, folder_of: FolderOf, recipe_of: RecipeOf
) -> None:
    """Since they may leave seams. On the CPU nothing else can be done about decoding."""
    engine = WanEngine(TINY, weights=folder_of("t2v"), device="cpu")
    model = engine.model()
    usual, _, _ = shoot(engine, recipe_of(engine))
    # The tiny frames are one tile of the usual size.
    vae = model.vae
    vae.tile_sample_min_height = vae.tile_sample_min_width = 32
    vae.tile_sample_stride_height = vae.tile_sample_stride_width = 16

    with short_of_memory(vae.decoder, 1, error):
        frames, remarks, _ = shoot(engine, recipe_of(engine))

    assert remarks == (Rung.TILES.value,)
    assert not np.array_equal(frames, usual)
    again, remarks, _ = shoot(engine, recipe_of(engine))
    assert remarks == ()
    assert np.array_equal(again, usual)
    with (
        short_of_memory(vae.decoder, 2, error),
        pytest.raises(OutOfMemoryError, match="too little memory"),
    ):
        shoot(engine, recipe_of(engine))


def test_what_is_asked_for_is_no_remark(folder_of: FolderOf, recipe_of: RecipeOf) -> None:
    """Tiles that stand in the recipe are neither said of the take nor tried again."""
    engine = WanEngine(TINY | {"is_tiled": True}, weights=folder_of("t2v"), device="cpu")
    _, remarks, _ = shoot(engine, recipe_of(engine))

    assert remarks == ()
    assert engine.model().vae.use_tiling
    with (
        short_of_memory(engine.model().vae.decoder, 1),
        pytest.raises(OutOfMemoryError, match="too little memory"),
    ):
        shoot(engine, recipe_of(engine))


def test_a_first_frame_is_coded_in_tiles_at_last(
    elsewhere: Callable[..., WanEngine], recipe_of: RecipeOf, first_frame: Frame
) -> None:
    """Of a picture that starts a shot the VAE may run out within drawing; parts go first."""
    engine = elsewhere("i2v")
    expected, _, _ = shoot(engine, recipe_of(engine), keyframe=first_frame)

    with short_of_memory(engine.model().vae.encoder, 3):
        frames, remarks, _ = shoot(engine, recipe_of(engine), keyframe=first_frame)

    assert remarks == tuple(rung.value for rung in (Rung.PARTS, Rung.LAYERS, Rung.TILES))
    assert np.abs(frames - expected).max() <= 1
    with short_of_memory(engine.model().vae.encoder, 1):
        assert engine.latents_of(recipe_of(engine), [first_frame])


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_weights_that_the_device_cannot_hold_wait(
    device: str, folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the start, and takes say so; there is nowhere else than the CPU's own memory."""
    stock: Any = diffusers.WanPipeline
    usual = stock.to

    def run_out(pipeline: Any, place: str) -> Any:
        if place == device:
            raise CUDA
        return usual(pipeline, place)

    monkeypatch.setattr(stock, "to", run_out)
    folder = folder_of("t2v")
    card = read_card(folder)
    config = usual_config(card, TINY)
    if device == "cpu":
        with pytest.raises(OutOfMemoryError, match="too little memory"):
            load_model(folder, card, config, device=device)
        return

    model = load_model(folder, card, config, device=device)

    assert model.ladder.remarks == (Rung.PARTS.value,)
    assert {weight.device.type for weight in model.transformers[0].parameters()} == {"cpu"}


def test_compiled_layers_stay_together(folder_of: FolderOf) -> None:
    """One by one they would be compiled anew in every step."""
    folder = folder_of("t2v")
    card = read_card(folder)
    config = usual_config(card, TINY | {"is_compiled": True})
    ladder = load_model(folder, card, config, device="cpu").ladder
    ladder.has_elsewhere = True

    assert ladder.climb("drawing")
    assert not ladder.climb("drawing")
    assert ladder.taken == [Rung.PARTS]


def test_other_errors_are_not_mistaken_for_it(folder_of: FolderOf, recipe_of: RecipeOf) -> None:
    """A fault in a layer is a fault, and nothing is tried about it."""
    engine = WanEngine(TINY, weights=folder_of("t2v"), device="cpu")
    layer = engine.model().transformers[0].blocks[0]

    with (
        short_of_memory(layer, 1, RuntimeError("mat1 and mat2 shapes cannot be multiplied")),
        pytest.raises(RuntimeError, match="cannot be multiplied"),
    ):
        shoot(engine, recipe_of(engine))
    assert engine.model().ladder.taken == []
