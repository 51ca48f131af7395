"""
What does a verb work with? A vault, or a film unit, in a studio that is up meanwhile.

    settings ── studio, started or shared ── vault ── film unit
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deployments.studio.addresses import Addresses
from deployments.studio.embedded import studio
from deployments.studio.settings import StudioSettings

if TYPE_CHECKING:
    from onestory.production.unit import Unit
    from onestory.vault.store import Vault

READING = ("gateway",)
"""Services that a verb needs which only reads the vault."""

PLANNING = ("gateway", "engine")


@contextmanager
def open_vault(settings: StudioSettings, services: tuple[str, ...] = READING) -> "Iterator[Vault]":
    """The vault of a studio, which is started or shared meanwhile."""
    with studio(settings, only=services) as addresses:
        yield _vault_at(addresses)


def _vault_at(addresses: Addresses) -> "Vault":
    from onestory.vault.store import Vault

    vault = Vault(addresses.vault_address())
    vault.prepare()
    return vault


@contextmanager
def open_unit(
    settings: StudioSettings, services: tuple[str, ...]
) -> "Iterator[tuple[Unit, Addresses]]":
    """A film unit in a studio, which is started or shared meanwhile."""
    from onestory.cut.voice import EspeakVoice
    from onestory.engine_server.client import EngineClient
    from onestory.production.unit import Unit

    with studio(settings, only=services) as addresses:
        engine = EngineClient(addresses.engine_socket)
        yield Unit(_vault_at(addresses), engine, EspeakVoice(), model=addresses.model), addresses


def episodes_in(vault: "Vault") -> list[str]:
    """Ids of every episode that has a ledger; reference sheets are none."""
    from onestory.production.sheets import SHEETS

    return sorted({key.split("/")[1] for key in vault.list_keys("ledger/")} - {SHEETS})
