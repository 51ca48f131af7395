"""
What does the terminal show while a film is made?

A live shot list on a terminal; one plain line an event everywhere else, and for seasons. All of
it goes to standard error, so that standard output holds results only.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from tasks.report import Happening

STYLES = {
    "waiting": "dim",
    "on the floor": "bold yellow",
    "circled": "green",
    "current": "cyan",
    "to be kept": "cyan",
    "kept": "cyan",
    "frozen": "blue",
    "waiting for review": "bold magenta",
    "NG": "red",
}


class ShotBoard:
    """The state of every shot, redrawn as things happen."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self._rows: dict[str, tuple[str, str, str]] = {}
        self._title = ""
        self._started = time.perf_counter()
        self._live = Live(self._table(), console=self.console, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Start drawing, if this is a terminal."""
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last picture standing."""
        if self.console.is_terminal:
            self._live.update(self._table(), refresh=True)
            self._live.stop()

    def __call__(self, happening: "Happening") -> None:
        """Watch a flow."""
        for words in _remarks(happening):
            self.say(words)
        self._title = f"{happening.sheet.title}  {happening.sheet.prefix}"
        for slate, state, note in _rows(happening):
            before, _, attempts = self._rows.get(slate, ("", "", ""))
            if before == state == "current":
                continue
            if happening.kind == "take":
                attempts = str(int(attempts or 0) + 1)
            self._rows[slate] = (state, note, attempts)
            if not self.console.is_terminal:
                self.console.print(f"{slate}  {state}{'  ' + note if note else ''}", soft_wrap=True)
        if self.console.is_terminal:
            self._live.update(self._table())

    def say(self, line: str) -> None:
        """Print a line above the list."""
        self.console.print(line, soft_wrap=True)

    def _table(self) -> Table:
        seconds = time.perf_counter() - self._started
        table = Table(title=f"{self._title}  {seconds:.0f} s", title_justify="left", box=None)
        for heading in ("shot", "state", "takes", "note"):
            table.add_column(heading, no_wrap=heading != "note", overflow="fold")
        for slate, (state, note, attempts) in self._rows.items():
            table.add_row(slate, Text(state, style=STYLES.get(state, "")), attempts, Text(note))
        return table


def _remarks(happening: "Happening") -> list[str]:
    """What is to be known of a plan before it is filmed."""
    if happening.plan is None:
        return []
    record, words = happening.sheet.breakdown, []
    if record and record.instead_of:
        words.append(f"broken down by rules; {record.instead_of}")
    return [*words, *(finding.in_words for finding in happening.findings)]


class Lines:
    """One line for whatever happens to a shot, of films that are made one after another."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say

    def __call__(self, happening: "Happening") -> None:
        """Watch a flow."""
        for slate, state, note in _rows(happening):
            if state != "waiting":
                self._say("  ".join(filter(None, (happening.sheet.episode, slate, state, note))))


def _rows(happening: "Happening") -> list[tuple[str, str, str]]:
    """(slate of the shot, state, note) of every row that an event changes."""
    if happening.plan is not None:
        return [
            (shot.slate, "waiting" if shot.is_to_be_filmed else shot.hold or "current", shot.why)
            for shot in happening.plan.shots
        ]
    if happening.shot is not None:
        shot = happening.shot
        standing = "on the floor" if shot.is_to_be_filmed else shot.hold or "current"
        return [(shot.slate, standing, shot.why)]
    if happening.take is not None and happening.verdict is not None:
        return [_take_row(happening)]
    if happening.circled is not None:
        slate = happening.circled.slate.split("-", 1)[1].rsplit("-", 1)[0]
        state = "waiting for review" if happening.circled.is_waiting_for_review else "circled"
        return [(slate, state, happening.circled.slate)]
    return []


def _take_row(happening: "Happening") -> tuple[str, str, str]:
    take, verdict = happening.take, happening.verdict
    assert take is not None
    assert verdict is not None
    found = "found in the vault" if take.is_reused else f"{take.seconds:.1f} s"
    if verdict.is_passed:
        return take.shot, "passed", f"{take.slate}, {found}"
    return take.shot, "NG", f"{take.slate}, {found}: {', '.join(verdict.reasons)}"
