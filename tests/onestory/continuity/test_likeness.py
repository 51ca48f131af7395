"""Tests of the measures of likeness, on takes whose people and places are plain colours."""

import math
from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from onestory.continuity.cutting import NEUTRAL
from onestory.continuity.likeness import (
    FRAMES_READ,
    LEAST_BACKGROUND,
    PersonReading,
    Reading,
    background_consistency,
    best_matching,
    best_pairs,
    caption_agreement,
    consistency,
    frames_of,
    identity,
    place,
    place_references,
    read_take,
    subject_consistency,
    who_is_who,
)
from onestory.documents import Digest, digest_of

Frames = NDArray[np.uint8]

RED, BLUE, GREEN = (200, 40, 30), (40, 60, 220), (30, 180, 60)
WALL, SEA = (90, 90, 60), (60, 150, 170)
HEIGHT, WIDTH = 60, 40


class Painter:
    """Encoders who know people by saturated colours, and things by their colours' histogram."""

    fingerprint = Digest(digest_of(b"painter"))

    def people(self, frames_NHW3: Frames) -> list[NDArray[np.bool_]]:
        """Whatever is of one of three colours is somebody."""
        found = []
        for frame in frames_NHW3:
            masks = [(frame == colour).all(-1) for colour in (RED, BLUE, GREEN)]
            seen = [mask for mask in masks if mask.any()]
            seen.sort(key=lambda mask: float(np.nonzero(mask)[1].mean()))
            found.append(np.stack(seen) if seen else np.zeros((0, *frame.shape[:2]), bool))
        return found

    def appearance(self, pictures: Sequence[Frames]) -> NDArray[np.float32]:
        """Shares of 64 colours, without the grey that stands for nothing."""
        rows = []
        for picture in pictures:
            shown = picture.reshape(-1, 3)
            shown = shown[(shown != NEUTRAL).any(1)] // 64
            row = np.bincount(shown @ np.array([16, 4, 1]), minlength=64).astype(np.float32)
            rows.append(row / max(float(np.linalg.norm(row)), 1e-9))
        return np.stack(rows) if rows else np.zeros((0, 64), np.float32)

    def pictures(self, frames_NHW3: Frames) -> NDArray[np.float32]:
        """The same, of whole frames."""
        return self.appearance(list(frames_NHW3))

    def captions(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Nobody can read here."""
        return np.zeros((len(captions), 64), np.float32)


def filmed(
    *people: tuple[int, int, int],
    wall: tuple[int, int, int] = WALL,
    frames: int = 11,
    wide: int = 8,
) -> Frames:
    """Film people side by side before a wall, going right by a pixel every fourth frame."""
    take = np.full((frames, HEIGHT, WIDTH, 3), wall, np.uint8)
    for number, colour in enumerate(people):
        for index in range(frames):
            left = 2 + 18 * number + index // 4
            take[index, 10:50, left : left + wide] = colour
    return take


def read(take: Frames) -> Reading:
    """Read a take."""
    return read_take(Painter(), take)


def refs(*takes: Frames) -> NDArray[np.float32]:
    """Identities of the largest person of takes."""
    return np.concatenate([read(take).people[0].identity_FD for take in takes])


def test_frames_are_the_middles_of_equal_stretches() -> None:
    """Of a long take five frames are read; of a short one all."""
    assert frames_of(11) == tuple(math.floor(11 * (2 * k + 1) / 10) for k in range(FRAMES_READ))
    assert frames_of(3) == (0, 1, 2)
    assert read(filmed(RED)).frames == frames_of(11)


def test_boxes_and_shares_are_where_people_stand() -> None:
    """The box is the painted rectangle, and shares add up with the background's."""
    reading = read(filmed(RED, BLUE, wide=10))
    red = reading.people[0]
    assert len(reading.people) == 2
    for number, box in zip(red.frames, red.boxes, strict=True):
        left = box.left - number // 4
        assert (left - 2) % 18 == 0
        assert (box.top, box.bottom, box.right - box.left) == (10, 50, 10)
    shares = sum(person.boxes[0].share for person in reading.people)
    assert shares + reading.backgrounds[0] == pytest.approx(1, abs=0.001)


def test_the_same_take_is_wholly_alike() -> None:
    """A take compared with itself gives 1, for people and place."""
    reading = read(filmed(RED))
    assert identity(reading.people[0], reading.people[0].identity_FD).value == pytest.approx(1)
    found = place(reading, place_references(reading))
    assert found is not None
    assert found.value == pytest.approx(1)


def test_somebody_else_and_somewhere_else_fall() -> None:
    """A swapped person lowers identity alone; a swapped place lowers the place alone."""
    was = read(filmed(RED))
    swapped, moved = read(filmed(GREEN)), read(filmed(RED, wall=SEA))
    references = was.people[0].identity_FD
    assert identity(swapped.people[0], references).value < 0.2
    assert identity(moved.people[0], references).value == pytest.approx(1, abs=1e-3)
    here, there = (place(one, place_references(was)) for one in (swapped, moved))
    assert here is not None
    assert there is not None
    assert here.value == pytest.approx(1, abs=1e-3)
    assert there.value < 0.2


def test_likeness_agrees_with_a_second_computation() -> None:
    """Value, best and worst pair are those that plain Python finds, in any order of frames."""
    chance = np.random.default_rng(3)
    seen, references = chance.normal(size=(4, 7)), chance.normal(size=(6, 7))
    seen, references = seen.astype(np.float32), references.astype(np.float32)

    def cosine(one: Sequence[float], other: Sequence[float]) -> float:
        dot = math.fsum(a * b for a, b in zip(one, other, strict=True))
        return dot / math.sqrt(math.fsum(a * a for a in one) * math.fsum(b * b for b in other))

    nearest = [
        max((cosine(row, other), number) for number, other in enumerate(references.tolist()))
        for row in seen.tolist()
    ]
    found = best_pairs((2, 5, 8, 11), seen, references)
    assert found.value == pytest.approx(sum(value for value, _ in nearest) / 4, abs=1e-6)
    worst = min(range(4), key=lambda row: nearest[row][0])
    assert found.worst.frame == (2, 5, 8, 11)[worst]
    assert found.worst.reference == nearest[worst][1]
    assert found.best.likeness == pytest.approx(max(value for value, _ in nearest), abs=1e-6)
    shuffled = best_pairs((11, 2, 8, 5), seen[[3, 0, 2, 1]], references[::-1])
    assert shuffled.value == pytest.approx(found.value, abs=1e-6)
    assert (shuffled.best.frame, shuffled.worst.frame) == (found.best.frame, found.worst.frame)


def test_consistency_agrees_with_a_second_computation() -> None:
    """It is VBench's formula, term by term."""
    chance = np.random.default_rng(4)
    seen = chance.normal(size=(5, 9)).astype(np.float32)
    unit = [[x / math.hypot(*row) for x in row] for row in seen.tolist()]
    total = 0.0
    for t in range(1, 5):
        for other in (t - 1, 0):
            total += max(0.0, sum(a * b for a, b in zip(unit[t], unit[other], strict=True))) / 2
    assert consistency(seen) == pytest.approx(total / 4, abs=1e-6)
    assert consistency(seen[:1]) == 1.0


def test_a_person_or_place_that_changes_within_a_take_is_less_consistent() -> None:
    """Steady takes give 1; one whose wall is repainted half-way does not."""
    steady = filmed(RED)
    assert subject_consistency(read(steady).people[0]) == pytest.approx(1, abs=1e-3)
    assert background_consistency(read(steady)) == pytest.approx(1, abs=1e-3)
    torn = np.concatenate([steady[:6], filmed(RED, wall=SEA)[6:]])
    assert background_consistency(read(torn)) < 0.8
    assert subject_consistency(read(torn).people[0]) == pytest.approx(1, abs=1e-3)


def test_people_are_named_whatever_their_order() -> None:
    """Characters are found though they changed sides, and a missing one is left out."""
    known = {"ANNA": refs(filmed(RED)), "BEN": refs(filmed(BLUE)), "CLEO": refs(filmed(GREEN))}
    reading = read(filmed(BLUE, RED, wide=10))
    named = who_is_who(reading, known)
    assert set(named) == {"ANNA", "BEN"}
    for name, number in named.items():
        assert identity(reading.people[number], known[name]).value == pytest.approx(1, abs=1e-3)
    assert who_is_who(read(filmed()), known) == {}
    with pytest.raises(ValueError, match="at most 10"):
        who_is_who(reading, {str(number): known["ANNA"] for number in range(11)})


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (5, 5), (1, 6)])
def test_the_matching_is_the_best_of_all(shape: tuple[int, int]) -> None:
    """No other way to match as many gains more."""
    gain = np.random.default_rng(sum(shape)).normal(size=shape)
    tall = gain if shape[0] <= shape[1] else gain.T
    best = max(
        sum(tall[row, column] for row, column in enumerate(order))
        for order in permutations(range(tall.shape[1]), tall.shape[0])
    )
    pairs = best_matching(gain.tolist())
    assert len(pairs) == min(shape) == len({column for _, column in pairs})
    assert sum(gain[pair] for pair in pairs) == pytest.approx(best)


