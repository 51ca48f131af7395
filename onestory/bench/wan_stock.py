"""
Does a Wan without memory draw what diffusers alone draws? To the bit, or something is attached.

diffusers' own pipeline is loaded for that alone and let go before the engine's is, so that a
device that holds one of them is enough.
"""

import gc
from collections.abc import Sequence
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image

from onestory.bench.looking import Check, Filmed, State
from onestory.engines.pocket.captions import pocket_caption
from onestory.engines.protocol import Frame
from onestory.engines.recipe import Recipe
from onestory.engines.wan.engine import WanEngine
from onestory.engines.wan.estimate import CAPTION_TOKENS, IN_FULL


def stock_take(
    engine: WanEngine,
    recipe: Recipe,
    first_HW3: Frame | None,
    device: torch.device,
    *,
    is_offloaded: bool,
) -> tuple[Sequence[Frame] | None, str]:
    """Let diffusers alone draw a recipe; None, and why, if there is nothing to compare."""
    config = engine.config
    if config.step_cache != "none":
        return None, f"stock pipelines skip no steps, and step_cache is {config.step_cache}"
    if config.attention_backend or config.is_compiled:
        return None, "other kernels and compiled blocks differ in the last digits"
    if engine.sources.adapter or engine.sources.packed or config.storage != "dtype":
        return None, "an adapter, GGUF or 8-bit weights are not those of the folder"
    try:
        return draw_stock(engine, recipe, first_HW3, device, is_offloaded=is_offloaded), ""
    except torch.OutOfMemoryError as error:
        return None, f"diffusers alone ran out of memory: {str(error).splitlines()[0]}"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        # Whoever cannot be loaded fails under `load`, in the engine's own words.
        return None, f"diffusers alone cannot load them: {type(error).__name__}"
    finally:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()


@torch.no_grad()
def draw_stock(
    engine: WanEngine,
    recipe: Recipe,
    first_HW3: Frame | None,
    device: torch.device,
    *,
    is_offloaded: bool,
) -> list[Frame]:
    """
    Draw a recipe by diffusers' own pipeline, loaded for that alone.

    Args:
        engine: Whose folder, card and choices are taken; nothing of it is called.
        recipe: One that is drawn at its own size and rate, in one stretch, and remembers nothing.
        first_HW3: Its first frame, if it has one.
        device: Where it computes.
        is_offloaded: Whether parts wait in main memory.

    Returns:
        Its frames.
    """
    config, card = engine.config, engine.card
    library: Any = diffusers  # untyped
    pipeline = getattr(library, card.pipeline).from_pretrained(
        engine.folder,
        dtype={
            "default": getattr(torch, config.dtype),
            **dict.fromkeys(IN_FULL, torch.float32),
        },
        local_files_only=True,
        use_safetensors=True,
    )
    scheduler = pipeline.scheduler
    shift = "flow_shift" if "flow_shift" in scheduler.config else "shift"
    scheduler = type(scheduler).from_config(scheduler.config, **{shift: config.shift})
    parts = {
        name: pipeline.components[name]
        for name in ("tokenizer", "text_encoder", "vae", "transformer", "transformer_2")
    }
    parts |= {
        "scheduler": scheduler,
        "boundary_ratio": pipeline.config.boundary_ratio,
        "expand_timesteps": card.has_token_times,
    }
    # The image pipeline reads captions with a package that need not be there; they are the same.
    reader = library.WanPipeline(**parts)
    drawer = reader
    call: dict[str, Any] = {}
    if first_HW3 is not None:
        for name in ("image_encoder", "image_processor"):
            parts[name] = pipeline.components.get(name)
        drawer = library.WanImageToVideoPipeline(**parts)
        call["image"] = Image.fromarray(first_HW3)
    if config.is_tiled:
        pipeline.vae.enable_tiling()
    if card.num_experts == 2:
        call["guidance_scale_2"] = config.guidance_low

    def bring(one: Any) -> None:
        if is_offloaded:
            one.enable_model_cpu_offload(device=device)
        else:
            one.to(device)

    bring(reader)
    caption, negative = reader.encode_prompt(
        prompt=pocket_caption(recipe, has_memory=None if engine.memory else False),
        negative_prompt=recipe.negative_caption or config.negative_caption,
        do_classifier_free_guidance=config.guidance > 1.0,
        max_sequence_length=CAPTION_TOKENS,
    )
    bring(drawer)
    drawer.set_progress_bar_config(disable=True)
    (drawn_FHW3,) = drawer(
        prompt_embeds=caption,
        negative_prompt_embeds=negative,
        height=recipe.height,
        width=recipe.width,
        num_frames=recipe.num_frames,
        num_inference_steps=config.steps,
        guidance_scale=config.guidance,
        generator=torch.Generator().manual_seed(recipe.seed),
        **call,
    ).frames
    return list((drawn_FHW3 * 255).round().astype(np.uint8))


def compared(stock: Sequence[Frame] | None, words: str, ours: Filmed) -> Check:
    name = "stock pipeline"
    if stock is None:
        return Check(name=name, state=State.NOT_ASKED, found=words)
    differ = sum(
        int(np.count_nonzero(one != other)) for one, other in zip(stock, ours.frames, strict=True)
    )
    return Check(
        name=name,
        state=State.FAILS if differ else State.OK,
        found=f"{differ} values of {sum(frame.size for frame in stock)} differ"
        if differ
        else f"{len(stock)} frames are equal to the bit: {ours.digest[:19]}",
        hint="if `same seed` fails as well, mend that first; else report it with the versions of "
        "torch and diffusers"
        if differ
        else "",
        numbers={"different_values": differ, "digest": ours.digest},
    )
