"""What a scene refuses, and what chance may choose."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from onestory.storyworld.palette import CLOTH_COLOURS, HAIR_COLOURS, SKIN_COLOURS
from onestory.storyworld.scene import (
    PALETTE,
    Accessory,
    Camera,
    Look,
    Performer,
    Place,
    PlaceKind,
    PropKind,
    SceneSpec,
    random_look,
    random_place,
)

PLACE = Place(kind=PlaceKind.PARK)
LOOK = Look()


def test_look_refuses_a_colour_outside_the_palette() -> None:
    """A colour that the palette does not hold is refused by name."""
    with pytest.raises(ValueError, match=r"top_colour must be one of the \d+ .* got 'blurple'"):
        Look(top_colour="blurple")


def test_look_refuses_an_impossible_height() -> None:
    """Nobody is three metres tall."""
    with pytest.raises(ValueError, match=r"between 0\.6 and 2\.3 metres, got 3\.0"):
        Look(height=3.0)


def test_look_refuses_the_same_accessory_twice() -> None:
    """One person wears one hat."""
    with pytest.raises(ValueError, match="got 2 of which 1 differ"):
        Look(accessories=(Accessory.HAT, Accessory.HAT))


def test_place_refuses_a_negative_variant() -> None:
    """A variant is a seed, and seeds are not negative."""
    with pytest.raises(ValueError, match="variant must not be negative, got -1"):
        Place(kind=PlaceKind.CAFE, variant=-1)


def test_place_refuses_a_fourth_colour() -> None:
    """A place has three colours of its own."""
    with pytest.raises(ValueError, match="at most 3 colours, got 4"):
        Place(kind=PlaceKind.CAFE, palette=("red", "teal", "navy", "gold"))


@pytest.mark.parametrize("speech", [((5, 5),), ((4, 9), (8, 12)), ((7, 3),)])
def test_speech_must_be_ascending_intervals(speech: tuple[tuple[int, int], ...]) -> None:
    """Empty, overlapping and backward speech is refused."""
    with pytest.raises(ValueError, match=r"ascending half-open frame intervals, got \[\d+, \d+\)"):
        Performer(name="mira", look=LOOK, speech=speech)


def test_performer_cannot_target_itself() -> None:
    """A hug takes two."""
    with pytest.raises(ValueError, match="another performer, got 'mira' itself"):
        Performer(name="mira", look=LOOK, target="mira")


def test_scene_refuses_a_crowd() -> None:
    """Four people are one too many."""
    crowd = tuple(Performer(name=name, look=LOOK) for name in "abcd")
    with pytest.raises(ValueError, match="at most 3 performers, got 4"):
        SceneSpec(place=PLACE, performers=crowd)


def test_scene_refuses_namesakes() -> None:
    """Two performers of one name could not be told apart."""
    twins = tuple(Performer(name="mira", look=LOOK) for _ in range(2))
    with pytest.raises(ValueError, match="names must differ, got 2 of which 1 differ"):
        SceneSpec(place=PLACE, performers=twins)


def test_scene_refuses_an_absent_target() -> None:
    """Nobody can hug somebody who is not there."""
    alone = (Performer(name="mira", look=LOOK, target="tom"),)
    with pytest.raises(ValueError, match=r"target 'tom' is not one of the 1 performers"):
        SceneSpec(place=PLACE, performers=alone)


def test_scene_refuses_an_absent_subject() -> None:
    """The camera cannot follow somebody who is not there."""
    with pytest.raises(ValueError, match=r"subject 'tom' is not one of the 0 performers"):
        SceneSpec(place=PLACE, camera=Camera(subject="tom"))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("num_frames", 0, "num_frames must be at least 1, got 0"),
        ("fps", Fraction(0), "fps must be above 0, got 0"),
        ("start_frame", -3, "start_frame must not be negative, got -3"),
        ("props", (PropKind.CUP,) * 5, "at most 4 props, got 5"),
    ],
)
def test_scene_refuses_numbers_out_of_range(field: str, value: object, message: str) -> None:
    """Numbers that make no shot are refused with the number."""
    with pytest.raises(ValueError, match=message):
        SceneSpec(place=PLACE, **{field: value})  # type: ignore[arg-type]


def test_random_looks_are_repeatable_and_various() -> None:
    """One generator state makes one person; many make many."""
    first = random_look(np.random.default_rng(7))
    again = random_look(np.random.default_rng(7))
    crowd = {random_look(np.random.default_rng(seed)) for seed in range(60)}

    assert first == again
    assert len(crowd) > 55


def test_random_looks_use_the_right_colours() -> None:
    """Skin is skin-coloured, and cloth is never dyed like skin."""
    looks = [random_look(np.random.default_rng(seed)) for seed in range(200)]

    assert {look.skin for look in looks} == set(SKIN_COLOURS)
    assert {look.top_colour for look in looks} <= {*CLOTH_COLOURS, "silver"}
    assert {look.hair_colour for look in looks} <= set(PALETTE)
    assert set(HAIR_COLOURS[:6]) <= {look.hair_colour for look in looks}


def test_random_places_keep_their_kind() -> None:
    """Chance chooses the instance, not the kind."""
    places = [random_place(PlaceKind.BEACH, np.random.default_rng(seed)) for seed in range(9)]

    assert {place.kind for place in places} == {PlaceKind.BEACH}
    assert len({place.variant for place in places}) == 9


def test_scenes_can_be_described_without_a_drawing_library() -> None:
    """Describing a scene, and reading words, does not load what draws it."""
    code = (
        "import sys, onestory.storyworld.scene, onestory.storyworld.vocabulary;"
        "sys.exit('skia' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)

    assert done.returncode == 0
