"""Attention by two products and a softmax says what torch's own says."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attend
from torch.overrides import TorchFunctionMode

from onestory.diffusion.plain_attention import PlainAttention

B, H, N, L, E = 2, 3, 7, 11, 8


class Notes(TorchFunctionMode):
    """Writes down which functions of torch are called."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[Any] = []

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Write it down and call it."""
        self.called.append(func)
        return func(*args, **dict(kwargs or {}))


def tensors(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """A query that is shorter than its keys and values."""
    torch.manual_seed(2)
    query, key, value = (torch.randn(B, H, n, E) for n in (N, L, L))
    return query.to(dtype), key.to(dtype), value.to(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.bfloat16, 2e-2)])
@pytest.mark.parametrize("scale", [None, 0.7])
def test_it_agrees_with_torch(dtype: torch.dtype, tolerance: float, scale: float | None) -> None:
    """To the last digits in full precision, to a rounding in half of it."""
    query, key, value = tensors(dtype)
    with PlainAttention():
        plain = attend(query, key, value, scale=scale)
        named = attend(query=query, key=key, value=value, scale=scale)

    assert torch.allclose(plain, attend(query, key, value, scale=scale), atol=tolerance)
    assert torch.equal(plain, named)
    assert plain.dtype == dtype


def test_gradients_agree_with_torch() -> None:
    """Training goes the same way."""
    grads = []
    for is_plain in (True, False):
        inputs = [one.requires_grad_() for one in tensors()]
        if is_plain:
            with PlainAttention():
                attend(*inputs).square().sum().backward()
        else:
            attend(*inputs).square().sum().backward()
        grads.append([one.grad for one in inputs])

    for plain, own in zip(*grads, strict=True):
        assert plain is not None
        assert torch.allclose(plain, own, atol=1e-5)


def test_autocast_is_respected() -> None:
    """Inside autocast the products run in bfloat16, as torch's own would."""
    with torch.autocast("cpu", torch.bfloat16), PlainAttention():
        plain = attend(*tensors())

    assert plain.dtype == torch.bfloat16
    assert torch.allclose(plain.float(), attend(*tensors()), atol=3e-2)


def test_it_takes_the_place_of_the_fused_kernel() -> None:
    """Inside, attention is two products; outside it is torch's own again."""
    with Notes() as inside, PlainAttention():
        attend(*tensors())
    with Notes() as outside:
        attend(*tensors())

    assert attend not in inside.called
    assert inside.called.count(torch.matmul) == 2
    assert attend in outside.called


@pytest.mark.parametrize(
    "options",
    [
        lambda: {"attn_mask": torch.arange(L).expand(N, L) % 3 != 0},
        lambda: {"is_causal": True},
    ],
    ids=["mask", "causal"],
)
def test_what_is_not_plain_falls_through(options: Callable[[], dict[str, Any]]) -> None:
    """A mask or an order is never dropped: torch does it as ever."""
    torch.manual_seed(4)
    asked = options()
    with Notes() as notes, PlainAttention():
        masked = attend(*tensors(), **asked)

    assert attend in notes.called
    assert torch.equal(masked, attend(*tensors(), **asked))
    assert not torch.allclose(masked, attend(*tensors()))


def test_a_bias_is_added() -> None:
    """What is to be attended to more, or less, is plain too, and as torch has it."""
    bias_NL = torch.randn(N, L)
    with Notes() as notes, PlainAttention():
        plain = attend(*tensors(), attn_mask=bias_NL)

    assert attend not in notes.called
    assert torch.allclose(plain, attend(*tensors(), attn_mask=bias_NL), atol=1e-6)
    assert not torch.allclose(plain, attend(*tensors()), atol=1e-2)


def test_a_mask_by_position_falls_through() -> None:
    """The fourth argument is a mask, whether it is named or not."""
    mask_NL = torch.arange(L).expand(N, L) < 4
    with PlainAttention():
        masked = attend(*tensors(), mask_NL)

    assert torch.equal(masked, attend(*tensors(), attn_mask=mask_NL))


def test_shared_heads_fall_through() -> None:
    """Fewer heads of keys than of queries are torch's business."""
    query, key, value = tensors()
    query = query.repeat(1, 2, 1, 1)
    with PlainAttention():
        shared = attend(query, key, value, enable_gqa=True)

    assert torch.equal(shared, attend(query, key, value, enable_gqa=True))


def test_everything_else_is_left_alone() -> None:
    """Other functions of torch are what they are."""
    with PlainAttention():
        summed = torch.ones(3).sum()

    assert summed == 3
