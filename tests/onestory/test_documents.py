"""Documents: canonical, named by content, upgraded when read."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onestory.documents import Document, Upgrade, canonical_json, digest_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, width=32),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Prop(Document):
    """A document with a history."""

    schema_name: ClassVar[str] = "Prop.2"
    upgrades: ClassVar[Mapping[str, Upgrade]] = {
        "Prop.1": lambda old: {"schema": "Prop.2", "name": old["label"], "weight_grams": 0}
    }

    name: str
    weight_grams: int


def test_a_document_says_its_schema_first() -> None:
    """Whoever finds a stored document can tell what it is."""
    stored = json.loads(Prop(name="letter", weight_grams=20).to_json())

    assert stored == {"schema": "Prop.2", "name": "letter", "weight_grams": 20}


def test_an_old_document_is_upgraded_when_read() -> None:
    """A kept sample of version 1 reads as version 2."""
    sample = b'{"schema":"Prop.1","label":"letter"}'

    assert Prop.from_json(sample) == Prop(name="letter", weight_grams=0)


def test_a_foreign_document_is_refused_by_name() -> None:
    """A document of another kind is not read as this one by accident."""
    with pytest.raises(ValidationError, match=r"expected schema Prop\.2, found Take\.1"):
        Prop.from_json(b'{"schema":"Take.1","name":"x","weight_grams":1}')


def test_an_unknown_field_is_refused() -> None:
    """A field that nobody knows would be lost silently."""
    with pytest.raises(ValidationError, match="colour"):
        Prop.from_json(b'{"schema":"Prop.2","name":"x","weight_grams":1,"colour":"red"}')


@given(JSON)
def test_canonical_json_reads_back(value: Any) -> None:
    """The canonical form loses nothing, and does not depend on the order of keys."""
    content = canonical_json(value)

    assert json.loads(content) == value
    assert canonical_json(json.loads(content)) == content


def test_nan_is_refused() -> None:
    """A number that JSON does not know must not reach a digest."""
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_digests_are_equal_for_equal_content_only(one: bytes, other: bytes) -> None:
    """A digest names its content."""
    assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(one).startswith("sha256:")
