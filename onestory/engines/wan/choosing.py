"""
Who chooses what a Wan remembers?

    OneStory's selector, Memento's queries ── learned ──────┐
    captions and small pictures of takes ──── diversity ────┼── policy ── ranking
    order of takes ────────────────────────── recency, … ───┘
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from onestory.engines.wan.published import Published
from onestory.errors import OrderError

if TYPE_CHECKING:
    from onestory.engines.wan.model import WanModel
    from onestory.memory.policies import NextShot, SelectionPolicy

DIVERSITY, LEARNED = "diversity", "learned"
POLICIES = (
    DIVERSITY,
    LEARNED,
    "last_frame",
    "fixed_window",
    "single_keyframe",
    "uniform",
    "recency",
)
"""Who may choose; see `onestory.memory.policies`."""


def policy_named(wanted: str, memory: Path | None, published: Published | None) -> str:
    """
    Say who chooses.

    Args:
        wanted: One of `POLICIES`; nothing for whoever was trained to, and diversity if nobody was.
        memory: OneStory modules, if there are any.
        published: A memory that others published, if there is one.

    Raises:
        OrderError: If there is no such policy, or it was not trained with these weights.
    """
    has_selector = memory is not None and (memory / "selector").is_dir()
    has_queries = published is not None and bool(published.queries)
    can_learn = has_selector or has_queries
    policy = wanted or (LEARNED if can_learn else DIVERSITY)
    if policy not in POLICIES or (policy == LEARNED and not can_learn):
        known = [name for name in POLICIES if can_learn or name != LEARNED]
        raise OrderError(
            f"these weights cannot choose by {policy!r}",
            hint=f"choose {', '.join(known)}",
        )
    return policy


def choosing(
    policy: str, asked: "NextShot", caption: str, model: "Callable[[], WanModel]"
) -> "tuple[SelectionPolicy, NextShot]":
    """
    Bring together who chooses, and what they need to know.

    Args:
        policy: As `policy_named` says.
        asked: The next shot.
        caption: Of it, as the model reads it.
        model: Loads it, if the policy is trained; else it is not asked.
    """
    from onestory.memory.policies import UNTRAINED, clip_diversity, learned

    if policy == DIVERSITY:
        return clip_diversity(), asked
    if policy in UNTRAINED:
        return UNTRAINED[policy], asked
    loaded = model()
    told = replace(asked, text_TE=loaded.read(caption))
    if loaded.queries is not None:
        from onestory.engines.wan.keyframes import memento

        return memento(*loaded.queries), told
    assert loaded.selector is not None, "the policy was checked"
    return learned(loaded.selector), told
