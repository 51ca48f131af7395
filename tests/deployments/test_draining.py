"""Which worker films no more, decided without any server."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.draining import Shift, crashed_shifts, failing_workers, marker_of
from deployments.reaping import Crash, crash_labels

BEGIN = datetime(2026, 5, 1, 12, tzinfo=UTC)


def shifts(told: str) -> list[Shift]:
    """One a minute: `a` has finished something, `a!` has crashed."""
    return [
        Shift(
            worker=word.rstrip("!"),
            ended=BEGIN + timedelta(minutes=number),
            has_crashed=word.endswith("!"),
        )
        for number, word in enumerate(told.split())
    ]


@pytest.mark.parametrize(
    ("told", "failing"),
    [
        ("a! b a! a!", ["a"]),
        ("a a! a! b a!", ["a"]),
        ("b a! a! a!", []),
        ("a! b! a! b! a! b!", []),
        ("b a! a!", []),
        ("a! b a!", []),
        ("a! b a! a! a", []),
        ("a! b! c a! b! a! b!", ["a", "b"]),
    ],
)
def test_who_crashes_while_others_finish_something(told: str, failing: list[str]) -> None:
    """Three in a row are a worker's fault if anybody finished something since the first."""
    assert failing_workers(reversed(shifts(told))) == failing


def test_shifts_that_crashed_are_read_from_a_run() -> None:
    """From the labels by which it remembers its crashes."""
    labels = {
        **crash_labels(1, Crash(worker="a"), BEGIN),
        **crash_labels(2, Crash(worker="b"), BEGIN + timedelta(minutes=1)),
        "prefect.worker.name": "c",
    }

    assert crashed_shifts(labels) == shifts("a! b!")


def test_the_name_of_a_marker_is_one_that_prefect_allows() -> None:
    """Small letters, digits and underscores, whatever the worker is called."""
    assert marker_of("ProcessWorker 6BDD-7403") == "onestory_drained_processworker_6bdd_7403"
