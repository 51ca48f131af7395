"""
Do retakes by verdict help? Every story is filmed twice on the same seeds: by verdict, and blindly.

    ledger, takes ── shot by shot: takes, seconds, who passed ──┬── share of NG shots rescued
                                                                ├── takes, seconds a circled shot
                                                                └── what each rung gained

A shot is NG if its first take is, and rescued if a later one passes. Seconds are those that takes
rendered, encoded and stored, whenever that was: a first take that both have in common counts for
both.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onestory.bench.report import interval
from onestory.continuity.ladder import rung_of
from onestory.production.call_sheet import CallSheet
from onestory.production.unit import Unit

BY_VERDICT, BLINDLY = "by verdict", "new seeds"
STRATEGIES = (BY_VERDICT, BLINDLY)
DRAWS = 4000
"""Of stories, for an interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShotOutcome:
    """What became of one shot."""

    story: int
    takes: tuple[tuple[str, bool], ...]
    """Rung, empty for the first, and whether it passed; in the order in which they were filmed."""
    reasons: tuple[str, ...]
    """What was wrong with the first take, worst first."""
    seconds: float
    """Of all its takes."""
    spent_on_retakes: float
    """Of all but the first."""

    @property
    def is_ng(self) -> bool:
        """Whether its first take was no good."""
        return not self.takes[0][1]

    @property
    def is_rescued(self) -> bool:
        """Whether a later one was."""
        return self.is_ng and any(is_passed for _, is_passed in self.takes[1:])


def outcomes_of(unit: Unit, sheet: CallSheet, *, story: int) -> list[ShotOutcome]:
    """Read off a ledger what became of every shot of a film that was filmed once."""
    state = unit.records.ledger(sheet.episode).state
    found = []
    for slate in sheet.slates:
        entries = state.shot(slate).takes
        takes = unit.records.takes([entry.address for entry in entries])
        seconds = [
            sum((timings.render_seconds, timings.encode_seconds, timings.store_seconds))
            for entry in entries
            for timings in [takes[entry.address].timings]
        ]
        rungs = [rung_of(entry.rung + 1) for entry in entries]
        found.append(
            ShotOutcome(
                story=story,
                takes=tuple(
                    (rung.name if rung else "", bool(entry.is_passed))
                    for rung, entry in zip(rungs, entries, strict=True)
                ),
                reasons=tuple(map(str, entries[0].reasons)),
                seconds=round(sum(seconds), 3),
                spent_on_retakes=round(sum(seconds[1:]), 3),
            )
        )
    return found


def compared(outcomes: Mapping[str, Sequence[ShotOutcome]]) -> dict[str, Any]:
    """
    Lay strategies beside each other.

    Args:
        outcomes: By strategy, of the same stories.

    Returns:
        `{"strategies": [{"strategy", "shots", "ng", "rescued", "takes_per_circled_shot",
        "seconds_per_circled_shot", "rescued_per_minute", "intervals", "rungs", "reasons"}]}`:
        `rescued` is a share of NG shots, `rescued_per_minute` counts seconds of retakes; intervals
        are bootstrapped over stories. With two strategies also `{"gains": {measure: {"gain",
        "low", "high"}}}`: by how much the first does better, see `_gain`.
    """
    report: dict[str, Any] = {"strategies": [_row(name, shots) for name, shots in outcomes.items()]}
    if len(outcomes) == 2:
        first, second = outcomes.values()
        gains = {
            "rescued": _gain(first, second, lambda shot: float(shot.is_ng)),
            "rescued_per_minute": _gain(first, second, lambda shot: shot.spent_on_retakes / 60.0),
        }
        report["gains"] = {name: gain for name, gain in gains.items() if gain}
    return report


