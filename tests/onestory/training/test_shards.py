"""Stories are drawn once, kept without pixels, and never taken torn."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from onestory.diffusion.blocking import blocking_of
from onestory.diffusion.text import shared_text
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.standins import StandIns
from onestory.storyworld.stories import Telling, tell_story
from onestory.testing.tiny_pocket import tiny_codec
from onestory.training import shards as module
from onestory.training.refining import with_refiner
from onestory.training.shards import (
    NUM_PARTS,
    PLACE_KINDS,
    STORIES_PER_SHARD,
    Drawing,
    draw,
    missing_shards,
    read_shard,
    shard_name,
    told_of,
    write_shard,
)

Write = Callable[[Path, range], None]


@pytest.fixture(name="write")
def _write(telling: Telling) -> Write:
    """Write a shard that is drawn as small as one token."""

    def write(path: Path, seeds: range) -> None:
        write_shard(
            path,
            seeds,
            codec=tiny_codec(),
            text=shared_text(),
            telling=Telling(num_shots=2, num_frames=1),
            drawing=Drawing(width=32, height=32),
        )

    return write


def test_a_shard_holds_what_was_drawn(shards: list[Path], telling: Telling, small: Drawing) -> None:
    """Latents, stills, captions and notes of every shot are those of the story."""
    shard = read_shard(shards[1])
    codec = tiny_codec()

    assert shard.latents_SCFhw.shape == (5 * 3, 8, 2, 6, 4)
    assert shard.stills_SCFhw.shape == (5 * 3, 8, 1, 6, 4)
    row = 3 * 2 + 1
    story = tell_story(102, telling=telling)
    shot = story.shots[1]
    frames_THW3, part_FLP, area_FA = draw(shot, story, small)
    frames = torch.from_numpy(frames_THW3)[None]
    assert torch.equal(shard.latents_SCFhw[row], codec.encode(frames)[0].half())
    assert torch.equal(shard.stills_SCFhw[row], codec.encode(frames[:, -1:])[0].half())
    assert torch.equal(shard.parts_SFLP[row], torch.from_numpy(part_FLP))
    assert torch.equal(shard.areas_SFA[row], torch.from_numpy(area_FA))
    stand_ins = StandIns(shot.scene, rows=6, columns=4)
    assert torch.equal(shard.blocking_SPFhw[row], blocking_of(stand_ins, codec, [0, 3]).half())
    assert torch.equal(shard.features[row], shared_text().read_told(told_of(shot)).half())


def test_notes_say_who_is_where(shards: list[Path], telling: Telling) -> None:
    """A note numbers people and places in the order of the story, and knows what is new."""
    for note in read_shard(shards[0]).notes:
        story = tell_story(int(str(note["seed"])), telling=telling)
        shot = next(one for one in story.shots if one.caption == note["caption"])
        people, kind = note["people"], note["kind"]

        assert isinstance(people, list)
        assert tuple("AB"[number] for number in people) == shot.people
        assert "PQ"[int(str(note["place"]))] == shot.place
        assert PLACE_KINDS[int(str(kind))] is story.places[shot.place].place.kind
        assert note["introduces"] == sorted(shot.introduces)
        assert note["pattern"] == story.pattern.value


def test_parts_and_areas_tell_the_truth(telling: Telling, small: Drawing) -> None:
    """What tokens and people cover is counted from the frame in the middle of four."""
    story = tell_story(4, telling=telling)
    shot = next(one for one in story.shots if one.people)
    frames_THW3, part_FLP, area_FA = draw(shot, story, small)
    truth = SceneRenderer(shot.scene, small.width, small.height).truth(3)

    assert frames_THW3.shape == (5, 96, 64, 3)
    assert part_FLP.shape == (2, 6, NUM_PARTS)
    assert np.abs(part_FLP.astype(int).sum(axis=2) - 255).max() <= NUM_PARTS
    corner = truth.parts_HW[32:64, :32]
    expected = [round(255 * float((corner == part).mean())) for part in range(NUM_PARTS)]
    assert part_FLP[1, 2].tolist() == expected
    for number, name in enumerate(story.people):
        seen = truth.mask(name).mean() if name in shot.people else 0.0
        assert area_FA[1, number] == pytest.approx(seen)
    assert area_FA.shape == (2, 2)


def test_drawing_again_draws_the_same(
    shards: list[Path], tmp_path: Path, telling: Telling, small: Drawing
) -> None:
    """A shard is its seeds, to the byte."""
    again = tmp_path / "again.safetensors"
    write_shard(
        again,
        range(100, 105),
        codec=tiny_codec(),
        text=shared_text(),
        telling=telling,
        drawing=small,
    )

    assert again.read_bytes() == shards[1].read_bytes()


def test_what_is_missing_is_named(tmp_path: Path, write: Write) -> None:
    """Shards begin every 32 stories; the last is as long as what is left."""
    first, num = 64, STORIES_PER_SHARD + 3
    missing = list(missing_shards(tmp_path, first, num, tiny_codec()))

    assert missing == [
        (tmp_path / shard_name(64), range(64, 96)),
        (tmp_path / shard_name(96), range(96, 99)),
    ]
    write(*missing[1])
    assert list(missing_shards(tmp_path, first, num, tiny_codec())) == missing[:1]


def test_a_shard_of_fewer_stories_is_drawn_again(tmp_path: Path, write: Write) -> None:
    """A run that asks for more stories than the last one gets them."""
    write(tmp_path / shard_name(0), range(2))

    assert list(missing_shards(tmp_path, 0, 2, tiny_codec())) == []
    assert list(missing_shards(tmp_path, 0, 3, tiny_codec())) == [
        (tmp_path / shard_name(0), range(3))
    ]


def test_a_shard_whose_captions_were_read_otherwise_is_drawn_again(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another layer's features would be another language: they are never mixed."""
    write(tmp_path / shard_name(0), range(2))

    monkeypatch.setattr(module, "LAYER", 6)
    assert list(missing_shards(tmp_path, 0, 2, tiny_codec())) == [
        (tmp_path / shard_name(0), range(2))
    ]


