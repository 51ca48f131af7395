"""
Does a film survive whatever is killed under it? Random kills with logged seeds, and their tally.

    three shots of a film are changed ── produce ──► kill somebody at a random moment
           ▲                                                  │
           └── look at everything that lies in the vault ◄── produce again, once

Killed are the producer itself, the Prefect server, the MinIO gateway, the engine server, what
runs as ffmpeg, or a worker that carries out an order from the dashboard, with all that it has
started; or the disk is filled up. Then the next run must deliver the film, and

    lost             a take that was circled is gone, or a blob that a take names
    rendered twice   a take was stored more than once
    half-written     a document in the vault cannot be read, or the film is not whole
    damaged          a blob is not what its name says

must all be 0. The engine's pictures depend on what it remembers. The moments are spread evenly over
the time before filming, filming and delivering, each as long as it was when nobody was killed. A
kill that found nobody (the run had ended, nothing was being encoded) is counted for itself, and
tried again in the next phase.

    python tests/soak/kills.py [--kills 200] [--seed 1] [--victims flow gateway …] [--json]
                               [--tally FILE]

With a tally in a file, a soak that was stopped goes on with the next kill.
"""

import argparse
import hashlib
import json
import logging
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deployments.studio.embedded import ensure_studio, status, stop_studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.cut.probe import probe_video
from onestory.errors import OneStoryError
from onestory.testing.dashboard import ENDED, Dashboard
from onestory.testing.producing import Producer, Run, two_lives
from onestory.vault.ledger import Ledger
from onestory.vault.store import Vault

logger = logging.getLogger("soak")

EPISODE = "soak"
OPTIONS = {"seconds_per_take": 0.6}
SHOTS = 5
KILLS_PER_STUDIO = 40
"""Each leaves about five megabytes of films, all of which are looked at after every kill."""
DISK_MEGABYTES = 600
"""Size of the file system that the studio lives on, where one can be had."""
DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
STORED = re.compile(r"take\.stored slate=\S+ take=(\S+)")

GONE = (psutil.NoSuchProcess, OSError)
"""Who is to be killed may have ended by itself; who fills a disk hits its end."""

PHASES = ("before filming", "filming", "delivering")


@dataclass
class Tally:
    """What came of all kills."""

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By victim, and by how far the film was."""
    missed: Counter[str] = field(default_factory=Counter)
    """Kills that found nobody, by victim."""
    left_out: list[str] = field(default_factory=list)
    """Victims that cannot be killed here."""
    went_on: int = 0
    """Runs that delivered all the same."""
    blobs: int = 0
    """Blobs that were compared with their names."""
    failures: list[str] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Of kills so far that hit somebody."""
        return sum(self.kills.values())

    @property
    def attempts(self) -> int:
        """Of kills so far, whether they hit somebody or not."""
        return self.number + sum(self.missed.values())

    @classmethod
    def read(cls, path: Path | None) -> "Tally":
        """What a soak has kept; nothing if there is no such file yet."""
        if path is None or not path.exists():
            return cls()
        told = json.loads(path.read_text())
        return cls(
            kills=Counter(
                {
                    (victim, phase): number
                    for victim, phases in told["by_victim"].items()
                    for phase, number in phases.items()
                }
            ),
            missed=Counter(told["hit_nobody"]),
            left_out=told["left_out"],
            went_on=told["runs_that_went_on"],
            blobs=told["blobs_verified"],
            failures=told["failures"],
        )

    def as_json(self) -> dict[str, Any]:
        """One document."""
        return {
            "kills": self.number,
            "by_victim": {
                victim: {phase: self.kills[victim, phase] for phase in PHASES}
                for victim in sorted({victim for victim, _ in self.kills})
            },
            "hit_nobody": dict(sorted(self.missed.items())),
            "left_out": self.left_out,
            "runs_that_went_on": self.went_on,
            "blobs_verified": self.blobs,
            "failures": self.failures,
        }

    def as_text(self) -> str:
        """The document, as it is printed and kept."""
        return json.dumps(self.as_json(), indent=1) + "\n"


