"""Remembered frames as given frames before the shot: what the transformer is shown, and where."""

from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from onestory.diffusion.frames import in_front
from onestory.errors import RenderError

B, M, F, H, W = 2, 2, 3, 6, 4
"""Samples, remembered frames, drawn ones, latent cells."""


@pytest.fixture(name="model")
def _model() -> Any:
    """A Wan that starts from a first frame, without image tokens: as of Wan2.2."""
    torch.manual_seed(3)
    untyped: Any = WanTransformer3DModel
    return untyped(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=36,
        out_channels=16,
        text_dim=10,
        freq_dim=64,
        ffn_dim=32,
        num_layers=2,
        rope_max_seq_len=64,
    ).eval()


class Shown:
    """Notes what reaches the first layers."""

    def __init__(self, model: Any) -> None:
        self.sight = torch.empty(0)
        self.rotary: tuple[Tensor, Tensor] = (torch.empty(0), torch.empty(0))
        model.patch_embedding.register_forward_pre_hook(self.see)
        model.blocks[0].register_forward_pre_hook(self.stand)

    def see(self, _: Any, args: tuple[Tensor, ...]) -> None:
        """Keep what is cut into patches."""
        self.sight = args[0]

    def stand(self, _: Any, args: tuple[Any, ...]) -> None:
        """Keep where its tokens stand."""
        self.rotary = args[3]


def called(model: Any, sight: Tensor, *, by_name: bool = True) -> Tensor:
    """The velocity that a model predicts."""
    rest = {"encoder_hidden_states": torch.ones(B, 5, 10), "return_dict": False}
    with torch.no_grad():
        if by_name:
            said = model(hidden_states=sight, timestep=torch.full((B,), 900.0), **rest)
        else:
            said = model(sight, torch.full((B,), 900.0), **rest)
    velocity: Tensor = said[0]
    return velocity


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("has_first", [False, True])
def test_memory_is_told_to_be_given_and_the_shot_stays(
    by_name: bool, has_first: bool, model: Any
) -> None:
    """Mask 1 and latents on its frames; what the pipeline gave of the shot moves behind them."""
    shown = Shown(model)
    memory_1CMHW = torch.randn(1, 16, M, H, W)
    sight = torch.randn(B, 36, M + F, H, W)

    with in_front(model, memory_1CMHW, [-10.0, -5.0], has_first=has_first):
        inside = called(model, sight, by_name=by_name)
    seen = shown.sight

    assert inside.shape == (B, 16, M + F, H, W)
    assert torch.equal(seen[:, :16], sight[:, :16])
    assert (seen[:, 16:20, :M] == 1).all()
    assert torch.equal(seen[:, 20:, :M], memory_1CMHW.expand(B, -1, -1, -1, -1))
    mask = sight[:, 16:20, :F] if has_first else torch.zeros(B, 4, F, H, W)
    assert torch.equal(seen[:, 16:20, M:], mask)
    assert torch.equal(seen[:, 20:, M:], sight[:, 20:, :F])
    called(model, sight)
    assert torch.equal(shown.sight, sight)


def test_the_shot_begins_at_now(model: Any) -> None:
    """Its places are those that it would have alone; the memory's are before them."""
    shown = Shown(model)
    called(model, torch.randn(B, 36, F, H, W))
    alone = shown.rotary
    tokens = M * (H // 2) * (W // 2)

    with in_front(model, torch.randn(1, 16, M, H, W), [-10.0, -5.0], has_first=True):
        called(model, torch.randn(B, 36, M + F, H, W))

    for own, both in zip(alone, shown.rotary, strict=True):
        assert torch.equal(both[:, tokens:], own)
    half = tokens // 2
    assert not torch.equal(shown.rotary[0][:, :half], shown.rotary[0][:, half:tokens])
    # Time alone differs between frames.
    assert torch.equal(shown.rotary[0][:, :half, :, 4:], shown.rotary[0][:, half:tokens, :, 4:])


def test_frames_that_cannot_be_given_are_refused(model: Any, t2v: Any) -> None:
    """To a model that reads noise alone; without frames; beside another memory."""
    memory_1CMHW = torch.randn(1, 16, M, H, W)
    with (
        pytest.raises(ValueError, match=r"of 16 channels cannot be told .* that reads 16"),
        in_front(t2v.model, memory_1CMHW, [-10.0, -5.0], has_first=False),
    ):
        pass
    for frames, times in ((memory_1CMHW, [-5.0]), (memory_1CMHW[:, :, :0], [])):
        with (
            pytest.raises(ValueError, match=r"frames cannot stand at \d times"),
            in_front(model, frames, times, has_first=False),
        ):
            pass
    with (
        in_front(model, memory_1CMHW, [-10.0, -5.0], has_first=False),
        pytest.raises(RenderError, match="one memory at a time"),
        in_front(model, memory_1CMHW, [-10.0, -5.0], has_first=False),
    ):
        pass
