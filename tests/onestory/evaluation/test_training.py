"""Tests of how the encoders are trained, on samples that are made up."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from onestory.diffusion.codec import BlockCodec
from onestory.evaluation.coverage import COLUMNS, NUM_CLASSES, ROWS, UNKNOWN
from onestory.evaluation.networks import Encoders
from onestory.evaluation.reader import Reader
from onestory.evaluation.samples import Samples, read_samples
from onestory.evaluation.training import Learning, learn, pictures, write_weights
from onestory.storyworld.attributes import PERSON, SCENE

CHANNELS = 4


@pytest.fixture
def codec() -> BlockCodec:
    """Make a codec whose basis is chance."""
    made = BlockCodec(channels=CHANNELS, refine_width=0, upscale=1)
    torch.nn.init.normal_(made.basis_CN, std=0.02, generator=torch.Generator().manual_seed(1))
    return made.eval()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keep samples of two stories: somebody in the left half, chance for all else."""
    chance = torch.Generator().manual_seed(2)
    num = 12
    owners = torch.zeros(num, ROWS, COLUMNS, dtype=torch.uint8)
    owners[:, 10:60, :20] = 1
    classes = torch.randint(0, NUM_CLASSES, owners.shape, generator=chance).to(torch.uint8)
    classes[1][owners[1] == 0] = UNKNOWN
    looks = torch.stack(
        [torch.randint(-1, len(one.classes), (num, 2), generator=chance) for one in PERSON], 2
    )
    scenes = torch.stack(
        [torch.randint(0, len(one.classes), (num,), generator=chance) for one in SCENE], 1
    )
    story = torch.arange(num) // 6
    people = torch.stack([story, torch.full((num,), -1)], 1)
    samples = {
        "latents_SChw": torch.randn(num, CHANNELS, 18, 10, generator=chance).half(),
        "classes_SHW": classes,
        "owners_SHW": owners,
        "people_SP": people,
        "looks_SPA": looks,
        "places_S": story,
        "scenes_SA": scenes,
        "captions_SE": torch.randn(num, 384, generator=chance).half(),
    }
    (tmp_path / "samples").mkdir()
    save_file(samples, tmp_path / "samples" / "one.safetensors")
    return tmp_path


def test_samples_are_read_into_one(folder: Path) -> None:
    """Files follow each other."""
    path = folder / "samples" / "one.safetensors"
    both = read_samples([path, path])
    assert len(both) == 24
    assert {name: len(getattr(both, name)) for name in Samples.__slots__} == dict.fromkeys(
        Samples.__slots__, 24
    )


def test_pictures_are_decoded(codec: BlockCodec) -> None:
    """A latent frame becomes one picture in [-1, 1]."""
    frames = pictures(codec, torch.full((2, CHANNELS, 18, 10), 50.0))
    assert frames.shape == (2, 3, 288, 160)
    assert float(frames.abs().max()) == 1.0


def test_a_run_is_taken_up_where_it_was(folder: Path, codec: BlockCodec, tmp_path: Path) -> None:
    """Steps are counted on, all parts of the loss are told, and weights can be read with."""
    shards = [folder / "one.safetensors"]
    torch.manual_seed(0)
    choices = Learning(steps=1, stories=2, trust=1)
    told = list(learn(Encoders(), codec, shards, folder, choices))
    assert [step for step, _ in told] == [1]
    kept = load_file(folder / "run.safetensors")
    encoders = Encoders()
    told = list(learn(encoders, codec, shards, folder, Learning(steps=2, stories=2, trust=1)))
    assert [step for step, _ in told] == [2]
    parts = told[0][1]
    assert set(parts) == {"classes", "owners", "looks", "scenes", "identity", "place", "caption"}
    assert all(torch.isfinite(torch.tensor(part)) for part in parts.values())
    now = load_file(folder / "run.safetensors")
    name = "model.segmenter.leave.weight"
    moved = (now[name] - kept[name]).abs().max()
    assert 0 < float(moved) < 0.1
    write_weights(encoders, tmp_path / "weights.safetensors")
    reader = Reader(tmp_path / "weights.safetensors")
    assert reader.read_captions(["A man."]).shape == (1, 64)
