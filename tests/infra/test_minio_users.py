"""Accounts that are limited to their buckets, made by the stack's own job in a real gateway."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from minio import Minio
from minio.error import S3Error

from onestory.vault.address import VaultAddress
from onestory.vault.store import Vault

pytestmark = pytest.mark.studio
REGION = "us-east-1"
"""Said beforehand: a client that asks for it first is refused there, whatever it wanted to do."""
BUCKETS = {"onestory": "ONESTORY", "mlflow": "MLFLOW"}


@pytest.fixture(scope="module", name="prepared")
def _prepared(infra: Path, minio_endpoint: str, secret_values: dict[str, str]) -> dict[str, Minio]:
    """The gateway after two runs of the job; a client for each account, and root's."""
    told = {**os.environ, **secret_values, "MINIO_ENDPOINT": minio_endpoint}
    for _ in range(2):
        job = [sys.executable, "-P", str(infra / "minio" / "prepare.py")]
        subprocess.run(job, env=told, check=True, timeout=120)
    accounts = {"root": ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")} | {
        bucket: (f"{owner}_MINIO_ACCESS_KEY", f"{owner}_MINIO_SECRET_KEY")
        for bucket, owner in BUCKETS.items()
    }
    clients = {
        name: Minio(
            minio_endpoint, *(secret_values[key] for key in keys), secure=False, region=REGION
        )
        for name, keys in accounts.items()
    }
    clients["root"].put_object("onestory", "kept", io.BytesIO(b"take"), 4)
    clients["root"].put_object("mlflow", "kept", io.BytesIO(b"score"), 5)
    return clients


@pytest.mark.parametrize("bucket", BUCKETS)
def test_an_account_does_its_work_in_its_bucket(prepared: dict[str, Minio], bucket: str) -> None:
    """It puts, gets, lists, links to and deletes what it works with."""
    client = prepared[bucket]
    client.put_object(bucket, "a/b", io.BytesIO(b"frames"), 6)

    assert client.get_object(bucket, "a/b").data == b"frames"
    assert {found.object_name for found in client.list_objects(bucket, recursive=True)} == {
        "a/b",
        "kept",
    }
    assert client.bucket_exists(bucket)
    client.remove_object(bucket, "a/b")
    assert [found.object_name for found in client.list_objects(bucket)] == ["kept"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_an_account_is_refused_elsewhere(prepared: dict[str, Minio], bucket: str) -> None:
    """It neither sees, reads, writes nor deletes in the other bucket, and makes no bucket."""
    client = prepared[bucket]
    (other,) = BUCKETS.keys() - {bucket}
    tried = {
        "put": lambda: client.put_object(other, "x", io.BytesIO(b"x"), 1),
        "overwrite": lambda: client.put_object(other, "kept", io.BytesIO(b"x"), 1),
        "get": lambda: client.get_object(other, "kept"),
        "list": lambda: list(client.list_objects(other)),
        "delete": lambda: client.remove_object(other, "kept"),
        "delete the bucket": lambda: client.remove_bucket(bucket),
        "make a bucket": lambda: client.make_bucket("mine"),
        "open it to the world": lambda: client.set_bucket_policy(bucket, json.dumps({})),
    }
    assert {what: _refusal(do) for what, do in tried.items()} == dict.fromkeys(
        tried, "AccessDenied"
    )
    expected = b"take" if other == "onestory" else b"score"
    assert prepared["root"].get_object(other, "kept").data == expected


def test_the_vault_needs_no_more_than_its_account_may(
    minio_endpoint: str, secret_values: dict[str, str], prepared: dict[str, Minio]
) -> None:
    """A vault opened with the limited keys prepares itself, keeps a blob and gives it back."""
    vault = Vault(
        VaultAddress(
            endpoint=minio_endpoint,
            access_key=secret_values["ONESTORY_MINIO_ACCESS_KEY"],
            secret_key=secret_values["ONESTORY_MINIO_SECRET_KEY"],
            bucket="onestory",
            secure=False,
        )
    )
    vault.prepare()
    large = os.urandom(12 << 20)
    digest = vault.put_blob(large)

    assert vault.get_blob(digest) == large
    assert prepared["root"].bucket_exists("onestory")


def test_an_account_gains_nothing_by_another(
    infra: Path, minio_endpoint: str, secret_values: dict[str, str], prepared: dict[str, Minio]
) -> None:
    """No limited account makes users; a service account of its own is refused as it is itself.

    MinIO refuses to make that one, too, by the policy's last statement. The gateway does not.
    """
    from minio.credentials import StaticProvider
    from minio.error import MinioAdminException
    from minio.minioadmin import MinioAdmin

    keys = (secret_values[f"ONESTORY_MINIO_{part}"] for part in ("ACCESS_KEY", "SECRET_KEY"))
    admin = MinioAdmin(endpoint=minio_endpoint, credentials=StaticProvider(*keys), secure=False)
    tried = {
        "users": admin.user_list,
        "user": lambda: admin.user_add("mine", "mine-and-mine"),
        "policy": lambda: admin.policy_set("mlflow", user="mine"),
    }
    for do in tried.values():
        with pytest.raises(MinioAdminException, match="AccessDenied"):
            do()
    with suppress(MinioAdminException):
        admin.add_service_account(access_key="minemine", secret_key="mine-and-mine")
    made = Minio(minio_endpoint, "minemine", "mine-and-mine", secure=False, region=REGION)
    for do in (
        lambda: made.get_object("mlflow", "kept"),
        lambda: made.put_object("mlflow", "x", io.BytesIO(b"x"), 1),
        lambda: made.make_bucket("mine"),
    ):
        with pytest.raises(S3Error, match=r"AccessDenied|InvalidAccessKeyId"):
            do()
    for name in BUCKETS:
        policy = json.loads((infra / "minio" / f"{name}.json").read_text())
        denied = [part["Action"] for part in policy["Statement"] if part["Effect"] == "Deny"]
        assert denied == [["admin:CreateServiceAccount"]]


def test_a_new_secret_takes_the_old_ones_place(
    infra: Path, minio_endpoint: str, secret_values: dict[str, str], prepared: dict[str, Minio]
) -> None:
    """Whoever changes a secret in the file and runs the job again has changed it."""
    told = {
        **os.environ,
        **secret_values,
        "MINIO_ENDPOINT": minio_endpoint,
        "MLFLOW_MINIO_SECRET_KEY": "another-secret-than-before",
    }
    job = [sys.executable, "-P", str(infra / "minio" / "prepare.py")]
    subprocess.run(job, env=told, check=True, timeout=120)
    user = secret_values["MLFLOW_MINIO_ACCESS_KEY"]
    renewed = Minio(minio_endpoint, user, "another-secret-than-before", secure=False, region=REGION)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            prepared["mlflow"].get_object("mlflow", "kept")
        except S3Error:
            break
        time.sleep(0.2)

    assert renewed.get_object("mlflow", "kept").data == b"score"
    with pytest.raises(S3Error, match="SignatureDoesNotMatch"):
        prepared["mlflow"].get_object("mlflow", "kept")


def _refusal(do: Callable[[], object]) -> str | None:
    """Why something was refused; None if it was not."""
    try:
        do()
    except S3Error as error:
        return error.code
    return None
