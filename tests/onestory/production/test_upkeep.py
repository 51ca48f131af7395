"""What goes out of a vault, and what an order keeps."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from onestory.production import upkeep
from onestory.production.upkeep import Tidied, UpkeepOrder, tidy, upkeep_in_markdown
from onestory.vault.store import Vault


class _Tomorrow(datetime):
    """Two months later."""

    @classmethod
    def now(cls, tz: object = None) -> "datetime":  # type: ignore[override]
        """Never the present."""
        return datetime.now(UTC) + timedelta(days=60)


def test_what_nobody_names_goes_after_its_grace(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob that was put just now stays; two months on it would go."""
    blob = vault.put_blob(b"nobody needs this " * 7)
    tidy(vault, UpkeepOrder(), is_filming=False)
    assert vault.get_blob(blob)

    monkeypatch.setattr(upkeep, "datetime", _Tomorrow)
    looked = tidy(vault, UpkeepOrder(is_dry_run=True), is_filming=False)
    assert looked.num_objects >= 1
    assert vault.get_blob(blob)


def test_what_is_said() -> None:
    """Objects, megabytes, runs, and what waits."""
    tidied = Tidied(
        num_objects=3, num_bytes=2_500_000, num_waiting=1, kept_bytes=10**9, is_dry_run=False
    )
    told = upkeep_in_markdown(tidied, 4)
    assert told.startswith("3 objects of 2.5 MB were deleted, 1000.0 MB stay. 1 more wait")
    assert "4 runs were forgotten" in told


def test_some_grace_there_must_be() -> None:
    """A take needs time from the vault to its ledger."""
    with pytest.raises(ValidationError):
        UpkeepOrder(grace_hours=0)
