"""What becomes of an engine that runs out of memory while its weights are loaded?"""

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors import torch as safetensors_torch

from onestory.engines.recipe import Recipe
from onestory.engines.wan.card import read_card, usual_config
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.ladder import Rung
from onestory.engines.wan.loading import load_transformers
from onestory.errors import OutOfMemoryError, WeightsError
from onestory.testing.silent import Silent
from onestory.testing.tiny_wan import Kind

FolderOf = Callable[[Kind], Path]
RecipeOf = Callable[..., Recipe]

TINY = {"dtype": "float32", "steps": 2, "stretch_frames": 5}
CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore of it.")
MAIN = MemoryError("Cannot allocate memory (os error 12)")
"""What safetensors raises where the system has no memory left."""


class Leaving(Silent):
    """A control of a film that can go on elsewhere."""

    has_bigger_device = True


@contextmanager
def too_small(device: str) -> Iterator[list[Any]]:
    """Let a device run out of memory while weights come to it; what came is noted, and unheld."""
    stock: Any = diffusers.WanPipeline
    usual, came = stock.to, []

    def run_out(pipeline: Any, place: str) -> Any:
        if place == device:
            came.append(weakref.ref(pipeline.transformer))
            raise CUDA
        return usual(pipeline, place)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stock, "to", run_out)
        yield came


def latents_of(engine: WanEngine, recipe: Recipe, control: Silent) -> bytes | None:
    """What a take of a recipe can be remembered by."""
    return engine.render(recipe, keyframe=None, control=control).latents


@pytest.mark.parametrize("control", [Silent(), Leaving()])
def test_an_engine_whose_weights_do_not_fit_loads_them_again(
    control: Silent, folder_of: FolderOf, recipe_of: RecipeOf
) -> None:
    """It says what to do, holds nothing of the attempt, and films once there is memory."""
    engine = WanEngine(TINY, weights=folder_of("t2v"), device="cpu")
    # Not the collector of rings, which may come late: the engine itself lets go of them.
    gc.disable()
    try:
        with (
            too_small("cpu") as came,
            pytest.raises(OutOfMemoryError, match="memory for the weights: CUDA") as caught,
        ):
            latents_of(engine, recipe_of(engine), control)
        held = [one() for one in came]
    finally:
        gc.enable()

    assert held == [None]
    assert caught.value.message.endswith("2.00 GiB.")
    assert not caught.value.retryable
    for way in ("doctor", "gguf", 'storage = "fp8"', "is_offloaded"):
        assert way in str(caught.value.hint)
    other = WanEngine(TINY, weights=folder_of("t2v"), device="cpu")
    recipe = recipe_of(engine)
    assert latents_of(engine, recipe, control) == latents_of(other, recipe, Silent())


def test_a_bigger_device_comes_before_waiting_parts(
    folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A film that can go on elsewhere is not filmed part by part; one that cannot is, as ever."""
    # A device that is not the CPU, on which nothing is computed here.
    engine = WanEngine(TINY, weights=folder_of("t2v"), device="meta")
    with too_small("meta"):
        with pytest.raises(OutOfMemoryError, match="memory for the weights: CUDA"):
            engine.model(Leaving())

        waiting = engine.model(Silent())
        assert waiting.ladder.taken == [Rung.PARTS]
        assert engine.model() is waiting
        # For whoever can go elsewhere that is not enough.
        with pytest.raises(OutOfMemoryError, match="memory for the weights: CUDA"):
            engine.model(Leaving())

    # Nothing that lies on that device could be read.
    monkeypatch.setattr(diffusers.WanPipeline, "to", lambda pipeline, _: pipeline)
    loaded = engine.model(Leaving())
    assert loaded.ladder.taken == []
    assert engine.model(Leaving()) is loaded
    # Tiles of an earlier take are for that one alone, and no reason to load anything.
    loaded.ladder.taken.append(Rung.TILES)
    assert engine.model(Leaving()) is loaded


def test_main_memory_that_is_too_small_is_said_so(
    folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although diffusers says of the file that it cannot be read; on other cards as well."""
    folder = folder_of("t2v")
    card = read_card(folder)
    engine = WanEngine(TINY, weights=folder, device="cpu")
    usual = safetensors_torch.load_file

    def run_out(*_: Any, **__: Any) -> Any:
        raise MAIN

    monkeypatch.setattr(safetensors_torch, "load_file", run_out)
    with pytest.raises(OutOfMemoryError, match=r"weights: Cannot allocate memory \(os error 12\)"):
        engine.model()
    with pytest.raises(OutOfMemoryError, match="memory for the weights: Cannot allocate"):
        load_transformers(folder, card, usual_config(card, TINY), device="cpu")

    monkeypatch.setattr(safetensors_torch, "load_file", usual)
    assert engine.model().ladder.taken == []


def test_a_file_that_cannot_be_read_is_no_lack_of_memory(
    folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another reason stays another error."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError("Input/output error")

    monkeypatch.setattr(safetensors_torch, "load_file", refuse)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        WanEngine(TINY, weights=folder_of("t2v"), device="cpu").model()
