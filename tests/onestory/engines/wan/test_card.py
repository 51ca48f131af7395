"""Does a folder say what it holds, how it is used, and what it is called?"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onestory.engines.wan.card import read_card, usual_config
from onestory.engines.wan.folder import (
    find_folder,
    find_memory,
    levels_of,
    weights_digest,
)
from onestory.engines.wan.picture import drawn_index, drawn_size, stretches
from onestory.errors import OrderError, WeightsError
from onestory.memory.budget import LEVELS, PATCH
from onestory.testing.tiny_wan import Kind, write_tiny_memory

FolderOf = Callable[[Kind], Path]


def changed(folder: Path, name: str, **fields: Any) -> None:
    """Write other fields into a configuration."""
    place = folder / name
    place.write_text(json.dumps(json.loads(place.read_text()) | fields))


@pytest.fixture(name="copy_of")
def _copy_of(folder_of: FolderOf, tmp_path: Path) -> Callable[[Kind], Path]:
    """A folder that may be spoilt."""

    def copy(kind: Kind) -> Path:
        return Path(shutil.copytree(folder_of(kind), tmp_path / "copy"))

    return copy


@pytest.mark.parametrize(
    ("kind", "name", "text", "picture", "experts", "attention"),
    [
        ("t2v", "Wan2.1-T2V", True, False, 1, "cached"),
        ("i2v", "Wan2.1-I2V", False, True, 1, "cached"),
        ("ti2v", "Wan2.2-TI2V", True, True, 1, "joint"),
        ("a14b", "Wan2.2-T2V-A14B", True, False, 2, "cached"),
        ("a14b-i2v", "Wan2.2-I2V-A14B", False, True, 2, "cached"),
    ],
)
def test_an_architecture_is_known_by_its_configuration(
    kind: Kind,
    name: str,
    text: bool,
    picture: bool,
    experts: int,
    attention: str,
    folder_of: FolderOf,
) -> None:
    """What it can start from, its experts, and how it reads a memory."""
    card = read_card(folder_of(kind))

    assert (card.name, card.reads_text_alone, card.reads_picture) == (name, text, picture)
    assert (card.num_experts, usual_config(card).attention) == (experts, attention)


def test_a_model_is_used_as_its_card_says(folder_of: FolderOf, copy_of: FolderOf) -> None:
    """Sizes, lengths, steps, guidance and shift of each, unless other choices are made."""
    usual = usual_config(read_card(folder_of("ti2v")))
    assert (usual.area, usual.fps, usual.stretch_frames) == (704 * 1280, 24, 121)
    assert (usual.steps, usual.guidance, usual.shift) == (50, 5.0, 5.0)
    usual = usual_config(read_card(folder_of("a14b")))
    assert (usual.area, usual.fps, usual.stretch_frames) == (1280 * 720, 16, 81)
    assert (usual.steps, usual.guidance, usual.guidance_low, usual.shift) == (40, 4.0, 3.0, 3.0)
    assert usual_config(read_card(folder_of("a14b-i2v"))).guidance_low == 3.5

    folder = copy_of("t2v")
    assert usual_config(read_card(folder)).area == 832 * 480
    changed(folder, "scheduler/scheduler_config.json", flow_shift=5.0)
    assert usual_config(read_card(folder)).area == 1280 * 720
    assert usual_config(read_card(folder), {"steps": 7, "shift": 8.0}).steps == 7


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("model_index.json", {"_class_name": "FluxPipeline"}, "holds a FluxPipeline"),
        ("model_index.json", {"boundary_ratio": 0.9}, "no transformer_2"),
        ("transformer/config.json", {"in_channels": 20}, "reads 20 channels, and 16"),
        ("transformer/config.json", {"patch_size": [1, 4, 4]}, r"patch is \(1, 4, 4\)"),
    ],
)
def test_what_is_no_wan_is_refused(
    name: str, fields: dict[str, Any], words: str, copy_of: FolderOf
) -> None:
    """In one sentence, before anything is loaded."""
    folder = copy_of("t2v")
    changed(folder, name, **fields)

    with pytest.raises(WeightsError, match=words):
        read_card(folder)


def test_a_folder_that_is_not_whole_is_refused(copy_of: FolderOf) -> None:
    """The file that cannot be read is named."""
    folder = copy_of("t2v")
    (folder / "vae" / "config.json").unlink()

    with pytest.raises(WeightsError, match=r"vae/config\.json of copy cannot be read"):
        read_card(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"stepps": 3}, "no choice 'stepps'"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"stretch_frames": 4}, "stretch_frames must be at least 5, got 4"),
        ({"shift": 0.0}, "shift above 0"),
        ({"attention": "none"}, "joint, cached or frames, got 'none'"),
        ({"dtype": "int4"}, "float32 or bfloat16, got 'int4'"),
    ],
)
def test_choices_that_cannot_be_are_refused(
    changes: dict[str, Any], words: str, folder_of: FolderOf
) -> None:
    """With the name of the choice and what was found."""
    with pytest.raises(OrderError, match=words):
        usual_config(read_card(folder_of("t2v")), changes)


def test_weights_that_lie_nowhere_are_not_fetched_unasked(tmp_path: Path) -> None:
    """A missing folder and a missing model of the hub are told apart, and nothing is downloaded."""
    with pytest.raises(WeightsError, match="there is no folder"):
        find_folder(tmp_path / "none")
    with pytest.raises(WeightsError, match="nobody/nothing is not on this machine"):
        find_folder("nobody/nothing")


def test_weights_are_called_by_their_content(copy_of: FolderOf, tmp_path: Path) -> None:
    """Not by where they lie; a changed configuration or module is another model."""
    folder = copy_of("t2v")
    digest = weights_digest(folder)
    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    memory = write_tiny_memory(tmp_path / "memory", channels=16)

    assert weights_digest(moved) == digest
    assert weights_digest(folder, memory) != digest
    changed(moved, "scheduler/scheduler_config.json", flow_shift=4.0)
    assert weights_digest(moved) != digest


def test_files_of_the_hub_are_not_read_to_be_named(copy_of: FolderOf, tmp_path: Path) -> None:
    """Its copy calls a blob by its sha256."""
    folder = copy_of("t2v")
    file = next((folder / "transformer").glob("*.safetensors"))
    blob = tmp_path / ("0" * 64)
    shutil.move(file, blob)
    os.symlink(blob, file)
    digest = weights_digest(folder)
    blob.write_bytes(b"never looked at")

    assert weights_digest(folder) == digest


def test_modules_of_onestory_are_found(copy_of: FolderOf, tmp_path: Path) -> None:
    """Beside the model, elsewhere, or nowhere; they say how finely frames can be cut."""
    folder = copy_of("t2v")
    assert find_memory(folder) is None
    assert levels_of(None) == (PATCH,)
    with pytest.raises(WeightsError, match="neither conditioner nor selector"):
        find_memory(folder, tmp_path)
    elsewhere = write_tiny_memory(tmp_path / "memory", channels=16)
    assert find_memory(folder, elsewhere) == elsewhere
    write_tiny_memory(folder / "memory", channels=16)
    assert find_memory(folder) == folder / "memory"
    assert levels_of(find_memory(folder)) == LEVELS


@pytest.mark.parametrize(
    ("delivery", "multiple_of", "area", "drawn"),
    [
        ((720, 1280), 32, 1280 * 704, (704, 1280)),
        ((1280, 720), 32, 1280 * 704, (1280, 704)),
        ((720, 1280), 16, 1280 * 720, (720, 1280)),
        ((64, 96), 32, 1280 * 704, (64, 96)),
        ((2, 2), 32, 1280 * 704, (32, 32)),
    ],
)
def test_what_is_drawn_is_as_near_as_can_be(
    delivery: tuple[int, int], multiple_of: int, area: int, drawn: tuple[int, int]
) -> None:
    """The delivery's own size if the model can draw it; else the card's, in its shape."""
    assert drawn_size(*delivery, multiple_of=multiple_of, area=area) == drawn


def test_a_long_shot_is_drawn_in_stretches() -> None:
    """Each but the first repeats one frame; together they are long enough, and none is too long."""
    assert stretches(1, most=81, temporal=4) == [1]
    assert stretches(81, most=81, temporal=4) == [81]
    for num_frames in range(1, 60):
        lengths = stretches(num_frames, most=11, temporal=4)
        drawn = lengths[0] + sum(length - 1 for length in lengths[1:])
        assert num_frames <= drawn < num_frames + 4
        assert all(length <= 11 and length % 4 == 1 for length in lengths)


def test_frames_stand_for_as_long_as_the_delivery_asks() -> None:
    """Sixteen drawn frames a second fill twenty-four."""
    assert drawn_index(7, "24", drawn_fps=16) == [0, 0, 1, 2, 2, 3, 4]
    assert drawn_index(3, "24", drawn_fps=24) == [0, 1, 2]
