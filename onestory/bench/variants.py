"""
What is compared? One model, told in different ways what to remember.

    baselines     none · last frame · fixed window · single keyframe · uniform · recency
    ours          adaptive: selector and conditioner, one latent frame of budget
    upper bound   oracle: the truth says which frames help
    ablations     without selector · without conditioner · budgets 0.5, 1, 2, 3

Reference: An et al., "OneStory", 2025 (arXiv:2512.07802), tables 1 to 3; its baselines are other
models, ours the same weights under other rules, which asks for nothing but the memory.
"""

from dataclasses import dataclass
from typing import Literal

from onestory.bench.cases import Case
from onestory.diffusion.pocket import PocketModules
from onestory.memory.bank import MemoryFrame
from onestory.memory.budget import LEVELS
from onestory.memory.policies import UNTRAINED, SelectionPolicy, learned, oracle

Rule = Literal[
    "none",
    "last_frame",
    "fixed_window",
    "single_keyframe",
    "uniform",
    "recency",
    "learned",
    "oracle",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One row of the comparison."""

    name: str
    rule: Rule
    budget: float = 1.0
    """Latent-frame equivalents."""
    is_adaptive: bool = True
    """Whether the best frames are cut finely and others coarsely; else all frames finest."""

    @property
    def levels(self) -> tuple[tuple[int, int, int], ...]:
        """The patchifiers that may be used."""
        return LEVELS if self.is_adaptive else LEVELS[:1]


BASELINES = (
    Variant(name="none", rule="none", budget=0.0),
    Variant(name="last_frame", rule="last_frame", is_adaptive=False),
    Variant(name="fixed_window", rule="fixed_window"),
    Variant(name="single_keyframe", rule="single_keyframe", is_adaptive=False),
    Variant(name="uniform", rule="uniform"),
    Variant(name="recency", rule="recency"),
)
ADAPTIVE = Variant(name="adaptive", rule="learned")
ORACLE = Variant(name="oracle", rule="oracle")
ABLATIONS = (
    Variant(name="without_selector", rule="recency"),
    Variant(name="without_conditioner", rule="learned", is_adaptive=False),
    Variant(name="adaptive_budget_0.5", rule="learned", budget=0.5),
    Variant(name="adaptive_budget_2", rule="learned", budget=2.0),
    Variant(name="adaptive_budget_3", rule="learned", budget=3.0),
)
VARIANTS = (*BASELINES, ADAPTIVE, ORACLE, *ABLATIONS)
QUICK = (*BASELINES[:4], ADAPTIVE)


def policy_of(variant: Variant, modules: PocketModules, case: Case, shot: int) -> SelectionPolicy:
    """
    Say who ranks the frames for a shot.

    Raises:
        ValueError: If the variant remembers nothing.
    """
    if variant.rule == "learned":
        return learned(modules.selector)
    if variant.rule == "oracle":

        def known(frame: MemoryFrame) -> float:
            return case.relevance(frame.shot, frame.frame_index, shot)

        return oracle(known)
    if variant.rule not in UNTRAINED:
        raise ValueError(f"{variant.name} remembers nothing")
    return UNTRAINED[variant.rule]
