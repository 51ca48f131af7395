"""
Does memory make stories consistent? The paper's comparison, on stories whose truth is known.

    cases ─┬─ film under every rule ── read ── measures by story ──┐
           └─ real clips, coded ────── read ── ceiling, floor ─────┴── report

Everything is kept under names that say what it depends on: takes by `onestory.bench.filming`,
measures of a rule by the names of its takes. Run again, only what is missing is done.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onestory.bench.cases import Case
from onestory.bench.filming import Studio, Takes, film
from onestory.bench.report import document
from onestory.bench.variants import Variant
from onestory.diffusion.codec import BlockCodec
from onestory.documents import digest_of, digest_of_json
from onestory.evaluation.footage import Frames, decoded, real_frames
from onestory.evaluation.measures import (
    Filmed,
    Item,
    Pair,
    background_consistency,
    by_gap,
    caption_agreement,
    character_pairs,
    consistency,
    environment_pairs,
    is_moving,
    kept_share,
    missing_share,
    read_out,
    subject_consistency,
    wrong_character_pairs,
    wrong_environment_pairs,
)
from onestory.evaluation.reader import WEIGHTS, Reader, ShotReading

MEASURES: Mapping[str, str] = {
    "character_consistency": "character",
    "environment_consistency": "environment",
    "caption_agreement": "caption",
    "subject_consistency": "subject",
    "background_consistency": "background",
    "dynamic_degree": "dynamic",
    "named_right": "named, right",
    "unnamed_kept": "unnamed, kept",
    "people_missing": "missing",
}
"""What is measured, and its heading in a table."""

CEILING = "real_clips"
FLOOR = "wrong_pairs"

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What one rule came to."""

    scores: Mapping[str, Sequence[float | None]]
    """By measure, one number a story."""
    gaps: Mapping[str, Mapping[int, float]]
    """Mean likeness of people and of places by the number of shots between."""


def compare(
    studio: Studio,
    reader: Reader,
    cases: Sequence[Case],
    variants: Sequence[Variant],
    *,
    say: Say,
) -> tuple[dict[str, Any], dict[str, Takes]]:
    """
    Film stories under every rule, and measure what became of them.

    Args:
        studio: Films, and keeps.
        reader: Reads shots.
        cases: The stories.
        variants: The rules.
        say: Tells a person how far it is.

    Returns:
        The report, as `onestory.bench.report.document` describes it, with `gaps` beside the
        policies; and the takes of every rule.
    """
    readings: dict[str, ShotReading] = {}
    measured: dict[str, Measured] = {}
    takes: dict[str, Takes] = {}
    measured[CEILING], measured[FLOOR] = _real(studio, reader, cases)
    say(f"read {len(cases)} real stories")
    for variant in variants:
        takes[variant.name] = film(studio, cases, variant)
        say(f"filmed {variant.name}")
        measured[variant.name] = _measured(studio, reader, cases, takes[variant.name], readings)
        say(f"measured {variant.name}")
    report = document(
        {name: one.scores for name, one in measured.items()},
        [case.story.pattern.value for case in cases],
        {
            "stories": len(cases),
            "weights": studio.weights,
            "sampling": {
                "steps": studio.sampling.steps,
                "guidance": studio.sampling.guidance,
                "shift": studio.sampling.shift,
            },
            "gaps": {name: one.gaps for name, one in measured.items() if one.gaps},
        },
    )
    return report, takes


def frames_of_takes(case: Case, takes: Takes, codec: BlockCodec) -> list[Frames]:
    """Decode a story's takes, `T H W 3` each, as they are read."""
    return [
        decoded(takes[case.seed, number].latents_FChw.transpose(0, 1), codec, shot.scene)
        for number, shot in enumerate(case.story.shots)
    ]


