"""What the services of a whole studio are told, and by what way."""

from pathlib import Path

from deployments.studio import whole
from deployments.studio.caretaker import Caretaker
from deployments.studio.credentials import keep_credentials
from deployments.studio.settings import read_settings
from deployments.studio.state import Topology


def test_no_service_has_a_secret_among_its_arguments(tmp_path: Path) -> None:
    """
    As they are started, of every service of a whole studio: environments and files hold them.

    A running process does not tell: Redis names itself anew, and its arguments are gone.
    """
    caretaker = Caretaker(read_settings(home=tmp_path, engine="painted"))
    caretaker.become(Topology(workers=2, engines=2))
    keys = caretaker.credentials()
    kept = keys.secret_key, keys.database_password, keys.redis_password, keys.prefect_auth
    secrets = [secret.get_secret_value().removeprefix("studio:") for secret in kept]

    described = [caretaker._describe(name) for name in caretaker.names()]

    assert len({*secrets}) == 4
    assert min(map(len, secrets)) >= 24
    told = " ".join(value for one in described for value in one.environment.values())
    assert [secret in told for secret in secrets] == [True] * 4
    arguments = [(one.name, word) for one in described for word in one.argv]
    assert {name for name, _ in arguments} >= {"postgres", "redis", "prefect", "mlflow", "gateway"}
    assert not [one for one in arguments if any(secret in one[1] for secret in secrets)]


def test_the_secret_of_redis_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may read the file that holds it."""
    keys = keep_credentials(tmp_path)

    whole.configure_redis(tmp_path, 6379, keys)

    config = tmp_path / "redis" / "redis.conf"
    assert f"requirepass {keys.redis_password.get_secret_value()}\n" in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o600
