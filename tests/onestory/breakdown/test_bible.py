"""Everybody and every place looks like something, for good, and is called by one phrase."""

import re

import pytest

from onestory.breakdown.bible import Bible, noun_phrase, write_bible
from onestory.breakdown.looks import age_words, hair_colour_of, kind_of_name, top_of
from onestory.screenplay.reading import parse_screenplay


def bible(body: str) -> Bible:
    """The bible of a Fountain script."""
    text = f"Title: A\n\n{body}\n"
    return write_bible(parse_screenplay(text.encode(), path="a", suffix=".fountain"))


def room(body: str) -> Bible:
    """The bible of a scene in a room."""
    return bible(f"INT. ROOM - DAY\n\n{body}")


def test_a_note_is_taken_word_for_word() -> None:
    """The script's own look stands, made fit for the middle of a sentence."""
    (member,) = room("[[look: MARA: Young woman with a red coat.]]\n\nMara waits.").cast

    assert member.look == "a young woman with a red coat"
    assert (member.kind, member.reference) == ("woman", "the same woman")


def test_an_introduction_in_brackets_is_kept_and_completed() -> None:
    """What stands in brackets is kept; hair that it leaves out is invented."""
    (member,) = room("MARA (25, red coat, tired eyes) walks in.").cast

    assert member.look.startswith("a young woman with ")
    assert member.look.endswith("a red coat and tired eyes")
    assert hair_colour_of(member.look) is not None


def test_a_cast_of_eight_differs_in_tops() -> None:
    """Invented looks do not share a colour of the top, and no phrase begins another."""
    names = ["MARA", "TOM", "IRIS", "JONAS", "LENA", "KARL", "NORA", "ELI"]
    cast = room("\n\n".join(f"{name}\nHello." for name in names)).cast
    tops = [top_of(member.look) for member in cast]
    references = [member.reference for member in cast]

    assert [member.name for member in cast] == names
    assert len({top[0] for top in tops if top}) == 8
    assert len(set(references)) == 8
    for one in references:
        assert [other for other in references if re.match(rf"{one}\b", other)] == [one]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MARA", "woman"),
        ("MR. X", "man"),
        ("LITTLE GIRL", "girl"),
        ("小月", "woman"),
        ("QRX", None),
    ],
)
def test_kinds_by_name(name: str, kind: str | None) -> None:
    """Known names and roles tell of a kind; unknown ones do not."""
    assert kind_of_name(name) == kind


@pytest.mark.parametrize(("pronoun", "kind"), [("She", "woman"), ("He", "man")])
def test_kinds_by_pronoun(pronoun: str, kind: str) -> None:
    """An unknown name is what the action's pronouns say."""
    assert room(f"QRX (tall) waits. {pronoun} waves.").cast[0].kind == kind


def test_a_script_of_strangers_is_the_same_on_every_machine() -> None:
    """A look that was invented once is written down here: changing it would re-look old films."""
    (member,) = room("QRX\nHello.").cast

    assert member.look == (
        "a man with spiky ginger hair, bronze skin, a teal coat, charcoal jeans and a red scarf"
    )


def test_sets_have_looks_and_unique_references() -> None:
    """Places are described by their kind, differ, and are called by it."""
    sets = bible(
        "INT. KITCHEN - DAY\n\nGo.\n\nINT. MARA'S KITCHEN - DAY\n\nGo.\n\nEXT. ZORG - DAY\n\nGo."
    ).sets

    assert [s.reference.split()[-1] for s in sets] == ["kitchen", "kitchen", "zorg"]
    assert len({s.reference for s in sets}) == len({s.look for s in sets}) == 3
    assert all(re.match(r"an? \w+ (kitchen|zorg) with ", s.look) for s in sets)


def test_phrases_get_articles() -> None:
    """A look stands in a sentence: article, small letter, no full stop."""
    assert noun_phrase("Old man.") == "an old man"
    assert noun_phrase("The tall one") == "the tall one"
    assert noun_phrase("长发女子") == "长发女子"


@pytest.mark.parametrize(
    ("text", "age"), [("30s", ""), ("17", "young "), ("70", "old "), ("elderly", "old ")]
)
def test_ages(text: str, age: str) -> None:
    """Numbers and words of age become young, old or nothing."""
    assert age_words(text) == age
