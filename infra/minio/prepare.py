"""
Who may do what in MinIO? Each user everything in one bucket, and nothing anywhere else.

    root ── makes ──┬── bucket onestory, user of the studio    policy onestory.json
                    └── bucket mlflow, user of MLflow          policy mlflow.json

A job that may run again at any time: what is there stays, and a changed secret or policy is set.
"""

import os
from pathlib import Path

from minio import Minio
from minio.credentials import StaticProvider
from minio.minioadmin import MinioAdmin

POLICIES = Path(__file__).parent
OWNERS = {"onestory": "ONESTORY", "mlflow": "MLFLOW"}
"""Buckets, and how the variables begin that hold their users' keys."""


def prepare(environment: dict[str, str]) -> None:
    """Make the buckets and their users, whose keys are `…_MINIO_ACCESS_KEY` and `…_SECRET_KEY`."""
    endpoint = environment["MINIO_ENDPOINT"]
    keys = environment["MINIO_ROOT_USER"], environment["MINIO_ROOT_PASSWORD"]
    is_secure = environment.get("MINIO_SECURE") == "true"
    minio = Minio(endpoint, *keys, secure=is_secure)
    admin = MinioAdmin(endpoint=endpoint, credentials=StaticProvider(*keys), secure=is_secure)
    for bucket, owner in OWNERS.items():
        if not minio.bucket_exists(bucket):
            minio.make_bucket(bucket)
        user = environment[f"{owner}_MINIO_ACCESS_KEY"]
        admin.policy_add(bucket, str(POLICIES / f"{bucket}.json"))
        admin.user_add(user, environment[f"{owner}_MINIO_SECRET_KEY"])
        admin.policy_set(bucket, user=user)


if __name__ == "__main__":
    prepare(dict(os.environ))
