"""What a shot sees of the shots before it."""

from itertools import pairwise

import pytest
import torch

from onestory.documents import digest_of
from onestory.engines.recipe import NOTHING_REMEMBERED
from onestory.errors import MemoryBudgetError
from onestory.memory.bank import MemoryBank, frame_digest
from onestory.memory.conditioner import AdaptiveConditioner
from onestory.memory.lineage import memory_digest
from onestory.memory.policies import (
    NextShot,
    SelectionPolicy,
    fixed_window,
    last_frame,
    learned,
    oracle,
    recency,
    uniform,
)
from onestory.memory.recall import recall
from onestory.memory.selector import FrameSelector

C, H, W, T, E = 2, 10, 18, 3, 5


def _bank(num_shots: int = 3, *, flagged: tuple[int, ...] = ()) -> MemoryBank:
    bank = MemoryBank()
    for shot in range(1, num_shots + 1):
        bank.remember(
            torch.randn(5, C, H, W, generator=torch.Generator().manual_seed(shot)),
            take=digest_of(b"take %d" % shot),
            slate=f"s01e01-sc01-sh{shot:03}-tk01",
            shot=shot,
            flagged=flagged,
        )
    return bank


def _learned() -> SelectionPolicy:
    torch.manual_seed(0)
    return learned(FrameSelector(in_channels=C, text_dim=E, width=8, num_queries=2, num_heads=2))


NEXT = NextShot(shot=4, text_TE=torch.ones(T, E))


def test_the_lineage_says_what_is_seen() -> None:
    """Latents, layout and lineage speak of the same frames in the same order."""
    bank = _bank()
    seen = recall(bank, recency(), NEXT, budget=2)

    assert seen.layout.levels == (0, 1, 1, 2, 2) == tuple(r.level for r in seen.lineage)
    assert [(r.position, r.frame_index) for r in seen.lineage] == list(enumerate([4, 3, 2, 1, 0]))
    assert {r.take for r in seen.lineage} == {digest_of(b"take 3")}
    assert [r.latent for r in seen.lineage] == [frame_digest(x) for x in seen.latents_KCHW]
    assert torch.equal(seen.latents_KCHW, bank.latents_FCHW[10:].flip(0))
    assert [r.score for r in seen.lineage] == sorted((r.score for r in seen.lineage), reverse=True)


def test_what_is_recalled_can_be_cut() -> None:
    """The conditioner makes of it exactly the tokens the budget counted."""
    seen = recall(_bank(), uniform(), NEXT, budget=3)
    memory = AdaptiveConditioner(in_channels=C, inner_dim=4)(
        seen.latents_KCHW[None], seen.layout.levels
    )

    assert memory.tokens_BLD.shape[1] == seen.layout.num_tokens == 132


@pytest.mark.parametrize(
    "policy",
    [recency(), uniform(), fixed_window(2), _learned(), oracle(lambda f: f.frame_index % 3)],
    ids=["recency", "uniform", "window", "learned", "oracle"],
)
def test_more_budget_adds_to_what_is_seen(policy: SelectionPolicy) -> None:
    """As the budget grows, what was seen is seen still, in the same order."""
    bank = _bank()
    seen = [
        [r.latent for r in recall(bank, policy, NEXT, budget=budget / 4).lineage]
        for budget in range(1, 40)
    ]

    for less, more in pairwise(seen):
        assert more[: len(less)] == less
    assert len(seen[-1]) > len(seen[0])


def test_later_shots_and_flagged_frames_are_not_seen() -> None:
    """A shot that is made again sees the story as it was before it, without what gates flagged."""
    seen = recall(_bank(flagged=(4,)), recency(), NextShot(shot=2), budget=1)

    assert {r.take for r in seen.lineage} == {digest_of(b"take 1")}
    assert [r.frame_index for r in seen.lineage] == [3, 2, 1, 0]


def test_a_policy_may_want_less_than_the_budget_holds() -> None:
    """Edit-and-extend sees its one frame as sharply as the budget allows."""
    seen = recall(_bank(), last_frame(), NEXT, budget=3)

    assert (seen.layout.levels, len(seen.lineage)) == ((0,), 1)


@pytest.mark.parametrize(("shot", "budget"), [(1, 1.0), (4, 0.0)])
def test_nothing_to_see_is_the_empty_memory(shot: int, budget: float) -> None:
    """The first shot, and a budget of 0, remember nothing, under the name that nothing has."""
    seen = recall(_bank(), _learned(), NextShot(shot=shot), budget=budget)

    assert seen.latents_KCHW.shape == (0, 0, 0, 0)
    assert (seen.layout.num_tokens, seen.lineage) == (0, ())
    assert memory_digest(seen.lineage) == NOTHING_REMEMBERED


def test_a_budget_for_no_frame_is_refused() -> None:
    """Too small a budget is an error and not a silent loss of memory."""
    with pytest.raises(MemoryBudgetError, match="coarsest frame needs 6"):
        recall(_bank(), recency(), NEXT, budget=0.1)
