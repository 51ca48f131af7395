"""`onestory retake`: what a person orders of single shots, and what becomes of those after them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from onestory.cut.encode import VideoWriter
from onestory.cut.probe import probe_video
from onestory.documents import digest_of
from onestory.testing.producing import STORY, Producer, shot_list, two_lives

pytestmark = pytest.mark.studio


@pytest.fixture(name="director")
def _director(producer: Producer) -> Producer:
    """A person with an engine whose pixels depend on what it remembers."""
    return replace(producer, engine="remembering")


def retake(director: Producer, episode: str, shots: str, *flags: str) -> tuple[int, dict[str, Any]]:
    """Type `onestory retake` and wait for the film."""
    home = ("--home", str(director.home))
    return director.run("retake", episode, "--shots", shots, "--json", *home, *flags).finish()


def planned(director: Producer, script: Path) -> list[dict[str, Any]]:
    """What `onestory plan` says of every shot."""
    flags = ("--json", "--home", str(director.home), "--size", director.size)
    shots: list[dict[str, Any]] = director.run("plan", str(script), *flags).finish()[1]["shots"]
    return shots


def freshness(plan: list[dict[str, Any]]) -> list[str]:
    """Freshness of every shot."""
    return [shot["freshness"] for shot in plan]


def holds(plan: list[dict[str, Any]]) -> list[str]:
    """Who holds the take of every shot."""
    return [shot["hold"] for shot in plan]


def filmed_again(before: dict[str, Any], after: dict[str, Any]) -> list[int]:
    """Numbers of the shots, from 1, that have another take now."""
    pairs = zip(before["shots"], after["shots"], strict=True)
    return [number for number, (a, b) in enumerate(pairs, 1) if a["recipe"] != b["recipe"]]


def recipe_of(director: Producer, episode: str, take: str) -> dict[str, Any]:
    """What `onestory explain` says that a take was made from."""
    flags = ("--json", "--episode", episode, "--home", str(director.home))
    recipe: dict[str, Any] = director.run("explain", take, *flags).finish()[1]["recipe"]
    return recipe


def slate_of(director: Producer, episode: str, address: str) -> str:
    """The slate that stands in a take's camera report."""
    flags = ("--json", "--episode", episode, "--home", str(director.home))
    return str(director.run("explain", address, *flags).finish()[1]["slate"])


def test_a_retaken_shot_is_filmed_on_another_seed(director: Producer, episode_id: str) -> None:
    """Those that remembered it follow, the others stay; the film is whole and stays as it is."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)

    code, second = retake(director, episode_id, "1")
    again = director.produce(script)

    assert (code, second["rendered"], second["reused"]) == (0, 3, 2)
    assert filmed_again(first, second) == [1, 3, 5]
    assert second["shots"][0]["take"].endswith("-tk02")
    one, two = (
        recipe_of(director, episode_id, made["shots"][0]["take"]) for made in (first, second)
    )
    assert {name for name in one if one[name] != two[name]} == {"seed"}
    assert slate_of(director, episode_id, second["shots"][0]["recipe"]).endswith("-tk02")
    assert freshness(planned(director, script)) == ["current"] * 5
    assert (again[1]["rendered"], filmed_again(second, again[1])) == (0, [])


def test_the_price_is_shown_before_it_is_paid(director: Producer, episode_id: str) -> None:
    """A dry run names the shots that would be filmed and what they will cost; no order stays."""
    script = two_lives(director.out, episode_id)
    director.produce(script)

    _, plan = retake(director, episode_id, "3", "--dry-run")

    assert freshness(plan["shots"]) == ["current", "current", "stale", "current", "stale"]
    assert plan["shots"][2]["why"] == "changed: seed (as ordered)"
    assert plan["to_film"] == 2
    assert plan["estimate"]["based_on"] >= 5
    assert 2 <= plan["estimate"]["takes"]["low"] <= plan["estimate"]["takes"]["high"]
    assert 0 < plan["estimate"]["seconds"]["low"] <= plan["estimate"]["seconds"]["high"]
    assert freshness(planned(director, script)) == ["current"] * 5


def test_an_ordered_caption_outlives_the_script(director: Producer, episode_id: str) -> None:
    """It wins over the script until the script says something else of that very shot."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)

    _, second = retake(director, episode_id, "3", "--caption", "Mara cries.")
    elsewhere = two_lives(director.out, episode_id, (*STORY[:3], "Jonas sings.", STORY[4]))
    _, third = director.produce(elsewhere)
    rewritten = two_lives(director.out, episode_id, (*STORY[:2], "Mara sleeps.", *STORY[3:]))
    plan = planned(director, rewritten)

    recipe = recipe_of(director, episode_id, second["shots"][2]["take"])
    assert filmed_again(first, second) == [3, 5]
    assert recipe["caption"] == "The same woman cries."
    assert [subject["name"] for subject in recipe["subjects"]] == ["MARA"]
    assert filmed_again(second, third) == [4]
    assert (plan[2]["freshness"], plan[2]["ordered"]) == ("stale", [])
    assert plan[2]["why"] == "changed: caption, subjects; what was ordered of it lapsed"


