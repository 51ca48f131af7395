"""
How does a Wan draw a shot that remembers? The stock pipeline, with a memory attached to it.

    recalled frames ── patchifier ── tokens at negative times ──┐ attached to each transformer
    caption, negative caption ── UMT5 ── stock pipeline ────────┴── latents ── VAE ── frames
    first frame ── stock image pipeline of the same parts

    with a memory that others published, recalled frames are frames before the shot instead, and
    the transformers' layers have their updates for as long as there is a memory

Without a memory nothing is attached, and what comes out is what the stock pipeline draws, to the
bit. Guidance reads the memory on both of its sides.

Shape suffixes, for this module only:
    K  recalled frames, best first    C  latent channels    h, w  latent cells
    F  frames: latent ones beside h and w, drawn ones beside H and W
    H, W  pixels    3  red, green, blue    1  one shot
    L  memory tokens, or tokens of a caption    D  width of a model    E  width of a feature
    M  recalled frames, as they stand in time
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from onestory.diffusion.frames import in_front
from onestory.diffusion.inject import joint
from onestory.diffusion.kernels import choose_attention, compile_blocks
from onestory.diffusion.kv import cached, prefill
from onestory.diffusion.lora import updated
from onestory.diffusion.skipping import Skipping, skipping
from onestory.engines.protocol import Frame
from onestory.engines.wan.card import WanCard, WanConfig
from onestory.engines.wan.companions import Companions
from onestory.engines.wan.ladder import Ladder, spoken_of
from onestory.engines.wan.modules import (
    as_given,
    conditioners_for,
    queries_for,
    selector_for,
    updates_for,
)
from onestory.engines.wan.published import TIME_STEP, Published
from onestory.engines.wan.refusing import refuse_to_share
from onestory.engines.wan.shot import GivenFrames, Memory, Shot

CAPTION_TOKENS = 512
"""Longer captions are cut here. Wan2.1-I2V counts on so many before it looks for the image's."""


