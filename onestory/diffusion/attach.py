"""
Attaching: may something be hung onto this transformer now?

    with attached(transformer):     refuses a second attachment and what cannot work with one,
        ...                         forgets what step caches remember of an other memory,
                                    and forgets again on the way out

Shape suffixes, for this module only:
    B  samples in the batch   L  memory tokens   D  model width
    3  time, height and width                    X  whatever axes follow
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.utils.torch_utils import unwrap_module
from torch import Tensor

from onestory.errors import RenderError

_attached: WeakSet[WanTransformer3DModel] = WeakSet()


def bare(transformer: WanTransformer3DModel) -> Any:
    """
    Unwrap a model that `torch.compile` may have wrapped.

    Args:
        transformer: The stock model, compiled or not.

    Returns:
        The model itself; `Any`, because to a type checker its parts might be tensors.
    """
    return unwrap_module(transformer)  # type: ignore[no-untyped-call]


@contextmanager
def attached(transformer: WanTransformer3DModel, *, may_be_spread: bool = False) -> Iterator[Any]:
    """
    Reserve a transformer for one memory.

    Args:
        transformer: The stock model, compiled or not.
        may_be_spread: Whether this way to attach can do with tokens that are spread over devices.

    Yields:
        The bare model.

    Raises:
        RenderError: If a memory is attached already, or the model runs context parallel and may
            not.
    """
    model = bare(transformer)
    if model in _attached:
        raise RenderError(
            "a transformer sees one memory at a time, and one is attached already",
            hint="put all tokens into one memory",
        )
    if not may_be_spread:
        refuse_context_parallel(model)
    _attached.add(model)
    forget_steps(model)
    try:
        yield model
    finally:
        _attached.discard(model)
        forget_steps(model)


def refuse_context_parallel(transformer: WanTransformer3DModel) -> None:
    """
    Refuse a model whose tokens are spread over devices.

    Args:
        transformer: The bare model.

    Raises:
        RenderError: If context parallelism is on.
    """
    if _spreading(transformer) is not None:
        raise RenderError(
            "only joint attends to a memory with a context-parallel transformer",
            hint="choose joint, or spread shots over devices instead",
        )


def mesh_of(transformer: WanTransformer3DModel) -> Any:
    """
    Say over which devices a model's tokens are spread.

    Args:
        transformer: The bare model.

    Returns:
        Their mesh, flat; None if they are on one device.
    """
    spreading = _spreading(transformer)
    return None if spreading is None else spreading._flattened_mesh


def _spreading(transformer: WanTransformer3DModel) -> Any:
    config = getattr(transformer, "_parallel_config", None)
    return getattr(config, "context_parallel_config", None)


def forget_steps(transformer: WanTransformer3DModel) -> None:
    """
    Make step caches such as `FirstBlockCacheConfig` forget earlier steps.

    They keep residuals as long as the sequence they saw, made from the memory of that
    time. So this must run whenever the memory changes; `joint` and `cached` do it on
    the way in and out, which is why they belong around a denoising loop, not into it.

    Args:
        transformer: The stock model, compiled or not.
    """
    model = bare(transformer)
    if model.is_cache_enabled:
        model._reset_stateful_cache()


def check_tokens(transformer: Any, tokens_BLD: Tensor, positions_L3: Tensor) -> None:
    """
    See that memory tokens fit the model and their positions.

    Args:
        transformer: The bare model.
        tokens_BLD: Memory tokens.
        positions_L3: Their positions.

    Raises:
        ValueError: If they do not.
    """
    width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
    if tokens_BLD.ndim != 3 or tokens_BLD.shape[2] != width:
        raise ValueError(f"tokens must be (B, L, {width}), got {tuple(tokens_BLD.shape)}")
    if positions_L3.shape[-2] != tokens_BLD.shape[1]:
        raise ValueError(
            f"every token needs a position, got {tokens_BLD.shape[1]} tokens and "
            f"{positions_L3.shape[-2]} positions"
        )
    if positions_L3.ndim == 3 and len(positions_L3) not in (1, len(tokens_BLD)):
        raise ValueError(
            f"positions are for {len(positions_L3)} samples and tokens for {len(tokens_BLD)}"
        )


def for_batch(memory_BX: Tensor, batch: int) -> Tensor:
    """
    Show memory to a batch.

    Args:
        memory_BX: Something of the memory, samples first.
        batch: Samples of the shot.

    Returns:
        The same, or a view if one sample is shown to all.

    Raises:
        ValueError: If there are other than one or `batch` samples.
    """
    if len(memory_BX) == batch:
        return memory_BX
    if len(memory_BX) != 1:
        raise ValueError(f"a memory of {len(memory_BX)} samples cannot serve a batch of {batch}")
    return memory_BX.expand(batch, *memory_BX.shape[1:])
