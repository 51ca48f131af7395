"""
Which failures are worth the same call again, and what does a finished task say?

A retry repeats the very same call after a fault of the machine; errors carry that as data.
A retake is a new take after a gate said NG: that is the flow's business, never a policy.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypedDict, TypeVar

from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed

from onestory.errors import OneStoryError, StorageError

BACKSTOP_SECONDS = 24 * 3600
"""The engine server keeps the real time limit; this ends a call whose server never answers."""


class Repeatable(Protocol):
    """Something that was either made now or found."""

    @property
    def is_reused(self) -> bool:
        """Whether it was found."""


Made = TypeVar("Made", bound=Repeatable)


async def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """
    Whether the very same call may succeed: what the error itself says.

    A vault that is away is waited for longer than an engine that fails: the network comes back by
    itself, while a shot that kills its engine will do so again.
    """
    error = await state.result(raise_on_failure=False)  # type: ignore[misc]
    if not isinstance(error, OneStoryError) or not error.retryable:
        return False
    return isinstance(error, StorageError) or run.run_count <= RETRIES_OF_FAULTS


def found_or_made(made: Made) -> State[Made]:
    """A completed state that is named `Reused` if nothing had to be made."""
    return Completed(name="Reused" if made.is_reused else "Completed", data=made)


async def unwrapped(calling: Awaitable[State[Made]]) -> Made:
    """What a task made that returns a state of its own: Prefect hands its caller the state."""
    result: Made = await (await calling).aresult()
    return result


class RetryPolicy(TypedDict):
    """What a task is given to be retried."""

    retries: int
    retry_delay_seconds: list[float]
    retry_condition_fn: Callable[[Task[..., Any], TaskRun, State[Any]], Awaitable[bool]]


RETRIES_OF_FAULTS = 3
"""A shot that fails as often will fail again. An engine server that is being started is waited for
in each call."""
RETRIED = RetryPolicy(
    retries=6,
    # Together more than a minute, for which a network may be gone.
    retry_delay_seconds=[0.5, 2.0, 6.0, 15.0, 25.0, 40.0],
    retry_condition_fn=worth_retrying,
)
"""`@task(**RETRIED)`: more calls, if the error says that they may succeed."""
