"""What the dashboard offers: the deployments of `prefect.yaml`, read without any server."""

from typing import Any, get_args

import pytest
import yaml
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.flows import load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema

from deployments.crew import AT_ONCE, DEPLOYMENTS, QUEUES
from deployments.reaping import Patience
from onestory.production.season import Queue

OFFERED = yaml.safe_load(DEPLOYMENTS.read_text())["deployments"]
by_name = pytest.mark.parametrize("offered", OFFERED, ids=lambda one: str(one["name"]))


def test_what_is_offered() -> None:
    """All are called as their flows, and are for one work pool."""
    films = ["produce-episode", "retake-shots", "produce-season"]
    assert [one["name"] for one in OFFERED] == [*films, "review-lapsed", "maintenance", "train"]
    assert {one["work_pool"]["name"] for one in OFFERED} == {"onestory"}


@by_name
def test_a_flow_stands_behind_every_deployment(offered: dict[str, Any]) -> None:
    """Found as a module, not as a file of some folder."""
    assert ":" not in offered["entrypoint"]
    flow = load_flow_from_entrypoint(offered["entrypoint"], use_placeholder_flow=False)
    assert flow.name == offered["name"]
    if parameters := offered.get("parameters"):
        flow.validate_parameters(parameters)
    else:
        assert not offered.get("schedules")


def test_seasons_leave_room_for_films() -> None:
    """One season at a time, and in an embedded studio films beside it; a second season waits."""
    (season,) = (one for one in OFFERED if one["name"] == "produce-season")

    limit = season["concurrency_limit"]
    assert limit["collision_strategy"] == ConcurrencyLimitStrategy.ENQUEUE
    assert limit["limit"] < AT_ONCE
    assert not any(schedule["active"] for schedule in season["schedules"])
    assert set(get_args(Queue)) < set(QUEUES)


@by_name
def test_a_dead_worker_is_missed(offered: dict[str, Any]) -> None:
    """Two heartbeats may be lost on the way before the reaper thinks so."""
    seconds = int(offered["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])

    assert seconds * 2 < Patience().silent_seconds


@by_name
def test_a_form_speaks_to_a_person(offered: dict[str, Any]) -> None:
    """Every field has a title; whatever its title does not say, its description does."""
    schema = parameter_schema(load_flow_from_entrypoint(offered["entrypoint"]))
    (order,) = schema.definitions.values()
    for name, field in order["properties"].items():
        assert field["title"] != name, name
        assert field["description"].endswith("."), name
