"""Engines that fail on purpose: the right verdict, the right reason, the right retake."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio


def sabotaged(producer: Producer, *faults: str) -> Producer:
    """The same person with an engine that fails these ways in every shot that dances."""
    options = {
        "inner": "painted",
        "faults": {"dances": list(faults)},
        "state": str(producer.out / "played.json"),
    }
    return replace(producer, engine="sabotaged", options=options)


def script_of(producer: Producer, episode: str) -> Path:
    """Two shots, the second of which dances."""
    return shot_list(producer.out, episode, ("waves", "dances"), duration="48 frames")


def coverage(producer: Producer, episode: str) -> dict[str, Any]:
    """Status of the shot that dances."""
    run = producer.run("status", episode, "--json", "--home", str(producer.home))
    _, document = run.finish()
    shot: dict[str, Any] = document["episodes"][0]["shots"][1]
    return shot


@pytest.mark.parametrize("fault", ["black", "frozen", "wrong length"])
def test_an_ng_take_is_shot_again_on_a_new_seed(
    producer: Producer, episode_id: str, fault: str
) -> None:
    """A take that can be read but not used costs a retake, and the film is delivered."""
    producer = sabotaged(producer, fault)

    run = producer.start(script_of(producer, episode_id))
    code, document = run.finish()

    assert code == 0
    assert [shot["takes"] for shot in document["shots"]] == [1, 2]
    assert document["shots"][1]["take"].endswith("-tk02")
    assert any("NG" in line and fault in line for line in run.lines)
    one, two = (f"s01e01-{document['shots'][1]['slate']}-tk0{n}" for n in (1, 2))
    told = producer.run(
        *("explain", one, two, "--json", "--episode", episode_id, "--home", str(producer.home))
    )
    assert [found["field"] for found in told.finish()[1]["differences"]] == ["seed"]


@pytest.mark.parametrize("fault", ["truncated", "zero bytes"])
def test_unreadable_media_is_quarantined_and_retried(
    producer: Producer, episode_id: str, fault: str
) -> None:
    """It is a fault of the machine: the same recipe again, and no take is spent."""
    producer = sabotaged(producer, fault)

    code, document = producer.produce(script_of(producer, episode_id))

    assert code == 0
    assert [shot["takes"] for shot in document["shots"]] == [1, 1]
    assert coverage(producer, episode_id)["quarantined"] == 1


@pytest.mark.parametrize("fault", ["exception", "crash"])
def test_a_fault_of_the_engine_is_retried(producer: Producer, episode_id: str, fault: str) -> None:
    """An exception, or a server that dies: the same recipe again, on a mended studio."""
    producer = sabotaged(producer, fault)

    code, document = producer.produce(script_of(producer, episode_id))

    assert code == 0
    assert [shot["takes"] for shot in document["shots"]] == [1, 1]


def test_a_hang_past_its_time_limit_is_ended_and_retried(
    producer: Producer, episode_id: str
) -> None:
    """A render that never returns costs its time limit, and the film goes on."""
    producer = sabotaged(producer, "hang")

    code, document = producer.produce(script_of(producer, episode_id), "--time-limit", "2")

    assert code == 0
    assert [shot["takes"] for shot in document["shots"]] == [1, 1]


def test_when_the_ladder_ends_the_best_take_waits_for_review(
    producer: Producer, episode_id: str
) -> None:
    """The least bad take is circled provisionally, and everything says so."""
    producer = sabotaged(producer, "black", "frozen", "black")

    run = producer.start(script_of(producer, episode_id), "--max-takes", "3")
    code, document = run.finish()

    shot = document["shots"][1]
    assert code == 3
    assert (shot["takes"], shot["verdict"]) == (3, "waiting for review")
    assert shot["take"].endswith("-tk02"), "the frozen take is the least bad"
    assert any("waiting for review" in line for line in run.lines)
    assert "waiting for review" in Path(document["dailies"]).read_text()
    assert coverage(producer, episode_id)["by"] == "best of"
    otio = Path(document["otio"]).read_text()
    assert "waiting for review" in otio
    again, same = producer.produce(script_of(producer, episode_id), "--max-takes", "3")
    assert (again, same["rendered"]) == (3, 0)


def test_an_order_may_block_instead(producer: Producer, episode_id: str) -> None:
    """Whoever wants no provisional take gets an error that names the take."""
    producer = sabotaged(producer, "black", "black")

    code, document = producer.produce(
        script_of(producer, episode_id), "--max-takes", "2", "--when-exhausted", "block"
    )

    assert code == 1
    assert document["error"]["kind"] == "GateError"
    assert "black" in document["error"]["message"]
    assert not list(producer.out.glob("*/episode.mp4"))


def test_an_engine_that_never_works_ends_in_one_clear_error(
    producer: Producer, episode_id: str
) -> None:
    """Retries are bounded, and the error says what the engine said."""
    producer = sabotaged(producer, *["exception"] * 9)

    code, document = producer.produce(script_of(producer, episode_id))

    assert code == 1
    assert document["error"]["kind"] == "EngineFaultError"
    assert "the sampler diverged" in document["error"]["message"]
    played = json.loads((producer.out / "played.json").read_text())
    assert played["dances"] == 4, "one call and three retries"
