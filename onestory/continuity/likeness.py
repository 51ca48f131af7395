"""
How alike are who and what a take shows, and who and what it should show?

    frames ── some of them ── Encoders ── Reading ─┬─ who_is_who ── identity ~ references
                                                   ├─ place ~ references
                                                   ├─ caption_agreement
                                                   └─ subject and background consistency

A take is read once and its reading kept: a few kilobytes in which the evidence is found again.
All measures are plain functions of readings and embeddings; no model is loaded for them.

Likeness is the cosine of two embeddings, [-1, 1]: 1 for the same picture.

Shape suffixes, for this module only:
    T  frames of a take    F  frames read    P  people of a frame, from the left
    H, W  pixels           D  embedding
    R  references          N  people or names
"""

import base64
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, PlainSerializer

from onestory.continuity.cutting import cut_out, emptied, span
from onestory.documents import Digest, Document, Frozen

if TYPE_CHECKING:
    from onestory.continuity.encoders import Encoders

FRAMES_READ = 5
"""Frames of a take that are read, at most."""
LEAST_BACKGROUND = 0.5
"""Share of a frame that must show no person for the frame to say something about the place."""
MOST_PEOPLE = 10
"""People, or names, that are matched with each other, at most."""


def _numbers(value: object) -> NDArray[np.float32]:
    """Read an embedding matrix: `width:` and float16 in base64, or an array."""
    if isinstance(value, str):
        width, _, content = value.partition(":")
        raw = np.frombuffer(base64.b64decode(content, validate=True), "<f2")
        found = raw.reshape(-1, int(width))
    else:
        found = np.asarray(value)
        if found.ndim != 2:
            raise ValueError(f"embeddings are F D, got shape {found.shape}")
    # Rounded now, so that what is kept and what was measured are the same numbers.
    rounded = found.astype("<f2").astype(np.float32)
    rounded.flags.writeable = False
    return rounded


def _text(numbers_FD: NDArray[np.float32]) -> str:
    content = base64.b64encode(numbers_FD.astype("<f2").tobytes()).decode()
    return f"{numbers_FD.shape[1]}:{content}"


if TYPE_CHECKING:
    Embeddings: TypeAlias = NDArray[np.float32]
else:
    Embeddings = Annotated[Any, BeforeValidator(_numbers), PlainSerializer(_text, return_type=str)]


class PersonBox(Frozen):
    """Where somebody is in a frame: half-open, in pixels."""

    left: int
    top: int
    right: int
    bottom: int
    share: float
    """Of the frame's pixels that show the person, (0, 1]."""


class PersonReading(Frozen):
    """Somebody in a take, followed through the frames in which they are seen."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    frames: tuple[int, ...]
    """Numbers of these frames."""
    boxes: tuple[PersonBox, ...]
    """One for each."""
    identity_FD: Embeddings
    """One row for each: the person alone, on grey. Length 1 to within float16."""

    @property
    def share(self) -> float:
        """How much of a frame they cover, mean over the frames in which they are seen."""
        return float(np.mean([box.share for box in self.boxes]))


class Reading(Document):
    """What a take shows, as encoders see it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    schema_name: ClassVar[str] = "Reading.1"

    encoders: Digest
    """Fingerprint of who looked; readings of different encoders cannot be compared."""
    height: int
    """Of the frames, in pixels."""
    width: int
    frames: tuple[int, ...]
    """Numbers of the frames that were read, ascending."""
    people: tuple[PersonReading, ...]
    """Largest first."""
    place_FD: Embeddings
    """One row for each frame read: without its people. Length 1 to within float16."""
    backgrounds: tuple[float, ...]
    """Share of each frame that shows no person, [0, 1]."""
    picture_FD: Embeddings
    """One row for each frame read, comparable with captions."""


class Pair(NamedTuple):
    """Two pictures that were compared."""

    frame: int
    """Number of the frame in the take."""
    reference: int
    """Number of the reference."""
    likeness: float


