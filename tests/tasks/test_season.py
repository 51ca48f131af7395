"""What a season makes of a run that crashed, without any server."""

from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Completed, Crashed, Failed

from onestory.production.season import GIVEN_UP
from tasks.season import BELIEVED_SECONDS, may_go_on


def crashed(seconds: float, name: str = "Crashed") -> State[None]:
    """A run that crashed so long ago."""
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    return Crashed(name=name, timestamp=at)


@pytest.mark.parametrize(
    ("state", "is_waited_for"),
    [
        (crashed(BELIEVED_SECONDS - 5), True),
        (crashed(BELIEVED_SECONDS + 1), False),
        (crashed(1, GIVEN_UP), False),
        (Failed(), False),
        (Completed(), False),
    ],
)
def test_a_run_that_crashed_may_go_on(state: State[None], is_waited_for: bool) -> None:
    """For a while, unless it was given up: then it has failed, and the night goes on."""
    assert may_go_on(state) is is_waited_for
