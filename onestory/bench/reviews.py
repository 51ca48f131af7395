"""
Where would persons draw the line? Their decisions on takes, in the same form as known faults.

    ledgers ─┬─ circled by a person ── good ──┐
             └─ rejected, and why ──── bad ───┴── what the gates had said ── limits, recall
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onestory.bench.asking import GOOD, Asked
from onestory.bench.gates import limits_of
from onestory.continuity.content import CONTENT_GATES, REASONS, Limit
from onestory.errors import OrderError
from onestory.vault.ledger import Ledger, TakeEntry
from onestory.vault.store import Vault

FEWEST = 20
"""Takes that persons circled, of one engine, below which no limit is drawn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviews:
    """What persons decided on takes of one engine."""

    engine: str
    asked: tuple[Asked, ...]
    """What the gates had said; the fault is the reason of a rejection."""
    num_circled: int
    num_rejected: int

    def limits(self) -> dict[str, Limit]:
        """
        Draw limits by takes that persons circled.

        Raises:
            OrderError: If there are too few of them.
        """
        if self.num_circled < FEWEST:
            raise OrderError(
                f"persons circled {self.num_circled} takes of {self.engine}, and it takes {FEWEST}",
                hint="review more takes: onestory produce --review every",
            )
        return limits_of(self.asked)


def read_reviews(vault: Vault, episodes: Iterable[str]) -> dict[str, Reviews]:
    """
    Read what persons decided.

    Args:
        vault: With ledgers and verdicts.
        episodes: Ids of those to be read.

    Returns:
        By name of the engine. A take that the gates were not asked of is left out, as is a
        person's own footage.
    """
    asked: dict[str, list[Asked]] = {}
    counts: dict[str, dict[bool, int]] = {}
    for number, episode in enumerate(episodes):
        for shot in Ledger(vault, episode).state.shots.values():
            circled = shot.circled
            for entry in shot.takes:
                is_good = (
                    circled is not None
                    and circled.by == "person"
                    and circled.address == entry.address
                )
                if not is_good and entry.rejected_for is None:
                    continue
                engine, answers = _answers(vault, entry, number, is_good=is_good)
                if answers:
                    asked.setdefault(engine, []).extend(answers)
                    counted = counts.setdefault(engine, {True: 0, False: 0})
                    counted[is_good] += 1
    return {
        engine: Reviews(
            engine=engine,
            asked=tuple(found),
            num_circled=counts[engine][True],
            num_rejected=counts[engine][False],
        )
        for engine, found in asked.items()
    }


def agreement(reviews: Reviews, limits: Mapping[str, Limit]) -> list[dict[str, object]]:
    """
    Say how often gates and persons agree.

    Returns:
        One row a gate: how many takes that persons circled it calls NG (`false_alarm`), and how
        many of those that they rejected for its reason (`recall`; None if there were none).
    """
    rows: list[dict[str, object]] = []
    for gate, limit in limits.items():
        mine = [one for one in reviews.asked if one.gate == gate]
        good = [one.value < limit.least for one in mine if one.fault == GOOD]
        bad = [one.value < limit.least for one in mine if one.fault == str(REASONS[gate])]
        rows.append(
            {
                "gate": gate,
                "fault": f"rejected: {REASONS[gate]}",
                "false_alarm": round(sum(good) / len(good), 4) if good else None,
                "recall": round(sum(bad) / len(bad), 4) if bad else None,
                "good": len(good),
                "bad": len(bad),
            }
        )
    return rows


def _answers(
    vault: Vault, entry: TakeEntry, story: int, *, is_good: bool
) -> tuple[str, list[Asked]]:
    take = vault.find_take(entry.address)
    verdict = vault.find_verdict(entry.address, entry.question) if entry.question else None
    if take is None or verdict is None:
        return "", []
    fault = GOOD if is_good else str(entry.rejected_for)
    return take.recipe.engine.name, [
        Asked(story, int(entry.address[-8:], 16), one.gate, fault, one.value, bool(one.is_passed))
        for one in verdict.results
        if one.gate in CONTENT_GATES and one.value is not None
    ]
