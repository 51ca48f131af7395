"""
What can be wrong with a take, and by how much? Faults of known strength, put into good takes.

    frames ── cast, blur … ── frames with a fault
    shot ── another hair ──── the shot as it should not be filmed

Frames are `T H W 3`, sRGB, uint8.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from onestory.storyworld.kinds import HairStyle
from onestory.storyworld.look import Look
from onestory.storyworld.palette import HAIR_COLOURS
from onestory.storyworld.scene import SceneSpec

Frames: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameFault:
    """Something that goes wrong with pictures."""

    strength: str
    """How much of it, in words."""
    put_into: Callable[[Frames], Frames]


def black(frames_THW3: Frames) -> Frames:
    """Black out the last third."""
    spoilt = frames_THW3.copy()
    spoilt[-max(1, len(spoilt) // 3) :] = 0
    return spoilt


def frozen(frames_THW3: Frames) -> Frames:
    """Hold the first frame all through."""
    return np.repeat(frames_THW3[:1], len(frames_THW3), axis=0)


def flickering(frames_THW3: Frames) -> Frames:
    """Let the light swing by 6 % either way, every frame."""
    swing_T = np.where(np.arange(len(frames_THW3)) % 2, 1.06, 0.94)
    return _clipped(frames_THW3 * swing_T[:, None, None, None])


def colour_cast(frames_THW3: Frames) -> Frames:
    """Turn it green: red and blue fall to 40 %."""
    return _clipped(frames_THW3 * np.array([0.4, 1.0, 0.4]))


def soft(frames_THW3: Frames) -> Frames:
    """Blur by a box of a 20th of the width."""
    side = max(3, frames_THW3.shape[2] // 20)
    blurred = frames_THW3.astype(np.float32)
    for axis in (1, 2):
        pad = [(0, 0)] * 4
        pad[axis] = (side // 2 + 1, side - side // 2 - 1)
        summed = np.cumsum(np.pad(blurred, pad, mode="edge"), axis=axis)
        late = np.take(summed, range(side, summed.shape[axis]), axis=axis)
        early = np.take(summed, range(summed.shape[axis] - side), axis=axis)
        blurred = (late - early) / side
    return _clipped(blurred)


def cut_off(frames_THW3: Frames) -> Frames:
    """Move the picture up by 35 %, so that whoever stands there loses their head."""
    moved = round(0.35 * frames_THW3.shape[1])
    below = np.repeat(frames_THW3[:, -1:], moved, axis=1)
    return np.concatenate([frames_THW3[:, moved:], below], axis=1)


FRAME_FAULTS: Mapping[str, FrameFault] = {
    "black": FrameFault(strength="last third of the frames", put_into=black),
    "frozen": FrameFault(strength="all frames", put_into=frozen),
    "flicker": FrameFault(strength="6 % of the light either way", put_into=flickering),
    "colour cast": FrameFault(strength="red and blue at 40 %", put_into=colour_cast),
    "soft": FrameFault(strength="a 20th of the width", put_into=soft),
    "cut-off figure": FrameFault(strength="35 % of the height", put_into=cut_off),
}
"""By name."""


def with_other_hair(scene: SceneSpec, name: str) -> SceneSpec:
    """
    Give somebody another style and another colour of hair.

    Args:
        scene: In which they are.
        name: Whom.

    Raises:
        ValueError: If they are not in it.
    """
    if name not in {performer.name for performer in scene.performers}:
        raise ValueError(f"{name} is not among {len(scene.performers)} performers")
    performers = tuple(
        replace(performer, look=_other_hair(performer.look))
        if performer.name == name
        else performer
        for performer in scene.performers
    )
    return replace(scene, performers=performers)


def _other_hair(look: Look) -> Look:
    styles, colours = tuple(HairStyle), HAIR_COLOURS
    style = styles[(styles.index(look.hair_style) + len(styles) // 2) % len(styles)]
    # Some have their hair dyed, in colours that hair does not have.
    now = colours.index(look.hair_colour) if look.hair_colour in colours else 0
    colour = colours[(now + len(colours) // 2) % len(colours)]
    return replace(look, hair_style=style, hair_colour=colour)


def _clipped(values: NDArray[Any]) -> Frames:
    clipped: Frames = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped
