"""Frames become latents and come back."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from onestory.diffusion.codec import BlockCodec, load_codec, num_latent_frames
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.stories import Telling, tell_story

WIDTH, HEIGHT, FRAMES, BLOCK, CHANNELS = 80, 128, 9, 8, 24


@cache
def clips(seeds: range) -> Tensor:
    """Small shots of some stories, `B T H W 3`, uint8."""
    shots = [
        SceneRenderer(shot.scene, WIDTH, HEIGHT)
        for seed in seeds
        for shot in tell_story(seed, telling=Telling(num_shots=3, num_frames=FRAMES)).shots
    ]
    return torch.from_numpy(
        np.stack([np.stack([shot.frame(index) for index in range(FRAMES)]) for shot in shots])
    )


@pytest.fixture(scope="module", name="fitted")
def _fitted() -> BlockCodec:
    codec: BlockCodec = BlockCodec(channels=CHANNELS, block=BLOCK, refine_width=0, upscale=1)
    codec.fit(clips(range(10)), max_blocks=20_000)
    return codec.eval()


@pytest.fixture(scope="module", name="unseen")
def _unseen() -> Tensor:
    """Shots that no codec was fitted to."""
    return clips(range(1000, 1003))


def refining(*, upscale: int = 2) -> BlockCodec:
    """A codec with a decoder that could learn, and a basis drawn by lot."""
    torch.manual_seed(3)
    codec: BlockCodec = BlockCodec(
        channels=6, block=BLOCK, refine_width=10, refine_depth=2, upscale=upscale
    )
    codec.basis_CN.normal_(std=0.05)
    return codec.eval()


@pytest.mark.parametrize(
    ("num_frames", "num_latents"), [(0, 1), (1, 1), (2, 2), (5, 2), (6, 3), (17, 5)]
)
def test_four_frames_share_a_latent_behind_the_first(num_frames: int, num_latents: int) -> None:
    """One latent frame for the first frame, one for every further four or part of them."""
    assert num_latent_frames(num_frames) == num_latents


@pytest.mark.parametrize("num_frames", [1, 5, 13])
def test_shapes_are_as_promised(fitted: BlockCodec, num_frames: int) -> None:
    """Time shrinks by four behind the first frame, space by the block, and both come back."""
    frames_BTHW3 = torch.zeros(2, num_frames, 3 * BLOCK, 5 * BLOCK, 3, dtype=torch.uint8)

    latents = fitted.encode(frames_BTHW3)

    assert latents.shape == (2, CHANNELS, num_latent_frames(num_frames), 3, 5)
    assert latents.dtype == torch.float32
    assert fitted.decode(latents).shape == frames_BTHW3.shape


@pytest.mark.parametrize("upscale", [1, 2])
def test_decoded_frames_are_as_much_finer_as_asked_for(upscale: int) -> None:
    """With a decoder or without one, the frames are `upscale` times as large."""
    plain: BlockCodec = BlockCodec(channels=6, block=BLOCK, refine_width=0, upscale=upscale)
    latents_BCFhw = torch.randn(2, 6, 3, 4, 5)

    for codec in (plain, refining(upscale=upscale)):
        frames = codec.decode(latents_BCFhw)

        assert frames.shape == (2, 9, 4 * BLOCK * upscale, 5 * BLOCK * upscale, 3)
        assert (frames.min() >= 0, frames.max() <= 255) == (True, True)


def test_unseen_shots_come_back(fitted: BlockCodec, unseen: Tensor) -> None:
    """24 numbers for 768 keep a cartoon above 24 dB, in shots that were never seen."""
    error_BTHW3 = fitted.decode(fitted.encode(unseen)) - unseen.float()
    psnr_B = 10 * torch.log10(255**2 / error_BTHW3.square().flatten(1).mean(dim=1))

    assert psnr_B.mean() > 24
    assert psnr_B.min() > 20


def test_the_first_latent_is_that_of_the_picture(fitted: BlockCodec, unseen: Tensor) -> None:
    """What comes after a first frame does not change its latent, so a picture can begin a shot."""
    whole = fitted.encode(unseen)
    alone = fitted.encode(unseen[:, :1])

    assert torch.allclose(whole[:, :, :1], alone, atol=1e-5)
    assert torch.allclose(fitted.decode(whole)[:, :1], fitted.decode(alone), atol=1e-3)


def test_a_later_frame_reaches_its_own_latent_alone(fitted: BlockCodec, unseen: Tensor) -> None:
    """Frames 5 to 8 make the third latent frame, and nothing else."""
    changed = unseen.clone()
    changed[:, 5:] = 0
    before, after = fitted.encode(unseen), fitted.encode(changed)

    assert torch.equal(before[:, :, :2], after[:, :, :2])
    assert not torch.allclose(before[:, :, 2], after[:, :, 2])


def test_blocks_do_not_see_each_other(fitted: BlockCodec, unseen: Tensor) -> None:
    """A change in one corner changes the latents of that corner."""
    changed = unseen.clone()
    changed[:, :, :BLOCK, :BLOCK] = 255 - changed[:, :, :BLOCK, :BLOCK]
    moved_hw = (fitted.encode(changed) != fitted.encode(unseen)).flatten(0, 2).any(dim=0)

    assert moved_hw.nonzero().tolist() == [[0, 0]]


def test_strong_channels_are_told_apart_from_weak_ones(fitted: BlockCodec) -> None:
    """Channels come strongest first, around 0, with unit power together but not one by one."""
    latents_CM = fitted.encode(clips(range(10))).transpose(0, 1).flatten(1)
    std_C = latents_CM.std(dim=1)

    assert latents_CM.square().mean().sqrt() == pytest.approx(1.0, abs=0.1)
    assert latents_CM.mean(dim=1).abs().max() < 0.2
    assert std_C[0] > 2 * std_C[-1]
    assert std_C[:4].min() > std_C[-4:].max()


def test_latents_are_as_far_apart_as_pixels(fitted: BlockCodec) -> None:
    """Noise on latents is noise on pixels: detail drowns first, and nothing is made louder."""
    one, other = fitted.encode(clips(range(4))), fitted.encode(clips(range(4, 8)))
    coded = (one - other).square().flatten(1).sum(dim=1)
    shown = fitted.decode_linear(one) - fitted.decode_linear(other)
    seen = (shown / 127.5).square().flatten(1).sum(dim=1)

    assert (coded / seen) == pytest.approx(float(fitted.scale) ** 2, rel=1e-3)


def test_the_basis_is_orthonormal(fitted: BlockCodec) -> None:
    """No number of a block is coded twice."""
    assert torch.allclose(fitted.basis_CN @ fitted.basis_CN.T, torch.eye(CHANNELS), atol=1e-4)


def test_more_channels_never_decode_worse(unseen: Tensor) -> None:
    """Every further channel takes away some error."""
    errors = []
    for channels in (4, 12, 36):
        codec: BlockCodec = BlockCodec(channels=channels, block=BLOCK, refine_width=0, upscale=1)
        codec.fit(clips(range(10)), max_blocks=2_000)
        errors.append(float((codec.decode(codec.encode(unseen)) - unseen).square().mean()))

    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.5 * errors[0]


def test_an_untrained_decoder_adds_nothing(unseen: Tensor) -> None:
    """Before it has learnt anything it enlarges what the basis gives."""
    codec = refining()
    plain: BlockCodec = BlockCodec(channels=6, block=BLOCK, refine_width=0, upscale=2)
    plain.basis_CN.copy_(codec.basis_CN)
    latents = codec.encode(unseen[:1])

    assert torch.allclose(codec.decode(latents), plain.decode(latents), atol=1e-3)


def test_every_weight_of_the_decoder_can_learn() -> None:
    """Once its last layer is not zero, gradients reach all of it, and none reach the basis."""
    codec = refining()
    assert codec.refine is not None
    torch.nn.init.normal_(codec.refine.leave.weight, std=0.1)
    codec.decode(torch.randn(1, 6, 2, 4, 3)).square().mean().backward()

    weights = dict(codec.named_parameters())
    assert [name for name, weight in weights.items() if weight.grad is None] == []
    assert all(weight.grad is not None and weight.grad.any() for weight in weights.values())
    assert not any("basis" in name for name in weights)


def test_a_codec_comes_back_from_its_folder(tmp_path: Path, unseen: Tensor) -> None:
    """Saved and loaded it codes and decodes to the bit as before, and knows its sizes."""
    codec = refining()
    codec.save_pretrained(tmp_path)
    loaded = load_codec(tmp_path)

    assert torch.equal(loaded.encode(unseen), codec.encode(unseen))
    latents = codec.encode(unseen[:1])
    assert torch.equal(loaded.decode(latents), codec.decode(latents))
    assert (loaded.upscale, loaded.training) == (2, False)
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".json", ".safetensors"]


@pytest.mark.parametrize(
    ("num_frames", "height", "width", "said"),
    [
        (4, 16, 16, "got 4 of 16x16"),
        (5, 20, 16, "got 5 of 16x20"),
        (5, 16, 12, "got 5 of 12x16"),
    ],
)
def test_what_does_not_fit_is_refused(
    fitted: BlockCodec, num_frames: int, height: int, width: int, said: str
) -> None:
    """Numbers of frames and sides that make no whole blocks are named."""
    with pytest.raises(ValueError, match=rf"1 \+ 4k, and sides divide by 8, {said}"):
        fitted.encode(torch.zeros(1, num_frames, height, width, 3))
