"""Tests of how the gates' encoders are schooled, on tiny ones and two stories."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSemanticSegmentation, AutoTokenizer

import onestory.evaluation.schooling as schooling_module
from onestory.continuity.encoders import FolderEncoders
from onestory.diffusion.codec import BlockCodec
from onestory.errors import WeightsError
from onestory.evaluation.coverage import COLUMNS, HEIGHT, MAX_PEOPLE, ROWS, WIDTH, coverage
from onestory.evaluation.curriculum import Schooling
from onestory.evaluation.examination import examine, roc_area
from onestory.evaluation.lessons import bodies, mirrored, moments_of
from onestory.evaluation.pupils import Sizes, make_tokenizer
from onestory.evaluation.samples import MIDDLE
from onestory.evaluation.school_run import Run, begin
from onestory.evaluation.schoolbook import (
    MOMENTS,
    Pages,
    each_story,
    page_name,
    pages_of,
    read_pages,
    write_pages,
)
from onestory.evaluation.schooling import WEIGHTS, believed, export, learn
from onestory.evaluation.training import pictures
from onestory.storyworld.kinds import Part
from onestory.storyworld.pen import PARTS
from onestory.storyworld.stories import HELD_OUT, tell_story
from onestory.testing.tiny_schooling import TINY_SCHOOLING

FIRST = TINY_SCHOOLING.first_seed


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Leave the other cores to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", name="codec")
def _codec() -> BlockCodec:
    """Every number of a latent is the mean of a sixteenth of its block, in one of 3 colours."""
    made = BlockCodec(channels=48, refine_width=0, upscale=1)
    basis = torch.zeros(48, 4, 16, 16, 3)
    for channel in range(48):
        row, column, colour = 4 * (channel // 12), 4 * (channel // 3 % 4), channel % 3
        basis[channel, :, row : row + 4, column : column + 4, colour] = 1 / 8
    made.basis_CN.copy_(basis.flatten(1))
    return made.eval()


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory, codec: BlockCodec) -> Path:
    folder = tmp_path_factory.mktemp("school")
    write_pages(folder / "pages" / page_name(FIRST), range(FIRST, FIRST + 2), codec)
    return folder


@pytest.fixture(scope="module", name="pages")
def _pages(folder: Path) -> Pages:
    return read_pages(folder / "pages" / page_name(FIRST))


def school(folder: Path, home: Path) -> Path:
    """Make a home for a run that has the pages already."""
    home.mkdir()
    (home / "pages").symlink_to(folder / "pages")
    return home


def taught(home: Path, codec: BlockCodec, choices: Schooling, *, until: int = 10**6) -> Run:
    """Go on with a run until its end, or until it is killed."""
    run = begin(home, choices)
    for step, _ in learn(run, codec, home, choices):
        if step == until:
            break
    return run


def test_pages_hold_what_the_stories_show(pages: Pages, codec: BlockCodec) -> None:
    """Cells, people and captions are the stories', and latents decode to the picture."""
    assert len(pages) == 12
    assert [len(rows) for rows in each_story(pages)] == [6, 6]
    for row, (seed, number) in enumerate(
        (seed, n) for seed in (FIRST, FIRST + 1) for n in range(6)
    ):
        story = tell_story(seed)
        shot = story.shots[number]
        assert pages.captions[row] == shot.caption
        names = list(story.people)
        told = {seed * MAX_PEOPLE + names.index(name) for name in shot.people}
        assert set(pages.people_SGP[row].flatten().tolist()) - {-1} <= told
        truths = [
            coverage(shot.scene, (max(0, 4 * group - 3 + MIDDLE) if group else 0,))[0].owners_HW
            for group in range(5)
        ]
        for moment in range(MOMENTS):
            owners = pages.owners_SGHW[row, moment].numpy()
            assert any(np.array_equal(owners, truth) for truth in truths)
    plain = (pictures(codec, pages.latents_SGChw[:, 0].float()) + 1) * 127.5
    distance = (plain.permute(0, 2, 3, 1) - pages.pictures_SHW3.float()).abs().mean((1, 2, 3))
    assert pages.pictures_SHW3.shape == (12, HEIGHT, WIDTH, 3)
    assert float(distance.max()) < 30 < float(plain.std())


