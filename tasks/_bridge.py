"""
How do tasks reach the library, and where is everything on this machine?

Settings are read from the environment here and nowhere else in `tasks` and `flows`; heavy
parts of the library are imported when the first task runs, so that reading a storyboard
stays cheap.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from onestory.bench.schooling import Trained
    from onestory.production.call_sheet import CallSheet
    from onestory.production.delivery import CuttingRoom
    from onestory.production.estimate import Price
    from onestory.production.plan import ShotPlan
    from onestory.production.unit import Unit

ENGINE_STARTS_SECONDS = 60.0
"""How long an engine server is called that died and is being started again: on a busy machine that
takes longer than all retries, which are for what fails by itself."""


class WorkerSettings(BaseSettings):
    """Where the services are, for the process that runs tasks."""

    model_config = SettingsConfigDict(env_prefix="ONESTORY_", frozen=True, extra="ignore")

    minio_endpoint: str
    minio_access_key: str
    minio_secret_key: SecretStr
    minio_secure: bool = False
    bucket: str = "onestory"
    engine_socket: Path
    breakdown_url: str | None = None
    breakdown_model: str | None = None
    breakdown_api_key: SecretStr | None = None
    breakdown_seconds: float = 120.0
    bigger_pool: str | None = None
    """Where a film goes on that is short of device memory here; None: nowhere."""
    mlflow_tracking_uri: str | None = None
    mlflow_artifacts: str | None = None
    """Where MLflow keeps files, as a URI; None: where its server says."""


@lru_cache(maxsize=1)
def settings() -> WorkerSettings:
    """The settings of this process."""
    return WorkerSettings()


_units: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Unit]]" = WeakKeyDictionary()


def unit() -> "Unit":
    """The film unit of the running flow run, in the running event loop."""
    from prefect.runtime import flow_run

    run = str(flow_run.id or "")
    units = _units.setdefault(asyncio.get_running_loop(), {})
    if run not in units:
        from onestory.breakdown.address import ModelAddress
        from onestory.cut.voice import EspeakVoice
        from onestory.engine_server.client import EngineClient
        from onestory.production.unit import Unit
        from onestory.vault.address import VaultAddress
        from onestory.vault.store import Vault

        here = settings()
        address = VaultAddress(
            endpoint=here.minio_endpoint,
            access_key=here.minio_access_key,
            secret_key=here.minio_secret_key.get_secret_value(),
            bucket=here.bucket,
            secure=here.minio_secure,
        )
        engine = EngineClient(here.engine_socket, patience_seconds=ENGINE_STARTS_SECONDS)
        units[run] = Unit(
            Vault(address),
            engine,
            EspeakVoice(),
            run=run,
            model=ModelAddress(
                url=here.breakdown_url,
                model=here.breakdown_model,
                api_key=key.get_secret_value() if (key := here.breakdown_api_key) else None,
                seconds=here.breakdown_seconds,
            ),
        )
    return units[run]


async def price_of(sheet: "CallSheet", shots: "Sequence[ShotPlan]") -> "Price":
    """What filming those of the shots comes to that are to be filmed; nothing without history."""
    from onestory.production.estimate import price

    return await price(unit(), sheet, shots, settings().mlflow_tracking_uri)


def cutting_room() -> "CuttingRoom":
    """Where the unit of the running flow run has its films cut."""
    from onestory.production.delivery import CuttingRoom, TrackingAddress

    here = settings()
    tracking = None
    if here.mlflow_tracking_uri:
        tracking = TrackingAddress(uri=here.mlflow_tracking_uri, artifacts=here.mlflow_artifacts)
    return CuttingRoom(unit(), tracking)


def training_room() -> "Callable[..., Trained]":
    """`train_pocket`, which logs to the MLflow of this process's studio."""
    from onestory.bench.schooling import train_pocket

    here = settings()
    return partial(
        train_pocket,
        tracking_uri=str(here.mlflow_tracking_uri),
        artifact_root=here.mlflow_artifacts,
    )
