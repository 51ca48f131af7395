"""Is what a Wan takes known before it is loaded?"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from onestory.engines.wan.card import read_card, usual_config
from onestory.engines.wan.estimate import Need, Part, count_painter, count_weights, estimate
from onestory.engines.wan.loading import load_model
from onestory.engines.wan.painter import find_painter
from onestory.engines.wan.painting import load_painter
from onestory.engines.wan.published import config_for, find_published
from onestory.errors import WeightsError
from onestory.testing.tiny_painter import write_tiny_painter
from onestory.testing.tiny_wan import KINDS, Kind, write_tiny_published, write_tiny_wan

FolderOf = Callable[[Kind], Path]


def need_of(folder: Path, *, num_frames: int = 121, budget: float = 1.0, **choices: object) -> Need:
    """What a stretch of 704x1280 takes."""
    card = read_card(folder)
    config = usual_config(card, choices)
    return estimate(
        folder,
        card,
        config,
        width=704,
        height=1280,
        num_frames=num_frames,
        memory_budget=budget,
    )


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("kind", ["stable-diffusion", "sana"])
def test_a_painter_takes_what_was_counted(
    kind: Literal["stable-diffusion", "sana"], dtype: str, folder_of: FolderOf, tmp_path: Path
) -> None:
    """Every part of its pipeline to the byte, a safety checker too."""
    folder = write_tiny_painter(tmp_path / "p", kind, has_checker=kind == "stable-diffusion")
    card = read_card(folder_of("i2v"))
    painter = find_painter(folder, {"dtype": dtype}, card)
    assert painter is not None
    parts = {
        name: list(part.parameters())
        for name, part in load_painter(painter, device="cpu").from_text.components.items()
        if isinstance(part, torch.nn.Module)
    }

    counted = count_painter(painter)

    assert {part.name: part.num_parameters for part in counted} == {
        name: sum(one.numel() for one in weights) for name, weights in parts.items()
    }
    assert {part.name: part.num_bytes for part in counted} == {
        name: sum(one.numel() * one.element_size() for one in weights)
        for name, weights in parts.items()
    }


def test_a_painter_has_a_gpu_in_turn_with_the_model(folder_of: FolderOf) -> None:
    """The larger of the two decides there; in main memory both lie, and in parts the largest."""
    alone = need_of(folder_of("i2v"))
    small, large = (
        replace(alone, painter=(Part(name="unet", num_parameters=1, num_bytes=size),))
        for size in (1, 2 * alone.total_bytes)
    )

    assert (alone.painter_bytes, alone.together_bytes) == (0, alone.total_bytes)
    assert small.total_bytes == alone.total_bytes
    assert small.together_bytes == alone.total_bytes + 1
    assert small.offloaded_bytes == alone.offloaded_bytes
    assert large.total_bytes == large.offloaded_bytes == large.painter_bytes


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_take_what_was_counted(kind: Kind, dtype: str, folder_of: FolderOf) -> None:
    """Every part of every architecture, to the byte, with what is kept in float32."""
    folder = folder_of(kind)
    card = read_card(folder)
    config = usual_config(card, {"dtype": dtype})
    loaded = load_model(folder, card, config, device="cpu")
    parts = {
        name: part
        for pipeline in (loaded.from_text, loaded.from_picture)
        if pipeline is not None
        for name, part in pipeline.components.items()
        if isinstance(part, torch.nn.Module)
    }

    counted = count_weights(folder, config)

    assert {part.name for part in counted} == set(parts)
    for part in counted:
        weights = list(parts[part.name].parameters())
        assert part.num_parameters == sum(weight.numel() for weight in weights)
        assert part.num_bytes == sum(weight.numel() * weight.element_size() for weight in weights)


def test_configurations_are_enough(folder_of: FolderOf, tmp_path: Path) -> None:
    """A studio knows what a model takes before it fetches the weights."""
    whole = folder_of("ti2v")
    shutil.copytree(whole, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))

    assert need_of(tmp_path / "bare") == need_of(whole)


def test_a_model_of_true_size_is_counted_without_its_weights(
    folder_of: FolderOf, tmp_path: Path
) -> None:
    """Wan2.2-TI2V-5B has five billion parameters, and a shot of it 27,280 tokens."""
    shutil.copytree(folder_of("ti2v"), tmp_path / "large")
    place = tmp_path / "large" / "transformer" / "config.json"
    sizes = {
        "num_attention_heads": 24,
        "attention_head_dim": 128,
        "ffn_dim": 14336,
        "num_layers": 30,
        "text_dim": 4096,
        "freq_dim": 256,
    }
    place.write_text(json.dumps(json.loads(place.read_text()) | sizes))

    need = need_of(tmp_path / "large")

    (transformer,) = (part for part in need.parts if part.name == "transformer")
    assert transformer.num_parameters == pytest.approx(5.0e9, rel=0.01)
    assert transformer.num_bytes == pytest.approx(2 * transformer.num_parameters, rel=0.01)
    assert need.num_tokens == 27_280
    assert need.total_bytes >= need.weight_bytes + need.step_bytes + need.memory_bytes
    assert transformer.num_bytes + need.step_bytes <= need.offloaded_bytes < need.total_bytes


def test_more_is_needed_for_more(folder_of: FolderOf) -> None:
    """Longer stretches, more memory and wider numbers take more; less never does."""
    folder = folder_of("ti2v")
    usual = need_of(folder)

    assert need_of(folder, num_frames=61).step_bytes < usual.step_bytes
    assert need_of(folder, num_frames=61).decode_bytes < usual.decode_bytes
    assert need_of(folder, budget=3.0).step_bytes > usual.step_bytes
    assert need_of(folder, dtype="float32").step_bytes > usual.step_bytes
    kept = need_of(folder, attention="cached")
    assert kept.memory_bytes > usual.memory_bytes


def test_a_published_memory_is_counted(folder_of: FolderOf, tmp_path: Path) -> None:
    """Its updates to the byte; what it remembers takes as much as what is drawn."""
    folder = folder_of("a14b-i2v")
    card = read_card(folder)
    found = find_published(write_tiny_published(tmp_path / "memory", rank=3), folder, card)
    # Eight square layers and two of the feed-forward's, in two blocks of two experts.
    assert found.num_parameters == 2 * 2 * 3 * (8 * (24 + 24) + 2 * (24 + 32))
    config = config_for(card, found)
    size = {"width": 64, "height": 64, "num_frames": 81}

    need = estimate(folder, card, config, memory_budget=2.0, published=found, **size)

    assert need.memory_bytes == 2 * found.num_parameters
    bare = estimate(folder, card, config, memory_budget=0.0, published=found, **size)
    longer = {**size, "num_frames": 89}
    assert bare.step_bytes < need.step_bytes
    assert (
        need.step_bytes
        == estimate(folder, card, config, memory_budget=0.0, published=found, **longer).step_bytes
    )


def test_a_part_that_is_none_is_refused(tmp_path: Path) -> None:
    """A configuration that no class of diffusers reads is named."""
    folder = write_tiny_wan(tmp_path / "odd", "t2v")
    index = json.loads((folder / "model_index.json").read_text())
    index["vae"] = ["diffusers", "AutoencoderOfNobody"]
    (folder / "model_index.json").write_text(json.dumps(index))

    with pytest.raises(WeightsError, match="vae of the folder is no AutoencoderOfNobody"):
        need_of(folder)
