"""
Who and what does a shot show? Some of its frames are read, and what they say is put together.

    frames T H W 3 ── some frames ── Encoders ─┬─ people: where, their looks, their identity
                                               ├─ scene: place, light, weather, colours
                                               ├─ picture: to be compared with captions
                                               └─ masks of cells, motion

The encoders were trained by `onestory.evaluation.training` on StoryWorld as the codec decodes it;
they know nothing else. Numbers of StoryWorld's own kind only: other pictures give nonsense.

Shape suffixes, for this module only:
    T  frames of a shot     F  frames read     H, W  pixels     h, w  cells
    B  frames of a batch    D  embedding       N     people     C, K  channels
    E  caption features     P  people of a frame, from the left  X  numbers of layout
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import nn

from onestory.continuity.likeness import frames_of
from onestory.diffusion.text import shared_text
from onestory.errors import WeightsError
from onestory.evaluation.coverage import (
    CELL,
    COLUMNS,
    FIRST_SLOT,
    HEIGHT,
    MAX_PEOPLE,
    ROWS,
    WIDTH,
)
from onestory.evaluation.networks import LAYOUT, Encoders, cut_out, surroundings
from onestory.storyworld.attributes import PERSON, SCENE, Attribute
from onestory.storyworld.pen import PARTS
from onestory.storyworld.stories import PLACE_SLOTS
from onestory.storyworld.truth import Box

WEIGHTS = Path(__file__).parent / "weights" / "readers.safetensors"
"""The weights that are shipped."""

FEWEST_CELLS = 24
"""Anybody smaller is taken for a mistake."""
BATCH = 20
"""Frames that are read at once."""

Answers = Mapping[str, float]
"""Log-probability of every answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonReading:
    """Somebody in a shot, put together from the frames in which they are seen."""

    boxes: Mapping[int, Box]
    """Where, by number of the frame; in pixels of 160 x 288."""
    owners: Mapping[int, int]
    """Which of `ShotReading.owners_Fhw` they are, by number of the frame."""
    cells: float
    """How many cells they cover, mean over the frames in which they are seen."""
    looks: Mapping[str, Answers]
    """Answers for every attribute of `PERSON`."""
    identity_FD: torch.Tensor
    """One embedding of length 1 for every frame in `boxes`, in its order."""

    @property
    def identity(self) -> torch.Tensor:
        """Mean embedding, `D`."""
        return self.identity_FD.mean(0)

    def answer(self, attribute: str) -> str:
        """Say the likeliest answer."""
        return max(self.looks[attribute].items(), key=lambda pair: pair[1])[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShotReading:
    """What a shot shows."""

    frames: tuple[int, ...]
    """Numbers of the frames that were read."""
    people: tuple[PersonReading, ...]
    """Largest first."""
    scene: Mapping[str, Answers]
    """Answers for every attribute of `SCENE`."""
    place_FD: torch.Tensor
    """One embedding of length 1 for every frame, of all but its people."""
    picture_D: torch.Tensor
    """Mean over the frames; comparable with `Reader.read_captions`."""
    classes_Fhw: npt.NDArray[np.uint8]
    """What every cell shows, as in `Coverage.classes_HW`."""
    owners_Fhw: npt.NDArray[np.uint8]
    """Whose it is: 0 nobody's, then from left to right."""
    motion: tuple[float, ...]
    """Of every pair of neighbouring frames of the shot, see `motion_of`."""

    @property
    def place(self) -> torch.Tensor:
        """Mean embedding, `D`."""
        return self.place_FD.mean(0)

    def answer(self, attribute: str) -> str:
        """Say the likeliest answer."""
        return max(self.scene[attribute].items(), key=lambda pair: pair[1])[0]


@dataclass(frozen=True, slots=True)
class _Seen:
    """Somebody in one frame."""

    box: Box
    owner: int
    cells: int
    log_probs: Mapping[str, torch.Tensor]
    weights: Mapping[str, float]
    identity_D: torch.Tensor


@dataclass(frozen=True, slots=True)
class _Frame:
    """One frame, read."""

    people: tuple[_Seen, ...]
    log_probs: Mapping[str, torch.Tensor]
    weights: Mapping[str, float]
    place_D: torch.Tensor
    picture_D: torch.Tensor
    classes_hw: npt.NDArray[np.uint8]
    owners_hw: npt.NDArray[np.uint8]


class Reader:
    """Reads shots. Equal frames give equal readings on one machine, in any company."""

    def __init__(self, path: Path = WEIGHTS) -> None:
        """
        Load the encoders.

        Args:
            path: Of their weights.

        Raises:
            WeightsError: If they are missing or do not fit.
        """
        if not path.is_file():
            raise WeightsError(f"there are no weights at {path}", hint="install the wheel again")
        self._encoders = Encoders()
        tensors = {name: value.float() for name, value in load_file(path).items()}
        missing, unknown = self._encoders.load_state_dict(tensors, strict=False)
        wrong = [*missing, *unknown]
        if wrong:
            raise WeightsError(f"{path} does not fit: {len(wrong)} tensors, first {wrong[0]!r}")
        self._encoders.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def read_shot(self, frames_THW3: npt.NDArray[np.uint8]) -> ShotReading:
        """
        Read one shot.

        Args:
            frames_THW3: Its frames, sRGB, uint8, 9:16; other sizes than 160 x 288 are resized.

        Raises:
            ValueError: If it is not that.
        """
        return self.read_shots([frames_THW3])[0]

    def read_shots(self, shots: Sequence[npt.NDArray[np.uint8]]) -> list[ShotReading]:
        """
        Read several shots, see `read_shot`.

        Raises:
            ValueError: If one of them is no shot.
        """
        chosen, prepared = [], []
        for frames_THW3 in shots:
            if frames_THW3.ndim != 4 or frames_THW3.shape[3] != 3 or not len(frames_THW3):
                raise ValueError(f"a shot must be T H W 3 with T > 0, got {frames_THW3.shape}")
            if frames_THW3.dtype != np.uint8:
                raise ValueError(f"frames must be uint8, got {frames_THW3.dtype}")
            numbers = frames_of(len(frames_THW3))
            chosen.append(numbers)
            prepared.append(_prepared(frames_THW3[list(numbers)]))
        frames_BCHW = torch.cat(prepared) if prepared else torch.zeros(0, 3, HEIGHT, WIDTH)
        read: list[_Frame] = []
        for start in range(0, len(frames_BCHW), BATCH):
            read += self._read(frames_BCHW[start : start + BATCH])
        readings = []
        for numbers, frames_THW3 in zip(chosen, shots, strict=True):
            mine, read = read[: len(numbers)], read[len(numbers) :]
            readings.append(_together(numbers, mine, motion_of(frames_THW3)))
        return readings

    @torch.inference_mode()
    def read_captions(self, captions: Sequence[str]) -> torch.Tensor:
        """
        Read captions.

        Returns:
            One embedding of length 1 a caption, `N D`: comparable with `ShotReading.picture_D`.
        """
        return self._encoders.agreement.of_caption(shared_text().mean(captions))

    @torch.inference_mode()
    def _read(self, frames_BCHW: torch.Tensor) -> list[_Frame]:
        encoders = self._encoders
        frames_BCHW = frames_BCHW.contiguous(memory_format=torch.channels_last)
        cells = encoders.segmenter(frames_BCHW)
        classes_BKhw, owners_BKhw = cells.classes_BKhw.softmax(1), cells.owners_BKhw.softmax(1)
        scene = encoders.place(surroundings(frames_BCHW, classes_BKhw, owners_BKhw))
        mass_BP = (owners_BKhw[:, 1:] > 0.5).sum((2, 3))
        rows, slots = torch.nonzero(mass_BP >= FEWEST_CELLS, as_tuple=True)
        mine_N1hw = owners_BKhw[rows, slots + 1][:, None]
        seen_BPD = torch.zeros(len(frames_BCHW), MAX_PEOPLE, 2 * scene.features_BD.shape[1])
        layout_BPX = torch.zeros(len(frames_BCHW), MAX_PEOPLE, LAYOUT)
        people: list[list[_Seen]] = [[] for _ in frames_BCHW]
        shown_BKhw = classes_BKhw.argmax(1)
        owners_Bhw = owners_BKhw.argmax(1)
        if len(rows):
            crops = cut_out(frames_BCHW[rows], classes_BKhw[rows], mine_N1hw)
            person = encoders.person(crops, scene.context[rows])
            seen_BPD[rows, slots], layout_BPX[rows, slots] = person.features_ND, crops.layout_NX
            for number, (row, slot) in enumerate(zip(rows.tolist(), slots.tolist(), strict=True)):
                mine_hw = mine_N1hw[number, 0] > 0.5
                counts_K = torch.bincount(shown_BKhw[row][mine_hw], minlength=FIRST_SLOT)
                people[row].append(
                    _Seen(
                        box=_box(crops.layout_NX[number]),
                        owner=slot + 1,
                        cells=int(mine_hw.sum()),
                        log_probs=_log_probs(PERSON, person.logits, number),
                        weights={
                            what.name: float(
                                sum(counts_K[1 + PARTS.index(part)] for part in what.parts)
                            )
                            for what in PERSON
                        },
                        identity_D=person.identity_ND[number].clone(),
                    )
                )
        picture_BD = encoders.agreement.of_picture(scene.features_BD, seen_BPD, layout_BPX)
        found = []
        for row in range(len(frames_BCHW)):
            classes_hw = shown_BKhw[row].numpy().astype(np.uint8)
            weights = {
                slot: float((classes_hw == FIRST_SLOT + number).sum())
                for number, slot in enumerate(PLACE_SLOTS)
            }
            found.append(
                _Frame(
                    people=tuple(people[row]),
                    log_probs=_log_probs(SCENE, scene.logits, row),
                    weights=weights,
                    place_D=scene.place_BD[row].clone(),
                    picture_D=picture_BD[row].clone(),
                    classes_hw=classes_hw,
                    owners_hw=owners_Bhw[row].numpy().astype(np.uint8),
                )
            )
        return found


@lru_cache(maxsize=1)
def shared_reader() -> Reader:
    """Load the shipped encoders once per process."""
    return Reader()


def motion_of(frames_THW3: npt.NDArray[np.uint8]) -> tuple[float, ...]:
    """
    Measure how much moves from each frame to the next.

    Returns:
        Mean of the 5 % strongest changes of luma over cells, in grey levels, [0, 255]: VBench's
        5 % strongest, of differences instead of optical flow.
    """
    luma_THW = frames_THW3.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    luma_T1HW = torch.from_numpy(np.ascontiguousarray(luma_THW))[:, None]
    cells_Tn = nn.functional.adaptive_avg_pool2d(luma_T1HW, (ROWS, COLUMNS)).flatten(1)
    change_Tn = cells_Tn.diff(dim=0).abs()
    strongest = change_Tn.topk(round(0.05 * ROWS * COLUMNS), dim=1).values
    return tuple(float(value) for value in strongest.mean(1))


def _prepared(frames_FHW3: npt.NDArray[np.uint8]) -> torch.Tensor:
    frames = torch.from_numpy(np.ascontiguousarray(frames_FHW3)).permute(0, 3, 1, 2).float()
    if frames.shape[2:] != (HEIGHT, WIDTH):
        frames = nn.functional.interpolate(
            frames, size=(HEIGHT, WIDTH), mode="bilinear", antialias=True, align_corners=False
        )
    return frames / 127.5 - 1.0


def _box(layout_X: torch.Tensor) -> Box:
    left, top, right, bottom = (float(value) for value in layout_X[:4])
    return Box(
        left=round(left * COLUMNS) * CELL,
        top=round(top * ROWS) * CELL,
        right=round(right * COLUMNS) * CELL,
        bottom=round(bottom * ROWS) * CELL,
    )


def _log_probs(
    attributes: tuple[Attribute, ...], logits: tuple[torch.Tensor, ...], row: int
) -> dict[str, torch.Tensor]:
    """Log-probabilities of answers: classes of one family together."""
    found = {}
    for attribute, logits_NK in zip(attributes, logits, strict=True):
        log_K = logits_NK[row].float().log_softmax(0)
        if attribute.groups is not None:
            log_K = torch.stack(
                [
                    log_K[[number for number, one in enumerate(attribute.classes) if one in names]]
                    .logsumexp(0)
                    .clamp_min(-20.0)
                    for names in attribute.groups.values()
                ]
            )
        found[attribute.name] = log_K.clamp_min(-20.0)
    return found


def _pooled(
    attributes: tuple[Attribute, ...],
    log_probs: Sequence[Mapping[str, torch.Tensor]],
    weights: Sequence[Mapping[str, float]],
) -> dict[str, Answers]:
    """Put frames together: who shows more of it says more about it."""
    found: dict[str, Answers] = {}
    for attribute in attributes:
        name = attribute.name
        weight_F = torch.tensor([1.0 + one.get(name, 0.0) for one in weights])
        log_FK = torch.stack([one[name] for one in log_probs])
        pooled_K = (log_FK * weight_F[:, None]).sum(0) / weight_F.sum()
        values = pooled_K.log_softmax(0).tolist()
        found[name] = dict(zip(attribute.answers, values, strict=True))
    return found


def _together(
    numbers: tuple[int, ...], frames: Sequence[_Frame], motion: tuple[float, ...]
) -> ShotReading:
    people = [
        PersonReading(
            boxes={number: seen.box for number, seen in track},
            owners={number: seen.owner for number, seen in track},
            cells=float(np.mean([seen.cells for _, seen in track])),
            looks=_pooled(
                PERSON,
                [seen.log_probs for _, seen in track],
                [seen.weights for _, seen in track],
            ),
            identity_FD=torch.stack([seen.identity_D for _, seen in track]),
        )
        for track in _tracks(numbers, frames)
    ]
    people.sort(key=lambda person: -person.cells)
    return ShotReading(
        frames=numbers,
        people=tuple(people),
        scene=_pooled(SCENE, [one.log_probs for one in frames], [one.weights for one in frames]),
        place_FD=torch.stack([one.place_D for one in frames]),
        picture_D=torch.stack([one.picture_D for one in frames]).mean(0),
        classes_Fhw=np.stack([one.classes_hw for one in frames]),
        owners_Fhw=np.stack([one.owners_hw for one in frames]),
        motion=motion,
    )


_Track = list[tuple[int, _Seen]]


def _tracks(numbers: tuple[int, ...], frames: Sequence[_Frame]) -> list[_Track]:
    """Say who is whom from frame to frame: whoever is most alike, from the fullest frame on."""
    fullest = max(
        range(len(frames)),
        key=lambda i: (len(frames[i].people), sum(seen.cells for seen in frames[i].people)),
    )
    models = frames[fullest].people
    tracks: list[_Track] = [[] for _ in models]
    for number, frame in zip(numbers, frames, strict=True):
        if not frame.people:
            continue
        best = max(
            permutations(range(len(models)), len(frame.people)),
            key=lambda order: sum(
                float(models[model].identity_D @ seen.identity_D)
                for model, seen in zip(order, frame.people, strict=True)
            ),
        )
        for model, seen in zip(best, frame.people, strict=True):
            tracks[model].append((number, seen))
    fewest = 2 if len(frames) > 3 else 1
    return [track for track in tracks if len(track) >= fewest]
