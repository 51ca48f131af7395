"""
What do the gates cost on top of a take?

A film is made as usual; then all that gates do with a take is done again for every one of its
takes: the meter reads every frame, the eyes look at a few and read the caption. Compared with the
seconds in which the engine rendered the same takes, in the same run.

    python tests/benchmarks/gates_cost.py [--json] [--engine pocket] [--shots 10]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from deployments.opening import READING, open_unit
from deployments.producing import produce
from deployments.studio.embedded import stop_studio
from deployments.studio.settings import read_settings
from deployments.verbs import order_of
from onestory.bench.scripts import SIZE, episode_of
from onestory.continuity.eyes import Eyes
from onestory.continuity.measures import measure
from onestory.cut.probe import decode_frames
from onestory.engine_server.looking import Glimpses, open_eyes
from onestory.engines.take import Take
from onestory.production.unit import Unit


def gate_seconds(unit: Unit, take: Take, eyes: Eyes) -> tuple[float, float]:
    """Wall seconds of the meter, and of the eyes."""
    frames = list(decode_frames(unit.vault.get_blob(take.media.video)))
    started = time.perf_counter()
    measure(np.stack(frames))
    measured = time.perf_counter()
    glimpses = Glimpses(len(frames))
    for frame in frames:
        glimpses.see(frame)
    eyes.read(*glimpses.caught)
    eyes.captions([take.recipe.caption])
    return measured - started, time.perf_counter() - measured


def main() -> None:
    """Film, look again, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--engine", default="pocket")
    parser.add_argument("--shots", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(home=Path(folder) / "home", engine=asked.engine)
        told = episode_of(0)
        told["shots"] = told["shots"][: asked.shots]
        script = Path(folder) / "story.json"
        script.write_text(json.dumps(told))
        order = order_of(
            script=script, out=Path(folder) / "out", size=SIZE, has_scratch_voice=False
        )
        try:
            produce(order, settings)
            with open_unit(settings, READING) as (unit, _):
                sheet = unit.records.sheet_of(told["episode"])
                state = unit.records.ledger(sheet.episode).state
                entries = [one for slate in sheet.slates for one in state.shot(slate).takes]
                takes = list(unit.records.takes([entry.address for entry in entries]).values())
                eyes, _ = open_eyes(None)
                gate_seconds(unit, takes[0], eyes)  # warm
                costs = [gate_seconds(unit, take, eyes) for take in takes]
        finally:
            stop_studio(settings)
    shares = [
        sum(cost) / take.timings.render_seconds for cost, take in zip(costs, takes, strict=True)
    ]
    result = {
        "engine": asked.engine,
        "takes": len(takes),
        "median_render_seconds": statistics.median(one.timings.render_seconds for one in takes),
        "median_meter_seconds": statistics.median(meter for meter, _ in costs),
        "median_eyes_seconds": statistics.median(seeing for _, seeing in costs),
        "median_share": statistics.median(shares),
        "largest_share": max(shares),
    }
    lines = [json.dumps(result)] if asked.json else [f"{k}: {v}" for k, v in result.items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
