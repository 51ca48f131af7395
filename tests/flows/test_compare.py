"""`onestory compare`: all takes that were ever filmed of a shot, on one page and as JSON."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio


def compared(producer: Producer, episode: str, shot: str) -> tuple[int, dict[str, Any]]:
    """Type `onestory compare`."""
    flags = ("--json", "--home", str(producer.home), "--out", str(producer.out))
    return producer.run("compare", episode, "--shot", shot, *flags).finish()


def test_takes_of_every_recipe_stand_side_by_side(producer: Producer, episode_id: str) -> None:
    """An NG take, its retake, and one of another caption: what came of each and how it differs."""
    faults = {"dances": ["black"]}
    options = {"inner": "painted", "faults": faults, "state": str(producer.out / "played.json")}
    producer = replace(producer, engine="sabotaged", options=options)
    script = shot_list(producer.out, episode_id, ("waves", "dances"), duration="48 frames")
    producer.produce(script)
    order = ("retake", episode_id, "--shots", "2", "--caption", "Mara sings.", "--json")
    producer.run(*order, "--home", str(producer.home)).finish()

    code, document = compared(producer, episode_id, "2")

    takes = document["takes"]
    assert code == 0
    assert [take["slate"][-4:] for take in takes] == ["tk01", "tk02", "tk03"]
    assert [take["verdict"] for take in takes] == ["NG", "passed", "circled"]
    assert [take["is_passed"] for take in takes] == [False, True, True]
    assert "black" in takes[0]["reasons"]
    assert document["circled"] == document["reference"] == takes[2]["slate"]
    fields = [{one["field"] for one in take["differences"]} for take in takes]
    assert fields[2] == set()
    assert fields[1] - fields[0] == {"seed"}
    assert "caption" in fields[0] & fields[1]
    assert all(one["is_readable"] for take in takes for one in take["pictures"])
    page = Path(document["page"])
    assert page == producer.out / episode_id / f"compare-{document['slate']}.html"
    assert page.read_text().count("<img") == 9


def test_what_cannot_be_compared_is_refused(producer: Producer, episode_id: str) -> None:
    """No such shot, no such episode: exit code 2, a hint, and nothing is written."""
    producer.produce(shot_list(producer.out, episode_id, ("waves",)))

    no_shot = compared(producer, episode_id, "7")
    no_episode = compared(producer, f"{episode_id}-b", "1")

    assert (no_shot[0], no_episode[0]) == (2, 2)
    assert "there is no shot 7 in episode" in no_shot[1]["error"]["message"]
    assert "there is no episode" in no_episode[1]["error"]["message"]
    assert no_shot[1]["error"]["hint"]
    assert no_episode[1]["error"]["hint"]
    assert not list(producer.out.rglob("compare-*"))
