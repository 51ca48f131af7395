"""
What does a studio throw away at night?

    vault ── what no ledger reaches, and old takes if that is ordered ── deleted
    Prefect ── runs that ended long ago ── forgotten

Nothing circled ever goes, see `onestory.vault.garbage`. An order names what is kept; the answer
says what went.
"""

from datetime import UTC, datetime

from pydantic import Field

from onestory.documents import Frozen
from onestory.production.order import Order
from onestory.vault.garbage import Policy, discard, find_garbage
from onestory.vault.store import Vault

GIGABYTE = 1e9


class UpkeepOrder(Order):
    """What is kept."""

    grace_hours: float = Field(
        default=24.0,
        ge=1.0,
        title="Hours of grace",
        description="What was put into the vault less long ago stays, whatever it is.",
    )
    older_than_days: float | None = Field(
        default=None,
        ge=0.0,
        title="Days of uncircled takes",
        description="Takes that nobody ever circled go after so many days. Empty: they stay.",
    )
    keep_gigabytes: float | None = Field(
        default=None,
        ge=0.0,
        title="Gigabytes of uncircled takes",
        description="Of takes that nobody ever circled so much stays, the newest. Empty: all.",
    )
    keep_runs_days: float | None = Field(
        default=90.0,
        ge=1.0,
        title="Days of runs",
        description="Runs that ended earlier are forgotten by the dashboard, not by the ledgers. "
        "Empty: none.",
    )
    is_dry_run: bool = Field(
        default=False, title="Only look", description="Say what would go, and let it stay."
    )


class Tidied(Frozen):
    """What went out of a vault, or would."""

    num_objects: int
    num_bytes: int
    num_waiting: int
    """More that goes once no film is being made."""
    kept_bytes: int
    is_dry_run: bool


def tidy(vault: Vault, order: UpkeepOrder, *, is_filming: bool) -> Tidied:
    """
    Delete what a vault need not keep.

    Args:
        vault: Which one. Another process that does the same at once deletes the same.
        order: What is kept.
        is_filming: Whether some film is being made: then whatever it may yet need stays.
    """
    gigabytes = order.keep_gigabytes
    policy = Policy.ordered(
        older_than_days=order.older_than_days,
        keep_bytes=None if gigabytes is None else round(gigabytes * GIGABYTE),
        grace_hours=order.grace_hours,
    )
    garbage = find_garbage(vault, policy, now=datetime.now(UTC), is_filming=is_filming)
    gone = [*garbage.condemned] if order.is_dry_run else discard(vault, garbage)
    return Tidied(
        num_objects=len(gone),
        num_bytes=sum(one.stored.num_bytes for one in gone),
        num_waiting=garbage.num_waiting,
        kept_bytes=garbage.kept_bytes,
        is_dry_run=order.is_dry_run,
    )


def upkeep_in_markdown(tidied: Tidied, num_runs: int) -> str:
    """What went, for the dashboard."""
    would = "would be" if tidied.is_dry_run else "were"
    waiting = (
        f" {tidied.num_waiting} more wait until no film is being made."
        if tidied.num_waiting
        else ""
    )
    return (
        f"{tidied.num_objects} objects of {tidied.num_bytes / 1e6:.1f} MB {would} deleted, "
        f"{tidied.kept_bytes / 1e6:.1f} MB stay.{waiting}\n\n"
        f"{num_runs} runs {would} forgotten.\n"
    )