class Soak:
    """One studio, one film, and somebody who kills."""

    def __init__(self, folder: Path, seed: int, tally: Tally, *, has_worker: bool) -> None:
        self.seed = seed
        self.has_worker = has_worker
        self.tally = tally
        self.out = folder / "out"
        self.out.mkdir()
        self.disk = folder / "disk"
        self.producer = Producer(
            home=self.disk / "home", out=self.out, engine="remembering", options=OPTIONS
        )
        self.settings: StudioSettings = read_settings(
            home=self.producer.home, engine=self.producer.engine, engine_options=OPTIONS
        )
        self.actions = [f"{name} waves {number} times." for number, name in enumerate(self._cast())]
        self.phases = dict.fromkeys(PHASES, (0.0, 0.0))
        """When each phase begins and ends in a run that nobody disturbs, in seconds."""

    @property
    def seconds(self) -> float:
        """How long a run takes that nobody disturbs."""
        return self.phases[PHASES[-1]][1]

    def prepare(self) -> None:
        """Film everything once, and take the time of a run that is not disturbed."""
        ensure_studio(self.settings, keep=True)
        if self.has_worker:
            home = str(self.producer.home)
            hiring = self.producer.run("studio", "up", "--worker", "--home", home)
            if hiring.process.wait():
                raise SystemExit("\n".join(hiring.lines))
        self._film(self._script(random.Random(self.seed)))
        started = time.monotonic()
        run = self.producer.start(self._script(random.Random(self.seed + 1)))
        begins = {PHASES[0]: 0.0}
        while run.process.poll() is None:
            begins.setdefault(_phase(run), time.monotonic() - started)
            time.sleep(0.01)
        ends = [*begins.values(), time.monotonic() - started][1:]
        self.phases = {
            phase: (begin, end) for (phase, begin), end in zip(begins.items(), ends, strict=True)
        }
        if tuple(self.phases) != PHASES:
            raise SystemExit(f"without any kill, a run went through {list(self.phases)} only")

    def kill(self, number: int, victim: str, aimed_at: str) -> None:
        """Change the film, kill somebody while it is made, make it again, look at everything."""
        rng = random.Random(f"{self.seed}/{number}")
        script = self._script(rng)
        moment = rng.uniform(*self.phases[aimed_at])
        if victim == "worker":
            code = -signal.SIGKILL
            phase, is_hit = self._worker_struck(script, moment)
        else:
            run = self.producer.start(script)
            with _alarm(run):
                phase, is_hit = self._struck(victim, run, moment, rng)
                code, _ = _finished(run)
        if is_hit:
            self.tally.kills[victim, phase] += 1
            self.tally.went_on += code == 0
        else:
            self.tally.missed[victim] += 1
        before = self._circled()
        where = f"kill {number} of seed {self.seed} ({victim} after {moment:.2f} s, {phase})"
        logger.info("%s: exit code %s", where, code)
        # A worker that was missed may not have let go of the film that it ended.
        self.producer.wait_for_turn(EPISODE)
        code, document = self.producer.produce(script)
        faults = [f"the next run ended with {code}: {document.get('error')}"] if code else []
        faults += [] if code else self._faults(document, before)
        self.tally.failures += [f"{where}: {fault}" for fault in faults]

    def _struck(self, victim: str, run: Run, moment: float, rng: random.Random) -> tuple[str, bool]:
        """How far the film was when its victim was struck, and whether there was one."""
        deadline = time.monotonic() + moment
        while time.monotonic() < deadline and run.process.poll() is None:
            time.sleep(0.01)
        if victim == "disk":
            with self._full_disk(rng):
                phase, is_hit = _phase(run), run.process.poll() is None
                time.sleep(rng.uniform(0.5, 4.0))
            return phase, is_hit
        found = self._victims(victim, run)
        phase = _phase(run)
        return phase, _killed(found)

    def _worker_struck(self, script: Path, moment: float) -> tuple[str, bool]:
        """The same for a worker; whatever it was told to film is given up."""
        dashboard = Dashboard(ensure_studio(self.settings).prefect_api_url)
        order = {"script": str(script), "out": str(self.out), "width": 96, "height": 160}
        run = dashboard.submit("produce-episode/produce-episode", order)
        dashboard.wait(run, ("RUNNING", *ENDED))
        time.sleep(moment)
        has_ended = dashboard.read(run)["state_type"] in ENDED
        phase = _phase_of_tasks([name for name, _ in dashboard.tasks(run)])
        found = [] if has_ended else self._service("worker")
        is_hit = _killed(found)
        if is_hit:
            dashboard.cancel(run)
        return phase, is_hit

    def _service(self, name: str) -> list[psutil.Process]:
        """A service of the studio and all that it has started; nobody if it is down."""
        pid = {one.name: one.pid for one in status(self.settings).services}.get(name)
        if pid is not None:
            with suppress(*GONE):
                process = psutil.Process(pid)
                return [*process.children(recursive=True), process]
        return []

    def _victims(self, victim: str, run: Run) -> list[psutil.Process]:
        if run.process.poll() is not None:
            return []
        if victim == "flow":
            return [psutil.Process(run.process.pid)]
        if victim != "ffmpeg":
            return self._service(victim)
        engines = self._service("engine")[-1:]
        # Waits a while for one to appear: takes are encoded in a few tenths of a second.
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline and run.process.poll() is None:
            for pid in (*(one.pid for one in engines), run.process.pid):
                with suppress(*GONE):
                    children = psutil.Process(pid).children(recursive=True)
                    if found := [one for one in children if "ffmpeg" in one.name()]:
                        return found
            time.sleep(0.005)
        return []

    @contextmanager
    def _full_disk(self, rng: random.Random) -> Iterator[None]:
        ballast = self.disk / "ballast"
        free = shutil.disk_usage(self.disk).free - rng.randrange(0, 400_000)
        try:
            with ballast.open("wb") as file:
                with suppress(*GONE):
                    os.posix_fallocate(file.fileno(), 0, max(1, free))
                yield
        finally:
            ballast.unlink(missing_ok=True)

    def _faults(self, document: dict[str, Any], before: dict[str, str]) -> list[str]:
        """Everything that is not as it should be; see the module."""
        faults = []
        film = probe_video(Path(str(document["film"])), decode=True)
        if film.num_frames != 24 * SHOTS:
            faults.append(f"half-written: the film has {film.num_frames} frames")
        vault = self._vault()
        takes = set(vault.list_keys("takes/"))
        known = {key.rpartition("/")[2].removesuffix(".json") for key in takes}
        lost = [
            slate for slate, take in before.items() if take.removeprefix("sha256:") not in known
        ]
        faults += [f"lost: the circled take of {slate}" for slate in lost]
        stored = Counter(STORED.findall(self._engine_log()))
        faults += [f"rendered twice: {take}" for take, times in stored.items() if times > 1]
        keys = vault.list_keys("")
        blobs = {_digits(key) for key in keys if key.startswith("blobs/")}
        for key, content in vault.read_keys(keys):
            if key.startswith("blobs/"):
                self.tally.blobs += 1
                if hashlib.sha256(content).hexdigest() != _digits(key):
                    faults.append(f"damaged: {key}")
            elif key.endswith(".json"):
                try:
                    found = json.loads(content)
                except ValueError:
                    faults.append(f"half-written: {key}")
                    continue
                if key in takes:
                    named = DIGEST.findall(json.dumps(found["media"]))
                    faults += [f"lost: {digits}, of {key}" for digits in {*named} - blobs]
        return faults

    def _circled(self) -> dict[str, str]:
        """The circled take of every shot, by slate."""
        shots = Ledger(self._vault(), EPISODE).state.shots
        return {slate: shot.circled.address for slate, shot in shots.items() if shot.circled}

    def _vault(self) -> Vault:
        return Vault(ensure_studio(self.settings).vault_address())

    def _engine_log(self) -> str:
        return (self.settings.home / "logs" / "engine.log").read_text(errors="replace")

    def _cast(self) -> list[str]:
        return [("Mara", "Jonas")[number % 2] for number in range(SHOTS)]

    def _script(self, rng: random.Random) -> Path:
        """The film with three other captions."""
        for number in rng.sample(range(SHOTS), 3):
            name = self._cast()[number]
            self.actions[number] = f"{name} waves {rng.randrange(10**6)} times."
        return two_lives(self.out, EPISODE, self.actions)

    def _film(self, script: Path) -> None:
        code, document = self.producer.produce(script)
        if code:
            raise SystemExit(f"without any kill: {document}")


