"""A season in one night: by real workers, by the dashboard's form, and in one process."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, season_of, shot_list
from onestory.testing.visitor import PATIENCE_MS, Visitor

pytestmark = pytest.mark.studio

ENGINE = "remembering"
"""Of this module's crew."""
SEASON = "produce-season/produce-season"


def _season(folder: Path, name: str, *episodes: dict[str, Any]) -> Path:
    """Write SEASON.yaml and scripts of one shot each."""
    for one in episodes:
        shot_list(folder, one["episode"], ("waves",))
    return season_of(folder, name, episodes)


def _produce(crew: Producer, season: Path, *flags: str) -> tuple[int, dict[str, Any]]:
    """Type `onestory season`."""
    return crew.run("season", str(season), "--json", "--home", str(crew.home), *flags).finish()


def _rendered(crew: Producer, *episodes: str) -> list[int]:
    """How many takes the ledgers have."""
    _, document = crew.run("status", "--json", "--home", str(crew.home)).finish()
    told = {one["episode"]: one["shots"] for one in document["episodes"]}
    return [sum(shot["takes"] for shot in told.get(name, ())) for name in episodes]


@dataclass(frozen=True)
class Filmed:
    """A season that workers filmed in one night, as far as it could be filmed."""

    name: str
    file: Path
    run: str
    names: list[str]
    """Of its episodes: one of two shots, one without a folder, an urgent one, one that waits."""


@pytest.fixture(name="filmed", scope="module")
def _filmed(crew: Producer, dashboard: Dashboard) -> Filmed:
    name = "harbour-lights"
    names = [f"{name}-{letter}" for letter in "abcd"]
    no_folder = crew.out / f"{name}-no-folder"
    no_folder.write_text("a file")
    season = _season(
        crew.out,
        name,
        {"episode": names[0], "queue": "preview"},
        {"episode": names[1], "out": no_folder.name},
        {"episode": names[2], "queue": "rush"},
        {"episode": names[3], "after": [names[1]]},
    )
    shot_list(crew.out, names[0], ("waves", "sits down"))
    # One place: what is filmed first is the queues' to say.
    dashboard.limit_pool(2)
    run = dashboard.submit(SEASON, {"season": season.name, "night": "the night"})
    assert dashboard.wait(run, seconds=420) == "COMPLETED"
    return Filmed(name, season, run, names)


def test_a_night_of_workers(crew: Producer, dashboard: Dashboard, filmed: Filmed) -> None:
    """
    One episode is broken: the others are delivered, the rush before the preview, and what comes
    after the broken one waits.
    """
    names = filmed.names
    told = json.loads((crew.out / "films" / filmed.name / "season.json").read_text())
    found = {one["episode"]: one for one in told["episodes"]}
    jobs = [found[name]["job"] for name in names]
    assert jobs == ["done", "failed", "done", "waiting"]
    assert found[names[1]]["why"].startswith("the film cannot be delivered to")
    assert f"{names[1]} is failed" in found[names[3]]["why"]
    assert [found[names[at]]["num_takes_tonight"] for at in (0, 2)] == [2, 1]
    assert found[names[0]]["yield_share"] == 1.0
    runs = [dashboard.read(found[name]["flow_run"]) for name in names[:3]]
    assert [one["work_queue_name"] for one in runs] == ["preview", "nightly", "rush"]
    assert runs[2]["start_time"] < runs[1]["start_time"] < runs[0]["start_time"]
    state = dashboard.read(filmed.run)["state"]
    assert state["name"] == "Partly"
    assert "2 of 4 episodes are done" in state["message"]
    page = (crew.out / "films" / filmed.name / "season.html").read_text()
    assert f"../{names[0]}/dailies.html" in page


def test_what_a_producer_sees_in_the_morning(
    dashboard: Dashboard, filmed: Filmed, visitor: Visitor
) -> None:
    """The season's table leads to every episode's run, and says what can be done for each."""
    table = dashboard.page_of_artifact(f"season-{filmed.name}")
    shown = visitor.visit(
        table,
        "2 of 4 episodes are done",
        "submit the same season again",
        "cannot be delivered to",
        "name another folder",
    )
    visitor.photograph("season-table")
    run = shown.get_by_role("link", name="failed").get_attribute("href")
    assert run is not None
    visitor.visit(run, filmed.names[1], "Failed")
    visitor.photograph("episode-that-failed")
    visitor.visit(f"/runs/flow-run/{filmed.run}", f"season {filmed.name}", "Partly")
    visitor.page.get_by_text("Artifacts", exact=True).click()
    expect(shown).to_contain_text("What came of every episode", timeout=PATIENCE_MS)
    visitor.photograph("season")


