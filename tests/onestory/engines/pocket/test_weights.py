"""Are weights named by what they are?"""

import json
import shutil
from pathlib import Path

import pytest

from onestory.diffusion.text import WEIGHTS_SHA256
from onestory.engines.pocket.weights import TEXT_ENCODER, find_weights, weights_digest
from onestory.errors import WeightsError
from onestory.testing.tiny_pocket import write_tiny_weights


def test_the_digest_follows_the_content_alone(tiny_weights: Path, tmp_path: Path) -> None:
    """A copy has the same name wherever it lies, other weights have another."""
    copy = Path(shutil.copytree(tiny_weights, tmp_path / "copy"))
    other = write_tiny_weights(tmp_path / "other", seed=1)

    assert weights_digest(copy) == weights_digest(tiny_weights)
    assert weights_digest(other) != weights_digest(tiny_weights)
    assert weights_digest(copy).startswith("sha256:")
    assert TEXT_ENCODER == WEIGHTS_SHA256


def test_weights_that_are_replaced_are_read_again(tmp_path: Path) -> None:
    """A digest is kept as long as the files are the same, and no longer."""
    folder = write_tiny_weights(tmp_path / "weights")
    before = weights_digest(folder)

    write_tiny_weights(folder, seed=1)

    assert weights_digest(folder) != before


def test_missing_parts_are_named(tiny_weights: Path, tmp_path: Path) -> None:
    """Who lacks weights reads which, and how to get them."""
    copy = Path(shutil.copytree(tiny_weights, tmp_path / "copy"))
    shutil.rmtree(copy / "vae")

    with pytest.raises(WeightsError, match=r"1 of 5 parts .* vae") as caught:
        find_weights(copy)
    assert caught.value.hint == "train them with: onestory train pocket"


def test_the_folder_reads_like_a_pipelines(tiny_weights: Path) -> None:
    """The index names every part and its class, and nothing in the folder is pickled."""
    index = json.loads((tiny_weights / "model_index.json").read_text())
    folders = {path.parent.relative_to(tiny_weights).as_posix() for path in tiny_weights.rglob("*")}
    suffixes = {path.suffix for path in tiny_weights.rglob("*") if path.is_file()}

    assert index["transformer"] == ["diffusers", "WanTransformer3DModel"]
    assert set(index) - {"_class_name", "text_encoder"} <= folders | {"scheduler"}
    assert suffixes == {".json", ".safetensors"}
