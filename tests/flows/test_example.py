"""The main job, as the README says it: the example script, full size, by both engines that film."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import srt

from onestory.cut.loudness import measure_loudness
from onestory.cut.probe import decode_frames, probe_video
from onestory.testing.producing import Producer

pytestmark = [pytest.mark.studio, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "deployments/examples/last-train.fountain"


@pytest.mark.parametrize("engine", ["pocket", "previz"])
def test_the_example_becomes_a_film_that_can_be_shown(producer: Producer, engine: str) -> None:
    """Ten shots or more at 720x1280, that move, can be heard and read, and need no review."""
    producer = replace(producer, engine=engine, size="720x1280")

    code, document = producer.produce(EXAMPLE)

    film = Path(document["film"])
    facts = probe_video(film, decode=True)
    assert code == 0, [shot for shot in document["shots"] if shot["verdict"] != "circled"]
    assert len(document["shots"]) >= 10
    assert (facts.width, facts.height, facts.video_codec) == (720, 1280, "h264")
    assert abs(measure_loudness(film).integrated_lufs + 14) < 1
    cues = list(srt.parse(Path(document["subtitles"][0]).read_text()))
    spoken = EXAMPLE.read_text()
    assert len(cues) >= 5
    assert all(cue.content.split(": ")[-1].splitlines()[0] in spoken for cue in cues)
    # Eight frames a second: pocket draws no more, and holds each of them.
    small = [frame.mean(axis=2) for frame in decode_frames(film, width=72, height=128)][::3]
    moved = [float(np.abs(one - other).mean()) for one, other in pairwise(small)]
    assert np.mean([change > 0.05 for change in moved]) > 0.8, "most frames differ from the last"
    if engine == "previz":
        report = json.loads((film.parent / "continuity.json").read_text())
        assert report["unknown_words_share"] < 0.1
