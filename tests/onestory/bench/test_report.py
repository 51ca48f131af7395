"""Tables, documents and pictures of a comparison."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from onestory.bench.cases import Case
from onestory.bench.report import contact_sheet, document, interval, plot_gaps, table

SCORES = {
    "adaptive": {"character_consistency": [0.8, 0.9, None], "dynamic_degree": [1.0, 1.0, 1.0]},
    "none": {"character_consistency": [0.1, 0.3, None], "dynamic_degree": [None, None, None]},
}
PATTERNS = ["main subject", "composable", "composable"]


def test_an_interval_holds_its_mean() -> None:
    """Stories that have no number do not count; the interval narrows with more stories."""
    few = interval([0.0, 1.0, None] * 4)
    many = interval([0.0, 1.0] * 100)

    assert few is not None
    assert many is not None
    assert (few["mean"], few["stories"]) == (0.5, 8)
    assert few["low"] < 0.5 < few["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]
    assert interval([None]) is None


def test_the_document_names_policies_and_measures() -> None:
    """Means stand beside the policy's name; intervals and patterns below it."""
    found = document(SCORES, PATTERNS, {"stories": 3})

    adaptive, none = found["policies"]
    assert found["stories"] == 3
    assert adaptive["policy"] == "adaptive"
    assert adaptive["character_consistency"] == pytest.approx(0.85)
    assert adaptive["by_pattern"]["composable"]["character_consistency"]["mean"] == 0.9
    assert none["dynamic_degree"] is None


def test_the_table_has_a_row_for_each_policy() -> None:
    """Every cell says the mean and how sure it is; what was not measured is a dash."""
    lines = table(
        document(SCORES, PATTERNS, {}), {"character_consistency": "char", "dynamic_degree": "dyn"}
    ).splitlines()

    assert lines[0] == "| policy | char | dyn |"
    assert lines[2].startswith("| adaptive | 0.850 ±")
    assert lines[3].endswith("| – |")


def test_the_sheet_shows_every_shot_of_every_rule(told: list[Case]) -> None:
    """A frame keeps its place: rules below each other, shots beside each other."""
    red, blue = (np.full((64, 36, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 0, 200)))

    sheet = contact_sheet(told[0], {"truth": [red] * 4, "adaptive": [red, red, red, blue]})

    assert sheet.getpixel((sheet.width - 20, 30)) == (200, 0, 0)
    assert sheet.getpixel((sheet.width - 20, 64 + 4 + 30)) == (0, 0, 200)


def test_gaps_are_drawn(tmp_path: Path) -> None:
    """A curve for every rule."""
    path = tmp_path / "gaps.png"

    plot_gaps({"adaptive": {0: 0.9, 3: 0.8}, "none": {0: 0.2}}, "character", path)

    with Image.open(path) as picture:
        assert picture.width > 400
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 50
