"""The compose file: what the specification allows, and what the studio wants of it."""

import copy
import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from mlflow import environment_variables as mlflow_settings
from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names
from ruamel.yaml import YAML

from deployments.studio.addresses import QUIET
from deployments.studio.settings import SECRETS, StudioSettings

ROOT = Path(__file__).parents[2]
STACKS = ("compose.yaml", "gpu.yaml")
ONE_SHOT = {"minio-users", "prefect-tables", "mlflow-tables", "offer"}
SECRET = re.compile(r"PASSWORD|SECRET|AUTH(?!OR)|ACCESS_KEY|API_KEY|CONNECTION_URL|ROOT_USER")
READ_BY_COMMAND_LINES = {"MLFLOW_BACKEND_STORE_URI"}
"""Settings that MLflow's command line reads, which are in no list of it."""


@pytest.fixture(scope="module", name="services")
def _services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def _errors(document: Any) -> list[str]:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = Draft202012Validator(json.loads(vendored.read_text()))
    return [f"{error.json_path}: {error.message[:200]}" for error in schema.iter_errors(document)]


def _environment(service: dict[str, Any]) -> dict[str, str]:
    return dict(service.get("environment", {}))


@pytest.mark.parametrize("name", STACKS)
def test_the_specification_allows_every_line(infra: Path, name: str) -> None:
    """Both files are compose files by the schema that the Compose project publishes."""
    assert _errors(yaml.safe_load((infra / "compose" / name).read_text())) == []


def test_two_readers_read_the_same(infra: Path) -> None:
    """Merged keys mean the same to every reader of YAML, whichever of two it lets win."""
    for file in sorted((infra / "compose").glob("*.yaml")):
        text = file.read_text()

        assert YAML(typ="safe", pure=True).load(text) == yaml.safe_load(text), file.name


def test_the_schema_tells_wrong_files(compose: dict[str, Any]) -> None:
    """A misspelt key or a port that is none would be found."""
    for place, wrong in ((("restrat",), "always"), (("ports",), [{"target": []}])):
        broken = copy.deepcopy(compose)
        broken["services"]["redis"][place[0]] = wrong

        assert any("services.redis" in error for error in _errors(broken)), place


def test_the_overlay_changes_services_that_are_there(
    infra: Path, services: dict[str, dict[str, Any]]
) -> None:
    """Each engine gets a GPU of its own, and nothing is added by a misspelt name."""
    overlay = yaml.safe_load((infra / "compose" / "gpu.yaml").read_text())["services"]
    devices = [
        device["device_ids"]
        for service in overlay.values()
        for device in service["deploy"]["resources"]["reservations"]["devices"]
    ]

    assert overlay.keys() == {name for name in services if name.startswith("engine")}
    assert devices == [["0"], ["1"]]


def test_every_secret_comes_from_the_file_of_secrets(
    services: dict[str, dict[str, Any]], tmp_path: Path, infra: Path
) -> None:
    """No password stands in the file; each is asked for by a name that the script draws."""
    wanted, literal = set(), []
    for name, service in services.items():
        for variable, value in _environment(service).items():
            names = set(re.findall(r"\$\{(\w+):\?", value))
            wanted |= names
            is_optional = value == "${ONESTORY_BREAKDOWN_API_KEY:-}"
            if SECRET.search(variable) and not names and not is_optional:
                literal.append((name, variable))
    drawn = _draw(infra, tmp_path / ".env")

    assert literal == []
    assert wanted == drawn.keys()


def test_no_secret_is_an_argument(services: dict[str, dict[str, Any]]) -> None:
    """Arguments are public on a machine: no command, check or label is filled in with a secret."""
    for name, service in services.items():
        public = json.dumps({key: part for key, part in service.items() if key != "environment"})

        assert not re.search(r"\$\{\w+:\?", public), name


def test_ports_are_open_to_this_machine_alone(
    services: dict[str, dict[str, Any]], fill_in: Callable[..., Any]
) -> None:
    """Unless STUDIO_BIND says so, nobody on the network reaches the studio."""
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert ports.keys() == {"minio", "prefect", "mlflow"}
    for published in fill_in(ports, {}).values():
        assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in published), published
    opened = fill_in(ports, {"STUDIO_BIND": "10.0.0.7"})
    assert opened["prefect"] == ["10.0.0.7:4200:4200"]


def test_databases_have_no_way_out(compose: dict[str, Any]) -> None:
    """Postgres and Redis are on a network that leads nowhere else."""
    inside = [name for name, what in compose["networks"].items() if what.get("internal")]

    assert inside == ["state"]
    assert all(compose["services"][name]["networks"] == inside for name in ("postgres", "redis"))


