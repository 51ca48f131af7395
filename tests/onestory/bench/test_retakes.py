"""What retakes gained, read off ledgers."""

import asyncio
import json
from pathlib import Path

import pytest

from onestory.bench.retakes import BLINDLY, BY_VERDICT, ShotOutcome, compared, outcomes_of
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


def outcome(
    *passed: bool, story: int = 0, rung: str = "new seed", seconds: float = 2.0
) -> ShotOutcome:
    """A shot whose takes each cost the same."""
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
    assert row["intervals"]["rescued"]["stories"] == 2


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

    nothing = {BY_VERDICT: [outcome(True)], BLINDLY: [outcome(True)]}
    assert compared(nothing)["gains"] == {}


def test_a_ledger_tells_what_became_of_every_shot(
    vault: Vault, episode_id: str, tmp_path: Path
) -> None:
    """One shot black at first and then good, one good at once."""
    draft = Draft(beats=(Beat(action="waves"), Beat(action="dances")))
    engine = SabotagedEngine(
        PaintedEngine(), {"waves": ["black"]}, state=str(tmp_path / "played.json")
    )

    async def film() -> list[ShotOutcome]:
        """Film and judge until every shot has a take that passed."""
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
        return outcomes_of(unit, sheet, story=3)

    first, second = asyncio.run(film())

    assert first.takes == (("", False), ("new seed", True))
    assert first.reasons[0] == "black"
    assert first.is_rescued
    assert 0 < first.spent_on_retakes < first.seconds
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
