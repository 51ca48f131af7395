"""
What does a comparison come to? A table, a document, plots, and a sheet to be judged by eye.

    scores by variant and story ──┬── mean, interval over stories ── Markdown, JSON
                                  ├── consistency against gap ────── plot
                                  └── takes ──────────────────────── contact sheet
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from onestory.bench.cases import Case
from onestory.evaluation.measures import bootstrap

Scores = Mapping[str, Sequence[float | None]]
"""By measure: one number a story, None where a story has nothing of that kind."""


def interval(values: Sequence[float | None]) -> dict[str, float] | None:
    """
    Say where a mean over stories lies, were other stories told: 95 %, bootstrapped.

    Args:
        values: One number a story; None does not count.

    Returns:
        `mean`, `low`, `high` and the number of `stories`; None if there is no number at all.
    """
    there = [value for value in values if value is not None]
    if not there:
        return None
    found = bootstrap(there)
    return {
        "mean": round(found.mean, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
        "stories": len(there),
    }


def document(
    scores: Mapping[str, Scores], patterns: Sequence[str], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Make the machine-readable report.

    Args:
        scores: By variant.
        patterns: Of every story.
        facts: What else is to be said: weights, sampling, number of stories.

    Returns:
        `{"policies": [{"policy", measure …, "intervals", "by_pattern"}], …facts}`.
    """
    policies = []
    for variant, measures in scores.items():
        row: dict[str, Any] = {"policy": variant}
        intervals: dict[str, Any] = {}
        by_pattern: dict[str, dict[str, Any]] = {}
        for measure, values in measures.items():
            found = interval(values)
            row[measure] = None if found is None else found["mean"]
            intervals[measure] = found
            for pattern in dict.fromkeys(patterns):
                of_it = [v for v, p in zip(values, patterns, strict=True) if p == pattern]
                part = interval(of_it)
                if part is not None:
                    by_pattern.setdefault(pattern, {})[measure] = part
        policies.append({**row, "intervals": intervals, "by_pattern": by_pattern})
    return {**facts, "policies": policies}


def table(
    report: Mapping[str, Any], measures: Mapping[str, str], *, pattern: str | None = None
) -> str:
    """
    Write the report as a Markdown table.

    Args:
        report: Of `document`.
        measures: What to show, and its heading.
        pattern: Only stories of that kind; None for all.

    Returns:
        One row a policy; each cell is the mean, and half the width of its interval.
    """
    lines = [
        "| policy | " + " | ".join(measures.values()) + " |",
        "| --- |" + " ---: |" * len(measures),
    ]
    for row in report["policies"]:
        found = row["by_pattern"].get(pattern, {}) if pattern else row["intervals"]
        cells = [_cell(found.get(measure)) for measure in measures]
        lines.append(f"| {row['policy'].replace('_', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(found: Mapping[str, float] | None) -> str:
    if not found:
        return "–"
    return f"{found['mean']:.3f} ± {(found['high'] - found['low']) / 2:.3f}"


def share(value: float | None) -> str:
    """A share as a cell of a table, empty where nothing was counted."""
    return "" if value is None else f"{value:.3f}"


def plot_gaps(gaps: Mapping[str, Mapping[int, float]], title: str, path: Path) -> None:
    """
    Draw consistency against the number of shots between two appearances.

    Args:
        gaps: By policy: mean similarity by gap; 1 is the next shot.
        title: Of the plot.
        path: PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for policy, curve in gaps.items():
        at = sorted(curve)
        axes.plot(at, [curve[gap] for gap in at], marker="o", label=policy.replace("_", " "))
    axes.set_xlabel("shots from one appearance to the next")
    axes.set_ylabel("similarity")
    axes.set_title(title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8, ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def plot_roc(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str, path: Path
) -> None:
    """
    Draw recall against false alarms.

    Args:
        curves: By name: false alarms and recall.
        title: Of the plot.
        path: PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, (alarms, recalls) in curves.items():
        axes.step(alarms, recalls, where="post", label=name)
    axes.plot([0, 1], [0, 1], linestyle=":", color="0.6")
    axes.set(xlabel="false alarms", ylabel="recall", title=title, xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def contact_sheet(
    case: Case, rows: Mapping[str, Sequence[np.ndarray[Any, np.dtype[np.uint8]]]]
) -> Image.Image:
    """
    Put the same story, filmed under several rules, into one picture.

    Args:
        case: The story.
        rows: By name: one frame `H W 3` a shot, shown as large as the first of all.

    Returns:
        One row a rule, captions below.
    """
    height, width = next(iter(rows.values()))[0].shape[:2]
    label, caption = 96, 74
    num_shots = len(case.story.shots)
    font = ImageFont.load_default(11)
    sheet = Image.new(
        "RGB", (label + num_shots * (width + 4), len(rows) * (height + 4) + caption), "white"
    )
    pen = ImageDraw.Draw(sheet)
    for row, (name, frames) in enumerate(rows.items()):
        top = row * (height + 4)
        pen.text((6, top + height // 2), name.replace("_", " "), fill="black", font=font)
        for column, frame_HW3 in enumerate(frames):
            frame = Image.fromarray(frame_HW3).resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(frame, (label + column * (width + 4), top))
    for column, shot in enumerate(case.story.shots):
        words = _wrapped(shot.caption, width, font)
        pen.multiline_text(
            (label + column * (width + 4), len(rows) * (height + 4) + 2),
            words,
            fill="black",
            font=font,
            spacing=1,
        )
    return sheet


def _wrapped(text: str, width: int, font: Any) -> str:
    lines, line = list[str](), ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if font.getlength(longer) > width and line:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    return "\n".join(lines[:5])
