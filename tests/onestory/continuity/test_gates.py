"""Gates pass what is good, reject what is broken, and never pass what they could not read."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from onestory.continuity.content import CONTENT_GATES
from onestory.continuity.gates import (
    GATE_NAMES,
    GateThresholds,
    gates_fingerprint,
    is_unreadable,
    judge,
    longest_still_run,
)
from onestory.continuity.measures import measure
from onestory.documents import Digest
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import GateResult, NgReason, Verdict

Frames = list[NDArray[np.uint8]]


def _recipe(num_frames: int = 48, width: int = 54, height: int = 96, fps: str = "24") -> Recipe:
    nothing = Digest("sha256:" + "0" * 64)
    engine = EngineFingerprint(name="previz", weights="none", config=nothing, recipe_version=1)
    return Recipe(
        engine=engine,
        caption="a man walks",
        seed=5,
        width=width,
        height=height,
        num_frames=num_frames,
        fps=fps,
    )


def _walk(num_frames: int = 48, width: int = 54, height: int = 96) -> Frames:
    """A figure walks through a street of coloured houses."""
    chance = np.random.default_rng(11)
    street = np.full((height, width, 3), (150, 190, 220), np.uint8)
    for left in range(0, width, 9):
        street[chance.integers(20, 50) : 80, left : left + 8] = chance.integers(40, 220, 3)
    street[80:] = (90, 80, 70)
    frames = []
    for index in range(num_frames):
        frame = street.copy()
        left = 3 + index % (width - 12)
        frame[50:90, left : left + 8] = (200, 60, 50)
        frames.append(frame)
    return frames


def _verdict(frames: Frames, recipe: Recipe | None = None, **kwargs: Any) -> Verdict:
    return judge(recipe or _recipe(), measure(frames), **kwargs)


def _result(verdict: Verdict, gate: str) -> GateResult:
    return {result.gate: result for result in verdict.results}[gate]


CONTENT = tuple(
    GateResult(
        gate=gate, value=0.9, threshold=0.5, unit="likeness", is_passed=True, evidence="Alike."
    )
    for gate in CONTENT_GATES
)


def test_a_take_that_nobody_looks_at_says_so() -> None:
    """Without encoders the content gates did not run, which neither passes nor fails."""
    verdict = _verdict(_walk())
    assert verdict.is_passed
    for gate in CONTENT_GATES:
        assert _result(verdict, gate).is_passed is None
        assert "nobody looks" in _result(verdict, gate).evidence


def test_what_a_take_shows_decides_before_how_it_looks() -> None:
    """A wrong person is a worse reason than a soft picture, and a better one than a frozen one."""
    wrong = CONTENT[0].model_copy(update={"is_passed": False, "reason": NgReason.IDENTITY})
    soft = [np.full_like(frame, 90) for frame in _walk()]
    verdict = _verdict(soft, content=(wrong, *CONTENT[1:]))
    assert verdict.reasons == (NgReason.FROZEN, NgReason.IDENTITY, NgReason.SOFT)


def test_a_good_take_passes_with_numbers_for_everything() -> None:
    """A good take passes every gate, each with value, threshold, unit and a sentence."""
    verdict = _verdict(_walk(), anchor=measure(_walk()), content=CONTENT)
    assert verdict.is_passed
    assert verdict.reasons == ()
    assert verdict.badness == 0
    assert tuple(result.gate for result in verdict.results) == GATE_NAMES
    for result in verdict.results:
        assert result.is_passed
        assert result.value is not None
        assert result.threshold is not None
        assert result.unit
        assert result.evidence.endswith(".")
        assert result.frames == ()


def test_a_verdict_names_its_take_and_its_gates() -> None:
    """A verdict carries the recipe's digest and the fingerprint of the gates that spoke."""
    thresholds = GateThresholds(most_flicker=7.0)
    verdict = _verdict(_walk(), thresholds=thresholds)
    assert verdict.take == _recipe().digest
    assert verdict.gates == gates_fingerprint(thresholds)
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_without_an_anchor_the_drift_gates_say_that_they_did_not_run() -> None:
    """The first shot of a scene passes on the other gates; drift did not run, with its cause."""
    verdict = _verdict(_walk())
    assert verdict.is_passed
    for gate in ("colour drift", "contrast drift"):
        result = _result(verdict, gate)
        assert result.is_passed is None
        assert result.value is None
        assert "no circled take" in result.evidence
    empty = _verdict(_walk(), anchor=measure([]))
    assert _result(empty, "colour drift").is_passed is None


@pytest.mark.parametrize("frames", [None, []])
def test_what_could_not_be_read_never_passes(frames: Frames | None) -> None:
    """Unreadable media and media without frames have one reason; every other gate did not run."""
    verdict = judge(_recipe(), None if frames is None else measure(frames), anchor=measure(_walk()))
    assert not verdict.is_passed
    assert verdict.reasons == (NgReason.UNREADABLE,)
    assert is_unreadable(verdict)
    assert [result.is_passed for result in verdict.results] == [False] + [None] * 14
    assert all("Did not run" in result.evidence for result in verdict.results[1:])


