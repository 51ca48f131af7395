"""Why two takes differ."""

from onestory.production.explain import explain
from onestory.production.recipes import recipe_for
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_take


def test_a_take_does_not_differ_from_itself() -> None:
    """The same take twice has no differences."""
    take = _take(seed=0)

    assert explain(take, take).differences == ()


def test_differences_name_the_field_and_both_values() -> None:
    """A person sees what to change back."""
    one, other = _take(seed=0), _take(seed=1)

    found = explain(one, other).differences

    assert [difference.field for difference in found] == ["seed"]
    assert found[0].one == str(one.recipe.seed)
    assert found[0].other == str(other.recipe.seed)


def _take(*, seed: int):  # type: ignore[no-untyped-def]
    episode = tiny_episode(2)
    read = tiny_read(episode).shots[0]
    return tiny_take(recipe_for(episode.shots[0], episode, read, tiny_filming(seed=seed)))
