"""A season in one night: by real workers, by the dashboard's form, and in one process."""

import json
from pathlib import Path
from typing import Any

import pytest

from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, season_of, shot_list

pytestmark = pytest.mark.studio

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


def test_a_night_of_workers(crew: Producer, dashboard: Dashboard, episode_id: str) -> None:
    """
    One episode is broken: the others are delivered, the rush before the preview, and what comes
    after the broken one waits. The same night once more joins its runs and renders nothing.
    """
    names = [f"{episode_id}-{letter}" for letter in "abcd"]
    no_folder = crew.out / f"{episode_id}-no-folder"
    no_folder.write_text("a file")
    season = _season(
        crew.out,
        episode_id,
        {"episode": names[0], "queue": "preview"},
        {"episode": names[1], "out": no_folder.name},
        {"episode": names[2], "queue": "rush"},
        {"episode": names[3], "after": [names[1]]},
    )
    # One place: what is filmed first is the queues' to say.
    dashboard.limit_pool(2)
    night = {"season": season.name, "night": "the night"}
    run = dashboard.submit(SEASON, night)

    assert dashboard.wait(run) == "COMPLETED"
    told = json.loads((crew.out / "films" / episode_id / "season.json").read_text())
    found = {one["episode"]: one for one in told["episodes"]}
    jobs = [found[name]["job"] for name in names]
    assert jobs == ["done", "failed", "done", "waiting"]
    assert no_folder.name in found[names[1]]["why"]
    assert f"{names[1]} is failed" in found[names[3]]["why"]
    assert [found[names[at]]["num_takes_tonight"] for at in (0, 2)] == [1, 1]
    assert found[names[0]]["yield_share"] == 1.0
    runs = [dashboard.read(found[name]["flow_run"]) for name in names[:3]]
    assert [one["work_queue_name"] for one in runs] == ["preview", "nightly", "rush"]
    assert runs[2]["start_time"] < runs[1]["start_time"] < runs[0]["start_time"]
    state = dashboard.read(run)["state"]
    assert state["name"] == "Partly"
    assert "2 of 4 episodes are done" in state["message"]
    assert "2 of 4 episodes are done" in dashboard.artifact(f"season-{episode_id}")
    page = (crew.out / "films" / episode_id / "season.html").read_text()
    assert f"../{names[0]}/dailies.html" in page

    no_folder.unlink()
    code, again = _produce(crew, season, "--night", "the night")
    assert code == 0, again
    second = {one["episode"]: one for one in again["episodes"]}
    joined = [second[name]["is_joined"] for name in names]
    assert joined == [True, False, True, False]
    assert second[names[0]]["flow_run"] == found[names[0]]["flow_run"]
    assert [second[name]["num_takes_tonight"] for name in names] == [1, 1, 1, 1]
    assert _rendered(crew, *names) == [1, 1, 1, 1]


def test_one_episode_that_cannot_be_filmed(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """It names its cause, and nothing of the season is submitted, or filmed."""
    names = [f"{episode_id}-{letter}" for letter in "ab"]
    season = _season(crew.out, episode_id, *({"episode": name} for name in names))
    (crew.out / f"{names[1]}.json").write_text("{")

    code, document = _produce(crew, season)

    assert code == 2
    assert "1 of 2 episodes" in document["error"]["message"]
    assert f"{names[1]}.json:1:2" in document["error"]["message"]
    decisions = dashboard.artifact(f"admission-{episode_id}")
    assert "1 of 1 shots would be filmed" in decisions
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