def test_what_is_withdrawn_was_paid_for_already(director: Producer, episode_id: str) -> None:
    """The script's own takes come back out of the vault, those of later shots too."""
    _, first = director.produce(two_lives(director.out, episode_id))
    retake(director, episode_id, "1", "--seed", "7")

    code, third = retake(director, episode_id, "1", "--withdraw")

    assert (code, third["rendered"], third["reused"]) == (0, 0, 5)
    assert filmed_again(first, third) == []


def test_keep_films_nothing_else(director: Producer, episode_id: str) -> None:
    """Later takes stay although they remembered the old one, until they would differ once more."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)

    _, second = retake(director, episode_id, "1", "--downstream", "keep")
    plan = planned(director, script)
    _, third = director.produce(script)
    _, fourth = director.produce(
        two_lives(director.out, episode_id, (*STORY[:2], "Mara sleeps.", *STORY[3:]))
    )

    assert (second["rendered"], filmed_again(first, second)) == (1, [1])
    assert freshness(plan) == ["current", "current", "stale", "current", "stale"]
    assert holds(plan) == ["", "", "kept", "", "kept"]
    assert plan[2]["why"] == f"changed: memory (frame 1 of {plan[0]['slate']} changed)"
    assert third["rendered"] == 0
    assert filmed_again(third, fourth) == [3, 5]


def test_freeze_touches_nothing_else_until_it_is_withdrawn(
    director: Producer, episode_id: str
) -> None:
    """Neither another memory nor another script films a frozen shot."""
    _, first = director.produce(two_lives(director.out, episode_id))
    rewritten = (*STORY[:3], "Jonas sings.", STORY[4])

    _, second = retake(director, episode_id, "1", "--downstream", "freeze")
    script = two_lives(director.out, episode_id, rewritten)
    _, third = director.produce(script)
    plan = planned(director, script)
    _, fourth = retake(director, episode_id, "4", "--withdraw")

    assert filmed_again(first, second) == [1]
    assert (third["rendered"], filmed_again(second, third)) == (0, [])
    assert freshness(plan) == ["current", "current", "stale", "stale", "stale"]
    assert holds(plan) == ["", "frozen", "frozen", "frozen", "frozen"]
    assert filmed_again(third, fourth) == [4]
    assert holds(planned(director, script)) == ["", "frozen", "frozen", "", "frozen"]


def test_all_films_everything_after_but_what_is_frozen(director: Producer, episode_id: str) -> None:
    """Those that remembered nothing of it too, each on another seed; those before stay."""
    _, first = director.produce(two_lives(director.out, episode_id))
    retake(director, episode_id, "4", "--seed", "0", "--downstream", "freeze")

    _, second = retake(director, episode_id, "2", "--downstream", "all")

    assert second["rendered"] == 3
    assert filmed_again(first, second) == [2, 3, 4]


def test_a_killed_retake_is_gone_on_with_by_produce(director: Producer, episode_id: str) -> None:
    """The order stands before the first frame is filmed, and so does what becomes of the rest."""
    slow = replace(director, options={"seconds_per_take": 2.0})
    script = two_lives(slow.out, episode_id)
    _, first = slow.produce(script)
    flags = ("--downstream", "keep", "--home", str(slow.home))
    run = slow.run("retake", episode_id, "--shots", "1", *flags)
    run.wait_for("on the floor")
    run.kill()

    _, second = slow.produce(script)

    assert filmed_again(first, second) == [1]
    assert holds(planned(slow, script)) == ["", "", "kept", "", "kept"]


def test_an_order_that_cannot_be_is_refused_before_anything_starts(
    director: Producer, episode_id: str
) -> None:
    """One sentence with a hint, exit code 2, and no word in the ledger."""
    script = two_lives(director.out, episode_id)
    director.produce(script)

    told = {
        flags: retake(director, episode_id, *flags)
        for flags in (("9",), ("1-3", "--caption", "x"), ("1", "--clip", "gone.mp4"))
    }
    nowhere = retake(director, "nowhere", "1")

    assert [code for code, _ in (*told.values(), nowhere)] == [2, 2, 2, 2]
    messages = [answer["error"]["message"] for _, answer in (*told.values(), nowhere)]
    assert messages == [
        f"there is no shot 9 in episode {episode_id}",
        "one caption cannot be for 3 shots",
        "there is no file 'gone.mp4'",
        "there is no episode 'nowhere'",
    ]
    assert freshness(planned(director, script)) == ["current"] * 5


def clip_of(director: Producer, name: str, *, num_frames: int = 40, is_still: bool = False) -> Path:
    """Footage of a person's own: a white bar in the dark, wide, at 30 frames a second."""
    path = director.out / name
    with VideoWriter(path, width=320, height=180, fps="30") as writer:
        for index in range(num_frames):
            left = 110 if is_still else 110 + index
            frame_HWC = np.full((180, 320, 3), 40, np.uint8)
            frame_HWC[20:80, left : left + 30] = 255
            writer.write(frame_HWC)
    return path


