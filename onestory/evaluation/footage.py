"""
What is a reading compared with? Real shots, shots of nothing, and what a real shot shows where.

    story ─┬─ SceneRenderer ── codec, there and back ── real frames ── ceiling
           ├─ noise ─────────────────────────────────────────────────── floor
           └─ coverage of the frames that are read ── what can be seen of whom
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from onestory.continuity.likeness import frames_of
from onestory.diffusion.codec import TIME, BlockCodec
from onestory.evaluation.coverage import HEIGHT, WIDTH, Coverage, coverage
from onestory.storyworld.attributes import Attribute
from onestory.storyworld.pen import PARTS
from onestory.storyworld.render import draw_scene
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import PLACE_SLOTS

Frames: TypeAlias = npt.NDArray[np.uint8]
"""`T H W 3`, sRGB."""

NEEDED_BACKGROUND = 0.3
"""Share of the picture that must show the place for its kind, light and weather to count."""


def real_frames(scene: SceneSpec, codec: BlockCodec | None = None) -> Frames:
    """
    Draw a scene.

    Args:
        scene: What to draw.
        codec: Through which the frames go, as a generator's would; None to leave them as they
            were drawn.
    """
    frames_THW3 = np.stack(list(draw_scene(scene, WIDTH, HEIGHT)))
    return frames_THW3 if codec is None else coded(frames_THW3, codec, scene)


@torch.no_grad()
def coded(frames_THW3: Frames, codec: BlockCodec, scene: SceneSpec | None = None) -> Frames:
    """Code frames and decode them again; see `decoded`."""
    latents_BCFhw = codec.encode(torch.from_numpy(frames_THW3)[None])
    return decoded(latents_BCFhw[0], codec, scene)


@torch.no_grad()
def decoded(
    latents_CFhw: torch.Tensor, codec: BlockCodec, scene: SceneSpec | None = None
) -> Frames:
    """
    Decode a take's latents.

    Args:
        latents_CFhw: Of a whole shot.
        codec: Who decodes.
        scene: What was filmed, if that is known: a codec that looks at sketches is then shown its
            stand-ins, as the engine does. Without it decoding is linear, as the encoders know it.
    """
    if scene is None or not codec.is_guided:
        blocks_FTHW3 = codec.decode_linear(latents_CFhw[None].float())[0]
        frames_THW3 = torch.cat([blocks_FTHW3[:1, TIME - 1], blocks_FTHW3[1:].flatten(0, 1)])
    else:
        rows, columns = latents_CFhw.shape[2:]
        side = int(codec.config["block"]) * codec.upscale
        num_frames = 1 + TIME * (latents_CFhw.shape[1] - 1)
        sketch_THW3 = _sketched(scene, (rows, columns), side, num_frames)
        sketch_1THW3 = torch.from_numpy(sketch_THW3)[None]
        frames_THW3 = codec.decode(latents_CFhw[None].float(), sketch_1THW3)[0]
    return frames_THW3.round().clamp(0, 255).byte().numpy()


@lru_cache(maxsize=384)
def _sketched(scene: SceneSpec, grid: tuple[int, int], side: int, num_frames: int) -> Frames:
    """Stand-ins of a whole shot: the same for every take of it, and slow to draw."""
    stand_ins = StandIns(scene, rows=grid[0], columns=grid[1], cell=side)
    return np.stack([stand_ins.sketch(index) for index in range(num_frames)])


def noise_frames(num_frames: int, seed: int, codec: BlockCodec | None = None) -> Frames:
    """Make a shot of nothing: white noise, or latents of noise decoded."""
    rng = np.random.default_rng([seed, 5])
    if codec is None:
        return rng.integers(0, 256, (num_frames, HEIGHT, WIDTH, 3), np.uint8)
    block = int(codec.config["block"])
    shape = (int(codec.config["channels"]), 1 + (num_frames - 1) // TIME)
    noise = rng.standard_normal((*shape, HEIGHT // block, WIDTH // block), np.float32)
    return decoded(torch.from_numpy(noise), codec)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShotTruth:
    """What can be seen in a real shot, in the frames that are read."""

    seen: tuple[Coverage, ...]

    def shows(self, attribute: Attribute, name: str | None = None) -> bool:
        """
        Say whether something can be read off the shot at all.

        Args:
            attribute: What.
            name: Of whom; None for the scene.

        Returns:
            Whether what shows it covers enough of the picture, mean over the frames.
        """
        if name is not None:
            classes = tuple(1 + PARTS.index(part) for part in attribute.parts)
            cells = [one.cells_of(name, classes) for one in self.seen]
        elif attribute.name in PLACE_SLOTS:
            cells = [one.cells_of_slot(attribute.name) for one in self.seen]
        else:
            return bool(np.mean([one.background for one in self.seen]) >= NEEDED_BACKGROUND)
        return bool(np.mean(cells) >= attribute.cells)


def truth_of(scene: SceneSpec) -> ShotTruth:
    """Find out what can be seen in a scene."""
    return ShotTruth(seen=tuple(coverage(scene, frames_of(scene.num_frames))))
