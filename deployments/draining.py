"""
Which worker films no more, because whatever it takes crashes?

    its last three shifts crashed ──┬── while other workers finished some ──► drained, and named
                                    └── and so did everybody's ──► not its fault: left alone

A drained worker is one whose name stands in a variable on the Prefect server. It still takes
runs, which Prefect leaves no way to forbid, but `deployments.shift` puts each of them back for
other workers before it has begun. A worker that is started anew has another name, unless it was
given one: whoever has mended it and keeps its name deletes the variable.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from onestory.documents import Frozen
from onestory.production.crashes import Value

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

IN_A_ROW = 3
"""Crashes after which a worker is drained."""
AT = re.compile(r"onestory\.crash\.(\d+)\.at")


class Shift(Frozen):
    """What a worker had in hand, and how that ended."""

    worker: str
    ended: datetime
    has_crashed: bool


def crashed_shifts(labels: Mapping[str, Value]) -> list[Shift]:
    """The shifts of a flow run that crashed, as its labels remember them."""
    return [
        Shift(
            worker=str(labels[f"onestory.crash.{found[1]}.worker"]),
            ended=datetime.fromisoformat(str(value)),
            has_crashed=True,
        )
        for label, value in labels.items()
        if (found := AT.fullmatch(label))
    ]


def failing_workers(shifts: Iterable[Shift], in_a_row: int = IN_A_ROW) -> list[str]:
    """
    Name the workers of which nothing comes any more, while something does of others.

    Args:
        shifts: What all workers have ended of late, in any order.
        in_a_row: How many of a worker's latest shifts must have crashed.
    """
    in_turn = sorted(shifts, key=lambda one: one.ended)
    failing = []
    for worker in dict.fromkeys(shift.worker for shift in in_turn):
        latest = [shift for shift in in_turn if shift.worker == worker][-in_a_row:]
        if len(latest) < in_a_row or not all(shift.has_crashed for shift in latest):
            continue
        if any(not shift.has_crashed and shift.ended > latest[0].ended for shift in in_turn):
            failing.append(worker)
    return failing


def drain(client: "SyncPrefectClient", worker: str, why: str) -> bool:
    """Have a worker begin nothing any more; whether that is new."""
    from prefect.client.schemas.actions import VariableCreate
    from prefect.exceptions import ObjectAlreadyExists

    if why_drained(client, worker) is not None:
        return False
    try:
        client.create_variable(VariableCreate(name=marker_of(worker), value=why))
    except ObjectAlreadyExists:
        return False
    return True


def why_drained(client: "SyncPrefectClient", worker: str) -> str | None:
    """Why a worker is to begin nothing any more; None if it may."""
    marker = client.read_variable_by_name(marker_of(worker))
    return str(marker.value) if marker else None


def marker_of(worker: str) -> str:
    """Name of the variable that says that a worker is drained."""
    return "onestory_drained_" + re.sub(r"[^a-z0-9]+", "_", worker.lower())
