"""Measures of frames say what they promise, and say it quickly."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageStat

from onestory.continuity.measures import (
    FrameMeasures,
    FrameMeter,
    delta_e,
    lab_of,
    measure,
    sharpness_of,
    shrink,
)

Frames = list[NDArray[np.uint8]]


@pytest.fixture(name="noise")
def _noise() -> Frames:
    """Seven small frames that are not shrunk, of odd and unequal sides."""
    chance = np.random.default_rng(7)
    return [chance.integers(0, 256, (45, 33, 3), np.uint8) for _ in range(7)]


def _cards(width: int = 90, height: int = 150) -> NDArray[np.uint8]:
    """A frame of hard-edged cards of many colours."""
    chance = np.random.default_rng(3)
    frame = np.full((height, width, 3), 90, np.uint8)
    for _ in range(30):
        top, left = chance.integers(0, height - 20), chance.integers(0, width - 20)
        frame[top : top + 20, left : left + 15] = chance.integers(0, 256, 3)
    return frame


def test_every_light_measure_agrees_with_a_second_computation(noise: Frames) -> None:
    """Mean, percentiles and spread of luma are those that plain Python finds."""
    measures = measure(noise)
    for index, frame in enumerate(noise):
        lumas = sorted(
            0.2126 * float(r) + 0.7152 * float(g) + 0.0722 * float(b)
            for r, g, b in frame.reshape(-1, 3)
        )
        mean = sum(lumas) / len(lumas)
        spread = (sum((luma - mean) ** 2 for luma in lumas) / len(lumas)) ** 0.5
        assert measures.lumas[index] == pytest.approx(mean, abs=0.01)
        assert measures.contrasts[index] == pytest.approx(spread, abs=0.01)
        for found, share in (
            (measures.shadows[index], 0.01),
            (measures.midtones[index], 0.50),
            (measures.highlights[index], 0.99),
        ):
            assert found == pytest.approx(lumas[int(share * len(lumas))], abs=2.0)


def test_changes_agree_with_a_second_computation(noise: Frames) -> None:
    """Mean, peak and strongest changes between two frames are those that plain Python finds."""
    measures = measure(noise)
    assert len(measures.differences) == len(measures.peaks) == len(noise) - 1
    for index in range(len(noise) - 1):
        changes = [
            abs(int(a) - int(b))
            for a, b in zip(noise[index].ravel(), noise[index + 1].ravel(), strict=True)
        ]
        assert measures.differences[index] == pytest.approx(sum(changes) / len(changes), abs=0.001)
        assert measures.peaks[index] == max(changes)
        blocks = sorted(sum(changes[start : start + 3]) / 3 for start in range(0, len(changes), 3))
        strongest = blocks[-max(1, round(0.05 * len(blocks))) :]
        assert measures.motions[index] == pytest.approx(sum(strongest) / len(strongest), abs=0.001)
    assert measures.dynamic_degree == pytest.approx(sum(measures.motions) / len(measures.motions))


def test_a_small_thing_that_moves_counts_as_motion() -> None:
    """A twentieth of the picture is enough; still pictures, and one alone, do not move at all."""
    still = np.full((40, 40, 3), 100, np.uint8)
    moved = still.copy()
    moved[:8, :10] = 200
    assert measure([still, moved]).dynamic_degree == pytest.approx(100, abs=0.1)
    assert measure([still, still]).dynamic_degree == 0
    assert measure([still]).dynamic_degree == 0


def test_flicker_is_the_second_difference_of_luma() -> None:
    """A pull of light does not flicker; alternating light does, by four times its swing."""
    ramp = measure(np.full((20, 20, 3), 40 + 9 * i, np.uint8) for i in range(10))
    swing = measure(np.full((20, 20, 3), 100 + 5 * (-1) ** i, np.uint8) for i in range(10))
    assert ramp.flickers == pytest.approx([0] * 8, abs=0.001)
    assert swing.flickers == pytest.approx([20] * 8, abs=0.001)


def test_mean_colour_agrees_with_pillow(noise: Frames) -> None:
    """The mean colour of a take is the mean of what Pillow finds in its frames."""
    found = [ImageStat.Stat(Image.fromarray(frame)).mean for frame in noise]
    assert measure(noise).mean_rgb == pytest.approx(np.mean(found, axis=0), abs=0.001)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((0, 128, 0), (46.23, -51.70, 49.90)),
    ],
)
def test_lab_is_the_textbooks(
    rgb: tuple[float, float, float], lab: tuple[float, float, float]
) -> None:
    """CIELAB of known colours is what published tables say."""
    assert lab_of(rgb) == pytest.approx(lab, abs=0.02)


def test_black_is_a_hundred_from_white() -> None:
    """Delta E between black and white is 100, and 0 between a colour and itself."""
    black, white = lab_of((0, 0, 0)), lab_of((255, 255, 255))
    assert delta_e(black, white) == pytest.approx(100, abs=0.01)
    assert delta_e(white, white) == 0


def test_a_big_frame_shrinks_to_its_block_means() -> None:
    """Blocks of one colour keep it exactly, whatever the factor; odd edges are left out."""
    chance = np.random.default_rng(5)
    for factor, (height, width) in ((2, (101, 150)), (3, (150, 60)), (8, (160, 90))):
        blocks = chance.integers(0, 256, (height, width, 3), np.uint8)
        big = blocks.repeat(factor, axis=0).repeat(factor, axis=1)
        ragged = np.pad(big, ((0, 1), (0, 1), (0, 0)))
        assert max(ragged.shape) // factor <= 160
        if -(-max(ragged.shape) // 160) == factor:
            np.testing.assert_array_equal(shrink(ragged), blocks)
        np.testing.assert_array_equal(shrink(big), blocks)


def test_a_shrunk_photograph_is_near_the_true_area_mean() -> None:
    """Four samples a block stray from Pillow's full box filter by little on a smooth picture."""
    chance = np.random.default_rng(1)
    rough = Image.fromarray(chance.integers(0, 256, (40, 23, 3), np.uint8))
    frame = np.asarray(rough.resize((720, 1280), Image.Resampling.BICUBIC))
    full = np.asarray(Image.fromarray(frame).reduce(8), np.float32)
    assert np.abs(shrink(frame) - full).mean() < 2.0