def test_every_service_shows_how_it_is_or_ends(services: dict[str, dict[str, Any]]) -> None:
    """Whatever stays has a health check and is started again; a job does its work and ends."""
    jobs = {name for name, what in services.items() if what["restart"] == "on-failure:5"}
    disabled = {name for name, what in services.items() if what["healthcheck"].get("disable")}
    staying = services.keys() - ONE_SHOT

    assert jobs == disabled == ONE_SHOT
    assert all(services[name]["healthcheck"]["test"] for name in staying)
    assert {services[name]["restart"] for name in staying} == {"unless-stopped"}


def test_whoever_needs_a_service_waits_for_it(services: dict[str, dict[str, Any]]) -> None:
    """A job is waited for until it is done, a service until it is healthy."""
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"

            assert how["condition"] == done, (name, needed)


def test_volumes_are_named(compose: dict[str, Any], fill_in: Callable[..., Any]) -> None:
    """Nothing that must last lies in an anonymous volume, or is declared and never used."""
    mounts = [
        mount
        for service in compose["services"].values()
        for mount in fill_in(service.get("volumes", []), {})
    ]
    used = {mount.split(":")[0] for mount in mounts}

    assert used - compose["volumes"].keys() == {"./databases.sh"}
    assert compose["volumes"].keys() <= used


def test_nobody_runs_as_root_or_may_become_it(services: dict[str, dict[str, Any]]) -> None:
    """Each service has a user of its own, no capability, and a file system that stays as it is."""
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert not service.get("privileged"), name
        # Our own images name their user; tests/infra/test_images.py sees to it.
        ours = service["image"].startswith("onestory/")
        assert ours or service["user"] not in ("root", "0", "0:0"), name


def test_images_have_versions(services: dict[str, dict[str, Any]], infra: Path) -> None:
    """What is pulled or built today is the same tomorrow."""
    overlay = yaml.safe_load((infra / "compose" / "gpu.yaml").read_text())["services"]
    for name, service in [*services.items(), *overlay.items()]:
        tag = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", service["image"]).partition(":")[2]

        assert re.search(r"\d+\.\d+\.\d+|\d{4}-\d\d-\d\d|\d+\.\d+-", tag), (name, tag)
        assert "latest" not in tag, name


def test_builds_find_their_files(services: dict[str, dict[str, Any]], infra: Path) -> None:
    """The context is the root of the project, and each Dockerfile and target is there."""
    for name, service in services.items():
        if build := service.get("build"):
            assert (infra / "compose" / build["context"]).resolve() == ROOT, name
            dockerfile = (ROOT / build["dockerfile"]).read_text()
            assert f" AS {build.get('target', '')}" in dockerfile or "target" not in build, name


def test_every_variable_is_somebodys_setting(services: dict[str, dict[str, Any]]) -> None:
    """A setting that was renamed, or never was one, would be ignored without a word."""
    from prefect_redis.client import RedisMessagingSettings

    ours = {f"ONESTORY_{name.upper()}" for name in StudioSettings.model_fields}
    theirs = _get_valid_setting_names(Settings) | _get_valid_setting_names(RedisMessagingSettings)
    mlflows = {name for name in vars(mlflow_settings) if name.startswith("MLFLOW_")}
    known = {"ONESTORY_": ours, "PREFECT_": theirs, "MLFLOW_": mlflows | READ_BY_COMMAND_LINES}
    told = {name for service in services.values() for name in _environment(service)}
    # What jobs hand to accounts that they make, and no program takes as a setting.
    told -= {"PREFECT_DATABASE_PASSWORD", "MLFLOW_DATABASE_PASSWORD"}
    told -= {"MLFLOW_MINIO_ACCESS_KEY", "MLFLOW_MINIO_SECRET_KEY"}

    unknown = {
        name
        for prefix, settings in known.items()
        for name in told
        if name.startswith(prefix) and name not in settings
    }
    assert unknown == set()
    assert {"ONESTORY_ENGINE_SOCKET", "PREFECT_SERVER_DOCKET_URL"} <= told


