"""
The `cached` mode: what does the memory say once, that every step can read?

The blocks run on the memory tokens alone, at t = 0, each seeing only the others. Their
keys and values are kept, and every step of the new shot reads them beside its own:

    prefill   memory ── block 1 ── block 2 ── …      once per shot
                          │ K, V     │ K, V
                          ▼          ▼
    cached    noise ─── block 1 ── block 2 ── …      at every step

A query is then shorter than its keys, which no kernel minds: there is no mask.

Shape suffixes, for this module only:
    B  samples in the batch   N  tokens of the shot being made   L  memory tokens
    D  model width            H  attention heads
    T  caption tokens         I  image tokens (Wan2.1-I2V)
    E  channels: of one head in keys and values, of the encoder in captions and images
    3  time, height and width
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from diffusers.models.attention_dispatch import dispatch_attention_fn
from diffusers.models.transformers.transformer_wan import (
    WanAttention,
    WanTransformer3DModel,
    WanTransformerBlock,
)
from torch import Tensor
from torch.nn import functional

from onestory.diffusion.attach import (
    attached,
    bare,
    check_tokens,
    for_batch,
    refuse_context_parallel,
)
from onestory.diffusion.rope import Rotary, rope_at


class BlockMemory(NamedTuple):
    """What one block's self-attention reads."""

    key_BLHE: Tensor
    """Keys, normalised and rotated."""
    value_BLHE: Tensor
    """Values."""


@dataclass(frozen=True, slots=True)
class MemoryCache:
    """Keys and values of one memory in every block, with gradients if it was made with them."""

    blocks: tuple[BlockMemory, ...]
    """In the order of the transformer's blocks."""
    shown_BLO: Tensor | None = None
    """What each memory token shows, if that is known; see `onestory.diffusion.regions`."""

    @property
    def batch(self) -> int:
        """Samples, B."""
        return self.blocks[0].key_BLHE.shape[0]

    @property
    def num_tokens(self) -> int:
        """Memory tokens, L."""
        return self.blocks[0].key_BLHE.shape[1]

    def expand(self, batch: int) -> "MemoryCache":
        """
        Show the one memory to a whole batch, without a copy.

        Args:
            batch: Samples of the result.

        Returns:
            Views of this cache; itself, if it has that many samples already.

        Raises:
            ValueError: If this cache has other than one or `batch` samples.
        """
        if self.batch == batch:
            return self
        return self._each(lambda kept_BLHE: for_batch(kept_BLHE, batch))

    def twice(self) -> "MemoryCache":
        """
        Show the same memories to both halves of a batch: twins, or [cond, uncond].

        Returns:
            A cache of twice as many samples; views, if there was one.
        """
        if self.batch == 1:
            return self.expand(2)
        return self._each(lambda kept_BLHE: torch.cat([kept_BLHE, kept_BLHE]))

    def detach(self) -> "MemoryCache":
        """The same cache without gradients."""
        return self._each(Tensor.detach)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "MemoryCache":
        return MemoryCache(
            tuple(BlockMemory(change(key), change(value)) for key, value in self.blocks),
            None if self.shown_BLO is None else change(self.shown_BLO),
        )


