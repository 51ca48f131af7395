"""
How well do encoders tell people and places apart that they have never seen?

    held-out moments ── encoders ─┬─ masks ~ truth ──────────────────── overlap
                                  ├─ the same again ~ somebody else ─── ROC area, recall
                                  └─ picture ~ 16 captions ──────────── first

Whatever is wrong is of the same story or in the same light: the hour does not give it away.

Shape suffixes, for this module only:
    S  shots    G  moments of a shot    H, W  pixels    D  embedding    N  things
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from onestory.continuity.cutting import cut_out, emptied
from onestory.continuity.encoders import Encoders
from onestory.diffusion.codec import BlockCodec
from onestory.evaluation.coverage import CELL, MAX_PEOPLE
from onestory.evaluation.lessons import bodies
from onestory.evaluation.schoolbook import Pages
from onestory.evaluation.training import pictures
from onestory.storyworld.attributes import SCENE

FALSE_ALARM = 0.05
"""Share of true pairs that may be taken for wrong ones."""
FEWEST_CELLS = 40
"""Cells of somebody who is asked about."""
LEAST_BACKGROUND = 0.3
"""Share of a frame that must show a place that is asked about."""
CHOICES = 16
"""Captions that a picture is compared with."""
_LEAST_OVERLAP = 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """How well the same is told from another."""

    area: float
    """Under the ROC curve, [0, 1]: how likely a true pair is more alike than a wrong one."""
    recall: float
    """Share of wrong pairs found at `FALSE_ALARM`, [0, 1]."""
    threshold: float
    """Likeness under which a pair is then called wrong, [-1, 1]."""
    recall_within: float
    """The same for wrong pairs within one story alone."""
    true_pairs: int
    wrong_pairs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What encoders reached."""

    overlap: float
    """Of the masks of people and the truth, intersection over union, mean, [0, 1]."""
    found: float
    """Share of people who were found with an overlap above one half, [0, 1]."""
    identity: Telling
    place: Telling
    caption: float
    """Share of pictures whose own caption is the most alike of `CHOICES`, [0, 1]."""

    def as_line(self) -> str:
        """Say it in one line."""
        told = [f"overlap {self.overlap:.3f} found {self.found:.3f}"]
        for name in ("identity", "place"):
            one: Telling = getattr(self, name)
            told.append(
                f"{name} area {one.area:.4f} recall {one.recall:.3f} within {one.recall_within:.3f}"
                f" at {one.threshold:.3f} of {one.true_pairs}/{one.wrong_pairs}"
            )
        return "; ".join([*told, f"caption {self.caption:.3f}"])


@dataclass(frozen=True, slots=True)
class _Thing:
    """Somebody or somewhere in a shot."""

    label: int
    story: int
    light: int
    seen_GD: NDArray[np.float32]


def examine(encoders: Encoders, pages: Pages, codec: BlockCodec) -> Marks:
    """
    Examine encoders.

    Args:
        encoders: Anybody.
        pages: Of stories that they were not trained on.
        codec: Decodes.
    """
    lights_S = pages.scenes_SA[:, [one.name for one in SCENE].index("light")].tolist()
    people: list[_Thing] = []
    places: list[_Thing] = []
    overlaps: list[float] = []
    meant = []
    for row in range(len(pages)):
        frames_GHW3 = _frames(pages, row, codec)
        owners_GHW = bodies(pages.classes_SGHW[row], pages.owners_SGHW[row]).numpy()
        masks = encoders.people(frames_GHW3)
        about = (int(pages.stories_S[row]), lights_S[row])
        cut: dict[int, list[NDArray[np.uint8]]] = {}
        empty = []
        for moment, frame_HW3 in enumerate(frames_GHW3):
            if float((owners_GHW[moment] == 0).mean()) >= LEAST_BACKGROUND:
                empty.append(emptied(frame_HW3, list(masks[moment])))
            for slot in range(MAX_PEOPLE):
                true_HW = owners_GHW[moment] == slot + 1
                if int(true_HW.sum()) < FEWEST_CELLS:
                    continue
                true_HW = true_HW.repeat(CELL, 0).repeat(CELL, 1)
                best, mask_HW = _best(masks[moment], true_HW)
                overlaps.append(best)
                if mask_HW is not None and best >= _LEAST_OVERLAP:
                    label = int(pages.people_SGP[row, moment, slot])
                    cut.setdefault(label, []).append(cut_out(frame_HW3, mask_HW))
        for label, crops in cut.items():
            people.append(_Thing(label, *about, encoders.appearance(crops)))
        if empty:
            places.append(_Thing(int(pages.places_S[row]), *about, encoders.appearance(empty)))
        meant.append(unit(encoders.pictures(frames_GHW3).mean(0)))
    return Marks(
        overlap=float(np.mean(overlaps)) if overlaps else 0.0,
        found=float(np.mean([one > 0.5 for one in overlaps])) if overlaps else 0.0,
        identity=_telling(people),
        place=_telling(places),
        caption=_firsts(np.stack(meant), encoders.captions(pages.captions), pages),
    )


