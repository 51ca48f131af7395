"""Stand-ins stand where the cast will, and say nothing about it."""

from dataclasses import replace

import numpy as np
import pytest

from onestory.storyworld.kinds import (
    Accessory,
    Action,
    BottomKind,
    Framing,
    HairStyle,
    Light,
    PropKind,
    TopKind,
    Weather,
)
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.scene import Camera, Look, Performer, Place, PlaceKind, SceneSpec
from onestory.storyworld.standins import GUIDES, StandIns

ROWS, COLUMNS = 18, 10
INSERT = Framing.INSERT

DRESSED = Look(
    hair_style=HairStyle.AFRO,
    hair_colour="pink",
    top=TopKind.COAT,
    top_colour="red",
    bottom=BottomKind.LONG_SKIRT,
    accessories=(Accessory.HAT, Accessory.SCARF, Accessory.BACKPACK),
)


def scene_of(look: Look, **changes: object) -> SceneSpec:
    """Two people, one of whom looks as asked."""
    scene = SceneSpec(
        place=Place(kind=PlaceKind.STREET, variant=3),
        performers=(Performer(name="A", look=look), Performer(name="B", look=Look(height=1.5))),
        num_frames=9,
        fps=8,
    )
    return replace(scene, **changes)  # type: ignore[arg-type]


def changed_beside_people(scene: SceneSpec, other: SceneSpec) -> int:
    """How many pixels of two sketches differ where neither shows anybody."""
    differ_HW = (stand_ins(scene).sketch(4) != stand_ins(other).sketch(4)).any(axis=2)
    for each in (scene, other):
        truth = SceneRenderer(each, COLUMNS * 16, ROWS * 16).truth(4)
        differ_HW &= truth.labels_HW == 0
    return int(differ_HW.sum())


def stand_ins(scene: SceneSpec) -> StandIns:
    """The blocking of a scene on the usual grid."""
    return StandIns(scene, rows=ROWS, columns=COLUMNS)


def test_nothing_of_a_look_is_told() -> None:
    """Whatever hair, clothes, paint, light and weather: the same blocking."""
    plain = stand_ins(scene_of(Look()))
    painted = Place(kind=PlaceKind.STREET, variant=3, palette=("pink", "lime", "navy"))
    dressed = stand_ins(scene_of(DRESSED, place=painted, light=Light.NIGHT, weather=Weather.RAIN))

    assert np.array_equal(dressed.sketch(4), plain.sketch(4))
    assert np.array_equal(dressed.guides(4), plain.guides(4))
    assert plain.sketch(4).shape == (ROWS * 16, COLUMNS * 16, 3)
    guides = plain.guides(4)
    assert guides.shape == (GUIDES, ROWS, COLUMNS)
    assert guides.dtype == np.float32
    assert (guides[0] == 1).all()
    assert np.abs(guides).max() <= 1.5


def test_sets_are_told() -> None:
    """Another place, and another of its kind, is another set; it says nothing of who is where."""
    places = (
        Place(kind=PlaceKind.STREET, variant=3),
        Place(kind=PlaceKind.STREET, variant=4),
        Place(kind=PlaceKind.KITCHEN, variant=3),
    )
    sketches = [stand_ins(scene_of(Look(), place=place)).sketch(4) for place in places]

    assert not np.array_equal(sketches[0], sketches[1])
    assert not np.array_equal(sketches[0], sketches[2])


def test_everybody_is_told_apart() -> None:
    """Of three people each covers cells of their own; the guides tell the first from the rest."""
    scene = scene_of(Look())
    third = Performer(name="C", look=Look(height=1.6))
    told = stand_ins(replace(scene, performers=(*scene.performers, third)))
    people_Ahw = told.people(4)

    assert people_Ahw.shape == (3, ROWS, COLUMNS)
    assert (people_Ahw.sum((1, 2)) > 1).all()
    assert people_Ahw.sum(0).max() <= 1.0
    assert np.array_equal(told.guides(4)[1], people_Ahw[0])
    assert np.allclose(told.guides(4)[2], people_Ahw[1:].sum(0))


