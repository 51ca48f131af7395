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
    H, W  pixels/cells   C  channels    h, w  latents    D  features
    A  attributes        K  classes
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import AdamW

from onestory.continuity.cutting import cut_out, emptied
from onestory.continuity.encoders import semantic_labels
from onestory.continuity.preparing import prepared, resized, tokenized
from onestory.diffusion.codec import BlockCodec
from onestory.errors import WeightsError
from onestory.evaluation.contrast import ContrastMemory
from onestory.evaluation.coverage import (
    CELL,
    COLUMNS,
    FIRST_SLOT,
    MAX_PEOPLE,
    NUM_CLASSES,
    ROWS,
    UNKNOWN,
)
from onestory.evaluation.optimizer import KernelMuon
from onestory.evaluation.pupils import (
    OF_LIGHT,
    OF_PLACE,
    Pupils,
    Sizes,
    make_tokenizer,
    shown_looks,
    shown_people,
    shown_picture,
    write_encoders,
)
from onestory.evaluation.schoolbook import (
    LARGEST_ERROR,
    STORIES_PER_FILE,
    Pages,
    each_story,
    pages_of,
)
from onestory.evaluation.training import pictures
from onestory.storyworld.attributes import PERSON, SCENE, Attribute
from onestory.storyworld.kinds import Part
from onestory.storyworld.pen import PARTS
from onestory.storyworld.stories import HELD_OUT, PLACE_SLOTS, tell_story

