"""`onestory gc` beside real films: what is circled, or ever was, is there afterwards."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from onestory.cut.probe import probe_video
from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio

GREEDY = ("--older-than", "0", "--keep-size", "0")


@pytest.fixture(name="impatient", autouse=True)
def _impatient(producer: Producer) -> None:
    """A project in which nothing is too new to be deleted."""
    (producer.out / "onestory.toml").write_text("gc_grace_hours = 0\n")


def told(producer: Producer, *arguments: str) -> dict[str, Any]:
    """Type a verb; returns its document."""
    code, document = producer.run(*arguments, "--json", "--home", str(producer.home)).finish()
    assert code == 0, document
    return document


def test_every_version_of_a_film_outlives_gc(producer: Producer, episode_id: str) -> None:
    """The film that was replaced, and what its takes remembered, comes back after a greedy gc."""
    producer = replace(producer, engine="remembering")
    script = shot_list(producer.out, episode_id, ("waves", "sits down", "dances"))
    _, first = producer.produce(script)
    version = told(producer, "history", episode_id)["version"]
    shot_list(producer.out, episode_id, ("jumps", "sits down", "dances"))
    producer.produce(script)

    told(producer, "gc", *GREEDY)
    told(producer, "revert", episode_id, str(version))
    shot_list(producer.out, episode_id, ("waves", "sits down", "dances"))
    plan = told(producer, "plan", str(script), "--size", producer.size)
    code, again = producer.produce(script)

    assert [shot["freshness"] for shot in plan["shots"]] == ["current"] * 3
    assert (code, again["rendered"]) == (0, 0)
    assert [one["recipe"] for one in again["shots"]] == [one["recipe"] for one in first["shots"]]
    assert probe_video(Path(again["film"]), decode=True).num_frames == 72


def test_a_take_that_nobody_circled_goes_when_asked(producer: Producer, episode_id: str) -> None:
    """Listed first; it waits while another film is made; deleted, no film needs it."""
    options = {
        "inner": "painted",
        "faults": {"dances": ["black"]},
        "state": str(producer.out / "played.json"),
    }
    producer = replace(producer, engine="sabotaged", options=options)
    script = shot_list(producer.out, episode_id, ("waves", "dances"), duration="48 frames")
    _, film = producer.produce(script)
    bad = film["shots"][1]["take"].replace("-tk02", "-tk01")
    address = told(producer, "explain", bad, "--episode", episode_id)["address"]
    key = f"takes/{address.removeprefix('sha256:')}.json"

    unasked = told(producer, "gc", "--dry-run")
    listed = told(producer, "gc", "--dry-run", *GREEDY)
    still = told(producer, "explain", bad, "--episode", episode_id)
    with FileLock(producer.home / "locks" / f"{episode_id}-next.lock"):
        waited = told(producer, "gc", *GREEDY)
    done = told(producer, "gc", *GREEDY)
    code, again = producer.produce(script)

    assert key not in {one["key"] for one in unasked["garbage"]}
    assert key in {one["key"] for one in listed["garbage"]}
    assert (listed["deleted"], still["address"]) == (0, address)
    assert key not in {one["key"] for one in waited["garbage"]}
    assert waited["waiting"] > 0
    assert waited["being_made"] == [f"{episode_id}-next"]
    assert key in {one["key"] for one in done["garbage"]}
    assert done["deleted"] == len(done["garbage"])
    assert (code, again["rendered"]) == (0, 0)
    assert again["shots"][1]["recipe"] == film["shots"][1]["recipe"]


def test_gc_beside_a_film_that_is_being_made(slow_producer: Producer, episode_id: str) -> None:
    """However often and greedily gc runs meanwhile, the film is whole, and nothing is redone."""
    script = shot_list(slow_producer.out, episode_id, ("waves", "sits down", "dances", "jumps"))
    run = slow_producer.start(script)
    run.wait_for("circled")
    with run.halted(slow_producer.home):
        swept = told(slow_producer, "gc", *GREEDY)
    while run.process.poll() is None:
        told(slow_producer, "gc", *GREEDY)
    code, film = run.finish()
    told(slow_producer, "gc", *GREEDY)
    again, same = slow_producer.produce(script)

    assert episode_id in swept["being_made"]
    assert (code, film["rendered"]) == (0, 4)
    assert [shot["takes"] for shot in film["shots"]] == [1] * 4
    assert (again, same["rendered"]) == (0, 0)
    assert probe_video(Path(same["film"]), decode=True).num_frames == 96


@pytest.mark.parametrize("flags", [("--older-than", "-1"), ("--keep-size", "-1")])
def test_what_is_less_than_nothing_is_bad_input(producer: Producer, flags: tuple[str, ...]) -> None:
    """A slip of the finger deletes nothing."""
    code, document = producer.run("gc", *flags, "--json", "--home", str(producer.home)).finish()

    assert (code, document["error"]["kind"]) == (2, "OrderError")
