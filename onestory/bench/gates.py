"""
How well do gates tell good takes from bad ones? Takes whose faults are known are asked.

    stories ─┬─ drawn, through the codec ─┐          ┌─ as they are ── good
             └─ filmed by pocket ─────────┴── takes ─┼─ with a fault ── bad
                                                     └─ held against strangers ── bad
    first half of the stories ── limits at a false-alarm rate
    second half, other people, other places ── recall, precision, ROC

Nobody and no place of these stories was ever seen by eyes or engine in training.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from onestory.bench.asking import GOOD, Asked, ask, clips_of
from onestory.bench.cases import Case
from onestory.bench.faults import Frames
from onestory.bench.report import share
from onestory.continuity.content import CONTENT_GATES, Limit
from onestory.continuity.eyes import Eyes
from onestory.diffusion.codec import BlockCodec

ANY = "any"
"""The verdict as a whole: whether some gate says NG."""
FALSE_ALARM = 0.05
"""Share of good takes that a gate may call NG."""
LEAST_RECALL = 0.3
"""Share of the bad takes, of one fault at least, that a gate must find to be worth its retakes."""
WORDED_OTHERWISE = frozenset({"caption"})
"""Gates that hang on how stories are worded. Scripts are worded otherwise: a quarter of the shots
of four scripts were called NG for their captions, and a retake rescued one of 22."""
MEANT: Mapping[str, tuple[str, ...]] = {
    "wrong person": ("identity",),
    "other hair": ("identity",),
    "wrong place": ("place",),
    "wrong caption": ("caption",),
    "wrong action": ("caption",),
    "black": ("black",),
    "frozen": ("frozen", "motion"),
    "flicker": ("flicker",),
    "colour cast": ("colour drift", "identity", "place"),
    "soft": ("sharpness",),
    "cut-off figure": ("identity",),
    "torn": ("background", "subject"),
}
"""By fault: the gates that should find it, first the one that answers for it."""

_SHARES = ("recall", "false_alarm", "precision", "area", "recall_at")
"""Columns of a table, all of them shares."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What came of the takes of one source."""

    limits: Mapping[str, Limit]
    """Of the content gates, by the first half of the stories."""
    asked: Sequence[Asked]
    """Of the second half."""


def examine(
    cases: Sequence[Case],
    films_of: Callable[[Case], Sequence[Frames]],
    eyes: Eyes,
    source: str,
    *,
    codec: BlockCodec | None = None,
    say: Say,
) -> Found:
    """
    Draw limits by half of the stories, and ask of the other half.

    Args:
        cases: The stories, at least four.
        films_of: Gives the takes of one.
        eyes: Who looks.
        source: What the takes are, in a word.
        codec: See `ask`.
        say: Tells a person how far it is.

    Raises:
        ValueError: If there are fewer stories.
    """
    if len(cases) < 4:
        raise ValueError(f"two halves need two stories each, got {len(cases)}")
    half = len(cases) // 2
    first, second = (
        ask(
            [(case, clips_of(case, films_of(case), eyes, source)) for case in part],
            eyes,
            codec=codec,
            say=lambda line: say(f"{source}: {line}"),
        )
        for part in (cases[:half], cases[half:])
    )
    return Found(limits=limits_of(first), asked=second)


