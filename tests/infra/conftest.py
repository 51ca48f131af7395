"""The stack as a program reads it: merged, and with its variables filled in."""

import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.studio.services import format_argv, gateway
from deployments.studio.state import free_port

INFRA = Path(__file__).parents[2] / "infra"
_VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?:(?P<how>:[-?+])(?P<other>[^{}]*))?\}")


@pytest.fixture(scope="session", name="infra")
def _infra() -> Path:
    """The folder under test."""
    return INFRA


@pytest.fixture(scope="session", name="compose")
def _compose() -> dict[str, Any]:
    """The compose file, with its anchors merged and its variables as they stand."""
    return dict(yaml.safe_load((INFRA / "compose" / "compose.yaml").read_text()))


@pytest.fixture(scope="session", name="fill_in")
def _fill_in() -> Callable[[Any, Mapping[str, str]], Any]:
    """Fills in the variables of a whole document, as the Compose specification says."""

    def fill_in(value: Any, variables: Mapping[str, str]) -> Any:
        if isinstance(value, dict):
            return {name: fill_in(part, variables) for name, part in value.items()}
        if isinstance(value, list):
            return [fill_in(part, variables) for part in value]
        return _filled(value, variables) if isinstance(value, str) else value

    return fill_in


def _filled(text: str, variables: Mapping[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        value, how, other = variables.get(match["name"], ""), match["how"], match["other"]
        if how == ":?":
            assert value, f"{match['name']}: {other}"
        if how == ":-":
            return value or other
        return (other if value else "") if how == ":+" else value

    return _VARIABLE.sub(one, text)


@pytest.fixture(scope="session", name="secret_values")
def _secret_values() -> dict[str, str]:
    """Keys for every account of the stack's MinIO."""
    return {
        "MINIO_ROOT_USER": f"root-{secrets.token_hex(4)}",
        "MINIO_ROOT_PASSWORD": secrets.token_hex(24),
        "ONESTORY_MINIO_ACCESS_KEY": f"onestory-{secrets.token_hex(4)}",
        "ONESTORY_MINIO_SECRET_KEY": secrets.token_hex(20),
        "MLFLOW_MINIO_ACCESS_KEY": f"mlflow-{secrets.token_hex(4)}",
        "MLFLOW_MINIO_SECRET_KEY": secrets.token_hex(20),
    }


@pytest.fixture(scope="module", name="minio_endpoint")
def _minio_endpoint(
    tmp_path_factory: pytest.TempPathFactory, secret_values: dict[str, str]
) -> Iterator[str]:
    """A fresh gateway that nobody but root knows yet, which sees a new user after a second."""
    from pydantic import SecretStr

    from deployments.studio.credentials import Credentials

    home = tmp_path_factory.mktemp("minio")
    for folder in ("minio/objects", "logs"):
        (home / folder).mkdir(parents=True)
    subprocess.run(format_argv(home), check=True, capture_output=True)
    root = secret_values["MINIO_ROOT_USER"], SecretStr(secret_values["MINIO_ROOT_PASSWORD"])
    service = gateway(home, free_port(None), Credentials(*root))
    with service.log.open("wb") as log:
        process = subprocess.Popen(
            [*service.argv, "--refresh-iam-interval", "1s"],
            env=service.full_environment("test"),
            stdout=log,
            stderr=log,
        )
        try:
            deadline = time.monotonic() + 180
            while not service.health.passes():
                assert process.poll() is None, service.log.read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield f"127.0.0.1:{service.health.port}"
        finally:
            process.terminate()
            process.wait(30)
