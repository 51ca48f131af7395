"""Does the codec's decoder learn, and leave latents as they are?"""

from pathlib import Path

import numpy as np
import pytest
import torch

from onestory.diffusion.codec import BlockCodec
from onestory.diffusion.pocket import PocketModules, load_modules
from onestory.diffusion.text import TEXT_DIM, shared_text
from onestory.memory.showing import OWNERS
from onestory.storyworld.stories import Telling
from onestory.testing.tiny_pocket import tiny_codec, write_tiny_weights
from onestory.training.refining import Refining, redrawn, refine, with_refiner
from onestory.training.shards import Drawing, shard_name, write_shard

FEW = Refining(steps=6, pool=2, crops=1, cells=4, keep_every=2)


@pytest.fixture(scope="module", name="shards")
def _shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One story of six shots."""
    path = tmp_path_factory.mktemp("shards") / shard_name(0)
    write_shard(
        path,
        range(1),
        codec=tiny_codec(),
        text=shared_text(),
        telling=Telling(),
        drawing=Drawing(),
    )
    return [path]


@pytest.fixture(scope="module", name="generator")
def _generator(tmp_path_factory: pytest.TempPathFactory) -> PocketModules:
    return load_modules(write_tiny_weights(tmp_path_factory.mktemp("weights")))


def refined(
    shards: list[Path],
    folder: Path,
    *,
    stop_at: int = FEW.steps,
    generator: PocketModules | None = None,
) -> tuple[BlockCodec, list[float]]:
    """Train a decoder, or go on with it, up to a step."""
    codec, told = with_refiner(tiny_codec()), []
    for step, loss in refine(codec, shards, folder, FEW, generator=generator):
        told.append(loss)
        if step == stop_at:
            break
    return codec, told


def test_a_new_decoder_draws_what_the_basis_says() -> None:
    """Untrained it only makes frames larger, and codes them as before."""
    plain, codec = tiny_codec(), with_refiner(tiny_codec())
    frames = torch.randint(0, 256, (1, 5, 64, 64, 3), dtype=torch.uint8)

    latents = codec.encode(frames)
    decoded = codec.decode(latents)

    assert torch.equal(latents, plain.encode(frames))
    assert decoded.shape == (1, 5, 128, 128, 3)
    smaller = torch.nn.functional.avg_pool3d(decoded[..., 0], (1, 2, 2))
    assert (smaller - plain.decode(latents)[..., 0]).abs().mean() < 8


def test_a_decoder_learns(shards: list[Path], tmp_path: Path) -> None:
    """It comes nearer to the frames that were drawn, and latents stay what they were."""
    codec, told = refined(shards, tmp_path)
    frames = torch.randint(0, 256, (1, 5, 64, 64, 3), dtype=torch.uint8)

    assert codec.refine is not None
    assert bool(codec.refine.leave.weight.any())
    assert min(told[3:]) < told[0]
    assert torch.equal(codec.encode(frames), tiny_codec().encode(frames))


def test_a_run_that_was_stopped_goes_on_as_if_nothing_had_happened(
    shards: list[Path], tmp_path: Path
) -> None:
    """Stopped between two checkpoints, it takes the steps since the last one again."""
    whole, told = refined(shards, tmp_path / "whole")
    refined(shards, tmp_path / "stopped", stop_at=3)

    again, rest = refined(shards, tmp_path / "stopped")

    assert rest == told[2:]
    assert all(
        torch.equal(one, other)
        for one, other in zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_a_trained_decoder_looks_at_the_sketch(shards: list[Path], tmp_path: Path) -> None:
    """Lines elsewhere, another picture; without any it decodes as well."""
    codec, _ = refined(shards, tmp_path)
    frames = torch.randint(0, 256, (1, 5, 64, 64, 3), dtype=torch.uint8)
    latents = codec.encode(frames)
    one, other = torch.randint(0, 256, (2, 1, 5, 128, 128, 3), dtype=torch.uint8)

    drawn = [codec.decode(latents, sketch) for sketch in (one, other, None)]

    assert codec.is_guided
    assert all(frame.shape == drawn[0].shape for frame in drawn)
    assert not torch.allclose(drawn[0], drawn[1], atol=1e-3)
    assert not torch.allclose(drawn[0], drawn[2], atol=1e-3)


def test_a_decoder_learns_from_what_a_generator_draws(
    shards: list[Path], tmp_path: Path, generator: PocketModules
) -> None:
    """Of the same shots it is shown other latents, the same ones again after a stop."""
    _, plain = refined(shards, tmp_path / "plain")
    _, told = refined(shards, tmp_path / "whole", generator=generator)
    refined(shards, tmp_path / "stopped", stop_at=3, generator=generator)
    _, rest = refined(shards, tmp_path / "stopped", generator=generator)

    assert told != plain
    assert rest == told[2:]


def test_what_is_hardly_covered_is_hardly_changed(generator: PocketModules) -> None:
    """The less noise a generator begins with, the nearer it stays; the noise is the caller's."""
    latents = torch.randn(1, generator.channels, 2, 6, 4)
    text = torch.randn(1, 16, TEXT_DIM + OWNERS)
    blocking = torch.zeros(1, generator.blocking_channels, 2, 6, 4)

    def draw(cover: float, seed: int = 1) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        return redrawn(generator, latents, text, blocking, cover=cover, rng=rng)

    apart = [float((draw(cover) - latents).abs().mean()) for cover in (0.001, 0.2, 0.9)]
    assert apart == sorted(apart)
    assert apart[0] < 0.05
    assert torch.equal(draw(0.9), draw(0.9))
    assert not torch.allclose(draw(0.9), draw(0.9, seed=2), atol=0.01)
