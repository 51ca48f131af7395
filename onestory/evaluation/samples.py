"""
What do the encoders learn from? One frame of every shot of the trainer's shards, and its truth.

    shard ── latent of one frame, caption features ┐
    story ── look, place, light ────────────────────┼─ samples (safetensors, one file a shard)
    scene ── coverage ── cells ─────────────────────┘

Latents are kept, not pixels: decoded anew in each step, they can be given an error like a
generator's first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from onestory.diffusion.text import shared_text
from onestory.evaluation.coverage import MAX_PEOPLE, coverage
from onestory.storyworld.attributes import PERSON, SCENE, indices, person_values, scene_values
from onestory.storyworld.stories import Telling, tell_story
from onestory.training.shards import Shard, read_shard

MIDDLE = 2
"""Which of the four frames of a latent frame is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Frames with their truth; S counts samples, shot after shot, story after story."""

    latents_SChw: torch.Tensor
    """Float16."""
    classes_SHW: torch.Tensor
    """As in `Coverage`, uint8."""
    owners_SHW: torch.Tensor
    people_SP: torch.Tensor
    """Number of the person who is P-th from the left, over all stories; -1 for nobody."""
    looks_SPA: torch.Tensor
    """Classes of `PERSON`, -1 where there is none."""
    places_S: torch.Tensor
    """Number of the place, over all stories."""
    scenes_SA: torch.Tensor
    """Classes of `SCENE`."""
    captions_SE: torch.Tensor
    """Mean of the caption's token features, float16."""

    def __len__(self) -> int:
        return len(self.places_S)


def write_samples(shard_path: Path, path: Path) -> None:
    """Write the samples of one shard."""
    made = samples_of(read_shard(shard_path))
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    save_file({name: getattr(made, name).contiguous() for name in Samples.__slots__}, hidden)
    hidden.replace(path)


def read_samples(paths: list[Path]) -> Samples:
    """Read samples of several files into one."""
    read = [load_file(path) for path in paths]
    return Samples(**{name: torch.cat([one[name] for one in read]) for name in Samples.__slots__})


def samples_of(shard: Shard) -> Samples:
    """Choose one frame of every shot of a shard, and find out what it shows."""
    columns: dict[str, list[torch.Tensor]] = {name: [] for name in Samples.__slots__}
    for values in _rows(shard):
        for name, value in values.items():
            columns[name].append(value)
    captions = [str(note["caption"]) for note in shard.notes]
    columns["captions_SE"] = list(shared_text().mean(captions).half())
    return Samples(**{name: torch.stack(values) for name, values in columns.items()})


def _rows(shard: Shard) -> Iterator[dict[str, torch.Tensor]]:
    seeds = [int(str(note["seed"])) for note in shard.notes]
    for row, seed in enumerate(seeds):
        story = tell_story(seed, telling=Telling())
        shot = story.shots[row - seeds.index(seed)]
        rng = np.random.default_rng([seed, row, 11])
        chosen = int(rng.integers(shard.latents_SCFhw.shape[2]))
        (shown,) = coverage(shot.scene, (max(0, 4 * chosen - 4 + MIDDLE + 1),))
        looks = [indices(PERSON, person_values(story.people[name].look)) for name in shown.people]
        names = list(story.people)
        people = [seed * MAX_PEOPLE + names.index(name) for name in shown.people]
        absent = MAX_PEOPLE - len(people)
        scene = shot.scene
        values = scene_values(scene.place, scene.light, scene.weather)
        yield {
            "latents_SChw": shard.latents_SCFhw[row, :, chosen],
            "classes_SHW": torch.from_numpy(shown.classes_HW),
            "owners_SHW": torch.from_numpy(shown.owners_HW),
            "people_SP": torch.tensor([*people, *[-1] * absent]),
            "looks_SPA": torch.tensor([*looks, *[(-1,) * len(PERSON)] * absent]),
            "places_S": torch.tensor(seed * 2 + list(story.places).index(shot.place)),
            "scenes_SA": torch.tensor(indices(SCENE, values)),
        }
