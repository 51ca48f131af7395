"""
How many more episodes do more workers film?

In one run the same season is filmed by whole studios of one, two and three workers, each with an
engine of its own that waits as a graphics card does, so that the cores of this machine are not the
limit. Starting a studio is not counted: from the order of the season to its report.

    python tests/benchmarks/scaling.py [--json] [--episodes 6] [--shots 8] [--seconds 7.5]
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deployments.studio.embedded import stop_studio
from deployments.studio.settings import read_settings
from onestory.testing.producing import Producer, season_of, shot_list

ACTIONS = ("waves", "sits down", "dances", "jumps", "walks", "runs", "reads", "points")


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--episodes", type=int, default=6)
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=7.5, help="an engine waits for a take")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--json", action="store_true")
    choices = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for workers in choices.workers:
        row = _night(workers, choices.episodes, choices.shots, choices.seconds)
        rows.append(row | {"times": round(row["episodes_per_hour"] / _first(rows, row), 3)})
        sys.stderr.write(_told(rows[-1]) + "\n")
    if choices.json:
        sys.stdout.write(json.dumps({"waits_s": choices.shots * choices.seconds, "nights": rows}))
        sys.stdout.write("\n")


def _first(rows: list[dict[str, Any]], row: dict[str, Any]) -> float:
    return float((rows or [row])[0]["episodes_per_hour"])


def _told(row: dict[str, Any]) -> str:
    return (
        f"{row['workers']} workers: {row['episodes']} episodes in {row['seconds']:.0f} s, "
        f"{row['episodes_per_hour']:.1f} an hour, {row['times']:.2f} times as many"
    )


def _night(workers: int, episodes: int, shots: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = {"seconds_per_take": seconds}
        producer = Producer(folder / ".onestory", folder, options=options)
        home = ("--home", str(producer.home))
        each = ("--workers", str(workers), "--engines", str(workers))
        try:
            up = producer.run("studio", "up", "--whole", *each, *home)
            if up.process.wait(timeout=600):
                raise SystemExit("\n".join(up.lines))
            season = _season(folder, episodes, shots)
            began = time.perf_counter()
            code, told = producer.run("season", str(season), "--json", *home).finish()
            took = time.perf_counter() - began
        finally:
            stop_studio(read_settings(home=producer.home, engine="painted", engine_options=options))
    if code:
        raise SystemExit(f"the season ended with {code}: {told}")
    return {
        "workers": workers,
        "episodes": episodes,
        "seconds": round(took, 1),
        "episodes_per_hour": round(3600 * episodes / took, 2),
        "jobs": [one["job"] for one in told["episodes"]],
    }


def _season(folder: Path, episodes: int, shots: int) -> Path:
    names = [f"e{number:02d}" for number in range(episodes)]
    actions = [ACTIONS[number % len(ACTIONS)] for number in range(shots)]
    for name in names:
        shot_list(folder, name, actions)
    return season_of(folder, "first", [{"episode": name} for name in names])


if __name__ == "__main__":
    main()
