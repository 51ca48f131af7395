"""Gates are asked of takes whose faults are known, and their limits are drawn by half of them."""

from dataclasses import replace

import numpy as np
import pytest

from onestory.bench.asking import GOOD, Asked
from onestory.bench.cases import Case, cases
from onestory.bench.faults import (
    FRAME_FAULTS,
    black,
    colour_cast,
    cut_off,
    flickering,
    frozen,
    soft,
    with_other_hair,
)
from onestory.bench.gates import (
    ANY,
    MEANT,
    Found,
    curves_of,
    examine,
    gates_table,
    limits_of,
    told_apart,
    worth_asking,
)
from onestory.continuity.content import CONTENT_GATES, Limit
from onestory.continuity.gates import GATE_NAMES
from onestory.continuity.measures import measure
from onestory.evaluation.footage import Frames, real_frames
from onestory.storyworld.stories import Telling
from onestory.testing.eyes import CoarseEyes


def asked(values: list[float], fault: str = GOOD, gate: str = "identity") -> list[Asked]:
    """What a content gate said of so many takes."""
    start = 1000 * (1 + sorted({GOOD, *MEANT}).index(fault))
    return [
        Asked(0, start + number, gate, fault, value, True) for number, value in enumerate(values)
    ]


def test_a_limit_keeps_the_false_alarms_that_were_agreed_on() -> None:
    """Of a hundred good takes at most five lie under it, and the limit says how many did."""
    good = asked([number / 100 for number in range(100)])

    limit = limits_of(good)["identity"]
    strict = limits_of(good, false_alarm=0.2)["identity"]

    assert limit.num_good == 100
    assert sum(one.value < limit.least for one in good) <= 5
    assert limit.false_alarm <= 0.05
    assert strict.least > limit.least
    assert limits_of(asked([0.1], "wrong person")) == {}


def test_recall_and_false_alarms_are_shares() -> None:
    """Nine in ten bad takes found, one in ten good ones called NG: precision is nine in ten."""
    good, bad = asked([0.9] * 9 + [0.1]), asked([0.2] * 9 + [0.8], "wrong person")
    limits = {"identity": Limit(least=0.5, false_alarm=0.05, num_good=40)}

    row, whole = told_apart([*good, *bad], limits, "drawn")

    assert (row["gate"], row["fault"], row["source"]) == ("identity", "wrong person", "drawn")
    assert (row["recall"], row["false_alarm"], row["precision"]) == (0.9, 0.1, 0.9)
    assert row["area"] == pytest.approx(0.9 * 0.9 + 0.1 * 0.0, abs=0.1)
    assert (row["good"], row["bad"]) == (10, 10)
    assert row["recall_at"] == 0.0, "no more than 5 % of ten good takes is none: the limit is 0.1"
    assert (whole["gate"], whole["recall"]) == (ANY, 0.9)


def test_the_table_says_how_well_each_gate_finds_each_fault() -> None:
    """A row for a gate and a fault, under its source and its limits; what is unknown is empty."""
    good, bad = asked([0.9] * 9 + [0.1]), asked([0.2] * 9 + [0.8], "wrong person")
    limits = {"identity": Limit(least=0.5, false_alarm=0.05, num_good=40)}

    text = gates_table(
        {
            "stories": 4,
            "encoders": "sha256:0123",
            "weights": "sha256:4567",
            "asked": ["identity"],
            "limits": {"pocket": {"identity": limits["identity"].model_dump(mode="json")}},
            "gates": told_apart([*good, *bad], limits, "pocket"),
        }
    )

    assert "Takes: pocket. Limits, and by how many good takes: identity 0.500 (40)." in text
    assert "| wrong person | identity | 0.900 | 0.100 | 0.900 | 0.900 | 0.000 | 10 | 10 |" in text
    assert "| wrong person | any | 0.900 | 0.100 | 0.900 |  |  | 10 | 10 |" in text
    assert "Asked of pocket's takes from then on: identity." in text


def test_a_gate_that_adds_nothing_is_not_asked() -> None:
    """Nor is one that finds enough, but only what another answers for: both only cost retakes."""
    answers = [
        *asked([0.9, 0.9], gate="identity"),
        *asked([0.1, 0.9], "wrong person", gate="identity"),
        *asked([0.9, 0.9], gate="place"),
        *asked([0.9, 0.8, 0.7, 0.1], "wrong place", gate="place"),
        *asked([0.9, 0.9], gate="motion"),
        *asked([0.1, 0.1], "frozen", gate="motion"),
        *asked([0.9, 0.9], gate="caption"),
        *asked([0.1, 0.1], "wrong caption", gate="caption"),
    ]
    limit = Limit(least=0.5, false_alarm=0.0, num_good=2)
    gates = ("identity", "place", "motion", "caption")
    found = Found(limits=dict.fromkeys(gates, limit), asked=answers)

    assert worth_asking(found, "drawn") == {"identity": limit}


