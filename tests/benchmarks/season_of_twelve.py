"""
Does a season of twelve come out whole, whatever is killed on the way?

In a whole studio (Postgres, Redis, MinIO, three workers with an engine each) the workers film a
season with the engine `previz`. On the way a worker is killed twice, with all that it has started,
and the Prefect server once. The last episode is filmed by the engine `pocket`: an engine is the
studio's, so that the studio is started again for it, on the same vault and the same databases.

    delivered        every episode is done, and its film has every frame
    rendered twice   no take was stored more than once, by whichever engine
    slots            no run is under way, and no slot of any limit is held
    report           says of every episode what its ledger and its folder have

    python tests/benchmarks/season_of_twelve.py [--json] [--episodes 12] [--shots 8] [--workers 3]
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from deployments.studio.addresses import Addresses
from deployments.studio.embedded import ensure_studio, stop_studio
from deployments.studio.settings import read_settings
from deployments.studio.state import read_state
from onestory.cut.probe import probe_video
from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, season_of, shot_list
from onestory.vault.store import Vault

SEASON = "produce-season/produce-season"
ACTIONS = ("waves", "sits down", "dances", "jumps", "walks", "runs", "reads", "points")
SHOT_FRAMES = 24
SIZE = {"width": 160, "height": 288}
STORED = re.compile(r"take\.stored slate=\S+ take=(\S+)")
UNDER_WAY = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"]
PATIENCE_SECONDS = 4 * 3600.0
SETTLING_SECONDS = 120.0
"""A dead holder's lease lapses within about a minute."""


