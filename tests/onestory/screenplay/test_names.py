"""Names may be of any language; what looks like a path or hides characters is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onestory.screenplay.names import fault_of_name, slug_of


@pytest.mark.parametrize(
    "name",
    [
        "../etc",
        "a/../b",
        "..",
        ".",
        "/root",
        "~root",
        "C:\\x",
        "a\u202eb",
        "a\nb",
        "",
        " ",
        "x" * 101,
    ],
)
def test_bad_names(name: str) -> None:
    """Paths, controls, nothing and endless names have a fault and a way out."""
    fault = fault_of_name(name)

    assert fault is not None
    assert all(fault)


@pytest.mark.parametrize(
    "name", ["KITCHEN/LIVING ROOM", "MR. O'NEIL", 'X "Y" Z', "مريم", "🦊", "I..."]
)
def test_good_names(name: str) -> None:
    """A slash between rooms, quotes, dots, emoji and right-to-left letters are no fault."""
    assert fault_of_name(name) is None


@given(st.text())
def test_slugs_are_slugs(text: str) -> None:
    """Any text has a slug, the same each time, that is safe as a name anywhere."""
    assert re.fullmatch(r"[a-z0-9-]{1,64}", slug_of(text))
    assert slug_of(text) == slug_of(text)


def test_titles_that_differ_in_lost_letters_do_not_meet() -> None:
    """Letters that have no Latin form still make a difference."""
    assert slug_of("Film 雨") != slug_of("Film 雪")
    assert slug_of("Straße") == "strasse"
