"""
Attaching: may something be hung onto this transformer now?

    with attached(transformer):     refuses a second attachment and what cannot work with one,
        ...                         forgets what step caches remember of an other memory,
                                    and forgets again on the way out
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.utils.torch_utils import unwrap_module

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
def attached(transformer: WanTransformer3DModel) -> Iterator[Any]:
    """
    Reserve a transformer for one memory.

    Args:
        transformer: The stock model, compiled or not.

    Yields:
        The bare model.

    Raises:
        RenderError: If a memory is attached already, or the model runs context parallel.
    """
    model = bare(transformer)
    if model in _attached:
        raise RenderError(
            "a transformer sees one memory at a time, and one is attached already",
            hint="put all tokens into one memory",
        )
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
    config = getattr(transformer, "_parallel_config", None)
    if getattr(config, "context_parallel_config", None) is not None:
        raise RenderError(
            "memory tokens cannot be attached to a context-parallel transformer",
            hint="spread shots over devices instead, or use tensor parallelism",
        )


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
