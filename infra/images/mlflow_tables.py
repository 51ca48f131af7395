"""
Bring MLflow's tables to the version that is installed: laid out if there are none, else upgraded.

MLflow's server refuses tables of an older version, or upgrades them itself if one is missing, in
each of its processes. `mlflow db upgrade` wants the address of the
database, secret included, in its arguments, which are public on a machine; this reads it from
`MLFLOW_BACKEND_STORE_URI`.
"""

import os

from mlflow.store.db.utils import (
    _initialize_tables,
    _is_empty_database,
    _upgrade_db,
    create_sqlalchemy_engine_with_retry,
)


def main() -> None:
    """Lay out or upgrade, whichever is needed."""
    engine = create_sqlalchemy_engine_with_retry(os.environ["MLFLOW_BACKEND_STORE_URI"])
    if _is_empty_database(engine):
        _initialize_tables(engine)
    else:
        _upgrade_db(engine)


if __name__ == "__main__":
    main()
