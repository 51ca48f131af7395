"""The embedded studio's own secrets: drawn once, kept in a file that only its owner reads."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from onestory.errors import StudioError

SECRETS_FILE = "secrets.json"
NONE = SecretStr("")
"""Of what a studio somewhere else keeps to itself."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of the studio's services on this machine."""

    access_key: str
    """Of MinIO."""
    secret_key: SecretStr
    database_password: SecretStr = NONE
    """Of a whole studio, as those below."""
    redis_password: SecretStr = NONE
    prefect_auth: SecretStr = NONE
    """User and password of Prefect's API and dashboard, with a colon between."""


def keep_credentials(home: Path) -> Credentials:
    """
    Read the secrets of the studio under `home`, drawing them at its first start.

    Raises:
        StudioError: If the file is there and cannot be read.
    """
    path = home / SECRETS_FILE
    if not path.exists():
        write_private(path, json.dumps(_drawn()))
    try:
        path.chmod(0o600)
        keys = json.loads(path.read_bytes())
        if missing := {name: value for name, value in _drawn().items() if name not in keys}:
            # Drawn by an earlier version, which knew fewer services.
            keys |= missing
            write_private(path, json.dumps(keys))
        return Credentials(
            keys["minio_access_key"],
            SecretStr(keys["minio_secret_key"]),
            SecretStr(keys["database_password"]),
            SecretStr(keys["redis_password"]),
            SecretStr(f"studio:{keys['prefect_password']}"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(
            f"the secrets in {path} cannot be read: {type(error).__name__}",
            hint="restore the file, or delete it while the studio is down to draw new ones",
        ) from error


def _drawn() -> dict[str, str]:
    return {
        "schema": "Secrets.1",
        "minio_access_key": f"onestory-{secrets.token_hex(4)}",
        "minio_secret_key": secrets.token_urlsafe(24),
        # Letters and digits only: these become part of addresses.
        "database_password": secrets.token_hex(24),
        "redis_password": secrets.token_hex(24),
        "prefect_password": secrets.token_hex(24),
    }


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner reads, and that is either whole or as it was."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    # Created with its mode, so that nobody can open it before a chmod.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
