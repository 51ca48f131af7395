"""
What can be said of a take's frames without any model?

    rgb_HWC ── 4 samples a block ── small_hwC ─┬─ luma: mean, percentiles, spread
                                               ├─ against the frame before: mean and peak change
                                               ├─ sharpness
                                               └─ mean colour

Every frame is first shrunk to a long side of at most 160 pixels, each block of f×f pixels
becoming the mean of four samples spread over it; all measures read that small frame. A
`FrameMeter` takes one frame at a time, so that a take is measured while it is being rendered.

Frames are sRGB, uint8, 0 black and 255 white. Luma is Y' = 0.2126 R' + 0.7152 G' + 0.0722 B'
of the coded values, in grey levels, [0, 255].

Shape suffixes, for this module only:
    H, W  height and width of a frame      h, w  ... of the small frame
    C     colours, red green blue          B     bins of a histogram
"""

import math
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from onestory.documents import Document, Frozen

LONG_SIDE = 160
"""Most pixels on the long side of a small frame."""
COARSE_STEP = 4
"""Distance in small pixels of the coarse gradient that sharpness is measured against."""
FAINTEST_EDGE = 1.0
"""Coarse gradient energy, in grey levels squared, under which a frame has no edges to speak of."""
STRONGEST = 0.05
"""Share of the blocks, those that change most, by which motion is measured."""
_LUMA_C = np.array([0.2126, 0.7152, 0.0722], np.float32)
_DECIMALS = 4


class Measure(Frozen):
    """One number that stands for a whole take."""

    name: str
    value: float
    unit: str
    """As a word: "grey levels" …"""


class FrameMeasures(Document):
    """The numbers of one take. Sequences have one entry a frame, changes one a pair of frames."""

    schema_name: ClassVar[str] = "FrameMeasures.1"

    num_frames: int
    width: int
    """Of the frames as rendered; 0 if there were none."""
    height: int
    lumas: tuple[float, ...] = ()
    """Mean luma, [0, 255]."""
    shadows: tuple[float, ...] = ()
    """First percentile of luma, [0, 255]."""
    midtones: tuple[float, ...] = ()
    """Median of luma, [0, 255]."""
    highlights: tuple[float, ...] = ()
    """99th percentile of luma, [0, 255]."""
    contrasts: tuple[float, ...] = ()
    """Standard deviation of luma, [0, 127.5]."""
    sharpness: tuple[float, ...] = ()
    """4 · mean(gradient over 1 px)² / mean(gradient over 4 px)², [0, 4]: about 1 for hard edges,
    towards 0.25 for soft ones, 4 for noise, 0 where there is no edge at all."""
    differences: tuple[float, ...] = ()
    """Mean absolute change of colour against the frame before, [0, 255]."""
    peaks: tuple[float, ...] = ()
    """Largest change of any one block's colour against the frame before, [0, 255]."""
    motions: tuple[float, ...] = ()
    """Mean of the 5 % of blocks whose colour changed most against the frame before, [0, 255]:
    as VBench's dynamic degree (Huang et al., 2023), of differences instead of optical flow."""
    mean_rgb: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Mean of the coded colour over all pixels and frames, each [0, 255]."""

    @property
    def flickers(self) -> tuple[float, ...]:
        """|L(t-1) - 2 L(t) + L(t+1)| of mean luma L, for frames 1 to n-2, in grey levels.

        A pan, a fade and a pull of light are straight lines and give 0; a flash gives a spike.
        """
        return tuple(float(value) for value in np.abs(np.diff(np.array(self.lumas), 2)))

    @property
    def dynamic_degree(self) -> float:
        """Mean of `motions`, in grey levels; 0 for a single frame."""
        return float(np.mean(self.motions)) if self.motions else 0.0

    @property
    def contrast(self) -> float:
        """Mean over the frames of the standard deviation of luma, in grey levels."""
        return float(np.mean(self.contrasts)) if self.contrasts else 0.0

    @property
    def mean_lab(self) -> tuple[float, float, float]:
        """The mean colour in CIELAB (D65): L* [0, 100], a* and b* about [-128, 127]."""
        return lab_of(self.mean_rgb)

    @property
    def in_short(self) -> tuple[Measure, ...]:
        """What sets takes apart beside the gates' own numbers; empty if there was no frame."""
        if not self.num_frames:
            return ()
        found = {
            "brightness": float(np.mean(self.lumas)),
            "contrast": self.contrast,
            "movement": float(np.mean(self.differences)) if self.differences else 0.0,
            "largest jump": max(self.peaks, default=0.0),
        }
        return tuple(
            Measure(name=name, value=round(value, _DECIMALS), unit="grey levels")
            for name, value in found.items()
        )


