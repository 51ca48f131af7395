"""A producer with a studio that is kept up, and scripts of its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from deployments.studio.settings import StudioSettings
from onestory.testing.producing import Producer


@pytest.fixture(name="producer")
def _producer(full_studio: StudioSettings, tmp_path: Path) -> Producer:
    """A person with an engine that paints at once."""
    return Producer(home=full_studio.home, out=tmp_path)


@pytest.fixture(name="slow_producer")
def _slow_producer(producer: Producer) -> Producer:
    """A person with an engine that takes its time, so that something can happen meanwhile."""
    return replace(producer, options={"seconds_per_take": 1.2})
