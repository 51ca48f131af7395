"""Tests of the encoders that are shipped, on stories that nobody learnt from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from onestory.continuity.content import Calibration
from onestory.continuity.encoders import FolderEncoders, shared_encoders
from onestory.diffusion.codec import load_codec
from onestory.engine_server.looking import CALIBRATION, SHIPPED
from onestory.engines.pocket.weights import find_weights
from onestory.evaluation.examination import examine
from onestory.evaluation.schoolbook import page_name, read_pages, write_pages
from onestory.storyworld.stories import HELD_OUT

FIRST = HELD_OUT + 3_000_000
STORIES = 6


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Leave the other cores to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", name="encoders")
def _encoders() -> FolderEncoders:
    return shared_encoders(SHIPPED)


def test_limits_are_of_these_encoders(encoders: FolderEncoders) -> None:
    """What lies beside them was drawn with them, for the engine that films by default."""
    calibration = Calibration.from_json((SHIPPED / CALIBRATION).read_bytes())

    assert calibration.encoders == encoders.fingerprint
    assert {"place", "background"} <= set(calibration.limits_of("pocket"))


def test_people_and_places_are_told_apart(encoders: FolderEncoders, tmp_path: Path) -> None:
    """Frame by frame, with an error like a generator's in some: nearly always."""
    codec = load_codec(find_weights(None) / "vae")
    path = tmp_path / page_name(FIRST)
    write_pages(path, range(FIRST, FIRST + STORIES), codec)

    marks = examine(encoders, read_pages(path), codec)

    assert marks.overlap > 0.65, marks.as_line()
    assert marks.identity.area > 0.93, marks.as_line()
    assert marks.place.area > 0.93, marks.as_line()
