"""What becomes of a flow run, decided without any server."""

from datetime import UTC, datetime, timedelta

import pytest

from deployments.reaping import (
    NO_SHOT,
    WORKER,
    Crash,
    Moment,
    Patience,
    Sighting,
    Step,
    crash_labels,
    crash_now,
    crashes_in,
    forgiven_crashes,
    labelled_crashes,
    rule,
)
from onestory.production.crashes import CrashedShot, crashed_shot

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PATIENCE = Patience(
    silent_seconds=70, attempts=3, rest_seconds=10, start_seconds=5, forget_seconds=600
)


def ago(seconds: float) -> datetime:
    """So long before now."""
    return NOW - timedelta(seconds=seconds)


def seen(
    state: str, since: float, heard: float = 9999, name: str = "", *crashes: Crash
) -> Sighting:
    """A run that has been in a state, and heard of, for so many seconds."""
    return Sighting(
        name="film",
        now=NOW,
        state=Moment(at=ago(since), type=state, name=name or state.title()),
        heard=ago(heard),
        crashes=crashes,
    )


def history(*states: str) -> list[Moment]:
    """A history, a state every ten seconds, the first of them a thousand seconds ago."""
    return [
        Moment(
            at=ago(1000 - 10 * number),
            type="CRASHED" if state == "GivenUp" else state,
            name=state,
        )
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize(("state", "deed"), [("RUNNING", "crash"), ("PENDING", "crash")])
def test_a_run_without_a_sign_of_life_has_crashed(state: str, deed: str) -> None:
    """Whether it was filming or waited for its turn; the sentence says how long it was silent."""
    ruling = rule(seen(state, since=200, heard=71), PATIENCE)

    assert ruling is not None
    assert ruling.deed == deed
    assert "no sign of life for 71 s" in ruling.words


@pytest.mark.parametrize(("since", "heard"), [(200, 69), (69, 200)])
def test_a_run_that_was_heard_or_has_just_begun_is_left_alone(since: float, heard: float) -> None:
    """Its state is a sign of life, too."""
    assert rule(seen("RUNNING", since, heard), PATIENCE) is None


def test_a_run_that_nobody_is_left_to_cancel_is_cancelled() -> None:
    """It is not begun again: a person has given it up."""
    ruling = rule(seen("CANCELLING", since=200, heard=71), PATIENCE)

    assert ruling is not None
    assert ruling.deed == "cancel"


@pytest.mark.parametrize("state", ["SCHEDULED", "PAUSED", "COMPLETED", "FAILED", "CANCELLED"])
def test_whoever_waits_or_has_ended_is_left_alone(state: str) -> None:
    """A person may answer after a week; a failure was the film's own decision."""
    assert rule(seen(state, since=500, heard=500), PATIENCE) is None


def test_a_crashed_run_rests_before_it_is_begun_again() -> None:
    """A second report of the same crash is waited for."""
    crash = Crash(worker="a", shot="sh001")

    assert rule(seen("CRASHED", 9, 9, "", crash), PATIENCE) is None
    ruling = rule(seen("CRASHED", 10, 10, "", crash), PATIENCE)
    assert ruling is not None
    assert ruling.deed == "begin again"
    assert ruling.words == "Goes on elsewhere, attempt 2 of 3: worker a in sh001 crashed."


def test_a_run_that_crashed_long_ago_is_left_alone() -> None:
    """A person has seen it by now."""
    assert rule(seen("CRASHED", 601, 601, "", Crash(worker="a")), PATIENCE) is None


def test_a_run_is_given_up_after_its_last_attempt() -> None:
    """The sentence names every worker with its shot, and what to do; then it is left alone."""
    crashes = [Crash(worker="a"), Crash(worker="b", shot="sh002"), Crash(worker="a", shot="sh003")]

    ruling = rule(seen("CRASHED", 20, 20, "", *crashes), PATIENCE)

    assert ruling is not None
    assert ruling.deed == "give up"
    assert ruling.words == (
        "Given up after 3 crashes: worker a in no shot; worker b in sh002; worker a in sh003. "
        "Read the logs of those workers, and retry this run once the cause is gone."
    )
    assert rule(seen("CRASHED", 20, 20, "GivenUp", *crashes), PATIENCE) is None


@pytest.mark.parametrize(
    ("crashes", "shot"),
    [
        ([("a", "sh002"), ("b", "sh002"), ("c", "sh002")], "sh002"),
        ([("a", "sh002"), ("b", "sh002"), ("a", "sh002")], "sh002"),
        ([("a", "sh002"), ("b", "sh002"), ("c", "sh003")], None),
        ([("a", "sh002"), ("a", "sh002"), ("a", "sh002")], None),
        ([("a", NO_SHOT), ("b", NO_SHOT), ("c", NO_SHOT)], None),
    ],
)
def test_the_same_shot_on_several_workers_is_at_fault(
    crashes: list[tuple[str, str]], shot: str | None
) -> None:
    """
    A person is asked of it. Not if another shot crashed, too, nor if it may as well be the one
    worker's fault.
    """
    noted = [Crash(worker=worker, shot=slate) for worker, slate in crashes]

    ruling = rule(seen("CRASHED", 20, 20, "", *noted), PATIENCE)

    assert ruling is not None
    if shot is None:
        assert (ruling.deed, ruling.crashed) == ("give up", None)
        return
    workers = ", ".join(dict.fromkeys(worker for worker, _ in crashes))
    assert ruling.deed == "ask a person"
    assert ruling.crashed == CrashedShot(
        shot=shot, why=f"on the floor at each of 3 crashes, on workers {workers}", count=3
    )
    assert ruling.words == f"Goes to review: shot {shot} was {ruling.crashed.why}."


def test_crashes_from_before_a_review_are_forgiven() -> None:
    """The run has as many attempts as before; each of its reviews has a name of its own."""
    crashes = [Crash(worker=worker, shot="sh002") for worker in "abc"]
    again = seen("CRASHED", 20, 20, "", *crashes).model_copy(update={"forgiven": 3})

    ruling = rule(again, PATIENCE)

    assert ruling is not None
    assert ruling.crashed is not None
    assert ruling.crashed.count == 6
    assert forgiven_crashes(ruling.crashed.as_labels()) == 6
    assert forgiven_crashes({}) == 0
    assert crashed_shot(ruling.crashed.as_labels()) == ruling.crashed
    assert crashed_shot({}) is None


def test_reports_of_one_crash_are_one() -> None:
    """Also if the second one comes when the next attempt has been begun."""
    once = ("SCHEDULED", "PENDING", "RUNNING", "CRASHED", "CRASHED")
    late = (*once, "SCHEDULED", "PENDING", "CRASHED", "RUNNING")

    assert crashes_in(history(*once)) == (1, 0)
    assert crashes_in(history(*late)) == (1, 0)
    assert crashes_in(history(*late, "CRASHED")) == (2, 0)


def test_what_came_before_a_run_was_given_up_is_forgiven() -> None:
    """Once a person begins it again; not while it is given up."""
    given_up = ("SCHEDULED", "CRASHED", "SCHEDULED", "RUNNING", "CRASHED", "GivenUp")

    assert crashes_in(history(*given_up)) == (2, 2)
    assert crashes_in(history(*given_up, "SCHEDULED", "RUNNING", "CRASHED")) == (3, 2)


def test_the_shot_in_flight_is_the_one_that_was_begun_last() -> None:
    """Of this attempt: an earlier one may have crashed in another shot."""
    moments = history("SCHEDULED", "RUNNING", "CRASHED", "SCHEDULED", "RUNNING", "CRASHED")
    steps = [
        Step(name="take s01-sc01-sh009-tk01", began=moments[1].at),
        Step(name="look again at s01-sc01-sh002", began=moments[4].at),
        Step(name="take s01-sc01-sh003A-tk02", began=moments[4].at + timedelta(seconds=1)),
        Step(name="survey e1", began=moments[4].at + timedelta(seconds=2)),
        Step(name="take s01-sc01-sh004-tk01"),
    ]
    labels = {WORKER: "worker 1"}

    assert crash_now(moments, steps, labels) == Crash(worker="worker 1", shot="s01-sc01-sh003A")
    assert crash_now(moments, steps[:1], labels) == Crash(worker="worker 1", shot=NO_SHOT)
    assert crash_now(moments, [], {}) == Crash(worker="unknown", shot=NO_SHOT)


def test_a_run_remembers_its_crashes_in_its_labels() -> None:
    """Whoever looks at it next reads them there; what nobody noted is unknown."""
    first, second = Crash(worker="a", shot="sh001"), Crash(worker="b")
    labels = {**crash_labels(1, first, NOW), **crash_labels(2, second, NOW)}

    assert labelled_crashes(1, 2, labels) == [first, second]
    assert labelled_crashes(2, 3, labels) == [second, Crash(worker="unknown")]
