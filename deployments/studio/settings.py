"""
Where is everything, on this machine?

    flag  >  environment (ONESTORY_…)  >  onestory.toml  >  default

Without any address the studio is embedded: its services run on loopback, under `home`.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from onestory.breakdown.address import SECONDS, ModelAddress
from onestory.errors import StudioError

PROJECT_FILE = Path("onestory.toml")
"""Optional project file, in the working directory."""
SECRETS = (
    "prefect_auth",
    "minio_secret_key",
    "breakdown_api_key",
    "notify_url",
    "webhook_url",
)


class StudioSettings(BaseSettings):
    """Addresses and secrets of the studio. Read once, at an edge."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="ONESTORY_", env_ignore_empty=True, extra="ignore"
    )

    home: Path = Path(".onestory")
    """Folder of the embedded studio; made absolute when read."""
    embedded: bool = False
    """Whether the addresses beside it are those of the embedded studio under `home`."""
    prefect_api_url: str | None = None
    """Prefect API of a configured studio, such as `http://studio:4200/api`."""
    prefect_auth: SecretStr | None = None
    """What that API asks for, as `user:password`. Never read from the project file."""
    minio_endpoint: str | None = None
    """MinIO of a configured studio, as host and port."""
    minio_access_key: str | None = None
    minio_secret_key: SecretStr | None = None
    """Never read from the project file: secrets come by environment only."""
    minio_secure: bool = False
    """Whether MinIO is reached over TLS."""
    bucket: str = "onestory"
    """Bucket of the vault."""
    mlflow_tracking_uri: str | None = None
    """MLflow of a configured studio."""
    gc_grace_hours: float = Field(default=24.0, ge=0)
    """What was put into the vault less long ago is never deleted."""
    engine: str = "pocket"
    """Name of the engine that the engine server runs."""
    engine_socket: Path | None = None
    """Unix socket of an engine server that somebody else keeps running."""
    encoders: Path | None = None
    """Folder of the encoders that look at takes, with `calibration.json`; None: the shipped."""
    engine_options: dict[str, Any] = Field(default_factory=dict)
    """Keyword options of the engine; JSON in the environment."""
    bigger_pool: str | None = None
    """Work pool whose workers have more device memory: there a film goes on that runs out of it
    here, before an engine goes down its ladder."""
    breakdown_url: str | None = None
    """OpenAI-compatible API of a language model that lays scripts out if an order wants it."""
    breakdown_model: str | None = None
    """That server's name for the model; or the folder of a model on this machine."""
    breakdown_api_key: SecretStr | None = None
    """Never read from the project file."""
    breakdown_seconds: float = Field(default=SECONDS, gt=0)
    """Longest wait for one answer of it."""
    notify_url: SecretStr | None = None
    """Where sentences go that a person should read, as `{"text": …}`: an incoming webhook of a
    chat server. Whoever knows it may write there: never read from the project file."""
    webhook_url: SecretStr | None = None
    """Where a document goes for each delivered episode. Never read from the project file."""
    stuck_minutes: float = Field(default=60.0, ge=0.2)
    """For how long nothing may come of a film until that is told; Prefect looks every 5 s, and
    waits for 10 s at least."""

    @model_validator(mode="before")
    @classmethod
    def _make_home_absolute(cls, value: Any) -> Any:
        fields = dict(value)
        fields["home"] = Path(fields.get("home", ".onestory")).expanduser().absolute()
        return fields

    @field_validator("notify_url", "webhook_url")
    @classmethod
    def _ask_for_http(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("is no address that begins with http:// or https://")
        return value

    @model_validator(mode="after")
    def _ask_for_whole_studio(self) -> Self:
        missing = [name for name, value in self._addresses().items() if not value]
        if self.is_embedded or not missing:
            return self
        raise ValueError(
            f"{len(missing)} of 5 addresses of the configured studio are missing: "
            + ", ".join(f"ONESTORY_{name.upper()}" for name in missing)
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then the project file."""
        return init_settings, env_settings, _ProjectFile(settings_cls, PROJECT_FILE)

    @property
    def is_embedded(self) -> bool:
        """Whether this machine runs the studio's services itself."""
        configured = (self.prefect_api_url, self.minio_endpoint, self.mlflow_tracking_uri)
        return self.embedded or not any(configured)

    @property
    def model_address(self) -> ModelAddress:
        """The language model that orders may have scripts laid out by."""
        key = self.breakdown_api_key
        return ModelAddress(
            url=self.breakdown_url,
            model=self.breakdown_model,
            api_key=key.get_secret_value() if key else None,
            seconds=self.breakdown_seconds,
        )

    def _addresses(self) -> dict[str, object]:
        return {
            "prefect_api_url": self.prefect_api_url,
            "minio_endpoint": self.minio_endpoint,
            "minio_access_key": self.minio_access_key,
            "minio_secret_key": self.minio_secret_key,
            "mlflow_tracking_uri": self.mlflow_tracking_uri,
        }


class _ProjectFile(TomlConfigSettingsSource):
    """The project file, which may hold everything but secrets."""

    def __call__(self) -> dict[str, Any]:
        fields = super().__call__()
        for secret in SECRETS:
            if secret in fields:
                raise StudioError(
                    f"{PROJECT_FILE} holds {secret}, and secrets come by environment only",
                    hint=f"set ONESTORY_{secret.upper()} and delete the line",
                )
        return fields


def read_settings(**flags: Any) -> StudioSettings:
    """
    Read the settings of this machine.

    Args:
        **flags: Fields given on the command line; `None` means not given.

    Returns:
        Settings that name either a whole configured studio or the embedded one.

    Raises:
        StudioError: If a value cannot be read, or a configured studio lacks an address.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return StudioSettings(**given)
    except (ValidationError, SettingsError, ValueError) as error:
        raise StudioError(
            f"the studio's settings cannot be used: {_first_reason(error)}",
            hint=f"look at the ONESTORY_ variables and at {PROJECT_FILE}",
        ) from error


def _first_reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    # The input is left out on purpose: it may be a secret.
    reason = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in reason["loc"])
    return f"{place}: {reason['msg']}" if place else reason["msg"]
