"""How chosen frames become memory tokens."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from onestory.errors import MemoryBudgetError
from onestory.memory.budget import solve_layout
from onestory.memory.conditioner import AdaptiveConditioner

C, D, H, W = 3, 8, 10, 18


@pytest.fixture(name="base")
def _base() -> nn.Conv3d:
    torch.manual_seed(0)
    return nn.Conv3d(C, D, (1, 2, 2), stride=(1, 2, 2))


@pytest.fixture(name="conditioner")
def _conditioner(base: nn.Conv3d) -> AdaptiveConditioner:
    conditioner = AdaptiveConditioner(in_channels=C, inner_dim=D)
    conditioner.init_from(base)
    return conditioner


def _patchifier(conditioner: AdaptiveConditioner, level: int) -> nn.Conv3d:
    patchifier = conditioner.patchifiers[level]
    assert isinstance(patchifier, nn.Conv3d)
    return patchifier


def _bias(conditioner: AdaptiveConditioner, level: int) -> Tensor:
    bias = _patchifier(conditioner, level).bias
    assert bias is not None
    return bias


def _latents(*, stories: int = 2, frames: int = 4, height: int = H, width: int = W) -> Tensor:
    return torch.randn(stories, frames, C, height, width, generator=torch.manual_seed(1))


def test_a_layout_and_its_tokens_agree(conditioner: AdaptiveConditioner) -> None:
    """The conditioner makes exactly the tokens that the budget counted, each with a place."""
    layout = solve_layout(3, 100, (H, W))
    memory = conditioner(_latents(frames=layout.num_frames), layout.levels)

    assert memory.tokens_BLD.shape == (2, layout.num_tokens, D)
    assert memory.positions_L3.shape == (layout.num_tokens, 3)
    assert memory.levels == layout.levels


def test_the_finest_level_starts_as_the_model_itself(
    conditioner: AdaptiveConditioner, base: nn.Conv3d
) -> None:
    """At level 0 the weights are the model's own, bit by bit, and so are the tokens."""
    latents_BFCHW = _latents()
    own_BLD = base(latents_BFCHW.transpose(1, 2)).flatten(2).transpose(1, 2)

    assert torch.equal(_patchifier(conditioner, 0).weight, base.weight)
    assert base.bias is not None
    assert torch.equal(_bias(conditioner, 0), base.bias)
    assert torch.allclose(conditioner(latents_BFCHW, (0,) * 4).tokens_BLD, own_BLD, atol=1e-6)


@pytest.mark.parametrize(("level", "factor"), [(1, 2), (2, 4)])
def test_a_coarse_token_starts_as_the_mean_of_fine_ones(
    conditioner: AdaptiveConditioner, level: int, factor: int
) -> None:
    """Before training, a coarse token is the mean of the model's tokens over what it covers."""
    latents_BFCHW = _latents(frames=1, height=16, width=24)
    fine_BDYX = conditioner(latents_BFCHW, [0]).tokens_BLD.transpose(1, 2).reshape(2, D, 8, 12)
    mean_BDYX = nn.functional.avg_pool2d(fine_BDYX, factor)

    coarse_BLD = conditioner(latents_BFCHW, [level]).tokens_BLD
    assert torch.allclose(coarse_BLD, mean_BDYX.flatten(2).transpose(1, 2), atol=1e-6)


def test_a_flat_picture_looks_the_same_at_every_level(conditioner: AdaptiveConditioner) -> None:
    """Padding invents nothing: a flat frame gives one and the same token, edges included."""
    flat_BFCHW = torch.tensor([1.0, -2.0, 0.5])[:, None, None].expand(1, 3, C, H, W)
    tokens_BLD = conditioner(flat_BFCHW, (0, 1, 2)).tokens_BLD

    assert torch.allclose(tokens_BLD, tokens_BLD[:, :1].expand_as(tokens_BLD), atol=1e-5)


def test_positions_of_the_pocket_grid(conditioner: AdaptiveConditioner) -> None:
    """A token stands at the mean of the real patches it covers; frames lie before the shot."""
    positions_L3 = conditioner(_latents(frames=3), (0, 1, 2)).positions_L3
    fine_L3, mid_L3, coarse_L3 = positions_L3.split([45, 15, 6])

    assert fine_L3.tolist() == [[-5, h, w] for h in range(5) for w in range(9)]
    assert mid_L3.tolist() == [[-10, h, w] for h in (0.5, 2.5, 4) for w in (0.5, 2.5, 4.5, 6.5, 8)]
    assert coarse_L3.tolist() == [[-15, h, w] for h in (1.5, 4) for w in (1.5, 5.5, 8)]


def test_positions_of_an_odd_grid(conditioner: AdaptiveConditioner) -> None:
    """A half patch at the edge is a patch, as it is to the model."""
    heights = conditioner.positions([0, 1], (5, 2))[:, 1]

    assert heights.tolist() == [0, 1, 2, 0.5, 2]