def limits_of(asked: Iterable[Asked], *, false_alarm: float = FALSE_ALARM) -> dict[str, Limit]:
    """
    Draw the limits of the content gates.

    Args:
        asked: Of good takes; others are left out.
        false_alarm: Share of them that may lie under a limit.

    Returns:
        By gate; a gate that was never asked has none.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for one in asked:
        if one.fault == GOOD and one.gate in CONTENT_GATES:
            values[one.gate].append(one.value)
    limits = {}
    for gate, good in values.items():
        least = float(np.quantile(good, false_alarm, method="lower"))
        under = float(np.mean([value < least for value in good]))
        limits[gate] = Limit(least=round(least, 4), false_alarm=round(under, 4), num_good=len(good))
    return limits


def worth_asking(found: Found, source: str) -> dict[str, Limit]:
    """
    Leave out the limits of gates that add nothing with the takes of a source.

    Every gate calls `FALSE_ALARM` of good takes NG. One that misses most of the bad takes of every
    fault it answers for, or that answers for none, would cost retakes and rescue no shot; so would
    one that is `WORDED_OTHERWISE`.
    """
    finders = {
        row["gate"]
        for row in told_apart(found.asked, found.limits, source)
        if row["gate"] == MEANT[row["fault"]][0] and row["recall"] >= LEAST_RECALL
    }
    asked = finders - WORDED_OTHERWISE
    return {gate: limit for gate, limit in found.limits.items() if gate in asked}


def told_apart(
    asked: Sequence[Asked], limits: Mapping[str, Limit], source: str
) -> list[dict[str, Any]]:
    """
    Say how well every gate finds the faults that it is meant for.

    Args:
        asked: Of stories by which no limit was drawn.
        limits: Of the content gates.
        source: What the takes are, in a word.

    Returns:
        One row for a gate and a fault: `recall` of bad takes, `false_alarm` among good ones,
        `precision` if there are as many of both, how many there were, and of the ROC curve (None
        for gates that answer by yes or no) the `area` and `recall_at`, the recall where it has
        `FALSE_ALARM`, wherever the limit is.
    """
    rows = []
    for fault, gates in MEANT.items():
        for gate in (*gates, ANY):
            good, bad = (_answers(asked, gate, one, limits) for one in (GOOD, fault))
            if not good or not bad:
                continue
            false_alarm = float(np.mean([ng for _, ng in good]))
            recall = float(np.mean([ng for _, ng in bad]))
            called = recall + false_alarm
            rows.append(
                {
                    "source": source,
                    "gate": gate,
                    "fault": fault,
                    "recall": round(recall, 4),
                    "false_alarm": round(false_alarm, 4),
                    "precision": round(recall / called, 4) if called else None,
                    "area": _area(good, bad) if gate in CONTENT_GATES else None,
                    "recall_at": _recall_at(good, bad) if gate in CONTENT_GATES else None,
                    "good": len(good),
                    "bad": len(bad),
                }
            )
    return rows


def curves_of(asked: Sequence[Asked]) -> dict[str, tuple[list[float], list[float]]]:
    """
    Draw the ROC curves of the content gates.

    Returns:
        By gate and fault: false alarms and recall, from the strictest limit to the most lenient.
    """
    curves = {}
    for fault, gates in MEANT.items():
        for gate in set(gates) & set(CONTENT_GATES):
            good, bad = (
                np.sort([one.value for one in asked if (one.gate, one.fault) == (gate, what)])
                for what in (GOOD, fault)
            )
            if good.size and bad.size:
                cuts = np.unique(np.concatenate([good, bad]))
                curves[f"{gate}: {fault}"] = (
                    [0.0, *(np.searchsorted(good, cuts, "right") / good.size).tolist()],
                    [0.0, *(np.searchsorted(bad, cuts, "right") / bad.size).tolist()],
                )
    return curves


def gates_table(report: Mapping[str, Any]) -> str:
    """Write the report of `onestory bench gates` as Markdown, a table for each source."""
    lines = [
        f"{report['stories']} stories, half of them to draw limits by; numbers are of the others.",
        f"Encoders {report['encoders'][:19]}, weights {report['weights'][:19]}. Asked of pocket's "
        f"takes from then on: {', '.join(report['asked'])}.",
    ]
    for source in dict.fromkeys(row["source"] for row in report["gates"]):
        drawn = ", ".join(
            f"{gate} {limit['least']:.3f} ({limit['num_good']})"
            for gate, limit in report["limits"][source].items()
        )
        lines += [
            "",
            f"Takes: {source}. Limits, and by how many good takes: {drawn}.",
            "",
            "| fault | gate | recall | false alarms | precision | ROC area | recall at 5 % | good "
            "| bad |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for row in report["gates"]:
            if row["source"] == source:
                cells = (
                    *(row["fault"], row["gate"]),
                    *(share(row[name]) for name in _SHARES),
                    *(str(row["good"]), str(row["bad"])),
                )
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _answers(
    asked: Sequence[Asked], gate: str, fault: str, limits: Mapping[str, Limit]
) -> list[tuple[float, bool]]:
    """Value, and whether it is NG, of every take that a gate was asked of."""
    if gate == ANY:
        return _verdicts(asked, fault, limits)
    return [
        (one.value, _is_ng(one, limits)) for one in asked if (one.gate, one.fault) == (gate, fault)
    ]


def _verdicts(
    asked: Sequence[Asked], fault: str, limits: Mapping[str, Limit]
) -> list[tuple[float, bool]]:
    verdicts: dict[int, bool] = {}
    for one in asked:
        if one.fault == fault:
            verdicts[one.take] = verdicts.get(one.take, False) or _is_ng(one, limits)
    return [(0.0, is_ng) for is_ng in verdicts.values()]


def _is_ng(one: Asked, limits: Mapping[str, Limit]) -> bool:
    if one.gate in CONTENT_GATES:
        return one.gate in limits and one.value < limits[one.gate].least
    return not one.is_passed


def _recall_at(good: Sequence[tuple[float, bool]], bad: Sequence[tuple[float, bool]]) -> float:
    least = np.quantile([value for value, _ in good], FALSE_ALARM, method="lower")
    return round(float(np.mean([value < least for value, _ in bad])), 4)


def _area(good: Sequence[tuple[float, bool]], bad: Sequence[tuple[float, bool]]) -> float:
    """How likely a good take has a larger value than a bad one (Mann and Whitney), [0, 1]."""
    values_G = np.array([value for value, _ in good])
    values_B = np.array([value for value, _ in bad])
    above = (values_G[:, None] > values_B[None]).mean()
    equal = (values_G[:, None] == values_B[None]).mean()
    return round(float(above + equal / 2), 4)
