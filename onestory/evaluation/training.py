"""
How do the encoders learn to read? From frames whose truth is known, all of them side by side.

    samples ── decode, error, mirror ── frames ─┬─ Segmenter ~ cells
                                                ├─ PersonEncoder ~ looks; the same person again
                                                ├─ PlaceEncoder ~ scenes; the same place again
                                                └─ Agreement ~ captions

People and places are told apart only from others in the same light: otherwise the hour alone
would tell most of them apart, and that is not what an identity is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.optim import AdamW

from onestory.diffusion.codec import BlockCodec, load_codec
from onestory.errors import WeightsError
from onestory.evaluation.contrast import ContrastMemory
from onestory.evaluation.coverage import (
    FIRST_SLOT,
    MAX_PEOPLE,
    NUM_CLASSES,
    UNKNOWN,
)
from onestory.evaluation.networks import (
    CONTEXT,
    LIT_BY,
    NUM_OWNERS,
    Crops,
    Encoders,
    Person,
    Scene,
    cut_out,
    surroundings,
)
from onestory.evaluation.optimizer import KernelMuon
from onestory.evaluation.samples import MIDDLE, Samples, read_samples, write_samples
from onestory.storyworld.attributes import PERSON, SCENE, Attribute
from onestory.storyworld.pen import PARTS
from onestory.storyworld.stories import HELD_OUT, PLACE_SLOTS

SHOTS_PER_STORY = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Learning:
    """Choices of a run."""

    seed: int = 0
    steps: int = 1000
    cooldown: int = 200
    """Over how many steps at the end the learning rate falls to nothing."""
    rate: float = 2e-3
    """Of AdamW, for everything but kernels."""
    kernel_rate: float = 0.03
    """Of Muon, for kernels of convolutions."""
    stories: int = 12
    """In a step, two shots of each."""
    first_files: int = 20
    """Files of samples that are read from the beginning."""
    steps_per_file: int = 60
    """After so many steps one more is read."""
    error: float = 0.25
    """Largest standard deviation of what is added to latents."""
    trust: int = 450
    """From this step on, crops are cut out by the segmenter and not by the truth."""
    queue: int = 768
    """Earlier embeddings that people and places are told apart from."""
    warmth: float = 0.1
    """Temperature of the contrastive losses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Batch:
    frames_BCHW: torch.Tensor
    classes_BHW: torch.Tensor
    owners_BHW: torch.Tensor
    people_BP: torch.Tensor
    looks_BPA: torch.Tensor
    places_B: torch.Tensor
    scenes_BA: torch.Tensor
    captions_BE: torch.Tensor


