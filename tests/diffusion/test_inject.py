"""The joint mode against the stock model, on the three kinds of Wan."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from onestory.diffusion.inject import joint

FRAMES = 3


@pytest.mark.parametrize("timestep", [None, 0])
@torch.no_grad()
def test_nothing_remembered_changes_nothing(wan: Any, timestep: float | None) -> None:
    """A memory of no tokens leaves the stock output as it is, to the bit."""
    stock = wan()
    with joint(wan.model, torch.zeros(2, 0, 24), torch.zeros(0, 3), timestep=timestep):
        assert torch.equal(wan(), stock)


@torch.no_grad()
def test_memory_is_what_a_longer_shot_would_be(wan: Any, places: Callable[..., Tensor]) -> None:
    """Frames remembered at the next places act exactly as frames appended to the latents do."""
    past = wan.remembered(2)
    timestep = wan.timestep
    if timestep.ndim == 2:
        latest = timestep.amax(dim=1, keepdim=True)
        timestep = torch.cat([timestep, latest.expand(-1, places(2).shape[0])], dim=1)
    longer = replace(wan, latent=torch.cat([wan.latent, past], dim=2), timestep=timestep)
    expected = longer()[:, :, :FRAMES]

    with joint(wan.model, wan.tokens(past), places(2, start=FRAMES)):
        shot = wan()
    assert shot.shape == expected.shape
    assert (shot - expected).abs().max() == 0
    assert (shot - wan()).abs().max() > 0.01


@torch.no_grad()
def test_clean_memory_is_a_longer_shot_with_clean_frames(
    wan: Any, places: Callable[..., Tensor]
) -> None:
    """A time of the memory's own acts exactly as per-token times of appended frames do."""
    past = wan.remembered(1)
    timestep = wan.timestep
    if timestep.ndim == 1:
        timestep = timestep[:, None].expand(-1, places(FRAMES).shape[0])
    own = torch.full((2, places(1).shape[0]), 250)
    longer = replace(
        wan,
        latent=torch.cat([wan.latent, past], dim=2),
        timestep=torch.cat([timestep, own], dim=1),
    )
    expected = longer()[:, :, :FRAMES]

    with joint(wan.model, wan.tokens(past), places(1, start=FRAMES), timestep=250):
        assert (wan() - expected).abs().max() == 0


@torch.no_grad()
def test_one_time_for_all_is_the_shared_time(t2v: Any, places: Callable[..., Tensor]) -> None:
    """Giving the memory the shot's own time changes nothing but the last digits."""
    call = replace(t2v, timestep=torch.tensor([700, 700]))
    memory = (call.tokens(call.remembered(2)), places(2, start=-9.5))
    with joint(call.model, *memory):
        shared = call()
    with joint(call.model, *memory, timestep=700):
        apart = call()
    with joint(call.model, *memory, timestep=0):
        clean = call()
    torch.testing.assert_close(apart, shared, atol=1e-5, rtol=0)
    assert (clean - shared).abs().max() > 1e-3


@torch.no_grad()
def test_a_fraction_of_a_step_is_not_rounded(t2v: Any, places: Callable[..., Tensor]) -> None:
    """A fractional memory time stays fractional beside the integer times of a scheduler."""
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    fractional = replace(t2v, timestep=t2v.timestep.float())
    with joint(t2v.model, *memory, timestep=0.5):
        assert torch.equal(t2v(), fractional())
        half = t2v()
    with joint(t2v.model, *memory, timestep=0):
        assert not torch.equal(t2v(), half)


@torch.no_grad()
def test_arguments_may_come_by_name(t2v: Any, places: Callable[..., Tensor]) -> None:
    """A pipeline that names its arguments gets the same picture."""
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    with joint(t2v.model, *memory, timestep=0):
        named = t2v.model(
            hidden_states=t2v.latent, timestep=t2v.timestep, encoder_hidden_states=t2v.text
        ).sample
        assert torch.equal(named, t2v())


@torch.no_grad()
def test_where_a_memory_stands_matters(t2v: Any, places: Callable[..., Tensor]) -> None:
    """The same tokens at an other time are an other memory."""
    tokens = t2v.tokens(t2v.remembered(1))
    shots = []
    for start in (-5, -4.5):
        with joint(t2v.model, tokens, places(1, start=start)):
            shots.append(t2v())
    assert (shots[0] - shots[1]).abs().max() > 1e-4
