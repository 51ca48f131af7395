"""Which words the world understands."""

import pytest

from onestory.storyworld.palette import PALETTE
from onestory.storyworld.scene import (
    Accessory,
    Action,
    Emotion,
    Framing,
    Light,
    PlaceKind,
    PropKind,
    TopKind,
    Weather,
)
from onestory.storyworld.vocabulary import COLOUR_WORDS, WORDS, inflections


def test_every_member_of_every_enumeration_has_words() -> None:
    """Nothing can be shown that cannot be said."""
    for kind, phrases in WORDS.items():
        assert set(phrases.values()) == set(kind)


def test_every_member_understands_its_own_name() -> None:
    """A member's value is one of its own phrases."""
    for kind, phrases in WORDS.items():
        for member in kind:
            assert phrases[member.value] is member


def test_phrases_are_lower_case_and_tidy() -> None:
    """A reader may lower and split a caption, and compare."""
    for phrases in WORDS.values():
        for phrase in phrases:
            assert phrase == " ".join(phrase.lower().split())
            assert "~" not in phrase


@pytest.mark.parametrize(
    ("phrase", "member"),
    [
        ("sprints", Action.RUN),
        ("hugged", Action.HUG),
        ("handing over", Action.HAND_OVER),
        ("sips", Action.DRINK),
        ("shook hands", Action.SHAKE_HANDS),
        ("galley", PlaceKind.KITCHEN),
        ("coffee shop", PlaceKind.CAFE),
        ("moonlit", Light.NIGHT),
        ("drizzle", Weather.RAIN),
        ("furious", Emotion.ANGRY),
        ("establishing shot", Framing.WIDE),
        ("trench coat", TopKind.COAT),
        ("spectacles", Accessory.GLASSES),
        ("bunch of flowers", PropKind.BOUQUET),
    ],
)
def test_words_mean_what_they_say(phrase: str, member: object) -> None:
    """A sample of ordinary words, each with its meaning."""
    assert WORDS[type(member)][phrase] is member  # type: ignore[index]


def test_colour_words_lead_into_the_palette() -> None:
    """Every colour word means a colour that exists, and every colour has its own word."""
    assert set(COLOUR_WORDS.values()) == set(PALETTE)
    assert COLOUR_WORDS["crimson"] == "red"
    assert COLOUR_WORDS["gray"] == "grey"


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("hug", ("hug", "hugs", "hugging", "hugged")),
        ("dash off", ("dash off", "dashes off", "dashing off", "dashed off")),
        ("carry", ("carry", "carries", "carrying", "carried")),
        ("wave", ("wave", "waves", "waving", "waved")),
        ("lie to", ("lie to", "lies to", "lying to", "lied to")),
    ],
)
def test_regular_verbs_are_inflected(verb: str, forms: tuple[str, ...]) -> None:
    """One entry in the dictionary covers all forms of a regular verb."""
    assert inflections(verb) == forms
