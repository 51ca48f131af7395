"""Tests of encoders that are loaded from a folder, on tiny ones whose weights are chance."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoTokenizer,
    CLIPModel,
    DINOv3ConvNextModel,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    SiglipConfig,
    SiglipModel,
    SwinConfig,
    UperNetForSemanticSegmentation,
)

from onestory.continuity.cutting import NEUTRAL, cut_out, emptied, letterboxed
from onestory.continuity.encoders import (
    FEWEST_SHARE,
    FolderEncoders,
    fingerprint_of,
    left_to_right,
    person_labels,
    shared_encoders,
)
from onestory.continuity.preparing import read_preprocessing
from onestory.errors import WeightsError
from onestory.evaluation.pupils import Pupils, make_tokenizer, write_encoders
from onestory.testing.tiny_schooling import TINY_SCHOOLING

SIZES = replace(TINY_SCHOOLING.sizes, words=300, caption_tokens=40)
CAPTIONS = ["A woman in a red coat waits.", "A man runs!", "Ein Kätzchen schläft 😀"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Leave the other cores to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoders")
    tokenizer = make_tokenizer(CAPTIONS[:2], SIZES.words, SIZES.caption_tokens)
    torch.manual_seed(5)
    pupils = Pupils(SIZES, len(tokenizer)).eval()
    # As they are drawn, weights are so small that all pictures look the same.
    for model in (pupils.appearance, pupils.language):
        for one in model.parameters():
            if one.ndim > 1:
                torch.nn.init.normal_(one, std=0.1)
    torch.nn.init.normal_(pupils.people.decode_head.classifier.weight, std=3.0)
    write_encoders(pupils, tokenizer, SIZES, folder)
    return folder


@pytest.fixture(scope="module", name="encoders")
def _encoders(folder: Path) -> FolderEncoders:
    return shared_encoders(folder)


@pytest.fixture(scope="module", name="frames")
def _frames() -> np.ndarray:
    """Coarse coloured noise, of just the size that the small models are shown."""
    blocks = np.random.default_rng(2).integers(0, 256, (5, 8, 4, 3), np.uint8)
    return blocks.repeat(8, axis=1).repeat(8, axis=2)


def test_features_are_those_of_the_stock_classes(
    folder: Path, encoders: FolderEncoders, frames: np.ndarray
) -> None:
    """Loaded by their own classes and fed by hand, the models say the same."""
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        looks = DINOv3ConvNextModel.from_pretrained(folder / "appearance", dtype=torch.float32)
        seen = looks.eval()(pixel_values=pixels).last_hidden_state[:, 0]
        clip = CLIPModel.from_pretrained(folder / "language", dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(folder / "language")
        tokens = tokenizer(CAPTIONS, padding=True, return_tensors="pt")
        both = clip(pixel_values=pixels, interpolate_pos_encoding=True, **tokens)
    expected = torch.nn.functional.normalize(seen, dim=1).numpy()
    found = encoders.appearance(list(frames))
    assert found == pytest.approx(expected, abs=0.02)
    assert np.abs(found @ found.T - np.eye(5)).max() > 0.02
    assert encoders.pictures(frames) == pytest.approx(both.image_embeds.numpy(), abs=0.02)
    assert encoders.captions(CAPTIONS) == pytest.approx(both.text_embeds.numpy(), abs=0.02)
    for rows in (found, encoders.pictures(frames), encoders.captions(CAPTIONS)):
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


def test_masks_are_those_of_the_stock_segmenter(folder: Path, encoders: FolderEncoders) -> None:
    """People are where the stock class puts their labels, from left to right, without specks."""
    frames = np.random.default_rng(1).integers(0, 256, (3, 96, 64, 3), np.uint8)
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
    model = UperNetForSemanticSegmentation.from_pretrained(folder / "people", dtype=torch.float32)
    with torch.inference_mode():
        logits = model.eval()(pixel_values=pixels).logits
    larger = torch.nn.functional.interpolate(logits, size=(96, 64), mode="bilinear")
    labels = larger.argmax(1).numpy()
    found = encoders.people(frames)
    assert sum(len(masks) for masks in found) > 0
    for label, masks in zip(labels, found, strict=True):
        expected = [label == number for number in (1, 2) if (label == number).mean() > FEWEST_SHARE]
        expected.sort(key=lambda mask: np.nonzero(mask)[1].mean())
        assert len(masks) == len(expected)
        for mask, wanted in zip(masks, expected, strict=True):
            assert (mask == wanted).mean() > 0.98


def test_company_and_size_change_nothing_of_note(encoders: FolderEncoders) -> None:
    """A picture is described alike alone, among others, and at twice the size."""
    blocks = np.random.default_rng(7).integers(0, 256, (20, 8, 4, 3), np.uint8)
    small = blocks.repeat(8, axis=1).repeat(8, axis=2)
    large = small.repeat(2, axis=1).repeat(2, axis=2)
    together = encoders.appearance(list(small))
    assert encoders.appearance([small[17]])[0] == pytest.approx(together[17], abs=0.02)
    likeness = together @ encoders.appearance([large[17]])[0]
    assert (likeness.argmax(), likeness[17] > 0.9) == (17, True)
    assert encoders.pictures(large[:3]) == pytest.approx(encoders.pictures(small[:3]), abs=0.05)
    assert encoders.people(large[:1])[0].shape[1:] == large.shape[1:3]


def test_nothing_gives_nothing(encoders: FolderEncoders) -> None:
    """No frames, pictures or captions are no error."""
    none = np.zeros((0, 8, 8, 3), np.uint8)
    assert encoders.people(none) == []
    assert encoders.appearance([]).shape == (0, SIZES.appearance[-1])
    assert len(encoders.pictures(none)) == len(encoders.captions([])) == 0


def test_what_is_no_frame_is_refused(encoders: FolderEncoders) -> None:
    """Floats and single frames are named."""
    for look in (encoders.people, encoders.pictures):
        with pytest.raises(ValueError, match="uint8 N H W 3, got float64"):
            look(np.zeros((1, 8, 8, 3)))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"shape \(8, 8, 3\)"):
            look(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        encoders.appearance([np.zeros((8, 8, 4), np.uint8)])


def test_a_fingerprint_is_of_the_content_alone(folder: Path, tmp_path: Path) -> None:
    """It is the same in another place, and another after one number has changed."""
    shutil.copytree(folder, tmp_path / "copy")
    assert fingerprint_of(tmp_path / "copy") == fingerprint_of(folder)
    assert shared_encoders(folder).fingerprint == fingerprint_of(folder)
    assert shared_encoders(folder) is shared_encoders(folder)
    path = tmp_path / "copy" / "language" / "preprocessor_config.json"
    path.write_text(path.read_text().replace("0.5", "0.6", 1))
    assert fingerprint_of(tmp_path / "copy") != fingerprint_of(folder)


def test_a_folder_that_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    """Missing models, missing tensors, and missing or odd preprocessing are told apart."""
    with pytest.raises(WeightsError, match=r"no encoder at .*people") as caught:
        FolderEncoders(tmp_path / "nowhere")
    assert caught.value.hint is not None
    shutil.copytree(folder, tmp_path / "copy")
    weights = tmp_path / "copy" / "appearance" / "model.safetensors"
    tensors = load_file(weights)
    lost = tensors.pop("layer_norm.weight")
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"1 tensors, first 'layer_norm\.weight'"):
        FolderEncoders(tmp_path / "copy")
    save_file({**tensors, "layer_norm.weight": lost}, weights, metadata={"format": "pt"})
    config = tmp_path / "copy" / "people" / "config.json"
    config.write_text(config.read_text().replace('"person ', '"cat '))
    with pytest.raises(WeightsError, match="no label with 'person'"):
        FolderEncoders(tmp_path / "copy")
    shown = tmp_path / "copy" / "language" / "preprocessor_config.json"
    shown.write_text("{}")
    with pytest.raises(WeightsError, match=r"preprocessor_config\.json cannot be used"):
        FolderEncoders(tmp_path / "copy")
    weights.write_bytes(b"not safetensors")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        FolderEncoders(tmp_path / "copy")


def test_instances_of_a_universal_segmenter_are_people(folder: Path, tmp_path: Path) -> None:
    """Mask2Former is taken as it is: only its instances that are persons count."""
    shutil.copytree(folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "people")
    torch.manual_seed(0)
    config = Mask2FormerConfig(
        backbone_config=SwinConfig(
            image_size=64,
            embed_dim=16,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 1, 1],
            window_size=2,
            out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        hidden_dim=32,
        feature_size=32,
        mask_feature_size=32,
        encoder_layers=1,
        encoder_feedforward_dim=32,
        decoder_layers=2,
        dim_feedforward=32,
        num_attention_heads=2,
        num_queries=3,
        id2label={0: "cat", 1: "a person"},
    )
    model = Mask2FormerForUniversalSegmentation(config).eval()
    with torch.no_grad():
        model.class_predictor.bias.copy_(torch.tensor([0.0, 8.0, 0.0]))
    about = {
        "image_processor_type": "Mask2FormerImageProcessor",
        "size": {"shortest_edge": 64, "longest_edge": 200},
        "size_divisor": 32,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    for label in ("a person", "a dog"):
        model.config.id2label = (
            {0: "cat", 1: label} if label == "a person" else {0: "person", 1: label}
        )
        model.save_pretrained(tmp_path / "copy" / "people")
        path = tmp_path / "copy" / "people" / "preprocessor_config.json"
        path.write_text(json.dumps(about))
        found = FolderEncoders(tmp_path / "copy").people(
            np.random.default_rng(1).integers(0, 256, (2, 90, 70, 3), np.uint8)
        )
        assert [masks.shape[1:] for masks in found] == [(90, 70)] * 2
        assert all(len(masks) > 0 for masks in found) == (label == "a person")


def test_siglip_speaks_for_language_too(folder: Path, tmp_path: Path) -> None:
    """A SigLIP in the same place is fed as it was trained: captions padded, without a mask."""
    shutil.copytree(folder, tmp_path / "copy")
    place = tmp_path / "copy" / "language"
    torch.manual_seed(0)
    tower = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    model = SiglipModel(
        SiglipConfig(
            text_config={**tower, "vocab_size": 300, "max_position_embeddings": 40},
            vision_config={**tower, "image_size": 32, "patch_size": 8},
        )
    )
    model.save_pretrained(place)
    encoders = FolderEncoders(tmp_path / "copy")
    frames = np.random.default_rng(1).integers(0, 256, (2, 48, 32, 3), np.uint8)
    assert encoders.pictures(frames).shape == (2, 32)
    tokens = AutoTokenizer.from_pretrained(place)(
        CAPTIONS, padding="max_length", max_length=40, truncation=True, return_tensors="pt"
    )
    with torch.inference_mode():
        stock = AutoModel.from_pretrained(place, dtype=torch.float32).eval()
        meant = stock.get_text_features(input_ids=tokens["input_ids"]).pooler_output
    expected = torch.nn.functional.normalize(meant, dim=1).numpy()
    assert encoders.captions(CAPTIONS) == pytest.approx(expected, abs=0.02)
    assert encoders.captions(CAPTIONS[:1])[0] == pytest.approx(expected[0], abs=0.02)


def test_preprocessing_is_read_in_all_its_spellings(tmp_path: Path) -> None:
    """Crops come before sizes unless they are off; a shorter side keeps the aspect."""
    numbers = {"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}

    def told(**about: object) -> tuple[int, int]:
        (tmp_path / "preprocessor_config.json").write_text(json.dumps({**numbers, **about}))
        return read_preprocessing(tmp_path).size_of(90, 60)

    side = {"shortest_edge": 30}
    assert told(size=side, crop_size={"height": 22, "width": 24}) == (22, 24)
    assert told(size=side, crop_size={"height": 22, "width": 24}, do_center_crop=False) == (45, 30)
    assert told(size=28, do_center_crop=False) == (42, 28)
    assert told(size={**side, "longest_edge": 40}, size_divisor=8) == (40, 24)
    with pytest.raises(WeightsError, match="cannot be used"):
        told(image_mean=[0.5], size=side)


def test_a_label_is_a_person_by_its_name() -> None:
    """The first from the left comes first, whatever its number."""
    assert person_labels({0: "wall", 7: "person 1", 3: "Person 2", 5: "dog"}) == [3, 7]
    assert person_labels({0: "person 2", 1: "person 1"}) == [1, 0]


def test_people_are_ordered_from_left_to_right() -> None:
    """By where they stand, not by how they were found; specks are nobody."""
    masks = np.zeros((3, 20, 30), bool)
    masks[0, 5:15, 20:28], masks[1, 5:15, 1:9], masks[2, 0, 0] = True, True, True
    ordered = left_to_right(masks)
    assert len(ordered) == 2
    assert np.array_equal(ordered[0], masks[1])


def test_a_person_is_cut_out_with_nothing_round_them() -> None:
    """The picture is as large as the person and a margin, grey wherever the person is not."""
    frame = np.random.default_rng(1).integers(0, 100, (30, 20, 3), np.uint8)
    mask = np.zeros((30, 20), bool)
    mask[10:20, 4:9] = True
    mask[10, 4] = False
    bare = cut_out(frame, mask, margin=0.0)
    assert bare.shape == (10, 5, 3)
    assert (bare[0, 0] == NEUTRAL).all()
    assert np.array_equal(bare[1:], frame[11:20, 4:9])
    assert cut_out(frame, mask, margin=0.4).shape == (14, 7, 3)
    with pytest.raises(ValueError, match="nobody"):
        cut_out(frame, np.zeros((30, 20), bool))
    with pytest.raises(ValueError, match=r"mask is \(20, 30\)"):
        cut_out(frame, mask.T)


def test_a_frame_is_emptied_of_its_people_alone() -> None:
    """Everybody turns grey, everything else stays, and the frame itself is left alone."""
    frame = np.full((6, 6, 3), 9, np.uint8)
    one, two = np.zeros((2, 6, 6), bool)
    one[0, 0], two[5, 5] = True, True
    empty = emptied(frame, [one, two])
    assert (empty == NEUTRAL).all(-1).sum() == 2
    assert (empty == 9).all(-1).sum() == 34
    assert (frame == 9).all()


@pytest.mark.parametrize(("size", "expected"), [((20, 10), (20, 14)), ((5, 30), (42, 30))])
def test_a_letterboxed_picture_keeps_its_aspect(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    """Grey is put on two opposite sides, until the shape is that of 7 to 5."""
    picture = np.full((*size, 3), 3, np.uint8)
    boxed = letterboxed(picture, 7, 5)
    assert boxed.shape[:2] == expected
    assert (boxed == 3).all(-1).sum() == size[0] * size[1]
    assert np.array_equal(boxed, boxed[::-1]) or abs(expected[0] - size[0]) % 2
