"""
What do the gates' encoders learn from? A few moments of every shot of a story, and their truth.

    shot ─┬─ a few latent frames at random ── codec ─┬─ latents, float16
          │                                          └─ one picture, decoded as the engine does
          └─ coverage ── cells, who is there, their looks ── Pages (safetensors, 32 stories)

Latents are decoded anew in each step, with an error like a generator's first. The picture was
refined with the scene's stand-ins, which takes too long for that; its latents had an error before.

Shape suffixes, for this module only:
    S  shots, story after story    G  moments of a shot    P  people, from the left
    H, W  cells, or pixels of a picture                    C, h, w  latents
    A  attributes                  T  frames
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from onestory.diffusion.codec import TIME, BlockCodec
from onestory.evaluation.coverage import HEIGHT, MAX_PEOPLE, WIDTH, coverage
from onestory.evaluation.samples import MIDDLE
from onestory.storyworld.attributes import PERSON, SCENE, indices, person_values, scene_values
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.scene import SceneSpec
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import Story, StoryShot, tell_story

STORIES_PER_FILE = 32
MOMENTS = 2
"""Latent frames that are drawn of every shot."""
LARGEST_ERROR = 0.25
"""Largest standard deviation of what is added to latents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """Moments of shots, with their truth."""

    latents_SGChw: torch.Tensor
    """Float16."""
    pictures_SHW3: torch.Tensor
    """The first moment, decoded as an engine does, uint8."""
    classes_SGHW: torch.Tensor
    """As in `Coverage`, uint8."""
    owners_SGHW: torch.Tensor
    people_SGP: torch.Tensor
    """Number of the person who is P-th from the left, over all stories; -1 for nobody."""
    looks_SGPA: torch.Tensor
    """Classes of `PERSON`, -1 where there is none."""
    stories_S: torch.Tensor
    """Number of the story in its file."""
    places_S: torch.Tensor
    """Number of the place, over all stories."""
    scenes_SA: torch.Tensor
    """Classes of `SCENE`."""
    captions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.captions)


_TENSORS = tuple(field.name for field in fields(Pages) if field.name != "captions")


def page_name(first_seed: int) -> str:
    """Name the file that begins with a story."""
    return f"pages-{first_seed:013d}.safetensors"


def pages_of(folder: Path, first_seed: int, codec: BlockCodec) -> Pages:
    """
    Read a file of moments; draw it first if it is not there.

    Args:
        folder: Keeps the files.
        first_seed: Of the file's stories.
        codec: Codes the moments.
    """
    path = folder / page_name(first_seed)
    if not path.exists():
        write_pages(path, range(first_seed, first_seed + STORIES_PER_FILE), codec)
    return read_pages(path)


def write_pages(path: Path, seeds: range, codec: BlockCodec) -> None:
    """
    Draw moments of stories and keep them.

    Args:
        path: Where they go; never there by half.
        seeds: Which stories.
        codec: Codes the moments.
    """
    made = draw_pages(seeds, codec)
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    about = {"captions": json.dumps(made.captions)}
    save_file({name: getattr(made, name) for name in _TENSORS}, hidden, metadata=about)
    hidden.replace(path)


def read_pages(path: Path) -> Pages:
    """Read a file of moments."""
    with safe_open(path, framework="pt") as file:
        captions = tuple(json.loads(file.metadata()["captions"]))
        return Pages(captions=captions, **{name: file.get_tensor(name) for name in _TENSORS})


def draw_pages(seeds: range, codec: BlockCodec) -> Pages:
    """Draw moments of stories; `write_pages` keeps them."""
    rows: dict[str, list[torch.Tensor]] = {name: [] for name in _TENSORS}
    captions = []
    for number, seed in enumerate(seeds):
        story = tell_story(seed)
        for shot_number, shot in enumerate(story.shots):
            rng = np.random.default_rng([seed, shot_number, 17])
            for name, value in _row(story, shot, codec, rng).items():
                rows[name].append(value)
            rows["stories_S"].append(torch.tensor(number))
            captions.append(shot.caption)
    return Pages(
        captions=tuple(captions), **{name: torch.stack(values) for name, values in rows.items()}
    )


