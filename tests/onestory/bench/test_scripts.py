"""Stories as shot lists."""

import pytest

from onestory.bench.scripts import ACTIONS, Beat
from onestory.storyworld.kinds import Action
from onestory.storyworld.vocabulary import WORDS


@pytest.mark.parametrize("action", ACTIONS)
def test_two_people_do_what_one_does(action: str) -> None:
    """The verb agrees with who it is about, and means the same to those who read it."""
    one = Beat(("MARA",), "HOME", action).listed()["action"]
    two = Beat(("MARA", "JONAS"), "HOME", action).listed()["action"]
    assert one == f"Mara {action}."
    both = two.removeprefix("Mara and Jonas ").removesuffix(".")
    assert both not in (two, action)
    assert WORDS[Action][both] == WORDS[Action][action]
