"""Films by an engine that remembers: what a shot saw decides what a change costs."""

import json
import os
import signal
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from deployments.studio.embedded import ensure_studio, status
from deployments.studio.settings import StudioSettings, read_settings
from onestory.documents import Digest
from onestory.engines.latents import frame_digest, unpack_latents
from onestory.engines.take import Take
from onestory.memory.lineage import memory_digest
from onestory.testing.producing import STORY, Producer, two_lives
from onestory.vault.store import Vault

pytestmark = pytest.mark.studio


@pytest.fixture(name="director")
def _director(producer: Producer) -> Producer:
    """The same person with an engine that remembers."""
    return replace(producer, engine="remembering")


def planned(director: Producer, script: Path) -> dict[str, Any]:
    """What `onestory plan` says."""
    flags = ("--json", "--home", str(director.home), "--size", director.size)
    return director.run("plan", str(script), *flags).finish()[1]


def vault_of(director: Producer) -> Vault:
    """The vault behind the director's studio."""
    settings = read_settings(
        home=director.home, engine=director.engine, engine_options=director.options
    )
    return Vault(ensure_studio(settings).vault_address())


def takes_of(director: Producer, document: dict[str, Any]) -> list[Take]:
    """The circled takes, in story order."""
    vault = vault_of(director)
    return [vault.get_take(Digest(shot["recipe"])) for shot in document["shots"]]


def filmed_again(before: dict[str, Any], after: dict[str, Any]) -> list[int]:
    """Numbers of the shots, from 1, that have another take now."""
    pairs = zip(before["shots"], after["shots"], strict=True)
    return [number for number, (a, b) in enumerate(pairs, 1) if a["recipe"] != b["recipe"]]


def freshness(plan: dict[str, Any]) -> list[str]:
    """Freshness of every shot."""
    return [shot["freshness"] for shot in plan["shots"]]


def test_takes_say_what_they_remembered(director: Producer, episode_id: str) -> None:
    """Lineage, memory digest and stored latents agree, and name only earlier circled takes."""
    _, document = director.produce(two_lives(director.out, episode_id))

    takes = takes_of(director, document)
    places = {take.address: number for number, take in enumerate(takes, 1)}
    seen = [[places[frame.take] for frame in take.lineage] for take in takes]
    assert seen == [[], [], [1], [2], [1, 3]]
    for take in takes:
        assert take.recipe.memory == memory_digest(take.lineage)
        for frame in take.lineage:
            source = next(one for one in takes if one.address == frame.take)
            assert source.media.latents is not None
            content = vault_of(director).get_blob(source.media.latents)
            assert frame_digest(unpack_latents(content)[frame.frame_index]) == frame.latent


def test_pixels_depend_on_what_is_remembered(director: Producer, episode_id: str) -> None:
    """The same caption and seed with another memory is another picture."""
    _, one = director.produce(two_lives(director.out, episode_id))
    _, two = director.produce(two_lives(director.out, episode_id, ("Mara cries.", *STORY[1:])))

    before, after = takes_of(director, one)[2], takes_of(director, two)[2]
    assert before.recipe.model_copy(update={"memory": after.recipe.memory}) == after.recipe
    assert before.media.first_frame != after.media.first_frame


def dailies_page(producer: Producer, episode: str) -> str:
    """Type `onestory screen` and read what it wrote."""
    flags = ("--home", str(producer.home), "--out", str(producer.out))
    run = producer.run("screen", episode, *flags)
    assert run.process.stdout is not None
    return Path(run.process.stdout.read().strip()).read_text()