class Likeness(NamedTuple):
    """How alike something in a take is to its references."""

    value: float
    """[-1, 1]; 1 if every frame is one of the references."""
    best: Pair
    worst: Pair
    """The frame whose nearest reference is farthest, and that reference."""


def frames_of(num_frames: int, *, most: int = FRAMES_READ) -> tuple[int, ...]:
    """Choose the frames to read: the middles of equal stretches, all if there are few."""
    if num_frames <= most:
        return tuple(range(num_frames))
    return tuple(int((number + 0.5) * num_frames / most) for number in range(most))


def read_take(
    encoders: "Encoders", frames_THW3: NDArray[np.uint8], *, most: int = FRAMES_READ
) -> Reading:
    """
    Read a take.

    Args:
        encoders: Who looks.
        frames_THW3: Its frames, sRGB, uint8.
        most: Frames that are looked at.

    Returns:
        What they show. People are followed by their looks, from the frame with most people on;
        whoever is seen once only in four frames and more is taken for a mistake.

    Raises:
        ValueError: If these are no frames, or none.
    """
    if frames_THW3.ndim != 4 or frames_THW3.shape[3] != 3 or frames_THW3.dtype != np.uint8:
        raise ValueError(
            f"a take must be uint8 T H W 3, got {frames_THW3.dtype} of shape {frames_THW3.shape}"
        )
    if not len(frames_THW3):
        raise ValueError("a take must have frames, got 0")
    numbers = frames_of(len(frames_THW3), most=most)
    return read_frames(encoders, numbers, frames_THW3[list(numbers)])


def read_frames(
    encoders: "Encoders", numbers: tuple[int, ...], chosen_FHW3: NDArray[np.uint8]
) -> Reading:
    """
    Read frames of a take that were chosen already.

    Args:
        encoders: Who looks.
        numbers: Of the frames in the take, ascending.
        chosen_FHW3: The frames, sRGB, uint8; at least one.
    """
    masks = encoders.people(chosen_FHW3)
    crops = [
        cut_out(frame_HW3, mask_HW)
        for frame_HW3, masks_PHW in zip(chosen_FHW3, masks, strict=True)
        for mask_HW in masks_PHW
    ]
    empty = [emptied(*pair) for pair in zip(chosen_FHW3, map(list, masks), strict=True)]
    seen = encoders.appearance([*empty, *crops])
    people = _followed(numbers, masks, seen[len(empty) :])
    return Reading(
        encoders=encoders.fingerprint,
        height=chosen_FHW3.shape[1],
        width=chosen_FHW3.shape[2],
        frames=numbers,
        people=people,
        place_FD=seen[: len(empty)],
        backgrounds=tuple(round(float((~one.any(0)).mean()), 4) for one in masks),
        picture_FD=encoders.pictures(chosen_FHW3),
    )


def who_is_who(reading: Reading, references: Mapping[str, NDArray[np.float32]]) -> dict[str, int]:
    """
    Say which of the people found is which of the characters expected.

    Args:
        reading: Of the take.
        references: For every name embeddings of earlier sightings, `R D`.

    Returns:
        For a name the number of the person in `reading.people`. As many are matched as can be,
        so that the sum of their identities is largest. Whoever was not found is left out.

    Raises:
        ValueError: If a name has no reference, or there are more than `MOST_PEOPLE` of either.
    """
    names = list(references)
    if max(len(names), len(reading.people)) > MOST_PEOPLE:
        raise ValueError(
            f"at most {MOST_PEOPLE} people can be matched, got {len(reading.people)} and "
            f"{len(names)} names"
        )
    likeness_NN = [
        [identity(person, references[name]).value for name in names] for person in reading.people
    ]
    chosen = best_matching(likeness_NN)
    return {names[name]: person for person, name in sorted(chosen, key=lambda pair: pair[1])}


