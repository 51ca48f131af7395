"""What upkeep asks of a real Prefect server, and which runs it forgets there."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelling, Completed, Paused, Pending, Running, Scheduled, State

from onestory.production.upkeep import UpkeepOrder
from tasks import upkeep
from tasks.upkeep import forget_runs, is_filming

pytestmark = pytest.mark.studio


def run_of(client: SyncPrefectClient, flow: str, state: State[None]) -> UUID:
    """A run of a flow that has come to a state."""
    asked = {"flow_id": str(client.create_flow_from_name(flow))}
    made = client._client.post("/flow_runs/", json=asked).raise_for_status()
    run = UUID(made.json()["id"])
    client.set_flow_run_state(run, state, force=True)
    return run


def is_known(client: SyncPrefectClient, run: UUID) -> bool:
    """Whether the server still has a run."""
    try:
        client.read_flow_run(run)
    except ObjectNotFound:
        return False
    return True


@pytest.mark.parametrize(
    ("flow", "state", "wanted"),
    [
        ("produce-episode", Pending(), True),
        ("produce-episode", Running(), True),
        ("produce-episode", Paused(), True),
        ("produce-episode", Cancelling(), True),
        ("retake-shots", Running(), True),
        ("produce-episode", Scheduled(), False),
        ("produce-episode", Completed(), False),
        ("train", Running(), False),
    ],
)
def test_a_film_is_being_made(
    prefect_client: SyncPrefectClient, flow: str, state: State[None], wanted: bool
) -> None:
    """From its process's start to its end, and while it waits for a person; nothing else counts."""
    run = run_of(prefect_client, flow, state)

    assert asyncio.run(is_filming()) == wanted

    prefect_client.delete_flow_run(run)


def test_runs_that_ended_long_ago_are_forgotten(
    prefect_client: SyncPrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them, page by page; those that still go on stay, and looking forgets nothing."""
    monkeypatch.setattr(upkeep, "_PAGE", 2)
    ended = [run_of(prefect_client, "produce-episode", Completed()) for _ in range(5)]
    going_on = run_of(prefect_client, "produce-episode", Running())

    def forgotten(days_later: float, **order: float | bool | None) -> int:
        """Say how many are, on a later day."""

        class Later(datetime):
            """That day."""

            @classmethod
            def now(cls, tz: object = None) -> "datetime":  # type: ignore[override]
                """Never the present."""
                return datetime.now(UTC) + timedelta(days=days_later)

        monkeypatch.setattr(upkeep, "datetime", Later)
        return asyncio.run(forget_runs.fn(UpkeepOrder.model_validate(order)))

    assert forgotten(89) == 0
    assert forgotten(999, keep_runs_days=None) == 0
    assert forgotten(91, is_dry_run=True) == 5
    assert all(is_known(prefect_client, run) for run in ended)
    assert forgotten(91) == 5

    assert not any(is_known(prefect_client, run) for run in ended)
    assert is_known(prefect_client, going_on)
