"""What goes out of a vault, and what an order keeps."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from deployments.studio.addresses import Addresses
from onestory.engines.take import Take
from onestory.production import upkeep
from onestory.production.recipes import recipe_for
from onestory.production.upkeep import Tidied, UpkeepOrder, tidy, upkeep_in_markdown
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_take
from onestory.vault.ledger import Ledger
from onestory.vault.store import Vault

LATER = timedelta(days=60)
BIG = b"a video that is spoilt " * 180
"""About 4 kB."""


class _Later(datetime):
    """Two months later."""

    @classmethod
    def now(cls, tz: object = None) -> "datetime":  # type: ignore[override]
        """Never the present."""
        return datetime.now(UTC) + LATER


@pytest.fixture(name="own")
def _own(gateway: Addresses) -> Vault:
    """A vault that no other test sees: upkeep looks at all of it."""
    vault = Vault(replace(gateway.vault_address(), bucket=f"upkeep-{secrets.token_hex(6)}"))
    vault.prepare()
    return vault


def uncircled(vault: Vault) -> Take:
    """A take that a ledger knows and nobody ever circled."""
    episode = tiny_episode()
    take = tiny_take(
        recipe_for(episode.shots[0], episode, tiny_read(episode).shots[0], tiny_filming())
    )
    media = take.media.model_copy(update={"video": vault.put_blob(BIG)})
    take = take.model_copy(update={"media": media})
    vault.put_take(take)
    Ledger(vault, "tiny").rendered("sc01-sh001", prefix="s01e01", address=take.address, rung=0)
    return take


def test_what_nobody_names_goes_after_its_grace(
    own: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob that was put just now stays; two months on it goes, unless one only looks."""
    blob = own.put_blob(b"nobody needs this " * 7)
    assert tidy(own, UpkeepOrder(), is_filming=False).num_objects == 0

    monkeypatch.setattr(upkeep, "datetime", _Later)
    looked = tidy(own, UpkeepOrder(is_dry_run=True), is_filming=False)
    assert own.has_blob(blob)
    gone = tidy(own, UpkeepOrder(), is_filming=False)

    assert not own.has_blob(blob)
    assert (looked.num_objects, looked.num_bytes) == (1, 7 * 18)
    assert gone == looked.model_copy(update={"is_dry_run": False})


@pytest.mark.parametrize(
    ("order", "is_kept"),
    [
        ({}, True),
        ({"older_than_days": 61}, True),
        ({"older_than_days": 59}, False),
        ({"keep_gigabytes": 10e-6}, True),
        ({"keep_gigabytes": 1e-6}, False),
        ({"older_than_days": 0, "grace_hours": 24 * 61}, True),
        ({"older_than_days": 0, "grace_hours": 24 * 59}, False),
    ],
)
def test_an_order_keeps_what_it_names(
    own: Vault, monkeypatch: pytest.MonkeyPatch, order: dict[str, float], is_kept: bool
) -> None:
    """In days, hours and gigabytes, of a take of four kilobytes that is two months old."""
    take = uncircled(own)
    monkeypatch.setattr(upkeep, "datetime", _Later)

    tidy(own, UpkeepOrder.model_validate(order), is_filming=False)

    assert (own.find_take(take.address) is not None) == is_kept
    assert own.has_blob(take.media.video) == is_kept


def test_what_a_film_may_need_waits(own: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as one is being made; how much waits is said."""
    take = uncircled(own)
    monkeypatch.setattr(upkeep, "datetime", _Later)

    tidied = tidy(own, UpkeepOrder(older_than_days=0), is_filming=True)

    assert own.find_take(take.address) == take
    assert (tidied.num_objects, tidied.num_waiting > 0) == (0, True)
    assert tidied.kept_bytes > len(BIG)


def test_what_is_said() -> None:
    """Objects, megabytes, runs, and what waits."""
    tidied = Tidied(
        num_objects=3, num_bytes=2_500_000, num_waiting=1, kept_bytes=10**9, is_dry_run=False
    )
    told = upkeep_in_markdown(tidied, 4)
    assert told.startswith("3 objects of 2.5 MB were deleted, 1000.0 MB stay. 1 more wait")
    assert "4 runs were forgotten" in told

    looked = upkeep_in_markdown(tidied.model_copy(update={"is_dry_run": True}), 4)
    assert "would be deleted" in looked
    assert "4 runs would be forgotten" in looked


def test_some_grace_there_must_be() -> None:
    """A take needs time from the vault to its ledger."""
    with pytest.raises(ValidationError, match="grace_hours"):
        UpkeepOrder(grace_hours=0)
