"""Rotary tables at places that Wan's own table does not know."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from onestory.diffusion.rope import rope_at


def one_block(head: int) -> Any:
    """A transformer whose heads have so many channels."""
    return WanTransformer3DModel(
        num_attention_heads=1,
        attention_head_dim=head,
        text_dim=4,
        freq_dim=8,
        ffn_dim=8,
        num_layers=1,
        rope_max_seq_len=64,
    )


@pytest.mark.parametrize("head", [12, 40, 128])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("given", [torch.int64, torch.float16])
def test_a_grid_stands_where_the_stock_table_puts_it(
    head: int, dtype: torch.dtype, given: torch.dtype, places: Callable[..., Tensor]
) -> None:
    """At integer places the table is the stock one to the bit, in the model's dtype."""
    model = one_block(head).to(dtype)
    stock = model.rope(torch.zeros(1, 16, 7, 8, 10, dtype=dtype))
    ours = rope_at(model, places(7).to(given))
    for own, theirs in zip(ours, stock, strict=True):
        assert own.dtype == theirs.dtype == dtype
        assert torch.equal(own, theirs)


def test_the_past_turns_the_other_way(t2v: Any, places: Callable[..., Tensor]) -> None:
    """A negative place turns as far as the positive one, backwards."""
    ahead, behind = rope_at(t2v.model, places(3)), rope_at(t2v.model, -places(3))
    assert torch.equal(ahead.cos_1L1E, behind.cos_1L1E)
    assert torch.equal(ahead.sin_1L1E, -behind.sin_1L1E)
    assert ahead.sin_1L1E.abs().max() > 0.5


def test_half_a_patch_turns_half_as_far(t2v: Any, places: Callable[..., Tensor]) -> None:
    """Turning twice by a fractional place is turning once by its double."""
    half, whole = rope_at(t2v.model, places(3) / 2), rope_at(t2v.model, places(3))
    twice = 2 * half.sin_1L1E * half.cos_1L1E
    torch.testing.assert_close(twice, whole.sin_1L1E, atol=1e-6, rtol=0)


def test_each_sample_may_have_places_of_its_own(t2v: Any, places: Callable[..., Tensor]) -> None:
    """With a batch axis, every row is the table of that sample's places."""
    early, late = places(2, start=-7), places(2, start=-2.5)
    both = rope_at(t2v.model, torch.stack([early, late]))
    for row, alone in enumerate((early, late)):
        for ours, single in zip(both, rope_at(t2v.model, alone), strict=True):
            assert torch.equal(ours[row : row + 1], single)


@pytest.mark.parametrize("shape", [(5, 2), (3,), (1, 1, 4, 3)])
def test_places_have_three_numbers(t2v: Any, shape: tuple[int, ...]) -> None:
    """Positions that are not rows of time, height and width are refused with their shape."""
    with pytest.raises(ValueError, match=r"must be \(L, 3\) or \(B, L, 3\), got \("):
        rope_at(t2v.model, torch.zeros(shape))
