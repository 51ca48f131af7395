"""
What does the trainer read? Stories that were drawn once, as latents and text features.

    seeds ── tell_story ── SceneRenderer ─┬─ codec ── latents, stills     ┐
                                          └─ truth ── parts, areas        ├─ shard (safetensors)
             captions ── MiniLM ── token features                         ┘

Pixels are never kept. A shard is written under another name and renamed; one that cannot be read,
or holds other stories than are asked for, is drawn again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from onestory.diffusion.blocking import clip_blocking
from onestory.diffusion.codec import BlockCodec, latent_middles
from onestory.diffusion.text import LAYER, MiniLmText
from onestory.diffusion.told import Told
from onestory.memory.showing import OWNERS
from onestory.storyworld.kinds import PlaceKind
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.stories import Story, StoryShot, Telling, tell_story
from onestory.storyworld.truth import FrameTruth
from onestory.training.looks import looks_note

STORIES_PER_SHARD = 32
NUM_PARTS = 9
"""Nothing, and the eight parts of `Part`."""
MAX_PEOPLE = 2
PLACE_KINDS = tuple(PlaceKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """How stories are drawn for training."""

    width: int = 160
    height: int = 288
    token: int = 32
    """Side of what one token covers, in pixels."""


def write_shard(
    path: Path,
    seeds: range,
    *,
    codec: BlockCodec,
    text: MiniLmText,
    telling: Telling,
    drawing: Drawing,
) -> None:
    """
    Draw stories and keep what training needs of them.

    Args:
        path: Where the shard goes.
        seeds: Which stories.
        codec: Makes latents.
        text: Reads captions.
        telling: Number and length of shots.
        drawing: Size of the pictures.
    """
    latents, stills, parts, areas, blocking = [], [], [], [], []
    features, lengths = [], []
    notes = []
    for seed in seeds:
        story = tell_story(seed, telling=telling)
        for shot in story.shots:
            frames_THW3, part_FLP, area_FA = draw(shot, story, drawing)
            latents.append(codec.encode(torch.from_numpy(frames_THW3)[None])[0].half())
            last_1HW3 = torch.from_numpy(frames_THW3[-1:])
            stills.append(codec.encode(last_1HW3[None])[0].half())
            parts.append(torch.from_numpy(part_FLP))
            areas.append(torch.from_numpy(area_FA))
            rows, columns = latents[-1].shape[2:]
            told_PFhw = clip_blocking(
                shot.scene, codec, rows=rows, columns=columns, num_frames=shot.scene.num_frames
            )
            blocking.append(told_PFhw.half())
        for shot in story.shots:
            read_TE = text.read_told(told_of(shot))
            features.append(read_TE.half())
            lengths.append(len(read_TE))
            notes.append(note_of(story, shot))
    tensors = {
        "latents_SCFhw": torch.stack(latents),
        "stills_SCFhw": torch.stack(stills),
        "parts_SFLP": torch.stack(parts),
        "areas_SFA": torch.stack(areas),
        "blocking_SPFhw": torch.stack(blocking),
        "features_TE": torch.cat(features),
        "lengths_S": torch.tensor(lengths, dtype=torch.int32),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    # One key: safetensors writes several in an order of the moment.
    about = {"layer": LAYER, "owners": OWNERS, "codec": codec.coding, "notes": notes}
    save_file(tensors, hidden, metadata={"about": json.dumps(about)})
    hidden.replace(path)


def draw(
    shot: StoryShot, story: Story, drawing: Drawing
) -> tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    np.ndarray[tuple[int, ...], np.dtype[np.float32]],
]:
    """
    Draw one shot and its truth.

    Returns:
        Frames `T H W 3`; for every latent frame and token how much of it each part covers,
        `F L P` in 0 to 255; for every latent frame how much of the picture each person of the
        story covers, `F A` in [0, 1].
    """
    renderer = SceneRenderer(shot.scene, drawing.width, drawing.height)
    num = shot.scene.num_frames
    frames = np.stack([renderer.frame(index) for index in range(num)])
    truths = [renderer.truth(index) for index in latent_middles(num)]
    parts = np.stack([parts_of_tokens(truth, drawing) for truth in truths])
    areas = np.stack([_areas(truth, tuple(story.people)) for truth in truths])
    return frames, parts, areas


def parts_of_tokens(
    truth: FrameTruth, drawing: Drawing
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Say how much of every token each part covers: `L P`, 0 to 255."""
    one_hot = np.eye(NUM_PARTS, dtype=np.float32)[np.minimum(truth.parts_HW, NUM_PARTS - 1)]
    height, width = truth.parts_HW.shape
    side = drawing.token
    cells = one_hot.reshape(height // side, side, width // side, side, NUM_PARTS).mean((1, 3))
    parts_LP = np.round(cells.reshape(-1, NUM_PARTS) * 255)
    return parts_LP.astype(np.uint8)  # type: ignore[no-any-return]  # mean forgets its type


def _areas(
    truth: FrameTruth, names: tuple[str, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    shares = [float(truth.mask(name).mean()) if name in truth.names else 0.0 for name in names]
    return np.array([*shares, *[0.0] * (MAX_PEOPLE - len(shares))], np.float32)


def told_of(shot: StoryShot) -> Told:
    """Say whom the words of a shot's caption are about."""
    first, *others = shot.cast or ("",)
    return Told(
        caption=shot.caption,
        first=shot.words.get(first, ""),
        others=tuple(shot.words[name] for name in others),
        setting=shot.words[shot.place],
    )


def note_of(story: Story, shot: StoryShot) -> dict[str, object]:
    return {
        "seed": story.seed,
        "pattern": story.pattern.value,
        "caption": shot.caption,
        "people": [list(story.people).index(name) for name in shot.people],
        "cast": [list(story.people).index(name) for name in shot.cast],
        "place": list(story.places).index(shot.place),
        "kind": PLACE_KINDS.index(story.places[shot.place].place.kind),
        "introduces": sorted(shot.introduces),
        "light": shot.scene.light.value,
        "looks": looks_note(story, shot),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """What one shard holds; S counts shots, story after story."""

    latents_SCFhw: torch.Tensor
    stills_SCFhw: torch.Tensor
    parts_SFLP: torch.Tensor
    areas_SFA: torch.Tensor
    blocking_SPFhw: torch.Tensor
    features: tuple[torch.Tensor, ...]
    """Of every caption, `T E`, float16."""
    notes: tuple[dict[str, object], ...]


def read_shard(path: Path) -> Shard:
    """Read a shard."""
    with safe_open(path, framework="pt") as file:
        notes = json.loads(file.metadata()["about"])["notes"]
        lengths = file.get_tensor("lengths_S").tolist()
        return Shard(
            latents_SCFhw=file.get_tensor("latents_SCFhw"),
            stills_SCFhw=file.get_tensor("stills_SCFhw"),
            parts_SFLP=file.get_tensor("parts_SFLP"),
            areas_SFA=file.get_tensor("areas_SFA"),
            blocking_SPFhw=file.get_tensor("blocking_SPFhw"),
            features=tuple(file.get_tensor("features_TE").split(lengths)),
            notes=tuple(notes),
        )


def shard_name(first_seed: int) -> str:
    """Name the shard that begins with a story."""
    return f"stories-{first_seed:013d}.safetensors"


def missing_shards(
    folder: Path, first_seed: int, num_stories: int, codec: BlockCodec
) -> Iterator[tuple[Path, range]]:
    """Say which shards of a range of stories are still to be drawn, or are in another language."""
    end = first_seed + num_stories
    for start in range(first_seed, end, STORIES_PER_SHARD):
        path, seeds = folder / shard_name(start), range(start, min(start + STORIES_PER_SHARD, end))
        if not _holds(path, seeds, codec):
            yield path, seeds


def _holds(path: Path, seeds: range, codec: BlockCodec) -> bool:
    """Whether a shard is there, whole, of these very stories, coded and read as now."""
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            is_blocked = "blocking_SPFhw" in file.keys()  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError):
        return False
    about = json.loads(metadata.get("about", "{}"))
    read = (about.get("layer"), about.get("owners"), about.get("codec"))
    is_alike = read == (LAYER, OWNERS, codec.coding)
    notes = about["notes"]
    is_told = all("looks" in note for note in notes)
    return is_blocked and is_alike and is_told and {note["seed"] for note in notes} == set(seeds)
