"""A training file says all that a run depends on, and nothing by accident."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import onestory.training
from onestory.diffusion.pocket import PocketSize
from onestory.errors import WeightsError
from onestory.storyworld.stories import HELD_OUT
from onestory.testing.tiny_pocket import TINY_TRAINING
from onestory.training.config import TrainingConfig, read_config

SHIPPED = Path(onestory.training.__file__).parent / "pocket.yaml"


def changed(*place: Any, to: Any) -> dict[str, Any]:
    """The tiny training file with one thing changed, somewhere inside."""
    document = deepcopy(yaml.safe_load(TINY_TRAINING))
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = to
    return dict(document)


def test_the_shipped_file_is_one() -> None:
    """The run whose weights are shipped can be read, and holds out what it says it holds out."""
    config = read_config(SHIPPED)

    assert config.steps == sum(phase.steps for phase in config.phases) > 100
    assert PocketSize(**config.size.model_dump()) == PocketSize()
    assert config.held_out.first >= HELD_OUT
    assert all(seeds.first + seeds.count <= HELD_OUT for seeds in config.stories)


@pytest.mark.parametrize(
    "place",
    [
        ("learning_rate",),
        ("size", "depth"),
        ("stories", 0, "number"),
        ("phases", 0, "warmup"),
        ("phases", 1, "kinds", "shot", "share"),
    ],
)
def test_unknown_keys_are_refused(place: tuple[Any, ...]) -> None:
    """A misspelt key is a mistake, wherever it stands, and is named with its place."""
    with pytest.raises(ValidationError) as caught:
        TrainingConfig.model_validate(changed(*place, to=1))

    found = [(error["type"], error["loc"]) for error in caught.value.errors()]
    assert ("extra_forbidden", place) in found


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("ema",), 1.1),
        (("text_dropout",), -0.1),
        (("stories",), []),
        (("stories", 0, "count"), 0),
        (("phases",), []),
        (("phases", 0, "steps"), 0),
        (("phases", 0, "kinds"), {}),
        (("phases", 0, "budgets"), []),
        (("phases", 1, "kinds", "shot", "batch"), 0),
        (("phases", 1, "kinds", "shot", "weight"), 0),
        (("phases", 0, "matrix_rate"), [0.1]),
    ],
)
def test_what_cannot_be_run_is_refused(place: tuple[Any, ...], value: Any) -> None:
    """No run without data, steps or samples; shares are shares."""
    with pytest.raises(ValidationError) as caught:
        TrainingConfig.model_validate(changed(*place, to=value))

    assert place in {error["loc"][: len(place)] for error in caught.value.errors()}


def test_a_kind_that_nobody_knows_is_refused() -> None:
    """There are pictures, recalled pictures, shots and selections."""
    kinds = {"film": {"weight": 1, "batch": 1}}

    with pytest.raises(ValidationError, match="'picture', 'recalled picture', 'shot' or 'selec"):
        TrainingConfig.model_validate(changed("phases", 0, "kinds", to=kinds))


def test_phases_follow_each_other(config: TrainingConfig) -> None:
    """Every step has its phase, and progress begins anew in each."""
    found = [config.at(step) for step in range(config.steps)]

    assert config.steps == 6
    assert [config.phases.index(phase) for phase, _ in found] == [0, 0, 0, 1, 1, 1]
    assert [progress for _, progress in found] == pytest.approx([0, 1 / 3, 2 / 3] * 2)
    with pytest.raises(ValueError, match="step 6 is behind the end, there are 6"):
        config.at(6)


@pytest.mark.parametrize(
    "content",
    [b"seed: [", b"- 1\n- 2\n", b"", b"\xff\xfe\x00", b"seed: five\n"],
    ids=["broken", "a list", "empty", "binary", "wrong"],
)
def test_what_is_no_training_file_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever is wrong with it, the message says which file it is."""
    path = tmp_path / "run.yaml"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=r"run\.yaml is no training file: "):
        read_config(path)


def test_a_missing_training_file_is_named(tmp_path: Path) -> None:
    """So is one that is not there."""
    with pytest.raises(WeightsError, match=r"none\.yaml is no training file"):
        read_config(tmp_path / "none.yaml")
