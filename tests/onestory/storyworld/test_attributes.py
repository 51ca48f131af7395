"""Tests of what can be read off a picture."""

from dataclasses import replace

import numpy as np
import pytest

from onestory.storyworld.attributes import (
    COLOURS,
    FAMILIES,
    NOTHING,
    PERSON,
    SCENE,
    SKINS,
    distance,
    indices,
    lab_of,
    person_values,
    scene_values,
)
from onestory.storyworld.kinds import Accessory, HairStyle, Light, PlaceKind, TopKind, Weather
from onestory.storyworld.look import Look, Place, random_look
from onestory.storyworld.palette import PALETTE, SKIN_COLOURS

BY_NAME = {attribute.name: attribute for attribute in (*PERSON, *SCENE)}


def test_every_colour_has_one_family() -> None:
    """Every palette colour belongs to exactly one family, and every skin tone to one."""
    assert sorted(name for names in FAMILIES.values() for name in names) == sorted(PALETTE)
    assert sorted(name for names in SKINS.values() for name in names) == sorted(SKIN_COLOURS)
    assert 8 <= len(FAMILIES) <= 12


def test_lab_of_white_and_grey() -> None:
    """Lightness is near 100 for white, and grey has next to no hue."""
    assert lab_of("white")[0] == pytest.approx(95.4, abs=0.5)
    assert abs(lab_of("grey")[1]) < 3
    assert distance("red", "red") == 0
    assert distance("red", "green") > 80


def test_a_colour_at_a_border_may_be_called_by_either_family() -> None:
    """Mustard and gold are yellow; rust is near brown but teal is nothing but green."""
    colour = BY_NAME["top colour"]
    assert colour.accepted("blue") == {"blue"}
    assert "beige" in colour.accepted("cream")
    assert colour.answer_of("mustard") == "yellow"
    assert "red" not in colour.accepted("green")
    assert max(len(colour.accepted(name)) for name in COLOURS) <= 4


def test_what_is_not_a_colour_is_accepted_as_itself_only() -> None:
    """A bun is a bun."""
    assert BY_NAME["hair style"].accepted("bun") == {"bun"}


def test_every_random_look_can_be_numbered() -> None:
    """Whoever StoryWorld invents has a class for every attribute or none."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        look = random_look(rng)
        values = person_values(look)
        for attribute, number in zip(PERSON, indices(PERSON, values), strict=True):
            value = values[attribute.name]
            assert (number == -1) == (value is None)
            assert value is None or attribute.classes[number] == value


def test_what_cannot_be_seen_has_no_value() -> None:
    """A bald head has no hair colour, a dress hides what is worn below."""
    look = Look(hair_style=HairStyle.BALD, top=TopKind.DRESS)
    values = person_values(look)
    assert values["hair colour"] is values["bottom"] is values["bottom colour"] is None
    assert values["eyewear"] == NOTHING
    worn = person_values(replace(look, accessories=(Accessory.CAP, Accessory.SCARF)))
    assert (worn["headwear"], worn["neckwear"]) == ("cap", "scarf")


def test_a_place_without_a_palette_has_no_colours() -> None:
    """Colours that are left to chance are not asked for; given ones are, in order."""
    plain = scene_values(Place(kind=PlaceKind.BAR), Light.DUSK, Weather.FOG)
    assert plain["place"] == "bar"
    assert plain["wall"] is None
    painted = Place(kind=PlaceKind.BAR, palette=("red", "teal"))
    values = scene_values(painted, Light.DAY, Weather.CLEAR)
    assert (values["wall"], values["accent"], values["furniture"]) == ("red", "teal", None)
