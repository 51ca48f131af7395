"""One real studio for all tests, on a home of its own."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from deployments.studio.addresses import Addresses
from deployments.studio.embedded import ensure_studio, stop_studio, studio
from deployments.studio.settings import StudioSettings, read_settings
from onestory.vault.store import Vault

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

CLEAN = ("ONESTORY_", "PREFECT_", "MLFLOW_")

# How long an example takes says nothing about the product on a machine that has much to do.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the person who runs it."""
    for name in list(os.environ):
        if name.startswith(CLEAN):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", name="studio_home")
def _studio_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio") / "home"


@pytest.fixture(scope="session", name="gateway")
def _gateway(studio_home: Path) -> Iterator[Addresses]:
    """The MinIO gateway alone."""
    settings = read_settings(home=studio_home)
    with studio(settings, only=("gateway",)) as addresses:
        yield addresses


@pytest.fixture(scope="module", name="prefect_client")
def _prefect_client(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SyncPrefectClient]":
    """A client of a Prefect server that serves a module alone, which the settings name."""
    # Prefect reads its settings at import.
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    settings = read_settings(home=tmp_path_factory.mktemp("office") / "home")
    with (
        studio(settings, only=("prefect",)) as addresses,
        temporary_settings({PREFECT_API_URL: addresses.prefect_api_url}),
        get_client(sync_client=True) as client,
    ):
        yield client


@pytest.fixture(name="vault")
def _vault(gateway: Addresses) -> Vault:
    """A vault on the real gateway, in a bucket that all tests share."""
    vault = Vault(replace(gateway.vault_address(), bucket="tests"))
    vault.prepare()
    return vault


@pytest.fixture(name="episode_id")
def _episode_id() -> str:
    """An id that no other test has."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture(scope="session", name="full_studio")
def _full_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioSettings]:
    """A whole studio that is kept up for all tests which run films in processes of their own."""
    settings = read_settings(home=tmp_path_factory.mktemp("films") / "home", engine="painted")
    try:
        ensure_studio(settings, keep=True)
        yield settings
    finally:
        # Also one that did not start in time, whose services would take that of others.
        stop_studio(settings)
