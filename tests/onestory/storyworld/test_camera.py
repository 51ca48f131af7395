"""How the camera sees depth and keeps people in sight."""

from itertools import pairwise

import pytest

from onestory.storyworld.backdrop import layer_middle, layer_scale
from onestory.storyworld.blocking import Blocking
from onestory.storyworld.camera import EYE_LEVEL, REFERENCE_HEIGHT, Operator, View
from onestory.storyworld.places.atlas import ATLAS
from onestory.storyworld.places.stage import Layer
from onestory.storyworld.scene import Action, Camera, CameraMove, Framing, PlaceKind


def test_nearer_layers_pass_faster() -> None:
    """When the camera moves aside, the sky hardly moves and the foreground moves most."""
    view = View(x=1.0, y=EYE_LEVEL, height=2.0)
    shifts = [layer_middle(view, layer)[0] for layer in Layer]

    assert shifts == sorted(shifts)
    assert shifts[0] < 0.1
    assert shifts[-1] > 1.0


def test_nearer_layers_grow_faster() -> None:
    """When the camera moves in, near layers grow more than far ones."""
    far, near = (View(x=0.0, y=EYE_LEVEL, height=h) for h in (REFERENCE_HEIGHT, 1.0))
    growth = [layer_scale(near, layer, 160) / layer_scale(far, layer, 160) for layer in Layer]

    assert growth == sorted(growth)
    assert growth[0] < 1.2
    assert growth[3] == pytest.approx(REFERENCE_HEIGHT)


def test_all_layers_agree_at_the_reference_view() -> None:
    """At the reference view the layers have one scale and one middle."""
    view = View(x=0.0, y=EYE_LEVEL, height=REFERENCE_HEIGHT)

    assert {layer_scale(view, layer, 90) for layer in Layer} == {90 / REFERENCE_HEIGHT}
    assert {layer_middle(view, layer) for layer in Layer} == {(0.0, EYE_LEVEL)}


def test_still_camera_stands_still(scene) -> None:
    """Without a move and without walkers, every frame has the same view."""
    views = _views(scene(people=2, action=Action.TALK))

    assert len(set(views)) == 1


def test_tracking_follows_the_walker(scene) -> None:
    """A tracking camera goes where the walker goes."""
    camera = Camera(framing=Framing.FULL, move=CameraMove.TRACK)
    spec = scene(action=Action.WALK, kind=PlaceKind.STREET, camera=camera)
    views = _views(spec)
    blocking = Blocking(spec, ATLAS[spec.place.kind], aspect=0.5625)
    walked = blocking.figures(32)[0].mark[0] - blocking.figures(0)[0].mark[0]

    assert abs(walked) > 2
    assert views[32].x - views[0].x == pytest.approx(walked, abs=0.01)


def test_feet_do_not_slide(scene) -> None:
    """While a foot is on the ground, it stays where it was put."""
    spec = scene(action=Action.WALK, kind=PlaceKind.STREET, num_frames=40, fps=30)
    blocking = Blocking(spec, ATLAS[spec.place.kind], aspect=0.5625)
    places = []
    for index in range(40):
        figure = blocking.figures(index)[0]
        if figure.pose.near_foot[1] == 0.0:
            places.append((index, figure.to_world(figure.bones.near_ankle)[0]))
    steps = [abs(b - a) for (i, a), (j, b) in pairwise(places) if j == i + 1]

    assert len(steps) > 8
    assert max(steps) < 0.004


def _views(spec) -> list[View]:
    blocking = Blocking(spec, ATLAS[spec.place.kind], aspect=0.5625)
    operator = Operator(spec, blocking, aspect=0.5625)
    return [operator.view(index) for index in range(spec.num_frames)]
