"""The embedded studio's own secrets: drawn once, kept in a file that only its owner reads."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from onestory.errors import StudioError

SECRETS_FILE = "secrets.json"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys of the embedded MinIO."""

    access_key: str
    secret_key: SecretStr


def keep_credentials(home: Path) -> Credentials:
    """
    Read the secrets of the studio under `home`, drawing them at its first start.

    Raises:
        StudioError: If the file is there and cannot be read.
    """
    path = home / SECRETS_FILE
    if not path.exists():
        _draw(path)
    try:
        path.chmod(0o600)
        keys = json.loads(path.read_bytes())
        return Credentials(keys["minio_access_key"], SecretStr(keys["minio_secret_key"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudioError(
            f"the secrets in {path} cannot be read: {type(error).__name__}",
            hint="restore the file, or delete it while the studio is down to draw new ones",
        ) from error


def _draw(path: Path) -> None:
    keys = {
        "schema": "Secrets.1",
        "minio_access_key": f"onestory-{secrets.token_hex(4)}",
        "minio_secret_key": secrets.token_urlsafe(24),
    }
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    # Created with its mode, so that nobody can open it before a chmod.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(json.dumps(keys).encode())
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