def test_a_take_full_of_people_says_nothing_about_its_place() -> None:
    """Where people cover nearly all, no place is compared."""
    reading = read(filmed(RED, wide=38))
    crowded = reading.model_copy(update={"backgrounds": (LEAST_BACKGROUND / 2,) * FRAMES_READ})
    assert place(crowded, place_references(reading)) is None
    assert len(place_references(crowded)) == 0


def test_caption_agreement_is_the_cosine_of_the_mean_picture() -> None:
    """It does not depend on lengths, and opposite meanings give -1."""
    reading = read(filmed(RED))
    mean = reading.picture_FD.mean(0)
    assert caption_agreement(reading, 5 * mean) == pytest.approx(1)
    assert caption_agreement(reading, -mean) == pytest.approx(-1)
    other = np.random.default_rng(1).normal(size=64).astype(np.float32)
    expected = float(np.corrcoef(mean, other)[0, 1])
    centred = reading.model_copy(update={"picture_FD": reading.picture_FD - mean.mean()})
    assert caption_agreement(centred, other - other.mean()) == pytest.approx(expected, abs=1e-5)


def test_a_colour_cast_moves_no_box_and_no_name() -> None:
    """A cast over the place leaves people found where they were and called what they were."""
    plain, cast = filmed(RED, BLUE), filmed(RED, BLUE, wall=(110, 70, 60))
    known = {"ANNA": refs(filmed(RED)), "BEN": refs(filmed(BLUE))}
    assert who_is_who(read(plain), known) == who_is_who(read(cast), known)
    assert [one.boxes for one in read(plain).people] == [one.boxes for one in read(cast).people]


