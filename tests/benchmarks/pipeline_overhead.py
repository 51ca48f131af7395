"""
What does the pipeline cost on top of the engine?

In one run: `onestory produce` of ten shots on services that are up, then a bare Python loop
over the same engine and the same ffmpeg work (ten takes encoded, cut, mixed and probed). The
engine takes two seconds a take, so that whatever is more is the pipeline's own: orchestration,
vault, ledger, gates, tracking and pages.

    python tests/benchmarks/pipeline_overhead.py [--json] [--seconds 2] [--shots 10]
"""

import argparse
import json
import secrets
import sys
import tempfile
import time
from pathlib import Path

from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import read_settings
from onestory.cut.assemble import AssemblyOptions, assemble
from onestory.cut.encode import VideoWriter
from onestory.cut.timeline import Cut, CutShot, CutTake
from onestory.engine_server.stage import TakeControl
from onestory.engines.painted import PaintedEngine
from onestory.engines.recipe import Recipe
from onestory.testing.producing import Producer, shot_list

ACTIONS = ("waves", "sits down", "dances", "jumps", "walks", "runs", "reads", "points")
WIDTH, HEIGHT, NUM_FRAMES = 360, 640, 48


def bare_loop(folder: Path, num_shots: int, seconds_per_take: float) -> tuple[float, float]:
    """Wall seconds of engine and ffmpeg with nothing around them: all of it, and the takes."""
    engine = PaintedEngine(seconds_per_take=seconds_per_take)
    started = time.perf_counter()
    shots = []
    for number in range(num_shots):
        path = folder / f"{number}.mp4"
        recipe = Recipe(
            engine=engine.fingerprint(),
            caption=f"shot {number}",
            seed=number,
            width=WIDTH,
            height=HEIGHT,
            num_frames=NUM_FRAMES,
            fps="24",
        )
        footage = engine.render(recipe, keyframe=None, control=TakeControl())
        with VideoWriter(path, width=WIDTH, height=HEIGHT, fps="24") as writer:
            for frame in footage.frames or ():
                writer.write(frame)
        take = CutTake(
            slate=f"tk{number}",
            video=path,
            num_frames=NUM_FRAMES,
            width=WIDTH,
            height=HEIGHT,
            fps="24",
        )
        shots.append(CutShot(slate=f"sh{number}", take=take, num_frames=NUM_FRAMES))
    taken = time.perf_counter()
    cut = Cut(
        episode="bare", title="Bare", fps="24", width=WIDTH, height=HEIGHT, shots=tuple(shots)
    )
    options = AssemblyOptions(width=WIDTH, height=HEIGHT)
    film = assemble(cut, out_dir=folder / "film", options=options)
    assert film.num_frames == num_shots * NUM_FRAMES
    return time.perf_counter() - started, taken - started


def produced(home: Path, out: Path, num_shots: int, seconds_per_take: float) -> dict[str, float]:
    """Wall seconds of the flow, from its first task to its last, and of the shots alone."""
    import httpx

    options = {"seconds_per_take": seconds_per_take}
    producer = Producer(home, out, options=options, size=f"{WIDTH}x{HEIGHT}")
    settings = read_settings(home=home, engine="painted", engine_options=options)
    addresses = ensure_studio(settings, keep=True)
    actions = [ACTIONS[number % len(ACTIONS)] for number in range(num_shots)]
    script = shot_list(out, f"bench-{secrets.token_hex(4)}", actions, duration="48 frames")
    code, document = producer.produce(script)
    assert code == 0, document
    assert document["rendered"] == num_shots
    api = httpx.Client(base_url=addresses.prefect_api_url, trust_env=False)
    runs = {"flow_runs": {"id": {"any_": [document["flow_run"]]}}}
    time.sleep(4)  # the server writes task runs down in batches
    tasks = api.post("/task_runs/filter", json=runs).json()
    starts = [run["start_time"] for run in tasks]
    ends = [run["end_time"] for run in tasks if run["end_time"]]
    shots = [run for run in tasks if run["name"].startswith(("take", "gates", "circle", "key"))]
    return {
        "first_to_last_task": _seconds(min(starts), max(ends)),
        "shots": _seconds(
            min(run["start_time"] for run in shots), max(run["end_time"] for run in shots)
        ),
        "produce": document["seconds"],
    }


def _seconds(start: str, end: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def main() -> None:
    """Measure both in one run and print the difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--shots", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="onestory-bench-") as name:
        folder = Path(name)
        (folder / "bare").mkdir()
        (folder / "out").mkdir()
        try:
            whole = produced(folder / "home", folder / "out", asked.shots, asked.seconds)
        finally:
            stop_studio(read_settings(home=folder / "home"))
        bare, takes = bare_loop(folder / "bare", asked.shots, asked.seconds)
    result = {
        "shots": asked.shots,
        "seconds_per_take": asked.seconds,
        "bare_seconds": round(bare, 2),
        "first_to_last_task_seconds": round(whole["first_to_last_task"], 2),
        "produce_seconds": round(whole["produce"], 2),
        "overhead_share": round(whole["first_to_last_task"] / bare - 1, 3),
        "overhead_ms_per_shot": round(1000 * (whole["shots"] - takes) / asked.shots),
    }
    if asked.json:
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return
    for key, value in result.items():
        sys.stdout.write(f"{key:28} {value}\n")


if __name__ == "__main__":
    main()