def _measured(
    studio: Studio,
    reader: Reader,
    cases: Sequence[Case],
    takes: Takes,
    readings: dict[str, ShotReading],
) -> Measured:
    names = [takes[key].name for key in sorted(takes)]
    path = _kept_at(studio, [names, _reader_name()])
    if path.exists():
        return _read_measured(path)
    films = []
    for case in cases:
        shots = []
        for number, shot in enumerate(case.story.shots):
            take = takes[case.seed, number]
            # Rules that remember the same share a take, and decoding costs more than reading.
            if take.name not in readings:
                latents_CFhw = take.latents_FChw.transpose(0, 1)
                frames_THW3 = decoded(latents_CFhw, studio.codec, shot.scene)
                readings[take.name] = reader.read_shot(frames_THW3)
            shots.append(readings[take.name])
        films.append(Filmed(story=case.story, shots=tuple(shots)))
    found = _measure(reader, cases, films)
    _write_measured(path, found)
    return found


def _real(studio: Studio, reader: Reader, cases: Sequence[Case]) -> tuple[Measured, Measured]:
    """What real clips come to, and what strangers and strange places come to."""
    seeds = [case.seed for case in cases]
    ceiling = _kept_at(studio, ["real", studio.weights, seeds, _reader_name()])
    floor = _kept_at(studio, ["wrong", studio.weights, seeds, _reader_name()])
    if ceiling.exists() and floor.exists():
        return _read_measured(ceiling), _read_measured(floor)
    films = []
    for case in cases:
        shots = [real_frames(shot.scene, studio.codec) for shot in case.story.shots]
        films.append(Filmed(story=case.story, shots=tuple(reader.read_shots(shots))))
    real = _measure(reader, cases, films)
    wrong = Measured(
        scores={
            "character_consistency": _by_story(films, wrong_character_pairs(films)),
            "environment_consistency": _by_story(films, wrong_environment_pairs(films)),
        },
        gaps={},
    )
    _write_measured(ceiling, real)
    _write_measured(floor, wrong)
    return real, wrong


def _measure(reader: Reader, cases: Sequence[Case], films: Sequence[Filmed]) -> Measured:
    characters = [pair for filmed in films for pair in character_pairs(filmed)]
    environments = [pair for filmed in films for pair in environment_pairs(filmed)]
    scores: dict[str, list[float | None]] = {name: [] for name in MEASURES}
    scores["character_consistency"] = _by_story(films, characters)
    scores["environment_consistency"] = _by_story(films, environments)
    for case, filmed in zip(cases, films, strict=True):
        captions_ND = reader.read_captions([shot.caption for shot in filmed.story.shots])
        items = read_out(filmed, case.truths)
        first = [item for item in items if item.named and not item.returning]
        for name, value in {
            "caption_agreement": _mean(
                caption_agreement(reading, caption_D)
                for reading, caption_D in zip(filmed.shots, captions_ND, strict=True)
            ),
            "subject_consistency": _mean(map(subject_consistency, filmed.shots)),
            "background_consistency": _mean(map(background_consistency, filmed.shots)),
            "dynamic_degree": _mean(float(is_moving(reading)) for reading in filmed.shots),
            "named_right": _mean(float(item.right) for item in first),
            "unnamed_kept": _number(kept_share(items, named=False).share),
            "people_missing": _missing(items),
        }.items():
            scores[name].append(value)
    return Measured(
        scores=scores, gaps={"character": _gaps(characters), "environment": _gaps(environments)}
    )


def _by_story(films: Sequence[Filmed], pairs: Sequence[Pair]) -> list[float | None]:
    found = consistency(pairs)
    return [found.get(filmed.story.seed) for filmed in films]


def _gaps(pairs: Sequence[Pair]) -> dict[int, float]:
    return {gap: round(share.share, 4) for gap, share in by_gap(pairs).items()}


def _mean(values: Any) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _missing(items: Sequence[Item]) -> float | None:
    return _number(missing_share(items).share)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _reader_name() -> str:
    return digest_of(WEIGHTS.read_bytes())


def _kept_at(studio: Studio, depends_on: list[Any]) -> Path:
    plain = digest_of_json(depends_on).removeprefix("sha256:")
    return studio.folder / "measured" / f"{plain}.json"


def _write_measured(path: Path, measured: Measured) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    hidden.write_text(json.dumps({"scores": measured.scores, "gaps": measured.gaps}))
    hidden.replace(path)


def _read_measured(path: Path) -> Measured:
    kept = json.loads(path.read_text())
    gaps = {
        what: {int(gap): value for gap, value in curve.items()}
        for what, curve in kept["gaps"].items()
    }
    return Measured(scores=kept["scores"], gaps=gaps)