def test_a_second_run_renders_nothing(director: Producer, episode_id: str) -> None:
    """Recalled again, every memory is what it was."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)

    plan = planned(director, script)
    code, second = director.produce(script)

    assert freshness(plan) == ["current"] * 5
    assert (code, second["rendered"], second["reused"]) == (0, 0, 5)
    assert filmed_again(first, second) == []


def test_an_edited_caption_films_the_shots_that_remembered_it(
    director: Producer, episode_id: str
) -> None:
    """The plan names them and the frames beforehand; the others stay as they are."""
    _, first = director.produce(two_lives(director.out, episode_id))
    edited = two_lives(director.out, episode_id, ("Mara cries.", *STORY[1:]))
    slates = [shot["slate"] for shot in first["shots"]]

    plan = planned(director, edited)
    code, second = director.produce(edited)

    assert freshness(plan) == ["stale", "current", "stale", "current", "stale"]
    assert plan["shots"][0]["why"] == "changed: caption"
    why = plan["shots"][2]["why"]
    assert why == f"would change: memory (frame 1 of {slates[0]} is filmed again)"
    assert plan["to_film"] == 3
    assert (code, second["rendered"], second["reused"]) == (0, 3, 2)
    assert filmed_again(first, second) == [1, 3, 5]


def test_equal_latents_cut_a_change_off(director: Producer, episode_id: str) -> None:
    """A take that is filmed again and leaves the remembered frames equal changes nothing later."""
    _, first = director.produce(two_lives(director.out, episode_id))
    longer = two_lives(director.out, episode_id, duration="36 frames")

    plan = planned(director, longer)
    run = director.start(longer)
    code, second = run.finish()

    assert freshness(plan) == ["stale", "current", "stale", "current", "stale"]
    assert (code, second["rendered"], second["reused"]) == (0, 1, 4)
    assert filmed_again(first, second) == [1]
    third = second["shots"][2]["slate"]
    assert any(line.startswith(f"{third}  current") for line in run.lines)
    assert freshness(planned(director, longer)) == ["current"] * 5


def test_an_inserted_shot_leaves_memory_unknown_until_it_is_filmed(
    director: Producer, episode_id: str
) -> None:
    """Later shots are blocked, not guessed at; those that would not remember it stay."""
    _, first = director.produce(two_lives(director.out, episode_id))
    longer = two_lives(director.out, episode_id, (*STORY[:3], "Jonas sings.", *STORY[3:]))

    plan = planned(director, longer)
    _, second = director.produce(longer)

    assert freshness(plan) == ["current"] * 3 + ["missing", "blocked", "blocked"]
    inserted = second["shots"][3]["slate"]
    assert plan["shots"][4]["why"].startswith(f"{inserted} is missing")
    assert (second["rendered"], second["reused"]) == (2, 4)
    old, new = (
        {shot["slate"]: shot["recipe"] for shot in document["shots"]}
        for document in (first, second)
    )
    assert [slate for slate in old if old[slate] != new[slate]] == [plan["shots"][4]["slate"]]


def test_a_killed_edit_says_which_frames_changed(director: Producer, episode_id: str) -> None:
    """Killed after the first shot was filmed again, the plan names what later shots remember."""
    slow = replace(director, options={"seconds_per_take": 1.2})
    _, first = slow.produce(two_lives(slow.out, episode_id))
    edited = two_lives(slow.out, episode_id, ("Mara cries.", *STORY[1:]))
    run = slow.start(edited)
    run.wait_for("circled", times=1)
    run.kill()
    slates = [shot["slate"] for shot in first["shots"]]

    plan = planned(slow, edited)
    page = dailies_page(slow, episode_id)
    _, second = slow.produce(edited)

    assert freshness(plan)[:3] == ["current", "current", "stale"]
    for words in (plan["shots"][2]["why"], "would be filmed by the next production"):
        assert words in page
    assert plan["price"] in page
    assert "earlier takes" in plan["price"]
    assert plan["shots"][2]["why"] == f"changed: memory (frame 1 of {slates[0]} changed)"
    assert filmed_again(first, second) == [1, 3, 5]


def test_a_crash_leaves_no_trace_in_the_takes(director: Producer) -> None:
    """Kill -9 of the flow, then resume: the same takes with the same memory as without."""
    slow = replace(director, options={"seconds_per_take": 1.2})
    # Always the same seeds: a take that a gate calls NG is filmed again, crash or not.
    script = two_lives(slow.out, "test-crash-leaves-no-trace")
    run = slow.start(script)
    run.wait_for("on the floor", times=3)
    run.kill()

    code, resumed = slow.produce(script)
    crashed = takes_of(slow, resumed)
    vault = vault_of(slow)
    for take in crashed:
        vault.forget_take(take.address)
    _, whole = slow.produce(script)

    assert code == 0
    assert whole["rendered"] == 5
    assert [shot["takes"] for shot in resumed["shots"]] == [1] * 5
    assert filmed_again(resumed, whole) == []
    again = takes_of(slow, whole)
    assert [take.media for take in again] == [take.media for take in crashed]
    assert [take.lineage for take in again] == [take.lineage for take in crashed]


def test_damaged_latents_are_noticed_and_filmed_again(
    director: Producer, full_studio: StudioSettings, episode_id: str
) -> None:
    """A flipped bit in what is remembered costs that one take, and nothing is built on it."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)
    takes = takes_of(director, first)
    damage(vault_of(director), takes[0].media.latents)
    forget_what_is_at_hand(full_studio)

    plan = planned(director, script)
    code, second = director.produce(script)

    assert freshness(plan)[0] == "missing"
    assert plan["shots"][0]["why"] == f"the latents of take {takes[0].slate} are damaged"
    assert (code, second["rendered"]) == (0, 1)
    assert filmed_again(first, second) == []
    assert takes_of(director, second)[0].media == takes[0].media
    assert freshness(planned(director, script)) == ["current"] * 5


def test_a_shot_without_a_cut_goes_on_from_the_last_frame(
    director: Producer, episode_id: str
) -> None:
    """Its keyframe is that very frame, and an edit of the shot before films it again too."""
    script = two_lives(director.out, episode_id, ("Mara waves.", "Jonas waves."))
    document = json.loads(script.read_text())
    document["shots"][1]["cut"] = False
    script.write_text(json.dumps(document))
    _, first = director.produce(script)
    one, two = takes_of(director, first)

    assert (two.recipe.keyframe, two.recipe.keyframe_by) == (one.media.last_frame, "previous")
    assert two.media.first_frame == one.media.last_frame

    document["shots"][0]["action"] = "Mara cries."
    script.write_text(json.dumps(document))
    plan = planned(director, script)
    _, second = director.produce(script)

    slate = first["shots"][0]["slate"]
    why = f"would change: keyframe (the last frame of {slate} is filmed again)"
    assert (freshness(plan), plan["shots"][1]["why"]) == (["stale", "stale"], why)
    assert filmed_again(first, second) == [1, 2]


