"""A person decides at a terminal: the film stops for a take, and goes on as they say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from onestory.engines.take import NgReason
from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio

SUSPENDED = 4


def script_of(producer: Producer, episode: str, *actions: str) -> Path:
    """A shot for each action, of one woman; or two, of which the second may remember the first."""
    return shot_list(producer.out, episode, actions or ("waves", "dances"))


def typed(producer: Producer, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Type any verb and read its document."""
    return producer.run(*arguments, "--json", "--home", str(producer.home)).finish()


def coverage(producer: Producer, episode: str) -> list[dict[str, Any]]:
    """Status of every shot."""
    shots: list[dict[str, Any]] = typed(producer, "status", episode)[1]["episodes"][0]["shots"]
    return shots


def phrases(producer: Producer, episode: str) -> list[str]:
    """Everything that happened, in words."""
    return [one["what"] for one in typed(producer, "history", episode)[1]["versions"]]


def test_every_take_is_looked_at(producer: Producer, episode_id: str) -> None:
    """Shot by shot the command stops with what to type; then it goes on, and asks no more."""
    script = script_of(producer, episode_id)
    slates = []
    for shot in ("1", "2"):
        code, document = producer.produce(script, "--review", "every")

        assert (code, document["error"]["kind"]) == (SUSPENDED, "ReviewNeededError")
        assert f"onestory circle {episode_id} --shot {shot}" in document["error"]["hint"]
        assert f"onestory reject {episode_id} --shot {shot}" in document["error"]["hint"]
        assert "take 1 passed" in document["error"]["message"]
        slates.append(document["error"]["slate"])
        code, decided = typed(
            producer, "circle", episode_id, "--shot", shot, "--by", "Ada", "--why", "her eyes"
        )
        assert (code, decided["take"]) == (0, slates[-1])
    code, document = producer.produce(script, "--review", "every")

    assert (code, document["rendered"]) == (0, 0)
    assert [shot["verdict"] for shot in document["shots"]] == ["circled", "circled"]
    assert {shot["person"] for shot in coverage(producer, episode_id)} == {"Ada"}
    for slate in slates:
        assert f"{slate} circled by Ada: her eyes" in phrases(producer, episode_id)


def test_a_rejected_take_is_neither_circled_again_nor_remembered(
    producer: Producer, episode_id: str
) -> None:
    """Another take is filmed, and what remembered the old one is filmed again, once asked for."""
    producer = replace(producer, engine="remembering")
    script = script_of(producer, episode_id)
    code, first = producer.produce(script)
    assert code == 0

    code, decided = typed(
        producer,
        *("reject", episode_id, "--shot", "1", "--why", "identity", "--note", "not her"),
        *("--by", "Ada"),
    )
    assert (code, decided["circled"]) == (0, None)
    planned = typed(producer, "plan", str(script), "--size", producer.size)[1]["shots"]
    code, second = producer.produce(script)
    code_again, third = producer.produce(script)

    assert [(one["freshness"], one["why"], one["attempt"]) for one in planned] == [
        ("missing", "no take is circled", 2),
        (
            "blocked",
            f"{planned[0]['slate']} is missing, so what this shot starts from is not known",
            1,
        ),
    ]
    old, new = (film["shots"][0] for film in (first, second))
    assert (code, new["takes"], new["take"]) == (0, 2, old["take"].replace("tk01", "tk02"))
    assert planned[0]["recipe"] == new["recipe"] != old["recipe"]
    seen = typed(producer, "explain", second["shots"][1]["take"], "--episode", episode_id)[1]
    assert {frame["slate"] for frame in seen["remembered"]} == {new["take"]}
    assert (code_again, third["rendered"]) == (0, 0)
    assert f"{old['take']} rejected by Ada: identity, not her" in phrases(producer, episode_id)


def test_there_is_one_more_take_however_few_were_ordered(
    producer: Producer, episode_id: str
) -> None:
    """Takes that were rejected do not use up the last one; the number goes on."""
    script = script_of(producer, episode_id, "waves")
    order = ("--review", "every", "--max-takes", "1")
    for number in (1, 2):
        code, document = producer.produce(script, *order)
        assert code == SUSPENDED
        assert document["error"]["slate"].endswith(f"sh001-tk{number:02d}")
        typed(producer, "reject", episode_id, "--shot", "1", "--why", "motion")

    code, document = producer.produce(script, *order)

    assert document["error"]["message"].count("rejected: motion") == 2
    assert document["error"]["slate"].endswith("sh001-tk03")


