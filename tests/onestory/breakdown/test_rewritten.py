"""A shot that was rewritten from scratch is still that shot."""

from onestory.breakdown.alignment import align
from onestory.testing.stories import tiny_episode, tiny_shot


def test_a_rewritten_shot_between_its_old_neighbours_keeps_its_slate() -> None:
    """Whoever replaces one shot's action by another still speaks of shot 2."""
    before = tiny_episode(3)
    rewritten = tiny_shot(2, action="reads a letter by the window, in tears").model_copy(
        update={"lines": ()}
    )
    after = before.model_copy(update={"shots": (before.shots[0], rewritten, before.shots[2])})

    slates = [shot.slate for shot in align(before, after).shots]

    assert slates == [shot.slate for shot in before.shots]


def test_a_shot_in_another_set_is_another_shot() -> None:
    """The same place in the story, but elsewhere: a new slate."""
    before = tiny_episode(3)
    elsewhere = tiny_shot(2, action="flies a kite").model_copy(
        update={"set_name": "BEACH", "lines": ()}
    )
    after = before.model_copy(update={"shots": (before.shots[0], elsewhere, before.shots[2])})

    slates = [shot.slate for shot in align(before, after).shots]

    assert slates[1] not in {shot.slate for shot in before.shots}
