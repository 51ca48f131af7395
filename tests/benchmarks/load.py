"""
What does orchestration alone cost, and does it stay that way through a large season?

A whole studio (Postgres, Redis, MinIO, MLflow) films a season with an engine that paints next to
nothing, so that whatever is spent is the studio's own. Every few seconds CPU time and memory of
each service, with all that it has started, and the size of Prefect's database are noted. The
season is cut into quarters by delivered episodes: what costs more in the last than in the first
grows with what is already there, and is named. Starting the studio is not counted.

    python tests/benchmarks/load.py [--json] [--episodes 100] [--shots 10] [--workers 8] [--apis 1]
"""

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from deployments.studio.addresses import Addresses
from deployments.studio.credentials import keep_credentials
from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import read_settings
from deployments.studio.state import Topology, read_state
from deployments.studio.whole import database_url
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, season_of, shot_list

SEASON = "produce-season/produce-season"
ACTIONS = ("waves", "sits down", "dances", "jumps", "walks", "runs", "reads", "points")
SIZE = {"width": 48, "height": 80}
EVERY_SECONDS = 5.0
PATIENCE_SECONDS = 8 * 3600.0
FLAT = 1.15
"""A quarter that costs less than so many times the first costs the same."""
ORCHESTRATORS = ("prefect", "prefect-services", "postgres", "redis", "reaper", "desk", "worker")
"""Services that film nothing; what a worker starts for a film is counted with it."""
SIZES = """
    SELECT relname, n_live_tup, pg_total_relation_size(relid) FROM pg_stat_user_tables
    ORDER BY 3 DESC LIMIT 5
"""


@dataclass(frozen=True)
class Sample:
    """What was used by one moment."""

    at: float
    """Seconds since 1970."""
    cpu: Mapping[str, float]
    """CPU seconds so far, by kind of service."""
    memory: Mapping[str, float]
    """Resident megabytes, by kind of service; pages that processes share count for each."""
    database_mb: float
    """Of Prefect's database."""


@dataclass
class Watch:
    """Samples of a studio, taken by a thread until it is told to stop."""

    home: Path
    database: str
    samples: list[Sample] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Take samples."""
        while not self._stop.wait(EVERY_SECONDS):
            self.take()

    def stop(self) -> None:
        """Take no more."""
        self._stop.set()

    def take(self) -> None:
        """Take one sample."""
        cpu: dict[str, float] = {}
        memory: dict[str, float] = {}
        for name, service in read_state(self.home).services.items():
            kind = name.rstrip("-0123456789")
            seconds, megabytes = _used(service.pid)
            cpu[kind] = cpu.get(kind, 0.0) + seconds
            memory[kind] = memory.get(kind, 0.0) + megabytes
        ((size,),) = asked(self.database, "SELECT pg_database_size(current_database())")
        self.samples.append(Sample(time.time(), cpu, memory, size / 1e6))

    def by(self, moment: float) -> Sample:
        """The last sample until a moment, or the first of all."""
        return next((one for one in reversed(self.samples) if one.at <= moment), self.samples[0])


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--engines", type=int, default=1)
    parser.add_argument("--apis", type=int, default=1, help="processes of Prefect's API")
    parser.add_argument("--json", action="store_true")
    choices = parser.parse_args()
    crew = Topology(workers=choices.workers, engines=choices.engines, apis=choices.apis)
    found = measured(choices.episodes, choices.shots, crew)
    sys.stdout.write(json.dumps(found) + "\n" if choices.json else in_markdown(found))


def measured(episodes: int, shots: int, crew: Topology) -> dict[str, Any]:
    """Film a season and say what that took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        producer = Producer(folder / ".onestory", folder)
        settings = read_settings(home=producer.home, engine=producer.engine)
        counts = crew.model_dump()
        each = [word for name, count in counts.items() for word in (f"--{name}", str(count))]
        try:
            up = producer.run("studio", "up", "--whole", *each, "--home", str(producer.home))
            if up.process.wait(timeout=1800):
                raise SystemExit("\n".join(up.lines))
            return _filmed(folder, ensure_studio(settings), episodes, shots) | counts
        finally:
            stop_studio(settings)


def in_markdown(found: Mapping[str, Any]) -> str:
    """What was found, for a page."""
    quarters = found["quarters"]
    heads = ("", *(f"quarter {number}" for number in range(1, len(quarters) + 1)))
    rows = [
        ("worker seconds a shot", *(f"{one['worker_seconds_a_shot']:.2f}" for one in quarters)),
        ("orchestration, CPU s a shot", *(f"{one['orchestration']:.2f}" for one in quarters)),
        *(
            (f"{kind}, CPU s a shot", *(f"{one['cpu_a_shot'][kind]:.3f}" for one in quarters))
            for kind in quarters[0]["cpu_a_shot"]
        ),
        ("Prefect's database, MB", *(f"{one['database_mb']:.1f}" for one in quarters)),
        ("shots an hour", *(f"{one['shots_an_hour']:.0f}" for one in quarters)),
    ]
    table = [heads, ("---",) * len(heads), *rows]
    lines = [f"| {' | '.join(row)} |" for row in table]
    memory = ", ".join(f"{kind} {peak:.0f}" for kind, peak in found["peak_memory_mb"].items())
    said = (
        f"{found['episodes']} episodes of {found['shots']} shots, {found['workers']} workers, "
        f"{found['apis']} API: {found['seconds']:.0f} s, "
        f"{found['admission_seconds']:.0f} of them before any film. {found['verdict']}"
    )
    tables = ", ".join(f"{name} {rows} rows {mb:.1f} MB" for name, rows, mb in found["tables"])
    return "\n".join(
        (said, "", *lines, "", f"Peak memory, MB: {memory}.", f"Tables: {tables}.", "")
    )


