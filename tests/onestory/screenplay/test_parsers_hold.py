"""Whatever is handed in, the readers give a screenplay or a ScriptError, and nothing else."""

import contextlib
import json
import re
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onestory.breakdown.checks import check_dialogue, check_references
from onestory.breakdown.rules import break_down
from onestory.errors import ScriptError
from onestory.screenplay.reading import FORMATS, parse_screenplay
from onestory.screenplay.script import Dialogue

PIECES = st.sampled_from(
    [
        "INT. ROOM - DAY\n\n",
        "EXT. PARK - NIGHT #2#\n\n",
        "MARA\n",
        "TOM (V.O.) ^\n",
        "@小雨\n",
        "(softly)\n",
        "Hello there.\n",
        "Mara *waits* for him.\n",
        "She runs.\n",
        "\n",
        "\n\n",
        "  \n",
        "CUT TO:\n\n",
        "> FADE OUT\n\n",
        "> THE END <\n\n",
        "[[note]]",
        "[[",
        "]]",
        "/*",
        "*/",
        "!",
        "[[shot: close-up, 2s]]\n",
        "[[look: MARA: a woman]]\n",
        "~la la\n",
        "# Act\n",
        "= plan\n",
        "===\n",
        "Title: A\n",
        "\\*",
        "_",
        "*",
        "MARA (30s, red coat) and TOM enter.\n",
        "They hug.\n",
        "The same woman waits.\n",
        ".FORCED\n\n",
        "..\n",
        "\t",
        "\r",
        "\u202e",
        "'",
        "…",
    ]
)
SCRIPTS = st.lists(PIECES, max_size=30).map("".join)
SUFFIXES = st.sampled_from(FORMATS)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "title",
                    "shots",
                    "cast",
                    "name",
                    "set",
                    "action",
                    "lines",
                    "scenes",
                    "text",
                    "character",
                    "video_prompts",
                    "scene_num",
                    "caption",
                    "duration",
                    "slate",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def attempt(content: bytes, suffix: str) -> None:
    """Read and break down; a refusal must name file, line and column."""
    refused: ScriptError | None = None
    try:
        screenplay = parse_screenplay(content, path="x", suffix=suffix, episode="e")
        episode = break_down(screenplay)
        check_dialogue(screenplay, episode)
        check_references(episode)
    except ScriptError as error:
        refused = error

    assert refused is None or refused.slate or re.match(r"x:\d+:\d+: ", refused.message)


@given(st.binary(max_size=200), SUFFIXES)
@settings(max_examples=150, deadline=None)
def test_any_bytes(content: bytes, suffix: str) -> None:
    """Arbitrary bytes never raise anything but a ScriptError."""
    attempt(content, suffix)


@example("\xa0", ".txt")
@given(st.text(max_size=300), SUFFIXES)
@settings(max_examples=200, deadline=None)
def test_any_text(text: str, suffix: str) -> None:
    """Arbitrary text never raises anything but a ScriptError."""
    with contextlib.suppress(UnicodeEncodeError):
        attempt(text.encode(), suffix)


@given(SCRIPTS)
@settings(max_examples=300, deadline=None)
def test_any_fountain(script: str) -> None:
    """Fountain's own building blocks, in any order, are read or refused, and broken down."""
    attempt(("Title: A\n\nINT. ROOM - DAY\n\n" + script).encode(), ".fountain")


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_any_yaml_and_json(value: Any) -> None:
    """Any tree of our own keys is read or refused, as YAML and as JSON."""
    attempt(yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace"), ".yaml")
    attempt(json.dumps(value).encode(), ".json")


WORDS = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="*_\\[]/~@!.>#=()^")
    | st.just(" "),
    min_size=1,
    max_size=200,
).map(lambda text: " ".join(text.split()) or "Well")


@given(st.lists(st.tuples(st.sampled_from(["MARA", "TOM", "小雨"]), WORDS), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None)
def test_dialogue_is_verbatim(speeches: list[tuple[str, str]]) -> None:
    """Words in any language come out of reading and breakdown letter for letter, in order."""
    body = "".join(f"@{name}\n{words}\n\n" for name, words in speeches)
    text = f"Title: A\n\nINT. ROOM - DAY\n\n{body}"
    screenplay = parse_screenplay(text.encode(), path="x", suffix=".fountain")
    episode = break_down(screenplay)
    check_dialogue(screenplay, episode)
    said = "".join(line.text for shot in episode.shots for line in shot.lines)

    assert [(s.character, s.text) for s in screenplay.speeches()] == speeches
    assert said == "".join(words for _, words in speeches)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
@settings(deadline=None)
def test_line_numbers_are_right(gaps: list[int]) -> None:
    """However many blank lines lie between, each speech knows its own line."""
    text = "Title: A\n\nINT. ROOM - DAY\n"
    for number, gap in enumerate(gaps):
        text += "\n" * gap + f"MARA\nword{number}\n"
    screenplay = parse_screenplay(text.encode(), path="x", suffix=".fountain")
    lines = text.split("\n")
    elements = [e for e in screenplay.scenes[0].elements if isinstance(e, Dialogue)]

    assert [lines[e.source.line - 1] for e in elements] == [f"word{n}" for n in range(len(gaps))]