def test_a_change_half_a_block_wide_is_seen() -> None:
    """A blink of four pixels in a full-size frame counts as a change, wherever it is."""
    still = np.full((1280, 720, 3), 128, np.uint8)
    for top, left in ((0, 0), (101, 203), (642, 357), (1273, 715)):
        blink = still.copy()
        blink[top : top + 4, left : left + 4] = 20
        assert measure([still, blink]).peaks[0] > 10


def test_sharpness_falls_with_every_blur_but_not_with_contrast() -> None:
    """More blur, less sharpness; half the contrast, or the mirror image, the same sharpness."""
    frame = _cards()
    image = Image.fromarray(frame)
    values = [
        measure([np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))]).sharpness[0]
        for radius in (0, 1, 2, 4)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.9
    assert values[-1] < 0.35
    faint = (frame // 2 + 60).astype(np.uint8)
    assert measure([faint]).sharpness[0] == pytest.approx(values[0], abs=0.02)
    assert measure([frame[:, ::-1]]).sharpness[0] == pytest.approx(values[0], abs=0.001)


def test_sharpness_agrees_with_a_second_computation() -> None:
    """The edge ratio is the one that plain Python finds."""
    luma = np.random.default_rng(2).random((11, 9)).astype(np.float32) * 255

    def energy(step: int) -> float:
        across = [(luma[y, x + step] - luma[y, x]) ** 2 for y in range(11) for x in range(9 - step)]
        down = [(luma[y + step, x] - luma[y, x]) ** 2 for y in range(11 - step) for x in range(9)]
        return float(sum(across) / len(across) + sum(down) / len(down))

    assert sharpness_of(luma) == pytest.approx(4 * energy(1) / energy(4), rel=1e-4)


def test_a_frame_without_edges_has_no_sharpness() -> None:
    """A flat frame, and one too small to have a coarse gradient, have sharpness 0."""
    assert measure([np.full((50, 40, 3), 99, np.uint8)]).sharpness == (0.0,)
    assert measure([_cards()[:4]]).sharpness == (0.0,)


def test_frames_in_another_order_have_the_same_light() -> None:
    """Running a take backwards mirrors its curves and leaves its mean colour alone."""
    frames = [np.roll(_cards(), 3 * i, axis=1) // (1 + i % 3) for i in range(6)]
    there, back = measure(frames), measure(frames[::-1])
    assert back.lumas == there.lumas[::-1]
    assert back.differences == there.differences[::-1]
    assert back.mean_rgb == pytest.approx(there.mean_rgb, abs=0.001)


def test_a_meter_may_be_read_before_the_take_ends(noise: Frames) -> None:
    """What a meter says half-way is what the half take measures."""
    meter = FrameMeter()
    for frame in noise[:3]:
        meter.add(frame)
    assert meter.measures() == measure(noise[:3])
    meter.add(noise[3])
    assert meter.measures() == measure(noise[:4])


def test_no_frames_are_measures_of_nothing() -> None:
    """A take without frames measures as 0 frames of 0 by 0, and does not crash."""
    nothing = measure([])
    assert (nothing.num_frames, nothing.width, nothing.height) == (0, 0, 0)
    assert nothing.contrast == 0
    assert nothing.flickers == ()


def test_a_take_in_short_is_its_frames_levels() -> None:
    """Two flat frames: the mean level, no contrast, and the one step between them."""
    dark, light = np.full((20, 20, 3), 40, np.uint8), np.full((20, 20, 3), 100, np.uint8)

    found = {one.name: one.value for one in measure([dark, light, light]).in_short}

    assert found == pytest.approx(
        {"brightness": 80, "contrast": 0, "movement": 30, "largest jump": 60}, abs=1e-3
    )
    assert measure([dark]).in_short[2].value == 0
    assert measure([]).in_short == ()


def test_measures_survive_storage(noise: Frames) -> None:
    """Measures read back from their JSON are equal, and say their schema."""
    measures = measure(noise)
    assert FrameMeasures.from_json(measures.to_json()) == measures
    assert b'"schema":"FrameMeasures.1"' in measures.to_json()
    assert (measures.width, measures.height) == (33, 45)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 5), np.uint8),
        np.zeros((4, 5, 4), np.uint8),
        np.zeros((4, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_what_is_no_frame_is_refused(frame: NDArray[np.uint8]) -> None:
    """Grey, alpha, floats and emptiness are refused with what came."""
    with pytest.raises(ValueError, match=r"expected RGB bytes, got \w+ of shape"):
        measure([frame])


def test_a_change_of_size_is_refused() -> None:
    """A take whose frames differ in size is refused with both sizes."""
    frames = [np.zeros((4, 5, 3), np.uint8), np.zeros((4, 6, 3), np.uint8)]
    with pytest.raises(ValueError, match=r"\(4, 6\) after frames of \(4, 5\)"):
        measure(frames)


def test_three_seconds_of_film_measure_in_a_blink() -> None:
    """72 frames of 720×1280 take about 50 ms; 400 ms allows for a busy machine."""
    frames = [np.random.default_rng(i).integers(0, 256, (1280, 720, 3), np.uint8) for i in (0, 1)]
    best = 9.0
    for _ in range(3):
        begun = time.process_time()
        meter = FrameMeter()
        for index in range(72):
            meter.add(frames[index % 2])
        meter.measures()
        best = min(best, time.process_time() - begun)
    assert best < 0.4
