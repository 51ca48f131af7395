"""Who returns in another episode looks as before, unless the script says otherwise."""

from onestory.breakdown.imports import import_looks
from onestory.breakdown.rules import break_down
from onestory.screenplay.episode import Episode
from onestory.screenplay.reading import parse_screenplay
from onestory.screenplay.script import Screenplay

FOUR = """\
[[look: MARA: a young woman with green hair and a silver coat]]

INT. KITCHEN - DAY

Mara waves to JONAS (60s, white beard).

INT. CELLAR - DAY

Jonas waits.
"""
FIVE = """\
INT. KITCHEN - NIGHT

Mara dances. JONAS (bald) laughs.

EXT. BEACH - DAY

Mara runs to ALMA (red coat).
"""


def _script(body: str, episode: str) -> Screenplay:
    text = f"Title: {episode}\nEpisode: {episode}\n\n{body}"
    return parse_screenplay(text.encode(), path=episode, suffix=".fountain")


def _earlier(body: str = FOUR, episode: str = "four") -> Episode:
    return break_down(_script(body, episode))


def test_who_returns_looks_as_before() -> None:
    """Cast and sets that the script names; nobody else becomes part of the episode."""
    four = _earlier()

    told, names = import_looks(_script(FIVE, "five"), [four])
    five = break_down(told)

    assert {key: sorted(found) for key, found in names.items()} == {
        "four": ["JONAS", "KITCHEN", "MARA"]
    }
    for name in ("MARA", "JONAS"):
        assert five.member(name).look == four.member(name).look
        assert five.member(name).kind == four.member(name).kind
    assert five.set_design("KITCHEN").look == four.set_design("KITCHEN").look
    assert {one.name for one in five.cast} == {"MARA", "JONAS", "ALMA"}
    assert {one.name for one in five.sets} == {"KITCHEN", "BEACH"}
    assert "silver coat" in five.shots[0].caption


def test_a_note_of_the_script_wins() -> None:
    """Who is noted to look otherwise does, and is not said to be imported."""
    noted = "[[look: MARA: a young woman with black hair and a red coat]]\n\n" + FIVE

    told, names = import_looks(_script(noted, "five"), [_earlier()])

    assert names == {"four": ("JONAS", "KITCHEN")}
    assert "black hair" in break_down(told).member("MARA").look


def test_the_later_of_two_episodes_counts() -> None:
    """A new coat of episode four is worn in episode five."""
    three = _earlier(FOUR.replace("silver", "brown"), "three")

    told, names = import_looks(_script(FIVE, "five"), [three, _earlier()])

    assert "silver coat" in break_down(told).member("MARA").look
    assert set(names) == {"four"}


def test_nothing_is_imported_from_nowhere() -> None:
    """A script without imports is left as it is."""
    script = _script(FIVE, "five")

    assert import_looks(script, []) == (script, {})
