"""
How do frames become latents and latents frames? A Karhunen-Loève basis of small blocks.

    frames T H W 3 ── blocks of 4 frames x 16 x 16 pixels ── basis ── latents C F h w
    latents ── linear decode (+ a small convolutional residual, twice as fine) ── frames
                                  sketch, as fine as what is drawn ──┘

Who knows where things stand may tell the decoder: edges are then drawn where the sketch has them,
in the colours of the latents (as in Kopf et al., "Joint Bilateral Upsampling", 2007).

The first frame is a block of its own (repeated four times), so that T = 1 + 4(F - 1) frames make
F latent frames, and the latent of a first frame is the latent of a picture.
"""

import hashlib
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.models.modeling_utils import ModelMixin
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from onestory.memory.keeping import keeps_config

TIME = 4
"""Frames per latent frame."""

_CELL_WIDTH = 96
"""Channels in which a refiner thinks about cells."""


def num_latent_frames(num_frames: int) -> int:
    """Say how many latent frames hold so many frames: one, and one for every further four."""
    return 1 + -(-max(0, num_frames - 1) // TIME)


def latent_middles(num_frames: int) -> list[int]:
    """Name the frame in the middle of every latent frame of so many frames."""
    return [
        min(max(0, TIME * index - 1), num_frames - 1)
        for index in range(num_latent_frames(num_frames))
    ]


class BlockCodec(ModelMixin, ConfigMixin):  # type: ignore[misc]  # diffusers is untyped
    """
    Frames to latents and back.

    Latents are pixels in another basis: every channel has mean 0 and varies as it does there, and
    one factor for all brings their mean square to 1. So noise hides detail first and layout last,
    and whoever takes it away decides in the opposite order, as with pixels. (Channels that are
    made more alike emerge together: details must then be decided before it is known of what.)
    """

    basis_CN: torch.Tensor
    mean_N: torch.Tensor
    scale: torch.Tensor

    @keeps_config
    def __init__(
        self,
        channels: int = 16,
        block: int = 16,
        refine_width: int = 48,
        refine_depth: int = 3,
        upscale: int = 2,
        is_guided: bool = False,
    ) -> None:
        """
        Make an empty codec.

        Args:
            channels: Numbers per block.
            block: Width and height of a block in pixels.
            refine_width: Channels of the convolutional residual; 0 for linear decoding alone.
            refine_depth: Its residual blocks.
            upscale: How much finer than the coded frames the decoded ones are.
            is_guided: Whether the residual looks at sketches.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        size = TIME * block * block * 3
        self.register_buffer("basis_CN", torch.zeros(channels, size))
        self.register_buffer("mean_N", torch.zeros(size))
        self.register_buffer("scale", torch.ones(()))
        self.refine = (
            Refiner(channels, block, refine_width, refine_depth, upscale, is_guided=is_guided)
            if refine_width
            else None
        )

    @property
    def upscale(self) -> int:
        """How much finer than the coded frames the decoded ones are."""
        return int(self.config["upscale"])

    @property
    def coding(self) -> str:
        """Name of the language of its latents, however they are decoded: 16 hex digits."""
        spoken = hashlib.sha256()
        for buffer in (self.basis_CN, self.mean_N, self.scale):
            spoken.update(buffer.contiguous().numpy().tobytes())
        return spoken.hexdigest()[:16]

    @torch.no_grad()
    def encode(self, frames_BTHW3: torch.Tensor) -> torch.Tensor:
        """
        Code frames.

        Args:
            frames_BTHW3: `B T H W 3`, uint8 or float in [0, 255], T = 1 + 4k; H and W divide by
                the block.

        Returns:
            Latents, `B C F h w`, float32, F = 1 + k.

        Raises:
            ValueError: If the shape does not fit.
        """
        blocks_BFhwN = self._blocks(frames_BTHW3)
        return self._coded(blocks_BFhwN)

    @property
    def is_guided(self) -> bool:
        """Whether sketches change what is decoded."""
        return bool(self.config["is_guided"])

    def decode(
        self, latents_BCFhw: torch.Tensor, sketch_BTHW3: torch.Tensor | None = None
    ) -> torch.Tensor:
        """
        Decode latents.

        Args:
            latents_BCFhw: What `encode` gives, or a model made.
            sketch_BTHW3: Where things stand, in the frames that come out; None if nobody knows.

        Returns:
            Frames `B T H W 3`, float in [0, 255], T = 1 + 4(F - 1), `upscale` times as large as
            the coded ones.
        """
        linear_BFTHW3 = self.decode_linear(latents_BCFhw)
        batch, num, _, height, width, _ = linear_BFTHW3.shape
        if self.refine is None:
            decoded = _resized(linear_BFTHW3, self.upscale)
        else:
            sketch_BFTHW3 = None if sketch_BTHW3 is None else as_blocks(sketch_BTHW3)
            decoded = self.refine(latents_BCFhw, linear_BFTHW3, sketch_BFTHW3)
        height, width = height * self.upscale, width * self.upscale
        first_BTHW3 = decoded[:, :1].mean(dim=2)
        rest_BTHW3 = decoded[:, 1:].reshape(batch, (num - 1) * TIME, height, width, 3)
        return torch.cat([first_BTHW3, rest_BTHW3], dim=1).clamp(0.0, 255.0)

    def decode_linear(self, latents_BCFhw: torch.Tensor) -> torch.Tensor:
        """Decode by the basis alone: `B F 4 H W 3`, float, about [0, 255]."""
        block = int(self.config["block"])
        raw_BFhwC = latents_BCFhw.permute(0, 2, 3, 4, 1) / self.scale
        blocks = raw_BFhwC @ self.basis_CN + self.mean_N
        batch, num, height, width, _ = blocks.shape
        blocks = blocks.view(batch, num, height, width, TIME, block, block, 3)
        frames = blocks.permute(0, 1, 4, 2, 5, 3, 6, 7)
        flat = frames.reshape(batch, num, TIME, height * block, width * block, 3)
        return (flat + 1.0) * 127.5

    @torch.no_grad()
    def fit(self, frames_BTHW3: torch.Tensor, *, max_blocks: int = 60_000) -> None:
        """
        Learn the basis from clips.

        Args:
            frames_BTHW3: `B T H W 3`, uint8; some hundred varied clips.
            max_blocks: How many of their blocks are looked at, evenly spread.
        """
        channels = int(self.config["channels"])
        seen = [self._blocks(clip_THW3[None]).flatten(0, 3) for clip_THW3 in frames_BTHW3]
        step = max(1, sum(map(len, seen)) // max_blocks)
        blocks_MN = torch.cat([blocks[number % step :: step] for number, blocks in enumerate(seen)])
        mean_N = blocks_MN.mean(0)
        centred_MN = blocks_MN - mean_N
        covariance_NN = centred_MN.T @ centred_MN / len(centred_MN)
        values, vectors = torch.linalg.eigh(covariance_NN.double())
        strongest = values.argsort(descending=True)[:channels]
        std_C = values[strongest].clamp_min(1e-12).sqrt().float()
        self.basis_CN.copy_(vectors[:, strongest].T.float())
        self.mean_N.copy_(mean_N)
        self.scale.copy_(std_C.square().mean().rsqrt())

    def _coded(self, blocks_BFhwN: torch.Tensor) -> torch.Tensor:
        raw_BFhwC = (blocks_BFhwN - self.mean_N) @ self.basis_CN.T
        return (raw_BFhwC * self.scale).permute(0, 4, 1, 2, 3).contiguous()

    def _blocks(self, frames_BTHW3: torch.Tensor) -> torch.Tensor:
        batch, num, height, width, _ = frames_BTHW3.shape
        block = int(self.config["block"])
        if (num - 1) % TIME or height % block or width % block:
            raise ValueError(
                f"frames must be 1 + {TIME}k, and sides divide by {block}, got {num} of "
                f"{width}x{height}"
            )
        frames = frames_BTHW3.float() / 127.5 - 1.0
        first = frames[:, :1].expand(-1, TIME, -1, -1, -1)
        frames = torch.cat([first, frames[:, 1:]], dim=1)
        rows, columns = height // block, width // block
        split = frames.view(batch, -1, TIME, rows, block, columns, block, 3)
        return split.permute(0, 1, 3, 5, 2, 4, 6, 7).reshape(
            batch, -1, rows, columns, TIME * block * block * 3
        )


class Refiner(nn.Module):
    """
    Removes the edges of blocks and draws finer than the basis can.

        latents ── cells ◄── sketch, averaged over each cell
                     │  settled with their neighbours: one garment, one colour
                     ▼
        linear ──► pixels ◄── sketch ──► residual
    """

    def __init__(
        self, channels: int, block: int, width: int, depth: int, upscale: int, *, is_guided: bool
    ) -> None:
        super().__init__()
        self.block, self.upscale = block, upscale
        self.context = nn.Sequential(
            nn.Conv3d(channels, _CELL_WIDTH, (3, 3, 3), padding=(1, 1, 1)),
            nn.SiLU(),
            nn.Conv3d(_CELL_WIDTH, width * 4, 1),
        )
        self.settle = nn.ModuleList(_residual_block(_CELL_WIDTH) for _ in range(depth))
        self.look = nn.Conv2d(width, _CELL_WIDTH, 1) if is_guided else None
        self.enter = nn.Conv2d(TIME * 3 * 4, width, 3, padding=1)
        self.guide = (
            nn.Conv2d(TIME * 3 * (2 * upscale) ** 2, width, 3, padding=1) if is_guided else None
        )
        self.body = nn.ModuleList(_residual_block(width) for _ in range(depth))
        self.leave = nn.Conv2d(width, TIME * 3 * (2 * upscale) ** 2, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # it has one

    def forward(
        self,
        latents_BCFhw: torch.Tensor,
        linear_BFTHW3: torch.Tensor,
        sketch_BFTHW3: torch.Tensor | None = None,
    ) -> torch.Tensor:
        batch, num, _, height, width, _ = linear_BFTHW3.shape
        planes = linear_BFTHW3.permute(0, 1, 2, 5, 3, 4).reshape(-1, TIME * 3, height, width)
        planes = planes / 127.5 - 1.0
        inner = F.pixel_unshuffle(planes, 2)
        read, active, tell = self.context
        cells = read(latents_BCFhw).transpose(1, 2).flatten(0, 1)
        hidden = self.enter(inner)
        if self.guide is not None and self.look is not None and sketch_BFTHW3 is not None:
            size = (height * self.upscale, width * self.upscale)
            lines = sketch_BFTHW3.permute(0, 1, 2, 5, 3, 4).reshape(-1, TIME * 3, *size)
            seen = self.guide(F.pixel_unshuffle(lines / 127.5 - 1.0, 2 * self.upscale))
            hidden = hidden + seen
            cells = cells + self.look(F.adaptive_avg_pool2d(seen, cells.shape[-2:]))
        for block in self.settle:
            cells = cells + block(cells)
        context = tell(active(cells)[:, :, None])[:, :, 0]
        # Four channels of context make a 2 x 2 pattern; the rest of the way is interpolation.
        context = F.pixel_shuffle(context, 2)
        hidden = hidden + F.interpolate(
            context, size=inner.shape[-2:], mode="bilinear", align_corners=False
        )
        for block in self.body:
            hidden = hidden + block(hidden)
        residual = F.pixel_shuffle(self.leave(F.silu(hidden)), 2 * self.upscale)
        base = F.interpolate(planes, scale_factor=self.upscale, mode="bicubic", align_corners=False)
        frames = (base + residual + 1.0) * 127.5
        frames = frames.view(batch, num, TIME, 3, height * self.upscale, width * self.upscale)
        return frames.permute(0, 1, 2, 4, 5, 3)


def _residual_block(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.SiLU(),
        nn.Conv2d(width, width, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(width, width, 3, padding=1),
    )


def _resized(frames_BFTHW3: torch.Tensor, upscale: int) -> torch.Tensor:
    batch, num, _, height, width, _ = frames_BFTHW3.shape
    planes = frames_BFTHW3.permute(0, 1, 2, 5, 3, 4).reshape(-1, TIME * 3, height, width)
    finer = F.interpolate(planes, scale_factor=upscale, mode="bicubic", align_corners=False)
    finer = finer.view(batch, num, TIME, 3, height * upscale, width * upscale)
    return finer.permute(0, 1, 2, 4, 5, 3)


def as_blocks(frames_BTHW3: torch.Tensor) -> torch.Tensor:
    """Frames as the codec blocks them, the first one repeated: `B F 4 H W 3`, float."""
    first = frames_BTHW3[:, :1].expand(-1, TIME, -1, -1, -1)
    frames = torch.cat([first, frames_BTHW3[:, 1:]], dim=1).float()
    return frames.reshape(len(frames), -1, TIME, *frames.shape[2:])


def load_codec(folder: Any) -> BlockCodec:
    """Load a codec from its folder, ready to use."""
    codec: BlockCodec = BlockCodec.from_pretrained(folder, use_safetensors=True)
    return codec.eval()
