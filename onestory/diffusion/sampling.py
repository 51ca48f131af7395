"""
How does noise become a shot, step by step?

    noise ──► transformer (reads caption and memory) ──► clean latents ──► velocity ──► scheduler
      ▲                                                                                   │
      └───────────────────────────────────────────────────────────────────────────────────┘

A given first frame stays clean throughout, its tokens at time 0. Guidance goes away from what
the model draws with neither caption nor memory, so that both are followed more strictly; if the
memory is read in both, looks that no caption names come back less often.

Shape suffixes, for this module only:
    B  shots of the batch    C  latent channels   F  latent frames   h, w  latent cells
    T  caption tokens        E  width of a token  N  tokens of a shot
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

from onestory.diffusion.kv import MemoryCache
from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import TIMESTEPS, PocketModules, velocity_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Choices that decide what comes out."""

    steps: int = 10
    guidance: float = 2.5
    """How far to go away from what is drawn without caption and memory; 1 does not."""
    shift: float = 3.0
    """How many of the steps go to high noise, where it is decided who wears what."""


def sample(
    modules: PocketModules,
    noise_BCFhw: torch.Tensor,
    text_BTE: torch.Tensor,
    *,
    memory: MemoryCache | None = None,
    first_BChw: torch.Tensor | None = None,
    blocking_BPFhw: torch.Tensor | None = None,
    sampling: Sampling = Sampling(),
    at_step: Callable[[float], None] | None = None,
) -> torch.Tensor:
    """
    Draw shots.

    Args:
        modules: Estimate clean latents.
        noise_BCFhw: Standard normal, float32; the seed of the take.
        text_BTE: Caption features, zeros behind the end.
        memory: What `prefill` made of the remembered frames, for one shot or for all.
        first_BChw: Clean latents of the first frame, if it is given.
        blocking_BPFhw: Who stands where, if it is given.
        sampling: Steps and guidance.
        at_step: Is told after each step how much is done, in (0, 1].

    Returns:
        Latents of the shots, `B C F h w`, float32.
    """
    num, _, num_frames = noise_BCFhw.shape[:3]
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        flow_shift=sampling.shift,
        num_train_timesteps=int(TIMESTEPS),
    )
    # Levels of noise from 1 down, before they are shifted; the last step ends at 0.
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 0.0, sampling.steps, endpoint=False))
    memory = None if memory is None else memory.expand(num)
    latents_BCFhw = noise_BCFhw

    def estimate(text_BTE: torch.Tensor, memory: MemoryCache | None) -> torch.Tensor:
        return modules.denoise(
            latents_BCFhw,
            share_BF,
            text_BTE,
            per_token=first_BChw is not None,
            blocking_BPFhw=blocking_BPFhw,
            memory=memory,
        )

    with torch.inference_mode(), PlainAttention(), torch.autocast("cpu", torch.bfloat16):
        for index, time in enumerate(scheduler.timesteps):
            share = scheduler.sigmas[index].float()
            share_BF = share.repeat(num, num_frames)
            if first_BChw is not None:
                latents_BCFhw = latents_BCFhw.clone()
                latents_BCFhw[:, :, 0] = first_BChw
                share_BF[:, 0] = 0.0
            clean = estimate(text_BTE, memory)
            if sampling.guidance != 1.0:
                untold = estimate(torch.zeros_like(text_BTE), None)
                clean = untold + sampling.guidance * (clean - untold)
            velocity_BCFhw = velocity_of(clean, latents_BCFhw, share)
            latents_BCFhw = scheduler.step(velocity_BCFhw, time, latents_BCFhw, return_dict=False)[
                0
            ]
            if at_step is not None:
                at_step((index + 1) / sampling.steps)
    if first_BChw is not None:
        latents_BCFhw = latents_BCFhw.clone()
        latents_BCFhw[:, :, 0] = first_BChw
    return latents_BCFhw.float()
