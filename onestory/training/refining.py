"""
How does the codec learn to draw finer than it codes? From stories drawn twice as large.

    shard ── latents ── + error like a generator's ── decoder ── frames ┐
    story ─┬─ StandIns, upscale times as large ─────────┘               │
           └─ SceneRenderer, upscale times as large ────────────────────┴─ L1, pixels and edges

Latents stay as they are: only what decodes them is trained, so shards and models made before
stay good. The error makes the decoder forgive what a generator does not get quite right, and look
for edges where the sketch has them.

Once there is a generator, its own errors are the best ones: latents are covered with noise, and it
draws them anew from there. What comes out is near the truth, and wrong as its films are.

Reference: Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential
Equations", 2022 (arXiv:2108.01073): drawing anew what noise has half covered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.optim import AdamW

from onestory.diffusion.codec import BlockCodec, as_blocks
from onestory.diffusion.plain_attention import PlainAttention
from onestory.diffusion.pocket import PocketModules
from onestory.diffusion.sampling import Sampling
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import Telling, tell_story
from onestory.training.batches import padded_text
from onestory.training.checkpoints import read_checkpoint, write_checkpoint
from onestory.training.shards import Shard, read_shard


@dataclass(frozen=True, kw_only=True, slots=True)
class Refining:
    """Choices of a run."""

    seed: int = 0
    steps: int = 1500
    rate: float = 2e-3
    pool: int = 48
    """Shots from which crops are cut; one is replaced in each step."""
    crops: int = 2
    cells: int = 9
    """Side of a crop, in latent cells."""
    error: float = 0.4
    """Largest standard deviation of what is added to latents: as much in every channel, as a
    sampler leaves it. Weak channels drown first; the decoder learns what to make of the rest."""
    fading: float = 0.5
    """How many latents have lost some of their detail: all but the first `KEPT` channels fade."""
    unguided: float = 0.1
    """How many decode without a sketch."""
    redrawn: float = 0.75
    """How many shots a generator draws anew, if there is one."""
    cover: tuple[float, float] = (0.5, 0.97)
    """Least and most noise from which it draws them."""
    edges: float = 1.0
    """Weight of the differences between neighbouring pixels."""
    keep_every: int = 100
    """Steps between two checkpoints."""


REDRAWING = 4
"""Steps in which a generator draws anew."""

KEPT = 6
"""Channels that a generator always gets nearly right: the colours of a cell, and their slopes."""


class _Pool:
    """Shots with their latents and what they should decode to."""

    def __init__(
        self,
        paths: list[Path],
        codec: BlockCodec,
        choices: Refining,
        generator: PocketModules | None,
    ) -> None:
        self.paths = paths
        self.codec = codec
        self.choices = choices
        self.generator = generator
        self._shard: tuple[Path, Shard] | None = None
        self.shots: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def fill(self, step: int) -> None:
        """Hold what a run that was never interrupted would hold at this step."""
        for number in range(step, step + self.choices.pool - len(self.shots)):
            self.shots.append(self._draw(number))

    def next(self, step: int) -> None:
        """Replace the oldest shot."""
        self.shots.pop(0)
        self.shots.append(self._draw(step + self.choices.pool))

    def _draw(self, number: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents `C F h w`, frames and sketches `T H W 3`."""
        # Neighbouring numbers share a shard, which is slow to read.
        path = self.paths[number // 64 % len(self.paths)]
        if self._shard is None or self._shard[0] != path:
            self._shard = (path, read_shard(path))
        shard = self._shard[1]
        rng = np.random.default_rng([self.choices.seed, number])
        row = int(rng.integers(len(shard.notes)))
        seed = int(str(shard.notes[row]["seed"]))
        first = next(i for i, note in enumerate(shard.notes) if note["seed"] == seed)
        scene = tell_story(seed, telling=Telling()).shots[row - first].scene
        _, _, _, height, width = shard.latents_SCFhw.shape
        side = int(self.codec.config["block"]) * self.codec.upscale
        renderer = SceneRenderer(scene, width * side, height * side)
        frames = np.stack([renderer.frame(index) for index in range(scene.num_frames)])
        stand_ins = StandIns(scene, rows=height, columns=width, cell=side)
        sketches = np.stack([stand_ins.sketch(index) for index in range(scene.num_frames)])
        latents_CFhw = shard.latents_SCFhw[row].float()
        if self.generator is not None and rng.random() < self.choices.redrawn:
            text_BTE, _ = padded_text([shard.features[row].float()])
            latents_CFhw = redrawn(
                self.generator,
                latents_CFhw[None],
                text_BTE,
                shard.blocking_SPFhw[row][None].float(),
                cover=float(rng.uniform(*self.choices.cover)),
                rng=rng,
            )[0]
        return latents_CFhw, torch.from_numpy(frames), torch.from_numpy(sketches)

    def crops(self, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents `B C F c c`, frames and sketches `B T H W 3` in [0, 255]."""
        rng = np.random.default_rng([self.choices.seed, step, 1])
        cells = self.choices.cells
        side = int(self.codec.config["block"]) * self.codec.upscale
        latents: list[torch.Tensor] = []
        frames: list[torch.Tensor] = []
        sketches: list[torch.Tensor] = []
        for _ in range(self.choices.crops):
            latent_CFhw, *drawn = self.shots[int(rng.integers(len(self.shots)))]
            top = int(rng.integers(latent_CFhw.shape[2] - cells + 1))
            left = int(rng.integers(latent_CFhw.shape[3] - cells + 1))
            cut = latent_CFhw[:, :, top : top + cells, left : left + cells].clone()
            if rng.random() < self.choices.fading:
                cut[KEPT:] *= float(rng.random())
            strength = float(rng.uniform(0, self.choices.error))
            error = rng.standard_normal(cut.shape, dtype=np.float32) * strength
            latents.append(cut + torch.from_numpy(error))
            for kept, shown_THW3 in zip((frames, sketches), drawn, strict=True):
                kept.append(
                    shown_THW3[
                        :, top * side : (top + cells) * side, left * side : (left + cells) * side
                    ]
                )
        return torch.stack(latents), torch.stack(frames).float(), torch.stack(sketches).float()


def with_refiner(codec: BlockCodec, seed: int = 0) -> BlockCodec:
    """Give a codec a decoder of its own, untrained; what it codes stays the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        refined: BlockCodec = BlockCodec(
            channels=int(codec.config["channels"]),
            block=int(codec.config["block"]),
            is_guided=True,
        )
    for name, kept in codec.named_buffers():
        refined.get_buffer(name).copy_(kept)
    return refined


@torch.no_grad()
def redrawn(
    modules: PocketModules,
    latents_BCFhw: torch.Tensor,
    text_BTE: torch.Tensor,
    blocking_BPFhw: torch.Tensor,
    *,
    cover: float,
    rng: np.random.Generator,
) -> torch.Tensor:
    """
    Cover latents with noise, and let a generator draw them anew from there.

    Args:
        modules: The generator.
        latents_BCFhw: What it may still see something of.
        text_BTE: Captions.
        blocking_BPFhw: Who stands where.
        cover: Share of noise, in (0, 1].
        rng: Decides the noise.

    Returns:
        Latents of the same shape, with its errors in them.
    """
    noise_BCFhw = torch.from_numpy(rng.standard_normal(latents_BCFhw.shape, dtype=np.float32))
    drawn_BCFhw = torch.lerp(latents_BCFhw, noise_BCFhw, cover)
    shares = [cover * (1 - step / REDRAWING) for step in range(REDRAWING + 1)]
    guidance = Sampling().guidance
    with PlainAttention(), torch.autocast("cpu", torch.bfloat16):
        for share, next_share in pairwise(shares):
            told, untold = (
                modules.denoise(
                    drawn_BCFhw,
                    torch.full((len(drawn_BCFhw), drawn_BCFhw.shape[2]), share),
                    words_BTE,
                    per_token=False,
                    blocking_BPFhw=blocking_BPFhw,
                )
                for words_BTE in (text_BTE, torch.zeros_like(text_BTE))
            )
            clean_BCFhw = untold + guidance * (told - untold)
            # Straight on to the next share of noise: Euler's step along the flow.
            drawn_BCFhw = torch.lerp(clean_BCFhw, drawn_BCFhw, next_share / share)
    return drawn_BCFhw


def refine(
    codec: BlockCodec,
    paths: list[Path],
    folder: Path,
    choices: Refining,
    *,
    generator: PocketModules | None = None,
) -> Iterator[tuple[int, float]]:
    """
    Train the decoder of a codec, or go on with it.

    Args:
        codec: Its refiner is trained in place.
        paths: Shards that the codec coded.
        folder: Keeps the run.
        choices: Of the run.
        generator: Whose errors the decoder learns to mend; None if there is none yet.

    Yields:
        The number of steps and the loss, after every step.
    """
    assert codec.refine is not None, "a codec without a refiner has nothing to train"
    optimizer = AdamW(codec.refine.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=1e-4)
    parts = {"refine": codec.refine}
    step = read_checkpoint(folder, parts, {"adamw": optimizer})
    pool = _Pool(paths, codec, choices, generator)
    pool.fill(step)
    while step < choices.steps:
        latents_BCFcc, frames_BTHW3, sketch_BTHW3 = pool.crops(step)
        is_guided = np.random.default_rng([choices.seed, step, 2]).random() >= choices.unguided
        sketch = as_blocks(sketch_BTHW3) if is_guided else None
        for group in optimizer.param_groups:
            rise = min(1.0, (step + 1) / 50)
            group["lr"] = choices.rate * rise * (1 - step / choices.steps)
        linear = codec.decode_linear(latents_BCFcc)
        with torch.autocast("cpu", torch.bfloat16):
            drawn = codec.refine(latents_BCFcc, linear, sketch).float()
        wanted = as_blocks(frames_BTHW3)
        loss = _difference(drawn, wanted, choices.edges)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for parameter in codec.refine.parameters():
            # What nobody looked at takes part with a gradient of zero.
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        pool.next(step)
        step += 1
        if step % choices.keep_every == 0 or step == choices.steps:
            write_checkpoint(folder, step, parts, {"adamw": optimizer})
        yield step, float(loss.detach())


def _difference(drawn: torch.Tensor, wanted: torch.Tensor, edges: float) -> torch.Tensor:
    drawn, wanted = drawn / 127.5, wanted / 127.5
    loss = functional.l1_loss(drawn, wanted)
    for axis in (3, 4):
        loss = loss + edges * functional.l1_loss(drawn.diff(dim=axis), wanted.diff(dim=axis))
    return loss