@pytest.mark.parametrize("num_frames", [47, 49, 1])
def test_a_wrong_length_is_no_good(num_frames: int) -> None:
    """One frame too few, one too many, and a single frame are all of the wrong length."""
    verdict = _verdict(_walk(num_frames))
    assert verdict.reasons[0] is NgReason.WRONG_LENGTH
    assert _result(verdict, "length").evidence.startswith(f"{num_frames} frames came, 48")
    assert not is_unreadable(verdict)


def test_a_wrong_size_is_no_good_even_if_only_turned() -> None:
    """A take on its side has as many pixels as one upright, and is still of the wrong size."""
    recipe = _recipe(width=96, height=54)
    verdict = _verdict(_walk(), recipe)
    assert verdict.reasons == (NgReason.WRONG_SIZE,)
    assert _result(verdict, "size").value == 84
    assert "54×96 came, 96×54" in _result(verdict, "size").evidence


@pytest.mark.parametrize("level", [0, 12])
def test_a_black_take_is_black_before_all_else(level: int) -> None:
    """A black take, pure or a video's dark grey, is NG and black comes first of its reasons."""
    frames = [np.full((96, 54, 3), level, np.uint8)] * 48
    verdict = _verdict(frames)
    assert verdict.reasons == (NgReason.BLACK, NgReason.FROZEN, NgReason.SOFT)
    assert _result(verdict, "black").value == 1.0


def test_a_few_black_frames_are_named() -> None:
    """Two black frames in the middle are NG, and the evidence says which they are."""
    frames = _walk()
    for index in (20, 21):
        frames[index] = np.zeros_like(frames[index])
    result = _result(_verdict(frames), "black")
    assert result.is_passed is False
    assert result.frames == (20, 21)
    assert result.value == pytest.approx(2 / 48, abs=1e-4)


def test_one_black_frame_is_a_flash() -> None:
    """A single dropped frame is too small a share to be black, but its flash is caught."""
    frames = _walk(72)
    frames[20] = np.zeros_like(frames[20])
    verdict = _verdict(frames, _recipe(72))
    assert verdict.reasons == (NgReason.FLICKER,)
    assert _result(verdict, "flicker").frames == (19, 20, 21)