def retakes_table(report: Mapping[str, Any]) -> str:
    """Write a report as Markdown: `compared`, of `stories` from `first` on, by an `engine`."""
    names = (
        "rescued",
        "takes_per_circled_shot",
        "seconds_per_circled_shot",
        "rescued_per_minute",
    )
    lines = [
        f"{report['stories']} stories from number {report['first']} on, by {report['engine']}; "
        "± half of the 95 % interval over stories.",
        "",
        "| retakes | shots | NG | rescued | takes a shot | seconds a shot | rescued a minute |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["strategies"]:
        cells = [_with_interval(row[name], row["intervals"][name]) for name in names]
        lines.append(
            f"| {row['strategy']} | {row['shots']} | {row['ng']} | " + " | ".join(cells) + " |"
        )
    for name, words in (("rescued", "of NG shots"), ("rescued_per_minute", "a minute of retakes")):
        if gain := report.get("gains", {}).get(name):
            lines += [
                "",
                f"{report['strategies'][0]['strategy']} rescues {gain['gain']:+.3f} more {words} "
                f"than {report['strategies'][1]['strategy']} "
                f"({gain['low']:+.3f} to {gain['high']:+.3f}, 95 %, stories paired).",
            ]
    for what, counted in (("rungs", "takes"), ("reasons", "ng")):
        lines += [
            "",
            f"| retakes | {what[:-1]} | {counted} | helped |",
            "| --- | --- | --- | --- |",
        ]
        for row in report["strategies"]:
            for name, one in row[what].items():
                helped = one["passed" if what == "rungs" else "rescued"]
                lines.append(f"| {row['strategy']} | {name} | {one[counted]} | {helped} |")
    return "\n".join(lines)


def _gain(
    first: Sequence[ShotOutcome],
    second: Sequence[ShotOutcome],
    cost: Callable[[ShotOutcome], float],
) -> dict[str, float] | None:
    """
    Say how many more shots the first strategy rescues for what it costs.

    Args:
        first: Outcomes of the one.
        second: Outcomes of the other, of the same stories.
        cost: What is counted of a shot.

    Returns:
        Shots rescued by all that was spent, of the first less of the second, with a 95 % interval
        of stories drawn with replacement: the same for both, since their seeds are the same. None
        if there was nothing to rescue.
    """
    stories = sorted({shot.story for shot in (*first, *second)})
    sums_2S2 = np.zeros((2, len(stories), 2))
    for row, shots in enumerate((first, second)):
        for shot in shots:
            sums_2S2[row, stories.index(shot.story)] += (shot.is_rescued, cost(shot))
    if not sums_2S2[..., 1].sum(1).all():
        return None
    rng = np.random.default_rng(0)
    drawn_NS = rng.integers(0, len(stories), (DRAWS, len(stories)))
    totals_2N2 = sums_2S2[:, drawn_NS].sum(2)
    there_N = (totals_2N2[..., 1] > 0).all(0)
    rates_2N = totals_2N2[:, there_N, 0] / totals_2N2[:, there_N, 1]
    low, high = np.quantile(rates_2N[0] - rates_2N[1], [0.025, 0.975])
    rates_2 = sums_2S2[..., 0].sum(1) / sums_2S2[..., 1].sum(1)
    return {
        "gain": round(float(rates_2[0] - rates_2[1]), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
    }


def _row(strategy: str, shots: Sequence[ShotOutcome]) -> dict[str, Any]:
    by_story: dict[int, list[ShotOutcome]] = defaultdict(list)
    for shot in shots:
        by_story[shot.story].append(shot)
    ng = [shot for shot in shots if shot.is_ng]
    spent = sum(shot.spent_on_retakes for shot in shots)
    rescued = sum(shot.is_rescued for shot in shots)
    measures = {
        "rescued": _share(ng, lambda shot: shot.is_rescued),
        "takes_per_circled_shot": _mean([len(shot.takes) for shot in shots]),
        "seconds_per_circled_shot": _mean([shot.seconds for shot in shots]),
    }
    per_story: dict[str, list[float | None]] = {
        "rescued": [_share(_ng(mine), lambda shot: shot.is_rescued) for mine in by_story.values()],
        "takes_per_circled_shot": [
            _mean([len(shot.takes) for shot in mine]) for mine in by_story.values()
        ],
        "seconds_per_circled_shot": [
            _mean([shot.seconds for shot in mine]) for mine in by_story.values()
        ],
        "rescued_per_minute": [_rate(mine) for mine in by_story.values()],
    }
    return {
        "strategy": strategy,
        "shots": len(shots),
        "ng": len(ng),
        **measures,
        "rescued_per_minute": round(60 * rescued / spent, 4) if spent else None,
        "intervals": {name: interval(values) for name, values in per_story.items()},
        "rungs": _rungs(shots),
        "reasons": _reasons(ng),
    }


def _ng(shots: Sequence[ShotOutcome]) -> list[ShotOutcome]:
    return [shot for shot in shots if shot.is_ng]


def _share(shots: Sequence[ShotOutcome], holds: Callable[[ShotOutcome], bool]) -> float | None:
    return round(float(np.mean([holds(shot) for shot in shots])), 4) if shots else None


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def _rate(shots: Sequence[ShotOutcome]) -> float | None:
    """Shots rescued in a minute of retakes; None if there was none."""
    spent = sum(shot.spent_on_retakes for shot in shots)
    return 60 * sum(shot.is_rescued for shot in shots) / spent if spent else None


def _rungs(shots: Sequence[ShotOutcome]) -> dict[str, dict[str, int]]:
    """How often each rung was climbed, and how often its take passed."""
    found: dict[str, dict[str, int]] = {}
    for shot in shots:
        for rung, is_passed in shot.takes[1:]:
            row = found.setdefault(rung, {"takes": 0, "passed": 0})
            row["takes"] += 1
            row["passed"] += is_passed
    return found


def _reasons(shots: Sequence[ShotOutcome]) -> dict[str, dict[str, int]]:
    """By the worst that was wrong with first takes: how many there were, how many rescued."""
    found: dict[str, dict[str, int]] = {}
    for shot in shots:
        row = found.setdefault(shot.reasons[0] if shot.reasons else "", {"ng": 0, "rescued": 0})
        row["ng"] += 1
        row["rescued"] += shot.is_rescued
    return found


def _with_interval(value: float | None, found: Mapping[str, float] | None) -> str:
    if value is None or not found:
        return "–"
    return f"{value:.3f} ± {(found['high'] - found['low']) / 2:.3f}"
