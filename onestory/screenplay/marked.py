"""
Where in a YAML or JSON file does a value stand? A `Marked` tree keeps a place for every path.

Plain YAML scalars stay text (`9:16`, `no` and `3s` are not sexagesimals, booleans or bugs);
the schema turns them into what it wants. Aliases, tags and deep nesting are refused: no
script needs them, and a file of a kilobyte could stand for gigabytes.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.refusal import printable, refuse

MAX_DEPTH = 32
"""Deepest nesting of a script file."""

Path = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Marked:
    """A plain value and the places of everything in it."""

    value: object
    places: dict[Path, SourceSpan] = field(default_factory=dict)
    """By path: where the value begins."""
    keys: dict[Path, SourceSpan] = field(default_factory=dict)
    """By path: where the key that leads to it begins."""

    def place(self, path: Path) -> SourceSpan:
        """Where `path` stands, or the nearest thing around it that stands anywhere."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, SourceSpan())


def _span(mark: Any) -> SourceSpan:
    """Turn a mark of either YAML parser, or none, into a place."""
    if mark is None:
        return SourceSpan()
    return SourceSpan(line=mark.line + 1, column=mark.column + 1)


def _check_events(path: str, text: str) -> None:
    """Refuse what would be dangerous to build, while it is still a flat stream of events."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        source = _span(event.start_mark)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            refuse(path, source, "anchors and aliases are not allowed", hint="write it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            refuse(path, source, f"the nesting is deeper than the limit {MAX_DEPTH}")


def _scalar(node: yaml.Node) -> str | None:
    # libyaml calls the style of a plain scalar "", PyYAML calls it None.
    is_plain = not getattr(node, "style", None)
    if is_plain and (not node.value or node.value.lower() in ("null", "~")):
        return None
    return str(node.value)


class _Builder:
    """Turns composed nodes into plain values, noting places on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.places: dict[Path, SourceSpan] = {}
        self.keys: dict[Path, SourceSpan] = {}

    def build(self, node: yaml.Node, at: Path) -> object:
        self.places[at] = _span(node.start_mark)
        if not re.match(
            r"tag:yaml\.org,2002:(str|int|float|bool|null|seq|map|timestamp)", node.tag
        ):
            sentence = f'the tag "{printable(node.tag)}" is not allowed'
            refuse(self.path, self.places[at], sentence, hint="quote the value")
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*at, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, at: Path) -> dict[str, object]:
        built: dict[str, object] = {}
        for key_node, value_node in node.value:
            source = _span(key_node.start_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                refuse(self.path, source, "a key must be plain text", hint="write key: value")
            key = str(key_node.value)
            if key in built:
                sentence = f'the key "{printable(key)}" is given twice'
                refuse(self.path, source, sentence, hint="keep one of the two")
            self.keys[(*at, key)] = source
            built[key] = self.build(value_node, (*at, key))
        return built


def _check_json(path: str, text: str) -> None:
    """Refuse what is not JSON in JSON's own words; YAML would let much of it pass."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        source = SourceSpan(line=error.lineno, column=error.colno)
        refuse(path, source, f"this is not JSON: {error.msg}", hint="look just before this place")
    except RecursionError:
        refuse(path, SourceSpan(), f"the nesting is deeper than the limit {MAX_DEPTH}")
    except ValueError as error:
        refuse(path, SourceSpan(), f"this is not JSON: {printable(str(error))}")


def _json_as_yaml(text: str) -> str:
    """Make JSON's tabs and escapes readable to a YAML parser without moving any line."""
    text = re.sub(r"^\t+", lambda found: " " * len(found.group()), text, flags=re.MULTILINE)

    def pair(found: re.Match[str]) -> str:
        joined = json.loads(f'"{found.group()}"')
        return joined if joined.isprintable() else found.group()

    text = re.sub(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", pair, text)
    return text.replace("\\/", "/")


def load_marked(path: str, text: str, *, is_json: bool) -> Marked:
    """
    Read YAML or JSON, remembering where everything stands.

    Args:
        path: The file's name, for messages.
        text: Its content, with `\\n` as its only line break.
        is_json: Whether it must be JSON and not merely YAML.

    Returns:
        The value, its scalars as text, and its places.

    Raises:
        ScriptError: If the syntax is wrong, a key is doubled, or it could blow up when built.
    """
    if is_json:
        _check_json(path, text)
        text = _json_as_yaml(text)
    try:
        _check_events(path, text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        source = _span(mark)
        problem = printable(str(error.problem or error.context), limit=120)
        hint = "check the indentation and quotes around this place"
        refuse(path, source, f"this is not YAML: {problem}", hint=hint)
    except yaml.YAMLError as error:
        refuse(path, SourceSpan(), f"this is not YAML: {printable(str(error), limit=120)}")
    if node is None:
        refuse(path, SourceSpan(), "the file is empty", hint="write a title and shots")
    builder = _Builder(path)
    value = builder.build(node, ())
    return Marked(value, builder.places, builder.keys)
