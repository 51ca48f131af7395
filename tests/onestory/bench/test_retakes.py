"""What retakes gained, read off ledgers."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from onestory.bench.retakes import (
    BLINDLY,
    BY_VERDICT,
    ShotOutcome,
    compared,
    outcomes_of,
    retakes_table,
)
from onestory.bench.scripts import SHOTS, episode_of
from onestory.continuity.ladder import next_attempt
from onestory.engine_server.stage import Stage
from onestory.engines.painted import PaintedEngine
from onestory.engines.sabotaged import SabotagedEngine
from onestory.production.order import EpisodeOrder
from onestory.production.unit import Unit
from onestory.screenplay.reading import read_screenplay
from onestory.testing.drafts import Beat, Draft
from onestory.testing.in_process import engine_of
from onestory.vault.store import Vault


def outcome(*passed: bool, story: int = 0, rung: str = "new seed") -> ShotOutcome:
    """A shot whose takes cost two seconds each."""
    rungs = ["", *[rung] * (len(passed) - 1)]
    return ShotOutcome(
        story=story,
        takes=tuple(zip(rungs, passed, strict=True)),
        reasons=() if passed[0] else ("identity",),
        seconds=2.0 * len(passed),
        spent_on_retakes=2.0 * (len(passed) - 1),
    )


def test_ng_shots_are_counted_and_those_that_were_rescued() -> None:
    """Three NG of four, one of them rescued by its third take and one by its second."""
    shots = [
        outcome(True),
        outcome(False, False, True),
        outcome(False, False, False, False, story=1),
        outcome(False, True, story=1, rung="stronger guidance"),
    ]
    (row,) = compared({BY_VERDICT: shots})["strategies"]

    assert (row["strategy"], row["shots"], row["ng"]) == (BY_VERDICT, 4, 3)
    assert row["rescued"] == pytest.approx(2 / 3, abs=1e-4)
    assert row["takes_per_circled_shot"] == 2.5
    assert row["seconds_per_circled_shot"] == 5.0
    assert row["rescued_per_minute"] == pytest.approx(60 * 2 / (2 * 6), abs=1e-3)
    assert row["rungs"] == {
        "new seed": {"takes": 5, "passed": 1},
        "stronger guidance": {"takes": 1, "passed": 1},
    }
    assert row["reasons"] == {"identity": {"ng": 3, "rescued": 2}}
    assert not outcome(True, True).is_rescued, "there was nothing to rescue"
    means = {name: (one["mean"], one["stories"]) for name, one in row["intervals"].items()}
    assert means == {
        # Story 0 rescues its only NG shot, in 4 s; story 1 one of two, in 6 s and 2 s.
        "rescued": (0.75, 2),
        "rescued_per_minute": (pytest.approx((15.0 + 7.5) / 2), 2),
        "takes_per_circled_shot": (2.5, 2),
        "seconds_per_circled_shot": (5.0, 2),
    }


def test_without_anything_ng_nothing_was_rescued() -> None:
    """Nobody divides by nothing."""
    (row,) = compared({BLINDLY: [outcome(True), outcome(True, story=1)]})["strategies"]

    assert row["ng"] == 0
    assert row["rescued"] is None
    assert row["rescued_per_minute"] is None
    assert row["intervals"]["rescued"] is None


def test_gains_are_of_the_same_stories() -> None:
    """Two stories alike: no doubt of the gain. Where one of two differs, the interval has room."""
    rescued, lost = outcome(False, True), outcome(False, False, False)
    sure = compared(
        {
            BY_VERDICT: [rescued, outcome(False, True, story=1)],
            BLINDLY: [lost, outcome(False, False, False, story=1)],
        }
    )["gains"]
    assert sure["rescued"] == {"gain": 1.0, "low": 1.0, "high": 1.0}
    assert sure["rescued_per_minute"]["gain"] == pytest.approx(30.0)

    other = [outcome(False, True, story=1)]
    unsure = compared({BY_VERDICT: [rescued, *other], BLINDLY: [lost, *other]})["gains"]["rescued"]
    assert (unsure["gain"], unsure["low"], unsure["high"]) == (0.5, 0.0, 1.0)

    # Each draws the same stories: where both do the same, chance tells them apart nowhere.
    equal = compared({BY_VERDICT: [lost, *other], BLINDLY: [lost, *other]})["gains"]
    assert equal["rescued"] == {"gain": 0.0, "low": 0.0, "high": 0.0}

    # Draws without anything to rescue, here of the second story alone, say nothing.
    good = [outcome(True, story=1)]
    some = compared({BY_VERDICT: [rescued, *good], BLINDLY: [lost, *good]})["gains"]
    assert some["rescued"] == {"gain": 1.0, "low": 1.0, "high": 1.0}

    nothing = {BY_VERDICT: [outcome(True)], BLINDLY: [outcome(True)]}
    assert compared(nothing)["gains"] == {}


def test_the_tables_say_what_each_rung_gained() -> None:
    """A row for each strategy, one sentence for each gain, and how often each rung helped."""
    outcomes = {
        BY_VERDICT: [outcome(False, False, True, story=number) for number in range(2)],
        BLINDLY: [outcome(False, number == 0, story=number) for number in range(2)],
    }
    outcomes[BY_VERDICT] = [
        replace(one, takes=(*one.takes[:2], ("stronger guidance", True)))
        for one in outcomes[BY_VERDICT]
    ]

    text = retakes_table({"stories": 2, "first": 0, "engine": "pocket", **compared(outcomes)})

    assert (
        f"| {BY_VERDICT} | 2 | 2 | 1.000 ± 0.000 | 3.000 ± 0.000 | 6.000 ± 0.000 | 15.000" in text
    )
    assert f"| {BLINDLY} | 2 | 2 | 0.500 ± 0.500 |" in text
    assert f"{BY_VERDICT} rescues +0.500 more of NG shots than {BLINDLY} (+0.000 to +1.0" in text
    assert f"{BY_VERDICT} rescues +0.000 more a minute of retakes than {BLINDLY} (-15.0" in text
    rungs = [("new seed", 2, 0), ("stronger guidance", 2, 2)]
    assert "\n".join(f"| {BY_VERDICT} | {' | '.join(map(str, row))} |" for row in rungs) in text
    assert f"| {BLINDLY} | new seed | 2 | 1 |" in text
    assert f"| {BY_VERDICT} | identity | 2 | 2 |\n| {BLINDLY} | identity | 2 | 1 |" in text

    good = {name: [outcome(True)] for name in outcomes}
    nothing = retakes_table({"stories": 1, "first": 0, "engine": "pocket", **compared(good)})
    assert f"| {BLINDLY} | 1 | 0 | – |" in nothing
    assert "rescues" not in nothing


def test_a_ledger_tells_what_became_of_every_shot(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """One shot black at first and then good, one good at once."""
    draft = Draft(beats=(Beat(action="waves"), Beat(action="dances")))
    engine = SabotagedEngine(
        PaintedEngine(), {"waves": ["black"]}, state=str(tmp_path / "played.json")
    )

    async def film() -> tuple[list[ShotOutcome], list[float]]:
        """Film and judge until every shot has a take that passed; with the seconds of each take."""
        unit = Unit(vault, engine_of(Stage(engine, vault)), None)
        order = EpisodeOrder(
            script=str(draft.written(tmp_path / "script.json", episode=episode_id)),
            has_scratch_voice=False,
            width=48,
            height=80,
        )
        sheet = await unit.read_through(await unit.break_down(order))
        for slate in sheet.slates:
            tried = [1]
            while True:
                take = await unit.shoot(sheet, slate, attempt=tried[-1])
                verdict = await unit.judge(sheet, take)
                if verdict.is_passed:
                    break
                tried.append(next_attempt(tried, verdict.reasons))
            await unit.circle(sheet, take)
        found = [
            unit.records.takes([entry.address])[entry.address].timings
            for slate in sheet.slates
            for entry in unit.records.ledger(sheet.episode).state.shot(slate).takes
        ]
        seconds = [one.render_seconds + one.encode_seconds + one.store_seconds for one in found]
        return outcomes_of(unit, sheet, story=3), seconds

    (first, second), (bad, retake, good) = asyncio.run(film())

    assert first.takes == (("", False), ("new seed", True))
    assert first.reasons[0] == "black"
    assert first.is_rescued
    assert (first.seconds, first.spent_on_retakes) == (round(bad + retake, 3), round(retake, 3))
    assert (second.seconds, min(bad, retake, good) > 0) == (round(good, 3), True)
    assert (second.takes, second.is_ng, second.spent_on_retakes) == ((("", True),), False, 0)
    assert (first.story, second.story) == (3, 3)


def test_stories_become_scripts(tmp_path: Path) -> None:
    """A shot list that the breakdown reads, the same each time, with one action changed."""
    for number in range(3):
        path = tmp_path / "script.json"
        told = episode_of(number)
        path.write_text(json.dumps(told))
        assert len(read_screenplay(path, episode=None).scenes) >= 1
        assert told == episode_of(number)
        changed = episode_of(number, changed=4)
        differ = [a != b for a, b in zip(told["shots"], changed["shots"], strict=True)]
        assert differ == [shot == 4 for shot in range(SHOTS)]