def test_bodies_are_told() -> None:
    """A child's stand-in is no adult's."""
    small, tall = (stand_ins(scene_of(Look(height=height))) for height in (1.2, 1.72))

    assert not np.array_equal(small.sketch(4), tall.sketch(4))
    assert not np.array_equal(small.guides(4), tall.guides(4))


@pytest.mark.parametrize("framing", [Framing.WIDE, Framing.MEDIUM, Framing.CLOSE])
@pytest.mark.parametrize("action", [Action.IDLE, Action.WALK, Action.SIT])
def test_stand_ins_stand_where_the_cast_is_drawn(framing: Framing, action: Action) -> None:
    """Each person lies where the picture shows them, to half a cell, in colour on a grey set."""
    bald = Look(hair_style=HairStyle.BALD)
    scene = scene_of(bald, camera=Camera(framing=framing, subject="A"))
    first = replace(scene.performers[0], action=action)
    scene = replace(scene, performers=(first, *scene.performers[1:]))
    guides, sketch_HW3 = stand_ins(scene).guides(6), stand_ins(scene).sketch(6)
    truth = SceneRenderer(scene, COLUMNS * 16, ROWS * 16).truth(6)

    for covered_hw, name in ((guides[1], "A"), (guides[2], "B")):
        seen_hw = truth.mask(name).reshape(ROWS, 16, COLUMNS, 16).mean((1, 3))
        assert np.abs(covered_hw - seen_hw).mean() < 0.15 * max(seen_hw.mean(), 0.02)
    is_grey_HW = np.ptp(sketch_HW3.astype(int), axis=2) < 12
    somebody_HW = truth.mask("A") | truth.mask("B")
    assert is_grey_HW[somebody_HW].mean() < 0.2
    assert is_grey_HW[~somebody_HW].mean() > 0.4, "the set is in colour"


def test_seats_and_things_are_sketched_and_belong_to_nobody() -> None:
    """A chair and what lies about are seen; only people count as people."""
    scene = scene_of(Look(), camera=Camera(framing=Framing.WIDE))
    bare = stand_ins(scene)
    seated = replace(scene.performers[0], seated=True)
    cases = (
        replace(scene, performers=(seated, scene.performers[1])),
        replace(scene, props=(PropKind.SUITCASE,)),
    )

    for case in cases:
        assert not np.array_equal(stand_ins(case).sketch(4), bare.sketch(4))
    standing = replace(scene.performers[0], action=Action.IDLE)
    on_foot = replace(scene, performers=(standing, scene.performers[1]))
    assert changed_beside_people(on_foot, cases[0]) > 300, "there is no chair"
    lone = replace(scene, performers=(), props=(PropKind.CUP,), camera=Camera(framing=INSERT))
    without = replace(lone, props=())
    assert not np.array_equal(stand_ins(lone).sketch(4), stand_ins(without).sketch(4))
    assert not stand_ins(lone).guides(4)[1:3].any()


def test_the_camera_is_told() -> None:
    """Nearer and farther views differ, and the ground begins where feet stand."""
    wide, close = (
        stand_ins(scene_of(Look(), camera=Camera(framing=framing, subject="A"))).guides(4)
        for framing in (Framing.WIDE, Framing.CLOSE)
    )

    assert wide[6, 0, 0] > close[6, 0, 0]
    ground_h = wide[4, :, 0]
    assert (np.diff(ground_h) >= 0).all()
    assert 0 < ground_h.mean() < 0.5
    assert not close[4].any()
    feet = int(np.flatnonzero(wide[1].sum(axis=1))[-1])
    assert abs(int(np.flatnonzero(ground_h)[0]) - feet) <= 1
    assert wide[3, 0, 0] > wide[3, -1, 0]
    assert wide[5, 0, 0] < wide[5, 0, -1]


def test_frames_differ_where_somebody_moves() -> None:
    """Who walks is elsewhere a second later; no frame lies behind the end."""
    scene = scene_of(Look())
    walking = replace(scene.performers[0], action=Action.WALK)
    told = stand_ins(replace(scene, performers=(walking, scene.performers[1])))

    assert not np.array_equal(told.guides(0)[1], told.guides(8)[1])
    assert not np.array_equal(told.sketch(0), told.sketch(8))
    with pytest.raises(IndexError, match="frame 9 is outside"):
        told.sketch(9)
