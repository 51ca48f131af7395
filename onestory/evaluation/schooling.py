"""
How do the gates' encoders learn? From moments whose truth is known, all three side by side.

    pages ── decode, error, mirror, tint ── frames ─┬─ UperNet ~ whose is each cell
                                                    ├─ people cut out ─┐
                                                    ├─ places emptied ─┴ DINOv3 ~ the same again;
                                                    │                    looks, place, light
                                                    └─ CLIP ~ the frame's own caption

People and places are told apart from others in the same light only, see `ContrastMemory`. Hidden
matrices learn by orthogonal steps (Muon), everything else by AdamW.

Shape suffixes, for this module only:
    B  frames            N  pictures: people cut out, or places    P  people, from the left
    H, W  pixels/cells   C  channels    D  features    A  attributes    K  classes
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn

from onestory.continuity.cutting import cut_out, emptied
from onestory.continuity.encoders import semantic_labels
from onestory.continuity.preparing import prepared, resized, tokenized
from onestory.diffusion.codec import BlockCodec
from onestory.evaluation.coverage import (
    CELL,
    COLUMNS,
    FIRST_SLOT,
    MAX_PEOPLE,
    NUM_CLASSES,
    ROWS,
    UNKNOWN,
)
from onestory.evaluation.curriculum import Schooling
from onestory.evaluation.lessons import Moments, moments_of
from onestory.evaluation.pupils import (
    OF_LIGHT,
    OF_PLACE,
    shown_looks,
    shown_people,
    shown_picture,
    write_encoders,
)
from onestory.evaluation.school_run import RUN, Run, keep
from onestory.evaluation.schoolbook import STORIES_PER_FILE, Pages, pages_of
from onestory.storyworld.attributes import PERSON, SCENE, Attribute
from onestory.storyworld.pen import PARTS
from onestory.storyworld.stories import PLACE_SLOTS

STEPS_KEPT = 50
"""After so many steps a run is written down."""
WEIGHTS = {
    "owners": 1.0,
    "parts": 0.5,
    "looks": 0.25,
    "scenes": 0.25,
    "light": 0.15,
    "identity": 1.0,
    "place": 0.6,
    "caption": 0.5,
}
"""Of the parts of the loss."""
_LARGEST_SCALE = 4.0
"""Of the logarithm by which CLIP sharpens likeness."""


def learn(
    run: Run,
    codec: BlockCodec,
    folder: Path,
    choices: Schooling,
    *,
    until: int | None = None,
) -> Iterator[tuple[int, dict[str, float]]]:
    """
    Go on with a run until its end.

    Args:
        run: Changed in place.
        codec: Codes and decodes moments.
        folder: Keeps moments, in `pages/`, and the run.
        choices: Of the run. The same ones give the same run, however often it is interrupted.
        until: Stop after so many steps of the run; None for all of them.

    Yields:
        The number of steps and the parts of the loss, after every step.
    """
    pages: list[Pages] = []
    last = choices.steps if until is None else min(until, choices.steps)
    while run.step < last:
        for number in range(len(pages), choices.files_at(run.step)):
            first = choices.first_seed + number * STORIES_PER_FILE
            pages.append(pages_of(folder / "pages", first, codec))
        rng = np.random.default_rng([choices.seed, run.step])
        moments = moments_of(pages, codec, choices, rng)
        pace = choices.pace(run.step)
        for group in run.optimizer.param_groups:
            group["lr"] = choices.rate * pace
        trusted = run.step >= choices.trust * choices.steps
        parts = losses(run, moments, choices, rng, trusted=trusted)
        loss = torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()
        run.pupils.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(run.optimizer.param_groups[0]["params"], 5.0)
        run.optimizer.step()
        run.muon.step(choices.kernel_rate * pace)
        with torch.no_grad():
            run.pupils.language.logit_scale.clamp_(0.0, _LARGEST_SCALE)
        run.step += 1
        if run.step % STEPS_KEPT == 0 or run.step == last:
            keep(folder / RUN, run)
        yield run.step, {name: float(part.detach()) for name, part in parts.items()}


def export(run: Run, folder: Path, choices: Schooling) -> None:
    """
    Write the encoders as they are now, for `FolderEncoders`.

    Args:
        run: So far.
        folder: Where `people/`, `appearance/` and `language/` go.
        choices: Of the run.
    """
    write_encoders(run.pupils, run.tokenizer, choices.sizes, folder)


def losses(
    run: Run,
    moments: Moments,
    choices: Schooling,
    rng: np.random.Generator,
    *,
    trusted: bool,
) -> dict[str, torch.Tensor]:
    """
    Say how wrong the pupils are.

    Args:
        run: So far; its memories take the moments in.
        moments: Of this step.
        choices: Of the run.
        rng: Decides how tightly people are cut out.
        trusted: Whether the segmenter says where people are, in every second frame.

    Returns:
        The parts of the loss by the names of `WEIGHTS`.
    """
    pupils, sizes = run.pupils, choices.sizes
    # Of two shots of a story one is enough for the cells, which are many.
    shown = shown_people(sizes)
    pixels_BCHW = shown.normalised(resized(moments.frames_BHW3[::2], sizes.frame))
    with torch.autocast("cpu", torch.bfloat16):
        cells = pupils.segment(pixels_BCHW)
    parts = {
        "owners": nn.functional.cross_entropy(
            _at_cells(cells.owners_NKHW), moments.owners_BHW[::2].long()
        ),
        "parts": nn.functional.cross_entropy(
            _at_cells(cells.classes_NKHW), moments.classes_BHW[::2].long(), ignore_index=UNKNOWN
        ),
    }
    height, width = moments.frames_BHW3.shape[1:3]
    masks_BHW = moments.owners_BHW.repeat_interleave(CELL, 1).repeat_interleave(CELL, 2)
    if trusted:
        read_BHW = semantic_labels(cells.owners_NKHW.detach(), (height, width))
        masks_BHW[::2] = believed(read_BHW, masks_BHW[::2])
    masks = masks_BHW.numpy()

    places = [
        emptied(frame_HW3, [mask_HW > 0])
        for frame_HW3, mask_HW in zip(moments.frames_BHW3, masks, strict=True)
    ]
    cells_BP = torch.stack(
        [(moments.owners_BHW == p + 1).sum((1, 2)) for p in range(MAX_PEOPLE)], 1
    )
    rows, slots = torch.nonzero((moments.people_BP >= 0) & (cells_BP >= 24), as_tuple=True)
    people = [
        cut_out(moments.frames_BHW3[row], masks[row] == slot + 1, margin=rng.uniform(0.0, 0.15))
        for row, slot in zip(rows.tolist(), slots.tolist(), strict=True)
    ]
    with torch.autocast("cpu", torch.bfloat16):
        seen = pupils.see(prepared([*places, *people], shown_looks(sizes)))
    num = len(places)
    light_B = moments.scenes_BA[:, [one.name for one in SCENE].index("light")]
    parts["scenes"] = _scene_loss(pupils.place(seen.pooled_ND[:num]), OF_PLACE, moments)
    parts["light"] = _scene_loss(pupils.light(seen.patches_ND[:num]), OF_LIGHT, moments)
    parts["place"] = run.places.loss(
        nn.functional.normalize(seen.pooled_ND[:num], dim=1),
        moments.places_B,
        light_B,
        choices.warmth,
    )
    parts["looks"] = _look_loss(pupils.looks(seen.pooled_ND[num:]), moments, rows, slots)
    large_N = cells_BP[rows, slots] >= choices.fewest_cells
    parts["identity"] = run.people.loss(
        nn.functional.normalize(seen.pooled_ND[num:], dim=1)[large_N],
        moments.people_BP[rows, slots][large_N],
        light_B[rows][large_N],
        choices.warmth,
    )
    parts["caption"] = _caption_loss(run, moments, choices)
    return parts


def _at_cells(logits_NKHW: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(
        logits_NKHW, size=(ROWS, COLUMNS), mode="bilinear", align_corners=False
    )


def believed(read_BHW: torch.Tensor, true_BHW: torch.Tensor) -> torch.Tensor:
    """Take masks that were read, but the truth of frames in which somebody was overlooked."""
    taken = true_BHW.clone()
    for row, (read_HW, true_HW) in enumerate(zip(read_BHW, true_BHW, strict=True)):
        overlaps = [
            float(((read_HW == p) & (true_HW == p)).sum())
            / max(1.0, float(((read_HW == p) | (true_HW == p)).sum()))
            for p in range(1, MAX_PEOPLE + 1)
            if bool((true_HW == p).any())
        ]
        if all(overlap > 0.5 for overlap in overlaps):
            taken[row] = read_HW.to(true_BHW.dtype)
    return taken


def _scene_loss(
    logits_NK: torch.Tensor, attributes: tuple[Attribute, ...], moments: Moments
) -> torch.Tensor:
    names = [one.name for one in SCENE]
    told = []
    for attribute, mine_NK in _each(logits_NK, attributes):
        truth_B = moments.scenes_BA[:, names.index(attribute.name)].clone()
        if attribute.name in PLACE_SLOTS:
            slot = FIRST_SLOT + PLACE_SLOTS.index(attribute.name)
            truth_B[(moments.classes_BHW == slot).sum((1, 2)) < 8] = -1
        told.append(_known_loss(mine_NK, truth_B))
    return torch.stack(told).sum()


def _look_loss(
    logits_NK: torch.Tensor, moments: Moments, rows: torch.Tensor, slots: torch.Tensor
) -> torch.Tensor:
    mine_NHW = moments.owners_BHW[rows] == (slots + 1)[:, None, None]
    shown_NHW = moments.classes_BHW[rows].long().masked_fill(~mine_NHW, NUM_CLASSES)
    cells_NK = torch.stack([(shown_NHW == k).sum((1, 2)) for k in range(FIRST_SLOT)], 1)
    told = []
    for number, (attribute, mine_NK) in enumerate(_each(logits_NK, PERSON)):
        classes = [1 + PARTS.index(part) for part in attribute.parts]
        truth_N = moments.looks_BPA[rows, slots, number].clone()
        truth_N[cells_NK[:, classes].sum(1) < max(4, min(attribute.cells // 3, 20))] = -1
        told.append(_known_loss(mine_NK, truth_N))
    return torch.stack(told).sum()


def _each(
    logits_NK: torch.Tensor, attributes: tuple[Attribute, ...]
) -> Iterator[tuple[Attribute, torch.Tensor]]:
    widths = [len(one.classes) for one in attributes]
    return zip(attributes, torch.split(logits_NK, widths, dim=1), strict=True)


def _known_loss(logits_NK: torch.Tensor, truth_N: torch.Tensor) -> torch.Tensor:
    if not bool((truth_N >= 0).any()):
        return logits_NK.sum() * 0.0
    return nn.functional.cross_entropy(logits_NK, truth_N, ignore_index=-1)


def _caption_loss(run: Run, moments: Moments, choices: Schooling) -> torch.Tensor:
    language = run.pupils.language
    tokens = tokenized(run.tokenizer, moments.captions, language)
    with torch.autocast("cpu", torch.bfloat16):
        both = language(
            pixel_values=prepared(moments.frames_BHW3, shown_picture(choices.sizes)),
            interpolate_pos_encoding=True,
            **tokens,
        )
    likeness_BB = both.logits_per_image.float()
    itself = torch.arange(len(likeness_BB))
    return 0.5 * (
        nn.functional.cross_entropy(likeness_BB, itself)
        + nn.functional.cross_entropy(likeness_BB.T, itself)
    )
