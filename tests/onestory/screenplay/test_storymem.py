"""A StoryMem story is imported as it is."""

import json
from typing import Any

import pytest

from onestory.errors import ScriptError
from onestory.screenplay.reading import parse_screenplay
from onestory.screenplay.script import Screenplay, ScriptShot

STORY: dict[str, Any] = {
    "story_overview": "A fox finds a lamp. It is old.",
    "scenes": [
        {"scene_num": 1, "video_prompts": ["A fox. ", "A lamp."], "cut": [False, False]},
        {"scene_num": 4, "video_prompts": ["A fox runs."], "first_frame_prompt": ["x"]},
    ],
}


def read(story: object) -> Screenplay:
    """Read a story out of memory, as a file with one item a line."""
    return parse_screenplay(json.dumps(story, indent=1).encode(), path="s.json", suffix=".json")


def test_prompts_become_captions_of_five_seconds() -> None:
    """Each prompt is a shot; the first cut is always true, the others as the file says."""
    screenplay = read(STORY)
    shots = [e for s in screenplay.scenes for e in s.elements if isinstance(e, ScriptShot)]

    assert [s.caption for s in shots] == ["A fox.", "A lamp.", "A fox runs."]
    assert [s.is_cut for s in shots] == [True, False, True]
    assert {s.seconds for s in shots} == {5.0}
    assert [s.number for s in screenplay.scenes] == ["1", "4"]
    assert screenplay.episode == "a-fox-finds-a-lamp-it"


def test_other_peoples_keys_are_passed_over() -> None:
    """Keys that we do not know belong to other tools."""
    assert read({**STORY, "seed": 3}).format == "storymem"


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ({"scene_num": 1, "video_prompts": []}, "scene 1 has nothing to shoot"),
        ({"scene_num": 1, "video_prompts": ["a", " "]}, "prompt 2 is empty"),
        ({"scene_num": 1, "video_prompts": ["a"], "cut": [True, True]}, "cut has 2 entries for 1"),
        ({"video_prompts": ["a"]}, "scene_num"),
        ({"scene_num": 1, "video_prompts": "a"}, "video_prompts"),
    ],
)
def test_refusals(scene: dict[str, object], words: str) -> None:
    """A story whose lists disagree is refused inside the file, not at its top."""
    with pytest.raises(ScriptError, match=rf"^s\.json:([4-9]|1\d):\d+: .*{words}"):
        read({"story_overview": "A fox.", "scenes": [scene]})
