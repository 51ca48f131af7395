"""
How does a Wan draw a shot that remembers? The stock pipeline, with a memory attached to it.

    recalled frames ── patchifier ── tokens at negative times ──┐ attached to each transformer
    caption, negative caption ── UMT5 ── stock pipeline ────────┴── latents ── VAE ── frames
    first frame ── stock image pipeline of the same parts

Without a memory nothing is attached, and what comes out is what the stock pipeline draws, to the
bit. Guidance reads the memory on both of its sides.

Shape suffixes, for this module only:
    K  recalled frames, best first    C  latent channels    h, w  latent cells
    F  frames: latent ones beside h and w, drawn ones beside H and W
    H, W  pixels    3  red, green, blue    1  one shot
    L  memory tokens, or tokens of a caption    D  width of a model    E  width of a feature
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from onestory.diffusion.inject import joint
from onestory.diffusion.kv import MemoryCache, cached, prefill
from onestory.engines.protocol import Frame
from onestory.engines.wan.card import WanCard, WanConfig
from onestory.engines.wan.folder import levels_of
from onestory.errors import OutOfMemoryError, WeightsError
from onestory.memory.conditioner import AdaptiveConditioner
from onestory.memory.selector import FrameSelector

CAPTION_TOKENS = 512
"""Longer captions are cut here. Wan2.1-I2V counts on so many before it looks for the image's."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shot:
    """What is drawn at once."""

    caption: str
    negative_caption: str
    width: int
    """In pixels; divides by the card's `multiple_of`, and so does the height."""
    height: int
    num_frames: int
    """The temporal factor times k, plus 1."""
    seed: int
    guidance: float
    guidance_low: float
    first_HW3: Frame | None = None
    """A first frame of that size, if it is given."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Recalled frames as one transformer reads them."""

    tokens_1LD: Tensor
    positions_L3: Tensor
    cache: MemoryCache | None
    """Keys and values, if they are kept."""