def test_a_shard_of_another_codec_is_drawn_again(tmp_path: Path, write: Write) -> None:
    """Latents that mean something else are never mixed; how a codec decodes is its own affair."""
    write(tmp_path / shard_name(0), range(2))
    other, refined = tiny_codec(), with_refiner(tiny_codec(), 0)
    other.scale.mul_(2)

    assert list(missing_shards(tmp_path, 0, 2, refined)) == []
    assert list(missing_shards(tmp_path, 0, 2, other)) == [(tmp_path / shard_name(0), range(2))]


def test_a_shard_that_lacks_the_blocking_is_drawn_again(tmp_path: Path, write: Write) -> None:
    """Shards of an older trainer do not say who stands where."""
    path = tmp_path / shard_name(0)
    write(path, range(2))
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    del tensors["blocking_SPFhw"]
    save_file(tensors, path, metadata=metadata)

    assert list(missing_shards(tmp_path, 0, 2, tiny_codec())) == [(path, range(2))]


def test_a_killed_writer_leaves_no_shard(
    tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file under another name is nothing, and the next writer is not disturbed by it."""

    def die(tensors: Any, path: Path, **_: Any) -> None:
        path.write_bytes(b"half a shard")
        raise KeyboardInterrupt

    path = tmp_path / shard_name(0)
    with monkeypatch.context() as patch:
        patch.setattr(module, "save_file", die)
        with pytest.raises(KeyboardInterrupt):
            write(path, range(1))

    assert not path.exists()
    assert [one for one, _ in missing_shards(tmp_path, 0, 1, tiny_codec())] == [path]
    write(path, range(1))
    assert list(missing_shards(tmp_path, 0, 1, tiny_codec())) == []
    assert len(read_shard(path).notes) == 2


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_torn_file_is_never_taken(tmp_path: Path, write: Write, share: float) -> None:
    """Cut off anywhere, as after a power failure, a shard counts as missing."""
    path = tmp_path / shard_name(0)
    write(path, range(1))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    assert [one for one, _ in missing_shards(tmp_path, 0, 1, tiny_codec())] == [path]
