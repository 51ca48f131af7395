"""What a person fills in on the dashboard, apart from any server."""

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from onestory.production.order import RetakeOrder


def _asked(code: str) -> object:
    """What a process of its own prints: Prefect reads its settings when it is imported."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_every_field_of_an_order_explains_itself() -> None:
    """A form made of the flow's parameters says of each what it means."""
    properties = _asked(
        "import json; from flows.retake import retake_shots;"
        "schema = retake_shots.parameters.model_dump();"
        "print(json.dumps(schema['definitions']['RetakeOrder']['properties']))"
    )

    assert isinstance(properties, dict)
    assert {"episode", "shots", "seed", "caption", "keyframe", "clip", "downstream"} <= set(
        properties
    )
    assert [name for name, field in properties.items() if not field.get("description")] == []


def test_a_form_has_boxes_for_what_may_stay_empty() -> None:
    """A field that may stay empty asks for no type; null is taken all the same."""
    told = _asked(
        """
import json
from flows.episode import produce_episode
from flows.maintenance import maintenance
from flows.retake import retake_shots
from flows.season import produce_season
from prefect.utilities.schema_tools import validate

flows = (produce_episode, retake_shots, produce_season, maintenance)
schemas = [flow.parameters.model_dump() for flow in flows]
forms = {name: form for schema in schemas for name, form in schema["definitions"].items()}
order = {"episode": "a", "shots": "3", "seed": None, "caption": None}
validate({"order": order}, schemas[1], raise_on_error=True)
print(json.dumps({name: form["properties"] for name, form in forms.items()}))
"""
    )

    assert isinstance(told, dict)
    assert {"EpisodeOrder", "RetakeOrder", "SeasonOrder", "UpkeepOrder"} <= set(told)
    choices = [(form, name) for form in told for name, box in told[form].items() if "anyOf" in box]
    # Empty means a default there, so that "for ever" has to be chosen.
    assert choices == [("UpkeepOrder", "keep_runs_days")]
    assert told["RetakeOrder"]["seed"]["type"] == "integer"
    assert told["EpisodeOrder"]["max_retakes"]["minimum"] == 0


def test_a_box_that_was_emptied_is_not_said() -> None:
    """An empty text means what an empty box means; a box that must be filled in stays refused."""
    order = RetakeOrder.model_validate({"episode": "a", "shots": "3", "seed": "", "caption": ""})

    assert (order.seed, order.caption) == (None, None)
    with pytest.raises(ValidationError, match="episode"):
        RetakeOrder.model_validate({"episode": "", "shots": "3"})


def test_a_deployment_refuses_an_order_that_is_none() -> None:
    """The flow's own signature checks what a schedule or an automation hands it."""
    told = _asked(
        """
import json
from flows.retake import retake_shots
from prefect.exceptions import ParameterTypeError

def says(**fields):
    try:
        made = retake_shots.validate_parameters({"order": {"episode": "a", "shots": "3", **fields}})
    except ParameterTypeError as error:
        return str(error)
    return made["order"].downstream

print(json.dumps([says(), says(downstream="none"), says(seed=-1), says(episode="../a")]))
"""
    )

    assert isinstance(told, list)
    assert told[0] == "affected"
    for answer, field in zip(told[1:], ("downstream", "seed", "episode"), strict=True):
        assert f"order.{field}" in answer


def test_a_decision_explains_itself() -> None:
    """The form by which a person decides on a take says of each field what it means."""
    told = _asked(
        """
import json
from onestory.production.review import Question, ShownTake
from tasks.review import _form

takes = [ShownTake(number=1, verdict="NG: black"), ShownTake(number=2, verdict="passed")]
question = Question(key="k", episode="e", shot="sc01-sh003", slate="s01e01-sc01-sh003-tk02",
                    number=2, why="", caption="Mara | waves.", takes=takes)
form = _form(question, "no take 7")
print(json.dumps([form.model_json_schema()["properties"], form._description]))
"""
    )

    assert isinstance(told, list)
    properties, description = told
    assert list(properties) == ["action", "take", "reason", "note", "caption", "by"]
    assert [name for name, field in properties.items() if not field.get("description")] == []
    assert properties["take"]["default"] == 2
    for words in ("Not possible: no take 7", "Take 2 of shot 3", "NG: black", r"Mara \| waves."):
        assert words in description
