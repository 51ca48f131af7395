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

from deployments.studio.embedded import tracking_of
from deployments.studio.settings import StudioSettings
from onestory.errors import OrderError
from onestory.tracking.report_run import keep_report

if TYPE_CHECKING:
    from onestory.bench.cases import Case
    from onestory.bench.filming import Takes
    from onestory.diffusion.codec import BlockCodec

EXPERIMENT = "onestory-benchmarks"
STORIES, QUICK_STORIES = 64, 3
GATE_STORIES, QUICK_GATE_STORIES = 64, 4
RETAKE_STORIES, QUICK_RETAKE_STORIES = 12, 1
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


def bench_gates(
    settings: StudioSettings,
    *,
    out: Path,
    takes: Path,
    encoders: Path | None,
    stories: int | None,
    is_quick: bool,
    ship: bool,
    say: Say,
) -> dict[str, Any]:
    """
    Ask the gates of takes whose faults are known, and draw their limits.

    Args:
        settings: Which MLflow.
        out: Folder of the report.
        takes: Folder of takes that pocket filmed of the same stories, as `bench_memory` keeps
            them; what is missing is filmed.
        encoders: Folder of who looks; None for those that are shipped.
        stories: How many, half of them to draw limits by; None for the usual number.
        is_quick: A few stories: to see that it works, not to judge.
        ship: Whether the limits are kept beside the encoders, and hold from then on.
        say: Tells a person how far it is.

    Returns:
        The report.

    Raises:
        WeightsError: If there are no such encoders.
    """
    from onestory.bench.cases import cases
    from onestory.bench.filming import Studio, film
    from onestory.bench.gates import curves_of, examine, told_apart, worth_asking
    from onestory.bench.memory import frames_of_takes
    from onestory.bench.report import plot_roc
    from onestory.bench.variants import ADAPTIVE
    from onestory.continuity.content import Calibration
    from onestory.diffusion.codec import load_codec
    from onestory.diffusion.pocket import load_modules
    from onestory.diffusion.sampling import Sampling
    from onestory.diffusion.text import shared_text
    from onestory.engine_server.looking import open_eyes
    from onestory.engines.pocket.weights import find_weights, weights_digest
    from onestory.evaluation.footage import real_frames

    eyes, calibrated = open_eyes(encoders)
    folder = find_weights(None)
    codec = load_codec(folder / "vae")
    told = cases(stories or (QUICK_GATE_STORIES if is_quick else GATE_STORIES))
    studio = Studio(
        modules=load_modules(folder),
        codec=codec,
        text=shared_text(),
        weights=weights_digest(folder),
        folder=takes,
        sampling=Sampling(steps=6) if is_quick else Sampling(),
    )
    filmed = film(studio, told, ADAPTIVE)
    say(f"filmed {len(filmed)} takes")

    def drawn(case: "Case") -> list[Any]:
        return [real_frames(shot.scene, codec) for shot in case.story.shots]

    def pocket(case: "Case") -> list[Any]:
        return frames_of_takes(case, filmed, codec)

    found = {
        "drawn": examine(told, drawn, eyes, "drawn", codec=codec, say=say),
        "pocket": examine(told, pocket, eyes, "pocket", say=say),
    }
    out.mkdir(parents=True, exist_ok=True)
    limits = worth_asking(found["pocket"], "pocket")
    calibration = Calibration(encoders=eyes.fingerprint, engines={"pocket": limits})
    rows = [
        row for source, one in found.items() for row in told_apart(one.asked, one.limits, source)
    ]
    report: dict[str, Any] = {
        "stories": len(told),
        "encoders": eyes.fingerprint,
        "weights": studio.weights,
        "limits": {
            source: {gate: limit.model_dump(mode="json") for gate, limit in one.limits.items()}
            for source, one in found.items()
        },
        "asked": [*limits],
        "gates": rows,
    }
    paths = [out / "gates.md", out / "gates.json", out / "calibration.json"]
    paths[0].write_text(gates_text(report) + "\n", "utf-8")
    paths[1].write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    paths[2].write_bytes(calibration.to_json())
    if ship:
        calibrated.write_bytes(calibration.to_json())
    for source, one in found.items():
        path = out / f"roc-{source}.png"
        plot_roc(curves_of(one.asked), source, path)
        paths.append(path)
    metrics = {
        f"{row['source']} {row['gate']} {row['fault']} {what}": row[what]
        for row in rows
        for what in ("recall", "false_alarm")
    }
    report["mlflow_run"] = _kept(settings, "gates", eyes.fingerprint, metrics, paths)
    report["files"] = [str(path) for path in paths]
    return report


