"""Words for everything that a told story can show."""

from collections import Counter

import numpy as np
import pytest

from onestory.storyworld.kinds import (
    Accessory,
    Action,
    CameraMove,
    Emotion,
    Framing,
    HairStyle,
    PlaceKind,
)
from onestory.storyworld.palette import CLOTH_COLOURS, HAIR_COLOURS, SKIN_COLOURS
from onestory.storyworld.telling import (
    ACCESSORY_PHRASES,
    DEEDS,
    EMOTION_TAILS,
    FRAMING_PHRASES,
    HAIR_PHRASES,
    INSERTS,
    MOVE_PHRASES,
    PLACE_PHRASES,
    SKIN_PHRASES,
    TOGETHER,
    colour_word,
    with_article,
)
from onestory.storyworld.words import COLOURS


def test_everything_that_can_be_drawn_has_words() -> None:
    """No look, place, framing or move would stop a story for want of a word."""
    assert set(HAIR_PHRASES) == set(HairStyle)
    assert set(SKIN_PHRASES) == set(SKIN_COLOURS)
    assert set(ACCESSORY_PHRASES) == set(Accessory)
    assert set(PLACE_PHRASES) == set(PlaceKind)
    assert set(FRAMING_PHRASES) == set(Framing)
    assert CameraMove.STATIC not in MOVE_PHRASES
    assert Emotion.NEUTRAL not in EMOTION_TAILS


def test_different_looks_have_different_words() -> None:
    """Two hair styles, skins or accessories are never told by the same words."""
    for phrases in (HAIR_PHRASES, SKIN_PHRASES, ACCESSORY_PHRASES):
        assert len(set(phrases.values())) == len(phrases)


def test_deeds_name_nobody_and_no_looks() -> None:
    """What is done says nothing of who does it: looks are known from introductions alone."""
    told = " ".join(text for _, texts, _ in DEEDS for text in texts)
    told += " ".join(text for *_, text in TOGETHER) + " ".join(text for _, text in INSERTS)
    words = set(told.replace(",", " ").split())

    assert not words & {"man", "woman", "girl", "boy", "hair", "skin", "same", "old", "young"}


def test_deeds_for_two_name_both() -> None:
    """Of two people who act together, both are in the sentence, once each."""
    for first, second, text in TOGETHER:
        assert (text.count("{a}"), text.count("{b}")) == (1, 1)
        assert {first, second} <= set(Action)


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("old man", "an old man"),
        ("uniform", "a uniform"),
        ("Empty bar", "an Empty bar"),
        ("hat", "a hat"),
    ],
)
def test_articles_follow_the_sound(phrase: str, said: str) -> None:
    """A vowel gets "an"; u is spoken as in uniform."""
    assert with_article(phrase) == said


@pytest.mark.parametrize("name", [*CLOTH_COLOURS, *HAIR_COLOURS])
def test_a_colour_is_called_by_its_own_name_or_a_known_one(name: str) -> None:
    """Mostly its own; at times a word that the reader of captions knows for that very colour."""
    rng = np.random.default_rng(1)
    words = Counter(colour_word(rng, name) for _ in range(400))
    known = {name, *(word.strip() for word in COLOURS[name].split(","))}

    assert set(words) <= known
    assert words[name] > 300


def test_hair_is_called_as_people_call_it() -> None:
    """Nobody says raven hair of somebody with black hair, and nothing is left to chance."""
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state

    words = {name: colour_word(rng, name, "hair") for name in HAIR_COLOURS}

    assert words["raven"] == "black"
    assert words["ginger"] == "ginger"
    assert len(set(words.values())) == len(HAIR_COLOURS)
    assert rng.bit_generator.state == before