class FrameMeter:
    """Measures a take frame by frame; holds one small frame, never the take."""

    def __init__(self) -> None:
        self._shape: tuple[int, int] | None = None
        self._before_hwC: NDArray[np.float32] | None = None
        self._columns: dict[str, list[float]] = {
            name: []
            for name in (
                "lumas",
                "shadows",
                "midtones",
                "highlights",
                "contrasts",
                "sharpness",
                "differences",
                "peaks",
                "motions",
            )
        }
        self._sum_C = np.zeros(3)

    def add(self, rgb_HWC: NDArray[np.uint8]) -> None:
        """
        Measure the next frame.

        Args:
            rgb_HWC: The frame, sRGB, uint8; the same size as the ones before it. Not kept.

        Raises:
            ValueError: If it is not an RGB frame of bytes, or of another size.
        """
        small_hwC = shrink(rgb_HWC)
        shape = (rgb_HWC.shape[0], rgb_HWC.shape[1])
        if self._shape not in (None, shape):
            raise ValueError(f"frame is {shape} after frames of {self._shape} (height, width)")
        self._shape = shape
        self._add_light(small_hwC)
        if self._before_hwC is not None:
            change_hwC = np.abs(small_hwC - self._before_hwC)
            self._columns["differences"].append(float(change_hwC.mean()))
            self._columns["peaks"].append(float(change_hwC.max()))
            self._columns["motions"].append(_strongest(change_hwC))
        self._before_hwC = small_hwC

    def _add_light(self, small_hwC: NDArray[np.float32]) -> None:
        luma_hw = small_hwC @ _LUMA_C
        self._sum_C += small_hwC.reshape(-1, 3).mean(axis=0)
        shadow, midtone, highlight = _percentiles(luma_hw)
        columns = self._columns
        columns["lumas"].append(float(luma_hw.mean()))
        columns["contrasts"].append(float(luma_hw.std()))
        columns["shadows"].append(shadow)
        columns["midtones"].append(midtone)
        columns["highlights"].append(highlight)
        columns["sharpness"].append(sharpness_of(luma_hw))

    def measures(self) -> FrameMeasures:
        """Everything measured so far, rounded to 4 decimals; more frames may follow."""
        num_frames = len(self._columns["lumas"])
        height, width = self._shape or (0, 0)
        mean_C = self._sum_C / max(num_frames, 1)
        return FrameMeasures(
            num_frames=num_frames,
            width=width,
            height=height,
            mean_rgb=(
                round(float(mean_C[0]), _DECIMALS),
                round(float(mean_C[1]), _DECIMALS),
                round(float(mean_C[2]), _DECIMALS),
            ),
            **{
                name: tuple(round(value, _DECIMALS) for value in values)
                for name, values in self._columns.items()
            },
        )


def measure(frames: Iterable[NDArray[np.uint8]]) -> FrameMeasures:
    """
    Measure a whole take.

    Args:
        frames: RGB frames, (height, width, 3), uint8, in order, all of one size.

    Returns:
        The measures; of no frames at all if there are none.

    Raises:
        ValueError: If a frame is not RGB bytes, or differs in size from the first.
    """
    meter = FrameMeter()
    for rgb_HWC in frames:
        meter.add(rgb_HWC)
    return meter.measures()


