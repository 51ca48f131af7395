"""What persons circled and rejected draws the limits of the gates."""

import numpy as np
import pytest

from onestory.bench.reviews import FEWEST, Reviews, agreement, read_reviews
from onestory.continuity.content import CONTENT_GATES
from onestory.documents import digest_of
from onestory.engines.take import GateResult, NgReason, Verdict
from onestory.errors import OrderError
from onestory.production.recipes import recipe_for
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_take
from onestory.vault.ledger import Ledger
from onestory.vault.store import Vault


def review(vault: Vault, episode: str, values: list[float], *, rejected: NgReason | None) -> None:
    """A shot for every value: one take, which the gates judged and a person decided on."""
    ledger = Ledger(vault, episode)
    told = tiny_episode(episode=episode)
    for number, value in enumerate(values):
        recipe = recipe_for(told.shots[0], told, tiny_read(told).shots[0], tiny_filming())
        name = f"{episode} {number} {value} {rejected}"
        take = tiny_take(recipe.model_copy(update={"caption": name}))
        results = tuple(
            GateResult(
                gate=gate, value=value, threshold=0.0, unit="likeness", is_passed=True, evidence="."
            )
            for gate in CONTENT_GATES
        )
        verdict = Verdict(take=take.address, gates=digest_of(b"gates"), results=results)
        vault.put_take(take)
        vault.put_verdict(verdict)
        shot = f"sc01-sh{len(ledger.state.shots) + 1:03d}"
        ledger.rendered(shot, prefix="s01e01", address=take.address, rung=0)
        ledger.judged(
            shot,
            address=take.address,
            question=verdict.question,
            is_passed=True,
            reasons=(),
            badness=0,
        )
        if rejected is None:
            ledger.circle(shot, address=take.address, by="person", why="good")
        else:
            ledger.reject(shot, address=take.address, reason=rejected)


def test_limits_are_drawn_by_what_persons_circled(vault: Vault, episode_id: str) -> None:
    """At most one in twenty circled takes lies under a limit; what was rejected, mostly does."""
    review(vault, episode_id, list(np.linspace(0.5, 0.9, 40)), rejected=None)
    review(vault, episode_id, [0.1, 0.2, 0.95], rejected=NgReason.IDENTITY)

    (found,) = read_reviews(vault, [episode_id]).values()
    limits = found.limits()
    rows = {str(row["gate"]): row for row in agreement(found, limits)}

    assert (found.num_circled, found.num_rejected) == (40, 3)
    assert 0.5 <= limits["identity"].least < 0.55
    assert limits["identity"].num_good == 40
    assert rows["identity"]["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert rows["place"]["recall"] is None
    assert rows["identity"]["good"] == 40


def test_a_few_decisions_draw_no_limit(vault: Vault, episode_id: str) -> None:
    """Nineteen are not twenty, and gates' own circlings are nobody's opinion."""
    review(vault, episode_id, [0.8] * (FEWEST - 1), rejected=None)
    ledger = Ledger(vault, episode_id)
    ledger.rendered("sc09-sh001", prefix="s01e01", address=digest_of(b"take"), rung=0)
    ledger.circle("sc09-sh001", address=digest_of(b"take"), by="gates", why="passed")

    (found,) = read_reviews(vault, [episode_id]).values()

    assert isinstance(found, Reviews)
    with pytest.raises(OrderError, match=f"circled {FEWEST - 1} takes of"):
        found.limits()
    assert read_reviews(vault, []) == {}