def test_workers_are_told_of_a_whole_studio(
    services: dict[str, dict[str, Any]],
    fill_in: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The settings a worker reads are complete, not embedded, and point at an engine next door."""
    drawn = {name: f"x-{name}" for name in re.findall(r"\$\{(\w+):\?", json.dumps(services))}
    for name in ("worker", "worker-2", "desk", "reaper", "offer"):
        for variable, value in fill_in(_environment(services[name]), drawn).items():
            monkeypatch.setenv(variable, value)
        settings = StudioSettings()

        assert not settings.is_embedded, name
        assert settings.engine_socket == Path("/run/onestory/engine.sock"), name
        assert settings.home.parent == Path("/films"), name
        assert settings.minio_secret_key is not None
        assert settings.minio_secret_key.get_secret_value() == "x-ONESTORY_MINIO_SECRET_KEY"


def test_every_pair_shares_a_socket(services: dict[str, dict[str, Any]]) -> None:
    """A worker films with the engine that is started beside it, and with no other."""
    for number in ("", "-2"):
        engine, worker = services[f"engine{number}"], services[f"worker{number}"]

        assert engine["volumes"] == [f"engine{number}:/run/onestory"]
        assert f"engine{number}:/run/onestory" in worker["volumes"]
        assert worker["depends_on"][f"engine{number}"] == {"condition": "service_healthy"}
        assert engine["command"][-1] == worker["environment"]["ONESTORY_ENGINE_SOCKET"]
        assert engine.get("profiles") == worker.get("profiles")


def test_every_queue_of_a_deployment_is_served(services: dict[str, dict[str, Any]]) -> None:
    """No order waits in a queue that no worker looks into, and films have a place of their own."""
    offered = yaml.safe_load((ROOT / "deployments" / "prefect.yaml").read_text())["deployments"]
    wanted = {deployment["work_pool"]["work_queue_name"] for deployment in offered}
    served = {
        name: {word.partition("=")[2] for word in service["command"] if "--work-queue" in word}
        for name, service in services.items()
        if "worker" in service.get("command", [])
    }

    assert served.keys() == {"worker", "worker-2", "desk"}
    assert wanted <= served["worker"] | served["desk"]
    assert not served["worker"] & served["desk"]


def test_nothing_phones_home(services: dict[str, dict[str, Any]]) -> None:
    """Whoever runs Prefect or MLflow is told to keep it to itself, as in an embedded studio."""
    for name, service in services.items():
        environment = _environment(service)
        if {"prefect", "mlflow"} & set(service.get("command", [])):
            assert QUIET.items() <= environment.items(), name


def test_prefect_asks_who_calls(services: dict[str, dict[str, Any]]) -> None:
    """The server has a password, and whoever calls it is told the same one."""
    asked = services["prefect"]["environment"]["PREFECT_SERVER_API_AUTH_STRING"]
    names = ("worker", "worker-2", "desk", "reaper", "offer")
    callers = [services[name]["environment"] for name in names]

    assert asked == "${PREFECT_AUTH:?run draw_secrets.py}"
    assert {caller["PREFECT_API_AUTH_STRING"] for caller in callers} == {asked}


def test_only_jobs_know_the_root_of_minio(services: dict[str, dict[str, Any]]) -> None:
    """Whatever films or serves has an account that is limited to its bucket."""
    knowing = {
        name for name, service in services.items() if "MINIO_ROOT_PASSWORD" in _environment(service)
    }

    assert knowing == {"minio", "minio-users"}


def test_secrets_are_drawn_once(infra: Path, tmp_path: Path) -> None:
    """They are random, private, and never drawn again; a missing one is added to what is there."""
    file = tmp_path / ".env"
    first = _draw(infra, file)
    mode = stat.S_IMODE(file.stat().st_mode)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[1:]).rstrip("\n"))
    file.chmod(0o644)
    again = _draw(infra, file)

    assert mode == 0o600
    assert len(set(first.values())) == len(first)
    assert min(len(value) for name, value in first.items() if "PASSWORD" in name) >= 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert again.keys() == first.keys()
    changed = {name for name in first if first[name] != again[name]}
    assert changed == {lines[0].partition("=")[0]}


def test_secrets_stay_out_of_git_and_images(infra: Path) -> None:
    """The file of secrets is never committed, and no build is sent it."""
    ignored = subprocess.run(
        ["git", "check-ignore", "infra/compose/.env"], cwd=ROOT, capture_output=True, check=False
    )
    sent = (ROOT / ".dockerignore").read_text().splitlines()

    assert ignored.returncode == 0 or not (ROOT / ".git").exists()
    assert "infra/compose/.env" in (ROOT / ".gitignore").read_text().splitlines()
    assert sent.index("*") < sent.index("**/.env")
    assert not any(line.startswith("!") and "env" in line for line in sent)
    assert "!infra/compose/offer.py" in sent


def test_what_secrets_are_asked_for_no_setting_keeps(services: dict[str, dict[str, Any]]) -> None:
    """A secret of the studio is one that its project file refuses, too."""
    secret = {f"ONESTORY_{name.upper()}" for name in SECRETS}
    told = {name for service in services.values() for name in _environment(service)}

    assert {"ONESTORY_MINIO_SECRET_KEY", "ONESTORY_BREAKDOWN_API_KEY"} <= secret & told


def _draw(infra: Path, file: Path) -> dict[str, str]:
    script = [sys.executable, "-P", str(infra / "compose" / "draw_secrets.py"), str(file)]
    said = subprocess.run(script, check=True, capture_output=True, text=True).stdout
    values = dict(line.split("=", 1) for line in file.read_text().splitlines())

    assert not any(value in said for value in values.values())
    return values
