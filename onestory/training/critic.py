"""
Does what is drawn look as it was told? A small network reads latents, and teaches by asking.

    one frame of many stories ── latents, who is where ── Critic ◄── looks    trained first
    drawn latents ── Critic, frozen ── cross-entropy with looks that are known ── loss

How a collar is cut is a hundredth of what a picture comes to in squares, and all that "hoodie"
says. Asked are only looks that could be known: those which the caption names, and those of
whoever returns while there is a memory.

Shape suffixes, for this module only:
    N  glimpses, or pictures  A  their figures, `FIGURES`         K  attributes of a person
    S  attributes of a scene that are asked   C  latent channels   D  width
    h, w  latent cells        L  patches      P  parts

References: Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
2016 (arXiv:1603.08155): a frozen network as a loss; here it is asked for what is known, as in
Odena et al., "Conditional Image Synthesis with Auxiliary Classifier GANs", 2017
(arXiv:1610.09585), without the adversary.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from onestory.diffusion.codec import BlockCodec
from onestory.storyworld.attributes import PERSON, Attribute
from onestory.storyworld.kinds import Part
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import Story, StoryShot, Telling, tell_story
from onestory.training.checkpoints import read_checkpoint, write_checkpoint
from onestory.training.looks import ASKED, FIGURES, Looks, looks_note, looks_of
from onestory.training.shards import Drawing, parts_of_tokens

BATCH = 128
RATE = 3e-3
NOISE = 0.4
"""Most noise on half of the glimpses that are learnt from: what is drawn is never quite clean."""

SCENE_WEIGHT = 0.3
"""How much the looks of a scene weigh, against those of people."""

CELLS_PER_TOKEN = 64
"""Cells of 4 x 4 pixels, in which attributes count what must be seen of them."""

_Question: TypeAlias = tuple[Sequence[torch.Tensor], torch.Tensor]
"""Logits of some attributes, and the classes that are right, -1 where nothing is asked."""

_NEEDED_K = torch.tensor([float(attribute.cells) for attribute in PERSON])
_PART_KP = torch.tensor(
    [[0.0, *(float(part in attribute.parts) for part in Part)] for attribute in PERSON]
)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, read_NDhw: torch.Tensor) -> torch.Tensor:
        return read_NDhw + self.layers(read_NDhw)  # type: ignore[no-any-return]  # torch forgets


class Critic(nn.Module):
    """Reads looks off latents."""

    def __init__(self, channels: int, *, width: int = 128, blocks: int = 4) -> None:
        """
        Args:
            channels: Of a latent.
            width: Channels inside.
            blocks: How often a cell looks around itself.
        """
        super().__init__()
        self.stem = nn.Conv2d(channels + FIGURES, width, 3, padding=1)
        self.blocks = nn.Sequential(
            *(_Residual(width) for _ in range(blocks)), nn.GroupNorm(8, width)
        )
        self.person = _head(width, PERSON)
        self.scene = _head(width, ASKED)

    def forward(
        self, even_NChw: torch.Tensor, figure_Nhw: torch.Tensor, others_Nhw: torch.Tensor
    ) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
        """
        Read one figure of each picture, and the scene around it.

        Args:
            even_NChw: Latents of which every channel varies by 1.
            figure_Nhw: How much of each cell the figure covers, in [0, 1].
            others_Nhw: How much the others do.

        Returns:
            Logits of the classes of every attribute in `PERSON`, and of those in `ASKED`.
        """
        where_N2hw = 2 * torch.stack([figure_Nhw, others_Nhw], dim=1)
        read_NDhw = functional.silu(
            self.blocks(self.stem(torch.cat([even_NChw, where_N2hw], dim=1)))
        )
        around_Nhw = (1 - figure_Nhw - others_Nhw).clamp(min=0)
        person = self.person(_pooled(read_NDhw, figure_Nhw))
        scene = self.scene(_pooled(read_NDhw, around_Nhw))
        return (
            person.split([len(attribute.classes) for attribute in PERSON], dim=1),
            scene.split([len(attribute.classes) for attribute in ASKED], dim=1),
        )


def _head(width: int, attributes: Sequence[Attribute]) -> nn.Sequential:
    classes = sum(len(attribute.classes) for attribute in attributes)
    return nn.Sequential(nn.Linear(2 * width, 256), nn.SiLU(), nn.Linear(256, classes))


def _pooled(read_NDhw: torch.Tensor, where_Nhw: torch.Tensor) -> torch.Tensor:
    """Mean and maximum over a part of the picture."""
    weight_N1hw = where_Nhw[:, None] + 1e-3
    mean_ND = (read_NDhw * weight_N1hw).sum((2, 3)) / weight_N1hw.sum((2, 3))
    return torch.cat([mean_ND, (read_NDhw * weight_N1hw).amax((2, 3))], dim=1)


def visible(parts_NLP: torch.Tensor, figure_Nhw: torch.Tensor) -> torch.Tensor:
    """
    Say what can be seen of a figure.

    Args:
        parts_NLP: How much of each patch of 2 x 2 cells each part covers, in [0, 1].
        figure_Nhw: How much of each cell the figure covers.

    Returns:
        For every attribute whether enough is seen of the parts that show it, `N K`, bool.
    """
    cover_NL = functional.avg_pool2d(figure_Nhw[:, None], 2).flatten(1)
    share_NL = (cover_NL / (parts_NLP[..., 1:].sum(dim=-1) + 1e-4)).clamp(max=1)
    seen_NP = CELLS_PER_TOKEN * (parts_NLP * share_NL[..., None]).sum(dim=1)
    return seen_NP @ _PART_KP.T >= _NEEDED_K


def looks_loss(
    critic: Critic,
    even_NChw: torch.Tensor,
    figures_NAhw: torch.Tensor,
    parts_NLP: torch.Tensor,
    looks: Looks,
    *,
    is_heard_N: torch.Tensor,
    has_memory: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Ask a frozen critic for the looks that could be known.

    Args:
        critic: Who reads.
        even_NChw: What was drawn, every channel varying by 1.
        figures_NAhw: How much of each cell each figure covers.
        parts_NLP: How much of each patch each part covers.
        looks: The truth.
        is_heard_N: Whether the caption was read.
        has_memory: Whether whoever returns was remembered.

    Returns:
        Cross-entropy over what is asked of people, and over what is asked of scenes; 0 if
        nothing is.
    """
    is_heard_N1 = is_heard_N[:, None]
    people: list[_Question] = []
    # The first figure last, for its scene is the answer: nobody learnt to read around one that is
    # not there, which the other may be.
    for figure in reversed(range(FIGURES)):
        figure_Nhw, others_Nhw = figures_NAhw[:, figure], figures_NAhw[:, 1 - figure]
        person, scene = critic(even_NChw, figure_Nhw, others_Nhw)
        known_NK = looks.told_NAK[:, figure] | (looks.returns_NA[:, figure, None] & has_memory)
        known_NK = known_NK & is_heard_N1 & visible(parts_NLP, figure_Nhw)
        people.append((person, looks.people_NAK[:, figure].masked_fill(~known_NK, -1)))
    known_NS = looks.scene_told_NS | (looks.scene_returns_N[:, None] & has_memory)
    answers_NS = looks.scene_NS.masked_fill(~(known_NS & is_heard_N1), -1)
    return _asked(people), _asked([(scene, answers_NS)])


