"""The error family: drawn, picklable, and able to cross HTTP."""

import json
import pickle
import re

import pytest

from onestory import errors
from onestory.errors import OneStoryError, family, from_json

MEMBERS = sorted(family().values(), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", MEMBERS)
def test_every_member_survives_pickle(kind: type[OneStoryError]) -> None:
    """An error that crosses a process keeps its kind, message, slate and hint."""
    error = kind("drift 0.41 is over 0.25", slate="sc01-sh002", hint="retake it")

    back = pickle.loads(pickle.dumps(error))

    assert type(back) is kind
    assert (back.message, back.slate, back.hint) == (error.message, error.slate, error.hint)


@pytest.mark.parametrize("kind", MEMBERS)
def test_every_member_survives_json(kind: type[OneStoryError]) -> None:
    """An error that crosses HTTP comes out as the same member of the family."""
    error = kind("7 of 9 frames are black", slate=None, hint="look at the log")

    back = from_json(json.loads(json.dumps(error.as_json())))

    assert type(back) is kind
    assert back.as_json() == error.as_json()


def test_the_drawn_map_is_the_family() -> None:
    """Every member stands on the map in the module's docstring, and nothing else does."""
    drawn = set(re.findall(r"^\s*[*x+] (\w+)", errors.__doc__ or "", re.MULTILINE))

    assert drawn == set(family())


def test_a_message_names_slate_and_hint() -> None:
    """What a person reads is slate, sentence, hint, in this order."""
    error = OneStoryError("it failed 3 times", slate="sc01-sh002", hint="try again")

    assert str(error) == "[sc01-sh002] it failed 3 times (try again)"


def test_an_unknown_kind_becomes_the_head_of_the_family() -> None:
    """A server of a later version may raise what this one has never heard of."""
    back = from_json({"kind": "FutureError", "message": "soon", "slate": None, "hint": None})

    assert type(back) is OneStoryError
    assert back.message == "soon"
