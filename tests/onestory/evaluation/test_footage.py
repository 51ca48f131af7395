"""Tests of what readings are compared with."""

from dataclasses import replace

import numpy as np
import torch

from onestory.continuity.likeness import FRAMES_READ
from onestory.diffusion.codec import BlockCodec
from onestory.evaluation.coverage import HEIGHT, WIDTH
from onestory.evaluation.footage import (
    coded,
    decoded,
    noise_frames,
    real_frames,
    truth_of,
)
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import HELD_OUT, tell_story

SCENE = replace(tell_story(HELD_OUT + 5).shots[0].scene, num_frames=9)


def test_real_frames_are_what_is_drawn() -> None:
    """A shot has its frames at the size that is read, and a truth for those that are read."""
    frames = real_frames(SCENE)
    assert frames.shape == (9, HEIGHT, WIDTH, 3)
    assert frames.std() > 10
    assert len(truth_of(SCENE).seen) == FRAMES_READ


def test_a_codec_keeps_number_and_size_of_frames() -> None:
    """What went through a fitted codec is like what went in."""
    frames = real_frames(SCENE)
    codec = BlockCodec(channels=3, refine_width=0, upscale=1)
    # Blocks of one colour each, whatever the codec is fed.
    side = codec.basis_CN.shape[1] // 3
    codec.basis_CN.copy_(torch.eye(3).repeat(1, side) / side**0.5)
    back = coded(frames, codec)
    assert back.shape == frames.shape
    assert back.dtype == np.uint8
    assert abs(float(back.mean()) - float(frames.mean())) < 2
    assert real_frames(SCENE, codec).shape == frames.shape


def test_noise_is_noise() -> None:
    """A shot of nothing has no order, is decoded if there is a codec, and differs by seed."""
    noise = noise_frames(5, 1)
    assert noise.shape == (5, HEIGHT, WIDTH, 3)
    assert not np.array_equal(noise, noise_frames(5, 2))
    codec = BlockCodec(channels=3, refine_width=0, upscale=1)
    assert noise_frames(5, 1, codec).shape == noise.shape


def test_a_codec_that_looks_at_sketches_is_shown_the_scene() -> None:
    """As the engine decodes, twice as fine; who knows no scene decodes linearly."""
    torch.manual_seed(3)
    codec = BlockCodec(channels=3, is_guided=True).eval()
    assert codec.refine is not None
    torch.nn.init.normal_(codec.refine.leave.weight, std=0.1)
    latents = torch.zeros(3, 3, HEIGHT // 16, WIDTH // 16)
    drawn = decoded(latents, codec, SCENE)
    stand_ins = StandIns(SCENE, rows=HEIGHT // 16, columns=WIDTH // 16, cell=32)
    sketch = torch.from_numpy(np.stack([stand_ins.sketch(index) for index in range(9)]))
    with torch.inference_mode():
        wanted = codec.decode(latents[None], sketch[None])[0]

    assert drawn.shape == (9, 2 * HEIGHT, 2 * WIDTH, 3)
    assert np.abs(drawn - wanted.numpy()).max() <= 0.5
    assert decoded(latents, codec).shape == (9, HEIGHT, WIDTH, 3)
