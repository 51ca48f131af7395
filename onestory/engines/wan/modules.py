"""
Who cuts remembered frames for a Wan, and who chooses them?

    memory/conditioner, conditioner_2 ── trained patchifiers, one for each transformer
    memory/selector ── the trained frame selector
    nothing ── the transformer's own patch embedding, and nobody
    memory_weights ── updates of the transformer's layers, which others published

Shape suffixes, for this module only:
    K  remembered frames    C  channels    h, w  latent cells
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, cat, nn

from onestory.diffusion.lora import LowRank
from onestory.engines.wan.card import WanCard
from onestory.engines.wan.folder import levels_of
from onestory.engines.wan.keyframes import KeyframeQuery, on_cpu
from onestory.engines.wan.published import Published
from onestory.errors import WeightsError
from onestory.memory.conditioner import AdaptiveConditioner
from onestory.memory.selector import FrameSelector


def conditioners_for(
    transformers: Sequence[Any], card: WanCard, memory: Path | None
) -> tuple[AdaptiveConditioner, ...]:
    """
    Make or load patchifiers.

    Args:
        transformers: One, or two experts.
        card: What they are.
        memory: OneStory modules; None if there are none.

    Returns:
        One for each transformer, where it is and in its dtype: trained, or made of its own patch
        embedding. A second expert without patchifiers of its own shares the first one's.

    Raises:
        WeightsError: If trained ones do not fit.
    """
    if memory is None or not (memory / "conditioner").is_dir():
        return tuple(_untrained(one) for one in transformers)
    made = []
    for number, transformer in enumerate(transformers, start=1):
        own = memory / f"conditioner_{number}"
        place = own if own.is_dir() else memory / "conditioner"
        conditioner = AdaptiveConditioner.from_pretrained(place, use_safetensors=True)
        known = (int(conditioner.config["in_channels"]), int(conditioner.config["inner_dim"]))
        width, given = _width(transformer), int(transformer.config.in_channels)
        if known[0] not in (card.latent_channels, given) or known[1] != width:
            raise WeightsError(
                f"the conditioner is for {known[0]} channels and a width of {known[1]}, and "
                f"the transformer has {given} and {width}",
                hint="train the memory for this model",
            )
        made.append(_beside(conditioner, transformer))
    return tuple(made)


def selector_for(card: WanCard, memory: Path | None, *, text_dim: int) -> FrameSelector | None:
    """
    Load the trained selector.

    Args:
        card: Of the model.
        memory: OneStory modules; None if there are none.
        text_dim: Width of a caption's token.

    Returns:
        It; None if there is none.

    Raises:
        WeightsError: If it does not fit.
    """
    if memory is None or not (memory / "selector").is_dir():
        return None
    selector: FrameSelector = FrameSelector.from_pretrained(
        memory / "selector", use_safetensors=True
    ).eval()
    known = int(selector.config["text_dim"])
    if known != text_dim or selector.in_channels < card.latent_channels:
        raise WeightsError(
            f"the selector reads {known} numbers of a caption's token and "
            f"{selector.in_channels} channels, and the model has {text_dim} and "
            f"{card.latent_channels}",
            hint="train the memory for this model",
        )
    return selector


def updates_for(
    transformers: Sequence[Any], published: Published | None
) -> tuple[Mapping[str, LowRank], ...]:
    """
    Load a published memory.

    Args:
        transformers: Both experts.
        published: What was found; None if there is nothing.

    Returns:
        For each transformer the updates of its layers, where they are and in their dtype; empty
        if nothing was published.

    Raises:
        WeightsError: If a file changed or broke since it was found.
    """
    if published is None:
        return tuple({} for _ in transformers)
    read: dict[str, Tensor] = {}
    try:
        for file in published.files:
            with safe_open(file, framework="pt") as content:
                read |= {f"{file} {key}": content.get_tensor(key) for key in content.keys()}  # noqa: SIM118
        return tuple(
            {
                name: LowRank(
                    down_RI=read[f"{halves.path} {halves.down}"],
                    up_OR=read[f"{halves.path} {halves.up}"],
                    scale=published.scale,
                    # Not like the layer's weight, which may be kept in fewer bits.
                ).like(transformer.patch_embedding.weight)
                for name, halves in layers.items()
            }
            for transformer, layers in zip(transformers, published.layers, strict=True)
        )
    except (OSError, SafetensorError, KeyError) as error:
        raise WeightsError(f"{published.name} cannot be loaded: {error}") from error


def queries_for(
    transformers: Sequence[Any], published: Published | None
) -> tuple[KeyframeQuery, nn.Module] | None:
    """
    Load Memento's queries for keyframes.

    Args:
        transformers: Both experts.
        published: What was found; None if there is nothing.

    Returns:
        They, and what the expert with which they were trained makes of captions; both on the CPU
        in float32. None if there are no queries.

    Raises:
        WeightsError: If they are not whole, or of another size.
    """
    if published is None or not published.queries:
        return None
    expert = transformers[-1]
    shapes = {name: shape for name, (_, _, shape) in published.queries.items()}
    made = KeyframeQuery(
        dim=_width(expert),
        num_heads=int(expert.config.num_attention_heads),
        num_local=next(iter(shapes.get("queries", ())), 0),
        num_global=next(iter(shapes.get("queries_global", ())), 0),
        channels=int(expert.config.out_channels),
    )
    read: dict[str, Tensor] = {}
    try:
        for name, (file, key, _) in published.queries.items():
            with safe_open(file, framework="pt") as content:
                read[name] = content.get_tensor(key).float()
        made.load_state_dict(read)
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"the queries of {published.name} do not fit: {reason}") from error
    return made.eval(), on_cpu(expert.condition_embedder.text_embedder)


def as_given(latents_KChw: Tensor, channels: int) -> Tensor:
    """
    Show frames to a patch embedding that also reads which frames are given.

    Those that start from a first frame read noisy latents, a mask and given latents: a remembered
    frame is clean, and given.

    Args:
        latents_KChw: Normalised latents.
        channels: That the patch embedding reads.
    """
    own = latents_KChw.shape[1]
    if channels == own:
        return latents_KChw
    mask_KChw = latents_KChw.new_ones(
        len(latents_KChw), channels - 2 * own, *latents_KChw.shape[2:]
    )
    return cat([latents_KChw, mask_KChw, latents_KChw], dim=1)


def _untrained(transformer: Any) -> AdaptiveConditioner:
    """A patchifier that reads remembered frames as the transformer reads its own."""
    conditioner = AdaptiveConditioner(
        in_channels=int(transformer.config.in_channels),
        inner_dim=_width(transformer),
        levels=levels_of(None),
    )
    conditioner.init_from(transformer.patch_embedding)
    return _beside(conditioner, transformer)


def _beside(conditioner: AdaptiveConditioner, transformer: Any) -> AdaptiveConditioner:
    weight = transformer.patch_embedding.weight
    # Not the method of diffusers, which warns of parts that this module has not.
    return nn.Module.to(conditioner, device=weight.device, dtype=weight.dtype).eval()


def _width(transformer: Any) -> int:
    return int(transformer.config.num_attention_heads * transformer.config.attention_head_dim)