def shrink(rgb_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """
    Shrink a frame by a whole factor f to a long side of at most `LONG_SIDE`.

    Four samples a block instead of all f² keep 72 frames of 720×1280 under 60 ms; anything
    of f/2 pixels across is still seen.

    Args:
        rgb_HWC: The frame, uint8.

    Returns:
        The mean of four samples of every f×f block, [0, 255]; rows and columns that do not
        fill a block are left out. The frame itself if it is small.

    Raises:
        ValueError: If it is not an RGB frame of bytes, or has no pixels.
    """
    if rgb_HWC.ndim != 3 or rgb_HWC.shape[2] != 3 or rgb_HWC.dtype != np.uint8 or not rgb_HWC.size:
        raise ValueError(f"expected RGB bytes, got {rgb_HWC.dtype} of shape {rgb_HWC.shape}")
    factor = max(1, math.ceil(max(rgb_HWC.shape[:2]) / LONG_SIDE))
    height, width = rgb_HWC.shape[0] // factor, rgb_HWC.shape[1] // factor
    if factor == 1 or not height or not width:
        return rgb_HWC.astype(np.float32)
    offsets = (factor // 4, factor // 4 + factor // 2)
    sum_hwC = np.zeros((height, width, 3), np.uint16)
    for top in offsets:
        for left in offsets:
            sum_hwC += rgb_HWC[top::factor, left::factor][:height, :width]
    return sum_hwC.astype(np.float32) * np.float32(0.25)


def sharpness_of(luma_hw: NDArray[np.float32]) -> float:
    """
    Say how hard the edges of a small frame are, whatever their contrast and number.

    Args:
        luma_hw: Luma in grey levels.

    Returns:
        4 · E1 / E4, where En is the sum of the mean squared differences between pixels n
        apart, across and down. 0 if the frame has no edges or is under five pixels wide.
    """
    if min(luma_hw.shape) <= COARSE_STEP:
        return 0.0
    coarse = _gradient_energy(luma_hw, COARSE_STEP)
    if coarse < FAINTEST_EDGE:
        return 0.0
    return COARSE_STEP * _gradient_energy(luma_hw, 1) / coarse


def lab_of(rgb: tuple[float, float, float]) -> tuple[float, float, float]:
    """Convert an sRGB colour, each [0, 255], to CIELAB under D65."""
    coded_C = np.array(rgb) / 255
    linear_C = np.where(coded_C <= 0.04045, coded_C / 12.92, ((coded_C + 0.055) / 1.055) ** 2.4)
    xyz_C = _XYZ_CC @ linear_C / _WHITE_C
    knee = 6 / 29
    root_C = np.where(xyz_C > knee**3, np.cbrt(xyz_C), xyz_C / (3 * knee**2) + 4 / 29)
    x, y, z = (float(value) for value in root_C)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def delta_e(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Distance of two CIELAB colours (CIE76): about 2 is just seen, 100 is black to white."""
    return math.dist(one, other)


_XYZ_CC = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_WHITE_C = _XYZ_CC.sum(axis=1)


def _strongest(change_hwC: NDArray[np.float32]) -> float:
    """The mean over the blocks that changed most."""
    change_n = change_hwC.mean(axis=2).ravel()
    most = max(1, round(STRONGEST * change_n.size))
    return float(np.partition(change_n, -most)[-most:].mean())


def _percentiles(luma_hw: NDArray[np.float32]) -> tuple[float, float, float]:
    """The 1st, 50th and 99th percentile, as whole grey levels (nearest rank from below)."""
    histogram_B = np.bincount(luma_hw.astype(np.uint8).ravel(), minlength=256)
    rank_B = np.cumsum(histogram_B)
    levels = np.searchsorted(rank_B, np.array([0.01, 0.50, 0.99]) * rank_B[-1])
    return float(levels[0]), float(levels[1]), float(levels[2])


def _gradient_energy(luma_hw: NDArray[np.float32], step: int) -> float:
    across_hw = luma_hw[:, step:] - luma_hw[:, :-step]
    down_hw = luma_hw[step:] - luma_hw[:-step]
    return _mean_square(across_hw) + _mean_square(down_hw)


def _mean_square(change_hw: NDArray[np.float32]) -> float:
    flat = change_hw.ravel()
    return float(np.dot(flat, flat)) / flat.size