class WanModel:
    """A loaded Wan."""

    def __init__(
        self,
        pipeline: Any,
        card: WanCard,
        config: WanConfig,
        memory: Path | None,
        *,
        published: Published | None = None,
        device: str = "cpu",
        is_offloaded: bool = False,
    ) -> None:
        """
        Take over a stock pipeline.

        Args:
            pipeline: As `from_pretrained` loads it: on its device, unless parts wait.
            card: What it is.
            config: How it is used.
            memory: OneStory modules; None for stock weights alone.
            published: A memory that others published; None for none.
            device: Where it computes.
            is_offloaded: Whether each part comes there when it is needed, and leaves for main
                memory afterwards.

        Raises:
            WeightsError: If the modules do not fit the transformer, or a memory cannot be read.
            OrderError: If attention cannot be computed as chosen.
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
        self.ladder = Ladder(
            tuple(one for one in (self.from_text, self.from_picture) if one is not None),
            device=device,
            is_offloaded=is_offloaded,
            is_tiled=config.is_tiled,
            is_compiled=config.is_compiled,
            is_spread=config.cards > 1,
        )
        self.companions: Companions | None = None
        """Who draws along on other cards; None for nobody."""
        self.transformers: tuple[Any, ...] = tuple(
            one for one in (pipeline.transformer, pipeline.transformer_2) if one is not None
        )
        for one in self.transformers:
            if config.attention_backend:
                choose_attention(one, config.attention_backend, device=self.ladder.device)
            if config.is_compiled:
                compile_blocks(one)
        self.conditioners = conditioners_for(self.transformers, card, memory)
        self.updates = updates_for(self.transformers, published)
        self.queries = queries_for(self.transformers, published)
        text_dim = int(pipeline.text_encoder.config.d_model)
        self.selector = selector_for(card, memory, text_dim=text_dim)

    @torch.no_grad()
    @spoken_of()
    def draw(
        self,
        shot: Shot,
        memory: Sequence[Memory] | GivenFrames,
        at_step: Callable[[float], None],
    ) -> Tensor:
        """
        Draw a shot.

        Args:
            shot: What is to be seen.
            memory: What `remember` made; empty if nothing is remembered.
            at_step: Is told after each step how much is done, in (0, 1].

        Returns:
            Normalised latents, `1 C F h w`, float32.

        Raises:
            OutOfMemoryError: If the device has too little memory, or that of a companion.
            EngineFaultError: If a companion ended or broke down.
            RenderError: If the tokens cannot be shared out evenly.
        """
        if self.companions is not None:
            refuse_to_share(shot, memory, self.card, cards=self.config.cards)
        is_guided = shot.guidance > 1.0
        self.ladder.bring(self.from_text)
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
        in_front = 0
        if isinstance(memory, GivenFrames):
            pipeline = self.from_picture
            in_front = len(memory.times_M)
            call["num_frames"] += in_front * self.card.temporal
            call["latents"] = self._noise(shot, memory, call["generator"])
            if shot.first_HW3 is None:
                # Grey is nothing at all to the VAE, as it is in what follows a first frame.
                call["image"] = torch.full((1, 3, shot.height, shot.width), 0.5)
        self.ladder.bring(pipeline)
        has_first = shot.first_HW3 is not None
        with (
            self._in_company(memory),
            self._skipping(),
            self._attending(memory, has_first=has_first),
        ):
            (latents_1CFhw,) = pipeline(**call)
        drawn_1CFhw: Tensor = latents_1CFhw[:, :, in_front:].float().cpu()
        return drawn_1CFhw

    @torch.no_grad()
    @spoken_of()
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
        self.ladder.bring(self.from_text)
        latents = latents_1CFhw.to(self.from_text._execution_device, vae.dtype)
        mean, inverse = self._statistics(latents)
        video = vae.decode(latents / inverse + mean, return_dict=False)[0]
        video_FHW3 = self.from_text.video_processor.postprocess_video(video, output_type="np")[0]
        return list((video_FHW3 * 255).round().astype(np.uint8))

    @torch.no_grad()
    @spoken_of()
    def encode(self, frame_HW3: Frame) -> Tensor:
        """
        Turn a single frame into latents.

        Args:
            frame_HW3: Of a size that can be drawn.

        Returns:
            Normalised latents, `C h w`, float32.

        Raises:
            OutOfMemoryError: If the device has too little memory.
        """
        height, width = frame_HW3.shape[:2]
        self.ladder.bring(self.from_text)
        picture = self.from_text.video_processor.preprocess(
            Image.fromarray(frame_HW3), height=height, width=width
        )
        picture = picture[:, :, None].to(self.from_text._execution_device, self.vae.dtype)
        latents = self.vae.encode(picture).latent_dist.mode()
        mean, inverse = self._statistics(latents)
        coded_Chw: Tensor = ((latents - mean) * inverse)[0, :, 0].float().cpu()
        return coded_Chw

    @torch.no_grad()
    @spoken_of()
    def remember(
        self, latents_KChw: Tensor, levels: Sequence[int]
    ) -> tuple[Memory, ...] | GivenFrames:
        """
        Turn recalled frames into what every step reads.

        Args:
            latents_KChw: Normalised latents, best first; those next to the shot first, for a
                published memory.
            levels: How finely each of them is cut.

        Returns:
            For each transformer; frames that both see, for a published memory.

        Raises:
            OutOfMemoryError: If the device has too little memory.
        """
        if self.config.attention == "frames":
            times = [-TIME_STEP * (rank + 1) for rank in range(len(latents_KChw))]
            return GivenFrames(latents_KChw.flip(0).transpose(0, 1)[None], tuple(times[::-1]))
        memories = []
        self.ladder.bring(self.from_text)
        for transformer, conditioner in zip(self.transformers, self.conditioners, strict=True):
            weight = next(conditioner.parameters())
            channels = int(conditioner.config["in_channels"])
            sight_KChw = as_given(latents_KChw, channels).to(weight)
            read = conditioner(sight_KChw[None], levels)
            cache = None
            if self.config.attention == "cached":
                _awake(transformer)
                tokens_1LD = read.tokens_BLD.to(self.ladder.device)
                cache = prefill(transformer, tokens_1LD, read.positions_L3)
            memories.append(Memory(read.tokens_BLD, read.positions_L3, cache))
        return tuple(memories)

    @torch.no_grad()
    @spoken_of()
    def read(self, caption: str) -> Tensor:
        """
        Read a caption for the frame selector.

        Returns:
            Features of its tokens, without padding, `L E`.

        Raises:
            OutOfMemoryError: If the device has too little memory.
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

    def _noise(self, shot: Shot, memory: GivenFrames, generator: torch.Generator) -> Tensor:
        """Draw the shot's noise first: it is the same, however much is remembered."""
        channels, _, *cells = memory.latents_1CMhw.shape[1:]
        frames = (shot.num_frames - 1) // self.card.temporal + 1
        own, before = (
            torch.randn((1, channels, number, *cells), generator=generator)
            for number in (frames, len(memory.times_M))
        )
        return torch.cat([before, own], dim=2)

    def _in_company(self, memory: Sequence[Memory] | GivenFrames) -> AbstractContextManager[None]:
        """Let companions draw along, if there are any."""
        if self.companions is None:
            return nullcontext()
        assert not isinstance(memory, GivenFrames), "they are refused with several cards"
        return self.companions.drawing(memory)

    @contextmanager
    def _attending(
        self, memory: Sequence[Memory] | GivenFrames, *, has_first: bool
    ) -> Iterator[None]:
        """Attach the memory to every transformer; nothing at all, if there is none."""
        with ExitStack() as stack:
            if isinstance(memory, GivenFrames):
                for transformer, updates in zip(self.transformers, self.updates, strict=True):
                    stack.enter_context(updated(transformer, updates))
                    latents, times = memory.latents_1CMhw, memory.times_M
                    stack.enter_context(in_front(transformer, latents, times, has_first=has_first))
                yield
                return
            for transformer, one in zip(self.transformers, memory, strict=bool(memory)):
                if one.cache is not None:
                    stack.enter_context(cached(transformer, one.cache))
                else:
                    stack.enter_context(
                        joint(transformer, one.tokens_1LD, one.positions_L3, timestep=0.0)
                    )
            yield

    @contextmanager
    def _skipping(self) -> Iterator[None]:
        """Let every transformer skip steps, for this shot alone."""
        config = self.config
        choice = Skipping(
            how=config.step_cache,
            steps=config.steps,
            threshold=config.step_threshold,
            interval=config.step_interval,
            ratios=config.step_ratios,
        )
        with ExitStack() as stack:
            for transformer in self.transformers:
                stack.enter_context(skipping(transformer, choice))
            yield

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean of latents, and one over their spread, computed as the stock pipelines do."""
        config = self.vae.config
        shape = (1, config.z_dim, 1, 1, 1)
        mean = torch.tensor(config.latents_mean).view(shape).to(like.device, like.dtype)
        inverse = 1.0 / torch.tensor(config.latents_std).view(shape).to(like.device, like.dtype)
        return mean, inverse


def _awake(transformer: Any) -> None:
    """Bring an offloaded transformer to its device; only a whole call would do so by itself."""
    hook = getattr(transformer, "_hf_hook", None)
    if hook is not None:
        hook.pre_forward(transformer)
