"""
What does one training step see? Three shots of a story, the last of which is to be made.

    story ── target shot, what it returns to ── real shot(s)     ┐
    elsewhere ── a foreign shot, or an augmented copy of a real  ├─ candidates, labels
                                                                 ┘
Every batch is a function of (seed, step, data): a run that was killed goes on as if nothing
had happened.

Shape suffixes, for this module only:
    B  samples       C  latent channels   F  latent frames of the target
    M  candidates    h, w  latent cells   T  caption tokens    E  width of a token
    L  patches of one frame               P  parts             A  people of a story
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from onestory.diffusion.blocking import staged
from onestory.memory.selector import AUGMENTED_LABEL, FOREIGN_LABEL
from onestory.memory.showing import SHOWN
from onestory.training.looks import Looks, looks_of
from onestory.training.shards import Shard, read_shard

Kind = Literal["picture", "recalled picture", "shot", "selection"]
"""One latent frame from text; one from text and memory; a shot from text and memory; nothing but
the choice of what to remember."""

Moment = Literal["first", "last", "all"]
"""The first frame of a shot, its last, or every one."""

PLACE_LABEL = 0.5
"""How much of a label the same place makes up; the same people make up the rest."""

VISIBLE = 0.004
"""Share of the picture from which on somebody counts as seen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Samples of one kind."""

    kind: Kind
    latents_BCFhw: torch.Tensor
    text_BTE: torch.Tensor
    """Zeros behind the end of a caption."""
    text_mask_BT: torch.Tensor
    parts_BFLP: torch.Tensor
    """How much of each patch each part covers, in [0, 1]."""
    blocking_BPFhw: torch.Tensor
    """Who stands where; see `onestory.storyworld.standins`."""
    place_B: torch.Tensor
    """Index of the kind of place."""
    looks: Looks
    candidates_BMChw: torch.Tensor | None = None
    shown_BMOhw: torch.Tensor | None = None
    """What the cells of a candidate show, in the terms of the target; see
    `onestory.diffusion.regions`."""
    staged_BMShw: torch.Tensor | None = None
    """Where on the stage they are; see `onestory.diffusion.blocking.staged`."""
    labels_BM: torch.Tensor | None = None
    is_real_BM: torch.Tensor | None = None
    """Whether a candidate is of a real earlier shot of the story."""


@dataclass(frozen=True, slots=True)
class _Shot:
    shard: int
    row: int


@dataclass(frozen=True, slots=True)
class _Target:
    """Which frames of a shot are to be made."""

    shot: _Shot
    moment: Moment


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidates:
    """Frames that could be remembered."""

    latents_MChw: torch.Tensor
    shown_MOhw: torch.Tensor
    staged_MShw: torch.Tensor
    label_M: torch.Tensor
    is_real_M: torch.Tensor


def _joined(parts: Sequence[_Candidates]) -> _Candidates:
    return _Candidates(
        latents_MChw=torch.cat([part.latents_MChw for part in parts]),
        shown_MOhw=torch.cat([part.shown_MOhw for part in parts]),
        staged_MShw=torch.cat([part.staged_MShw for part in parts]),
        label_M=torch.cat([part.label_M for part in parts]),
        is_real_M=torch.cat([part.is_real_M for part in parts]),
    )


def _strange(latents_MChw: torch.Tensor, staged_MShw: torch.Tensor, label: float) -> _Candidates:
    """Frames that show nobody and nothing of the target."""
    num, _, height, width = latents_MChw.shape
    shown_MOhw = torch.zeros(num, SHOWN, height, width)
    shown_MOhw[:, 0] = 1.0
    return _Candidates(
        latents_MChw=latents_MChw,
        shown_MOhw=shown_MOhw,
        staged_MShw=staged_MShw,
        label_M=torch.full((num,), label),
        is_real_M=torch.zeros(num, dtype=torch.bool),
    )


class Stories:
    """All stories of a folder of shards, in memory."""

    def __init__(self, paths: Sequence[Path], *, num_shots: int) -> None:
        """
        Read shards.

        Args:
            paths: The shards, in order.
            num_shots: Shots of every story.

        Raises:
            ValueError: If there is no story, or stories have another number of shots.
        """
        self.shards: list[Shard] = [read_shard(path) for path in paths]
        self.num_shots = num_shots
        self.starts = [
            _Shot(number, row)
            for number, shard in enumerate(self.shards)
            for row in range(0, len(shard.notes), num_shots)
        ]
        if not self.starts:
            raise ValueError(f"there is no story in {len(paths)} shards")
        for path, shard in zip(paths, self.shards, strict=True):
            told = Counter(note["seed"] for note in shard.notes)
            if set(told.values()) != {num_shots}:
                raise ValueError(
                    f"{path.name} holds stories of {max(told.values())} shots, not {num_shots}"
                )

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def std_C(self) -> torch.Tensor:  # noqa: N802 - array names end in their shape
        """How much each latent channel varies, float32, in the first shard."""
        latents_SCFhw = self.shards[0].latents_SCFhw.float()
        return latents_SCFhw.transpose(0, 1).flatten(1).std(dim=1)

    @cached_property
    def _introductions(self) -> list[_Shot]:
        return [
            _Shot(number, row)
            for number, shard in enumerate(self.shards)
            for row, note in enumerate(shard.notes)
            if _introduced(note)
        ]

    def batch(self, kind: Kind, size: int, seed: Sequence[int], *, named: float = 0.0) -> Batch:
        """
        Draw a batch; equal arguments draw equal batches from equal data.

        Args:
            kind: Of the samples.
            size: Number of targets.
            seed: Decides everything random.
            named: How many pictures are taken on purpose from shots that introduce somebody.
        """
        rng = np.random.default_rng(list(seed))
        if kind == "picture":
            return self._pictures(size, rng, named)
        return self._recalls(kind, size, rng)

    def _note(self, shot: _Shot) -> dict[str, object]:
        return self.shards[shot.shard].notes[shot.row]

    def _pictures(self, size: int, rng: np.random.Generator, named: float) -> Batch:
        targets = []
        for _ in range(size):
            if named and rng.random() < named:
                shot = self._introductions[int(rng.integers(len(self._introductions)))]
            else:
                shot = self._any(rng)
            targets.append(_Target(shot, "first" if rng.random() < 0.5 else "last"))
        return self._batch("picture", targets)

    def _any(self, rng: np.random.Generator) -> _Shot:
        start = self.starts[int(rng.integers(len(self.starts)))]
        return _Shot(start.shard, start.row + int(rng.integers(self.num_shots)))

    def _recalls(self, kind: Kind, size: int, rng: np.random.Generator) -> Batch:
        """Draw memories and what is to be made of them; pictures come as twins of one shot."""
        chosen: list[_Shot] = []
        recalled: list[_Candidates] = []
        twins = 2 if kind == "recalled picture" else 1
        while len(chosen) < size // twins:
            start = self.starts[int(rng.integers(len(self.starts)))]
            number = int(rng.integers(1, self.num_shots))
            target = _Shot(start.shard, start.row + number)
            wanted = _wanted(self._note(target))
            if not wanted and rng.random() < 0.8:
                continue
            chosen.append(target)
            recalled.append(self._candidates(start, number, wanted, rng))
        if kind == "recalled picture":
            moments: tuple[Moment, ...] = ("first", "last")
        else:
            moments = ("all",) if kind == "shot" else ("first",)
        targets = [_Target(shot, moment) for moment in moments for shot in chosen]
        batch = self._batch(kind, targets)
        return replace(
            batch,
            candidates_BMChw=torch.stack([each.latents_MChw for each in recalled]).float(),
            shown_BMOhw=torch.stack([each.shown_MOhw for each in recalled]).float(),
            staged_BMShw=torch.stack([each.staged_MShw for each in recalled]).float(),
            labels_BM=torch.stack([each.label_M for each in recalled]),
            is_real_BM=torch.stack([each.is_real_M for each in recalled]),
        )

    def _candidates(
        self, start: _Shot, number: int, wanted: set[str], rng: np.random.Generator
    ) -> "_Candidates":
        """Two earlier shots: one that the target returns to, and another or a synthetic one."""
        earlier = [_Shot(start.shard, start.row + i) for i in range(number)]
        target = _Shot(start.shard, start.row + number)
        shown = [wanted & _shown(self._note(shot)) for shot in earlier]
        order = rng.permutation(number)
        first = max(order, key=lambda i: len(shown[i]))
        if rng.random() < 0.3:
            showing = [i for i in order if shown[i]] or [first]
            first = showing[0]
        real = earlier[int(first)]
        rest = [i for i in order if i != first]
        missing = wanted - shown[int(first)]
        helping = [i for i in rest if shown[int(i)] & missing]
        parts = [self._labelled(real, target)]
        choice = rng.random()
        if helping and choice < 0.85:
            parts.append(self._labelled(earlier[int(helping[0])], target))
        elif rest and choice < 0.4:
            parts.append(self._labelled(earlier[int(rest[0])], target))
        elif choice < 0.8:
            parts.append(self._foreign(start, rng))
        else:
            parts.append(self._augmented(real, rng))
        if rng.random() < 0.5:
            parts.reverse()
        return _joined(parts)

    def _frames(self, shot: _Shot) -> torch.Tensor:
        return self.shards[shot.shard].latents_SCFhw[shot.row].transpose(0, 1)

    def _blocking(self, shot: _Shot) -> torch.Tensor:
        return self.shards[shot.shard].blocking_SPFhw[shot.row].transpose(0, 1)

    def _labelled(self, shot: _Shot, target: _Shot) -> "_Candidates":
        frames_FChw = self._frames(shot)
        shard = self.shards[shot.shard]
        note, target_note = self._note(shot), self._note(target)
        return _Candidates(
            latents_MChw=frames_FChw,
            shown_MOhw=shown_for(self._blocking(shot), note, target_note),
            staged_MShw=staged(self._blocking(shot)),
            label_M=relevance(shard.areas_SFA[shot.row], note, target_note),
            is_real_M=torch.ones(len(frames_FChw), dtype=torch.bool),
        )

    def _foreign(self, start: _Shot, rng: np.random.Generator) -> "_Candidates":
        other = self._any(rng)
        while len(self.starts) > 1 and (
            other.shard == start.shard and 0 <= other.row - start.row < self.num_shots
        ):
            other = self._any(rng)
        return _strange(self._frames(other), staged(self._blocking(other)), FOREIGN_LABEL)

    def _augmented(self, shot: _Shot, rng: np.random.Generator) -> "_Candidates":
        """A copy shifted in the picture and changed in colour."""
        frames_FChw = self._frames(shot)
        channels = frames_FChw.shape[1]
        shift = (int(rng.integers(-4, 5)), int(rng.integers(-3, 4)))
        moved, where = (
            torch.roll(each, shift, dims=(2, 3))
            for each in (frames_FChw, staged(self._blocking(shot)))
        )
        gain_C = torch.from_numpy(rng.uniform(0.4, 1.4, size=channels)).to(moved.dtype)
        return _strange(moved * gain_C[None, :, None, None], where, AUGMENTED_LABEL)

    def _batch(self, kind: Kind, targets: Sequence[_Target]) -> Batch:
        shown = [self._shown(target) for target in targets]
        latents, parts, blocking = (torch.stack(each) for each in zip(*shown, strict=True))
        shots = [target.shot for target in targets]
        looks = [self._note(shot)["looks"] for shot in shots]
        texts = [self.shards[shot.shard].features[shot.row] for shot in shots]
        text_BTE, mask_BT = padded_text(texts)
        return Batch(
            kind=kind,
            latents_BCFhw=latents.float(),
            text_BTE=text_BTE,
            text_mask_BT=mask_BT,
            parts_BFLP=parts.float() / 255,
            blocking_BPFhw=blocking.float(),
            place_B=torch.tensor([int(str(self._note(shot)["kind"])) for shot in shots]),
            looks=looks_of(looks),
        )

    def _shown(self, target: _Target) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Latents `C F h w`, parts `F L P` and blocking `P F h w` of a target's frames."""
        shard, row = self.shards[target.shot.shard], target.shot.row
        latents_CFhw, parts_FLP = shard.latents_SCFhw[row], shard.parts_SFLP[row]
        blocking_PFhw = shard.blocking_SPFhw[row]
        if target.moment == "first":
            return latents_CFhw[:, :1], parts_FLP[:1], blocking_PFhw[:, :1]
        if target.moment == "last":
            return shard.stills_SCFhw[row], parts_FLP[-1:], blocking_PFhw[:, -1:]
        return latents_CFhw, parts_FLP, blocking_PFhw