def learn(
    encoders: Encoders,
    codec: BlockCodec,
    shards: list[Path],
    folder: Path,
    choices: Learning,
) -> Iterator[tuple[int, dict[str, float]]]:
    """
    Train encoders, or go on with it.

    Args:
        encoders: Trained in place.
        codec: That coded the shards.
        shards: Of the trainer; samples of them are made where they are missing.
        folder: Keeps samples and the run.
        choices: Of the run.

    Yields:
        The number of steps and the parts of the loss, after every step.
    """
    muon = KernelMuon(one for one in encoders.parameters() if one.ndim == 4)
    plain = [one for one in encoders.parameters() if one.ndim != 4]
    optimizer = AdamW(plain, lr=0.0, betas=(0.9, 0.98), weight_decay=1e-2)
    step = _resume(folder / "run.safetensors", encoders, muon, optimizer)
    people, places = ContrastMemory(choices.queue), ContrastMemory(choices.queue)
    samples: list[Samples] = []
    encoders.train()
    while step < choices.steps:
        wanted = min(len(shards), choices.first_files + step // choices.steps_per_file)
        for shard in shards[len(samples) : wanted]:
            path = folder / "samples" / shard.name
            if not path.exists():
                write_samples(shard, path)
            samples.append(read_samples([path]))
        rng = np.random.default_rng([choices.seed, step])
        batch = _batch(samples, codec, choices, rng)
        pace = min(1.0, (step + 1) / 20, (choices.steps - step) / choices.cooldown)
        for group in optimizer.param_groups:
            group["lr"] = choices.rate * pace
        parts = _losses(encoders, batch, choices, people, places, trusted=step >= choices.trust)
        loss = torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()
        encoders.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(plain, 5.0)
        optimizer.step()
        muon.step(choices.kernel_rate * pace)
        step += 1
        if step % 50 == 0 or step == choices.steps:
            _keep(folder / "run.safetensors", step, encoders, muon, optimizer)
        yield step, {name: float(part.detach()) for name, part in parts.items()}
    encoders.eval()


WEIGHTS = {
    "classes": 1.0,
    "owners": 1.0,
    "looks": 1.0,
    "scenes": 1.0,
    "identity": 0.5,
    "place": 0.5,
    "caption": 0.3,
}
"""Of the parts of the loss."""


def _batch(
    files: list[Samples], codec: BlockCodec, choices: Learning, rng: np.random.Generator
) -> _Batch:
    picked: dict[str, list[torch.Tensor]] = {name: [] for name in Samples.__slots__}
    for _ in range(choices.stories):
        samples = files[int(rng.integers(len(files)))]
        start = SHOTS_PER_STORY * int(rng.integers(len(samples) // SHOTS_PER_STORY))
        rows = start + rng.choice(SHOTS_PER_STORY, 2, replace=False)
        for name in Samples.__slots__:
            picked[name].append(getattr(samples, name)[rows])
    chosen = Samples(**{name: torch.cat(values) for name, values in picked.items()})
    latents_BChw = chosen.latents_SChw.float()
    strength_B = rng.uniform(-0.3, 1.0, len(chosen)).clip(0.0) * choices.error
    error = rng.standard_normal(latents_BChw.shape, dtype=np.float32)
    latents_BChw = latents_BChw + torch.from_numpy(
        error * strength_B[:, None, None, None].astype(np.float32)
    )
    frames_BCHW = pictures(codec, latents_BChw)
    soft_B = torch.from_numpy(rng.random(len(chosen)) < 0.2)
    blurred = nn.functional.avg_pool2d(
        nn.functional.pad(frames_BCHW, (1, 1, 1, 1), mode="replicate"), 3, stride=1
    )
    frames_BCHW = torch.where(soft_B[:, None, None, None], blurred, frames_BCHW)
    mirrored = torch.from_numpy(rng.random(len(chosen)) < 0.5)
    two = (chosen.people_SP >= 0).sum(1) == MAX_PEOPLE
    swap = mirrored & two
    owners = chosen.owners_SHW
    swapped = torch.where(owners > 0, MAX_PEOPLE + 1 - owners, owners)
    owners = torch.where(swap[:, None, None], swapped, owners)
    return _Batch(
        frames_BCHW=_mirror(frames_BCHW, mirrored),
        classes_BHW=_mirror(chosen.classes_SHW, mirrored).long(),
        owners_BHW=_mirror(owners, mirrored).long(),
        people_BP=torch.where(swap[:, None], chosen.people_SP.flip(1), chosen.people_SP),
        looks_BPA=torch.where(swap[:, None, None], chosen.looks_SPA.flip(1), chosen.looks_SPA),
        places_B=chosen.places_S,
        scenes_BA=chosen.scenes_SA,
        captions_BE=chosen.captions_SE.float(),
    )


def pictures(codec: BlockCodec, latents_BChw: torch.Tensor) -> torch.Tensor:
    """Decode one frame of single latent frames: `B C H W`, in [-1, 1]."""
    blocks = codec.decode_linear(latents_BChw[:, :, None])
    frames_BHW3 = blocks[:, 0, MIDDLE]
    return (frames_BHW3.permute(0, 3, 1, 2) / 127.5 - 1.0).clamp(-1.0, 1.0).contiguous()


def _mirror(values: torch.Tensor, mirrored_B: torch.Tensor) -> torch.Tensor:
    shape = (-1, *[1] * (values.ndim - 1))
    return torch.where(mirrored_B.view(shape), values.flip(-1), values)


def _losses(
    encoders: Encoders,
    batch: _Batch,
    choices: Learning,
    people: ContrastMemory,
    places: ContrastMemory,
    *,
    trusted: bool,
) -> dict[str, torch.Tensor]:
    # One frame of every story is enough for the cells, which are many.
    with torch.autocast("cpu", torch.bfloat16):
        cells = encoders.segmenter(batch.frames_BCHW[::2])
    classes_logits, owners_logits = cells.classes_BKhw.float(), cells.owners_BKhw.float()
    known_BHW = batch.classes_BHW.masked_fill(batch.classes_BHW == UNKNOWN, 0)
    parts = {
        "classes": _cell_loss(classes_logits, batch.classes_BHW[::2]),
        "owners": nn.functional.cross_entropy(owners_logits, batch.owners_BHW[::2]),
    }
    classes_BKhw = _one_hot(known_BHW, NUM_CLASSES)
    owners_BKhw = _one_hot(batch.owners_BHW, NUM_OWNERS)
    if trusted:
        classes_BKhw[::2] = classes_logits.detach().softmax(1)
        owners_BKhw[::2] = owners_logits.detach().softmax(1)
    around = surroundings(batch.frames_BCHW, classes_BKhw, owners_BKhw)
    with torch.autocast("cpu", torch.bfloat16):
        scene: Scene = encoders.place(around)
    parts["scenes"] = _scene_loss(scene, batch)
    light_B = batch.scenes_BA[:, _index(SCENE, "light")]
    parts["place"] = places.loss(scene.place_BD, batch.places_B, light_B, choices.warmth)
    context_BX = scene.context.detach() if trusted else _true_context(batch)
    rows, slots = torch.nonzero(batch.people_BP >= 0, as_tuple=True)
    mine_N1hw = owners_BKhw[rows, slots + 1][:, None]
    crops: Crops = cut_out(batch.frames_BCHW[rows], classes_BKhw[rows], mine_N1hw)
    with torch.autocast("cpu", torch.bfloat16):
        read: Person = encoders.person(crops, context_BX[rows])
    parts["looks"] = _look_loss(read, batch, rows, slots)
    large_N = (batch.owners_BHW[rows] == (slots + 1)[:, None, None]).sum((1, 2)) >= 40
    parts["identity"] = people.loss(
        read.identity_ND[large_N],
        batch.people_BP[rows, slots][large_N],
        light_B[rows][large_N],
        choices.warmth,
    )
    seen_BPD = torch.zeros(*batch.people_BP.shape, read.features_ND.shape[1])
    layout_BPX = torch.zeros(*batch.people_BP.shape, crops.layout_NX.shape[1])
    seen_BPD[rows, slots] = read.features_ND
    layout_BPX[rows, slots] = crops.layout_NX
    agreement = encoders.agreement
    picture_BD = agreement.of_picture(scene.features_BD, seen_BPD, layout_BPX)
    likeness_BB = picture_BD @ agreement.of_caption(batch.captions_BE).T
    likeness_BB = likeness_BB * agreement.log_scale.clamp(0.0, 4.0).exp()
    itself = torch.arange(len(likeness_BB))
    parts["caption"] = 0.5 * (
        nn.functional.cross_entropy(likeness_BB, itself)
        + nn.functional.cross_entropy(likeness_BB.T, itself)
    )
    return parts


def _cell_loss(logits_BKhw: torch.Tensor, classes_BHW: torch.Tensor) -> torch.Tensor:
    log_BKhw = logits_BKhw.log_softmax(1)
    place = [0, *range(FIRST_SLOT, NUM_CLASSES)]
    of_place_BHW = log_BKhw[:, place].logsumexp(1)
    unknown_BHW = classes_BHW == UNKNOWN
    index = classes_BHW.masked_fill(unknown_BHW, 0)
    told_BHW = log_BKhw.gather(1, index[:, None])[:, 0]
    return -torch.where(unknown_BHW, of_place_BHW, told_BHW).mean()


def _one_hot(index_BHW: torch.Tensor, num: int) -> torch.Tensor:
    return nn.functional.one_hot(index_BHW, num).permute(0, 3, 1, 2).float()


def _index(attributes: tuple[Attribute, ...], name: str) -> int:
    return [attribute.name for attribute in attributes].index(name)


def _true_context(batch: _Batch) -> torch.Tensor:
    hot = [
        nn.functional.one_hot(batch.scenes_BA[:, number], len(attribute.classes)).float()
        for number, attribute in enumerate(SCENE)
        if attribute.name in LIT_BY
    ]
    context_BX = torch.cat(hot, dim=1)
    assert context_BX.shape[1] == CONTEXT
    return context_BX


def _scene_loss(scene: Scene, batch: _Batch) -> torch.Tensor:
    losses = []
    for number, attribute in enumerate(SCENE):
        truth_B = batch.scenes_BA[:, number].clone()
        if attribute.name in PLACE_SLOTS:
            slot = FIRST_SLOT + PLACE_SLOTS.index(attribute.name)
            truth_B[(batch.classes_BHW == slot).sum((1, 2)) < 8] = -1
        losses.append(_known_loss(scene.logits[number], truth_B))
    return torch.stack(losses).sum()


def _look_loss(
    read: Person, batch: _Batch, rows: torch.Tensor, slots: torch.Tensor
) -> torch.Tensor:
    mine_NHW = batch.owners_BHW[rows] == (slots + 1)[:, None, None]
    shown_NK = _one_hot(
        batch.classes_BHW[rows].masked_fill(batch.classes_BHW[rows] == UNKNOWN, 0), NUM_CLASSES
    )
    cells_NK = (shown_NK * mine_NHW[:, None]).sum((2, 3))
    losses = []
    for number, attribute in enumerate(PERSON):
        classes = [1 + PARTS.index(part) for part in attribute.parts]
        truth_N = batch.looks_BPA[rows, slots, number].clone()
        truth_N[cells_NK[:, classes].sum(1) < max(4, min(attribute.cells // 3, 20))] = -1
        losses.append(_known_loss(read.logits[number], truth_N))
    return torch.stack(losses).sum() * 0.5


def _known_loss(logits_NK: torch.Tensor, truth_N: torch.Tensor) -> torch.Tensor:
    if not bool((truth_N >= 0).any()):
        return logits_NK.sum() * 0.0
    return nn.functional.cross_entropy(logits_NK, truth_N, ignore_index=-1)


def _keep(path: Path, step: int, encoders: Encoders, muon: KernelMuon, optimizer: AdamW) -> None:
    tensors = {f"model.{name}": value for name, value in encoders.state_dict().items()}
    for number, momentum in enumerate(muon.momenta):
        tensors[f"momentum.{number}"] = momentum
    for number, parameter in enumerate(optimizer.param_groups[0]["params"]):
        for moment, value in optimizer.state[parameter].items():
            tensors[f"{moment}.{number}"] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    save_file(
        {name: value.detach().contiguous().clone() for name, value in tensors.items()},
        hidden,
        metadata={"step": str(step)},
    )
    hidden.replace(path)


def _resume(path: Path, encoders: Encoders, muon: KernelMuon, optimizer: AdamW) -> int:
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        names = encoders.state_dict().keys()
        encoders.load_state_dict({name: file.get_tensor(f"model.{name}") for name in names})
        for number, momentum in enumerate(muon.momenta):
            momentum.copy_(file.get_tensor(f"momentum.{number}"))
        for number, parameter in enumerate(optimizer.param_groups[0]["params"]):
            optimizer.state[parameter] = {
                moment: file.get_tensor(f"{moment}.{number}")
                for moment in ("step", "exp_avg", "exp_avg_sq")
                if f"{moment}.{number}" in file.keys()  # noqa: SIM118 - it is no mapping
            }
        return int(file.metadata()["step"])


def write_weights(encoders: Encoders, path: Path) -> None:
    """Write weights to be shipped: float16, or float32 where that would overflow."""
    tensors = {}
    for name, value in encoders.state_dict().items():
        small = value.detach().half()
        tensors[name] = small if bool(small.isfinite().all()) else value.detach().clone()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in tensors.items()}, path)


def train_readers(
    shards: Path,
    codec: Path,
    folder: Path,
    *,
    choices: Learning | None = None,
    at_step: Callable[[int, dict[str, float]], None] | None = None,
) -> Path:
    """
    Train encoders from the trainer's shards, or go on with it.

    Args:
        shards: Folder of shards. Held-out stories among them are left alone.
        codec: Folder of the codec that coded them.
        folder: Keeps samples, the run, and in the end the weights.
        choices: Of the run; None for the usual ones.
        at_step: Is told the number of steps and the parts of the loss.

    Returns:
        Where the weights are.

    Raises:
        WeightsError: If there are no shards.
    """
    choices = choices or Learning()
    paths = [path for path in sorted(shards.glob("stories-*.safetensors")) if _is_seen(path)]
    if not paths:
        raise WeightsError(f"there are no shards in {shards}", hint="draw them first")
    with torch.random.fork_rng():
        torch.manual_seed(choices.seed)
        encoders = Encoders()
    for step, parts in learn(encoders, load_codec(codec), paths, folder, choices):
        if at_step is not None:
            at_step(step, parts)
    path = folder / "readers.safetensors"
    write_weights(encoders, path)
    return path


def _is_seen(path: Path) -> bool:
    return int(path.stem.removeprefix("stories-")) < HELD_OUT
