"""What one step sees is a function of its numbers, and labels tell the truth."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch import Tensor

from onestory.diffusion.blocking import blocking_channels
from onestory.memory.selector import AUGMENTED_LABEL, FOREIGN_LABEL
from onestory.memory.showing import SHOWN
from onestory.training.batches import Batch, Kind, Stories, padded_text, relevance, shown_for
from onestory.training.looks import Looks
from onestory.training.shards import read_shard

KINDS: tuple[Kind, ...] = ("picture", "recalled picture", "shot")
C, F, h, w = 8, 2, 6, 4
LATENT = (C, h, w)


def same(one: Batch | Looks, other: Batch | Looks) -> bool:
    """Whether two batches are equal to the bit."""
    for name in type(one).__slots__:
        value, its = getattr(one, name), getattr(other, name)
        if isinstance(value, Looks):
            is_same = same(value, its)
        else:
            is_same = torch.equal(value, its) if isinstance(value, Tensor) else value == its
        if not is_same:
            return False
    return True


def places_of(stories: Stories, frame_Chw: Tensor) -> set[tuple[int, int]]:
    """Stories and shots, by number, that show a frame."""
    found = set()
    for number, shard in enumerate(stories.shards):
        frames_SFChw = torch.cat([shard.latents_SCFhw, shard.stills_SCFhw], dim=2).transpose(1, 2)
        is_it_SF = (frames_SFChw == frame_Chw.half()).flatten(2).all(dim=2)
        rows = is_it_SF.any(dim=1).nonzero().flatten().tolist()
        found |= {(number * 100 + row // 3, row % 3) for row in rows}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_draw_equal_batches(stories: Stories, shards: list[Path], kind: Kind) -> None:
    """To the bit, from data read anew, whatever was drawn before; other numbers, other samples."""
    once = stories.batch(kind, 4, (5, 17, 0))
    stories.batch(kind, 2, (1, 1, 1))
    again = Stories(shards, num_shots=3).batch(kind, 4, (5, 17, 0))

    assert same(once, again)
    for seed in ((5, 18, 0), (6, 17, 0), (5, 17, 2)):
        assert not same(once, stories.batch(kind, 4, seed))


def test_shapes_are_those_of_the_kind(stories: Stories) -> None:
    """A picture is one latent frame, a shot all of them; two recalled pictures share a memory."""
    picture, recalled, shot = (stories.batch(kind, 6, (1, 2)) for kind in KINDS)

    assert picture.latents_BCFhw.shape == (6, C, 1, h, w)
    assert picture.candidates_BMChw is None
    assert recalled.latents_BCFhw.shape == (6, C, 1, h, w)
    assert shot.latents_BCFhw.shape == (6, C, F, h, w)
    for batch, num, num_frames in ((recalled, 3, 1), (shot, 6, F)):
        assert batch.candidates_BMChw is not None
        assert batch.labels_BM is not None
        assert batch.is_real_BM is not None
        assert batch.candidates_BMChw.shape == (num, 2 * F, *LATENT)
        assert batch.labels_BM.shape == batch.is_real_BM.shape == (num, 2 * F)
        assert batch.parts_BFLP.shape == (6, num_frames, 6, 9)
        assert torch.allclose(batch.parts_BFLP.sum(dim=3), torch.ones(()), atol=0.02)
        assert batch.text_BTE.shape[0] == len(batch.place_B) == 6


def test_who_only_selects_is_shown_one_frame(stories: Stories) -> None:
    """Nothing is drawn in such a step, so no more is stacked than must be."""
    batch = stories.batch("selection", 6, (1, 2))

    assert batch.latents_BCFhw.shape == (6, C, 1, h, w)
    assert batch.candidates_BMChw is not None
    assert batch.candidates_BMChw.shape == (6, 2 * F, *LATENT)


def test_twins_are_two_moments_of_one_shot(stories: Stories) -> None:
    """The first half are first frames, the second half the stills of the very same shots."""
    batch = stories.batch("recalled picture", 8, (3, 1))
    first, still = batch.latents_BCFhw.chunk(2)

    assert torch.equal(*batch.text_BTE.chunk(2))
    assert torch.equal(*batch.place_B.chunk(2))
    for row in range(4):
        assert places_of(stories, first[row, :, 0]) & places_of(stories, still[row, :, 0])
    assert not torch.equal(first, still)


@pytest.mark.parametrize("kind", KINDS)
def test_blocking_is_that_of_the_frames_that_are_to_be_made(stories: Stories, kind: Kind) -> None:
    """Each target is told where people stand in its own frames, and not in those of others."""
    batch = stories.batch(kind, 8, (3, 4))
    told = batch.blocking_BPFhw
    assert told.shape == (8, blocking_channels(C), batch.latents_BCFhw.shape[2], h, w)

    seen = Counter[str]()
    for latents_CFhw, told_PFhw in zip(batch.latents_BCFhw.half(), told.half(), strict=True):
        for shard in stories.shards:
            for row, blocking_PFhw in enumerate(shard.blocking_SPFhw):
                choices = {
                    "all": (shard.latents_SCFhw[row], blocking_PFhw),
                    "first": (shard.latents_SCFhw[row][:, :1], blocking_PFhw[:, :1]),
                    "last": (shard.stills_SCFhw[row], blocking_PFhw[:, -1:]),
                }
                for moment, (clean_CFhw, blocked_PFhw) in choices.items():
                    if torch.equal(clean_CFhw, latents_CFhw):
                        seen[moment] += torch.equal(blocked_PFhw, told_PFhw)
    assert set(seen) == ({"all"} if kind == "shot" else {"first", "last"})
    assert seen.total() >= 8


def test_pictures_can_be_taken_where_captions_name_looks(stories: Stories) -> None:
    """All of them if asked, of any shot otherwise."""

    def introducing(named: float) -> list[bool]:
        batch = stories.batch("picture", 24, (4, 2), named=named)
        places = [min(places_of(stories, frame)) for frame in batch.latents_BCFhw[:, :, 0]]
        return [
            bool(stories.shards[story // 100].notes[story % 100 * 3 + shot]["introduces"])
            for story, shot in places
        ]

    assert all(introducing(1.0))
    assert not all(introducing(0.0))


@pytest.mark.parametrize("kind", ["recalled picture", "shot"])
def test_candidates_are_what_they_are_said_to_be(stories: Stories, kind: Kind) -> None:
    """Real ones are of earlier shots of the story, foreign ones of another, copies of none."""
    seen: Counter[str] = Counter()
    for step in range(12):
        batch = stories.batch(kind, 4, (9, step))
        candidates, labels, is_real = (
            batch.candidates_BMChw,
            batch.labels_BM,
            batch.is_real_BM,
        )
        assert candidates is not None
        assert labels is not None
        assert is_real is not None
        for row in range(len(candidates)):
            ((story, shot),) = places_of(stories, batch.latents_BCFhw[row, :, 0])
            for frame, label, real in zip(
                candidates[row], labels[row].tolist(), is_real[row].tolist(), strict=True
            ):
                places = places_of(stories, frame)
                if real:
                    assert any(a == story and b < shot for a, b in places)
                    assert 0 <= label <= 1
                    seen["real"] += 1
                elif label == FOREIGN_LABEL:
                    assert not any(a == story for a, _ in places)
                    seen["foreign"] += 1
                else:
                    assert label == AUGMENTED_LABEL
                    assert not places
                    seen["augmented"] += 1
            assert is_real[row].any()

    assert min(seen[name] for name in ("real", "foreign", "augmented")) >= 4, seen


def test_what_returns_scores_above_what_is_foreign(stories: Stories) -> None:
    """Of two candidates the one that shows what the target shows has the higher label."""
    gaps = []
    for step in range(12):
        batch = stories.batch("shot", 4, (11, step))
        assert batch.labels_BM is not None
        assert batch.is_real_BM is not None
        for label_M, is_real_M in zip(batch.labels_BM, batch.is_real_BM, strict=True):
            foreign = label_M[~is_real_M & (label_M == FOREIGN_LABEL)]
            if len(foreign):
                gaps.append(float(label_M[is_real_M].max() - foreign.max()))

    assert len(gaps) > 5
    assert min(gaps) >= 1.0
    assert sum(gaps) / len(gaps) > 1.3


def test_relevance_is_half_place_half_people() -> None:
    """Seen large in the same place a frame is worth 1; each lack takes its share away."""
    area_FA = torch.tensor([[0.2, 0.0], [0.2, 0.2], [0.01, 0.2], [0.0, 0.0]])
    here = {"place": 0, "people": [0, 1]}

    both = relevance(area_FA, here, here).tolist()
    one = relevance(area_FA, here, {"place": 0, "people": [0]}).tolist()
    elsewhere = relevance(area_FA, here, {"place": 1, "people": [0]}).tolist()
    nobody = relevance(area_FA, here, {"place": 0, "people": []}).tolist()
    nothing = relevance(area_FA, here, {"place": 1, "people": []}).tolist()

    assert (both[1], both[0], both[3]) == pytest.approx((1.0, 0.75, 0.5))
    assert both[1] > both[2] > both[0]
    assert (one[0], one[3]) == pytest.approx((1.0, 0.5))
    assert elsewhere == pytest.approx([value - 0.5 for value in one])
    assert (nobody, nothing) == ([1.0] * 4, [0.0] * 4)


def test_larger_figures_tell_more() -> None:
    """The label of a person grows with the person, up to a figure that fills the frame."""
    note = {"place": 0, "people": [0]}
    area_FA = torch.tensor([[0.0, 0.0], [0.005, 0.0], [0.05, 0.0], [0.15, 0.0], [0.5, 0.0]])
    labels = relevance(area_FA, note, note).tolist()

    assert labels == sorted(labels)
    assert labels[1] > labels[0] + 0.2
    assert labels[3] == labels[4] == pytest.approx(1.0)


def test_captions_are_padded_with_nothing() -> None:
    """Behind the end of a caption there are zeros, and the mask says where it ends."""
    texts = [torch.ones(3, 4), torch.ones(17, 4)]
    text_BTE, mask_BT = padded_text(texts)

    assert text_BTE.shape == (2, 32, 4)
    assert mask_BT.sum(dim=1).tolist() == [3, 17]
    assert torch.equal(text_BTE.any(dim=2), mask_BT)


def test_channels_vary_as_the_first_shard_says(stories: Stories, shards: list[Path]) -> None:
    """The spread of a channel is that over all shots, frames and cells."""
    latents = read_shard(shards[0]).latents_SCFhw.float()

    assert stories.std_C.shape == (C,)
    assert stories.std_C[3] == pytest.approx(float(latents[:, 3].std()), rel=1e-4)
    assert len(stories) == 10


def test_no_stories_are_refused() -> None:
    """Nothing can be drawn from nothing."""
    with pytest.raises(ValueError, match="there is no story in 0 shards"):
        Stories([], num_shots=3)


@pytest.mark.parametrize("num_shots", [2, 5, 6])
def test_stories_of_another_length_are_refused(shards: list[Path], num_shots: int) -> None:
    """Shots of two stories are never taken for one."""
    with pytest.raises(
        ValueError, match=rf"one\.safetensors holds stories of 3 shots, not {num_shots}"
    ):
        Stories(shards, num_shots=num_shots)


def test_what_frames_show_is_told_in_the_targets_terms() -> None:
    """Who is second there may be first here; who is not here is nobody; so with places."""
    blocking_FPhw = torch.zeros(F, 9, 2, 2)
    blocking_FPhw[:, 0] = 1.0
    blocking_FPhw[:, 1, 0, 0] = 0.5
    blocking_FPhw[:, 2, 1, 1] = 0.25
    note: dict[str, object] = {"cast": [0, 1], "place": 0}

    def told(*cast: int, place: int = 0) -> list[list[float]]:
        target: dict[str, object] = {"cast": list(cast), "place": place}
        shown_FOhw = shown_for(blocking_FPhw, note, target)
        assert shown_FOhw.shape == (F, SHOWN, 2, 2)
        return [shown_FOhw[0, :, 0, 0].tolist(), shown_FOhw[0, :, 1, 1].tolist()]

    assert told(0, 1) == [[1, 0.5, 0, 0.5], [1, 0, 0.25, 0.75]]
    assert told(1, place=1) == [[1, 0, 0, 0], [1, 0.25, 0, 0]]
    assert told() == [[1, 0, 0, 0.5], [1, 0, 0, 0.75]]


def test_strangers_show_nobody_of_the_target(stories: Stories) -> None:
    """What is known of a foreign or changed shot is that it shows nothing that is wanted."""
    batch = stories.batch("recalled picture", 64, (3,))
    assert batch.shown_BMOhw is not None
    assert batch.is_real_BM is not None

    assert (batch.shown_BMOhw[:, :, 0] == 1).all()
    assert not batch.shown_BMOhw[~batch.is_real_BM][:, 1:].any()
    assert batch.shown_BMOhw[batch.is_real_BM][:, 1:].any()


def test_candidates_are_told_where_they_were(stories: Stories) -> None:
    """Whatever real frame is remembered comes with its own stage and sketch."""
    batch = stories.batch("recalled picture", 16, (4,))
    assert batch.candidates_BMChw is not None
    assert batch.staged_BMShw is not None
    assert batch.is_real_BM is not None
    known = [
        (latents_CFhw[:, frame].float(), blocking_PFhw[3:, frame].float())
        for shard in stories.shards
        for latents_CFhw, blocking_PFhw in zip(
            shard.latents_SCFhw, shard.blocking_SPFhw, strict=True
        )
        for frame in range(F)
    ]

    for sample, candidate in batch.is_real_BM.nonzero().tolist():
        latents, where = batch.candidates_BMChw[sample, candidate], batch.staged_BMShw[sample]
        found = [other for clean, other in known if torch.equal(clean, latents)]
        assert any(torch.equal(other, where[candidate]) for other in found)
