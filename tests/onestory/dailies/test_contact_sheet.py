"""A contact sheet has every picture in its place."""

import io

import numpy as np
import pytest
from PIL import Image

from onestory.dailies.contact_sheet import contact_sheet, thumbnail


def _plain(colour: tuple[int, int, int], size: tuple[int, int] = (90, 160)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


COLOURS = ((220, 40, 40), (40, 200, 60), (50, 80, 220), (230, 210, 50), (200, 60, 210))


def _opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image


def test_pictures_stand_in_rows_in_order() -> None:
    """Five pictures in three columns make two rows, each picture at its own place."""
    sheet = _opened(contact_sheet([(str(c), _plain(c)) for c in COLOURS], 3, cell_width=90))
    assert sheet.size == (3 * 102 + 12, 2 * (160 + 26 + 12) + 12)
    for index, colour in enumerate(COLOURS):
        x, y = 12 + 45 + index % 3 * 102, 12 + 80 + index // 3 * 198
        found = sheet.getpixel((x, y))
        assert isinstance(found, tuple)
        assert np.abs(np.array(found) - colour).max() < 12


def test_labels_stand_under_their_pictures() -> None:
    """A label puts light ink under its picture; without a label there is none."""
    with_label = np.asarray(_opened(contact_sheet([("sc01-sh001", _plain(COLOURS[0]))])))
    without = np.asarray(_opened(contact_sheet([("", _plain(COLOURS[0]))])))
    under = slice(with_label.shape[0] - 36, with_label.shape[0] - 12)
    assert (with_label[under].min(axis=2) > 150).sum() > 60
    assert (without[under].min(axis=2) > 150).sum() == 0


def test_a_long_label_does_not_run_into_its_neighbour() -> None:
    """A label of any length and language stays under its own picture."""
    images = [("سطر " * 200 + "\n雨", _plain(COLOURS[0])), ("", _plain(COLOURS[1]))]
    sheet = np.asarray(_opened(contact_sheet(images, cell_width=90)))
    ink = sheet[-36:-12].min(axis=2) > 150
    assert ink[:, :104].any()
    assert not ink[:, 104:].any()


def test_pictures_of_other_shapes_are_fitted() -> None:
    """A wide picture among upright ones is fitted, not stretched."""
    images = [("", _plain(COLOURS[0])), ("", _plain(COLOURS[1], (160, 90)))]
    sheet = _opened(contact_sheet(images, cell_width=90))
    middle, edge = sheet.getpixel((12 + 102 + 45, 92)), sheet.getpixel((12 + 102 + 45, 20))
    assert isinstance(middle, tuple)
    assert isinstance(edge, tuple)
    assert middle[1] > 150
    assert max(edge) < 60


def test_what_cannot_be_read_leaves_its_place_empty() -> None:
    """Broken bytes neither stop the sheet nor move the pictures after them."""
    whole = _plain(COLOURS[1])
    for broken in (b"", b"junk", whole[: len(whole) // 3]):
        sheet = _opened(contact_sheet([("a", broken), ("b", whole)], cell_width=90))
        found = sheet.getpixel((12 + 102 + 45, 60))
        assert isinstance(found, tuple)
        assert np.abs(np.array(found) - COLOURS[1]).max() < 12
    assert contact_sheet([("", b"junk")])


def test_nothing_to_show_is_refused() -> None:
    """No pictures, or no columns, are refused with both numbers."""
    with pytest.raises(ValueError, match="got 0 in 5 columns"):
        contact_sheet([])
    with pytest.raises(ValueError, match="got 1 in 0 columns"):
        contact_sheet([("", _plain(COLOURS[0]))], 0)


def test_thumbnails_keep_their_shape() -> None:
    """A thumbnail is as large as asked for, of the same shape, never enlarged, or nothing."""
    assert _opened(thumbnail(_plain(COLOURS[0], (720, 1280)), 320)).size == (180, 320)
    assert _opened(thumbnail(_plain(COLOURS[0], (50, 40)), 320)).size == (50, 40)
    assert thumbnail(b"junk", 320) == b""
