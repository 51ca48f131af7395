"""
What does it cost to look at a long film in which nothing, or one caption, has changed?

    film of 40 shots ── `onestory produce` again ── wall seconds of the whole command
    film of 200 shots ── the plan again, in the same process: unchanged; another first caption

Services are up. The engine's pictures depend on what they remember, so that every plan has to
know what each of its shots would remember.

    python tests/benchmarks/long_films.py [--json] [--again 40] [--planned 200] [--runs 5]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import read_settings
from deployments.verbs import order_of, plan
from onestory.testing.producing import Producer, two_lives

ACTIONS = ("waves", "sits down", "dances", "jumps", "walks", "runs", "laughs", "points")
SIZE = "96x160"


def actions_of(num_shots: int) -> list[str]:
    """Two people who never meet, turn by turn."""
    return [
        f"{('Mara', 'Jonas')[shot % 2]} {ACTIONS[shot % len(ACTIONS)]} {shot} times."
        for shot in range(num_shots)
    ]


def seconds_of(work: Callable[[], object], runs: int) -> list[float]:
    """Wall seconds of each of some runs."""
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return taken


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Middle and ends."""
    return {
        "median": round(statistics.median(seconds), 2),
        "lowest": round(min(seconds), 2),
        "highest": round(max(seconds), 2),
    }


def measure(folder: Path, again: int, planned: int, runs: int) -> dict[str, object]:
    """Film both, and look at them again and again."""
    producer = Producer(folder / "home", folder / "out", engine="remembering", size=SIZE)
    producer.out.mkdir()
    settings = read_settings(home=producer.home, engine=producer.engine)
    ensure_studio(settings, keep=True)

    def film(script: Path) -> int:
        code, document = producer.produce(script)
        if code:
            raise SystemExit(f"not filmed: {document}")
        return int(document["rendered"])

    def planning() -> int:
        return int(plan(order_of(script=script, size=SIZE), settings)["to_film"])

    try:
        script = two_lives(producer.out, "again", actions_of(again))
        rendered = film(script)
        found: dict[str, object] = {
            "again": {"shots": again, "rendered_first": rendered, "rendered_again": film(script)}
            | spread(seconds_of(lambda: film(script), runs))
        }
        actions = actions_of(planned)
        script = two_lives(producer.out, "planned", actions)
        film(script)
        for name in ("unchanged", "first_caption"):
            if name == "first_caption":
                script = two_lives(producer.out, "planned", ["Mara smiles.", *actions[1:]])
            cold = seconds_of(planning, 1)
            to_film = planning()
            warm = spread(seconds_of(planning, runs))
            found[name] = {"shots": planned, "to_film": to_film, "cold": round(cold[0], 2)} | warm
        return found
    finally:
        stop_studio(settings)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What does it cost to look again?")
    parser.add_argument("--again", type=int, default=40, help="Shots of the film made again.")
    parser.add_argument("--planned", type=int, default=200, help="Shots of the film planned.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="Print one document.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name), asked.again, asked.planned, asked.runs)
    if asked.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    for what, numbers in found.items():
        sys.stdout.write(f"{what:14} {numbers}\n")


if __name__ == "__main__":
    main()
