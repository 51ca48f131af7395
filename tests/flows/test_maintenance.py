"""The studio is kept small by an order on its dashboard."""

import json

import pytest

from onestory.testing.dashboard import Dashboard
from onestory.testing.producing import Producer, shot_list

pytestmark = pytest.mark.studio

MAINTENANCE = "maintenance/maintenance"
AN_HOUR_AGO = {"grace_hours": 1}


def test_nothing_that_a_film_needs_goes(
    crew: Producer, dashboard: Dashboard, episode_id: str
) -> None:
    """It looks, it deletes, it says so; the film is still whole, and its runs are known."""
    script = shot_list(crew.out, episode_id, ("waves",))
    code, film = crew.produce(script)
    assert code == 0

    looked = dashboard.submit(MAINTENANCE, AN_HOUR_AGO | {"is_dry_run": True})
    assert dashboard.wait(looked) == "COMPLETED"
    assert "would be deleted" in dashboard.artifact("maintenance")
    done = dashboard.submit(MAINTENANCE, AN_HOUR_AGO | {"older_than_days": 0})
    assert dashboard.wait(done) == "COMPLETED"
    assert "were deleted" in dashboard.artifact("maintenance")

    assert dashboard.read(film["flow_run"])["state"]["type"] == "COMPLETED"
    code, again = crew.produce(script)
    assert (code, again["rendered"], again["reused"]) == (0, 0, 1), json.dumps(again)


def test_an_order_that_keeps_nothing_is_refused(crew: Producer, dashboard: Dashboard) -> None:
    """A take needs some time from the vault to its ledger."""
    assert crew.home.exists()
    with pytest.raises(Exception, match=r"409|422"):
        dashboard.submit(MAINTENANCE, {"grace_hours": 0})
