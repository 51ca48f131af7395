"""The verb `sheets`, with a real studio and a tiny painter behind it."""

from pathlib import Path
from typing import Any

import pytest

from deployments.opening import PLANNING
from deployments.sheets import sheets, sheets_text
from deployments.studio.embedded import studio
from deployments.studio.settings import StudioSettings, read_settings
from deployments.verbs import order_of, status
from onestory.errors import OrderError
from onestory.testing.producing import shot_list
from onestory.testing.tiny_painter import write_tiny_painter
from onestory.testing.tiny_wan import write_tiny_wan

pytestmark = [pytest.mark.studio, pytest.mark.slow]


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> StudioSettings:
    """A studio whose Wan has a painter."""
    choices = {"dtype": "float32", "steps": 2}
    options: dict[str, Any] = {
        "weights": str(write_tiny_wan(tmp_path / "film", "i2v")),
        "config": choices,
        "keyframes": str(write_tiny_painter(tmp_path / "painter")),
        "keyframe_config": choices,
        "device": "cpu",
    }
    return read_settings(home=tmp_path / "home", engine="wan", engine_options=options)


def test_sheets_are_drawn_circled_and_written(settings: StudioSettings, tmp_path: Path) -> None:
    """Every candidate is a picture beside the deliveries; sheets are no episode of their own."""
    script = shot_list(tmp_path, "film", ("waves",))
    order = order_of(script=script, out=tmp_path / "out", size="64x96")
    with pytest.raises(OrderError, match="'MARA' circles nothing"):
        sheets(order, settings, candidates=1, circled=["MARA"])

    with studio(settings, only=PLANNING):
        drawn = sheets(order, settings, candidates=2, circled=["Mara=2"], by="Ada")
        again = sheets(order, settings, candidates=2)
        known = status(None, settings)

    assert (drawn["drawn"], again["drawn"]) == (4, 0)
    assert again["sheets"] == drawn["sheets"]
    circled = [(one["subject"]["name"], one["circled"], one["by"]) for one in again["sheets"]]
    assert circled == [("MARA", 2, "Ada"), ("KITCHEN", 1, "nobody")]
    pictures = [Path(path) for path in again["pictures"]]
    assert {path.parent for path in pictures} == {tmp_path / "out" / "sheets"}
    assert len({path.read_bytes() for path in pictures}) == 4
    assert "4 candidates drawn" in sheets_text(drawn)
    assert known == {"episodes": []}
