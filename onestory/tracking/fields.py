"""
What of a take is worth comparing?

    params   what it was asked for: seed, guidance, caption, memory digest, size …
    metrics  what came of it: every gate's number, seconds, bytes
    tags     what it is looked up by: slate, recipe digest, verdict, circled

Pure functions from a take and its verdict to the words and numbers that MLflow stores.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from onestory.engines.take import Take, Verdict

Scalar = str | int | float | bool

KIND_TAG = "onestory.kind"
EPISODE_TAG = "onestory.episode"
RECIPE_TAG = "onestory.recipe"
SLATE_TAG = "onestory.slate"
VERDICT_TAG = "onestory.verdict"
GATES_TAG = "onestory.gates"
REASONS_TAG = "onestory.reasons"
CIRCLED_TAG = "onestory.circled"
RESUME_TAG = "onestory.resume"
PARENT_TAG = "mlflow.parentRunId"

_LONGEST_PARAM = 6000
_LONGEST_TAG = 8000
_LONGEST_KEY = 250
_ILLEGAL_IN_KEY = re.compile(r"[^\w\-. :/]", re.ASCII)


def take_params(take: Take) -> dict[str, Scalar]:
    """The parts of a take's recipe that a person compares."""
    recipe = take.recipe
    return {
        "engine": recipe.engine.name,
        "weights": recipe.engine.weights,
        "recipe_version": recipe.engine.recipe_version,
        "caption": recipe.caption,
        "seed": recipe.seed,
        "guidance": recipe.guidance,
        "memory": recipe.memory,
        "memory_budget": recipe.memory_budget,
        "keyframe": recipe.keyframe or "none",
        "width": recipe.width,
        "height": recipe.height,
        "num_frames": recipe.num_frames,
        "fps": recipe.fps,
    }


def take_tags(
    take: Take, slate: str, verdict: Verdict | None, is_circled: bool
) -> dict[str, Scalar]:
    """What a take is looked up by."""
    words = "not judged" if verdict is None else "passed" if verdict.is_passed else "NG"
    return {
        KIND_TAG: "take",
        RECIPE_TAG: take.address,
        SLATE_TAG: slate,
        VERDICT_TAG: words,
        REASONS_TAG: ", ".join(verdict.reasons) if verdict else "",
        CIRCLED_TAG: is_circled,
        GATES_TAG: verdict.gates if verdict else "",
        "onestory.machine": take.machine,
    }


def take_metrics(take: Take) -> dict[str, float]:
    """What a take cost, and what it remembered and understood."""
    report = take.caption_report
    return {
        "render_seconds": take.timings.render_seconds,
        "encode_seconds": take.timings.encode_seconds,
        "store_seconds": take.timings.store_seconds,
        "video_bytes": take.media.video_bytes,
        "remembered_frames": len(take.lineage),
        **({"unknown_words": len(report.unknown)} if report else {}),
    }


def gate_metrics(verdict: Verdict | None) -> dict[str, float]:
    """`gate.frozen` is the number, `gate.frozen.passed` 1 or 0; neither if it did not run."""
    metrics: dict[str, float] = {}
    if verdict is None:
        return metrics
    for result in verdict.results:
        if result.is_passed is None:
            continue
        metrics[f"gate.{result.gate}.passed"] = float(result.is_passed)
        if result.value is not None:
            metrics[f"gate.{result.gate}"] = result.value
    return {**metrics, "badness": verdict.badness}


def legal_params(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Params as MLflow accepts them: text of at most 6000 characters under legal names."""
    return {legal_key(key): str(value)[:_LONGEST_PARAM] for key, value in values.items()}


def legal_tags(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Tags as MLflow accepts them: text of at most 8000 characters under legal names."""
    return {legal_key(key): str(value)[:_LONGEST_TAG] for key, value in values.items()}


def legal_key(name: str) -> str:
    """A name that MLflow accepts, whatever language it came in."""
    return _ILLEGAL_IN_KEY.sub("_", name)[:_LONGEST_KEY].strip("/. ") or "_"


def milliseconds(rendered_at: str) -> int:
    """Turn an ISO 8601 moment, UTC if it names no zone, into milliseconds since 1970."""
    moment = datetime.fromisoformat(rendered_at)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)
