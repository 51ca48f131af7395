"""Where do the services of a studio answer, and how does another process learn it?"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from onestory.breakdown.address import ModelAddress
from onestory.vault.address import VaultAddress

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Nothing phones home, neither from the servers nor from their clients."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """Every address of one studio, embedded or configured."""

    home: Path
    is_embedded: bool
    prefect_api_url: str
    prefect_ui_url: str
    prefect_auth: SecretStr | None = None
    """User and password that Prefect's API asks for, with a colon between; None if it asks none."""
    minio_endpoint: str
    """Host and port, without a scheme, as the `minio` package wants it."""
    minio_access_key: str
    minio_secret_key: SecretStr
    minio_secure: bool
    bucket: str
    mlflow_tracking_uri: str
    mlflow_artifacts: str | None
    """Where new experiments put artifacts; `None` leaves it to the MLflow server."""
    engine_socket: Path
    engine: str
    """Name of the engine behind the socket."""
    engine_options: Mapping[str, Any]
    bigger_pool: str | None = None
    """Work pool where a film goes on that is short of device memory here."""
    model: ModelAddress = field(default_factory=ModelAddress)
    """The language model that orders may have scripts laid out by."""

    def as_environment(self) -> dict[str, str]:
        """
        Everything a client process needs, secrets included.

        Set it before `prefect` is imported: Prefect reads its settings at import.
        """
        environment = {
            **QUIET,
            "PREFECT_API_URL": self.prefect_api_url,
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "ONESTORY_HOME": str(self.home),
            "ONESTORY_EMBEDDED": str(self.is_embedded).lower(),
            "ONESTORY_PREFECT_API_URL": self.prefect_api_url,
            "ONESTORY_MINIO_ENDPOINT": self.minio_endpoint,
            "ONESTORY_MINIO_ACCESS_KEY": self.minio_access_key,
            "ONESTORY_MINIO_SECRET_KEY": self.minio_secret_key.get_secret_value(),
            "ONESTORY_MINIO_SECURE": str(self.minio_secure).lower(),
            "ONESTORY_BUCKET": self.bucket,
            "ONESTORY_MLFLOW_TRACKING_URI": self.mlflow_tracking_uri,
            "ONESTORY_ENGINE_SOCKET": str(self.engine_socket),
            "ONESTORY_ENGINE": self.engine,
            "ONESTORY_ENGINE_OPTIONS": json.dumps(dict(self.engine_options), sort_keys=True),
            "MLFLOW_TRACKING_URI": self.mlflow_tracking_uri,
        }
        model = {
            "ONESTORY_BREAKDOWN_URL": self.model.url,
            "ONESTORY_BREAKDOWN_MODEL": self.model.model,
            "ONESTORY_BREAKDOWN_API_KEY": self.model.api_key,
            "ONESTORY_BREAKDOWN_SECONDS": str(self.model.seconds),
        }
        environment |= {name: value for name, value in model.items() if value}
        if self.bigger_pool is not None:
            environment["ONESTORY_BIGGER_POOL"] = self.bigger_pool
        if self.prefect_auth is not None:
            environment["PREFECT_API_AUTH_STRING"] = self.prefect_auth.get_secret_value()
            environment["ONESTORY_PREFECT_AUTH"] = self.prefect_auth.get_secret_value()
        if self.mlflow_artifacts is not None:
            environment["ONESTORY_MLFLOW_ARTIFACTS"] = self.mlflow_artifacts
        if self.is_embedded:
            environment["PREFECT_HOME"] = str(self.home / "prefect")
            environment |= direct_to_loopback()
        return environment

    def vault_address(self) -> VaultAddress:
        """Where the studio's vault is, secret included."""
        return VaultAddress(
            endpoint=self.minio_endpoint,
            access_key=self.minio_access_key,
            secret_key=self.minio_secret_key.get_secret_value(),
            bucket=self.bucket,
            secure=self.minio_secure,
        )

    def summary(self) -> str:
        """The addresses for a person to read. Holds no secret."""
        asked = " (asks for what `onestory studio password` prints)" if self.prefect_auth else ""
        lines = {
            "dashboard": self.prefect_ui_url + asked,
            "MinIO": f"{'https' if self.minio_secure else 'http'}://{self.minio_endpoint}"
            f" (bucket {self.bucket})",
            "MLflow": self.mlflow_tracking_uri,
            "engine": str(self.engine_socket),
        }
        return "\n".join(f"{name:<10} {address}" for name, address in lines.items())


def direct_to_loopback() -> dict[str, str]:
    """Proxy settings under which loopback is reached directly, whatever proxy is set."""
    hosts = [os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""]
    hosts += [host for host in ("127.0.0.1", "localhost") if host not in hosts[0].split(",")]
    value = ",".join(host for host in hosts if host)
    return {"NO_PROXY": value, "no_proxy": value}