def best_matching(gain_NN: Sequence[Sequence[float]]) -> tuple[tuple[int, int], ...]:
    """
    Match rows with columns, each at most once, so that the sum of what they gain is largest.

    Args:
        gain_NN: What a row gains from a column; as many are matched as the shorter side has.

    Returns:
        Pairs of row and column, by row. Exact: all subsets of columns are tried (Held and Karp).
    """
    rows, columns = len(gain_NN), len(gain_NN[0]) if gain_NN else 0

    @cache
    def best(row: int, taken: int) -> tuple[float, tuple[tuple[int, int], ...]]:
        if row == rows:
            return 0.0, ()
        free = [column for column in range(columns) if not taken >> column & 1]
        options = []
        for column in free:
            gain, others = best(row + 1, taken | 1 << column)
            options.append((gain + gain_NN[row][column], ((row, column), *others)))
        if len(free) < rows - row:
            options.append(best(row + 1, taken))
        return max(options, key=lambda option: option[0])

    return best(0, 0)[1]


def identity(person: PersonReading, references_RD: NDArray[np.float32]) -> Likeness:
    """
    Say how alike somebody is to a character.

    Args:
        person: Found in the take.
        references_RD: The character in earlier takes, `PersonReading.identity_FD`.

    Returns:
        mean over frames f of max over references r of cos(f, r): a back is compared with the
        back, if there was one. The order of neither changes it.

    Raises:
        ValueError: If there is no reference, or it is of another encoder.
    """
    return best_pairs(person.frames, person.identity_FD, references_RD)


def place(reading: Reading, references_RD: NDArray[np.float32]) -> Likeness | None:
    """
    Say how alike a take's place is to one seen before, people left out.

    Args:
        reading: Of the take.
        references_RD: The place in earlier takes, `place_references`.

    Returns:
        As `identity`, over the frames that show enough of a place (`LEAST_BACKGROUND`); None if
        none does.

    Raises:
        ValueError: If there is no reference, or it is of another encoder.
    """
    rows = place_rows(reading)
    if not rows:
        return None
    numbers = tuple(reading.frames[row] for row in rows)
    return best_pairs(numbers, reading.place_FD[rows], references_RD)


def place_references(reading: Reading) -> NDArray[np.float32]:
    """Give the embeddings of a take's place that later takes are compared with; may be none."""
    return reading.place_FD[place_rows(reading)]


def place_rows(reading: Reading) -> list[int]:
    """Say which of the frames read show enough of the place to be compared."""
    return [row for row, share in enumerate(reading.backgrounds) if share >= LEAST_BACKGROUND]


def best_pairs(
    numbers: Sequence[int], seen_FD: NDArray[np.float32], references_RD: NDArray[np.float32]
) -> Likeness:
    """
    Compare every frame with the reference that is nearest to it.

    Args:
        numbers: Of the frames.
        seen_FD: Their embeddings.
        references_RD: To compare with.

    Raises:
        ValueError: If there is nothing to compare, or widths differ.
    """
    if not len(seen_FD) or not len(references_RD):
        raise ValueError(f"cannot compare {len(seen_FD)} frames with {len(references_RD)}")
    if seen_FD.shape[1] != references_RD.shape[1]:
        raise ValueError(
            f"embeddings are of different encoders: {seen_FD.shape[1]} and "
            f"{references_RD.shape[1]} numbers"
        )
    likeness_FR = np.clip(_unit(seen_FD) @ _unit(references_RD).T, -1.0, 1.0)
    nearest_F = likeness_FR.argmax(1)
    value_F = likeness_FR.max(1)
    best, worst = int(value_F.argmax()), int(value_F.argmin())
    return Likeness(
        value=float(value_F.mean()),
        best=Pair(numbers[best], int(nearest_F[best]), float(value_F[best])),
        worst=Pair(numbers[worst], int(nearest_F[worst]), float(value_F[worst])),
    )


