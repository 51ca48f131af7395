"""What a season makes of a run that crashed, without any server."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Completed, Crashed, Failed, Running, Scheduled

from onestory.production.night import Admission
from onestory.production.season import GIVEN_UP, SeasonEpisode
from tasks import season
from tasks.season import BELIEVED_SECONDS, may_go_on


def crashed(seconds: float, name: str = "Crashed") -> State[None]:
    """A run that crashed so long ago."""
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return Crashed(name=name, timestamp=at)


@pytest.mark.parametrize(
    ("ended", "is_waited_for"),
    [
        (partial(crashed, BELIEVED_SECONDS - 5), True),
        (partial(crashed, BELIEVED_SECONDS + 1), False),
        (partial(crashed, 1, GIVEN_UP), False),
        (Failed, False),
        (Completed, False),
    ],
)
def test_a_run_that_crashed_may_go_on(
    ended: Callable[[], State[None]], is_waited_for: bool
) -> None:
    """For a while, unless it was given up: then it has failed, and the night goes on."""
    # Made now: tests are collected long before they run.
    assert may_go_on(ended()) is is_waited_for


def test_a_night_waits_for_a_run_that_may_go_on() -> None:
    """It is under way, and not submitted a second time; given up, it has failed with its words."""
    episode = SeasonEpisode.model_construct(episode="one")
    run = FlowRun(flow_id=uuid4(), state=crashed(1))
    given_up = FlowRun(flow_id=uuid4(), state=crashed(1, GIVEN_UP))

    assert season._standing(episode, run).is_under_way
    assert not season._is_over(run, Admission.model_construct(to_film=1))
    assert season._standing(episode, given_up).job == "failed"
    assert season._is_over(given_up, Admission.model_construct(to_film=1))


def test_why_an_episode_is_not_done_is_said_in_its_own_words() -> None:
    """Neither what Prefect says before an error, nor a state's bare name, says why."""
    episode = SeasonEpisode.model_construct(episode="one")
    told = "Flow run encountered an exception: "
    ours, foreign = Failed(message=f"{told}CutError: no: take"), Failed(message=f"{told}OSError: a")

    assert season.outcome_of(episode, ours, "run").why == "no: take"
    assert season.outcome_of(episode, foreign, "run").why == "OSError: a"
    assert season.outcome_of(episode, Failed(message="gone"), "run").why == "gone"
    assert season.outcome_of(episode, Scheduled(), "run").why == ""
    assert season.outcome_of(episode, Cancelled(), "run").why == "Cancelled"


def test_an_episode_that_moved_stands_where_its_last_run_stands() -> None:
    """The runs before it are named, and the pool; one that stayed names none."""
    episode = SeasonEpisode.model_construct(episode="one")
    left = FlowRun(flow_id=uuid4(), work_pool_name="small", state=Completed(name="Moved"))
    there = FlowRun(flow_id=uuid4(), work_pool_name="big", state=Running())

    moved, stayed = season._standing(episode, left, there), season._standing(episode, there)

    assert (moved.job, moved.flow_run) == ("running", str(there.id))
    assert (moved.moved_from, moved.moved_to) == ((str(left.id),), "big")
    assert (stayed.moved_from, stayed.moved_to) == ((), "")