def unit(seen_D: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale an embedding to length 1; one of length 0 stays."""
    return (seen_D / max(float(np.linalg.norm(seen_D)), 1e-12)).astype(np.float32)


def roc_area(true: Sequence[float], wrong: Sequence[float]) -> float:
    """
    Measure the area under the ROC curve, by ranks (Mann-Whitney); ties count half.

    Returns:
        In [0, 1]; 0.5 if there are none of either.
    """
    if not len(true) or not len(wrong):
        return 0.5
    ordered = np.sort(np.asarray(wrong))
    below = np.searchsorted(ordered, true, side="left")
    up_to = np.searchsorted(ordered, true, side="right")
    return float((below + up_to).mean() / (2 * len(ordered)))


def _frames(pages: Pages, row: int, codec: BlockCodec) -> NDArray[np.uint8]:
    """All moments of a shot: the first as the engine decodes it, the others by the basis."""
    with torch.no_grad():
        plain = pictures(codec, pages.latents_SGChw[row, 1:].float())
    plain_GHW3 = ((plain + 1.0) * 127.5).round().byte().permute(0, 2, 3, 1)
    return torch.cat([pages.pictures_SHW3[row][None], plain_GHW3]).contiguous().numpy()


def _best(
    masks_PHW: NDArray[np.bool_], true_HW: NDArray[np.bool_]
) -> tuple[float, NDArray[np.bool_] | None]:
    best: tuple[float, NDArray[np.bool_] | None] = (0.0, None)
    for mask_HW in masks_PHW:
        overlap = float((mask_HW & true_HW).sum() / (mask_HW | true_HW).sum())
        if overlap > best[0]:
            best = (overlap, mask_HW)
    return best


def _telling(things: Sequence[_Thing]) -> Telling:
    pairs: Mapping[str, list[float]] = {"true": [], "within": [], "other": []}
    for one, other in combinations(things, 2):
        likeness = float((one.seen_GD @ other.seen_GD.T).max())
        if one.label == other.label:
            pairs["true"].append(likeness)
        elif one.story == other.story:
            pairs["within"].append(likeness)
        elif one.light == other.light:
            pairs["other"].append(likeness)
    wrong = [*pairs["within"], *pairs["other"]]
    threshold = float(np.quantile(pairs["true"], FALSE_ALARM)) if pairs["true"] else 0.0
    return Telling(
        area=roc_area(pairs["true"], wrong),
        recall=_share_below(wrong, threshold),
        threshold=threshold,
        recall_within=_share_below(pairs["within"], threshold),
        true_pairs=len(pairs["true"]),
        wrong_pairs=len(wrong),
    )


def _share_below(values: Sequence[float], threshold: float) -> float:
    return float((np.asarray(values) < threshold).mean()) if len(values) else 0.0


def _firsts(meant_SD: NDArray[np.float32], captions_SD: NDArray[np.float32], pages: Pages) -> float:
    """Compare every picture with captions of as many stories, its own among them."""
    stories = pages.stories_S.numpy()
    rows = [np.flatnonzero(stories == number) for number in np.unique(stories)]
    right = []
    for start in range(0, len(rows) - CHOICES + 1, CHOICES):
        for shots in zip(*rows[start : start + CHOICES], strict=False):
            chosen = np.array(shots)
            likeness_SS = meant_SD[chosen] @ captions_SD[chosen].T
            right += list(likeness_SS.argmax(1) == np.arange(CHOICES))
    return float(np.mean(right)) if right else 0.0
