"""The rules that are compared."""

import pytest

from onestory.bench.cases import Case
from onestory.bench.filming import Studio
from onestory.bench.variants import QUICK, VARIANTS, Variant, policy_of
from onestory.memory.budget import LEVELS


def test_the_papers_comparison_is_there() -> None:
    """Baselines, ours, the upper bound and the ablations, each under a name of its own."""
    names = [variant.name for variant in VARIANTS]

    assert len(set(names)) == len(names)
    assert {
        "none",
        "last_frame",
        "fixed_window",
        "single_keyframe",
        "uniform",
        "recency",
        "adaptive",
        "oracle",
        "without_selector",
        "without_conditioner",
        "adaptive_budget_0.5",
        "adaptive_budget_2",
        "adaptive_budget_3",
    } == set(names)
    assert set(QUICK) <= set(VARIANTS)


def test_without_a_conditioner_every_frame_is_cut_alike() -> None:
    """Then only the finest patchifier is left."""
    assert Variant(name="any", rule="learned").levels == LEVELS
    assert Variant(name="any", rule="learned", is_adaptive=False).levels == LEVELS[:1]


def test_a_rule_that_remembers_nothing_ranks_nothing(studio: Studio, told: list[Case]) -> None:
    """Asking it anyway is refused by name."""
    with pytest.raises(ValueError, match="none remembers nothing"):
        policy_of(VARIANTS[0], studio.modules, told[0], 1)
