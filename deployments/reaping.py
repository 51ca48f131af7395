"""
When is a flow run's worker dead, and what becomes of the run?

    pending, running ── silent ──► crashed ──┬── goes on elsewhere, a little later
    cancelling ──────── silent ──► cancelled ├── crashed too often, always in one shot, on several
                                             │   workers ──► begun once more, to ask a person
                                             └── crashed too often ──► given up, and said why

Nothing here asks a server: `deployments.reaper` sees and does, this decides. Whatever is counted
stands in the flow run itself, in the history of its states and in its labels, so that reapers
may be many, and may die.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from onestory.documents import Frozen
from onestory.production.crashes import COUNT, CrashedShot, Value
from onestory.production.season import GIVEN_UP

WORKER = "prefect.worker.name"
"""Label that a worker gives to a flow run that it takes."""
SHOT = re.compile(r"(\S*sh\d+[A-Z]*)(-tk\d+)?$")
"""How the name of a task run ends that works on a shot."""
NO_SHOT = "no shot"


class Patience(Frozen):
    """How long is waited, and how often something is tried."""

    silent_seconds: float = Field(75.0, gt=0)
    """How long a run may give no sign of life. Prefect's heartbeats are 30 s apart: two of them
    may be lost on the way."""
    attempts: int = Field(3, ge=1)
    """How often a run is begun in all, until it is given up or a person begins it again."""
    rest_seconds: float = Field(20.0, ge=0)
    """How long a crashed run is left alone. A second report of the same crash comes two seconds
    after the first, or seven on a busy machine, and would be taken for one of the new attempt."""
    start_seconds: float = Field(5.0, ge=0)
    """From the decision until a worker may take the run: a second reaper that is about to decide
    the same still finds it waiting."""
    forget_seconds: float = Field(3600.0, gt=0)
    """How long ago a run may have crashed that is begun again: what crashed before that has been
    seen by a person."""


class Moment(Frozen):
    """When a flow run came into a state."""

    at: datetime
    type: str
    """Such as `RUNNING`."""
    name: str
    """Such as `Retrying`."""


class Step(Frozen):
    """A task run that a dead worker had in hand."""

    name: str
    began: datetime | None = None

    @property
    def shot(self) -> str | None:
        """Slate of the shot that it works on."""
        found = SHOT.search(self.name)
        return found[1] if found else None


class Crash(Frozen):
    """A worker that left a flow run behind."""

    worker: str
    shot: str = NO_SHOT
    """Slate of the shot that was on the floor."""

    @property
    def in_words(self) -> str:
        """Whose it was, and in which shot."""
        return f"worker {self.worker} in {self.shot}"


class Sighting(Frozen):
    """A flow run as the server tells it."""

    name: str
    now: datetime
    state: Moment
    heard: datetime
    """Its latest sign of life."""
    crashes: tuple[Crash, ...] = ()
    """Since it was first begun, or begun again for a person or by one after it was given up."""
    forgiven: int = 0
    """How many there were before."""

    @property
    def silent_seconds(self) -> float:
        """How long nothing has been heard of it."""
        return (self.now - max(self.heard, self.state.at)).total_seconds()

    @property
    def shot_at_fault(self) -> str | None:
        """The shot that every crash was in, if more than one worker was tried."""
        shots = {crash.shot for crash in self.crashes}
        workers = {crash.worker for crash in self.crashes}
        return shots.pop() if len(shots) == 1 < len(workers) and NO_SHOT not in shots else None


class Ruling(Frozen):
    """What is to be done with a flow run."""

    deed: Literal["crash", "cancel", "begin again", "ask a person", "give up"]
    words: str
    """What the run's new state says: a sentence for a person."""
    crashed: CrashedShot | None = None
    """What a person is asked of."""