def prefill(
    transformer: WanTransformer3DModel,
    tokens_BLD: Tensor,
    positions_L3: Tensor,
    *,
    text_BTE: Tensor | None = None,
    image_BIE: Tensor | None = None,
) -> MemoryCache:
    """
    Run the memory through the blocks at t = 0 and keep what self-attention will read.

    Without a caption the cross-attention is left out, so that one cache serves every
    caption, the empty one of guidance too. Gradients reach the tokens and the weights,
    through gradient checkpointing and autocast if they are on.

    Args:
        transformer: The stock model.
        tokens_BLD: Memory tokens, as wide as the model. At least one.
        positions_L3: Time, height and width of each, as `rope_at` takes them.
        text_BTE: Caption features as the transformer itself takes them, if the memory
            shall read the caption.
        image_BIE: Image features, which Wan2.1-I2V needs beside a caption.

    Returns:
        Keys and values of every block, in the dtype that the model computes in.

    Raises:
        ValueError: If tokens and positions are not equally many, or there is none.
        RenderError: If the model runs context parallel.
    """
    model = bare(transformer)
    refuse_context_parallel(model)
    check_tokens(model, tokens_BLD, positions_L3)
    if not tokens_BLD.shape[1]:
        raise ValueError("a cache of 0 tokens cannot be made, run the stock model instead")
    hidden_BLD = tokens_BLD.to(compute_dtype(model))
    rotary = rope_at(model, positions_L3)

    # One empty caption token, if there is no caption: only its dtype is looked at.
    reads_text = text_BTE is not None
    text = hidden_BLD.new_zeros(1, 1, model.config.text_dim) if text_BTE is None else text_BTE
    start_1 = torch.zeros(1, device=hidden_BLD.device)
    _, modulation, text, image = model.condition_embedder(start_1, text, image_BIE)
    modulation = modulation.unflatten(1, (6, -1))
    if image is not None:
        text = torch.cat([image, text], dim=1)

    blocks = []
    checkpointing = torch.is_grad_enabled() and model.gradient_checkpointing
    # Step caches count the calls of a block; these calls are not steps.
    by_class = model.is_cache_enabled
    for block in model.blocks:
        recall = _Recall(block, reads_text=reads_text, by_class=by_class)
        arguments = (hidden_BLD, text, modulation, *rotary)
        hidden_BLD, key, value = (
            model._gradient_checkpointing_func(recall, *arguments)
            if checkpointing
            else recall(*arguments)
        )
        blocks.append(BlockMemory(key, value))
    return MemoryCache(tuple(blocks))


@contextmanager
def cached(
    transformer: WanTransformer3DModel, cache: MemoryCache, *, bias_BNL: Tensor | None = None
) -> Iterator[None]:
    """
    Let every self-attention of the shot read a memory beside its own tokens.

    Hold it around the whole denoising loop: step caches are made to forget on the way
    in and out. A backward pass may come later, with gradient checkpointing too.

    Args:
        transformer: The stock model, compiled or not.
        cache: What `prefill` made of the memory. One sample serves any batch.
        bias_BNL: Added to the logits of attention from the shot's tokens to the memory's.

    Yields:
        Nothing; call the transformer, or a pipeline that holds it, as ever.

    Raises:
        ValueError: If the cache was made by a model with another number of blocks.
        RenderError: If a memory is attached already, or the model runs context parallel.
    """
    with attached(transformer) as model:
        if len(cache.blocks) != len(model.blocks):
            raise ValueError(
                f"a cache of {len(cache.blocks)} blocks cannot serve a transformer of "
                f"{len(model.blocks)}"
            )
        memories = dict(zip(model.blocks, cache.blocks, strict=True))
        stock_processors = [block.attn1.processor for block in model.blocks]
        stock_checkpoint = model._gradient_checkpointing_func

        def checkpoint(block: WanTransformerBlock, *arguments: Any) -> Any:
            return stock_checkpoint(_Reading(block, bias_BNL), *arguments, *memories[block])

        try:
            for block, memory in memories.items():
                block.attn1.processor = MemoryAttention(block.attn1.processor, memory, bias_BNL)
            model._gradient_checkpointing_func = checkpoint
            yield
        finally:
            model._gradient_checkpointing_func = stock_checkpoint
            for block, processor in zip(model.blocks, stock_processors, strict=True):
                block.attn1.processor = processor


def compute_dtype(transformer: Any) -> torch.dtype:
    """The dtype in which tokens leave the stock patch embedding."""
    weight: Tensor = transformer.patch_embedding.weight
    if torch.is_autocast_enabled(weight.device.type):
        return torch.get_autocast_dtype(weight.device.type)
    return weight.dtype


