"""
The `frames` mode: memory as given frames before the shot, each a frame of noise like the shot's.

    channels   16 noise      noise of the memory's own │ noise of the shot
                4 mask                               1 │ 1 on a given first frame, else 0
               16 given           remembered latents   │ first frame, then nothing
    time                              … -2S        -S  │ 0 1 2 …

This is how weights read a memory that were trained further from a Wan which starts from a first
frame (StoryMem, Memento): a remembered frame is not clean, but told to be given. Its own noise is
denoised along with the shot's, at the shot's time, and dropped in the end. So whoever draws adds
as many frames of noise in front, and drops as many of the result.

Shape suffixes, for this module only:
    B  samples in the batch   M  remembered frames   F  both: remembered and drawn
    C  latent channels        G  channels that say what is given: mask and latents
    H, W  latent cells        1  one sample for all  3  time, height and width

References: Zhang et al., "StoryMem", 2025 (arXiv:2512.19539); "Memento", 2026 (arXiv:2606.14667).
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from torch import Tensor, nn

from onestory.diffusion.attach import attached
from onestory.diffusion.rope import Rotary, rope_at


@contextmanager
def in_front(
    transformer: WanTransformer3DModel,
    latents_1CMHW: Tensor,
    times_M: Sequence[float],
    *,
    has_first: bool,
) -> Iterator[None]:
    """
    Tell the first frames of what is drawn to be remembered ones.

    Hold it around the whole denoising loop, in which the transformer is called with as many
    frames more as are remembered.

    Args:
        transformer: The stock model; reads noise, mask and given latents.
        latents_1CMHW: Remembered frames, normalised, in the order in which they stand. At least
            one.
        times_M: Rope time of each, in latent frames before the shot.
        has_first: Whether the shot starts from a first frame. If not, what the pipeline gave as
            one is told not to be given: let it be a grey picture, whose latents are those of
            nothing.

    Yields:
        Nothing; call the transformer, or a pipeline that holds it, as ever.

    Raises:
        ValueError: If frames and times are not equally many, or the model reads noise alone.
        RenderError: If a memory is attached already, or the model runs context parallel.
    """
    with attached(transformer) as model, ExitStack() as hooks:
        C, num_frames = latents_1CMHW.shape[1:3]
        mask = model.config.in_channels - 2 * C
        if mask < 1 or model.config.out_channels != C:
            raise ValueError(
                f"frames of {C} channels cannot be told to be given to a transformer that reads "
                f"{model.config.in_channels}"
            )
        if num_frames != len(times_M) or not num_frames:
            raise ValueError(f"{num_frames} frames cannot stand at {len(times_M)} times")
        visit = _Visit(model, latents_1CMHW, times_M, mask=mask, has_first=has_first)
        for hook in (
            model.register_forward_pre_hook(visit.give, with_kwargs=True),
            model.rope.register_forward_hook(visit.place),
        ):
            hooks.callback(hook.remove)
        yield


class _Visit:
    """The hooks of one memory."""

    def __init__(
        self,
        model: Any,
        latents_1CMHW: Tensor,
        times_M: Sequence[float],
        *,
        mask: int,
        has_first: bool,
    ) -> None:
        self.model = model
        self.times_M = tuple(times_M)
        self.mask = mask
        self.has_first = has_first
        known_1CMHW = latents_1CMHW[:, :1].expand(-1, mask, -1, -1, -1)
        self.given_1GMHW = torch.cat([torch.ones_like(known_1CMHW), latents_1CMHW], dim=1)

    def give(
        self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Say of every frame whether it is given, and what it is."""
        sight = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]
        C, num_frames = model.config.out_channels, len(self.times_M)
        noise_BCFHW, given_BGFHW = sight[:, :C], sight[:, C:]
        memory_BGMHW = self.given_1GMHW.to(sight).expand(len(sight), -1, -1, -1, -1)
        # The pipeline says what is given of a longer shot; its VAE never looks ahead, so what it
        # says of the first frames is what it would say of the shot alone.
        shot_BGFHW = given_BGFHW[:, :, : given_BGFHW.shape[2] - num_frames]
        if not self.has_first:
            shot_BGFHW = shot_BGFHW.clone()
            shot_BGFHW[:, : self.mask] = 0
        sight = torch.cat([noise_BCFHW, torch.cat([memory_BGMHW, shot_BGFHW], dim=2)], dim=1)
        if "hidden_states" in kwargs:
            return args, {**kwargs, "hidden_states": sight}
        return (sight, *args[1:]), kwargs

    def place(self, _: nn.Module, args: tuple[Tensor, ...], __: Any) -> Rotary:
        """Let the memory stand at its own times, and the shot begin at 0."""
        time, height, width = self.model.config.patch_size
        frames, rows, columns = args[0].shape[2:]
        own = range(frames // time - len(self.times_M))
        positions_L3 = torch.cartesian_prod(
            torch.tensor([*self.times_M, *own], dtype=torch.float32),
            torch.arange(rows // height, dtype=torch.float32),
            torch.arange(columns // width, dtype=torch.float32),
        )
        return rope_at(self.model, positions_L3)
