"""
How is anything written down, so that it can be read years later and named by its content?

    Document ── canonical_json ── sha256 ── "sha256:ab12…"

A document starts with its schema (`Take.1`); its canonical JSON has sorted keys, no spaces
and no NaN, so that equal documents have equal digests on every machine.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NewType, Self, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hex digits."""

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the JSON of one schema version into the next one's."""


def canonical_json(value: object) -> bytes:
    """UTF-8 JSON with sorted keys and no spaces: the only form that is ever hashed or stored."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(content: bytes) -> Digest:
    """Name `content` by its sha256."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def digest_of_json(value: object) -> Digest:
    """Name a JSON value by the sha256 of its canonical form."""
    return digest_of(canonical_json(value))


class Frozen(BaseModel):
    """A value that never changes and tolerates no field it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Frozen):
    """A stored value. Subclasses name their schema and may say how old versions are upgraded."""

    schema_name: ClassVar[str]
    """Schema of this class, such as `Take.1`."""
    upgrades: ClassVar[Mapping[str, Upgrade]] = {}
    """By old schema name: the function that turns that version into the next."""

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, value: object) -> object:
        if not isinstance(value, dict) or "schema" not in value:
            return value
        fields = dict(cast(dict[str, Any], value))
        while (schema := fields.pop("schema")) != cls.schema_name:
            if schema not in cls.upgrades:
                raise ValueError(f"expected schema {cls.schema_name}, found {schema}")
            fields = cls.upgrades[schema](fields)
        return fields

    @model_serializer(mode="wrap")
    def _stamp(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"schema": self.schema_name, **handler(self)}

    def to_json(self) -> bytes:
        """Canonical JSON, ready to be stored."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> Digest:
        """The name of this document by its content."""
        return digest_of(self.to_json())

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a stored document, upgrading old versions.

        Raises:
            pydantic.ValidationError: If it is not this document in any known version.
        """
        return cls.model_validate(json.loads(content))
