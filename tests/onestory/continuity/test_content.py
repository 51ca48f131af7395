"""Whom, where and what a take shows, against readings whose likeness is known."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from onestory.continuity.content import (
    CONTENT_GATES,
    NOT_FOUND,
    Calibration,
    Limit,
    Seen,
    content_results,
    sightings,
)
from onestory.continuity.likeness import PersonBox, PersonReading, Reading
from onestory.continuity.measures import FrameMeasures
from onestory.documents import Digest, digest_of
from onestory.engines.take import Comparison, GateResult, NgReason, Reference, Sight

ENCODERS = digest_of(b"encoders")
LIMITS = {gate: Limit(least=0.5, false_alarm=0.05, num_good=40) for gate in CONTENT_GATES}
ADA, BEN, CLEO = np.eye(8, dtype=np.float32)[:3]
HALL, YARD = np.eye(8, dtype=np.float32)[3:5]
MOVING = FrameMeasures(num_frames=3, width=10, height=20, motions=(4.0, 6.0))


def name_of(words: str) -> Digest:
    """A take's address."""
    return digest_of(words.encode())


def person(face_D: NDArray[np.float32], *, frames: Sequence[int] = (1, 4)) -> PersonReading:
    """Somebody in the left half of some frames."""
    box = PersonBox(left=0, top=5, right=5, bottom=20, share=0.3)
    return PersonReading(
        frames=tuple(frames),
        boxes=(box,) * len(frames),
        identity_FD=np.stack([face_D] * len(frames)),
    )


def seen(
    words: str,
    people: Mapping[str, NDArray[np.float32]],
    *,
    place: NDArray[np.float32] = HALL,
    found: Sequence[NDArray[np.float32]] | None = None,
    backgrounds: tuple[float, float] = (0.7, 0.7),
) -> Seen:
    """A take of two frames: who should be in it, and who is."""
    faces = list(people.values()) if found is None else found
    reading = Reading(
        encoders=ENCODERS,
        height=20,
        width=10,
        frames=(1, 4),
        people=tuple(person(face) for face in faces),
        place_FD=np.stack([place, place]),
        backgrounds=backgrounds,
        picture_FD=np.stack([place, place]),
    )
    return Seen(take=name_of(words), slate=words, names=tuple(people), reading=reading, strip="")


def looked_at(
    take: Seen,
    earlier: Sequence[Seen] = (),
    *,
    people: Mapping[str, Sequence[str]] | None = None,
    places: Sequence[str] = (),
    caption: NDArray[np.float32] | None = None,
    limits: Mapping[str, Limit] = LIMITS,
    measures: FrameMeasures = MOVING,
) -> dict[str, GateResult]:
    """What the gates say, by name."""
    comparison = Comparison(
        people=tuple(
            Reference(name=name, takes=tuple(map(name_of, takes)))
            for name, takes in (people or {}).items()
        ),
        place=tuple(map(name_of, places)),
    )
    results = content_results(
        take,
        measures,
        caption_D=caption,
        comparison=comparison,
        known={one.take: one for one in earlier},
        limits=limits,
    )
    assert tuple(result.gate for result in results) == CONTENT_GATES
    return {result.gate: result for result in results}


def test_the_same_person_passes_and_another_one_does_not() -> None:
    """Likeness is 1 for the same embedding and 0 for one at a right angle."""
    first = seen("tk1", {"ADA": ADA})
    same = looked_at(seen("tk2", {"ADA": ADA}), [first], people={"ADA": ["tk1"]})["identity"]
    other = looked_at(seen("tk3", {"ADA": ADA}, found=[BEN]), [first], people={"ADA": ["tk1"]})[
        "identity"
    ]

    assert (same.value, same.is_passed, same.reason) == (1.0, True, None)
    assert (other.value, other.is_passed, other.reason) == (0.0, False, NgReason.IDENTITY)
    assert other.pair == (
        Sight(take=name_of("tk3"), frame=1, box=(0.0, 0.25, 0.5, 1.0)),
        Sight(take=name_of("tk1"), frame=1, box=(0.0, 0.25, 0.5, 1.0)),
    )
    assert "ADA is least alike in frame 1 (0.00), against frame 1 of tk1" in other.evidence
    assert "5% of 40 good takes" in other.evidence
    assert other.frames == (1,)


def test_the_least_alike_of_several_people_decides() -> None:
    """Two people may stand in any order; who was swapped for a stranger is named."""
    earlier = [seen("tk1", {"ADA": ADA}), seen("tk2", {"BEN": BEN})]
    asked = {"ADA": ["tk1"], "BEN": ["tk2"]}
    both = seen("tk3", {"ADA": ADA, "BEN": BEN}, found=[BEN, ADA])
    swapped = seen("tk4", {"ADA": ADA, "BEN": BEN}, found=[CLEO, ADA])

    assert looked_at(both, earlier, people=asked)["identity"].value == 1.0
    result = looked_at(swapped, earlier, people=asked)["identity"]
    assert (result.value, result.is_passed) == (0.0, False)
    assert result.evidence.startswith("BEN is least alike")