def test_a_dark_night_is_not_black() -> None:
    """A night scene with one lit window passes the black gate."""
    frames = [(frame // 12).astype(np.uint8) for frame in _walk()]
    for frame in frames:
        frame[30:40, 10:20] = (250, 220, 120)
    assert _result(_verdict(frames), "black").is_passed


def test_a_frozen_take_is_frozen() -> None:
    """One picture held for the whole take is NG, however short the take."""
    for num_frames in (48, 6):
        frames = _walk()[:1] * num_frames
        verdict = _verdict(frames, _recipe(num_frames))
        assert verdict.reasons == (NgReason.FROZEN,)
        assert _result(verdict, "frozen").value == num_frames


def test_a_take_that_stops_half_way_is_frozen() -> None:
    """A take that stops moving is NG, and the evidence says from which frame on."""
    frames = _walk()[:16] + _walk()[15:16] * 32
    result = _result(_verdict(frames), "frozen")
    assert result.reason is NgReason.FROZEN
    assert (result.value, result.threshold) == (33, 30)
    assert result.frames[0] == 15


def test_a_hold_of_just_the_limit_passes() -> None:
    """Thirty frames of one pose at 24 a second are as long as a hold may be."""
    frames = _walk()[:19] + _walk()[18:19] * 29
    result = _result(_verdict(frames), "frozen")
    assert (result.value, result.threshold, result.is_passed) == (30, 30, True)


def test_the_noise_of_a_codec_does_not_hide_a_freeze() -> None:
    """A frozen take with one grey level of noise is still frozen."""
    chance = np.random.default_rng(0)
    still = _walk()[0].astype(np.int16)
    frames = [
        np.clip(still + chance.integers(-1, 2, still.shape), 0, 255).astype(np.uint8)
        for _ in range(48)
    ]
    assert NgReason.FROZEN in _verdict(frames).reasons


def test_a_still_close_up_that_blinks_passes() -> None:
    """Somebody who only blinks once a second is not frozen."""
    frames = [_walk()[0].copy() for _ in range(72)]
    for index in range(0, 72, 24):
        frames[index][30:32, 20:24] = 0
    assert _result(_verdict(frames, _recipe(72)), "frozen").is_passed


def test_drawings_held_for_two_frames_pass() -> None:
    """A cartoon drawn on twos moves well enough."""
    frames = [frame for frame in _walk(24) for _ in range(2)]
    assert _verdict(frames).is_passed


def test_the_longest_hold_follows_the_frame_rate() -> None:
    """The same hold of 33 frames is too long at 24 a second and fine at 30000/1001."""
    frames = _walk()[:16] + _walk()[15:16] * 32
    assert not _result(_verdict(frames, _recipe(fps="24")), "frozen").is_passed
    assert _result(_verdict(frames, _recipe(fps="30000/1001")), "frozen").is_passed


def test_flickering_light_is_no_good() -> None:
    """Light that swings by six levels every frame is NG; the same take steady is not."""
    frames = [
        np.clip(frame.astype(np.int16) + 6 * (-1) ** index, 0, 255).astype(np.uint8)
        for index, frame in enumerate(_walk())
    ]
    assert _verdict(frames).reasons == (NgReason.FLICKER,)


def test_a_slow_fade_does_not_flicker() -> None:
    """A take that gets steadily darker passes the flicker gate."""
    frames = [
        (frame * (1 - 0.6 * index / 48)).astype(np.uint8) for index, frame in enumerate(_walk())
    ]
    assert _result(_verdict(frames), "flicker").is_passed


def test_a_blurred_take_is_soft() -> None:
    """A take blurred beyond recognition is NG for softness alone."""
    blurred = []
    for frame in _walk():
        smooth = frame.astype(np.float32)
        for axis in (0, 1, 0, 1, 0, 1):
            smooth = np.asarray(sum(np.roll(smooth, step, axis) for step in range(-4, 5)) / 9)
        blurred.append(smooth.astype(np.uint8))
    assert _verdict(blurred).reasons == (NgReason.SOFT,)


def test_a_colour_cast_is_drift() -> None:
    """The same street turned green is NG against its scene's anchor, and only for its colour."""
    anchor = measure(_walk())
    cast = [(frame * np.array([0.35, 1.0, 0.35])).astype(np.uint8) for frame in _walk()]
    verdict = _verdict(cast, anchor=anchor)
    assert verdict.reasons == (NgReason.COLOUR_DRIFT,)
    assert "anchor" in _result(verdict, "colour drift").evidence


def test_washed_out_contrast_is_drift() -> None:
    """The same street in a fog is NG against its scene's anchor, whichever of them is the fog."""
    clear = _walk()
    foggy = [(frame // 4 + 115).astype(np.uint8) for frame in clear]
    for take, anchor in ((foggy, clear), (clear, foggy)):
        verdict = _verdict(take, anchor=measure(anchor))
        assert NgReason.CONTRAST_DRIFT in verdict.reasons
        assert _result(verdict, "contrast drift").value == pytest.approx(4, abs=0.2)


def test_worse_takes_have_more_badness() -> None:
    """The further a gate is over its limit, the worse the take."""
    shades = [_verdict(_walk()[: 48 - missing]).badness for missing in (0, 4, 20)]
    assert shades == sorted(shades)
    assert len(set(shades)) == 3


def test_every_threshold_changes_the_fingerprint() -> None:
    """No threshold can be moved without every take being judged again."""
    default = GateThresholds()
    prints = {gates_fingerprint(default)}
    names = list(GateThresholds.__dataclass_fields__)
    for name in names:
        value = getattr(default, name)
        changed = {name: value / 2 if name == "most_black" else value + 1}
        prints.add(gates_fingerprint(GateThresholds(**changed)))
    assert len(prints) == len(names) + 1


def test_every_threshold_is_used() -> None:
    """Moving any one threshold to its strictest makes a good take fail."""
    good, anchor = _walk(), measure([frame // 2 + 30 for frame in _walk()])
    strictest: dict[str, float] = {
        "still_change": 255,
        "most_still_seconds": 0,
        "most_flicker": 0,
        "least_sharpness": 5,
        "most_colour_drift": 0,
        "most_contrast_drift": 1,
        "black_level": 255,
        "most_black": 0,
    }
    assert set(strictest) == set(GateThresholds.__dataclass_fields__)
    good[3] = np.zeros_like(good[3])
    good[7] = good[8]
    good[0] = (good[0] // 8 + 200).astype(np.uint8)
    lax: dict[str, float] = {"most_flicker": 99, "most_black": 0.5}
    assert _verdict(good, anchor=anchor, thresholds=GateThresholds(**lax)).is_passed
    for name, value in strictest.items():
        verdict = _verdict(good, anchor=anchor, thresholds=GateThresholds(**{**lax, name: value}))
        assert not verdict.is_passed, name


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("most_black", 1.5, r"share in \[0, 1\], got 1.5"),
        ("most_contrast_drift", 0.5, "ratio >= 1, got 0.5"),
        ("most_flicker", -1.0, "finite and not negative"),
        ("still_change", float("nan"), "finite and not negative"),
    ],
)
def test_senseless_thresholds_are_refused(name: str, value: float, message: str) -> None:
    """A threshold that nothing could pass or fail is refused with its number."""
    with pytest.raises(ValueError, match=message):
        GateThresholds(**{name: value})


def test_the_longest_run_is_the_earliest_of_the_longest() -> None:
    """Runs are counted in frames; of two equally long the first is named."""
    assert longest_still_run((9.0, 0.0, 0.0, 9.0, 0.0, 0.0), 2.0) == (1, 3)
    assert longest_still_run((9.0, 9.0), 2.0) == (0, 1)
    assert longest_still_run((0.0, 0.0), 2.0) == (0, 3)