def padded_text(texts_TE: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Put captions into one tensor, zeros behind their ends; the length is a multiple of 16.

    Returns:
        Features `B T E`, float32, and which of them are caption, `B T`.
    """
    longest = -(-max(map(len, texts_TE)) // 16) * 16
    text_BTE = torch.zeros(len(texts_TE), longest, texts_TE[0].shape[1])
    mask_BT = torch.zeros(len(texts_TE), longest, dtype=torch.bool)
    for row, text_TE in enumerate(texts_TE):
        text_BTE[row, : len(text_TE)] = text_TE
        mask_BT[row, : len(text_TE)] = True
    return text_BTE, mask_BT


def _shown(note: dict[str, object]) -> set[str]:
    people = note["people"]
    assert isinstance(people, list)
    return {f"person {number}" for number in people} | {f"place {note['place']}"}


def _wanted(note: dict[str, object]) -> set[str]:
    """Who and what returns in a shot."""
    return _shown(note) - _introduced(note)


def _introduced(note: dict[str, object]) -> set[str]:
    """Who and what is seen for the first time in a shot."""
    introduces = note["introduces"]
    assert isinstance(introduces, list)
    return {_key(name) for name in introduces}


def _key(name: str) -> str:
    return {"A": "person 0", "B": "person 1", "P": "place 0", "Q": "place 1"}[name]


def shown_for(
    blocking_FPhw: torch.Tensor, note: dict[str, object], target: dict[str, object]
) -> torch.Tensor:
    """
    Say what frames of one shot show, in the terms of another.

    Args:
        blocking_FPhw: Of the frames.
        note: Of the frames' shot.
        target: Of the shot to be made.

    Returns:
        `F O h w` with O = `SHOWN`, float32.
    """
    cast, wanted = note["cast"], target["cast"]
    assert isinstance(cast, list)
    assert isinstance(wanted, list)
    known_Fhw, first_Fhw, others_Fhw = blocking_FPhw[:, :3].float().unbind(1)
    figures = dict(zip(cast, (first_Fhw, others_Fhw), strict=False))
    nowhere_Fhw = torch.zeros_like(known_Fhw)
    set_Fhw = (known_Fhw - first_Fhw - others_Fhw).clamp(min=0)
    return torch.stack(
        [
            known_Fhw,
            *(figures.get(name, nowhere_Fhw) for name in (*wanted, -1, -1)[:2]),
            set_Fhw if note["place"] == target["place"] else nowhere_Fhw,
        ],
        dim=1,
    )


def relevance(
    areas_FA: torch.Tensor, note: dict[str, object], target: dict[str, object]
) -> torch.Tensor:
    """
    Say how much frames of one shot tell about another, from the truth.

    This stands where the paper has the similarity of DINOv2 and CLIP features: half for the same
    place, half for the people of the target who are seen, larger figures telling more.

    Args:
        areas_FA: How much of each frame each person covers.
        note: Of the frames' shot.
        target: Of the shot to be made.

    Returns:
        Labels in [0, 1], one per frame.
    """
    people = target["people"]
    assert isinstance(people, list)
    place = 1.0 if note["place"] == target["place"] else 0.0
    if not people:
        return torch.full((len(areas_FA),), place)
    area_FA = areas_FA[:, people]
    seen_FA = (area_FA > VISIBLE) * (0.5 + 0.5 * (area_FA / 0.15).clamp(max=1.0).sqrt())
    return PLACE_LABEL * place + (1.0 - PLACE_LABEL) * seen_FA.mean(dim=1)
