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

from onestory.errors import OneStoryError

BACKSTOP_SECONDS = 24 * 3600
"""The engine server keeps the real time limit; this ends a call whose server never answers."""


class Repeatable(Protocol):
    """Something that was either made now or found."""

    @property
    def is_reused(self) -> bool:
        """Whether it was found."""


Made = TypeVar("Made", bound=Repeatable)


async def worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether the very same call may succeed: what the error itself says."""
    error = await state.result(raise_on_failure=False)  # type: ignore[misc]
    return isinstance(error, OneStoryError) and error.retryable


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


RETRIED = RetryPolicy(
    retries=3,
    # Enough for a gateway that restarts (1 s) and an engine server that reloads (2 to 5 s).
    retry_delay_seconds=[0.5, 2.0, 6.0],
    retry_condition_fn=worth_retrying,
)
"""`@task(**RETRIED)`: three more calls, if the error says that they may succeed."""
