"""Plain prose becomes shots: a paragraph is a scene, a sentence is a shot."""

import pytest

from onestory.errors import ScriptError
from onestory.screenplay.prose import read_prose, sentences_of
from onestory.screenplay.script import Action

STORY = """The Letter

Mara waits on the platform at night. Then Mara sees "Tom"!
She waves.

In the kitchen, Tom reads. Mr. Hill laughs.
"""


def test_sentences_are_shots_with_places() -> None:
    """Every sentence keeps its line and column; names that return are cast."""
    screenplay = read_prose("a.txt", STORY)
    first, second = screenplay.scenes

    assert [
        (e.text, e.source.line, e.source.column) for e in first.elements if isinstance(e, Action)
    ] == [
        ("Mara waits on the platform at night.", 3, 1),
        ('Then Mara sees "Tom"!', 3, 38),
        ("She waves.", 4, 1),
    ]
    assert [e.text for e in second.elements if isinstance(e, Action)] == [
        "In the kitchen, Tom reads.",
        "Mr. Hill laughs.",
    ]
    assert [s.set_name for s in screenplay.scenes] == ["PLATFORM", "KITCHEN"]
    assert [note.name for note in screenplay.cast] == ["Mara", "Tom"]
    assert (screenplay.title, first.time) == ("The Letter", "night")


def test_chinese_sentences_end_without_spaces() -> None:
    """A full stop of a script without spaces ends a sentence all the same."""
    assert [text for _, text in sentences_of("她走了。他看着她！雨。")] == [
        "她走了。",
        "他看着她！",
        "雨。",
    ]


def test_refusals() -> None:
    """Prose needs a title and something that happens."""
    with pytest.raises(ScriptError, match=r"^a\.txt:1:1: nothing says which episode"):
        read_prose("a.txt", "Mara waits. Mara goes.")
    with pytest.raises(ScriptError, match=r"^a\.txt:2:1: nothing to shoot after the title"):
        read_prose("a.txt", "\n# The Letter\n")
