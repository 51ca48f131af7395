"""How much of the past fits into a token budget."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestory.errors import MemoryBudgetError
from onestory.memory.budget import LEVELS, PATCH, solve_layout, tokens_per_frame

POCKET = (10, 18)
GRIDS = st.tuples(st.integers(1, 70), st.integers(1, 110))
BUDGETS = st.floats(0.01, 12)


@pytest.mark.parametrize(
    ("grid", "tokens"),
    [(POCKET, [45, 15, 6]), ((60, 104), [1560, 390, 104]), ((44, 80), [880, 220, 60])],
)
def test_tokens_of_a_frame(grid: tuple[int, int], tokens: list[int]) -> None:
    """A grid that a kernel does not divide costs the tokens of its padding too."""
    assert [tokens_per_frame(*grid, kernel) for kernel in LEVELS] == tokens


@pytest.mark.parametrize(
    ("budget", "levels", "tokens"),
    [
        (0.15, (2,), 6),
        (0.5, (1, 2), 21),
        (1, (1, 1, 2, 2), 42),
        (2, (0, 1, 1, 2, 2), 87),
        (3, (0, 0, 1, 1, 2, 2), 132),
    ],
)
def test_layouts_of_the_pocket_grid(budget: float, levels: tuple[int, ...], tokens: int) -> None:
    """The first frame's worth buys breadth, every further one a sharp frame."""
    layout = solve_layout(budget, 100, POCKET)

    assert (layout.levels, layout.num_tokens) == (levels, tokens)
    assert layout.num_frames == len(levels)


@pytest.mark.parametrize(
    ("grid", "levels"),
    [((60, 104), (1, 1, 2, 2, 2, 2, 2)), ((44, 80), (1, 1, 1, 2, 2, 2))],
)
def test_layouts_of_large_grids(grid: tuple[int, int], levels: tuple[int, ...]) -> None:
    """At production sizes, too, one frame's worth holds several frames."""
    assert solve_layout(1.0, 100, grid).levels == levels


def test_few_frames_are_seen_sharply() -> None:
    """What a short past leaves of the budget refines the frames there are, best first."""
    assert solve_layout(1, 1, POCKET).levels == (0,)
    assert solve_layout(3, 3, POCKET).levels == (0, 0, 0)
    assert solve_layout(1.7, 3, POCKET).levels == (0, 1, 1)


def test_four_levels_halve_their_share() -> None:
    """With a fourth level there is breadth at three sharpnesses, thirteen frames in all."""
    levels = solve_layout(1, 100, (60, 104), (*LEVELS, (1, 16, 16))).levels

    assert [levels.count(level) for level in range(4)] == [0, 2, 6, 5]


def test_one_level_is_a_plain_quota() -> None:
    """With one patchifier the budget counts frames."""
    assert solve_layout(3.9, 100, POCKET, LEVELS[:1]).levels == (0, 0, 0)


@given(GRIDS, BUDGETS, st.integers(1, 30))
def test_never_over_budget_and_never_finer_down_the_ranks(
    grid: tuple[int, int], budget: float, num_frames: int
) -> None:
    """A layout fits its budget, says its true tokens, and gives better frames finer patches."""
    costs = [tokens_per_frame(*grid, kernel) for kernel in LEVELS]
    unit = tokens_per_frame(*grid, PATCH)
    try:
        layout = solve_layout(budget, num_frames, grid)
    except MemoryBudgetError:
        assert budget * unit < costs[-1]
        return

    assert 1 <= layout.num_frames <= num_frames
    assert layout.num_tokens == sum(costs[level] for level in layout.levels)
    assert layout.num_tokens <= budget * unit + 1e-3
    assert list(layout.levels) == sorted(layout.levels)


@given(GRIDS, BUDGETS, BUDGETS, st.integers(1, 30))
def test_more_budget_never_drops_a_frame(
    grid: tuple[int, int], one: float, other: float, num_frames: int
) -> None:
    """A larger budget remembers at least as many frames as a smaller one."""
    less, more = sorted((one, other))
    try:
        few = solve_layout(less, num_frames, grid).num_frames
    except MemoryBudgetError:
        return

    assert solve_layout(more, num_frames, grid).num_frames >= few


@given(GRIDS, BUDGETS, st.integers(1, 30))
def test_nothing_affordable_is_left_undone(
    grid: tuple[int, int], budget: float, num_frames: int
) -> None:
    """No frame could be finer for what the layout leaves of the budget."""
    costs = [tokens_per_frame(*grid, kernel) for kernel in LEVELS]
    try:
        layout = solve_layout(budget, num_frames, grid)
    except MemoryBudgetError:
        return
    left = budget * tokens_per_frame(*grid, PATCH) - layout.num_tokens

    steps = [costs[level - 1] - costs[level] for level in layout.levels if level]
    assert all(step > left - 1e-3 for step in steps)


def test_a_rounding_costs_no_frame() -> None:
    """A budget that is a whole number of tokens on paper buys them all."""
    assert solve_layout(6 / 45, 9, POCKET).num_tokens == 6
    assert solve_layout(1 - 5e-10, 9, (60, 104), LEVELS[:1]).num_tokens == 1560


def test_no_budget_is_no_memory() -> None:
    """A budget of 0, and a film's first shot, remember nothing."""
    assert solve_layout(0, 5, POCKET).levels == ()
    assert solve_layout(1, 0, POCKET).levels == ()


def test_too_small_a_budget_is_refused_with_its_numbers() -> None:
    """A budget that holds no frame says what it would take, and that much is enough."""
    with pytest.raises(MemoryBudgetError, match=r"0\.1 is 4 tokens.* needs 6.*0\.133") as caught:
        solve_layout(0.1, 5, POCKET)

    assert "0 for no memory" in str(caught.value.hint)


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_a_budget_is_a_number(budget: float) -> None:
    """Neither less than nothing nor everything is a budget."""
    with pytest.raises(MemoryBudgetError, match="from 0 on"):
        solve_layout(budget, 5, POCKET)


def test_levels_go_from_fine_to_coarse() -> None:
    """Levels in another order would give the best frame the coarsest patches."""
    for levels in (LEVELS[::-1], ()):
        with pytest.raises(ValueError, match="fine to coarse"):
            solve_layout(1, 5, POCKET, levels)


def test_planning_needs_no_torch() -> None:
    """Budget and lineage can be read where no model is loaded."""
    code = (
        "import sys, onestory.memory.budget, onestory.memory.lineage; print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "False"