class MemoryAttention:
    """Wan's self-attention, which also reads a memory or keeps its own keys and values."""

    _parallel_config = None

    def __init__(
        self, stock: Any, memory: BlockMemory | None = None, bias_BNL: Tensor | None = None
    ) -> None:
        # The name under which diffusers sets and looks for a kernel.
        self._attention_backend = getattr(stock, "_attention_backend", None)
        self.memory = memory
        self.bias_BNL = bias_BNL
        self.kept: BlockMemory | None = None

    def __call__(
        self,
        attn: WanAttention,
        hidden_BND: Tensor,
        encoder_hidden_states: None = None,
        attention_mask: None = None,
        rotary_emb: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """Attend as stock does, from the shot's tokens to the shot's and the memory's."""
        assert rotary_emb is not None, "Wan's self-attention is always rotated"
        if attn.fused_projections:
            query, key, value = attn.to_qkv(hidden_BND).chunk(3, dim=-1)
        else:
            query, key, value = attn.to_q(hidden_BND), attn.to_k(hidden_BND), attn.to_v(hidden_BND)
        query_BNHE = _rotate(attn.norm_q(query).unflatten(2, (attn.heads, -1)), *rotary_emb)
        key_BNHE = _rotate(attn.norm_k(key).unflatten(2, (attn.heads, -1)), *rotary_emb)
        value_BNHE = value.unflatten(2, (attn.heads, -1))

        if self.memory is None:
            self.kept = BlockMemory(key_BNHE, value_BNHE)
        else:
            key_BNHE = _beside(key_BNHE, self.memory.key_BLHE)
            value_BNHE = _beside(value_BNHE, self.memory.value_BLHE)

        bias = None
        if self.bias_BNL is not None:
            # The shot's own tokens are as loud as ever.
            own = query_BNHE.shape[1]
            bias = functional.pad(self.bias_BNL, (own, 0))[:, None].to(query_BNHE.dtype)
        out_BNHE = dispatch_attention_fn(
            query_BNHE, key_BNHE, value_BNHE, attn_mask=bias, backend=self._attention_backend
        )
        out_BND: Tensor = out_BNHE.flatten(2, 3).type_as(query_BNHE)
        for layer in attn.to_out:
            out_BND = layer(out_BND)
        return out_BND


class _Deaf:
    """A cross-attention that hears no caption."""

    def __call__(self, attn: WanAttention, hidden_BND: Tensor, *_: Any, **__: Any) -> Tensor:
        return hidden_BND.new_zeros(())


@dataclass(frozen=True, slots=True)
class _Recall:
    """One block run on memory tokens; safe to be run again when a checkpoint is recomputed."""

    block: WanTransformerBlock
    reads_text: bool
    by_class: bool

    def __call__(
        self, hidden_BLD: Tensor, text: Tensor, modulation: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The block's output, and its keys and values."""
        attn1: Any = self.block.attn1
        attn2: Any = self.block.attn2
        stock1, stock2 = attn1.processor, attn2.processor
        attn1.processor = keeping = MemoryAttention(stock1)
        if not self.reads_text:
            attn2.processor = _Deaf()
        try:
            run: Any = (
                partial(type(self.block).forward, self.block) if self.by_class else self.block
            )
            out_BLD: Tensor = run(hidden_BLD, text, modulation, Rotary(cos, sin))
        finally:
            attn1.processor, attn2.processor = stock1, stock2
        assert keeping.kept is not None
        return out_BLD, *keeping.kept


@dataclass(frozen=True, slots=True)
class _Reading:
    """One block reading its memory, also when it is recomputed after `cached` has ended."""

    block: WanTransformerBlock
    bias_BNL: Tensor | None

    def __call__(
        self,
        hidden_BND: Tensor,
        text: Tensor,
        modulation: Tensor,
        rotary: tuple[Tensor, Tensor],
        key_BLHE: Tensor,
        value_BLHE: Tensor,
    ) -> Tensor:
        """The block's output."""
        attn1: Any = self.block.attn1
        before = attn1.processor
        attn1.processor = MemoryAttention(before, BlockMemory(key_BLHE, value_BLHE), self.bias_BNL)
        try:
            out_BND: Tensor = self.block(hidden_BND, text, modulation, rotary)
        finally:
            attn1.processor = before
        return out_BND


def _rotate(x_BNHE: Any, cos_1N1E: Tensor, sin_1N1E: Tensor) -> Tensor:
    even, odd = x_BNHE.unflatten(-1, (-1, 2)).unbind(-1)
    cos, sin = cos_1N1E[..., 0::2], sin_1N1E[..., 1::2]
    turned = torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1)
    return turned.flatten(-2).to(x_BNHE.dtype)


def _beside(own_BNHE: Tensor, memory_BLHE: Tensor) -> Tensor:
    memory_BLHE = for_batch(memory_BLHE.to(own_BNHE.dtype), len(own_BNHE))
    return torch.cat([own_BNHE, memory_BLHE], dim=1)