def _digits(key: str) -> str:
    """The digest that a blob's key says it has."""
    return key.removeprefix("blobs/").replace("/", "")


def _killed(found: Iterable[psutil.Process]) -> bool:
    """Kill -9 them; whether any was there."""
    is_hit = False
    for process in found:
        with suppress(*GONE):
            process.send_signal(signal.SIGKILL)
            is_hit = True
    return is_hit


def _phase_of_tasks(names: Sequence[str]) -> str:
    """How far a flow run has come, by the names of its tasks."""
    if any(name.startswith("deliver") for name in names):
        return PHASES[2]
    return PHASES[1] if any(name.startswith("keyframe") for name in names) else PHASES[0]


def _phase(run: Run) -> str:
    """How far a run has come, by what it has printed."""
    lines = list(run.lines)
    if not any("on the floor" in line for line in lines):
        return PHASES[0]
    filmed = sum("  circled" in line for line in lines)
    started = sum("on the floor" in line for line in lines)
    waiting = sum("  waiting" in line for line in lines)
    return PHASES[2] if filmed == started and filmed >= waiting else PHASES[1]


def _finished(run: Run) -> tuple[int, dict[str, Any]]:
    """How a run ended; one that was killed has no document."""
    assert run.process.stdout is not None
    printed = run.process.stdout.read()
    code = run.process.wait()
    return code, json.loads(printed) if printed.strip() else {}