RUN = "run.safetensors"
"""A run as it was last written down, in its folder."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Schooling:
    """Choices of a run."""

    seed: int = 0
    steps: int = 2000
    warmup: int = 40
    cooldown: float = 0.6
    """Share of the steps over which, at the end, the learning rate falls to nothing."""
    rate: float = 1.5e-3
    """Of AdamW, for everything but matrices."""
    kernel_rate: float = 0.015
    """Of Muon, for matrices."""
    stories: int = 8
    """In a step, two shots of each."""
    first_seed: int = 500_000
    """Of the stories; see `HELD_OUT`."""
    files: int = 20
    """Of moments, with `STORIES_PER_FILE` stories each."""
    first_files: int = 3
    """Files that are read from the beginning."""
    steps_per_file: int = 60
    """After so many steps one more is read."""
    drawn: float = 0.5
    """Share of frames decoded as the engine does; the others are decoded anew, with an error."""
    trust: float = 0.4
    """Share of the steps after which people are cut out by the segmenter, not by the truth."""
    queue: int = 768
    """Earlier embeddings that people and places are told apart from."""
    warmth: float = 0.1
    """Temperature of the contrastive losses."""
    tint: float = 0.06
    """By how much red, green and blue are scaled at random, either way."""
    fewest_cells: int = 40
    """Cells of somebody whose identity counts."""
    sizes: Sizes = field(default_factory=Sizes)

    def __post_init__(self) -> None:
        """Refuse stories that are held out."""
        if self.first_seed + self.files * STORIES_PER_FILE > HELD_OUT:
            raise ValueError(f"stories from {HELD_OUT} on are held out, got {self.first_seed}")

    def files_at(self, step: int) -> int:
        """Say how many files are read at a step."""
        return min(self.files, self.first_files + step // self.steps_per_file)

    def pace(self, step: int) -> float:
        """Say by how much the learning rates are scaled at a step, [0, 1]."""
        cooldown = max(1.0, self.cooldown * self.steps)
        return min(1.0, (step + 1) / self.warmup, (self.steps - step) / cooldown)


SHIPPED_RUNS = (
    Schooling(steps=3600),
    Schooling(
        seed=1,
        steps=3300,
        warmup=100,
        cooldown=0.75,
        rate=1.2e-3,
        kernel_rate=0.012,
        files=38,
        first_files=24,
        steps_per_file=100,
        trust=0.0,
        fewest_cells=24,
    ),
)
"""Of the encoders that are shipped: the second run goes on from the end of the first."""


class Moments(NamedTuple):
    """What a step learns from."""

    frames_BHW3: NDArray[np.uint8]
    classes_BHW: torch.Tensor
    """Of cells, see `Coverage`."""
    owners_BHW: torch.Tensor
    """Of cells, without what people hold: 0 nobody, then from the left."""
    people_BP: torch.Tensor
    looks_BPA: torch.Tensor
    places_B: torch.Tensor
    scenes_BA: torch.Tensor
    captions: list[str]


@dataclass(kw_only=True)
class Run:
    """A run so far."""

    pupils: Pupils
    tokenizer: Any
    muon: KernelMuon
    optimizer: AdamW
    people: ContrastMemory
    places: ContrastMemory
    step: int = 0


def begin(folder: Path, choices: Schooling, start: Path | None = None) -> Run:
    """
    Begin a run, or take it up where it was last written down.

    Args:
        folder: Keeps it: `tokenizer/` and `run.safetensors`.
        choices: Of the run.
        start: Folder of another run, from whose state a new one begins; None to begin with nothing.

    Raises:
        WeightsError: If there is no run at `start`.
    """
    tokenizer = _tokenizer(folder / "tokenizer", choices)
    with torch.random.fork_rng():
        torch.manual_seed(choices.seed)
        pupils = Pupils(choices.sizes, len(tokenizer))
    kernels = list(pupils.kernels())
    moved = {id(one) for one in kernels}
    plain = [one for one in pupils.parameters() if id(one) not in moved]
    run = Run(
        pupils=pupils.train(),
        tokenizer=tokenizer,
        muon=KernelMuon(kernels),
        optimizer=AdamW(plain, lr=0.0, betas=(0.9, 0.98), weight_decay=1e-2),
        people=ContrastMemory(choices.queue),
        places=ContrastMemory(choices.queue),
    )
    if (folder / RUN).exists():
        _resume(folder / RUN, run)
    elif start is not None:
        if not (start / RUN).is_file():
            raise WeightsError(f"{start} holds no run", hint=f"name a folder with {RUN}")
        _resume(start / RUN, run)
        run.step = 0
    return run


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


def bodies(classes: torch.Tensor, owners: torch.Tensor) -> torch.Tensor:
    """Whose each cell is, without what people hold: that is another thing in the next shot."""
    held = classes == 1 + PARTS.index(Part.PROP)
    return owners.masked_fill(held, 0)


def moments_of(
    pages: list[Pages], codec: BlockCodec, choices: Schooling, rng: np.random.Generator
) -> Moments:
    """
    Choose moments of a step: two shots each of some stories.

    Args:
        pages: Read so far.
        codec: Decodes.
        choices: Of the run.
        rng: Decides.
    """
    frames, rows = [], []
    for _ in range(choices.stories):
        page = pages[int(rng.integers(len(pages)))]
        stories = list(each_story(page))
        shots = stories[int(rng.integers(len(stories)))].tolist()
        for shot in rng.choice(shots, 2, replace=False).tolist():
            is_drawn = bool(rng.random() < choices.drawn)
            moment = 0 if is_drawn else int(rng.integers(page.latents_SGChw.shape[1]))
            frame_HW3 = (
                page.pictures_SHW3[shot].numpy()
                if is_drawn
                else redecoded(page.latents_SGChw[shot, moment], codec, rng)
            )
            frames.append(_tinted(frame_HW3, choices.tint, rng))
            rows.append((page, shot, moment))
    moments = Moments(
        frames_BHW3=np.stack(frames),
        classes_BHW=torch.stack([page.classes_SGHW[s, g] for page, s, g in rows]),
        owners_BHW=torch.stack(
            [bodies(page.classes_SGHW[s, g], page.owners_SGHW[s, g]) for page, s, g in rows]
        ),
        people_BP=torch.stack([page.people_SGP[s, g] for page, s, g in rows]),
        looks_BPA=torch.stack([page.looks_SGPA[s, g] for page, s, g in rows]),
        places_B=torch.stack([page.places_S[s] for page, s, _ in rows]),
        scenes_BA=torch.stack([page.scenes_SA[s] for page, s, _ in rows]),
        captions=[page.captions[s] for page, s, _ in rows],
    )
    return mirrored(moments, rng.random(len(rows)) < 0.5)


@torch.no_grad()
def redecoded(
    latent_Chw: torch.Tensor, codec: BlockCodec, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Decode a moment by the basis alone, with an error like a generator's first."""
    strength = max(0.0, rng.uniform(-0.3, 1.0)) * LARGEST_ERROR
    error_Chw = torch.from_numpy(rng.standard_normal(latent_Chw.shape, dtype=np.float32))
    frames_BCHW = pictures(codec, (latent_Chw.float() + strength * error_Chw)[None])
    frame_HW3: NDArray[np.uint8] = (
        ((frames_BCHW[0] + 1.0) * 127.5).round().byte().permute(1, 2, 0).contiguous().numpy()
    )
    return frame_HW3