def rule(seen: Sighting, patience: Patience) -> Ruling | None:
    """
    Say what becomes of a flow run.

    Args:
        seen: The run, with its crashes if it has crashed.
        patience: How long is waited, and how often it is tried.

    Returns:
        What is to be done now; None if it is left alone.
    """
    if seen.state.type == "CRASHED":
        return _rule_on_crashed(seen, patience)
    if seen.silent_seconds <= patience.silent_seconds:
        return None
    silence = f"no sign of life for {seen.silent_seconds:.0f} s"
    if seen.state.type == "CANCELLING":
        return Ruling(deed="cancel", words=f"Cancelled: {silence}, so nobody was left to stop.")
    if seen.state.type in ("PENDING", "RUNNING"):
        return Ruling(deed="crash", words=f"Its worker died: {silence}.")
    return None


def _rule_on_crashed(seen: Sighting, patience: Patience) -> Ruling | None:
    since = (seen.now - seen.state.at).total_seconds()
    if not patience.rest_seconds <= since <= patience.forget_seconds:
        return None
    if seen.state.name == GIVEN_UP or not seen.crashes:
        return None
    number = len(seen.crashes)
    if number < patience.attempts:
        words = f"Goes on elsewhere, attempt {number + 1} of {patience.attempts}: "
        return Ruling(deed="begin again", words=f"{words}{seen.crashes[-1].in_words} crashed.")
    if shot := seen.shot_at_fault:
        workers = ", ".join(dict.fromkeys(crash.worker for crash in seen.crashes))
        why = f"on the floor at each of {number} crashes, on workers {workers}"
        return Ruling(
            deed="ask a person",
            words=f"Goes to review: shot {shot} was {why}.",
            crashed=CrashedShot(shot=shot, why=why, count=seen.forgiven + number),
        )
    each = "; ".join(crash.in_words for crash in seen.crashes)
    words = (
        f"Given up after {number} crashes: {each}. Read the logs of those workers, and retry "
        "this run once the cause is gone."
    )
    return Ruling(deed="give up", words=words)


def crashes_in(history: Sequence[Moment]) -> tuple[int, int]:
    """
    Count the crashes of a flow run.

    An attempt has crashed if that is the last that is told of it. A worker may report the crash
    of an attempt twice, and the second time when the next one has been begun, which goes on.

    Args:
        history: Its states, oldest first.

    Returns:
        How many there were in all, and how many of them until it was last given up.
    """
    number = forgiven = 0
    for before, after in zip(history, [*history[1:], None], strict=True):
        if before.type == "CRASHED" and (after is None or after.type == "SCHEDULED"):
            number += 1
            forgiven = number if before.name == GIVEN_UP else forgiven
    return number, forgiven


def crash_now(
    history: Sequence[Moment], steps: Sequence[Step], labels: Mapping[str, Value]
) -> Crash:
    """
    Say who had a crashed flow run, and in which shot.

    Args:
        history: Its states, oldest first.
        steps: Its task runs that have not ended, or crashed.
        labels: As its worker gave them.
    """
    begun = max((one.at for one in history if one.type == "SCHEDULED"), default=None)
    shots = [
        (step.began, step.shot)
        for step in steps
        if step.shot and step.began and (begun is None or step.began >= begun)
    ]
    worker = str(labels.get(WORKER, "unknown"))
    return Crash(worker=worker, shot=max(shots)[1]) if shots else Crash(worker=worker)


def crash_labels(number: int, crash: Crash, at: datetime) -> dict[str, Value]:
    """Labels by which a flow run remembers its n-th crash, counted from one."""
    name = f"onestory.crash.{number}"
    return {
        f"{name}.worker": crash.worker,
        f"{name}.shot": crash.shot,
        f"{name}.at": at.isoformat(),
    }


def forgiven_crashes(labels: Mapping[str, Value]) -> int:
    """How many crashes a flow run had when one of its shots last went to review."""
    return int(labels.get(COUNT, 0))


def labelled_crashes(first: int, last: int, labels: Mapping[str, Value]) -> list[Crash]:
    """Those crashes of a flow run, from `first` up to `last`, as its labels remember them."""
    return [
        Crash(
            worker=str(labels.get(f"onestory.crash.{number}.worker", "unknown")),
            shot=str(labels.get(f"onestory.crash.{number}.shot", NO_SHOT)),
        )
        for number in range(first, last + 1)
    ]