def recalibrate(
    settings: StudioSettings, *, out: Path, encoders: Path | None, ship: bool
) -> dict[str, Any]:
    """
    Draw the limits of the gates by what persons circled and rejected in this studio.

    Args:
        settings: The studio, whose ledgers are read.
        out: Folder of the report.
        encoders: Folder of who looked; None for those that are shipped.
        ship: Whether the limits are kept beside the encoders, and hold from then on.

    Returns:
        The report.

    Raises:
        OrderError: If persons circled too few takes of some engine.
    """
    from deployments.opening import episodes_in, open_vault
    from onestory.bench.reviews import agreement, read_reviews
    from onestory.continuity.content import Calibration
    from onestory.engine_server.looking import open_eyes

    _, path = open_eyes(encoders)
    with open_vault(settings) as vault:
        reviews = read_reviews(vault, episodes_in(vault))
    if not reviews:
        raise OrderError("nobody has circled or rejected a take that gates had looked at")
    known = Calibration.from_json(path.read_bytes())
    limits = {engine: one.limits() for engine, one in reviews.items()}
    calibration = known.model_copy(update={"engines": {**known.engines, **limits}})
    rows = [
        {"source": engine, **row}
        for engine, one in reviews.items()
        for row in agreement(one, limits[engine])
    ]
    out.mkdir(parents=True, exist_ok=True)
    (out / "calibration.json").write_bytes(calibration.to_json())
    if ship:
        path.write_bytes(calibration.to_json())
    return {"encoders": known.encoders, "gates": rows, "files": [str(out / "calibration.json")]}


def agreement_text(report: Mapping[str, Any]) -> str:
    """The table of what persons and gates agree on."""
    from onestory.bench.report import share

    lines = [
        "| engine | gate | of circled takes NG | of rejected takes NG | circled | rejected |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in report["gates"]:
        cells = (row["source"], row["gate"], share(row["false_alarm"]), share(row["recall"]))
        lines.append("| " + " | ".join(map(str, (*cells, row["good"], row["bad"]))) + " |")
    return "\n".join(lines)


def gates_text(report: Mapping[str, Any]) -> str:
    """The tables."""
    from onestory.bench.gates import gates_table

    return gates_table(report)


def bench_retakes(
    settings: StudioSettings,
    *,
    out: Path,
    stories: int | None,
    first: int,
    is_quick: bool,
    say: Say,
) -> dict[str, Any]:
    """
    Film stories with retakes by verdict and with new seeds alone.

    Args:
        settings: The studio, whose engine is one that gates were calibrated for.
        out: Folder of the report and of the films; the same folder again does what is missing.
        stories: How many; None for the usual number.
        first: Number of the first of them.
        is_quick: Few stories: to see that it works, not to judge.
        say: Tells a person how far it is.

    Returns:
        The report.
    """
    from deployments.opening import READING, open_unit
    from deployments.producing import produce
    from deployments.verbs import order_of
    from onestory.bench.retakes import STRATEGIES, ShotOutcome, compared, outcomes_of
    from onestory.bench.scripts import SIZE, episode_of

    out.mkdir(parents=True, exist_ok=True)
    outcomes: dict[str, list[ShotOutcome]] = {name: [] for name in STRATEGIES}
    num = stories or (QUICK_RETAKE_STORIES if is_quick else RETAKE_STORIES)
    for number in range(first, first + num):
        told = episode_of(number)
        script = out / f"{told['episode']}.json"
        script.write_text(json.dumps(told))
        for strategy in STRATEGIES:
            episode = f"{told['episode']}-{strategy.replace(' ', '-')}"
            order = order_of(
                script=script,
                out=out / "films",
                size=SIZE,
                episode=episode,
                seeds_of=told["episode"],
                has_scratch_voice=False,
                retakes=strategy,
            )
            produce(order, settings)
            with open_unit(settings, READING) as (unit, _):
                outcomes[strategy] += outcomes_of(
                    unit, unit.records.sheet_of(episode), story=number
                )
        say(f"filmed story {number - first + 1} of {num}")
    report = {"stories": num, "first": first, "engine": settings.engine, **compared(outcomes)}
    paths = [out / "retakes.md", out / "retakes.json"]
    paths[0].write_text(retakes_text(report) + "\n", "utf-8")
    paths[1].write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    metrics = {
        f"{row['strategy']} {name}": row[name]
        for row in report["strategies"]
        for name in ("rescued", "takes_per_circled_shot", "seconds_per_circled_shot")
        if row[name] is not None
    }
    report["mlflow_run"] = _kept(settings, "retakes", settings.engine, metrics, paths)
    report["files"] = [str(path) for path in paths]
    return report


def retakes_text(report: Mapping[str, Any]) -> str:
    """The tables."""
    from onestory.bench.retakes import retakes_table

    return retakes_table(report)


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
    uri, artifacts = tracking_of(settings)
    return keep_report(
        uri,
        EXPERIMENT,
        name,
        params={"weights": weights},
        metrics=metrics,
        files=files,
        artifact_root=artifacts,
    )