def test_what_a_producer_sees_of_an_episode(
    crew: Producer, dashboard: Dashboard, filmed: Filmed, visitor: Visitor
) -> None:
    """Takes are named by slates; one page has film, dailies and pictures; gates are a table."""
    episode = filmed.names[0]
    told = json.loads((crew.out / "films" / filmed.name / "season.json").read_text())
    run = next(one["flow_run"] for one in told["episodes"] if one["episode"] == episode)
    shown = visitor.visit(f"/runs/flow-run/{run}", episode, "Completed")
    visitor.page.get_by_text("Task Runs", exact=True).click()
    expect(shown).to_contain_text("take s01e01-sc01-sh002-tk01", timeout=PATIENCE_MS)
    visitor.photograph("episode")
    visitor.page.get_by_text("Artifacts", exact=True).click()
    expect(shown).to_contain_text("2 of 2 shots to film", timeout=PATIENCE_MS)
    visitor.photograph("episode-artifacts")

    film = dashboard.page_of_artifact(f"film-{episode}")
    visitor.visit(film, "is delivered: 2 shots", "An arc leads from each shot", "Dailies")
    visitor.wait_for_pictures(2)
    assert "X-Amz" not in shown.inner_text()
    visitor.photograph("film")
    gates = dashboard.page_of_artifact(f"gates-{episode}")
    visitor.visit(gates, "s01e01-sc01-sh002-tk01", "circled", "frozen")
    visitor.photograph("gates")
    visitor.visit(dashboard.page_of_artifact(f"plan-{episode}"), "2 of 2 shots would be filmed")
    visitor.photograph("plan")


def test_the_same_night_once_more(crew: Producer, filmed: Filmed) -> None:
    """What is done is joined and renders nothing; what was broken is filmed, and what waited."""
    names = filmed.names
    told = json.loads((crew.out / "films" / filmed.name / "season.json").read_text())
    (crew.out / f"{filmed.name}-no-folder").unlink()
    code, again = _produce(crew, filmed.file, "--night", "the night")
    assert code == 0, again
    second = {one["episode"]: one for one in again["episodes"]}
    joined = [second[name]["is_joined"] for name in names]
    assert joined == [True, False, True, False]
    first = {one["episode"]: one for one in told["episodes"]}
    assert second[names[0]]["flow_run"] == first[names[0]]["flow_run"]
    assert [second[name]["num_takes_tonight"] for name in names] == [2, 1, 1, 1]
    assert _rendered(crew, *names) == [2, 1, 1, 1]


def test_one_episode_that_cannot_be_filmed(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """It names its cause, and nothing of the season is submitted, or filmed."""
    names = [f"{episode_id}-{letter}" for letter in "ab"]
    season = _season(crew.out, episode_id, *({"episode": name} for name in names))
    (crew.out / f"{names[1]}.json").write_text("{")

    code, document = _produce(crew, season)

    assert code == 2, document
    assert "1 of 2 episodes" in document["error"]["message"]
    assert f"{names[1]}.json:1:2" in document["error"]["message"]
    decisions = dashboard.artifact(f"admission-{episode_id}")
    assert "1 of 1 shots" in decisions
    assert "cannot be filmed" in decisions
    assert _rendered(crew, *names) == [0, 0]


def test_a_season_without_workers(crew: Producer, episode_id: str) -> None:
    """Films its episodes here, one after another; one that fails stops no other."""
    names = [f"{episode_id}-{letter}" for letter in "ab"]
    no_folder = crew.out / f"{episode_id}-no-folder"
    no_folder.write_text("a file")
    broken = {"episode": names[0], "out": no_folder.name}
    season = _season(crew.out, episode_id, broken, {"episode": names[1]})

    code, told = _produce(crew, season, "--here")

    assert code == 1
    assert [one["job"] for one in told["episodes"]] == ["failed", "done"]
    assert len({told["flow_run"], *(one["flow_run"] for one in told["episodes"])}) == 3
    assert told["episodes"][1]["num_takes_tonight"] == 1
    assert (crew.out / "films" / names[1] / "episode.mp4").exists()