def test_one_gate_is_enough_for_a_verdict() -> None:
    """A take is NG as a whole if any of its gates says so."""
    both = [
        Asked(0, 1, "identity", "cut-off figure", 0.9, True),
        Asked(0, 1, "black", "cut-off figure", 0.5, False),
        Asked(0, 2, "identity", "cut-off figure", 0.9, True),
        *asked([0.9, 0.9]),
    ]
    limits = {"identity": Limit(least=0.5, false_alarm=0.0, num_good=2)}

    rows = {row["gate"]: row for row in told_apart(both, limits, "drawn")}

    assert rows["identity"]["recall"] == 0.0
    assert rows[ANY]["recall"] == 0.5


def test_the_curve_runs_from_nothing_to_everything() -> None:
    """It never falls, and its ends are fixed."""
    curves = curves_of([*asked([0.9, 0.5, 0.7]), *asked([0.6, 0.1], "wrong person")])

    alarms, recalls = curves["identity: wrong person"]
    assert (alarms[0], recalls[0], alarms[-1], recalls[-1]) == (0, 0, 1, 1)
    assert alarms == sorted(alarms)
    assert recalls == sorted(recalls)


def test_every_fault_is_meant_for_a_gate_that_exists() -> None:
    """Nothing is put into a take that no gate is asked to find."""
    assert {gate for gates in MEANT.values() for gate in gates} <= set(GATE_NAMES)
    assert set(FRAME_FAULTS) <= set(MEANT)


def test_faults_are_as_strong_as_they_say(told: list[Case]) -> None:
    """Each does what it is called, in the numbers of the meter, and leaves size and length."""
    frames = real_frames(told[0].story.shots[0].scene)
    good = measure(frames)
    for put_into in (black, frozen, flickering, colour_cast, soft, cut_off):
        before = frames.copy()
        assert put_into(frames).shape == frames.shape
        assert np.array_equal(frames, before), "the good take stays good"
    assert sum(level == 0 for level in measure(black(frames)).highlights) == len(frames) // 3
    assert measure(frozen(frames)).dynamic_degree == 0
    assert np.mean(measure(flickering(frames)).flickers) > 5 * max(0.5, np.mean(good.flickers))
    red, green, _ = measure(colour_cast(frames)).mean_rgb
    assert red == pytest.approx(0.4 * good.mean_rgb[0], abs=1)
    assert green == pytest.approx(good.mean_rgb[1], abs=0.5)
    assert np.median(measure(soft(frames)).sharpness) < 0.5 * np.median(good.sharpness)
    moved = cut_off(frames)
    assert np.array_equal(moved[:, 0], frames[:, round(0.35 * frames.shape[1])])


def test_other_hair_is_all_that_changes(told: list[Case]) -> None:
    """Style and colour are others, the person and everybody else are not."""
    scene = next(shot.scene for case in told for shot in case.story.shots if shot.people)
    name = scene.performers[0].name
    other = with_other_hair(scene, name)

    before, after = scene.performers[0].look, other.performers[0].look
    assert before.hair_style != after.hair_style
    assert before.hair_colour != after.hair_colour
    assert (before.age, before.top, before.skin) == (after.age, after.top, after.skin)
    assert other.performers[1:] == scene.performers[1:]
    performer = scene.performers[0]
    dyed = replace(performer, look=replace(performer.look, hair_colour="purple"))
    assert with_other_hair(replace(scene, performers=(dyed, *scene.performers[1:])), name) != scene
    with pytest.raises(ValueError, match="nobody is not among"):
        with_other_hair(scene, "nobody")


def test_takes_with_faults_are_found() -> None:
    """Real shots, every fault, all gates: what needs no encoder is found without fail."""

    def films(case: Case) -> list[Frames]:
        return [real_frames(shot.scene) for shot in case.story.shots]

    told = cases(4, telling=Telling(num_shots=4))
    found = examine(told, films, CoarseEyes(), "drawn", say=lambda _: None)
    rows = {
        (row["fault"], row["gate"]): row for row in told_apart(found.asked, found.limits, "drawn")
    }

    assert set(found.limits) == set(CONTENT_GATES)
    for fault, gate in (("black", "black"), ("frozen", "frozen"), ("flicker", "flicker")):
        assert rows[fault, gate]["recall"] == 1.0
        assert rows[fault, gate]["false_alarm"] == 0.0
    assert rows["frozen", "motion"]["recall"] == 1.0
    assert rows["wrong place", "place"]["bad"] > 0
    assert rows["wrong person", "identity"]["bad"] > 0
    with pytest.raises(ValueError, match="two halves need two stories each, got 3"):
        examine(told[:3], films, CoarseEyes(), "drawn", say=lambda _: None)
