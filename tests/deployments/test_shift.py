"""What a worker runs for a flow run, before Prefect's engine runs."""

import time
from uuid import UUID, uuid4

import pytest

from deployments import shift


def test_a_shift_that_waits_for_its_turn_gives_signs_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once, and as long as it waits; then the flow gives its own."""
    heard: list[tuple[str, str]] = []

    def emit(event: str, resource: dict[str, str]) -> None:
        heard.append((event, resource["prefect.resource.id"]))

    monkeypatch.setattr("prefect.events.emit_event", emit)
    monkeypatch.setattr(shift, "BEAT_SECONDS", 0.05)
    run: UUID = uuid4()

    with shift._beating(run):
        deadline = time.monotonic() + 120
        while len(heard) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    number = len(heard)
    time.sleep(0.3)

    assert set(heard) == {("prefect.flow-run.heartbeat", f"prefect.flow-run.{run}")}
    assert len(heard) == number
