"""Changing one line of a script changes one shot, and nobody's look."""

from pathlib import Path

import pytest

from onestory.breakdown.rules import break_down
from onestory.screenplay.episode import Episode
from onestory.screenplay.reading import parse_screenplay

TRAIN = (Path(__file__).parents[3] / "deployments" / "examples" / "last-train.fountain").read_text()
BARE = "Title: A\n\nINT. ROOM - DAY\n\nMARA\nHi.\n\nTOM\nHo.\n\nIRIS\nHa.\n"


def episode(text: str) -> Episode:
    """Break Fountain down."""
    return break_down(parse_screenplay(text.encode(), path="a", suffix=".fountain"))


def captions(text: str) -> list[tuple[str, str]]:
    """Caption and words of every shot."""
    return [(s.caption, "".join(x.text for x in s.lines)) for s in episode(text).shots]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("She turns away.", "She turns away and cries."),
        ("Jonas stands alone and looks at his phone.", "Jonas stands alone and waits."),
        ("You were never slow.", "You were never late, not once in all of these years, Jonas?"),
        ("Mara sits down and looks around.", "Mara sits down."),
    ],
)
def test_an_edited_line_changes_its_own_shot(old: str, new: str) -> None:
    """Editing an action or a speech leaves every other caption as it was."""
    assert old in TRAIN
    before, after = captions(TRAIN), captions(TRAIN.replace(old, new))

    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


@pytest.mark.parametrize(
    "anchor",
    ["She turns away.", "Mara sits down and looks around.", "> FADE OUT.", "[[weather: clear]]"],
)
@pytest.mark.parametrize("line", ["A clock ticks.", "Mara waits.", "JONAS\nWait for me, please!"])
def test_an_inserted_line_changes_no_other_shot(anchor: str, line: str) -> None:
    """An inserted action or speech leaves the others equal where no first appearance moves."""
    before = captions(TRAIN)
    # Where a new place would be shown by the new line, its first appearance really moves.
    at = TRAIN.index(anchor) + (len(anchor) if not anchor.startswith((">", "[[")) else 0)
    after = captions(f"{TRAIN[:at]}\n\n{line}\n\n{TRAIN[at:]}")
    rest = list(after)
    inserted = [pair for pair in rest if pair not in before]

    assert len(after) == len(before) + 1
    assert len(inserted) <= 1
    assert [pair for pair in rest if pair not in inserted][: len(before)] != []
    assert all(pair in after for pair in before)


def test_invented_looks_depend_on_the_name_alone() -> None:
    """Somebody added at the end, or a scene added before, gives nobody another look."""
    before = {m.name: m for m in episode(BARE).cast}
    later = {m.name: m for m in episode(BARE + "\nZARA\nHm.\n").cast}

    assert {name: later[name] for name in before} == before
    assert {m.name: m.look for m in episode(BARE.replace("Hi.", "Well, well.")).cast} == {
        name: m.look for name, m in before.items()
    }