def test_time_runs_by_the_configured_step() -> None:
    """The step between remembered frames is a matter of configuration."""
    conditioner = AdaptiveConditioner(in_channels=C, inner_dim=D, time_step=2.5)

    assert conditioner.positions([2, 2], (2, 2))[:, 0].tolist() == [-2.5, -5]


def test_tokens_follow_the_frames(conditioner: AdaptiveConditioner) -> None:
    """Rank by rank, and story by story, a frame's tokens are those it has alone."""
    latents_BFCHW = _latents(frames=5)
    levels = (0, 1, 1, 2, 1)
    tokens_BLD = conditioner(latents_BFCHW, levels).tokens_BLD
    alone = [
        torch.cat(
            [conditioner(latents_BFCHW[b : b + 1, [f]], [levels[f]]).tokens_BLD for b in (0, 1)]
        )
        for f in range(5)
    ]

    assert torch.allclose(tokens_BLD, torch.cat(alone, dim=1), atol=1e-6)


def test_a_wider_base_lends_its_first_channels() -> None:
    """Of a 36-channel image-to-video base the patchifiers take the noise channels."""
    base = nn.Conv3d(36, D, (1, 2, 2), stride=(1, 2, 2), bias=False)
    conditioner = AdaptiveConditioner(in_channels=16, inner_dim=D)
    conditioner.init_from(base)

    assert torch.equal(_patchifier(conditioner, 0).weight, base.weight[:, :16])
    assert torch.equal(_patchifier(conditioner, 2).weight[..., 2:4, 6:8], base.weight[:, :16] / 16)
    assert not _bias(conditioner, 1).any()


def test_a_base_of_another_size_is_refused(base: nn.Conv3d) -> None:
    """Patchifiers cannot start from a narrower model, or one with a patch that does not tile."""
    for sizes in ({"inner_dim": 9}, {"in_channels": 4}, {"levels": [(1, 3, 3)]}):
        conditioner = AdaptiveConditioner(**{"in_channels": C, "inner_dim": D} | sizes)
        with pytest.raises(ValueError, match="cannot start from"):
            conditioner.init_from(base)


def test_kernels_span_one_frame() -> None:
    """Chosen frames are no neighbours in time, so no kernel may mix them."""
    with pytest.raises(ValueError, match="temporal size 1"):
        AdaptiveConditioner(in_channels=C, inner_dim=D, levels=[(2, 2, 2)])


def test_nothing_remembered_is_no_token(conditioner: AdaptiveConditioner) -> None:
    """The first shot has a memory of no tokens, in the right width."""
    memory = conditioner(_latents(frames=0), ())

    assert memory.tokens_BLD.shape == (2, 0, D)
    assert memory.positions_L3.shape == (0, 3)


@pytest.mark.parametrize("levels", [(0, 1), (0, 1, 2, 3), (0, 1, 2, -1)])
def test_levels_that_do_not_fit_are_refused(
    conditioner: AdaptiveConditioner, levels: tuple[int, ...]
) -> None:
    """Every frame needs a level, and every level a patchifier."""
    with pytest.raises(MemoryBudgetError, match="4 frames cannot be cut"):
        conditioner(_latents(), levels)


def test_half_precision_keeps_exact_positions(conditioner: AdaptiveConditioner) -> None:
    """Tokens follow the weights' dtype, positions never lose a digit."""
    conditioner.to(torch.bfloat16)  # type: ignore[arg-type]  # diffusers wraps `to` untyped
    memory = conditioner(_latents().bfloat16(), (0, 1, 1, 2))

    assert memory.tokens_BLD.dtype == torch.bfloat16
    assert memory.positions_L3.dtype == torch.float32


def test_every_level_in_use_learns(conditioner: AdaptiveConditioner) -> None:
    """Gradients reach the patchifiers that cut something, and no other."""
    conditioner(_latents(), (0, 0, 1, 1)).tokens_BLD.square().sum().backward()

    reached = [module.weight.grad is not None for module in conditioner.patchifiers]
    assert reached == [True, True, False]


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    """A folder of safetensors and JSON gives back the same tokens, bit by bit."""
    one = AdaptiveConditioner(
        in_channels=C, inner_dim=D, levels=[(1, 2, 2), (1, 6, 6)], time_step=3
    )
    one.save_pretrained(tmp_path)
    other = AdaptiveConditioner.from_pretrained(tmp_path)
    latents_BFCHW = _latents(frames=2)

    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".safetensors"]
    before, after = one(latents_BFCHW, (0, 1)), other(latents_BFCHW, (0, 1))
    assert torch.equal(before.tokens_BLD, after.tokens_BLD)
    assert torch.equal(before.positions_L3, after.positions_L3)
