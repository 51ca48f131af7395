"""A season is admitted and reported on a real vault, with an engine that films in this process."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from onestory.documents import Digest
from onestory.engine_server.stage import Stage
from onestory.engines.remembering import RememberingEngine
from onestory.errors import OrderError
from onestory.production.night import (
    Admission,
    Outcome,
    admissions_in_markdown,
    admit,
    refuse_unless_all,
    report,
    report_in_markdown,
    standing_in_markdown,
)
from onestory.production.order import EpisodeOrder
from onestory.production.season import Season, SeasonEpisode
from onestory.production.unit import Unit
from onestory.testing.in_process import engine_of
from onestory.vault.history import versions_of
from onestory.vault.store import Vault

SILVER = "a young woman with green hair and a silver coat"


def _unit(vault: Vault, run: str = "") -> Unit:
    return Unit(vault, engine_of(Stage(RememberingEngine(), vault)), None, run=run)


def _script(path: Path, look: str = "") -> str:
    note = f"[[look: MARA: {look}]]\n\n" if look else ""
    path.write_text(f"Title: {path.stem}\n\n{note}INT. KITCHEN - DAY\n\nMara waves.\n")
    return str(path)


@pytest.fixture(name="season")
def _season(tmp_path: Path, episode_id: str) -> Season:
    """Two episodes; the second one takes the looks of the first."""
    four, five = (f"{episode_id}-{one}" for one in ("four", "five"))
    common = {"width": 48, "height": 80, "has_scratch_voice": False}
    episodes: list[dict[str, Any]] = [
        {"episode": five, "script": _script(tmp_path / "five.fountain"), "imports": [four]},
        {"episode": four, "script": _script(tmp_path / "four.fountain", SILVER)},
    ]
    return Season(
        season=episode_id,
        title="Two | nights",
        out=str(tmp_path / "films"),
        episodes=tuple(SeasonEpisode.model_validate(common | one) for one in episodes),
    )


async def _admitted(unit: Unit, season: Season) -> dict[str, Admission]:
    found: dict[str, Admission] = {}
    for episode in season.in_turn():
        found[episode.episode] = await admit(unit, episode, found, None)
    return found


async def _film(unit: Unit, episode: SeasonEpisode) -> None:
    """Film an episode, but do not cut it."""
    sheet = await unit.read_through(await unit.break_down(episode.order))
    for shot in (await unit.survey(sheet)).shots:
        take = await unit.shoot(sheet, shot.slate, attempt=1)
        await unit.judge(sheet, take)
        await unit.circle(sheet, take)


def test_looks_are_known_before_anything_is_filmed(vault: Vault, season: Season) -> None:
    """An episode is planned with the looks of one that is only a script yet; nothing is entered."""
    five, four = (one.episode for one in season.episodes)
    unit = _unit(vault)

    found = asyncio.run(_admitted(unit, season))

    assert list(found) == [four, five]
    refuse_unless_all(season, [*found.values()])
    assert "| 1 of 1 shots |" in admissions_in_markdown([*found.values()])
    document = found[five].document
    assert document is not None
    assert json.loads(vault.get_blob(document))["cast"][0]["look"] == SILVER
    assert [unit.records.ledger(name).history() for name in (four, five)] == [[], []]


def test_an_import_is_recorded(vault: Vault, season: Season) -> None:
    """The ledger says whose looks were taken from which breakdown, once for each breakdown."""
    five, four = season.episodes
    unit = _unit(vault)

    async def story() -> None:
        """What happens, in order."""
        for episode in (four, five, five):
            await unit.read_through(await unit.break_down(episode.order))

    asyncio.run(story())

    told = [one.what for one in versions_of(unit.records.ledger(five.episode).history())]
    assert told.count(f"looks of MARA, KITCHEN taken from {four.episode}") == 1
    assert told[-1] == "script broken down and read through"
    state, source = unit.records.ledger(five.episode).state, unit.records.ledger(four.episode).state
    assert state.imports == {four.episode: source.episode}
    (imported,) = unit.records.sheet_of(five.episode).imports
    assert (imported.document, imported.names) == (source.episode, ("MARA", "KITCHEN"))


def test_another_look_makes_an_importer_stale(vault: Vault, season: Season, tmp_path: Path) -> None:
    """A new coat in episode four is planned, and filmed, in episode five, too."""
    five, four = season.episodes
    unit = _unit(vault)

    async def to_film() -> list[int]:
        """What would be filmed of four and five."""
        found = await _admitted(_unit(vault), season)
        return [found[one.episode].to_film for one in (four, five)]

    async def story() -> None:
        """What happens, in order."""
        for episode in (four, five):
            await _film(unit, episode)
        assert await to_film() == [0, 0]
        _script(tmp_path / "four.fountain", SILVER.replace("silver", "red"))
        assert await to_film() == [1, 1]

    asyncio.run(story())


def test_memory_goes_on_in_the_next_episode(vault: Vault, season: Season) -> None:
    """
    Its first shot remembers the last take of whom it imports, and says so; if that is another
    take later on, the shot is stale, and the plan names the frame.
    """
    five, four = season.episodes
    unit = _unit(vault)

    async def story() -> None:
        """What happens, in order."""
        await _film(unit, four)
        await _film(unit, five)
        lent, own = (
            next(iter(unit.records.takes([entry.address]).values()))
            for name in (four.episode, five.episode)
            for entry in unit.records.ledger(name).state.shot("sc01-sh001").takes
        )
        assert {frame.take for frame in own.lineage} == {lent.address}
        told = [one.what for one in versions_of(unit.records.ledger(five.episode).history())]
        shot = f"{four.episode}/sc01-sh001"
        words = f"looks of MARA, KITCHEN taken from {four.episode}: {shot} remembered"
        assert told.count(words) == 1
        (one,) = (await unit.survey(unit.records.sheet_of(five.episode))).shots
        assert one.freshness == "current"

        sheet = unit.records.sheet_of(four.episode)
        other = await unit.shoot(sheet, "sc01-sh001", attempt=2)
        await unit.judge(sheet, other)
        await unit.circle(sheet, other)
        again = await _unit(vault).break_down(five.order)
        (one,) = (await unit.survey(await unit.read_through(again))).shots
        assert one.freshness == "stale"
        assert f"frame 1 of {shot} changed" in one.why

    asyncio.run(story())


def test_what_is_carried_over(vault: Vault, season: Season, tmp_path: Path) -> None:
    """Nothing of another size, nothing for a shot that shows nobody and no place of it."""
    five, four = season.episodes
    other = "[[look: JONAS: a green coat]]\n\nINT. ATTIC - DAY\n\nJonas waves.\n\n"
    kitchen = "INT. KITCHEN - DAY\n\nMara waves.\n"
    (tmp_path / "five.fountain").write_text(f"Title: five\n\n{other}{kitchen}")
    unit = _unit(vault)

    async def remembered(order: EpisodeOrder) -> list[set[Digest]]:
        """What the shots of five remember of the takes of four."""
        sheet = await unit.read_through(await unit.break_down(order))
        found = []
        for slate in sheet.slates:
            take = await unit.shoot(sheet, slate, attempt=1)
            await unit.judge(sheet, take)
            await unit.circle(sheet, take)
            (made,) = unit.records.takes([take.address]).values()
            lent = unit.records.ledger(four.episode).state.shot("sc01-sh001").takes
            found.append({one.take for one in made.lineage} & {one.address for one in lent})
        return found

    async def story() -> None:
        """What happens, in order."""
        await _film(unit, four)
        attic, kitchen = await remembered(five.order)
        (imported,) = unit.records.sheet_of(five.episode).imports
        (carried,) = imported.takes
        shots = unit.records.episode_of(unit.records.sheet_of(five.episode)).shots
        assert [carried.tells_of(shot) for shot in shots] == [False, True]
        assert (len(attic), len(kitchen)) == (0, 1)
        larger = five.order.model_copy(update={"width": 96, "height": 160})
        assert await remembered(larger) == [set(), set()]

    asyncio.run(story())


def test_looks_of_nobody(vault: Vault, season: Season, tmp_path: Path) -> None:
    """Every episode that cannot be filmed says why, and all are named in the refusal."""
    five, four = season.episodes
    lost = five.model_copy(update={"imports": ("nobody-knows",)})
    broken = four.model_copy(update={"script": str(tmp_path / "gone.fountain")})
    season = season.model_copy(update={"episodes": (lost, broken)})

    found = [*asyncio.run(_admitted(_unit(vault), season)).values()]

    assert [one.is_admitted for one in found] == [False, False]
    with pytest.raises(OrderError, match="2 of 2 episodes") as refused:
        refuse_unless_all(season, found)
    assert "no episode 'nobody-knows' to take looks from" in refused.value.message
    assert "gone.fountain" in refused.value.message


def test_what_came_of_a_night(vault: Vault, season: Season) -> None:
    """State, cost, yield and drift of every episode, as a table, as JSON and as a page."""
    five, four = season.episodes
    outcomes = [
        Outcome(
            episode=four.episode,
            job="done",
            flow_run="run-6",
            moved_from=("run-4",),
            moved_to="onestory-big",
        ),
        Outcome(episode=five.episode, job="failed", why="no | disk", flow_run="run-5"),
    ]

    async def story() -> None:
        """What happens, in order."""
        await _film(_unit(vault, "run-4"), four)
        told = await report(_unit(vault), season, "tonight", outcomes)

        done, failed = told.episodes
        assert (done.num_takes_tonight, done.num_circled, done.num_shots) == (1, 1, 1)
        assert done.yield_share == 1.0
        assert done.render_seconds > 0
        assert done.poster is not None
        assert (failed.num_takes, failed.title) == (0, "")
        table = report_in_markdown(told)
        assert "[done](/runs/flow-run/run-6)" in table
        assert f"* {four.episode}, to the pool onestory-big" in table
        assert "| [failed](/runs/flow-run/run-5) |" in table
        assert ", failed: no \\| disk" in table
        assert "1 of 2 episodes are done" in table
        assert "submit the same season again" in table
        folder = Path(told.page).parent
        assert json.loads((folder / "season.json").read_text())["episodes"][0]["job"] == "done"
        page = (folder / "season.html").read_text()
        assert page.count("<img") == 1
        assert "no | disk" in page
        assert page.count("moved to the pool") == 1

    asyncio.run(story())


def test_the_table_of_a_night_that_goes_on() -> None:
    """What is not known is to be submitted; whoever can do something is told what."""
    admissions = [Admission(episode=one, queue="rush", to_film=2, num_shots=3) for one in "abc"]
    nothing = standing_in_markdown(admissions, {})
    assert nothing.count("| to be submitted |") == 3
    assert "0 of 3 episodes are done so far" in nothing
    assert "What to do" not in nothing

    asked = Outcome(episode="a", job="suspended", flow_run="run-7")
    done = Outcome(episode="b", job="done", flow_run="run-8")
    waiting = Outcome(episode="c", job="waiting", flow_run="run-9")
    table = standing_in_markdown(admissions, {"a": asked, "b": done, "c": waiting})
    assert "| [suspended](/runs/flow-run/run-7) | a |" in table
    assert "| 2 of 3 shots |" in table
    assert "1 of 3 episodes are done so far" in table
    assert "press Resume" in table
    assert "| [submitted](/runs/flow-run/run-9) | c |" in table