class WanModel:
    """A loaded Wan."""

    def __init__(self, pipeline: Any, card: WanCard, config: WanConfig, memory: Path | None):
        """
        Take over a stock pipeline.

        Args:
            pipeline: As `from_pretrained` loads it, on its device.
            card: What it is.
            config: How it is used.
            memory: OneStory modules; None for stock weights alone.

        Raises:
            WeightsError: If the modules do not fit the transformer.
        """
        self.card = card
        self.config = config
        parts = {
            name: pipeline.components[name]
            for name in ("tokenizer", "text_encoder", "vae", "scheduler")
        }
        parts |= {
            "transformer": pipeline.transformer,
            "transformer_2": pipeline.transformer_2,
            "boundary_ratio": pipeline.config.boundary_ratio,
            "expand_timesteps": card.has_token_times,
        }
        stock: Any = diffusers  # untyped
        # Its reading of captions needs no package beside diffusers, unlike the image pipeline's.
        is_text = isinstance(pipeline, stock.WanPipeline)
        self.from_text: Any = pipeline if is_text else stock.WanPipeline(**parts)
        self.from_picture: Any = None
        if card.reads_picture:
            self.from_picture = stock.WanImageToVideoPipeline(**parts) if is_text else pipeline
        for one in (self.from_text, self.from_picture):
            if one is not None:
                one.set_progress_bar_config(disable=True)
        self.vae: Any = pipeline.vae
        if config.is_tiled:
            self.vae.enable_tiling()
        self.transformers: tuple[Any, ...] = tuple(
            one for one in (pipeline.transformer, pipeline.transformer_2) if one is not None
        )
        self.conditioners = self._conditioners(memory)
        self.selector = self._selector(memory)

    @torch.no_grad()
    def draw(
        self, shot: Shot, memory: Sequence[Memory], at_step: Callable[[float], None]
    ) -> Tensor:
        """
        Draw a shot.

        Args:
            shot: What is to be seen.
            memory: What `remember` made for each transformer; empty if nothing is remembered.
            at_step: Is told after each step how much is done, in (0, 1].

        Returns:
            Normalised latents, `1 C F h w`, float32.

        Raises:
            OutOfMemoryError: If the device has too little memory.
        """
        is_guided = shot.guidance > 1.0
        caption_1LE, negative_1LE = self.from_text.encode_prompt(
            prompt=shot.caption,
            negative_prompt=shot.negative_caption,
            do_classifier_free_guidance=is_guided,
            max_sequence_length=CAPTION_TOKENS,
        )
        steps = self.config.steps

        def told(_: Any, index: int, __: Any, kept: dict[str, Any]) -> dict[str, Any]:
            at_step((index + 1) / steps)
            return kept

        call: dict[str, Any] = {
            "prompt_embeds": caption_1LE,
            "negative_prompt_embeds": negative_1LE,
            "width": shot.width,
            "height": shot.height,
            "num_frames": shot.num_frames,
            "num_inference_steps": steps,
            "guidance_scale": shot.guidance,
            "generator": torch.Generator().manual_seed(shot.seed),
            "output_type": "latent",
            "return_dict": False,
            "callback_on_step_end": told,
        }
        if self.card.num_experts == 2:
            call["guidance_scale_2"] = shot.guidance_low
        pipeline = self.from_text
        if shot.first_HW3 is not None:
            pipeline = self.from_picture
            call["image"] = Image.fromarray(shot.first_HW3)
        with self._attending(memory), _spoken_of():
            (latents_1CFhw,) = pipeline(**call)
        drawn_1CFhw: Tensor = latents_1CFhw.float().cpu()
        return drawn_1CFhw

    @torch.no_grad()
    def decode(self, latents_1CFhw: Tensor) -> list[Frame]:
        """
        Turn latents into frames, as the stock pipelines do.

        Args:
            latents_1CFhw: Normalised latents.

        Returns:
            Frames of the size that was drawn.

        Raises:
            OutOfMemoryError: If the device has too little memory.
        """
        vae = self.vae
        latents = latents_1CFhw.to(self.from_text._execution_device, vae.dtype)
        mean, inverse = self._statistics(latents)
        with _spoken_of():
            video = vae.decode(latents / inverse + mean, return_dict=False)[0]
        video_FHW3 = self.from_text.video_processor.postprocess_video(video, output_type="np")[0]
        return list((video_FHW3 * 255).round().astype(np.uint8))

    @torch.no_grad()
    def encode(self, frame_HW3: Frame) -> Tensor:
        """
        Turn a single frame into latents.

        Args:
            frame_HW3: Of a size that can be drawn.

        Returns:
            Normalised latents, `C h w`, float32.
        """
        height, width = frame_HW3.shape[:2]
        picture = self.from_text.video_processor.preprocess(
            Image.fromarray(frame_HW3), height=height, width=width
        )
        picture = picture[:, :, None].to(self.from_text._execution_device, self.vae.dtype)
        latents = self.vae.encode(picture).latent_dist.mode()
        mean, inverse = self._statistics(latents)
        coded_Chw: Tensor = ((latents - mean) * inverse)[0, :, 0].float().cpu()
        return coded_Chw

    @torch.no_grad()
    def remember(self, latents_KChw: Tensor, levels: Sequence[int]) -> tuple[Memory, ...]:
        """
        Turn recalled frames into what every step reads.

        Args:
            latents_KChw: Normalised latents, best first.
            levels: How finely each of them is cut.

        Returns:
            For each transformer.

        Raises:
            OutOfMemoryError: If the device has too little memory.
        """
        memories = []
        for transformer, conditioner in zip(self.transformers, self.conditioners, strict=True):
            weight = next(conditioner.parameters())
            channels = int(conditioner.config["in_channels"])
            sight_KChw = _as_given(latents_KChw, channels).to(weight)
            with _spoken_of():
                read = conditioner(sight_KChw[None], levels)
                cache = None
                if self.config.attention == "cached":
                    cache = prefill(transformer, read.tokens_BLD, read.positions_L3)
            memories.append(Memory(read.tokens_BLD, read.positions_L3, cache))
        return tuple(memories)

    @torch.no_grad()
    def read(self, caption: str) -> Tensor:
        """
        Read a caption for the frame selector.

        Returns:
            Features of its tokens, without padding, `L E`.
        """
        padded_1LE, _ = self.from_text.encode_prompt(
            prompt=caption,
            do_classifier_free_guidance=False,
            max_sequence_length=CAPTION_TOKENS,
        )
        tokens = self.from_text.tokenizer(caption, truncation=True, max_length=CAPTION_TOKENS)[
            "input_ids"
        ]
        read_LE: Tensor = padded_1LE[0, : len(tokens)].float().cpu()
        return read_LE

    @contextmanager
    def _attending(self, memory: Sequence[Memory]) -> Iterator[None]:
        """Attach the memory to every transformer; nothing at all, if there is none."""
        with ExitStack() as stack:
            for transformer, one in zip(self.transformers, memory, strict=bool(memory)):
                if one.cache is not None:
                    stack.enter_context(cached(transformer, one.cache))
                else:
                    stack.enter_context(
                        joint(transformer, one.tokens_1LD, one.positions_L3, timestep=0.0)
                    )
            yield

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean of latents, and one over their spread, computed as the stock pipelines do."""
        config = self.vae.config
        shape = (1, config.z_dim, 1, 1, 1)
        mean = torch.tensor(config.latents_mean).view(shape).to(like.device, like.dtype)
        inverse = 1.0 / torch.tensor(config.latents_std).view(shape).to(like.device, like.dtype)
        return mean, inverse

    def _conditioners(self, memory: Path | None) -> tuple[AdaptiveConditioner, ...]:
        """One for each transformer: trained, or made of its own patch embedding."""
        if memory is None or not (memory / "conditioner").is_dir():
            return tuple(_untrained(one) for one in self.transformers)
        made = []
        for number, transformer in enumerate(self.transformers, start=1):
            own = memory / f"conditioner_{number}"
            place = own if own.is_dir() else memory / "conditioner"
            conditioner = AdaptiveConditioner.from_pretrained(place, use_safetensors=True)
            known = (int(conditioner.config["in_channels"]), int(conditioner.config["inner_dim"]))
            width = _width(transformer)
            fit = (self.card.latent_channels, int(transformer.config.in_channels))
            if known[0] not in fit or known[1] != width:
                raise WeightsError(
                    f"the conditioner is for {known[0]} channels and a width of {known[1]}, and "
                    f"the transformer has {fit[-1]} and {width}",
                    hint="train the memory for this model",
                )
            made.append(_beside(conditioner, transformer))
        return tuple(made)

    def _selector(self, memory: Path | None) -> FrameSelector | None:
        if memory is None or not (memory / "selector").is_dir():
            return None
        selector = FrameSelector.from_pretrained(memory / "selector", use_safetensors=True).eval()
        known = int(selector.config["text_dim"])
        width = int(self.from_text.text_encoder.config.d_model)
        if known != width or selector.in_channels < self.card.latent_channels:
            raise WeightsError(
                f"the selector reads {known} numbers of a caption's token and "
                f"{selector.in_channels} channels, and the model has {width} and "
                f"{self.card.latent_channels}",
                hint="train the memory for this model",
            )
        return selector


def load_model(
    folder: Path, card: WanCard, config: WanConfig, *, memory: Path | None = None, device: str
) -> WanModel:
    """
    Load a model.

    Args:
        folder: As diffusers writes it.
        card: What it says it is.
        config: How it is used.
        memory: OneStory modules, if there are any.
        device: Where it computes, as torch names it.

    Raises:
        WeightsError: If it cannot be loaded, or the modules do not fit.
        OutOfMemoryError: If the device has too little memory.
    """
    kept = {"vae": torch.float32, "image_encoder": torch.float32}
    stock: Any = getattr(diffusers, card.pipeline)
    try:
        pipeline = stock.from_pretrained(
            folder,
            dtype={"default": getattr(torch, config.dtype), **kept},
            local_files_only=True,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise WeightsError(f"the weights in {folder.name} cannot be loaded: {reason}") from error
    if config.shift != card.shift:
        scheduler = pipeline.scheduler
        name = "flow_shift" if "flow_shift" in scheduler.config else "shift"
        pipeline.scheduler = type(scheduler).from_config(scheduler.config, **{name: config.shift})
    with _spoken_of():
        pipeline.to(device)
    return WanModel(pipeline, card, config, memory)


def usual_device() -> str:
    """The first GPU, if there is one; else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


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


def _as_given(latents_KChw: Tensor, channels: int) -> Tensor:
    """
    Show frames to a patch embedding that also reads which frames are given.

    Those that start from a first frame read noisy latents, a mask and given latents: a remembered
    frame is clean, and given.
    """
    own = latents_KChw.shape[1]
    if channels == own:
        return latents_KChw
    mask_KChw = latents_KChw.new_ones(
        len(latents_KChw), channels - 2 * own, *latents_KChw.shape[2:]
    )
    return torch.cat([latents_KChw, mask_KChw, latents_KChw], dim=1)


@contextmanager
def _spoken_of() -> Iterator[None]:
    """Say in our own words that the device has too little memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"the device has too little memory: {str(error).splitlines()[0]}",
            hint="onestory doctor --engine wan says what it takes; draw fewer pixels or frames",
        ) from error
