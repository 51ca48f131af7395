"""`onestory ab`: one script, filmed in two ways on the same seeds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from onestory.testing.producing import Producer, two_lives

pytestmark = pytest.mark.studio


def filmed(producer: Producer, script: Path, *flags: str) -> tuple[int, dict[str, Any]]:
    """Type `onestory ab`."""
    common = ("--json", "--home", str(producer.home), "--out", str(producer.out))
    return producer.run("ab", str(script), *flags, "--size", "96x160", *common).finish()


def test_only_what_remembers_otherwise_differs(producer: Producer, episode_id: str) -> None:
    """A film without memory: the seeds are the same, and what is missing is said shot by shot."""
    producer = replace(producer, engine="remembering")
    script = two_lives(producer.out, episode_id)

    code, document = filmed(producer, script, "--b", "memory_budget=0")

    assert code == 0, document
    shots = document["shots"]
    assert [len(shot["takes"]) for shot in shots] == [2] * 5
    fields = [{one["field"] for one in shot["takes"][1]["differences"]} for shot in shots]
    assert not any("seed" in found for found in fields)
    assert ["memory" in found for found in fields] == [False, False, True, True, True]
    changes = shots[2]["takes"][1]["memory_changes"]
    assert changes
    assert all("not remembered any more" in change for change in changes)
    sides = document["sides"]
    assert [side["policy"] for side in sides] == ["as the studio is set", "memory_budget=0"]
    assert [side["num_takes"] for side in sides] == [5, 5]
    page = Path(document["page"])
    assert page == producer.out / episode_id / "ab.html"
    assert page.read_text().count("<img") == 30


def test_the_same_policy_twice_is_the_same_film(producer: Producer, episode_id: str) -> None:
    """Nothing is rendered for B, for every take is there already."""
    producer = replace(producer, engine="remembering")
    script = two_lives(producer.out, episode_id)

    code, document = filmed(producer, script)

    assert code == 0, document
    assert [shot["is_same"] for shot in document["shots"]] == [True] * 5


def test_what_is_no_option_is_refused(producer: Producer, episode_id: str) -> None:
    """Exit code 2 and a hint; nothing is filmed."""
    producer = replace(producer, engine="remembering")
    script = two_lives(producer.out, episode_id)

    code, document = filmed(producer, script, "--a", "memory_budget")

    assert code == 2
    assert "is no option" in document["error"]["message"]
    assert "memory_budget=3" in document["error"]["hint"]
