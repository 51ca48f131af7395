"""What a studio's services know outlives an upgrade of theirs: the stack's own jobs, run for real.

On SQLite; Postgres is upgraded by the same jobs, and test_rehearsal.py runs them there.
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlflow.store.db_migrations
import prefect.server.database
import pytest
from alembic.script import ScriptDirectory

pytestmark = pytest.mark.studio

OLD_PREFECT = "8bb517bae6f9"
"""Tables of Prefect in June 2025. Ten revisions followed; the first of them moves rows about."""
OLD_MLFLOW = "1a0cddfcaa16"
"""Tables of MLflow in July 2025."""
RUN = "11111111-1111-4111-8111-111111111111"
OLD_TABLES = """
import os, sys
from alembic import command
from mlflow.store.db.utils import _get_alembic_config, create_sqlalchemy_engine
from mlflow.store.tracking.dbmodels.initial_models import Base
url = os.environ["MLFLOW_BACKEND_STORE_URI"]
engine = create_sqlalchemy_engine(url)
Base.metadata.create_all(engine)
config = _get_alembic_config(url)
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, sys.argv[1])
"""
SCORE = """
import os
from mlflow.tracking import MlflowClient
run = MlflowClient(os.environ["MLFLOW_BACKEND_STORE_URI"]).get_run("r1")
print(run.info.run_name, run.data.metrics, run.data.params)
"""
READ = """
import asyncio
from uuid import UUID
from prefect.server.database import provide_database_interface
from prefect.server.models import concurrency_limits_v2, flow_runs, work_queues

async def main():
    async with provide_database_interface().session_context() as session:
        run = await flow_runs.read_flow_run(session, UUID({run!r}))
        limits = await concurrency_limits_v2.read_all_concurrency_limits(session, 10, 0)
        queues = await work_queues.read_work_queues(session)
        print(run.name, run.state.name, run.parameters["order"]["script"])
        print([(limit.name, limit.limit, limit.active_slots) for limit in limits])
        print([queue.name for queue in queues])

asyncio.run(main())
"""


def _heads(migrations: Path, *versions: Path) -> set[str]:
    """Newest revisions that an installed tool knows of."""
    where = [str(folder) for folder in versions] or None
    return set(ScriptDirectory(str(migrations), version_locations=where).get_heads())


def _run(argv: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-P", *argv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _revision(path: Path) -> str:
    with sqlite3.connect(path) as tables:
        (row,) = tables.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(row[0])


def test_prefects_runs_outlive_an_upgrade(compose: dict[str, Any], tmp_path: Path) -> None:
    """A run, its order, a queue and a limit of last year's Prefect are read by today's."""
    file = tmp_path / "prefect.db"
    environment = {
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{file}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    job = list(compose["services"]["prefect-tables"]["command"])
    _run([*job, "-r", OLD_PREFECT], environment)
    with sqlite3.connect(file) as tables:
        tables.execute("INSERT INTO flow (id, name) VALUES (?, 'produce-episode')", (RUN,))
        tables.execute(
            "INSERT INTO flow_run (id, name, flow_id, parameters, total_run_time)"
            " VALUES (?, 's01e03', ?, ?, '1970-01-01 00:01:00.000000')",
            (RUN, RUN, '{"order": {"script": "e3.fountain"}}'),
        )
        tables.execute(
            "INSERT INTO flow_run_state (id, flow_run_id, type, name)"
            " VALUES (?, ?, 'COMPLETED', 'Circled')",
            (RUN, RUN),
        )
        tables.execute("UPDATE flow_run SET state_id = ?", (RUN,))
        tables.execute("INSERT INTO concurrency_limit (tag, concurrency_limit) VALUES ('gpu', 2)")
        pool = "INSERT INTO work_pool (id, name, type) VALUES (?, 'onestory', 'process')"
        tables.execute(pool, (RUN,))
        tables.execute("INSERT INTO work_queue (name, work_pool_id) VALUES ('nightly', ?)", (RUN,))
    old = _revision(file)
    _run(job, environment)
    read = _run(["-c", READ.format(run=RUN)], environment).splitlines()

    assert old == OLD_PREFECT
    migrations = Path(prefect.server.database.__file__).parent / "_migrations"
    assert {_revision(file)} == _heads(migrations, migrations / "versions" / "sqlite")
    assert read == [
        "s01e03 Circled e3.fountain",
        "[('tag:gpu', 2, 0)]",
        "['nightly']",
    ]


def test_mlflows_scores_outlive_an_upgrade(infra: Path, tmp_path: Path) -> None:
    """A score of last year's MLflow is read by today's, and the job may run again."""
    file = tmp_path / "mlflow.db"
    environment = {"MLFLOW_BACKEND_STORE_URI": f"sqlite:///{file}", "DO_NOT_TRACK": "true"}
    job = [str(infra / "images" / "mlflow_tables.py")]
    _run(["-c", OLD_TABLES, OLD_MLFLOW], environment)
    with sqlite3.connect(file) as tables:
        tables.execute("INSERT INTO experiments (experiment_id, name) VALUES (1, 'season')")
        tables.execute(
            "INSERT INTO runs (run_uuid, name, experiment_id, lifecycle_stage, status,"
            " user_id, start_time)"
            " VALUES ('r1', 's01e03', 1, 'active', 'FINISHED', 'studio', 1)"
        )
        tables.execute("INSERT INTO params VALUES ('seed', '7', 'r1')")
        for table in ("metrics", "latest_metrics"):
            tables.execute(
                f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan)"
                " VALUES ('drift', 0.25, 1, 'r1', 0, 0)"
            )
    old = _revision(file)
    _run(job, environment)
    new = _revision(file)
    _run(job, environment)
    read = _run(["-c", SCORE], environment)

    assert old == OLD_MLFLOW
    assert {new} == _heads(Path(mlflow.store.db_migrations.__file__).parent)
    assert read.split(" ", 1)[1].strip() == "{'drift': 0.25} {'seed': '7'}"