def test_who_is_not_there_at_all_is_missed() -> None:
    """Fewer people than are expected is worse than any likeness."""
    first = seen("tk1", {"ADA": ADA})
    result = looked_at(seen("tk2", {"ADA": ADA}, found=[]), [first], people={"ADA": ["tk1"]})

    assert result["identity"].value == NOT_FOUND
    assert result["identity"].is_passed is False
    assert "ADA is not to be found among 0 people" in result["identity"].evidence


def test_nobody_is_compared_who_was_never_seen() -> None:
    """A first appearance has nothing to be held against: did not run, which is never a pass."""
    results = looked_at(seen("tk1", {"ADA": ADA}))

    assert results["identity"].is_passed is None
    assert "seen before" in results["identity"].evidence
    assert results["place"].is_passed is None
    gone = looked_at(seen("tk2", {"ADA": ADA}), people={"ADA": ["tk1"]}, places=["tk1"])
    assert (gone["identity"].is_passed, gone["place"].is_passed) == (None, None)


def test_somebody_new_beside_somebody_known_is_found_by_elimination() -> None:
    """One name and one person that are left over belong together; of two nothing is said."""
    ada, both = seen("tk1", {"ADA": ADA}), seen("tk2", {"ADA": ADA, "BEN": BEN}, found=[BEN, ADA])
    strangers = seen("tk3", {"BEN": BEN, "CLEO": CLEO})

    met = sightings([ada, both])
    assert [take.slate for take, _ in met["BEN"]] == ["tk2"]
    assert np.array_equal(met["BEN"][0][1].identity_FD[0], BEN)
    assert [take.slate for take, _ in met["ADA"]] == ["tk1", "tk2"]
    assert sightings([strangers]) == {}


@pytest.mark.parametrize(("where", "value"), [(HALL, 1.0), (YARD, 0.0)])
def test_a_place_is_held_against_itself(where: NDArray[np.float32], value: float) -> None:
    """The hall is the hall, whoever is in it, and the yard is not."""
    hall = seen("tk1", {"ADA": ADA}, place=HALL)
    result = looked_at(seen("tk2", {"BEN": BEN}, place=where), [hall], places=["tk1"])["place"]

    assert result.value == value
    assert result.reason is (None if value else NgReason.PLACE)
    assert result.pair is not None
    assert result.pair[1] == Sight(take=name_of("tk1"), frame=1)


def test_a_place_behind_people_is_not_judged() -> None:
    """A close shot that shows hardly any of it says nothing of the place."""
    hall = seen("tk1", {"ADA": ADA})
    close = seen("tk2", {"ADA": ADA}, backgrounds=(0.1, 0.2))

    results = looked_at(close, [hall], places=["tk1"])
    assert results["place"].is_passed is None
    assert results["background"].is_passed is None
    assert "cover" in results["place"].evidence


def test_caption_and_motion_have_limits() -> None:
    """A caption is agreed with by its direction, motion is the mean of what the meter saw."""
    take = seen("tk1", {"ADA": ADA}, place=HALL)

    good = looked_at(take, caption=HALL)
    bad = looked_at(take, caption=YARD)
    assert (good["caption"].value, bad["caption"].value) == (1.0, 0.0)
    assert bad["caption"].reason is NgReason.CAPTION
    assert looked_at(take)["caption"].is_passed is None
    assert (good["motion"].value, good["motion"].is_passed) == (5.0, True)
    still = MOVING.model_copy(update={"motions": (0.1, 0.1)})
    assert looked_at(take, measures=still)["motion"].reason is NgReason.MOTION


def test_what_changes_within_a_take_is_inconsistent() -> None:
    """Somebody is another person in the second frame, or stays in another place."""
    take = seen("tk1", {"ADA": ADA})
    changing = PersonReading(
        frames=(1, 4),
        boxes=person(ADA).boxes,
        identity_FD=np.stack([ADA, BEN]),
    )
    reading = take.reading.model_copy(update={"people": (changing,)})
    results = looked_at(take.model_copy(update={"reading": reading}))

    assert (results["subject"].value, results["subject"].is_passed) == (0.0, False)
    assert results["subject"].reason is NgReason.UNSTEADY
    assert (results["background"].value, results["background"].is_passed) == (1.0, True)

    torn = take.reading.model_copy(update={"place_FD": np.stack([HALL, YARD])})
    results = looked_at(take.model_copy(update={"reading": torn}))
    assert results["background"].reason is NgReason.UNSTEADY
    assert (results["subject"].value, results["subject"].is_passed) == (1.0, True)


def test_a_gate_without_a_limit_does_not_run() -> None:
    """Of an engine that was calibrated for places only, nothing else is judged."""
    hall = seen("tk1", {"ADA": ADA})
    limits = {"place": LIMITS["place"]}
    results = looked_at(seen("tk2", {"ADA": ADA}), [hall], places=["tk1"], limits=limits)

    assert [gate for gate, one in results.items() if one.is_passed is not None] == ["place"]
    assert "not calibrated" in results["motion"].evidence


def test_a_calibration_is_kept_as_json() -> None:
    """What is read back is what was written, and an unknown engine has no limits."""
    calibration = Calibration(encoders=ENCODERS, engines={"pocket": LIMITS})

    again = Calibration.from_json(calibration.to_json())
    assert again == calibration
    assert again.limits_of("pocket") == LIMITS
    assert again.limits_of("wan") == {}
    take = seen("tk1", {"ADA": ADA})
    assert Seen.from_json(take.to_json()).to_json() == take.to_json()