def _filmed(folder: Path, addresses: Addresses, episodes: int, shots: int) -> dict[str, Any]:
    names = [f"e{number:03d}" for number in range(episodes)]
    actions = [ACTIONS[number % len(ACTIONS)] for number in range(shots)]
    for name in names:
        shot_list(folder, name, actions, duration="8 frames")
    season_of(folder, "first", [{"episode": name, **SIZE} for name in names])
    home = addresses.home
    port, keys = read_state(home).ports["postgres"], keep_credentials(home)
    watch = Watch(home, database_url("prefect", port, keys, driver="postgresql"))
    assert addresses.prefect_auth is not None
    auth = addresses.prefect_auth.get_secret_value()
    dashboard = Dashboard(addresses.prefect_api_url, auth)
    watch.take()
    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    began = time.perf_counter()
    run = dashboard.submit(SEASON, {"season": "first.yaml"})
    state = dashboard.wait(run, seconds=PATIENCE_SECONDS)
    took = time.perf_counter() - began
    watch.stop()
    thread.join()
    watch.take()
    said = dashboard.read(run)["state"]
    if (state, said["name"]) != ("COMPLETED", "Completed"):
        raise SystemExit(f"the season is {said['name']}: {said['message']}")
    runs = dashboard.wait_for_runs("produce-episode", "COMPLETED", at_least=episodes)
    runs.sort(key=lambda one: _moment(one["end_time"]))
    quarters = _quarters(runs, shots, watch)
    first = min(_moment(one["start_time"]) for one in runs)
    return {
        "episodes": episodes,
        "shots": shots,
        "seconds": round(took, 1),
        # Every episode is admitted before the first is filmed, so that no quarter has this.
        "admission_seconds": round(first - watch.samples[0].at, 1),
        "quarters": quarters,
        "verdict": verdict(quarters),
        "peak_memory_mb": {
            kind: round(max(one.memory.get(kind, 0.0) for one in watch.samples), 1)
            for kind in watch.samples[-1].memory
        },
        "first_database_mb": round(watch.samples[0].database_mb, 1),
        "tables": [
            (table, rows, round(size / 1e6, 1))
            for table, rows, size in asked(watch.database, SIZES)
        ],
    }


def _quarters(runs: Sequence[Mapping[str, Any]], shots: int, watch: Watch) -> list[dict[str, Any]]:
    """What every quarter of the delivered episodes took."""
    cuts = [len(runs) * quarter // 4 for quarter in range(5)]
    begins = min(_moment(one["start_time"]) for one in runs)
    found = []
    for first, last in pairwise(cuts):
        part = runs[first:last]
        if not part:
            continue
        ends = _moment(part[-1]["end_time"])
        before, after = watch.by(begins), watch.by(ends)
        num_shots = shots * len(part)
        spent = {
            kind: round((seconds - before.cpu.get(kind, 0.0)) / num_shots, 4)
            for kind, seconds in after.cpu.items()
        }
        filming = sum(_moment(one["end_time"]) - _moment(one["start_time"]) for one in part)
        found.append(
            {
                "shots_an_hour": round(3600 * num_shots / (ends - begins), 1),
                "worker_seconds_a_shot": round(filming / num_shots, 3),
                "orchestration": round(sum(spent.get(one, 0.0) for one in ORCHESTRATORS), 4),
                "cpu_a_shot": spent,
                "database_mb": round(after.database_mb, 1),
            }
        )
        begins = ends
    return found


def verdict(quarters: Sequence[Mapping[str, Any]]) -> str:
    """Whether a shot costs the same early and late; else what grew most."""
    first, last = quarters[0], quarters[-1]
    grown = {
        kind: last["cpu_a_shot"].get(kind, 0.0) - spent
        for kind, spent in first["cpu_a_shot"].items()
    }
    times = last["orchestration"] / first["orchestration"]
    slower = last["worker_seconds_a_shot"] / first["worker_seconds_a_shot"]
    said = f"A shot of the last quarter costs {times:.2f} times the CPU of one of the first and "
    said += f"{slower:.2f} times the worker's time"
    if max(times, slower) < FLAT:
        return f"{said}: flat."
    worst = max(grown, key=lambda kind: grown[kind])
    return f"{said}; {worst} grew most, by {grown[worst]:.2f} CPU s a shot."


def asked(database: str, query: str) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    with closing(psycopg2.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _used(pid: int) -> tuple[float, float]:
    """CPU seconds and resident megabytes of a process, with all that it has started."""
    seconds = size = 0.0
    try:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    for process in tree:
        try:
            times = process.cpu_times()
            size += process.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            continue
        # Those that have ended are counted by whoever waited for them.
        seconds += times.user + times.system + times.children_user + times.children_system
    return seconds, size


def _moment(words: str) -> float:
    return datetime.fromisoformat(words).timestamp()


if __name__ == "__main__":
    main()
