"""
Low-rank updates: how does a stock transformer compute as if it had been trained further?

    x ── linear ──────────── + ── y
    x ── down ── up ── scale ┘        as long as the update is lent, or for good

The weights stay as they are. So without a lent update the model is the stock one, to the bit,
which merged weights in bfloat16 would not be again after they were subtracted; and weights that
are packed, or kept in fewer bits, need not be unpacked to take an update for good.

Shape suffixes, for this module only:
    R  rank    I, O  channels into and out of a layer    X  whatever axes come before channels
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional

from onestory.diffusion.attach import bare


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LowRank:
    """An update of one linear layer: `scale * up @ down`, and of its bias."""

    down_RI: Tensor
    up_OR: Tensor
    scale: float
    bias_O: Tensor | None = None
    """Added as it is."""

    def like(self, other_X: Tensor) -> "LowRank":
        """The same update, where another tensor is and in its dtype."""
        return LowRank(
            down_RI=self.down_RI.to(other_X),
            up_OR=self.up_OR.to(other_X),
            scale=self.scale,
            bias_O=None if self.bias_O is None else self.bias_O.to(other_X),
        )


@contextmanager
def updated(transformer: WanTransformer3DModel, updates: Mapping[str, LowRank]) -> Iterator[None]:
    """
    Let layers of a transformer compute with their updates.

    Args:
        transformer: The stock model.
        updates: By name of a linear layer.

    Yields:
        Nothing; call the transformer, or a pipeline that holds it, as ever.

    Raises:
        ValueError: If a layer is not there, or is of another size.
    """
    with ExitStack() as hooks:
        for layer, update in _layers(transformer, updates):
            hooks.callback(layer.register_forward_hook(_Updated(update)).remove)
        yield


def update(transformer: WanTransformer3DModel, updates: Mapping[str, LowRank]) -> None:
    """
    Let layers of a transformer compute with their updates from now on.

    Args:
        transformer: The stock model; compiled later, if at all.
        updates: By name of a linear layer.

    Raises:
        ValueError: If a layer is not there, or is of another size; then nothing is updated.
    """
    for layer, one in list(_layers(transformer, updates)):
        layer.register_forward_hook(_Updated(one))


def _layers(
    transformer: WanTransformer3DModel, updates: Mapping[str, LowRank]
) -> Iterator[tuple[nn.Linear, LowRank]]:
    model = bare(transformer)
    for name, one in updates.items():
        yield _layer(model, name, one), one


def _layer(model: nn.Module, name: str, update: LowRank) -> nn.Linear:
    try:
        layer = model.get_submodule(name)
    except AttributeError as error:
        raise ValueError(f"there is no layer {name} to update") from error
    given = (update.up_OR.shape[0], update.down_RI.shape[1])
    # Packed weights have a shape of their own.
    if not isinstance(layer, nn.Linear) or (layer.out_features, layer.in_features) != given:
        raise ValueError(f"an update of {given} does not fit the layer {name}")
    if update.down_RI.shape[0] != update.up_OR.shape[1]:
        raise ValueError(f"the two halves of the update of {name} are of different ranks")
    return layer


class _Updated:
    """The hook of one layer."""

    def __init__(self, update: LowRank) -> None:
        self._update = update

    def __call__(self, _: Any, inputs: tuple[Tensor, ...], out_XO: Tensor) -> Tensor:
        """Add the update to what the layer says."""
        # An offloaded layer has left its device again by now; the update goes there once.
        self._update = update = self._update.like(out_XO)
        low_XR = functional.linear(inputs[0].to(out_XO), update.down_RI)
        out_XO = out_XO + functional.linear(low_XR, update.up_OR) * update.scale
        return out_XO if update.bias_O is None else out_XO + update.bias_O
