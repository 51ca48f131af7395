"""
What happens between `onestory bench` and a report?

    weights ── stories filmed under every rule ── measured ── report.md, report.json
                                                              gaps-*.png, sheet-*.png, MLflow
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.studio.services import mlflow_artifacts, mlflow_uri
from deployments.studio.settings import StudioSettings
from onestory.tracking.report_run import keep_report

if TYPE_CHECKING:
    from onestory.bench.cases import Case
    from onestory.bench.filming import Takes
    from onestory.diffusion.codec import BlockCodec

EXPERIMENT = "onestory-benchmarks"
STORIES, QUICK_STORIES = 64, 3
SHEETS = 3

Say = Callable[[str], None]


def bench_memory(
    settings: StudioSettings,
    *,
    out: Path,
    weights: Path | None,
    stories: int | None,
    is_quick: bool,
    steps: int | None,
    say: Say,
) -> dict[str, Any]:
    """
    Compare rules of memory on held-out stories.

    Args:
        settings: Which MLflow.
        out: Folder of the report and of everything that was filmed; the same folder again does
            only what is missing.
        weights: Folder of the model; None for the one that is shipped.
        stories: How many; None for the usual number.
        is_quick: A few stories, the main rules and few steps: to see that it works, not to judge.
        steps: Denoising steps; None for the usual number.
        say: Tells a person how far it is.

    Returns:
        The report.

    Raises:
        WeightsError: If there is no such model.
    """
    from onestory.bench.cases import cases
    from onestory.bench.filming import Studio
    from onestory.bench.memory import compare
    from onestory.bench.variants import QUICK, VARIANTS
    from onestory.diffusion.codec import load_codec
    from onestory.diffusion.pocket import load_modules
    from onestory.diffusion.sampling import Sampling
    from onestory.diffusion.text import shared_text
    from onestory.engines.pocket.weights import find_weights, weights_digest
    from onestory.evaluation.reader import shared_reader

    folder = find_weights(weights)
    usual = Sampling(steps=6) if is_quick else Sampling()
    chosen = Sampling(steps=steps or usual.steps, guidance=usual.guidance, shift=usual.shift)
    told = cases(stories or (QUICK_STORIES if is_quick else STORIES))
    codec = load_codec(folder / "vae")
    studio = Studio(
        modules=load_modules(folder),
        codec=codec,
        text=shared_text(),
        weights=weights_digest(folder),
        folder=out,
        sampling=chosen,
    )
    report, takes = compare(studio, shared_reader(), told, QUICK if is_quick else VARIANTS, say=say)
    files = _write(out, report, told, takes, codec)
    report["mlflow_run"] = _keep(settings, "memory", report, files)
    report["files"] = [str(path) for path in files]
    return report


def memory_text(report: Mapping[str, Any]) -> str:
    """The tables."""
    from onestory.bench.memory import MEASURES
    from onestory.bench.report import table

    parts = [
        f"{report['stories']} stories, {report['sampling']['steps']} steps, "
        f"weights {report['weights'][:19]}; mean over stories, ± half of the 95 % interval",
        table(report, MEASURES),
    ]
    patterns = dict.fromkeys(pattern for row in report["policies"] for pattern in row["by_pattern"])
    for pattern in patterns:
        parts += [f"Only {pattern}:", table(report, MEASURES, pattern=pattern)]
    return "\n\n".join(parts)


def _write(
    out: Path,
    report: Mapping[str, Any],
    cases: "list[Case]",
    takes: "Mapping[str, Takes]",
    codec: "BlockCodec",
) -> list[Path]:
    from onestory.bench.memory import frames_of_takes
    from onestory.bench.report import contact_sheet, plot_gaps

    out.mkdir(parents=True, exist_ok=True)
    paths = [out / "report.md", out / "report.json"]
    paths[0].write_text(memory_text(report) + "\n", "utf-8")
    paths[1].write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for what in ("character", "environment"):
        path = out / f"gaps-{what}.png"
        curves = {name: gaps[what] for name, gaps in report["gaps"].items()}
        plot_gaps(curves, f"{what} consistency", path)
        paths.append(path)
    shown = ("none", "last_frame", "fixed_window", "single_keyframe", "adaptive", "oracle")
    for case in cases[:SHEETS]:
        rows = {"truth": [frames[len(frames) // 2].numpy() for frames in case.real]}
        for name in shown:
            if name in takes:
                films = frames_of_takes(case, takes[name], codec)
                rows[name] = [frames[len(frames) // 2] for frames in films]
        path = out / f"sheet-{case.seed}.png"
        contact_sheet(case, rows).save(path, optimize=True)
        paths.append(path)
    return paths


def bench_cost(settings: StudioSettings, *, out: Path, weights: Path | None) -> dict[str, Any]:
    """
    Time denoising steps early and late in a film.

    Raises:
        WeightsError: If there is no such model.
    """
    from onestory.bench.cost import cost_table, measure_cost
    from onestory.diffusion.pocket import load_modules
    from onestory.engines.pocket.weights import find_weights, weights_digest

    folder = find_weights(weights)
    rows = measure_cost(load_modules(folder))
    out.mkdir(parents=True, exist_ok=True)
    paths = [out / "cost.md", out / "cost.json"]
    document: dict[str, Any] = {
        "weights": weights_digest(folder),
        "steps": [asdict(row) for row in rows],
    }
    paths[0].write_text(cost_table(rows) + "\n", "utf-8")
    paths[1].write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    metrics = {f"{row.rule} at shot {row.shot} ratio": row.ratio for row in rows}
    document["mlflow_run"] = _kept(settings, "cost", document["weights"], metrics, paths)
    document["files"] = [str(path) for path in paths]
    return document


def cost_text(document: Mapping[str, Any]) -> str:
    """The table."""
    from onestory.bench.cost import StepCost, cost_table

    return cost_table([StepCost(**row) for row in document["steps"]])


def _keep(settings: StudioSettings, name: str, report: Mapping[str, Any], files: list[Path]) -> str:
    from onestory.bench.memory import MEASURES

    metrics = {
        f"{row['policy']} {measure}": row[measure]
        for row in report["policies"]
        for measure in MEASURES
        if row.get(measure) is not None
    }
    return _kept(settings, name, report["weights"], metrics, files)


def _kept(
    settings: StudioSettings,
    name: str,
    weights: str,
    metrics: Mapping[str, float],
    files: list[Path],
) -> str:
    uri, artifacts = str(settings.mlflow_tracking_uri), None
    if settings.is_embedded:
        (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)
        uri, artifacts = mlflow_uri(settings.home), mlflow_artifacts(settings.home)
    return keep_report(
        uri,
        EXPERIMENT,
        name,
        params={"weights": weights},
        metrics=metrics,
        files=files,
        artifact_root=artifacts,
    )
