"""The transformer is told of every frame on its own, in the language of its codec."""

from dataclasses import replace

import pytest
import torch

from onestory.diffusion.blocking import (
    blocking_channels,
    blocking_of,
    clip_blocking,
    figures_of,
    staged,
)
from onestory.diffusion.codec import latent_middles
from onestory.memory.showing import person_key, staged_by
from onestory.storyworld.kinds import Action
from onestory.storyworld.scene import Look, Performer, Place, PlaceKind, SceneSpec
from onestory.storyworld.standins import GUIDES, StandIns
from onestory.testing.tiny_pocket import CHANNELS, tiny_codec


@pytest.fixture(name="scene")
def _scene() -> SceneSpec:
    """Somebody walks down a street."""
    walker = Performer(name="A", look=Look(), action=Action.WALK)
    street = Place(kind=PlaceKind.STREET)
    return SceneSpec(place=street, performers=(walker,), num_frames=17, fps=8)


def test_every_frame_is_told_by_its_own_sketch(scene: SceneSpec) -> None:
    """Guides first, then what the codec makes of the sketch; alone or in company."""
    stand_ins, codec = StandIns(scene, rows=6, columns=4), tiny_codec()
    told_PFhw = blocking_of(stand_ins, codec, [0, 15])

    assert told_PFhw.shape == (blocking_channels(CHANNELS), 2, 6, 4)
    assert not torch.equal(told_PFhw[GUIDES:, 0], told_PFhw[GUIDES:, 1])
    for place, frame in enumerate((0, 15)):
        sketch = torch.from_numpy(stand_ins.sketch(frame))[None, None]
        assert torch.equal(told_PFhw[GUIDES:, place], codec.encode(sketch)[0, :, 0])
        guides = torch.from_numpy(stand_ins.guides(frame))
        assert torch.equal(told_PFhw[:GUIDES, place], guides)


def test_frames_keep_where_on_the_stage_they_are(scene: SceneSpec) -> None:
    """Under the names that the memory asks for: all of blocking but whom it counts as first."""
    stand_ins, codec = StandIns(scene, rows=6, columns=4), tiny_codec()
    figures = figures_of(stand_ins, codec, [0, 15], "STREET")
    told_FPhw = blocking_of(stand_ins, codec, [0, 15]).transpose(0, 1)

    frames = [{name: shown[frame] for name, shown in figures.items()} for frame in (0, 1)]
    assert torch.equal(figures[person_key("A")], told_FPhw[:, 1])
    staged_FShw = staged_by(frames, torch.Size((6, 4)))
    assert staged_FShw is not None
    assert torch.equal(staged_FShw, told_FPhw[:, 3:])
    assert torch.equal(staged_FShw, staged(told_FPhw))


def test_a_clip_is_told_by_the_middles_of_its_latent_frames(scene: SceneSpec) -> None:
    """Of 9 frames: the first, and one of each four after it."""
    codec = tiny_codec()
    told = clip_blocking(replace(scene, seed=4), codec, rows=6, columns=4, num_frames=9)
    stand_ins = StandIns(replace(scene, seed=4), rows=6, columns=4)

    assert latent_middles(9) == [0, 3, 7]
    assert torch.equal(told, blocking_of(stand_ins, codec, [0, 3, 7]))
