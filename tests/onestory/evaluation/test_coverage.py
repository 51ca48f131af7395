"""Tests of what cells truly show."""

import numpy as np

from onestory.evaluation.coverage import COLUMNS, FIRST_SLOT, ROWS, UNKNOWN, coverage
from onestory.evaluation.footage import ShotTruth
from onestory.storyworld.attributes import PERSON, SCENE
from onestory.storyworld.kinds import Facing, Framing, PlaceKind
from onestory.storyworld.look import Look, Place
from onestory.storyworld.scene import Camera, Performer, SceneSpec

BY_NAME = {attribute.name: attribute for attribute in (*PERSON, *SCENE)}


def scene(
    *,
    palette: tuple[str, ...] = ("red", "teal", "yellow"),
    framing: Framing = Framing.FULL,
    people: tuple[str, ...] = ("A",),
) -> SceneSpec:
    """Make a bedroom with people in it."""
    return SceneSpec(
        place=Place(kind=PlaceKind.BEDROOM, variant=5, palette=palette),
        performers=tuple(Performer(name=name, look=Look(), facing=Facing.FRONT) for name in people),
        camera=Camera(framing=framing),
        num_frames=5,
        seed=4,
    )


def test_a_person_stands_before_a_wall() -> None:
    """One person is seen, with hair and a top, before walls of the colour of the palette."""
    (shown,) = coverage(scene(), (0,))
    assert shown.classes_HW.shape == (ROWS, COLUMNS)
    assert shown.people == ("A",)
    assert (shown.owners_HW == 1).sum() > 100
    assert shown.cells_of_slot("wall") > 300
    assert shown.cells_of_slot("furniture") > 10
    assert not (shown.classes_HW[shown.owners_HW == 1] >= FIRST_SLOT).any()
    assert 0.4 < shown.background < 0.95


def test_colours_left_to_chance_are_unknown() -> None:
    """Without a palette nobody can say what a cell of the place is."""
    (shown,) = coverage(scene(palette=()), (2,))
    assert (shown.classes_HW[shown.owners_HW == 0] == UNKNOWN).all()
    assert shown.cells_of_slot("wall") == 0


def test_people_are_counted_from_the_left() -> None:
    """The first of two people is the one whose cells are further left."""
    (shown,) = coverage(scene(people=("A", "B"), framing=Framing.TWO_SHOT), (1,))
    assert sorted(shown.people) == ["A", "B"]
    columns = [np.nonzero(shown.owners_HW == owner)[1].mean() for owner in (1, 2)]
    assert columns[0] < columns[1]
    assert shown.cells_of("nobody", (1,)) == 0


def test_trousers_are_not_asked_for_in_a_close_up() -> None:
    """An attribute counts only where enough of it is seen."""
    full = ShotTruth(seen=tuple(coverage(scene(), (0, 3))))
    close = ShotTruth(seen=tuple(coverage(scene(framing=Framing.CLOSE), (0, 3))))
    assert full.shows(BY_NAME["bottom colour"], "A")
    assert not close.shows(BY_NAME["bottom colour"], "A")
    assert close.shows(BY_NAME["hair style"], "A")
    assert not full.shows(BY_NAME["hair style"], "B")
    assert full.shows(BY_NAME["wall"])
    assert full.shows(BY_NAME["place"])
