"""Every version of an episode is listed and comes back, and a revert of it, too."""

from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio

OLD, NEW = ("waves", "sits down", "dances"), ("waves", "jumps", "dances")


def told(producer: Producer, *arguments: str) -> dict[str, Any]:
    """Type a verb that reads; returns its document."""
    code, document = producer.run(*arguments, "--json", "--home", str(producer.home)).finish()
    assert code == 0, document
    return document


def planned(producer: Producer, script: Path) -> list[tuple[str, str]]:
    """(freshness, circled take) of every shot."""
    plan = told(producer, "plan", str(script), "--size", producer.size)
    return [(shot["freshness"], shot["take"]) for shot in plan["shots"]]


def test_an_earlier_version_comes_back_and_goes_again(producer: Producer, episode_id: str) -> None:
    """After a revert the plan shows the old takes as current; undone, it shows the new ones."""
    script = shot_list(producer.out, episode_id, OLD)
    _, first = producer.produce(script)
    version = told(producer, "history", episode_id)["version"]
    shot_list(producer.out, episode_id, NEW)
    _, second = producer.produce(script)
    changed = planned(producer, script)

    back = told(producer, "revert", episode_id, str(version))
    shot_list(producer.out, episode_id, OLD)
    restored = planned(producer, script)
    code, third = producer.produce(script)
    forth = told(producer, "revert", episode_id, str(back["undo"]))
    shot_list(producer.out, episode_id, NEW)

    takes = [[shot["take"] for shot in film["shots"]] for film in (first, second)]
    assert takes[0][1] != takes[1][1]
    assert [one["slate"] for one in back["shots"]] == [first["shots"][1]["slate"]]
    assert restored == [("current", take) for take in takes[0]]
    assert (code, third["rendered"]) == (0, 0)
    assert [shot["recipe"] for shot in third["shots"]] == [one["recipe"] for one in first["shots"]]
    assert forth["is_changed"]
    assert planned(producer, script) == changed == [("current", take) for take in takes[1]]


def test_a_history_says_when_what_and_by_which_run(producer: Producer, episode_id: str) -> None:
    """One phrase for every version, with the flow run that `produce` named."""
    _, film = producer.produce(shot_list(producer.out, episode_id, OLD[:1]))

    document = told(producer, "history", episode_id)

    take = film["shots"][0]["take"]
    phrases = [one["what"] for one in document["versions"]]
    assert phrases == [
        "script broken down and read through",
        f"{take} rendered",
        f"{take} passed",
        f"{take} circled by gates: passed every gate that ran",
        "film delivered",
    ]
    assert [one["version"] for one in document["versions"]] == [1, 2, 3, 4, 5]
    assert {one["run"] for one in document["versions"]} == {film["flow_run"]}
    assert document["versions"][0]["at"] < document["versions"][-1]["at"]


def test_nobody_reverts_a_film_that_is_being_made(producer: Producer, episode_id: str) -> None:
    """A revert waits its turn like a second producer."""
    producer.produce(shot_list(producer.out, episode_id, OLD[:1]))
    with FileLock(producer.home / "locks" / f"{episode_id}.lock"):
        run = producer.run(
            *("revert", episode_id, "1", "--json", "--home", str(producer.home)),
        )
        code, document = run.finish()

    assert (code, document["error"]["kind"]) == (1, "EpisodeBusyError")
    assert told(producer, "history", episode_id)["version"] == 5


@pytest.mark.parametrize("name", ["nobody", "../locks"])
def test_an_episode_that_never_was_has_no_history(producer: Producer, name: str) -> None:
    """A mistyped id is bad input, and leaves nothing behind."""
    for verb in (["history", name], ["revert", name, "1"]):
        code, document = producer.run(*verb, "--json", "--home", str(producer.home)).finish()

        assert (code, document["error"]["kind"]) == (2, "OrderError")
    assert not list(producer.home.rglob(f"{Path(name).name}.lock"))