def test_somebody_who_is_seen_once_is_taken_for_a_mistake() -> None:
    """A third person in one of five frames is not in the reading."""
    take = filmed(RED)
    take[frames_of(11)[0], 10:50, 25:35] = GREEN
    assert len(read(take).people) == 1


def test_a_reading_is_kept_to_the_last_bit() -> None:
    """What was written down and read again measures the same, and has the same digest."""
    reading = read(filmed(RED, BLUE))
    again = Reading.from_json(reading.to_json())
    assert again.digest == reading.digest
    assert np.array_equal(again.place_FD, reading.place_FD)
    assert again.people[1].boxes == reading.people[1].boxes
    references = reading.people[0].identity_FD
    assert identity(again.people[1], references) == identity(reading.people[1], references)
    with pytest.raises(ValueError, match="read-only"):
        again.place_FD[0, 0] = 1


def test_what_cannot_be_compared_is_refused() -> None:
    """Floats, takes without frames, missing references and other encoders' are named."""
    reading = read(filmed(RED))
    with pytest.raises(ValueError, match="uint8 T H W 3, got float64"):
        read(np.zeros((2, 4, 4, 3)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must have frames, got 0"):
        read(np.zeros((0, 4, 4, 3), np.uint8))
    with pytest.raises(ValueError, match="cannot compare 5 frames with 0"):
        identity(reading.people[0], np.zeros((0, 64), np.float32))
    with pytest.raises(ValueError, match="different encoders: 64 and 32"):
        identity(reading.people[0], np.zeros((2, 32), np.float32))
    with pytest.raises(ValueError, match="different encoders: 64 and 3 numbers"):
        caption_agreement(reading, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="F D"):
        PersonReading(frames=(), boxes=(), identity_FD=np.zeros(3, np.float32))