def test_pages_are_drawn_once(
    folder: Path, codec: BlockCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in the folder is not drawn again, and nothing lies there by half."""
    monkeypatch.setattr("onestory.evaluation.schoolbook.draw_pages", None)
    assert len(pages_of(folder / "pages", FIRST, codec)) == 12
    assert [path.name for path in (folder / "pages").iterdir()] == [page_name(FIRST)]
    with pytest.raises(TypeError):
        pages_of(folder / "pages", FIRST + 32, codec)


def test_held_out_stories_are_never_learnt_from() -> None:
    """Choices that reach beyond are refused, and so are shapes that patches do not fill."""
    assert Schooling(first_seed=HELD_OUT - 640, files=20).files == 20
    with pytest.raises(ValueError, match="held out"):
        Schooling(first_seed=HELD_OUT - 639, files=20)
    with pytest.raises(ValueError, match="divides by 8"):
        Sizes(picture=(50, 32))


def test_files_and_pace_follow_the_steps() -> None:
    """One more file is read now and then; the rate rises, stays, and falls to nothing."""
    choices = Schooling(steps=100, warmup=10, cooldown=0.5, files=5, steps_per_file=20)
    assert [choices.files_at(step) for step in (0, 19, 20, 99)] == [3, 3, 4, 5]
    assert [choices.pace(step) for step in (0, 4, 9, 30, 75)] == [0.1, 0.5, 1.0, 1.0, 0.5]
    assert 0 < choices.pace(99) < 0.03


def test_what_is_held_is_no_part_of_a_body() -> None:
    """Cells of props are nobody's."""
    classes = torch.tensor([[1 + PARTS.index(Part.PROP), 1 + PARTS.index(Part.TOP)]])
    assert bodies(classes, torch.tensor([[2, 2]])).tolist() == [[0, 2]]


def test_a_mirrored_moment_is_another_with_the_same_truth(pages: Pages, codec: BlockCodec) -> None:
    """Sides change with the picture, whoever was first is last, and twice is not at all."""
    moments = moments_of([pages], codec, TINY_SCHOOLING, np.random.default_rng(3))
    everything = np.ones(len(moments.captions), bool)
    other = mirrored(moments, everything)
    assert np.array_equal(other.frames_BHW3, moments.frames_BHW3[:, :, ::-1])
    two = (moments.people_BP >= 0).all(1)
    assert bool(two.any())
    assert torch.equal(other.people_BP[two], moments.people_BP[two].flip(1))
    first, last = moments.owners_BHW[two] == 1, other.owners_BHW[two] == 2
    assert torch.equal(first, last.flip(-1))
    alone = ~two
    assert torch.equal(other.owners_BHW[alone], moments.owners_BHW[alone].flip(-1))
    for one, again in zip(moments[1:], mirrored(other, everything)[1:], strict=True):
        assert torch.equal(one, again) if isinstance(one, torch.Tensor) else one == again


def test_masks_that_overlook_somebody_are_not_believed() -> None:
    """A mask that was read is used if it covers everybody well enough."""
    true = torch.zeros(3, ROWS, COLUMNS, dtype=torch.uint8)
    true[:, 10:30, 5:15], true[:, 10:30, 25:35] = 1, 2
    read = true.clone()
    read[0, 10:14] = 0
    read[1][read[1] == 2] = 0
    read[2, 10:22] = 0
    taken = believed(read, true)
    assert torch.equal(taken[0], read[0])
    assert torch.equal(taken[1], true[1])
    assert torch.equal(taken[2], true[2])


def test_schooling_lowers_the_loss(folder: Path, codec: BlockCodec, tmp_path: Path) -> None:
    """After a few steps nearly everything is read better than at first."""
    home = school(folder, tmp_path / "home")
    choices = replace(TINY_SCHOOLING, steps=24, trust=0.9)
    run = begin(home, choices)
    told = [parts for _, parts in learn(run, codec, home, choices)]
    assert all(set(parts) == set(WEIGHTS) for parts in told)
    assert np.isfinite([list(parts.values()) for parts in told]).all()
    mean = {
        name: [float(np.mean([parts[name] for parts in some])) for some in (told[:4], told[-4:])]
        for name in WEIGHTS
    }
    for name in ("owners", "parts", "looks", "scenes", "light"):
        assert mean[name][1] < mean[name][0], (name, mean[name])
    totals = [sum(WEIGHTS[name] * values[when] for name, values in mean.items()) for when in (0, 1)]
    assert totals[1] < 0.9 * totals[0]


def test_a_run_that_was_killed_ends_in_the_same_state(
    folder: Path, codec: BlockCodec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was not written down is done again, to the last bit; half a file is no file."""
    monkeypatch.setattr(schooling_module, "STEPS_KEPT", 2)
    whole, broken = school(folder, tmp_path / "whole"), school(folder, tmp_path / "broken")
    choices = replace(TINY_SCHOOLING, steps=5)
    taught(whole, codec, choices)
    taught(broken, codec, choices, until=3)
    assert begin(broken, choices).step == 2
    (broken / "run.part").write_bytes(b"half of a file")
    taught(broken, codec, choices)
    expected, found = (load_file(home / "run.safetensors") for home in (whole, broken))
    assert expected.keys() == found.keys()
    assert {"people.label", "places.embedding", "momentum.0"} <= found.keys()
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


def test_a_run_goes_on_from_the_end_of_another(
    folder: Path, codec: BlockCodec, tmp_path: Path
) -> None:
    """It has the other's weights and a schedule of its own; where there is no run it says so."""
    first = taught(school(folder, tmp_path / "first"), codec, replace(TINY_SCHOOLING, steps=3))

    second = begin(school(folder, tmp_path / "second"), TINY_SCHOOLING, tmp_path / "first")
    assert second.step == 0
    for name, value in first.pupils.state_dict().items():
        assert torch.equal(value, second.pupils.state_dict()[name]), name
    with pytest.raises(WeightsError, match="holds no run"):
        begin(school(folder, tmp_path / "third"), TINY_SCHOOLING, tmp_path / "nowhere")


def test_what_is_written_is_what_was_learnt(
    folder: Path, codec: BlockCodec, pages: Pages, tmp_path: Path
) -> None:
    """Stock classes load it, and half precision changes nothing of note."""
    home = school(folder, tmp_path / "home")
    run = taught(home, codec, TINY_SCHOOLING, until=2)
    export(run, tmp_path / "out", TINY_SCHOOLING)
    frames = pages.pictures_SHW3[:4].numpy()
    pixels = torch.rand(3, 3, 64, 32, generator=torch.Generator().manual_seed(1))
    pupils = run.pupils.eval()
    looks = AutoModel.from_pretrained(tmp_path / "out" / "appearance", dtype=torch.float32)
    language = AutoModel.from_pretrained(tmp_path / "out" / "language", dtype=torch.float32)
    cells = AutoModelForSemanticSegmentation.from_pretrained(
        tmp_path / "out" / "people", dtype=torch.float32
    )
    tokens = AutoTokenizer.from_pretrained(tmp_path / "out" / "language")(
        list(pages.captions[:3]),
        padding=True,
        truncation=True,
        max_length=96,
        return_tensors="pt",
    )
    shown = {"pixel_values": pixels, "interpolate_pos_encoding": True, **tokens}
    with torch.inference_mode():
        seen = looks.eval()(pixel_values=pixels).pooler_output
        assert torch.allclose(seen, pupils.see(pixels).pooled_ND, atol=0.02)
        theirs, mine = language.eval()(**shown), pupils.language(**shown)
        assert torch.allclose(theirs.text_embeds, mine.text_embeds, atol=0.01)
        assert torch.allclose(theirs.image_embeds, mine.image_embeds, atol=0.01)
        larger = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(2))
        logits = cells.eval()(pixel_values=larger).logits
        assert torch.allclose(logits, pupils.segment(larger).owners_NKHW, atol=0.05)
    encoders = FolderEncoders(tmp_path / "out")
    assert encoders.appearance(list(frames)).shape == (4, TINY_SCHOOLING.sizes.appearance[-1])
    marks = examine(encoders, pages, codec)
    assert 0 <= marks.overlap <= 1
    assert marks.place.true_pairs > 4
    assert 0 <= marks.place.area <= 1
    assert "identity area" in marks.as_line()


def test_the_roc_area_is_the_share_of_pairs_in_order() -> None:
    """It agrees with counting all pairs; ties count half; nothing to count is chance."""
    chance = np.random.default_rng(2)
    true, wrong = chance.integers(3, 9, 40).tolist(), chance.integers(0, 7, 30).tolist()
    counted = np.mean([(a > b) + 0.5 * (a == b) for a in true for b in wrong])
    assert roc_area(true, wrong) == pytest.approx(counted)
    assert roc_area([], wrong) == 0.5


def test_no_caption_is_unknown_to_the_tokenizer() -> None:
    """Any text goes there and back, lower-cased, between its two ends, cut where it must be."""
    tokenizer = make_tokenizer(["A woman waits in the rain."], 300, 20)
    read = tokenizer("Ein Kätzchen 😀")["input_ids"]
    assert (read[0], read[-1]) == (0, 1)
    assert tokenizer.decode(read, skip_special_tokens=True).strip() == "ein kätzchen 😀"
    cut = tokenizer("word " * 50, truncation=True, max_length=20)["input_ids"]
    assert (len(cut), cut[-1]) == (20, 1)