def test_a_clip_of_ones_own_is_a_take_that_is_remembered(
    director: Producer, episode_id: str
) -> None:
    """Brought to size, rate and length, and circled by a person whatever gates say of it."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)
    still = clip_of(director, "still.mp4", is_still=True)

    run = director.run(
        *("retake", episode_id, "--shots", "1", "--clip", str(still)),
        *("--json", "--home", str(director.home)),
    )
    code, second = run.finish()
    plan = planned(director, script)
    flags = ("--json", "--home", str(director.home))
    _, status = director.run("status", episode_id, *flags).finish()

    facts = probe_video(Path(second["film"]), decode=True)
    assert (code, filmed_again(first, second)) == (0, [1, 3, 5])
    assert (facts.num_frames, facts.width, facts.height) == (5 * 24, 96, 160)
    assert any("NG" in line and "frozen" in line for line in run.lines)
    assert status["episodes"][0]["shots"][0]["by"] == "person"
    assert freshness(plan) == ["current"] * 5
    assert plan[0]["ordered"] == ["clip"]


def test_a_change_ends_where_the_frames_come_out_equal(director: Producer, episode_id: str) -> None:
    """Another clip that looks the same to memory films no later shot, though the plan feared it."""
    director.produce(two_lives(director.out, episode_id))
    one, two = (clip_of(director, f"{length}.mp4", num_frames=length) for length in (40, 41))
    _, second = retake(director, episode_id, "1", "--clip", str(one))

    flags = ("--clip", str(two))
    _, plan = retake(director, episode_id, "1", *flags, "--dry-run")
    home = ("--json", "--home", str(director.home))
    run = director.run("retake", episode_id, "--shots", "1", *flags, *home)
    _, third = run.finish()

    assert freshness(plan["shots"]) == ["stale", "current", "stale", "current", "stale"]
    later = [third["shots"][number]["slate"] for number in (2, 4)]
    assert all(any(line.startswith(f"{one}  current") for line in run.lines) for one in later)
    assert third["rendered"] == 1
    assert filmed_again(second, third) == [1]


def test_a_clip_that_is_too_short_is_refused(director: Producer, episode_id: str) -> None:
    """With the numbers, before anything is filmed."""
    director.produce(two_lives(director.out, episode_id))
    short = clip_of(director, "short.mp4", num_frames=20)

    code, answer = retake(director, episode_id, "1", "--clip", str(short))

    assert code == 2
    assert answer["error"]["message"] == (
        "'short.mp4' has 16 frames at 24 a second, and the shot has 24"
    )


def test_a_first_frame_of_ones_own_starts_the_shot(director: Producer, episode_id: str) -> None:
    """The take's first frame is that picture, and the order stands in every later plan."""
    script = two_lives(director.out, episode_id)
    _, first = director.produce(script)
    picture = director.out / "mine.png"
    Image.new("RGB", (96, 160), (200, 40, 40)).save(picture)

    _, second = retake(director, episode_id, "3", "--keyframe", str(picture))

    recipe = recipe_of(director, episode_id, second["shots"][2]["take"])
    assert filmed_again(first, second) == [3, 5]
    assert (recipe["keyframe"], recipe["keyframe_by"]) == (digest_of(picture.read_bytes()), "user")
    assert freshness(planned(director, script)) == ["current"] * 5


def test_a_ladder_that_ends_circles_a_take_of_the_order(
    producer: Producer, episode_id: str
) -> None:
    """The take before it passed every gate, and yet it is not what was ordered."""
    options = {
        "inner": "painted",
        "faults": {"dances": ["none", "black", "frozen"]},
        "state": str(producer.out / "played.json"),
    }
    director = replace(producer, engine="sabotaged", options=options)
    script = shot_list(director.out, episode_id, ("waves", "dances"), duration="48 frames")
    director.produce(script, "--max-takes", "2")

    code, second = retake(director, episode_id, "2")

    shot = second["shots"][1]
    assert (code, shot["takes"], shot["verdict"]) == (3, 3, "waiting for review")
    assert shot["take"].endswith("-tk03"), "the frozen take is the least bad"


def test_what_the_engine_or_the_film_cannot_do_is_refused(
    producer: Producer, episode_id: str
) -> None:
    """A first frame for an engine that starts from none; a shot whose forerunner has no take."""
    options = {
        "inner": "painted",
        "faults": {"dances": ["black"]},
        "state": str(producer.out / "played.json"),
    }
    director = replace(producer, engine="sabotaged", options=options)
    script = shot_list(director.out, episode_id, ("waves", "dances", "jumps"), duration="48 frames")
    director.produce(script, "--max-takes", "1", "--when-exhausted", "block")
    Image.new("RGB", (96, 160)).save(director.out / "mine.png")

    told = [
        retake(director, episode_id, "1", "--keyframe", "mine.png"),
        retake(director, episode_id, "3"),
    ]

    assert [code for code, _ in told] == [2, 2]
    assert [answer["error"]["message"] for _, answer in told] == [
        "the engine that films cannot start from a first frame",
        "sc01-sh002 before it has no take",
    ]