def _asked(questions: Iterable[_Question]) -> torch.Tensor:
    """Mean cross-entropy over everything that has an answer."""
    sums, num = [], 0
    for logits, answers_NK in questions:
        for logits_NX, answer_N in zip(logits, answers_NK.T, strict=True):
            sums.append(
                functional.cross_entropy(
                    logits_NX.float(), answer_N, ignore_index=-1, reduction="sum"
                )
            )
            num += int((answer_N >= 0).sum())
    return torch.stack(sums).sum() / max(num, 1)


# ── how it comes about ────────────────────────────────────────────────────


@dataclass(frozen=True, kw_only=True, slots=True)
class Glimpses:
    """One frame of every shot in which somebody is seen for the first time."""

    latents_NChw: torch.Tensor
    figures_NAhw: torch.Tensor
    visible_NAK: torch.Tensor
    people_NAK: torch.Tensor
    scene_NS: torch.Tensor


def draw_glimpses(path: Path, seeds: range, codec: BlockCodec, telling: Telling) -> None:
    """
    Draw glimpses of stories and keep them in one file, whole or not at all.

    Args:
        path: Where.
        seeds: Which stories.
        codec: Makes latents.
        telling: How stories are told.
    """
    drawing = Drawing()
    rows: list[tuple[torch.Tensor, ...]] = []
    for seed in seeds:
        rng, story = np.random.default_rng(seed), tell_story(seed, telling=telling)
        seen: set[str] = set()
        for shot in story.shots:
            if not shot.cast or seen >= {*shot.cast}:
                continue
            seen |= {*shot.cast}
            rows.append(
                _glimpse(shot, story, codec, drawing, int(rng.integers(telling.num_frames)))
            )
    tensors = dict(
        zip(
            ("latents_NChw", "figures_NAhw", "visible_NAK", "people_NAK", "scene_NS"),
            (torch.stack(column).contiguous() for column in zip(*rows, strict=True)),
            strict=True,
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_suffix(".part")
    save_file(tensors, hidden)
    hidden.replace(path)


def _glimpse(
    shot: StoryShot, story: Story, codec: BlockCodec, drawing: Drawing, index: int
) -> tuple[torch.Tensor, ...]:
    renderer = SceneRenderer(shot.scene, drawing.width, drawing.height)
    frame_1HW3 = torch.from_numpy(renderer.frame(index))[None]
    latent_Chw = codec.encode(frame_1HW3[None])[0, :, 0]
    rows, columns = latent_Chw.shape[1:]
    stand_ins = StandIns(shot.scene, rows=rows, columns=columns, cell=drawing.width // columns)
    figures_Ahw = torch.from_numpy(stand_ins.guides(index)[1 : 1 + FIGURES].copy())
    parts_LP = torch.from_numpy(parts_of_tokens(renderer.truth(index), drawing)).float() / 255
    looks = looks_of([looks_note(story, shot)])
    seen_AK = visible(parts_LP.expand(FIGURES, -1, -1), figures_Ahw)
    return latent_Chw.half(), figures_Ahw.half(), seen_AK, looks.people_NAK[0], looks.scene_NS[0]


def read_glimpses(paths: Sequence[Path]) -> Glimpses:
    """Read what `draw_glimpses` kept."""
    files = [load_file(path) for path in paths]
    return Glimpses(**{name: torch.cat([file[name] for file in files]) for name in files[0]})


def learn(
    critic: Critic, glimpses: Glimpses, std_C: torch.Tensor, folder: Path, *, steps: int, seed: int
) -> Iterator[int]:
    """
    Train a critic, or go on with it.

    Args:
        critic: Trained in place.
        glimpses: What it learns from.
        std_C: How much every channel varies.
        folder: Where its checkpoint lies.
        steps: How many in all.
        seed: Decides everything random.

    Yields:
        The number of steps taken, after every checkpoint; the steps end with the last.
    """
    optimizer = torch.optim.AdamW(critic.parameters(), lr=0.0, weight_decay=0.05)
    parts, optimizers = {"critic": critic}, {"adamw": optimizer}
    step = read_checkpoint(folder, parts, optimizers)
    for number in range(step, steps):
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (number + 1) / 50) * (1 - number / steps)
        with torch.autocast("cpu", torch.bfloat16):
            loss = _step_loss(critic, glimpses, std_C, np.random.default_rng([seed, number]))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(critic.parameters(), 1.0)
        optimizer.step()
        if (number + 1) % 100 == 0 or number + 1 == steps:
            write_checkpoint(folder, number + 1, parts, optimizers)
            yield number + 1


def _step_loss(
    critic: Critic, glimpses: Glimpses, std_C: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    chosen_N = torch.from_numpy(rng.integers(len(glimpses.latents_NChw), size=BATCH))
    is_there_N = glimpses.people_NAK[chosen_N, 1, 0] >= 0
    figure_N = torch.from_numpy(rng.integers(FIGURES, size=BATCH)) * is_there_N
    even_NChw = glimpses.latents_NChw[chosen_N].float() / std_C[:, None, None]
    noise_N = torch.from_numpy(NOISE * rng.random(BATCH) * (rng.random(BATCH) < 0.5)).float()
    noise_NChw = torch.from_numpy(rng.standard_normal(even_NChw.shape, dtype=np.float32))
    figures_NAhw = glimpses.figures_NAhw[chosen_N].float()
    rows = torch.arange(BATCH)
    person, scene = critic(
        even_NChw + noise_N[:, None, None, None] * noise_NChw,
        figures_NAhw[rows, figure_N],
        figures_NAhw[rows, 1 - figure_N],
    )
    is_seen_NK = glimpses.visible_NAK[chosen_N, figure_N]
    answers_NK = glimpses.people_NAK[chosen_N, figure_N].masked_fill(~is_seen_NK, -1)
    return _asked([(person, answers_NK)]) + SCENE_WEIGHT * _asked(
        [(scene, glimpses.scene_NS[chosen_N])]
    )
