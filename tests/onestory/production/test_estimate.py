"""What a plan will cost is concluded from what takes have cost, and is honest about doubt."""

import numpy as np
import pytest

from onestory.production.estimate import estimate
from onestory.tracking.history import PastTake


def history(num_shots: int, rng: np.random.Generator) -> list[PastTake]:
    """Shots of one to three takes, of about a tenth of a second a frame."""
    return [
        PastTake(
            shot=str(shot),
            seconds=float(frames * rng.gamma(4.0, 0.025)),
            num_frames=int(frames),
        )
        for shot in range(num_shots)
        for frames in [rng.integers(24, 96)]
        for _ in range(rng.integers(1, 4))
    ]


def test_without_a_history_nothing_is_said() -> None:
    """A guess would look like knowledge."""
    assert estimate([24, 48], []) is None


def test_what_always_costs_the_same_will_cost_that() -> None:
    """Two takes a shot, half a second a frame: no doubt is left, and nothing is filmed for free."""
    past = [
        PastTake(shot=str(number // 2), seconds=frames / 2, num_frames=frames)
        for number, frames in enumerate((10, 20, 30, 40))
    ]
    told = estimate([8, 16], past)

    assert told is not None
    assert (told.takes.low, told.takes.middle, told.takes.high) == (4, 4, 4)
    assert told.seconds.middle == pytest.approx(2 * (8 + 16) / 2)
    assert told.based_on == 4
    nothing = estimate([], past)
    assert nothing is not None
    assert nothing.seconds.high == 0


def test_nine_of_ten_films_cost_what_was_said() -> None:
    """The interval holds for films that were not seen, also after a short history."""
    rng = np.random.default_rng(4)
    for num_shots in (8, 60):
        hits = 0
        for _ in range(40):
            past, future = history(num_shots, rng), history(12, rng)
            frames = [one.num_frames for one in {one.shot: one for one in future}.values()]
            told = estimate(frames, past)
            assert told is not None
            cost = sum(one.seconds for one in future)
            hits += told.seconds.low <= cost <= told.seconds.high
        assert 31 <= hits <= 40, f"{hits} of 40 films within the interval"


def test_a_short_history_is_in_more_doubt() -> None:
    """The same plan after eight shots and after sixty."""
    rng = np.random.default_rng(6)
    widths = []
    for num_shots in (8, 60):
        spans = []
        for _ in range(10):
            told = estimate([48] * 12, history(num_shots, rng))
            assert told is not None
            spans.append((told.seconds.high - told.seconds.low) / told.seconds.middle)
        widths.append(float(np.mean(spans)))

    assert widths[0] > 1.1 * widths[1]


def test_equal_histories_make_equal_estimates() -> None:
    """A plan that is asked for twice says the same."""
    past = history(20, np.random.default_rng(1))

    assert estimate([24, 48], past) == estimate([24, 48], past)