def main() -> None:
    """Film the season, look at everything, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--episodes", type=int, default=12)
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        names = [f"e{number:02d}" for number in range(1, choices.episodes + 1)]
        night = Night(Path(folder), names, choices.shots, choices.workers)
        night.film()
    if choices.json:
        sys.stdout.write(json.dumps(night.as_json()) + "\n")
    else:
        sys.stdout.write(night.as_markdown())
    raise SystemExit(1 if night.faults else 0)


@dataclass
class Night:
    """A season that is filmed while things die."""

    folder: Path
    names: list[str]
    shots: int
    workers: int
    kills: list[str] = field(default_factory=list)
    """What was killed, and when."""
    faults: list[str] = field(default_factory=list)
    """Everything that is not as it should be."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By engine: from the order to the report."""

    def film(self) -> None:
        """Film all episodes but the last with `previz`, and that one with `pocket`."""
        actions = [ACTIONS[number % len(ACTIONS)] for number in range(self.shots)]
        for name in self.names:
            shot_list(self.folder, name, actions, duration=f"{SHOT_FRAMES} frames")
        season_of(self.folder, "first", [{"episode": name, **SIZE} for name in self.names])
        *early, last = self.names
        with self._studio("previz", self.workers) as addresses:
            self._season("previz", early, addresses, strike=self._strike)
            self._look(early, addresses)
        with self._studio("pocket", 1) as addresses:
            self._season("pocket", [last], addresses)
            self._look([last], addresses)
        self._count_renders()

    def as_json(self) -> dict[str, Any]:
        """What was found."""
        return {
            "episodes": len(self.names),
            "shots": self.shots,
            "workers": self.workers,
            "seconds": self.seconds,
            "kills": self.kills,
            "faults": self.faults,
        }

    def as_markdown(self) -> str:
        """The same for a page."""
        rows = [
            ("episodes of shots", f"{len(self.names)} of {self.shots}"),
            ("workers", str(self.workers)),
            *((f"{engine}, seconds", f"{took:.0f}") for engine, took in self.seconds.items()),
            ("killed", "; ".join(self.kills)),
            ("faults", "; ".join(self.faults) or "none"),
        ]
        return "| what | found |\n| --- | --- |\n" + "".join(f"| {a} | {b} |\n" for a, b in rows)

    @property
    def _home(self) -> Path:
        return self.folder / ".onestory"

    @contextmanager
    def _studio(self, engine: str, workers: int) -> Iterator[Addresses]:
        producer = Producer(self._home, self.folder, engine=engine)
        settings = read_settings(home=self._home, engine=engine)
        each = ("--workers", str(workers), "--engines", str(workers))
        try:
            up = producer.run("studio", "up", "--whole", *each, "--home", str(self._home))
            if up.process.wait(timeout=900):
                raise SystemExit("\n".join(up.lines))
            yield ensure_studio(settings)
        finally:
            stop_studio(settings)

    def _season(
        self,
        engine: str,
        names: list[str],
        addresses: Addresses,
        strike: Callable[[Vault, int], None] | None = None,
    ) -> None:
        dashboard = _dashboard(addresses)
        began = time.perf_counter()
        order = {"season": "first.yaml", "episodes": ",".join(names), "night": engine}
        run = dashboard.submit(SEASON, order)
        if strike is not None:
            strike(Vault(addresses.vault_address()), len(names) * self.shots)
        state = dashboard.wait(run, seconds=PATIENCE_SECONDS)
        self.seconds[engine] = round(time.perf_counter() - began, 1)
        said = dashboard.read(run)["state"]
        if (state, said["name"]) != ("COMPLETED", "Completed"):
            self.faults.append(f"the night of {engine} is {said['name']}: {said['message']}")

    def _strike(self, vault: Vault, num_takes: int) -> None:
        """Kill a worker after the first take, the server at a third, a worker at the half."""
        plan = (
            (1, self._kill_a_worker),
            (num_takes // 3, self._kill_the_server),
            (num_takes // 2, self._kill_a_worker),
        )
        began = time.perf_counter()
        for at_least, kill in plan:
            while (found := len(vault.list_keys("takes/"))) < at_least:
                if time.perf_counter() - began > PATIENCE_SECONDS:
                    raise SystemExit(f"there never were {at_least} takes")
                time.sleep(0.5)
            words = kill()
            self.kills.append(f"{words} at {found} of {num_takes} takes")
            sys.stderr.write(self.kills[-1] + "\n")

    def _kill_a_worker(self) -> str:
        """Kill whichever worker has most to do, with all that it has started."""
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while True:
            services = read_state(self._home).services
            trees = {
                name: _tree(service.pid)
                for name, service in services.items()
                if name.startswith("worker-")
            }
            name = max(trees, key=lambda one: len(trees[one]))
            if len(trees[name]) > 1:
                break
            if time.perf_counter() > deadline:
                raise SystemExit("no worker ever had anything to do")
            time.sleep(0.2)
        for process in reversed(trees[name]):
            _kill(process)
        return name

    def _kill_the_server(self) -> str:
        _kill(psutil.Process(read_state(self._home).services["prefect"].pid))
        return "the Prefect server"

    def _look(self, names: list[str], addresses: Addresses) -> None:
        """Compare report, folders, ledgers and limits."""
        folder = self.folder / "films"
        report = json.loads((folder / "first" / "season.json").read_text())
        told = {one["episode"]: one for one in report["episodes"]}
        page = (folder / "first" / "season.html").read_text()
        producer = Producer(self._home, self.folder)
        _, status = producer.run("status", "--json", "--home", str(self._home)).finish()
        ledgers = {one["episode"]: one["shots"] for one in status["episodes"]}
        for name in names:
            said = told.get(name, {})
            found = {
                "job": said.get("job"),
                "is_delivered": said.get("is_delivered"),
                "num_shots": said.get("num_shots"),
                "num_circled": said.get("num_circled"),
                "num_takes_tonight": said.get("num_takes_tonight"),
                "yield_share": said.get("yield_share"),
                "takes in its ledger": [shot["takes"] for shot in ledgers.get(name, ())],
                "frames": _frames(folder / name / "episode.mp4"),
                "is on the page": f"../{name}/dailies.html" in page,
            }
            wanted = {
                "job": "done",
                "is_delivered": True,
                "num_shots": self.shots,
                "num_circled": self.shots,
                "num_takes_tonight": self.shots,
                "yield_share": 1.0,
                "takes in its ledger": [1] * self.shots,
                "frames": SHOT_FRAMES * self.shots,
                "is on the page": True,
            }
            self.faults += [
                f"{name}: {what} is {found[what]}, not {right}"
                for what, right in wanted.items()
                if found[what] != right
            ]
        self.faults += _held(addresses)
        # Told at once: whatever happens later, this was found.
        sys.stderr.write(f"{', '.join(names)}: faults {self.faults}, seconds {self.seconds}\n")

    def _count_renders(self) -> None:
        logs = [path.read_text(errors="replace") for path in self._home.glob("logs/engine*.log")]
        stored = Counter(take for log in logs for take in STORED.findall(log))
        wanted = len(self.names) * self.shots
        if len(stored) != wanted:
            self.faults.append(f"{len(stored)} takes were stored, not {wanted}")
        self.faults += [f"rendered twice: {take}" for take, times in stored.items() if times > 1]


def _dashboard(addresses: Addresses) -> Dashboard:
    assert addresses.prefect_auth is not None
    return Dashboard(addresses.prefect_api_url, addresses.prefect_auth.get_secret_value())


def _held(addresses: Addresses) -> list[str]:
    """Slots and runs that nobody has given back a while after everything ended."""
    dashboard = _dashboard(addresses)
    user, _, password = dashboard.auth.partition(":")
    deadline = time.monotonic() + SETTLING_SECONDS
    with httpx.Client(auth=(user, password), trust_env=False, timeout=60) as client:
        while True:
            limits = client.post(f"{dashboard.api}/v2/concurrency_limits/filter", json={}).json()
            under_way = client.post(
                f"{dashboard.api}/flow_runs/filter",
                json={
                    "flows": {"name": {"any_": ["produce-episode", "produce-season"]}},
                    "flow_runs": {"state": {"type": {"any_": UNDER_WAY}}},
                },
            ).json()
            held = [f"{one['name']} holds {one['active_slots']}" for one in limits]
            held = [words for words, one in zip(held, limits, strict=True) if one["active_slots"]]
            held += [f"{one['name']} is {one['state_name']}" for one in under_way]
            if not held or time.monotonic() > deadline:
                return held
            time.sleep(2)


def _tree(pid: int) -> list[psutil.Process]:
    """A process and all that it has started; nobody if it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _frames(film: Path) -> int:
    return probe_video(film, decode=True).num_frames if film.exists() else 0


if __name__ == "__main__":
    main()
