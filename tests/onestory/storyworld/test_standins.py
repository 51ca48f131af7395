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
)
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.scene import Camera, Look, Performer, Place, PlaceKind, SceneSpec
from onestory.storyworld.standins import GUIDES, WALL, StandIns

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


def drawn_beside_people(scene: SceneSpec) -> int:
    """How many pixels of a sketch show something, and nobody."""
    truth = SceneRenderer(scene, COLUMNS * 16, ROWS * 16).truth(4)
    is_drawn_HW = (stand_ins(scene).sketch(4) != WALL).any(axis=2)
    return int((is_drawn_HW & (truth.labels_HW == 0)).sum())


def stand_ins(scene: SceneSpec) -> StandIns:
    """The blocking of a scene on the usual grid."""
    return StandIns(scene, rows=ROWS, columns=COLUMNS)


def test_nothing_of_a_look_is_told() -> None:
    """Whatever hair, clothes, colours, place and light: the same blocking."""
    plain = stand_ins(scene_of(Look()))
    dressed = stand_ins(
        scene_of(DRESSED, place=Place(kind=PlaceKind.PARK, variant=8), light=Light.NIGHT)
    )

    assert np.array_equal(dressed.sketch(4), plain.sketch(4))
    assert np.array_equal(dressed.guides(4), plain.guides(4))
    assert plain.sketch(4).shape == (ROWS * 16, COLUMNS * 16, 3)
    guides = plain.guides(4)
    assert guides.shape == (GUIDES, ROWS, COLUMNS)
    assert guides.dtype == np.float32
    assert (guides[0] == 1).all()
    assert np.abs(guides).max() <= 1.5


def test_bodies_are_told() -> None:
    """A child's stand-in is no adult's."""
    small, tall = (stand_ins(scene_of(Look(height=height))) for height in (1.2, 1.72))

    assert not np.array_equal(small.sketch(4), tall.sketch(4))
    assert not np.array_equal(small.guides(4), tall.guides(4))


@pytest.mark.parametrize("framing", [Framing.WIDE, Framing.MEDIUM, Framing.CLOSE])
@pytest.mark.parametrize("action", [Action.IDLE, Action.WALK, Action.SIT])
def test_stand_ins_stand_where_the_cast_is_drawn(framing: Framing, action: Action) -> None:
    """Each person lies where the picture shows them, to half a cell; the rest is wall."""
    bald = Look(hair_style=HairStyle.BALD)
    scene = scene_of(bald, camera=Camera(framing=framing, subject="A"))
    first = replace(scene.performers[0], action=action)
    scene = replace(scene, performers=(first, *scene.performers[1:]))
    guides, sketch_HW3 = stand_ins(scene).guides(6), stand_ins(scene).sketch(6)
    truth = SceneRenderer(scene, COLUMNS * 16, ROWS * 16).truth(6)

    for covered_hw, name in ((guides[1], "A"), (guides[2], "B")):
        seen_hw = truth.mask(name).reshape(ROWS, 16, COLUMNS, 16).mean((1, 3))
        assert np.abs(covered_hw - seen_hw).mean() < 0.15 * max(seen_hw.mean(), 0.02)
    drawn_HW = (sketch_HW3 != WALL).any(axis=2)
    assert drawn_HW[truth.mask("A") | truth.mask("B")].mean() > 0.97
    assert not drawn_HW[0, 0]


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
    beside = [drawn_beside_people(case) for case in (scene, cases[0])]
    assert beside[1] > 1.5 * beside[0], "there is no chair"
    lone = replace(scene, performers=(), props=(PropKind.CUP,), camera=Camera(framing=INSERT))
    assert (stand_ins(lone).sketch(4) != WALL).any()
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
