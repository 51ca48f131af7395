"""
Does a take show whom, where and what it should?

    reading ─┬─ identity ────── of everybody who was seen before ~ earlier takes
             ├─ place ───────── without its people ~ earlier takes
             ├─ caption
             ├─ subject, background ── the same from frame to frame
    measures └─ motion

Limits are calibrated for one engine and one set of encoders (`onestory bench gates`), and every
result cites them. What cannot be asked did not run, and says why: that is never a pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from onestory.continuity.likeness import (
    PersonReading,
    Reading,
    background_consistency,
    best_pairs,
    caption_agreement,
    place_rows,
    subject_consistency,
    who_is_who,
)
from onestory.continuity.measures import FrameMeasures
from onestory.documents import Digest, Document, Frozen, digest_of_json
from onestory.engines.take import Comparison, GateResult, NgReason, Sight

CONTENT_GATES = ("identity", "place", "caption", "subject", "background", "motion")
"""In the order of the results: worst to fail first."""
LOOK = "look"
"""Kind of lookup that says what encoders saw in a take."""
NOT_FOUND = -1.0
"""Likeness of somebody who is not there at all."""

REASONS: Mapping[str, NgReason] = {
    "identity": NgReason.IDENTITY,
    "place": NgReason.PLACE,
    "caption": NgReason.CAPTION,
    "subject": NgReason.UNSTEADY,
    "background": NgReason.UNSTEADY,
    "motion": NgReason.MOTION,
}
"""What is wrong with a take that a gate says NG of."""


class Limit(Frozen):
    """Where one gate draws its line, and how well founded that is."""

    least: float
    """A take under it is NG."""
    false_alarm: float
    """Share of good takes under it, of those by which it was drawn, [0, 1]."""
    num_good: int
    """How many these were."""


class Calibration(Document):
    """Limits of the content gates."""

    schema_name: ClassVar[str] = "Calibration.1"

    encoders: Digest
    """Fingerprint of who looked; others need another calibration."""
    engines: Mapping[str, Mapping[str, Limit]]
    """By name of the engine, by gate: a gate that is left out does not run."""

    def limits_of(self, engine: str) -> Mapping[str, Limit]:
        """The limits of an engine; none if it was never calibrated."""
        return self.engines.get(engine, {})


class Seen(Document):
    """A take that somebody looked at."""

    schema_name: ClassVar[str] = "Seen.1"

    take: Digest
    slate: str
    names: tuple[str, ...]
    """Who is in it, as its recipe has it."""
    reading: Reading
    strip: str
    """The frames of the reading side by side, JPEG in base64: what evidence is cut from."""


def look_key(take: Digest, encoders: Digest) -> Digest:
    """The name under which it is kept what encoders saw in a take."""
    return digest_of_json([take, encoders])


@dataclass(frozen=True, slots=True)
class _References:
    """Embeddings with where each comes from."""

    seen_RD: NDArray[np.float32]
    sights: tuple[Sight, ...]
    slates: tuple[str, ...]


def content_results(
    seen: Seen,
    measures: FrameMeasures,
    *,
    caption_D: NDArray[np.float32] | None,
    comparison: Comparison,
    known: Mapping[Digest, Seen],
    limits: Mapping[str, Limit],
) -> tuple[GateResult, ...]:
    """
    Let the content gates look at a take.

    Args:
        seen: The take.
        measures: Of its frames.
        caption_D: Its caption as the same encoders read it; None if it has none.
        comparison: What it is held against.
        known: The takes that the comparison names, by address; those that could not be read are
            left out.
        limits: By gate; one without a limit does not run.

    Returns:
        One result a gate, in the order of `CONTENT_GATES`.
    """
    asked = {
        "identity": lambda limit: _identity(seen, comparison, known, limit),
        "place": lambda limit: _place(seen, comparison, known, limit),
        "caption": lambda limit: _caption(seen, caption_D, limit),
        "subject": lambda limit: _subject(seen, limit),
        "background": lambda limit: _background(seen, limit),
        "motion": lambda limit: _motion(measures, limit),
    }
    return tuple(
        asked[gate](limits[gate]) if gate in limits else did_not_run(gate, "it is not calibrated")
        for gate in CONTENT_GATES
    )


def not_looked_at(cause: str) -> tuple[GateResult, ...]:
    """The results of a take that nobody looked at."""
    return tuple(did_not_run(gate, cause) for gate in CONTENT_GATES)


def did_not_run(gate: str, cause: str) -> GateResult:
    """The result of a gate that had nothing to read."""
    return GateResult(
        gate=gate,
        value=None,
        threshold=None,
        unit="",
        is_passed=None,
        evidence=f"Did not run: {cause}.",
    )


def sightings(takes: Sequence[Seen]) -> dict[str, list[tuple[Seen, PersonReading]]]:
    """
    Say who is who in takes, from those with one person on to those with several.

    Args:
        takes: In story order.

    Returns:
        For every name where they were seen. In a take with several people whoever is known is
        found by likeness; somebody new only if one name and one person are left over.
    """
    found: dict[str, list[tuple[Seen, PersonReading]]] = {}
    for take in takes:
        if len(take.names) == 1 and take.reading.people:
            found.setdefault(take.names[0], []).append((take, take.reading.people[0]))
    for take in takes:
        if len(take.names) < 2:
            continue
        known = {name: _faces(found[name]) for name in take.names if name in found}
        told = who_is_who(take.reading, known) if known else {}
        new = [name for name in take.names if name not in known]
        left = sorted(set(range(len(take.reading.people))) - set(told.values()))
        if len(new) == 1 and len(left) == 1:
            told[new[0]] = left[0]
        for name, number in told.items():
            found.setdefault(name, []).append((take, take.reading.people[number]))
    return found


def _faces(seen: Sequence[tuple[Seen, PersonReading]]) -> NDArray[np.float32]:
    return np.concatenate([person.identity_FD for _, person in seen])


def _identity(
    seen: Seen, comparison: Comparison, known: Mapping[Digest, Seen], limit: Limit
) -> GateResult:
    takes = dict.fromkeys(take for one in comparison.people for take in one.takes)
    met = sightings([known[take] for take in takes if take in known])
    references = {
        one.name: _people_of(met[one.name]) for one in comparison.people if one.name in met
    }
    if not references:
        return did_not_run("identity", "nobody in it was seen before")
    told = who_is_who(seen.reading, {name: one.seen_RD for name, one in references.items()})
    missing = [name for name in references if name not in told]
    if missing:
        return _result(
            "identity",
            NOT_FOUND,
            limit,
            unit="likeness",
            evidence=f"{missing[0]} is not to be found among {len(seen.reading.people)} people.",
        )
    likeness = {
        name: best_pairs(person.frames, person.identity_FD, references[name].seen_RD)
        for name, number in told.items()
        for person in [seen.reading.people[number]]
    }
    worst = min(likeness, key=lambda name: likeness[name].value)
    found, reference = likeness[worst], references[worst]
    person = seen.reading.people[told[worst]]
    box = person.boxes[person.frames.index(found.worst.frame)]
    here = Sight(
        take=seen.take,
        frame=found.worst.frame,
        box=_shares(seen.reading, (box.left, box.top, box.right, box.bottom)),
    )
    there = reference.sights[found.worst.reference]
    return _result(
        "identity",
        found.value,
        limit,
        unit="likeness",
        evidence=f"{worst} is least alike in frame {here.frame} ({found.worst.likeness:.2f}), "
        f"against frame {there.frame} of {reference.slates[found.worst.reference]}.",
        pair=(here, there),
    )


def _place(
    seen: Seen, comparison: Comparison, known: Mapping[Digest, Seen], limit: Limit
) -> GateResult:
    takes = [known[take] for take in comparison.place if take in known]
    visits = [(take, row) for take in takes for row in place_rows(take.reading)]
    if not visits:
        return did_not_run("place", "it was not seen before")
    rows = place_rows(seen.reading)
    if not rows:
        return did_not_run("place", "people cover it")
    found = best_pairs(
        [seen.reading.frames[row] for row in rows],
        seen.reading.place_FD[rows],
        np.stack([take.reading.place_FD[row] for take, row in visits]),
    )
    take, row = visits[found.worst.reference]
    there = Sight(take=take.take, frame=take.reading.frames[row])
    return _result(
        "place",
        found.value,
        limit,
        unit="likeness",
        evidence=f"Frame {found.worst.frame} is least alike ({found.worst.likeness:.2f}), "
        f"against frame {there.frame} of {take.slate}.",
        pair=(Sight(take=seen.take, frame=found.worst.frame), there),
    )


def _caption(seen: Seen, caption_D: NDArray[np.float32] | None, limit: Limit) -> GateResult:
    if caption_D is None:
        return did_not_run("caption", "it has none")
    return _result(
        "caption",
        caption_agreement(seen.reading, caption_D),
        limit,
        unit="agreement",
        evidence="Mean picture against the caption.",
    )


def _subject(seen: Seen, limit: Limit) -> GateResult:
    if not seen.reading.people:
        return did_not_run("subject", "nobody was found in it")
    return _result(
        "subject",
        subject_consistency(seen.reading.people[0]),
        limit,
        unit="consistency",
        evidence="The largest person from frame to frame.",
    )


def _background(seen: Seen, limit: Limit) -> GateResult:
    if len(place_rows(seen.reading)) < 2:
        return did_not_run("background", "people cover it")
    return _result(
        "background",
        background_consistency(seen.reading),
        limit,
        unit="consistency",
        evidence="The place from frame to frame, without its people.",
    )


def _motion(measures: FrameMeasures, limit: Limit) -> GateResult:
    if measures.num_frames < 2:
        return did_not_run("motion", "one frame has nothing to move against")
    return _result(
        "motion",
        measures.dynamic_degree,
        limit,
        unit="grey levels",
        evidence="Mean change of the twentieth of the picture that changes most.",
    )


def _people_of(seen: Sequence[tuple[Seen, PersonReading]]) -> _References:
    return _References(
        seen_RD=_faces(seen),
        sights=tuple(
            Sight(
                take=take.take,
                frame=frame,
                box=_shares(take.reading, (box.left, box.top, box.right, box.bottom)),
            )
            for take, person in seen
            for frame, box in zip(person.frames, person.boxes, strict=True)
        ),
        slates=tuple(take.slate for take, person in seen for _ in person.frames),
    )


def _shares(reading: Reading, box: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    return (
        round(left / reading.width, 4),
        round(top / reading.height, 4),
        round(right / reading.width, 4),
        round(bottom / reading.height, 4),
    )


def _result(
    gate: str,
    value: float,
    limit: Limit,
    *,
    unit: str,
    evidence: str,
    pair: tuple[Sight, Sight] | None = None,
) -> GateResult:
    is_passed = value >= limit.least
    drawn = f"{limit.false_alarm:.0%} of {limit.num_good} good takes are under the limit."
    return GateResult(
        gate=gate,
        value=round(value, 4),
        threshold=round(limit.least, 4),
        unit=unit,
        is_passed=is_passed,
        reason=None if is_passed else REASONS[gate],
        evidence=f"{evidence} {drawn}",
        frames=() if is_passed or pair is None else (pair[0].frame,),
        pair=pair,
    )
