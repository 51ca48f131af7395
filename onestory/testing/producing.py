"""
Run `onestory` as a person does: in a process of its own, with everything real behind it.

A `Producer` holds the home of a studio and a folder for deliveries; it starts the command,
waits for what the shot list says, kills it if asked to, and reads its JSON document.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from filelock import FileLock, Timeout

from onestory.testing.waiting import WAIT_SECONDS

HOUSES = {"MARA": "KITCHEN", "JONAS": "STREET"}
STORY = ("Mara waves.", "Jonas waves.", "Mara dances.", "Jonas jumps.", "Mara sits down.")
"""Mara's shots remember Mara's, Jonas's remember Jonas's: 1, 3, 5 and 2, 4."""


def shot_list(
    folder: Path, episode: str, actions: Iterable[str], *, duration: str = "24 frames"
) -> Path:
    """Write a shot list of one woman in a kitchen, a shot for each action."""
    shots = [
        {"set": "KITCHEN", "cast": ["MARA"], "action": f"Mara {action}.", "duration": duration}
        for action in actions
    ]
    document = {
        "schema": "shot-list.1",
        "title": f"Film {episode}",
        "episode": episode,
        "cast": [{"name": "MARA", "look": "a young woman with short red hair and a blue coat"}],
        "sets": [{"name": "KITCHEN", "look": "a small kitchen with teal cupboards"}],
        "shots": shots,
    }
    return _written(folder, episode, document)


def two_lives(folder: Path, episode: str, actions: Iterable[str] = STORY, **first: Any) -> Path:
    """Write people who never meet, each in a place of their own; `first` changes the first shot."""
    shots: list[dict[str, Any]] = [
        {"set": HOUSES[name], "cast": [name], "action": action, "duration": "24 frames"}
        for action in actions
        for name in [action.split()[0].upper()]
    ]
    shots[0] |= first
    looks = {
        "MARA": "a young woman with short red hair and a blue coat",
        "JONAS": "an old man with a white beard and a green coat",
        "KITCHEN": "a small kitchen with teal cupboards",
        "STREET": "a wet street with yellow lamps",
    }
    names = sorted({name for shot in shots for name in shot["cast"]}, reverse=True)
    document = {
        "schema": "shot-list.1",
        "title": f"Film {episode}",
        "episode": episode,
        "cast": [{"name": name, "look": looks[name]} for name in names],
        "sets": [{"name": HOUSES[name], "look": looks[HOUSES[name]]} for name in names],
        "shots": shots,
    }
    return _written(folder, episode, document)


def season_of(folder: Path, name: str, episodes: Iterable[Mapping[str, Any]]) -> Path:
    """Write a season of small films, whose scripts lie beside it under their episodes' names."""
    document = {
        "schema": "season.1",
        "season": name,
        "title": f"Season {name}",
        "out": "films",
        "defaults": {"width": 96, "height": 160, "max_takes": 1},
        "episodes": [{"script": f"{one['episode']}.json"} | dict(one) for one in episodes],
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def _written(folder: Path, episode: str, document: dict[str, Any]) -> Path:
    path = folder / f"{episode}.json"
    path.write_text(json.dumps(document))
    return path


def kill_tree(pid: int) -> None:
    """Kill -9 a process and all that it has started; what ends by itself meanwhile has ended."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in (*process.children(recursive=True), process):
            with suppress(psutil.NoSuchProcess):
                one.kill()


@dataclass
class Run:
    """One run of the command."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    """Progress, line by line."""

    def __post_init__(self) -> None:
        """Read progress as it comes."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, words: str, *, times: int = 1) -> None:
        """
        Wait until progress says something.

        Raises:
            AssertionError: If it does not in time.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while sum(words in line for line in self.lines) < times:
            if self.process.poll() is not None:
                self._reader.join(timeout=60)
                said = sum(words in line for line in self.lines)
                assert said >= times, f"ended without {words!r}: " + "\n".join(self.lines[-30:])
            assert time.monotonic() < deadline, f"never said {words!r}: " + "\n".join(self.lines)
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @contextmanager
    def halted(self, home: Path) -> Iterator[None]:
        """
        Have it do nothing for a while, at a moment when it does not hold the studio.

        Args:
            home: Of the studio, which others use meanwhile.

        Raises:
            AssertionError: If it has ended before.
        """
        studio = FileLock(home / "studio.lock")
        while True:
            assert self.process.poll() is None, "ended: " + "\n".join(self.lines[-30:])
            self.process.send_signal(signal.SIGSTOP)
            with suppress(Timeout), studio.acquire(timeout=1):
                break
            self.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def finish(self) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON document."""
        assert self.process.stdout is not None
        printed = self.process.stdout.read()
        code = self.process.wait(timeout=WAIT_SECONDS)
        self._reader.join(timeout=60)
        assert printed.strip(), "\n".join(self.lines[-40:])
        return code, json.loads(printed)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())


@dataclass(frozen=True)
class Producer:
    """A person with a terminal."""

    home: Path
    out: Path
    engine: str = "painted"
    options: dict[str, Any] = field(default_factory=dict)
    size: str = "96x160"
    environment: dict[str, str] = field(default_factory=dict)
    """Settings beside those of the engine."""

    def start(self, script: Path, *flags: str) -> Run:
        """Type `onestory produce`."""
        return self.run(
            "produce",
            str(script),
            "--json",
            *("--home", str(self.home), "--out", str(self.out), "--size", self.size),
            *flags,
        )

    def produce(self, script: Path, *flags: str) -> tuple[int, dict[str, Any]]:
        """Type `onestory produce` and wait for the film."""
        return self.start(script, *flags).finish()

    def typed(self, *arguments: str) -> dict[str, Any]:
        """
        Type any verb and read its document.

        Raises:
            AssertionError: If it ends with another exit code than 0.
        """
        code, document = self.run(*arguments, "--json", "--home", str(self.home)).finish()
        assert code == 0, document
        return document

    def wait_for_turn(self, episode: str) -> None:
        """
        Wait until nobody works on an episode: a run that asks or has ended lets it go a bit later.

        Raises:
            filelock.Timeout: If somebody goes on working on it.
        """
        with FileLock(self.home / "locks" / f"{episode}.lock", timeout=WAIT_SECONDS):
            pass

    def rendered_by(self, episode: str, flow_run: str) -> list[str]:
        """Slates of the takes that a flow run has rendered, as the ledger tells it."""
        told = self.typed("history", episode)["versions"]
        said = [one["what"] for one in told if one["run"] == flow_run]
        return [words.removesuffix(" rendered") for words in said if words.endswith(" rendered")]

    def phrases(self, episode: str) -> list[str]:
        """Everything that happened to an episode, in words."""
        return [one["what"] for one in self.typed("history", episode)["versions"]]

    def run(self, *arguments: str) -> Run:
        """Type any command."""
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("ONESTORY_", "PREFECT_", "MLFLOW_"))
        }
        environment |= {
            "ONESTORY_ENGINE": self.engine,
            "ONESTORY_ENGINE_OPTIONS": json.dumps(self.options, sort_keys=True),
            "COLUMNS": "200",
            **self.environment,
        }
        argv = [str(Path(sys.executable).with_name("onestory")), *arguments]
        process = subprocess.Popen(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.out,
        )
        return Run(process)
