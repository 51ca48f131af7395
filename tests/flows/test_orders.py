"""What a person fills in on the dashboard, apart from any server."""

import json
import subprocess
import sys


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
