"""The cached mode against masked attention on the stock model."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor
from torch import Tensor

from onestory.diffusion.inject import joint
from onestory.diffusion.kernels import choose_attention
from onestory.diffusion.kv import MemoryCache, cached, prefill


class Blind(WanAttnProcessor):  # type: ignore[misc]  # diffusers is untyped
    """Stock self-attention in which the last tokens see only each other."""

    def __init__(self, num_memory: int) -> None:
        super().__init__()
        self.num_memory = num_memory

    def __call__(self, attn: Any, x: Tensor, text: Any, mask: Any, rotary: Any) -> Any:
        """Attend under the mask."""
        memory = torch.arange(x.shape[1]) >= x.shape[1] - self.num_memory
        sees = ~memory[:, None] | memory[None, :]
        return super().__call__(attn, x, text, sees, rotary)


class Mute(WanAttnProcessor):  # type: ignore[misc]  # diffusers is untyped
    """Stock cross-attention that tells the last tokens nothing."""

    def __init__(self, num_memory: int) -> None:
        super().__init__()
        self.num_memory = num_memory

    def __call__(self, attn: Any, x: Tensor, text: Any, mask: Any, rotary: Any) -> Any:
        """Attend, then silence the memory."""
        out = super().__call__(attn, x, text, mask, rotary)
        out[:, -self.num_memory :] = 0
        return out


@pytest.mark.parametrize("reads", [False, True], ids=["deaf", "reads the caption"])
@torch.no_grad()
def test_reading_a_cache_is_joint_attention_with_a_mask(
    wan: Any, reads: bool, places: Callable[..., Tensor]
) -> None:
    """A cache gives what joint attention gives if the memory is clean and blind to the shot."""
    tokens, positions = wan.tokens(wan.remembered(2)), places(2, start=-7.25)
    stock = wan()
    caption = {"text_BTE": wan.text, "image_BIE": wan.image} if reads else {}
    with cached(wan.model, prefill(wan.model, tokens, positions, **caption)):
        read = wan()

    for block in wan.model.blocks:
        block.attn1.set_processor(Blind(tokens.shape[1]))
        if not reads:
            block.attn2.set_processor(Mute(tokens.shape[1]))
    with joint(wan.model, tokens, positions, timestep=0):
        masked = wan()
    assert (read - masked).abs().max() <= 1e-5
    assert (read - stock).abs().max() > 0.01


@torch.no_grad()
def test_the_caption_reaches_the_memory_only_if_asked(
    t2v: Any, places: Callable[..., Tensor]
) -> None:
    """Reading the caption makes an other cache, from the second block on."""
    tokens, positions = t2v.tokens(t2v.remembered(1)), places(1, start=-5)
    deaf = prefill(t2v.model, tokens, positions)
    reads = prefill(t2v.model, tokens, positions, text_BTE=t2v.text)
    assert torch.equal(deaf.blocks[0].key_BLHE, reads.blocks[0].key_BLHE)
    assert not torch.allclose(deaf.blocks[1].key_BLHE, reads.blocks[1].key_BLHE, atol=1e-3)


@torch.no_grad()
def test_one_memory_serves_both_halves_of_guidance(t2v: Any, places: Callable[..., Tensor]) -> None:
    """Conditional and unconditional halves in one batch see what they see in two calls."""
    tokens, positions = t2v.tokens(t2v.remembered(1)), places(1, start=-5)
    cache = prefill(t2v.model, tokens, positions)
    uncond = replace(t2v, text=torch.zeros_like(t2v.text))
    with cached(t2v.model, cache):
        expected = torch.cat([t2v(), uncond()])
    guided = replace(
        t2v,
        latent=t2v.latent.repeat(2, 1, 1, 1, 1),
        timestep=t2v.timestep.repeat(2),
        text=torch.cat([t2v.text, uncond.text]),
    )
    with cached(t2v.model, cache.twice()):
        torch.testing.assert_close(guided(), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_expanding_a_cache_copies_nothing(t2v: Any, places: Callable[..., Tensor]) -> None:
    """One sample shown to five is the same storage seen five times."""
    cache = prefill(t2v.model, t2v.tokens(t2v.remembered(1, batch=1)), places(1, start=-5))
    for wide, size in ((cache.expand(5), 5), (cache.twice(), 2)):
        assert (wide.batch, wide.num_tokens) == (size, cache.num_tokens)
        for many, one in zip(wide.blocks, cache.blocks, strict=True):
            assert many.key_BLHE.data_ptr() == one.key_BLHE.data_ptr()
            assert many.value_BLHE.data_ptr() == one.value_BLHE.data_ptr()
    with pytest.raises(ValueError, match="memory of 5 samples cannot serve a batch of 3"):
        cache.expand(5).expand(3)


@torch.no_grad()
def test_fused_projections_read_the_same(t2v: Any, places: Callable[..., Tensor]) -> None:
    """A model whose projections were fused keeps and reads the same memory."""
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    with cached(t2v.model, prefill(t2v.model, *memory)):
        apart = t2v()
    t2v.model.fuse_qkv_projections()
    with cached(t2v.model, prefill(t2v.model, *memory)):
        torch.testing.assert_close(t2v(), apart, atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_chosen_kernel_stays_chosen(t2v: Any, places: Callable[..., Tensor]) -> None:
    """Reading a memory goes through the attention kernel that was set on the model."""
    cache = prefill(t2v.model, t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    choose_attention(t2v.model, "_native_math", device=torch.device("cpu"))
    with cached(t2v.model, cache):
        chosen = {block.attn1.processor._attention_backend for block in t2v.model.blocks}
    assert {str(name.value) for name in chosen} == {"_native_math"}


@torch.no_grad()
def test_a_memory_can_be_made_while_an_other_is_read(
    t2v: Any, places: Callable[..., Tensor]
) -> None:
    """A prefill in the middle of a shot neither sees nor disturbs the memory of that shot."""
    memory = (t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    alone = prefill(t2v.model, *memory)
    with cached(t2v.model, prefill(t2v.model, t2v.tokens(t2v.remembered(2)), places(2, start=-9))):
        before = t2v()
        amid = prefill(t2v.model, *memory)
        assert torch.equal(t2v(), before)
    for one, other in zip(alone.blocks, amid.blocks, strict=True):
        assert torch.equal(one.key_BLHE, other.key_BLHE)
        assert torch.equal(one.value_BLHE, other.value_BLHE)


def test_a_detached_cache_holds_no_graph(t2v: Any, places: Callable[..., Tensor]) -> None:
    """Detaching keeps the numbers and drops the way back."""
    cache = prefill(t2v.model, t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    assert all(part.requires_grad for block in cache.blocks for part in block)
    free = cache.detach()
    assert not any(part.requires_grad for block in free.blocks for part in block)
    assert torch.equal(free.blocks[1].value_BLHE, cache.blocks[1].value_BLHE)


def test_an_empty_memory_makes_no_cache(t2v: Any) -> None:
    """No tokens are refused where a cache would have nothing to say."""
    with pytest.raises(ValueError, match="cache of 0 tokens cannot be made"):
        prefill(t2v.model, torch.zeros(1, 0, 24), torch.zeros(0, 3))


def test_a_cache_belongs_to_its_model(t2v: Any, places: Callable[..., Tensor]) -> None:
    """A cache with too few blocks is refused, and leaves the model free."""
    cache = prefill(t2v.model, t2v.tokens(t2v.remembered(1)), places(1, start=-5))
    short = MemoryCache(cache.blocks[:1])
    words = "1 blocks cannot serve a transformer of 2"
    with pytest.raises(ValueError, match=words), cached(t2v.model, short):
        pass
    with cached(t2v.model, cache):
        t2v()
