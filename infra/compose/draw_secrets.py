"""
Where do the stack's secrets come from? Drawn here, once, into a file that only its owner reads.

    python infra/compose/draw_secrets.py            writes infra/compose/.env

A secret that is there is never drawn again: databases and users were made with it. One that a
later version of the stack needs is added.
"""

import os
import secrets
import sys
from pathlib import Path

FILE = Path(__file__).with_name(".env")


def fresh() -> dict[str, str]:
    """Every variable that must not be guessed. Hexadecimal: some become part of addresses."""
    return {
        "POSTGRES_PASSWORD": secrets.token_hex(24),
        "PREFECT_DATABASE_PASSWORD": secrets.token_hex(24),
        "MLFLOW_DATABASE_PASSWORD": secrets.token_hex(24),
        "REDIS_PASSWORD": secrets.token_hex(24),
        "PREFECT_AUTH": f"studio:{secrets.token_hex(24)}",
        "MINIO_ROOT_USER": f"root-{secrets.token_hex(4)}",
        "MINIO_ROOT_PASSWORD": secrets.token_hex(24),
        "ONESTORY_MINIO_ACCESS_KEY": f"onestory-{secrets.token_hex(4)}",
        "ONESTORY_MINIO_SECRET_KEY": secrets.token_hex(20),
        "MLFLOW_MINIO_ACCESS_KEY": f"mlflow-{secrets.token_hex(4)}",
        "MLFLOW_MINIO_SECRET_KEY": secrets.token_hex(20),
    }


def draw(path: Path) -> list[str]:
    """
    Write what `path` lacks.

    Returns:
        Names of the secrets that were drawn; no secret is ever shown.
    """
    held = path.read_text() if path.exists() else ""
    names = {line.partition("=")[0].strip() for line in held.splitlines()}
    missing = {name: value for name, value in fresh().items() if name not in names}
    if missing:
        if held and not held.endswith("\n"):
            held += "\n"
        _write_private(path, held + "".join(f"{name}={value}\n" for name, value in missing.items()))
    path.chmod(0o600)
    return list(missing)


def _write_private(path: Path, content: str) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    # Created with its mode, so that nobody can open it before a chmod.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


if __name__ == "__main__":
    where = Path(sys.argv[1]) if sys.argv[1:] else FILE
    drawn = draw(where)
    sys.stdout.write(f"{where}: {len(drawn)} secrets drawn, {len(fresh()) - len(drawn)} kept\n")
