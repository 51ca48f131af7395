"""Does one stretch go on where the one before it ended?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from onestory.diffusion.blocking import blocking_of
from onestory.diffusion.sampling import Sampling, sample
from onestory.diffusion.text import TEXT_DIM
from onestory.diffusion.told import Told
from onestory.engines.pocket import model as module
from onestory.engines.pocket.model import Blocking, PocketModel, Stretch, load_model, middles
from onestory.engines.pocket.picture import Grid
from onestory.memory.showing import OWNERS
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import tell_story

GRID = Grid(6, 4)
FEW = Sampling(steps=2)


@pytest.fixture(scope="module", name="model")
def _model(tiny_weights: Path) -> PocketModel:
    return load_model(tiny_weights)


class Calls:
    """Samples as ever, and keeps what it was given and what came out."""

    def __init__(self) -> None:
        self.noises: list[torch.Tensor] = []
        self.texts: list[torch.Tensor] = []
        self.firsts: list[torch.Tensor | None] = []
        self.memories: list[object] = []
        self.blockings: list[torch.Tensor | None] = []
        self.made: list[torch.Tensor] = []

    def __call__(self, modules: Any, noise: Any, text: Any, **given: Any) -> torch.Tensor:
        """Draw a stretch."""
        self.noises.append(noise)
        self.texts.append(text)
        self.firsts.append(given["first_BChw"])
        self.memories.append(given["memory"])
        self.blockings.append(given["blocking_BPFhw"])
        self.made.append(sample(modules, noise, text, **given))
        return self.made[-1]


@pytest.fixture(name="calls")
def _calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    calls = Calls()
    monkeypatch.setattr(module, "sample", calls)
    return calls


def draw(model: PocketModel, num_frames: int, **fields: Any) -> list[Stretch]:
    """Draw a man who walks."""
    text_TE = model.read(Told(caption="Wide shot, day: in a park, a man walks."))
    usual: dict[str, Any] = {"grid": GRID, "seed": 5, "sampling": FEW}
    return list(model.draw(text_TE, num_frames=num_frames, **(usual | fields)))


def test_each_stretch_starts_from_the_last_frame_before_it(
    model: PocketModel, calls: Calls
) -> None:
    """The last frame that was seen, coded anew, is the next one's first; it is not seen twice."""
    stretches = draw(model, 40)

    assert [len(stretch.frames_THW3) for stretch in stretches] == [17, 16, 7]
    assert [len(stretch.latents_FChw) for stretch in stretches] == [5, 4, 2]
    assert calls.firsts[0] is None
    for before, first in zip(stretches, calls.firsts[1:], strict=False):
        assert first is not None
        assert torch.equal(first[0], model.encode(before.frames_THW3[-1]))
    decoded = model.codec.decode(calls.made[1])[0].round().to(torch.uint8).numpy()
    assert np.array_equal(stretches[1].frames_THW3, decoded[1:])
    assert np.array_equal(stretches[1].latents_FChw, calls.made[1][0].transpose(0, 1)[1:].numpy())


@pytest.mark.parametrize(
    ("num_frames", "middles"),
    [
        (1, [[0]]),
        (6, [[0, 3, 5, 5, 5]]),
        (40, [[0, 3, 7, 11, 15], [16, 19, 23, 27, 31], [32, 35, 39, 39, 39]]),
    ],
)
def test_every_stretch_is_told_who_stands_where_in_its_frames(
    model: PocketModel, calls: Calls, num_frames: int, middles: list[list[int]]
) -> None:
    """Of every latent frame its middle; behind the end people stand as they did there."""
    asked: list[list[int]] = []

    def tell(frames: Sequence[int]) -> torch.Tensor:
        asked.append(list(frames))
        shape = (model.modules.blocking_channels, len(frames), GRID.rows, GRID.columns)
        return torch.full(shape, 1.0 + frames[0])

    draw(model, num_frames, blocking=Blocking(told=tell))
    draw(model, num_frames)

    assert asked == middles
    told, untold = calls.blockings[: len(middles)], calls.blockings[len(middles) :]
    assert [None if one is None else float(one.mean()) for one in told] == [
        1.0 + stretch[0] for stretch in middles
    ]
    assert untold == [None] * len(middles)
    assert not torch.equal(calls.made[0], calls.made[len(middles)])


