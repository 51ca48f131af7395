"""Which shots a person means by numbers."""

import pytest

from onestory.errors import OrderError
from onestory.production.retake import chosen
from onestory.screenplay.episode import Episode
from onestory.testing.stories import tiny_episode


def _numbered(*numbers: str) -> Episode:
    """An episode whose shots have these numbers."""
    episode = tiny_episode(len(numbers))
    shots = tuple(
        shot.model_copy(update={"slate": f"sc01-sh{number}"})
        for shot, number in zip(episode.shots, numbers, strict=True)
    )
    return episode.model_copy(update={"shots": shots})


@pytest.mark.parametrize(
    ("shots", "numbers"),
    [
        ("3", ["003"]),
        ("3,5-7", ["003", "005", "005A", "007"]),
        ("5a", ["005A"]),
        (" 7 , 3 ", ["003", "007"]),
        ("3-3,3", ["003"]),
        ("4-9", ["005", "005A", "007"]),
        ("5A-7", ["005A", "007"]),
    ],
)
def test_numbers_are_those_of_the_slates(shots: str, numbers: list[str]) -> None:
    """Not places in the film: a deleted shot moves nobody, an inserted one belongs to its range."""
    episode = _numbered("001", "003", "005", "005A", "007")

    found = [shot.slate.removeprefix("sc01-sh") for shot in chosen(shots, episode)]

    assert found == numbers


@pytest.mark.parametrize(
    ("shots", "message"),
    [
        ("", "'' is no shot and no range of shots"),
        ("3,", "'' is no shot and no range of shots"),
        ("three", "'three' is no shot"),
        ("1-2-3", "'1-2-3' is no shot"),
        ("7-3", "the range 7-3 runs backwards"),
        ("2", "there is no shot 2 in episode tiny"),
        ("8-9", "there is no shot 8-9 in episode tiny"),
    ],
)
def test_what_names_no_shot_is_refused(shots: str, message: str) -> None:
    """A typing error never films another shot, nor none without a word."""
    with pytest.raises(OrderError, match=message):
        chosen(shots, _numbered("001", "003", "005", "005A", "007"))
