"""What the dashboard offers: the deployments of `prefect.yaml`, read without any server."""

from typing import Any

import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from deployments.crew import DEPLOYMENTS

OFFERED = yaml.safe_load(DEPLOYMENTS.read_text())["deployments"]
by_name = pytest.mark.parametrize("offered", OFFERED, ids=lambda one: str(one["name"]))


def test_what_is_offered() -> None:
    """Films, retakes and late reviews, under the names of their flows, all for one work pool."""
    assert [one["name"] for one in OFFERED] == ["produce-episode", "retake-shots", "review-lapsed"]
    assert {one["work_pool"]["name"] for one in OFFERED} == {"onestory"}


@by_name
def test_a_flow_stands_behind_every_deployment(offered: dict[str, Any]) -> None:
    """Found as a module, not as a file of some folder."""
    assert ":" not in offered["entrypoint"]
    flow = load_flow_from_entrypoint(offered["entrypoint"], use_placeholder_flow=False)
    assert flow.name == offered["name"]
    assert set(offered.get("parameters", {})) <= set(flow.parameters.properties)


@by_name
def test_a_form_speaks_to_a_person(offered: dict[str, Any]) -> None:
    """Every field has a title; whatever its title does not say, its description does."""
    schema = parameter_schema(load_flow_from_entrypoint(offered["entrypoint"]))
    (order,) = schema.definitions.values()
    for name, field in order["properties"].items():
        assert field["title"] != name, name
        assert field["description"].endswith("."), name