@contextmanager
def _alarm(run: Run, seconds: float = 240.0) -> Iterator[None]:
    """A run that hangs is killed, and counts as one that has not gone on."""
    timer = threading.Timer(seconds, run.process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own under `folder/disk`, which only root can make."""
    disk = folder / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(disk)]
    mounted = subprocess.run(["mount", *options], check=False, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=False)


VICTIMS = ("flow", "gateway", "prefect", "engine", "ffmpeg", "disk", "worker")


def _soak_in_a_new_studio(asked: argparse.Namespace, tally: Tally) -> None:
    """Kill until there were enough kills, or the studio's small disk is filled with films."""
    with tempfile.TemporaryDirectory() as name, _small_disk(Path(name)) as has_end:
        victims = [one for one in asked.victims if one != "disk" or has_end]
        tally.left_out = [one for one in asked.victims if one not in victims]
        if not victims:
            raise SystemExit("no file system can be mounted here, so no disk can be filled")
        soak = Soak(Path(name), asked.seed, tally, has_worker="worker" in victims)
        try:
            soak.prepare()
            for _ in range(KILLS_PER_STUDIO):
                if tally.number >= asked.kills:
                    return
                number = tally.attempts
                turn, which = divmod(tally.number, len(victims))
                # Whoever is missed is looked for in the next phase: not all are always there.
                turn += tally.missed[victims[which]]
                try:
                    soak.kill(number, victims[which], PHASES[turn % len(PHASES)])
                except OneStoryError as error:
                    tally.failures.append(f"kill {number}: {error}")
                if tally.attempts == number:
                    tally.missed[victims[which]] += 1
                if asked.tally:
                    asked.tally.write_text(tally.as_text())
        finally:
            stop_studio(soak.settings)


def main() -> int:
    """Kill as often as asked for; exit code 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(description="Kill whatever a film needs while it is made.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=list(VICTIMS))
    parser.add_argument("--json", action="store_true", help="Print one document, and no progress.")
    parser.add_argument("--tally", type=Path, help="Go on with the tally in this file.")
    asked = parser.parse_args()
    tally = Tally.read(asked.tally)
    logging.basicConfig(level=logging.WARNING if asked.json else logging.INFO, stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    while tally.number < asked.kills and tally.attempts < 3 * asked.kills:
        _soak_in_a_new_studio(asked, tally)
    sys.stdout.write(tally.as_text())
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
