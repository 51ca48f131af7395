"""Tests of the encoders' shapes, and of how people are cut out."""

import torch

from onestory.evaluation.coverage import COLUMNS, HEIGHT, NUM_CLASSES, ROWS, WIDTH
from onestory.evaluation.networks import (
    BODY,
    CONTEXT,
    EMBEDDING,
    HEAD,
    NUM_OWNERS,
    Encoders,
    boxes_of,
    cut_out,
    mean_colours,
    surroundings,
)
from onestory.storyworld.attributes import PERSON, SCENE
from onestory.storyworld.kinds import Part
from onestory.storyworld.pen import PARTS

TOP = 1 + PARTS.index(Part.TOP)
HAIR = 1 + PARTS.index(Part.HAIR)


def one_person() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Make a white place with somebody in red, black hair on top; frames, classes and owners."""
    frames = torch.ones(1, 3, HEIGHT, WIDTH)
    classes = torch.zeros(1, NUM_CLASSES, ROWS, COLUMNS)
    owners = torch.zeros(1, NUM_OWNERS, ROWS, COLUMNS)
    classes[:, TOP, 20:40, 10:20] = 1
    classes[:, HAIR, 16:20, 12:18] = 1
    classes[:, 0] = 1 - classes.sum(1)
    owners[:, 1] = classes[:, 1:].sum(1)
    owners[:, 0] = 1 - owners[:, 1]
    frames[:, 1:, 80:160, 40:80] = -1
    frames[:, :, 64:80, 48:72] = -1
    return frames, classes, owners


def test_boxes_are_tight() -> None:
    """A box is a half-open one round the mask, in shares of the picture; nothing has none."""
    mask = torch.zeros(2, 72, 40)
    mask[0, 9:18, 4:8] = 1
    assert torch.allclose(boxes_of(mask)[0], torch.tensor([0.1, 0.125, 0.2, 0.25]))
    assert boxes_of(mask)[1].tolist() == [0, 0, 0, 0]


def test_a_crop_shows_the_person_and_nothing_else() -> None:
    """White walls are gone from the crop, red is there, and the head has a crop of its own."""
    frames, classes, owners = one_person()
    crops = cut_out(frames, classes, owners[:, 1:2])
    assert crops.body_NCHW.shape[2:] == BODY
    assert crops.head_NCHW.shape[2:] == HEAD
    body = crops.body_NCHW[0]
    middle = body[:, BODY[0] // 2 + 8, BODY[1] // 2]
    assert middle[:4].tolist() == [1, -1, -1, 1]
    assert body[:, 0, 0].abs().sum() == 0
    head = crops.head_NCHW[0, :, HEAD[0] // 2, HEAD[1] // 2]
    assert head[:4].tolist() == [-1, -1, -1, 1]
    top = crops.colours_NKX[0, TOP - 1]
    assert torch.allclose(top[:3], torch.tensor([1.0, -1.0, -1.0]), atol=1e-4)
    assert torch.allclose(crops.layout_NX[0], torch.tensor([0.25, 16 / 72, 0.5, 40 / 72, 1.0]))


def test_nobody_leaves_an_empty_crop() -> None:
    """Without cells the crop is all zeros and no number is undefined."""
    frames, classes, owners = one_person()
    crops = cut_out(frames, classes, torch.zeros_like(owners[:, :1]))
    assert all(bool(part.isfinite().all()) for part in crops)
    assert crops.body_NCHW.abs().sum() == 0


def test_surroundings_do_not_depend_on_people() -> None:
    """Whatever the person wears, the place's encoder is given the same numbers."""
    frames, classes, owners = one_person()
    other = frames.clone()
    other[:, 0, 80:160, 40:80] = -1
    one, two = (surroundings(pixels, classes, owners) for pixels in (frames, other))
    assert torch.equal(one.pixels_BCHW, two.pixels_BCHW)
    assert torch.equal(one.colours_BKX, two.colours_BKX)


def test_mean_colour_and_spread() -> None:
    """Half black and half white is grey with a spread of 1; the share is a root."""
    colours = torch.ones(1, 3, 4, 4)
    colours[:, :, :2] = -1
    weights = torch.ones(1, 2, 4, 4)
    weights[:, 1, :2] = 0
    both = mean_colours(colours, weights)[0]
    assert torch.allclose(both[0, :3], torch.zeros(3))
    assert torch.allclose(both[0, 3:6], torch.ones(3), atol=1e-3)
    assert torch.allclose(both[1, :3], torch.ones(3))
    assert torch.allclose(both[:, 6], torch.tensor([1.0, 0.5**0.5]))


def test_every_attribute_has_logits() -> None:
    """Encoders answer for every attribute in order, and embeddings have length 1."""
    encoders = Encoders().eval()
    frames, classes, owners = one_person()
    with torch.inference_mode():
        cells = encoders.segmenter(frames)
        scene = encoders.place(surroundings(frames, classes, owners))
        person = encoders.person(cut_out(frames, classes, owners[:, 1:2]), scene.context)
    assert cells.classes_BKhw.shape == (1, NUM_CLASSES, ROWS, COLUMNS)
    assert cells.owners_BKhw.shape == (1, NUM_OWNERS, ROWS, COLUMNS)
    assert [one.shape[1] for one in scene.logits] == [len(one.classes) for one in SCENE]
    assert [one.shape[1] for one in person.logits] == [len(one.classes) for one in PERSON]
    assert scene.context.shape == (1, CONTEXT)
    for embedding in (scene.place_BD, person.identity_ND):
        assert embedding.shape == (1, EMBEDDING)
        assert torch.allclose(embedding.norm(dim=1), torch.ones(1), atol=1e-5)