def test_explain_and_dailies_show_what_was_remembered(director: Producer, episode_id: str) -> None:
    """Slate, frame, score and level as text and JSON; arcs on the dailies page."""
    _, document = director.produce(two_lives(director.out, episode_id))
    first, third, last = (document["shots"][number]["take"] for number in (0, 2, 4))
    flags = ("--episode", episode_id, "--home", str(director.home))

    _, told = director.run("explain", last, "--json", *flags).finish()
    run = director.run("explain", last, *flags)
    assert run.process.stdout is not None
    text = run.process.stdout.read()
    run.process.wait()

    frames = [(one["slate"], one["frame"], one["level"]) for one in told["remembered"]]
    assert frames == [(first, 1, 1), (third, 1, 1)]
    assert f"{first}  frame 1  score 1.00  level 1" in text
    page = Path(document["dailies"]).read_text()
    assert f"{document['shots'][4]['slate']} remembers 1 frame of" in page


def test_a_larger_budget_of_a_retake_reaches_recall(director: Producer, episode_id: str) -> None:
    """Who is still somebody else on another seed is filmed with half as much memory again."""
    options = {
        "inner": "remembering",
        "faults": {"sits": ["black"]},
        "state": str(director.out / "played.json"),
    }
    director = replace(director, engine="sabotaged", options=options)
    story = ("waves", "jumps", "dances", "sings", "cries", "runs", "reads", "sits down")
    script = two_lives(director.out, episode_id, tuple(f"Mara {action}." for action in story))
    director.produce(script)
    flags = ("--shot", "8", "--why", "identity", "--json", "--home", str(director.home))
    director.run("reject", episode_id, *flags).finish()

    _, document = director.produce(script)
    take = takes_of(director, document)[-1]

    assert document["shots"][-1]["takes"] == 3
    assert take.recipe.memory_budget == 1.5
    assert len(take.lineage) == 6, "a first take has four"
    assert freshness(planned(director, script)) == ["current"] * 8


def forget_what_is_at_hand(settings: StudioSettings) -> None:
    """End the engine server, which keeps what it wrote itself; the next command starts another."""
    service = next(one for one in status(settings).services if one.name == "engine")
    assert service.pid is not None
    os.kill(service.pid, signal.SIGKILL)


def damage(vault: Vault, blob: Digest | None) -> None:
    """Flip bits of a blob where it lies."""
    from minio import Minio

    assert blob is not None
    where = vault.address
    content = bytearray(vault.get_blob(blob))
    content[-1] ^= 0xFF
    digits = blob.removeprefix("sha256:")
    client = Minio(where.endpoint, where.access_key, where.secret_key, secure=where.secure)
    key = f"blobs/{digits[:2]}/{digits[2:]}"
    client.put_object(where.bucket, key, BytesIO(bytes(content)), len(content))


def test_a_second_run_loads_no_network(
    director: Producer, episode_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is current is found by its recipe, and that takes no torch: seconds, not a minute."""
    script = two_lives(director.out, episode_id)
    director.produce(script)

    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    run = director.start(script)
    code, second = run.finish()

    loaded = {line.rpartition("|")[2].strip() for line in run.lines if "import time:" in line}
    assert (code, second["rendered"]) == (0, 0)
    assert "onestory.production.plan" in loaded
    assert not loaded & {"torch", "diffusers", "transformers"}


def test_an_episode_says_what_another_lends_to_its_memory(
    director: Producer, episode_id: str
) -> None:
    """The last take of whom it imports is remembered, by the name of its own episode."""
    four, five = f"{episode_id}-four", f"{episode_id}-five"
    for name, actions in ((four, "Mara waves.\n\nMara jumps."), (five, "Mara dances.")):
        text = f"Title: {name}\n\nINT. KITCHEN - DAY\n\n{actions}\n"
        (director.out / f"{name}.fountain").write_text(text)
    director.produce(director.out / f"{four}.fountain", "--episode", four)
    script = director.out / f"{five}.fountain"
    _, document = director.produce(script, "--episode", five, "--imports", four)

    (shot,) = document["shots"]
    flags = ("--episode", five, "--json", "--home", str(director.home))
    _, told = director.run("explain", shot["take"], *flags).finish()
    assert {one["slate"] for one in told["remembered"]} == {f"{four}/sc01-sh002"}
    assert f"{four}/sc01-sh002" in Path(document["dailies"]).read_text()
    plan = director.run("plan", str(script), *flags, "--size", director.size, "--imports", four)
    assert freshness(plan.finish()[1]) == ["current"]