def _row(
    story: Story, shot: StoryShot, codec: BlockCodec, rng: np.random.Generator
) -> dict[str, torch.Tensor]:
    scene = shot.scene
    num = 1 + (scene.num_frames - 1) // TIME
    chosen = [int(group) for group in rng.choice(num, min(MOMENTS, num), replace=False)]
    renderer = SceneRenderer(scene, WIDTH, HEIGHT)
    latents = [_latent(renderer, group, codec) for group in chosen]
    shown = coverage(scene, tuple(_frames_of(group)[MIDDLE] for group in chosen))
    names = list(story.people)
    looks = {
        name: indices(PERSON, person_values(person.look)) for name, person in story.people.items()
    }
    people, worn = [], []
    for one in shown:
        absent = MAX_PEOPLE - len(one.people)
        people.append(
            [*(story.seed * MAX_PEOPLE + names.index(name) for name in one.people), *[-1] * absent]
        )
        worn.append([*(looks[name] for name in one.people), *[(-1,) * len(PERSON)] * absent])
    values = scene_values(scene.place, scene.light, scene.weather)
    return {
        "latents_SGChw": torch.stack(latents).half(),
        "pictures_SHW3": _picture(latents[0], scene, chosen[0], codec, rng),
        "classes_SGHW": torch.from_numpy(np.stack([one.classes_HW for one in shown])),
        "owners_SGHW": torch.from_numpy(np.stack([one.owners_HW for one in shown])),
        "people_SGP": torch.tensor(people),
        "looks_SGPA": torch.tensor(worn),
        "places_S": torch.tensor(story.seed * 2 + list(story.places).index(shot.place)),
        "scenes_SA": torch.tensor(indices(SCENE, values)),
    }


def _frames_of(group: int) -> list[int]:
    """Name the frames of a latent frame; the first one's is one, four times."""
    return [0] * TIME if group == 0 else list(range(TIME * group - TIME + 1, TIME * group + 1))


def _latent(renderer: SceneRenderer, group: int, codec: BlockCodec) -> torch.Tensor:
    drawn = {index: renderer.frame(index) for index in sorted(set(_frames_of(group)))}
    frames_THW3 = np.stack([drawn[index] for index in _frames_of(group)])
    first_1HW3 = frames_THW3[:1]
    frames_THW3 = np.concatenate([first_1HW3, frames_THW3]) if group else first_1HW3
    return codec.encode(torch.from_numpy(frames_THW3)[None])[0, :, -1]


@torch.no_grad()
def _picture(
    latent_Chw: torch.Tensor,
    scene: SceneSpec,
    group: int,
    codec: BlockCodec,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Decode a moment as an engine does: refined, with stand-ins, then at the coded size."""
    strength = max(0.0, rng.uniform(-0.3, 1.0)) * LARGEST_ERROR
    error_Chw = torch.from_numpy(rng.standard_normal(latent_Chw.shape, dtype=np.float32))
    latents_1C1hw = (latent_Chw + strength * error_Chw)[None, :, None]
    linear_11THW3 = codec.decode_linear(latents_1C1hw)
    frame_HW3 = linear_11THW3[0, 0, MIDDLE]
    if codec.refine is not None:
        sketch = None
        if codec.is_guided:
            rows, columns = latent_Chw.shape[1:]
            side = int(codec.config["block"]) * codec.upscale
            stand_ins = StandIns(scene, rows=rows, columns=columns, cell=side)
            drawn = {index: stand_ins.sketch(index) for index in sorted(set(_frames_of(group)))}
            sketch_THW3 = np.stack([drawn[index] for index in _frames_of(group)])
            sketch = torch.from_numpy(sketch_THW3)[None, None].float()
        frame_HW3 = codec.refine(latents_1C1hw, linear_11THW3, sketch)[0, 0, MIDDLE]
    planes_1CHW = frame_HW3.permute(2, 0, 1)[None]
    if planes_1CHW.shape[2:] != (HEIGHT, WIDTH):
        planes_1CHW = nn.functional.interpolate(
            planes_1CHW, size=(HEIGHT, WIDTH), mode="bilinear", antialias=True, align_corners=False
        )
    return planes_1CHW[0].permute(1, 2, 0).round().clamp(0, 255).byte().contiguous()


def each_story(pages: Pages) -> Iterator[torch.Tensor]:
    """Go through the stories of a file: the rows of each one's shots."""
    for number in sorted(set(pages.stories_S.tolist())):
        yield torch.nonzero(pages.stories_S == number)[:, 0]
