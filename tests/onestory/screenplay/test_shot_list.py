"""A shot list is checked against its published schema; refusals point at the key or value."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # no stubs
import pytest
import yaml

import onestory.screenplay.shot_list
from onestory.errors import ScriptError
from onestory.screenplay.reading import parse_screenplay
from onestory.screenplay.script import Screenplay, ScriptShot
from onestory.screenplay.shot_list import Duration, parse_duration, shot_list_schema

EXAMPLE = Path(__file__).parents[3] / "deployments" / "examples" / "six-shots.yaml"


def read(text: str, suffix: str = ".yaml") -> Screenplay:
    """Read a shot list out of memory."""
    return parse_screenplay(text.encode(), path=f"a{suffix}", suffix=suffix)


def shots(screenplay: Screenplay) -> list[ScriptShot]:
    """The laid-out shots of all scenes."""
    return [e for s in screenplay.scenes for e in s.elements if isinstance(e, ScriptShot)]


def test_the_published_schema_is_the_one_we_check() -> None:
    """The JSON Schema file is made from the model; `shot_list_schema()` makes it anew."""
    published = Path(onestory.screenplay.shot_list.__file__).with_name("shot-list.schema.json")

    assert json.loads(published.read_text()) == shot_list_schema()


def test_the_example_obeys_the_published_schema() -> None:
    """Editors that know JSON Schema find no fault in our example, and do find a wrong key."""
    document = yaml.safe_load(EXAMPLE.read_text())
    jsonschema.validate(document, shot_list_schema())

    with pytest.raises(jsonschema.ValidationError, match="frameing"):
        jsonschema.validate({"shots": [{"frameing": "x"}]}, shot_list_schema())


def test_yaml_scalars_stay_the_writers_words() -> None:
    """9:16, no, 3s and 007 are not numbers in base 60, booleans or octals."""
    screenplay = read(
        "title: 007\naspect: 16:9\ncast: [{name: NO}]\nshots:\n"
        "  - set: yes\n    cut: false\n    lines: [{character: NO, text: off}]\n"
    )

    assert (screenplay.title, screenplay.aspect) == ("007", "16:9")
    assert screenplay.scenes[0].set_name == "yes"
    assert [(s.character, s.text) for s in screenplay.speeches()] == [("NO", "off")]
    assert not shots(screenplay)[0].is_cut


def test_quotes_make_a_word_of_nothing() -> None:
    """Somebody may say "null" if it is quoted; bare, it means that nothing is given."""
    said = "title: A\nshots: [{set: X, lines: [{character: M, text: %s}]}]\n"

    assert [s.text for s in read(said % '"null"').speeches()] == ["null"]
    with pytest.raises(ScriptError, match=r"^a\.yaml:2:47: .*valid string"):
        read(said % "null")


def test_shots_are_grouped_into_scenes() -> None:
    """A shot without a set stays where the last one was; a new set or number begins a scene."""
    screenplay = read(
        "title: A\nshots:\n"
        "  - {set: X, action: 1}\n  - {action: 2}\n"
        "  - {scene: 2, action: 3}\n  - {set: Y, action: 4}\n"
    )

    assert [(s.set_name, len(s.elements)) for s in screenplay.scenes] == [
        ("X", 2),
        ("X", 1),
        ("Y", 1),
    ]


def test_json_is_read_like_yaml_with_places() -> None:
    """A JSON shot list, indented with tabs and with escaped emoji, knows its lines."""
    head = '{\n\t"title": "A \\ud83e\\udd8a",\n\t"shots": [\n'
    text = head + '\t\t{"set": "X", "action": "Go\\/on."}\n\t]\n}'
    screenplay = read(text, ".json")

    assert (screenplay.title, screenplay.episode) != ("", "")
    assert screenplay.title == "A 🦊"
    assert shots(screenplay)[0].action == "Go/on."
    assert (shots(screenplay)[0].source.line, shots(screenplay)[0].source.column) == (4, 3)


@pytest.mark.parametrize(
    ("value", "seconds", "num_frames"),
    [
        ("3", 3.0, None),
        ("2.5s", 2.5, None),
        ("72 frames", None, 72),
        (4, 4.0, None),
        ("1f", None, 1),
    ],
)
def test_durations(value: object, seconds: float | None, num_frames: int | None) -> None:
    """A length is seconds or frames."""
    assert parse_duration(value) == Duration(seconds=seconds, num_frames=num_frames)


HEAD = "title: A\nshots:\n"


@pytest.mark.parametrize(
    ("text", "place", "words", "hint"),
    [
        (HEAD + "  - {set: X, acton: Go.}\n", "3:14", 'a shot has no key "acton"', '"action"'),
        (
            "titles: A\nshots: [{set: X, action: a}]\n",
            "1:1",
            'shot list has no key "titles"',
            '"title"',
        ),
        (
            HEAD + "  - set: X\n    lines: [{charactr: M, text: a}]",
            "4:14",
            "a line has no key",
            "charac",
        ),
        ("title: A\nshots: []\n", "2:8", "at least 1 item", None),
        ("title: A\n", "1:1", 'key "shots" is missing', None),
        (HEAD + "  - {set: X}\n", "3:5", "shot 1 has nothing to shoot", "give it"),
        (HEAD + "  - {action: Go.}\n", "3:5", "nothing says where", "set"),
        (
            HEAD + "  - {set: X, action: a, duration: long}\n",
            "3:35",
            "must be seconds or frames",
            None,
        ),
        (HEAD + "  - {set: X, action: a, duration: 90}\n", "3:35", "at most 60 seconds", None),
        (HEAD + "  - {set: X, action: a, framing: odd}\n", "3:34", "must be one of", None),
        (HEAD + "  - {set: X, action: a, light: noon}\n", "3:32", "'day'", None),
        (HEAD + "  - {set: X, action: a, slate: one}\n", "3:32", "pattern", None),
        (HEAD + "  - {set: ../X, action: a}\n", "3:11", "looks like a path", None),
        (HEAD + '  - {set: "X\\u202ey", action: a}\n', "3:11", "bidirectional", "invisible"),
        (HEAD + "  - {set: X, lines: [{character: ' ', text: a}]}\n", "3:34", "is empty", None),
        (HEAD + "  - {set: X, lines: [{character: M, text: ' '}]}\n", "3:43", "has no words", None),
        (
            HEAD
            + "  - {set: X, action: a, slate: sc01-sh001}\n  - {action: b, slate: sc01-sh001}\n",
            "4:24",
            "already that of shot 1",
            "of its own",
        ),
        (
            HEAD
            + "  - {set: X, action: a, slate: sc01-sh002}\n  - {action: b, slate: sc01-sh001}\n",
            "4:24",
            "sorts before",
            "rise",
        ),
        (
            "title: A\ncast: [{name: MARA}]\nshots: [{set: X, action: Go.}]\n",
            "2:8",
            '"MARA" is in the cast but in no shot',
            "delete",
        ),
        (
            "title: A\ncast: [{name: MARA}]\nshots: [{set: X, cast: [MAR], action: Go.}]\n",
            "3:25",
            '"MAR" is not in the cast',
            '"MARA"',
        ),
        (
            "title: A\ncast: [{name: M}, {name: M}]\nshots: [{set: X, action: M}]\n",
            "2:26",
            "twice",
            None,
        ),
        (
            "title: A\nsets: [{name: PARK}]\nshots: [{set: PRAK, action: M}]\n",
            "3:15",
            "not among the sets",
            '"PARK"',
        ),
        ("title: A\nshots: [\n", "3:1", "this is not YAML", None),
        ("title: 'A\n", "2:1", "this is not YAML", None),
        ("a: &x [1]\nb: *x\n", "1:4", "anchors and aliases", None),
        ("title: !!python/object:os.system x\n", "1:8", "tag", None),
        ("title: A\ntitle: B\n", "2:1", '"title" is given twice', None),
        ("[" * 40 + "]" * 40, "1:33", "deeper than the limit 32", None),
        ("- just\n- a list\n", "1:1", "", None),
        ("schema: shot-list.9\nshots: [{set: X, action: a}]\n", "1:9", "shot-list.1", None),
    ],
)
def test_refusals(text: str, place: str, words: str, hint: str | None) -> None:
    """A fault is refused at its own line and column, with a hint where one helps."""
    with pytest.raises(ScriptError, match=rf"^a\.yaml:{place}: .*{words}") as caught:
        read(text)

    assert (hint or "") in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('{"title": "A",\n "shots": [,]}', "2:12", "this is not JSON"),
        ('{"title": "A"\n "shots": []}', "2:2", "delimiter"),
        ("title: A\n", "1:1", "this is not JSON"),
        ("[" * 9999, "1:1", "deeper"),
    ],
)
def test_refusals_of_json(text: str, place: str, words: str) -> None:
    """JSON must be JSON, and says where it stops being so."""
    with pytest.raises(ScriptError, match=rf"^a\.json:{place}: .*{words}"):
        read(text, ".json")