def test_frames_that_are_shown_are_those_of_the_scene(model: PocketModel) -> None:
    """Eight drawn frames a second are every third of a scene at 24."""
    scene = tell_story(3).shots[0].scene
    blocking = model.block(scene, GRID, [0, 3, 6])
    stand_ins = StandIns(scene, rows=GRID.rows, columns=GRID.columns)

    assert torch.equal(blocking.told([1, 2]), blocking_of(stand_ins, model.codec, [3, 6]))


def test_a_short_shot_is_the_beginning_of_a_long_one(model: PocketModel) -> None:
    """Where people stand alike, length changes how much is shown: noise is drawn in stretches."""
    short, long = (np.concatenate([s.frames_THW3 for s in draw(model, num)]) for num in (6, 20))

    assert np.array_equal(short, long[:6])


def test_noise_follows_from_the_seed_and_the_stretch(model: PocketModel, calls: Calls) -> None:
    """No two stretches share their noise; a picture has that of a shot's first frame."""
    draw(model, 33)
    draw(model, 1)
    draw(model, 1, seed=6)
    first, second, picture, other = calls.noises

    assert not torch.equal(first, second)
    assert picture.shape == (1, 8, 1, 6, 4)
    assert torch.equal(picture, first[:, :, :1])
    assert not torch.equal(picture, other)
    assert abs(float(first.std()) - 1) < 0.1


def test_all_stretches_share_caption_and_memory(model: PocketModel, calls: Calls) -> None:
    """A long shot forgets nothing on its way; captions are padded as in training."""
    memory = model.remember(torch.randn(3, 8, 6, 4), (0, 1, 2))

    draw(model, 30, memory=memory)

    assert calls.memories == [memory, memory]
    assert torch.equal(calls.texts[0], calls.texts[1])
    assert calls.texts[0].shape == (1, 16, TEXT_DIM + OWNERS)
    assert model.remember(torch.zeros(0, 8, 6, 4), ()) is None


def test_progress_runs_through_all_stretches(model: PocketModel) -> None:
    """Two stretches of two steps: a quarter each."""
    shares: list[float] = []

    draw(model, 20, at_step=shares.append)

    assert shares == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("num_frames", "found"),
    [
        (1, [0]),
        (6, [0, 3, 5]),
        (17, [0, 3, 7, 11, 15]),
        (40, [0, 3, 7, 11, 15, 19, 23, 27, 31, 35, 39]),
    ],
)
def test_every_latent_frame_has_its_middle(
    model: PocketModel, num_frames: int, found: list[int]
) -> None:
    """As many as a shot has latents, in order, none behind its end."""
    assert middles(num_frames) == found
    assert sum(len(stretch.latents_FChw) for stretch in draw(model, num_frames)) == len(found)


def test_the_decoder_is_shown_the_frames_it_draws(
    model: PocketModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sketch for each frame of a stretch, the last of the one before among them."""
    asked: list[list[int]] = []
    given: list[Any] = []
    decode = model.codec.decode

    def note(latents: torch.Tensor, sketch: torch.Tensor | None = None) -> torch.Tensor:
        given.append(sketch)
        return decode(latents)

    def sketched(frames: Sequence[int]) -> torch.Tensor:
        asked.append(list(frames))
        return torch.zeros(len(frames), 1, 1, 3, dtype=torch.uint8)

    def tell(frames: Sequence[int]) -> torch.Tensor:
        return torch.zeros(model.modules.blocking_channels, len(frames), GRID.rows, GRID.columns)

    monkeypatch.setattr(model.codec, "decode", note)
    draw(model, 20, blocking=Blocking(told=tell, sketched=sketched))

    assert asked == [list(range(17)), [16, 17, 18, 19, 19]]
    assert [len(sketch[0]) for sketch in given] == [17, 5]
