"""
How much of an episode is filmed again when one caption changes?

    64 StoryWorld stories of ten shots ── filmed once ── for each shot: another action ── plan
    8 of them ── the change is filmed, too, and timed against the whole film

Shares are of plans: what `onestory plan` says would be filmed, against everything, against every
shot from the changed one on, and against the least that is possible: what really changed. That
is counted where the change is filmed: every shot whose recipe is another one afterwards.

    python tests/benchmarks/edits.py [--stories 64] [--filmed 8] [--steps 10] [--out FOLDER]

Films and report lie in FOLDER, so that a run that was stopped goes on where it was.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import StudioSettings, read_settings
from deployments.verbs import order_of, plan
from onestory.bench.scripts import SHOTS, SIZE, episode_of
from onestory.evaluation.measures import bootstrap
from onestory.testing.producing import Producer


class Bench:
    """A studio, and the films in it."""

    def __init__(self, out: Path, steps: int) -> None:
        self.out = out
        options = {"config": {"steps": steps}}
        self.producer = Producer(
            out / "home", out / "films", engine="pocket", options=options, size=SIZE
        )
        self.producer.out.mkdir(parents=True, exist_ok=True)
        self.settings: StudioSettings = read_settings(
            home=self.producer.home, engine="pocket", engine_options=options
        )

    def film(self, number: int, *, changed: int | None = None) -> dict[str, Any]:
        """Film one story; what is there already is kept."""
        started = time.monotonic()
        code, document = self.producer.produce(
            self._written(number, changed), "--max-takes", "1", "--no-voice"
        )
        if code not in (0, 3):
            raise SystemExit(f"episode {number}: {document}")
        return document | {"wall": time.monotonic() - started}

    def foreseen(self, number: int, changed: int) -> int:
        """How many shots a plan would film after a change."""
        order = order_of(
            script=self._written(number, changed), size=SIZE, max_takes=1, has_scratch_voice=False
        )
        return int(plan(order, self.settings)["to_film"])

    def _written(self, number: int, changed: int | None) -> Path:
        path = self.out / f"edits-{number:02d}.json"
        path.write_text(json.dumps(episode_of(number, changed=changed)))
        return path


def run(bench: Bench, num_stories: int, num_filmed: int) -> dict[str, Any]:
    """Film, plan, change, and film again; every number is kept as soon as it is known."""
    kept = bench.out / "numbers.json"
    numbers: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    for number in range(num_stories):
        mine = numbers.setdefault(str(number), {})
        if "foreseen" not in mine:
            first = bench.film(number)
            if first["reused"] == 0:
                mine["whole_seconds"] = first["wall"]
            mine["foreseen"] = [bench.foreseen(number, shot) for shot in range(SHOTS)]
            kept.write_text(json.dumps(numbers))
        sys.stderr.write(f"story {number}: {mine['foreseen']}\n")
    for number in range(num_filmed):
        mine = numbers[str(number)]
        if "filmed" not in mine:
            changed = number % SHOTS
            bench.film(number)
            again = bench.film(number, changed=changed)
            mine["filmed"] = {
                "changed": changed,
                "rendered": again["rendered"],
                "seconds": again["wall"],
            }
            kept.write_text(json.dumps(numbers))
        sys.stderr.write(f"story {number}: {mine['filmed']}\n")
    return report(numbers)


def report(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Shares and times."""
    foreseen = np.array([mine["foreseen"] for mine in numbers.values()]) / SHOTS
    after = np.arange(SHOTS, 0, -1) / SHOTS
    by_story = bootstrap(list(foreseen.mean(axis=1)))
    filmed = [
        {
            "story": int(number),
            "changed": mine["filmed"]["changed"] + 1,
            "foreseen": mine["foreseen"][mine["filmed"]["changed"]],
            "rendered": mine["filmed"]["rendered"],
            "everything_after": SHOTS - mine["filmed"]["changed"],
            "seconds": round(mine["filmed"]["seconds"], 1),
            "whole_seconds": round(mine["whole_seconds"], 1) if "whole_seconds" in mine else None,
        }
        for number, mine in numbers.items()
        if "filmed" in mine
    ]
    return {
        "stories": len(numbers),
        "shots": SHOTS,
        "share": {
            "affected": round(by_story.mean, 4),
            "low": round(by_story.low, 4),
            "high": round(by_story.high, 4),
            "everything_after": round(float(after.mean()), 4),
            "everything": 1.0,
            "the_shot_alone": 1 / SHOTS,
        },
        "by_position": {
            str(shot + 1): round(float(foreseen[:, shot].mean()), 4) for shot in range(SHOTS)
        },
        "filmed": filmed,
    }


def text_of(found: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    share = found["share"]
    lines = [
        f"One caption changed, at each position of {found['stories']} episodes:",
        "",
        "| filmed again | share of shots |",
        "| --- | --- |",
        "| affected (plan) | {affected:.3f} ({low:.3f} to {high:.3f}) |".format(**share),
        f"| everything after | {share['everything_after']:.3f} |",
        f"| everything | {share['everything']:.3f} |",
        f"| the changed shot alone | {share['the_shot_alone']:.3f} |",
        "",
        "| changed shot | " + " | ".join(found["by_position"]) + " |",
        "| --- |" + " --- |" * len(found["by_position"]),
        "| share | " + " | ".join(f"{value:.2f}" for value in found["by_position"].values()) + " |",
        "",
        "| story | changed shot | foreseen | filmed again | everything after | s | whole film, s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in found["filmed"]:
        cells = (
            *(one["story"], one["changed"], one["foreseen"], one["rendered"]),
            *(one["everything_after"], one["seconds"], one["whole_seconds"]),
        )
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Share of shots filmed again, by the position of the change."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    at: Sequence[int] = range(1, SHOTS + 1)
    axes.plot(at, [1.0] * SHOTS, label="everything", color="0.7")
    axes.plot(at, [(SHOTS - shot) / SHOTS for shot in range(SHOTS)], label="everything after")
    axes.plot(at, list(found["by_position"].values()), marker="o", label="affected (plan)")
    axes.axhline(1 / SHOTS, linestyle=":", color="0.5", label="the changed shot alone")
    axes.set(xlabel="changed shot", ylabel="share of shots filmed again", ylim=(0, 1.05))
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Measure, and write table, plot and numbers."""
    parser = argparse.ArgumentParser(description="How much is filmed again after one change?")
    parser.add_argument("--stories", type=int, default=64)
    parser.add_argument("--filmed", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--out", type=Path, default=Path("out/edits"))
    asked = parser.parse_args()
    bench = Bench(asked.out.resolve(), asked.steps)
    ensure_studio(bench.settings, keep=True)
    try:
        found = run(bench, asked.stories, asked.filmed)
    finally:
        stop_studio(bench.settings)
    (bench.out / "edits.json").write_text(json.dumps(found, indent=1) + "\n")
    (bench.out / "edits.md").write_text(text_of(found))
    draw(found, bench.out / "edits.png")
    sys.stdout.write(text_of(found))


if __name__ == "__main__":
    main()