def caption_agreement(reading: Reading, caption_D: NDArray[np.float32]) -> float:
    """
    Say how well a take shows what its caption says.

    Args:
        reading: Of the take.
        caption_D: From `Encoders.captions` of the same encoders.

    Returns:
        Cosine of the caption and the mean picture, [-1, 1]: CLIPScore (Hessel et al., 2021,
        arXiv:2104.08718) before it is scaled. Comparable between takes of one caption; between
        captions only after calibration.

    Raises:
        ValueError: If the caption was read by another encoder.
    """
    picture_D = reading.picture_FD.mean(0)
    if picture_D.shape != caption_D.shape:
        raise ValueError(
            f"embeddings are of different encoders: {picture_D.size} and {caption_D.size} numbers"
        )
    length = float(np.linalg.norm(picture_D) * np.linalg.norm(caption_D))
    return float(np.clip(picture_D @ caption_D / max(length, 1e-12), -1.0, 1.0))


def subject_consistency(person: PersonReading) -> float:
    """
    Say how much somebody stays the same within a take.

    Returns:
        As `consistency`, over the person cut out of every frame. VBench has whole frames there.
    """
    return consistency(person.identity_FD)


def background_consistency(reading: Reading) -> float:
    """
    Say how much the place stays the same within a take.

    Returns:
        As `consistency`, over frames without their people. VBench has CLIP and whole frames.
    """
    return consistency(reading.place_FD)


def consistency(seen_FD: NDArray[np.float32]) -> float:
    """
    Measure how steady a series of embeddings is.

    Args:
        seen_FD: In the order of time.

    Returns:
        mean over t > 0 of (max(0, cos(t, t-1)) + max(0, cos(t, 0))) / 2, [0, 1]; 1 for a single
        frame. Subject consistency of VBench (Huang et al., 2023, arXiv:2311.17982, eq. 1).
    """
    if len(seen_FD) < 2:
        return 1.0
    unit_FD = _unit(seen_FD)
    before_F = np.einsum("fd,fd->f", unit_FD[1:], unit_FD[:-1])
    first_F = unit_FD[1:] @ unit_FD[0]
    both_F = (np.clip(before_F, 0.0, 1.0) + np.clip(first_F, 0.0, 1.0)) / 2
    return float(both_F.mean())


def _followed(
    numbers: tuple[int, ...],
    masks: Sequence[NDArray[np.bool_]],
    seen: NDArray[np.float32],
) -> tuple[PersonReading, ...]:
    """Say who is whom from frame to frame: whoever is most alike to the fullest frame's people."""
    starts = np.cumsum([0, *(len(one) for one in masks)])
    fullest = max(range(len(masks)), key=lambda row: (len(masks[row]), int(masks[row].sum())))
    models_ND = seen[starts[fullest] : starts[fullest + 1]]
    tracks: list[list[tuple[int, int, int]]] = [[] for _ in models_ND]
    for row, masks_PHW in enumerate(masks):
        mine_PD = seen[starts[row] : starts[row] + len(masks_PHW)]
        for slot, model in best_matching((mine_PD @ models_ND.T).tolist()):
            tracks[model].append((row, slot, int(starts[row]) + slot))
    fewest = 2 if len(masks) > 3 else 1
    people = [
        PersonReading(
            frames=tuple(numbers[row] for row, _, _ in track),
            boxes=tuple(_box(masks[row][slot]) for row, slot, _ in track),
            identity_FD=seen[[at for _, _, at in track]],
        )
        for track in tracks
        if len(track) >= fewest
    ]
    return tuple(sorted(people, key=lambda person: -person.share))


def _box(mask_HW: NDArray[np.bool_]) -> PersonBox:
    top, bottom = span(mask_HW, axis=0)
    left, right = span(mask_HW, axis=1)
    share = round(float(mask_HW.mean()), 4)
    return PersonBox(left=left, top=top, right=right, bottom=bottom, share=share)


def _unit(seen_ND: NDArray[np.float32]) -> NDArray[np.float32]:
    length_N1 = np.linalg.norm(seen_ND, axis=1, keepdims=True)
    unit_ND: NDArray[np.float32] = seen_ND / np.maximum(length_N1, 1e-12)
    return unit_ND