def test_only_what_no_gate_passed_is_looked_at(producer: Producer, episode_id: str) -> None:
    """With `flagged` the best of the bad takes waits, and a person may prefer another one."""
    faults = {"dances": ["black", "frozen", "black"]}
    options = {"inner": "painted", "faults": faults, "state": str(producer.out / "played.json")}
    producer = replace(producer, engine="sabotaged", options=options)
    script = script_of(producer, episode_id)
    order = ("--review", "flagged", "--max-takes", "3")

    code, document = producer.produce(script, *order)

    assert code == SUSPENDED
    assert document["error"]["slate"].endswith("sh002-tk02")
    assert "take 1 NG: black" in document["error"]["message"]
    assert "take 2 NG: frozen" in document["error"]["message"]
    typed(producer, "circle", episode_id, "--shot", "2", "--take", "3")
    code, document = producer.produce(script, *order)
    assert (code, document["rendered"]) == (0, 0)
    assert document["shots"][1]["take"].endswith("-tk03")
    again, same = producer.produce(script, *order)
    assert (again, same["shots"][1]["take"]) == (0, document["shots"][1]["take"])


def test_a_take_of_an_older_caption_stays_if_a_person_circles_it(
    producer: Producer, episode_id: str
) -> None:
    """It is kept as it is, until the shot changes once more."""
    script = script_of(producer, episode_id, "dances")
    _, first = producer.produce(script)
    script_of(producer, episode_id, "jumps")
    _, second = producer.produce(script)
    assert second["shots"][0]["take"].endswith("-tk02")

    typed(producer, "circle", episode_id, "--shot", "1", "--take", "1")
    code, third = producer.produce(script, "--review", "every")
    script_of(producer, episode_id, "sits down")
    _, fourth = producer.produce(script)

    assert (code, third["rendered"]) == (0, 0)
    assert third["shots"][0]["take"] == first["shots"][0]["take"]
    assert fourth["shots"][0]["take"].endswith("-tk03")


def test_a_retake_of_a_reviewed_film_is_reviewed(producer: Producer, episode_id: str) -> None:
    """The first take with other words is one that nobody has rejected, and waits in its turn."""
    producer.produce(script_of(producer, episode_id, "waves"), "--review", "every")
    typed(producer, "reject", episode_id, "--shot", "1", "--why", "caption")

    code, document = typed(
        producer, "retake", episode_id, "--shots", "1", "--caption", "Mara sits down."
    )

    assert (code, document["error"]["kind"]) == (SUSPENDED, "ReviewNeededError")
    assert document["error"]["slate"].endswith("sh001-tk02")
    told = typed(producer, "explain", document["error"]["slate"], "--episode", episode_id)[1]
    assert "sits down" in told["recipe"]["caption"]


def test_a_decision_that_cannot_be_taken_is_bad_input(producer: Producer, episode_id: str) -> None:
    """An unknown episode, shot, take or reason is refused with what there is; nothing changes."""
    producer.produce(script_of(producer, episode_id))
    before = phrases(producer, episode_id)
    reasons = ", ".join(one.value for one in NgReason)
    for arguments, message, hint in (
        (("circle", "nobody", "--shot", "1"), "nobody", "onestory status"),
        (("circle", episode_id, "--shot", "7"), "no shot 7", "go from 001 to 002"),
        (("circle", episode_id, "--shot", "1-2"), "2 shots", "one shot at a time"),
        (("circle", episode_id, "--shot", "1", "--take", "9"), "no take 9", "its takes are 1"),
        (("reject", episode_id, "--shot", "1", "--why", "ugly"), "'ugly'", reasons),
    ):
        code, document = typed(producer, *arguments)

        assert (code, document["error"]["kind"]) == (2, "OrderError"), arguments
        assert message in document["error"]["message"]
        assert hint in document["error"]["hint"]
    with FileLock(producer.home / "locks" / f"{episode_id}.lock"):
        code, document = typed(producer, "circle", episode_id, "--shot", "1")
    assert (code, document["error"]["kind"]) == (1, "EpisodeBusyError")
    assert phrases(producer, episode_id) == before


def test_an_episode_has_only_so_many_retakes(producer: Producer, episode_id: str) -> None:
    """Once they are used up, the best take so far of a bad shot is circled, for a person to see."""
    faults = {"waves": ["black"], "dances": ["frozen", "frozen"]}
    options = {"inner": "painted", "faults": faults, "state": str(producer.out / "played.json")}
    producer = replace(producer, engine="sabotaged", options=options)

    _, document = producer.produce(script_of(producer, episode_id), "--max-retakes", "1")

    assert [one["takes"] for one in document["shots"]] == [2, 1]
    assert [one["verdict"] for one in document["shots"]] == ["circled", "waiting for review"]
