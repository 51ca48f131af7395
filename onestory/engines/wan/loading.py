"""
How do the weights of a Wan get from a folder to a device?

    folder ── diffusers ── stock pipeline ── flow shift of the config ── device, or main memory
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import diffusers
import torch

from onestory.diffusion.kernels import choose_attention
from onestory.diffusion.storing import store_in_fp8
from onestory.engines.wan.adapter import Adapter
from onestory.engines.wan.adapting import adapt
from onestory.engines.wan.card import WanCard, WanConfig
from onestory.engines.wan.companions import Briefing, Companions
from onestory.engines.wan.ladder import SMALLER, Rung, begun_anew, let_go, spoken_of
from onestory.engines.wan.model import WanModel
from onestory.engines.wan.published import Published
from onestory.errors import OrderError, OutOfMemoryError, WeightsError

WEIGHTS = ("the device has too little memory for the weights:", SMALLER)
"""What is said if memory runs out while a model is loaded, and what to do then."""


@begun_anew()
@spoken_of(*WEIGHTS)
def load_model(
    folder: Path,
    card: WanCard,
    config: WanConfig,
    *,
    memory: Path | None = None,
    published: Published | None = None,
    adapter: Adapter | None = None,
    packed: Sequence[Path] = (),
    device: str,
    is_offloaded: bool = False,
    may_wait: bool = True,
) -> WanModel:
    """
    Load a model.

    Args:
        folder: As diffusers writes it.
        card: What it says it is.
        config: How it is used.
        memory: OneStory modules, if there are any.
        published: A memory that others published, if there is one.
        adapter: A few-step adapter, if there is one.
        packed: A GGUF file for each transformer; none for the folder's own weights.
        device: Where it computes, as torch names it.
        is_offloaded: Whether parts wait in main memory until they are needed. On the CPU they
            are there anyway.
        may_wait: Whether parts wait there as well if the device cannot hold them all.

    Raises:
        WeightsError: If it cannot be loaded, or the modules do not fit.
        OrderError: If attention cannot be computed as chosen, or there are fewer cards.
        OutOfMemoryError: If main memory is too small, or one of several cards; a single card
            only if no parts may wait.
    """
    first = torch.device(device)
    if config.cards > 1:
        _count_cards(first, config.cards)
    pipeline = _pipeline(folder, card, config, adapter, packed)
    # On the CPU they are there anyway.
    is_offloaded = is_offloaded and first.type != "cpu"
    has_run_out = False
    if not is_offloaded:
        try:
            with spoken_of(*WEIGHTS):
                pipeline.to(device)
        except OutOfMemoryError:
            if first.type == "cpu" or config.cards > 1 or not may_wait:
                raise
            has_run_out = is_offloaded = True
    if has_run_out:
        # Out of the handler, which holds what had got there.
        pipeline.to("cpu")
        let_go()
    model = WanModel(
        pipeline,
        card,
        config,
        memory,
        published=published,
        device=device,
        is_offloaded=is_offloaded,
    )
    if has_run_out:
        model.ladder.taken.append(Rung.PARTS)
    if config.cards > 1:
        briefing = Briefing(
            folder=folder,
            config=asdict(config),
            adapter=adapter.files if adapter else (),
            packed=tuple(packed),
        )
        # Cards talk only by their number.
        first = first if first.type == "cpu" else torch.device(first.type, 0)
        model.companions = Companions(
            model.transformers, briefing, cards=config.cards, device=first
        )
    return model


@spoken_of(*WEIGHTS)
def load_transformers(
    folder: Path,
    card: WanCard,
    config: WanConfig,
    *,
    adapter: Adapter | None = None,
    packed: Sequence[Path] = (),
    device: str,
) -> tuple[Any, ...]:
    """
    Load what a companion needs of a model; see `load_model`.

    Raises:
        WeightsError: If it cannot be loaded.
        OrderError: If attention cannot be computed as chosen.
        OutOfMemoryError: If the device has too little memory.
    """
    others = {"vae": None, "text_encoder": None, "tokenizer": None}
    if card.pipeline == "WanImageToVideoPipeline":
        others |= {"image_encoder": None, "image_processor": None}
    pipeline = _pipeline(folder, card, config, adapter, packed, **others)
    loaded = tuple(one for one in (pipeline.transformer, pipeline.transformer_2) if one is not None)
    for one in loaded:
        one.to(device)
        if config.attention_backend:
            choose_attention(one, config.attention_backend, device=torch.device(device))
    return loaded


def _pipeline(
    folder: Path,
    card: WanCard,
    config: WanConfig,
    adapter: Adapter | None,
    packed: Sequence[Path],
    **others: None,
) -> Any:
    """The stock pipeline in main memory, with the transformers as they film."""
    kept = {"vae": torch.float32, "image_encoder": torch.float32}
    stock: Any = getattr(diffusers, card.pipeline)
    try:
        pipeline = stock.from_pretrained(
            folder,
            dtype={"default": getattr(torch, config.dtype), **kept},
            local_files_only=True,
            use_safetensors=True,
            **_unpacked(folder, packed, config),
            **others,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(f"the weights in {folder.name} cannot be loaded: {reason}") from error
    if config.shift != card.shift:
        scheduler = pipeline.scheduler
        name = "flow_shift" if "flow_shift" in scheduler.config else "shift"
        pipeline.scheduler = type(scheduler).from_config(scheduler.config, **{name: config.shift})
    experts = [one for one in (pipeline.transformer, pipeline.transformer_2) if one is not None]
    if adapter is not None:
        adapt(experts, adapter, weight=config.adapter_weight)
    if config.storage == "fp8":
        for expert in experts:
            store_in_fp8(expert, computing=getattr(torch, config.dtype))
    return pipeline


def _count_cards(first: torch.device, cards: int) -> None:
    """Refuse devices that are not there."""
    if first.type == "cpu":
        return  # As many processes as one likes.
    found = torch.cuda.device_count()
    if first.type != "cuda" or first.index not in (None, 0) or found < cards:
        raise OrderError(
            f"{cards} cards are asked for from {first} on, and there are {found} from cuda:0 on",
            hint="choose fewer; CUDA_VISIBLE_DEVICES says which they are",
        )


def _unpacked(folder: Path, packed: Sequence[Path], config: WanConfig) -> dict[str, Any]:
    """Transformers whose weights stay packed until they compute."""
    stock: Any = diffusers  # untyped
    dtype = getattr(torch, config.dtype)
    found = {}
    for part, file in zip(("transformer", "transformer_2"), packed, strict=False):
        try:
            found[part] = stock.WanTransformer3DModel.from_single_file(
                str(file),
                config=str(folder),
                subfolder=part,
                quantization_config=stock.GGUFQuantizationConfig(compute_dtype=dtype),
                dtype=dtype,
                local_files_only=True,
            )
        except NotImplementedError as error:
            # What no file has cannot be brought anywhere, says torch.
            raise ValueError(f"{file.name} does not hold every weight") from error
    return found


def usual_device() -> str:
    """The first GPU, if there is one; else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"
