"""What late shots cost: what is counted is tested, what is timed is not."""

import pytest

from onestory.bench.cost import StepCost, cost_table, measure_cost
from onestory.bench.filming import Studio


@pytest.fixture(name="rows")
def _rows(studio: Studio) -> list[StepCost]:
    """A measurement of two shots."""
    return measure_cost(studio.modules, shots=(2, 5), rounds=1, num_frames=2)


def test_only_a_full_history_grows(rows: list[StepCost]) -> None:
    """With a budget the memory of shot 5 is as large as that of shot 2 can be."""
    tokens = {(row.rule, row.shot): row.memory_tokens for row in rows}

    assert tokens["adaptive", 5] <= 45
    assert tokens["fixed_window", 5] == tokens["fixed_window", 2]
    assert tokens["full_history", 5] == 4 * tokens["full_history", 2]


def test_the_first_shot_is_the_measure(rows: list[StepCost]) -> None:
    """It costs once what it costs."""
    assert [row.ratio for row in rows if row.shot == 2] == [1.0, 1.0, 1.0]
    assert all(row.step_milliseconds > 0 for row in rows)


def test_the_table_has_a_line_for_each(rows: list[StepCost]) -> None:
    """Two lines of heading, one for each rule and shot."""
    assert len(cost_table(rows).splitlines()) == 2 + 6
