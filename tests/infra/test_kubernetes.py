"""The objects for a cluster: what its API accepts, and what the studio wants of them."""

import copy
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names

from deployments.studio.addresses import QUIET
from deployments.studio.settings import StudioSettings

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "infra" / "kubernetes").glob("*.yaml"))
VERSIONS = ("1.33", "1.37")
"""The oldest and the newest Kubernetes whose schemas are asked."""


def _objects(files: list[Path] = FILES) -> list[dict[str, Any]]:
    documents = [document for file in files for document in yaml.safe_load_all(file.read_text())]
    return [
        found
        for document in documents
        for found in (document["items"] if document["kind"] == "List" else [document])
    ]


@pytest.fixture(name="objects")
def _named() -> dict[tuple[str, str], dict[str, Any]]:
    return {(found["kind"], found["metadata"]["name"]): found for found in _objects()}


def _pods() -> dict[str, dict[str, Any]]:
    return {
        found["metadata"]["name"]: found["spec"]["template"]["spec"]
        for found in _objects()
        if "template" in found.get("spec", {})
    }


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


@pytest.mark.parametrize("kubernetes", VERSIONS)
def test_the_api_accepts_every_object(kubernetes: str) -> None:
    """Each object is of its kind by the published schema, without a field that nobody knows."""
    for found in _objects():
        used = kubernetes_validate.validate(found, kubernetes, strict=True)

        assert used == kubernetes, found["metadata"]["name"]


def test_the_schemas_tell_wrong_objects(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    """A misspelt field or a port that is a word would be found."""
    for place, wrong in (("replica", 1), ("replicas", "one")):
        broken = copy.deepcopy(objects["Deployment", "worker"])
        broken["spec"][place] = wrong

        with pytest.raises(kubernetes_validate.ValidationError, match=r"one|replica"):
            kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


def test_every_pod_is_restricted(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Pods pass the restricted pod security standard, which the namespace enforces."""
    labels = objects["Namespace", "onestory"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert _pods().keys() == {"worker", "desk", "offer"}
    for name, pod in _pods().items():
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True, name
        assert security["runAsUser"] > 0, name
        assert security["seccompProfile"]["type"] == "RuntimeDefault", name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {
            "emptyDir",
            "persistentVolumeClaim",
        }
        for container in _containers(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert not own.get("privileged"), name


def test_no_secret_is_contained(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Secrets are referred to by name; a ConfigMap holds none."""
    told = objects["ConfigMap", "onestory"]["data"]

    assert not [kind for kind, _ in objects if kind == "Secret"]
    assert not [name for name in told if "SECRET" in name or "KEY" in name or "AUTH" in name]
    for name, pod in _pods().items():
        for container in _containers(pod):
            sources = container["envFrom"]
            assert {"secretRef": {"name": "onestory"}} in sources, name
            assert {"configMapRef": {"name": "onestory"}} in sources, name


def test_workers_have_no_say_in_the_cluster(
    objects: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """A worker starts processes, no pods: it has an account of its own, no token and no role."""
    assert objects["ServiceAccount", "worker"]["automountServiceAccountToken"] is False
    assert not [kind for kind, _ in objects if "Role" in kind]
    for name, pod in _pods().items():
        assert pod["serviceAccountName"] == "worker", name
        assert pod["automountServiceAccountToken"] is False, name


def test_nobody_calls_a_worker(objects: dict[tuple[str, str], dict[str, Any]]) -> None:
    """No pod takes a connection from another, and each reaches names and three services."""
    policy = objects["NetworkPolicy", "worker"]["spec"]
    ports = {port["port"] for rule in policy["egress"] for port in rule["ports"]}

    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert policy["ingress"] == []
    assert ports == {53, 4200, 9000, 5000}
    for found in objects.values():
        if "template" in found.get("spec", {}):
            labels = found["spec"]["template"]["metadata"]["labels"]
            assert policy["podSelector"]["matchLabels"].items() <= labels.items()


def test_one_replica_is_one_gpu() -> None:
    """The engine has the GPU, stays beside its worker, and is well before that one begins."""
    pods = _pods()
    (engine,) = pods["worker"]["initContainers"]
    (worker,) = pods["worker"]["containers"]
    gpus = [
        container["name"]
        for pod in pods.values()
        for container in _containers(pod)
        if "nvidia.com/gpu" in container["resources"]["limits"]
    ]

    assert gpus == ["engine"]
    assert engine["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert engine["restartPolicy"] == "Always"
    assert engine["startupProbe"]["exec"]["command"][-1] == engine["args"][-1]
    assert "--limit=1" in worker["args"]
    shared = [mount for mount in engine["volumeMounts"] if mount["mountPath"] == "/run/onestory"]
    assert shared == [{"name": "socket", "mountPath": "/run/onestory"}]
    assert shared[0] in worker["volumeMounts"]


def test_pods_mount_what_they_have_and_write_where_they_may() -> None:
    """A file system that stays as it is leaves /tmp, films and the socket to be written."""
    for name, pod in _pods().items():
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in _containers(pod):
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

            assert mounts.keys() == volumes, name
            assert {"/tmp", "/films"} <= set(mounts.values()), name


def test_workers_are_those_of_the_compose_stack(compose: dict[str, Any]) -> None:
    """The same commands on the same queues, whichever way a studio is laid out."""
    pods, services = _pods(), compose["services"]

    assert pods["worker"]["containers"][0]["args"] == services["worker"]["command"]
    assert pods["worker"]["initContainers"][0]["args"] == services["engine"]["command"]
    assert pods["desk"]["containers"][0]["args"] == services["desk"]["command"]
    assert pods["desk"]["containers"][1]["args"] == services["reaper"]["command"]
    assert pods["offer"]["containers"][0]["args"] == services["offer"]["command"]


def test_every_variable_is_somebodys_setting(
    objects: dict[tuple[str, str], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the Secret that README.md describes, a worker reads a complete configured studio."""
    told = objects["ConfigMap", "onestory"]["data"]
    ours = {f"ONESTORY_{name.upper()}" for name in StudioSettings.model_fields}
    known = ours | _get_valid_setting_names(Settings) | QUIET.keys()
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    secret = ("ONESTORY_MINIO_ACCESS_KEY", "ONESTORY_MINIO_SECRET_KEY", "PREFECT_API_AUTH_STRING")
    readme = (ROOT / "infra" / "README.md").read_text()
    for name in secret:
        monkeypatch.setenv(name, "x")
        assert f"--from-literal={name}=" in readme or f"{name}=" in readme, name

    assert told.keys() <= known
    assert QUIET.items() <= told.items()
    assert not StudioSettings().is_embedded


def test_images_are_of_this_version() -> None:
    """No image floats, and all are of one version."""
    images = {container["image"] for pod in _pods().values() for container in _containers(pod)}
    own = version("onestory-studio")

    assert images == {f"onestory/worker:{own}-cuda", f"onestory/worker:{own}-cpu"}
    compose = (ROOT / "infra" / "compose" / "compose.yaml").read_text()
    assert f"${{ONESTORY_VERSION:-{own}}}" in compose
    assert json.dumps(sorted(images)).count("latest") == 0
