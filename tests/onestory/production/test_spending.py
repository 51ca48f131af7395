"""What an order allows for a shot, and for an episode."""

import pytest

from onestory.production.order import EpisodeOrder
from onestory.production.spending import Spending


def spending_of(**fields: float) -> Spending:
    """Of an order that says nothing else."""
    return Spending(EpisodeOrder.model_validate({"script": "a.fountain", **fields}))


def takes_allowed(spending: Spending, *, seconds: float = 10, num_tried: int = 0) -> int:
    """How many takes of the next shot are filmed if none of them is any good."""
    spending.begin_shot(num_tried=num_tried)
    for count in range(1, 99):
        spending.add(seconds)
        if not spending.allows_retake:
            return count
    return 99


def test_a_shot_has_a_number_of_takes() -> None:
    """The first and its retakes; what a person has seen counts, and one more is always filmed."""
    spending = spending_of(max_takes=4)
    assert [takes_allowed(spending) for _ in range(2)] == [4, 4]
    assert takes_allowed(spending, num_tried=3) == 1
    assert takes_allowed(spending, num_tried=7) == 1


@pytest.mark.parametrize(("limit", "takes"), [(5, 1), (10, 1), (11, 2), (25, 3)])
def test_a_shot_has_seconds(limit: float, takes: int) -> None:
    """No retake is begun once they are spent; what was found costs none."""
    spending = spending_of(max_takes=9, shot_seconds=limit)
    assert [takes_allowed(spending) for _ in range(2)] == [takes, takes]
    assert takes_allowed(spending, seconds=0) == 9


def test_an_episode_has_a_number_of_retakes() -> None:
    """Shots share them, and the first takes are none."""
    spending = spending_of(max_takes=3, max_retakes=3)
    assert [takes_allowed(spending) for _ in range(4)] == [3, 2, 1, 1]
    assert takes_allowed(spending_of(max_retakes=0)) == 1


def test_an_episode_has_seconds_for_retakes() -> None:
    """First takes do not count."""
    spending = spending_of(max_takes=3, retake_seconds=25)
    assert [takes_allowed(spending) for _ in range(3)] == [3, 2, 1]