def _tinted(
    frame_HW3: NDArray[np.uint8], tint: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    gain_3 = 1.0 + tint * rng.uniform(-1.0, 1.0, 3).astype(np.float32)
    return (frame_HW3 * gain_3).clip(0, 255).round().astype(np.uint8)


def mirrored(moments: Moments, flipped_B: NDArray[np.bool_]) -> Moments:
    """Mirror some of the frames; whoever was first from the left is then last."""
    flip_B = torch.from_numpy(flipped_B)
    swap_B = flip_B & (moments.people_BP >= 0).all(1)
    owners_BHW = moments.owners_BHW
    other_BHW = torch.where(owners_BHW > 0, MAX_PEOPLE + 1 - owners_BHW, owners_BHW)
    owners_BHW = torch.where(swap_B[:, None, None], other_BHW, owners_BHW)
    frames = moments.frames_BHW3
    return moments._replace(
        frames_BHW3=np.where(flipped_B[:, None, None, None], frames[:, :, ::-1], frames),
        classes_BHW=_flipped(moments.classes_BHW, flip_B),
        owners_BHW=_flipped(owners_BHW, flip_B),
        people_BP=torch.where(swap_B[:, None], moments.people_BP.flip(1), moments.people_BP),
        looks_BPA=torch.where(swap_B[:, None, None], moments.looks_BPA.flip(1), moments.looks_BPA),
    )


def _flipped(cells_BHW: torch.Tensor, flip_B: torch.Tensor) -> torch.Tensor:
    return torch.where(flip_B[:, None, None], cells_BHW.flip(-1), cells_BHW)


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


def _tokenizer(folder: Path, choices: Schooling) -> Any:
    from transformers import AutoTokenizer

    if not folder.exists():
        seeds = range(choices.first_seed, choices.first_seed + 600)
        captions = [shot.caption for seed in seeds for shot in tell_story(seed).shots]
        made = make_tokenizer(captions, choices.sizes.words, choices.sizes.caption_tokens)
        hidden = folder.with_suffix(".part")
        made.save_pretrained(hidden)
        hidden.rename(folder)
    return AutoTokenizer.from_pretrained(folder)


_MEMORIES = ("people", "places")
_ROWS = ("embedding", "label", "light")


def keep(path: Path, run: Run) -> None:
    """Write a run down; it is never there by half."""
    tensors = {f"model.{name}": value for name, value in run.pupils.state_dict().items()}
    for number, momentum in enumerate(run.muon.momenta):
        tensors[f"momentum.{number}"] = momentum
    for number, parameter in enumerate(run.optimizer.param_groups[0]["params"]):
        for moment, value in run.optimizer.state[parameter].items():
            tensors[f"{moment}.{number}"] = value
    for name in _MEMORIES:
        rows = getattr(run, name).rows
        if rows is not None:
            tensors |= {f"{name}.{row}": value for row, value in zip(_ROWS, rows, strict=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        hidden,
        metadata={"step": str(run.step)},
    )
    hidden.replace(path)


def _resume(path: Path, run: Run) -> None:
    with safe_open(path, framework="pt") as file:
        names = set(file.keys())
        run.pupils.load_state_dict(
            {name: file.get_tensor(f"model.{name}") for name in run.pupils.state_dict()}
        )
        for number, momentum in enumerate(run.muon.momenta):
            momentum.copy_(file.get_tensor(f"momentum.{number}"))
        for number, parameter in enumerate(run.optimizer.param_groups[0]["params"]):
            run.optimizer.state[parameter] = {
                moment: file.get_tensor(f"{moment}.{number}")
                for moment in ("step", "exp_avg", "exp_avg_sq")
                if f"{moment}.{number}" in names
            }
        for name in _MEMORIES:
            if f"{name}.label" in names:
                embedding, label, light = (file.get_tensor(f"{name}.{row}") for row in _ROWS)
                getattr(run, name).rows = (embedding, label, light)
        run.step = int(file.metadata()["step"])
