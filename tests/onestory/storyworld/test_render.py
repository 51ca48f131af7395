"""What frames promise: repeatable, never black, moving, and as the scene says."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from onestory.storyworld.render import SceneRenderer, draw_scene
from onestory.storyworld.scene import (
    Action,
    Camera,
    CameraMove,
    Emotion,
    Framing,
    HairStyle,
    Light,
    Part,
    Place,
    PlaceKind,
    PropKind,
    Weather,
)

PAIRS = (Action.HUG, Action.KISS, Action.HOLD_HANDS, Action.SHAKE_HANDS, Action.HAND_OVER)


def test_frames_have_the_size_and_type_that_was_asked_for(scene) -> None:
    """A frame is H W 3, uint8."""
    frames = list(draw_scene(scene(num_frames=3), 46, 82))

    assert [frame.shape for frame in frames] == [(82, 46, 3)] * 3
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}


def test_same_scene_gives_the_same_bytes(scene) -> None:
    """Two renderers of one scene agree to the byte, in whatever order frames are drawn."""
    spec = scene(people=2, action=Action.TALK, weather=Weather.RAIN, kind=PlaceKind.STREET)
    first, second = SceneRenderer(spec, 90, 160), SceneRenderer(spec, 90, 160)
    late = first.frame(20)
    early = first.frame(4)

    assert np.array_equal(second.frame(4), early)
    assert np.array_equal(second.frame(20), late)


def test_truth_does_not_change_pixels(scene) -> None:
    """Asking for the truth between two frames leaves the second as it was."""
    spec = scene(people=2, action=Action.HUG)
    plain, asked = SceneRenderer(spec, 90, 160), SceneRenderer(spec, 90, 160)
    asked.truth(12)

    assert np.array_equal(asked.frame(12), plain.frame(12))


def test_another_seed_moves_differently_in_the_same_place(scene) -> None:
    """A seed changes the performance, but neither looks nor place."""
    first = SceneRenderer(scene(action=Action.TALK, seed=1), 90, 160)
    second = SceneRenderer(scene(action=Action.TALK, seed=2), 90, 160)
    differs_HW = (first.frame(9) != second.frame(9)).any(axis=2)
    anybody_HW = (first.truth(9).labels_HW > 0) | (second.truth(9).labels_HW > 0)

    assert differs_HW.any()
    assert differs_HW[:20, :20].sum() == 0
    assert anybody_HW[differs_HW].mean() > 0.6


def test_another_variant_is_another_place(scene) -> None:
    """Two kitchens of different variants do not look the same; one variant always does."""
    first = SceneRenderer(scene(people=0, kind=PlaceKind.KITCHEN), 90, 160).frame(0)
    spec = scene(people=0, kind=PlaceKind.KITCHEN)
    other = SceneRenderer(replace(spec, place=Place(kind=spec.place.kind, variant=9)), 90, 160)

    assert np.abs(other.frame(0).astype(int) - first).mean() > 8


def test_palette_of_a_place_is_obeyed(scene) -> None:
    """A red-walled bedroom is redder than a teal one."""
    red, teal = (
        SceneRenderer(
            replace(
                scene(people=0), place=Place(kind=PlaceKind.BEDROOM, variant=4, palette=(name,))
            ),
            90,
            160,
        )
        .frame(0)
        .mean(axis=(0, 1))
        for name in ("red", "teal")
    )

    assert red[0] - red[2] > teal[0] - teal[2] + 30


@pytest.mark.parametrize("light", Light)
@pytest.mark.parametrize("kind", PlaceKind)
@pytest.mark.parametrize("size", [(90, 160), (160, 90)])
def test_every_place_can_be_seen_in_every_light(
    scene, kind: PlaceKind, light: Light, size: tuple[int, int]
) -> None:
    """No place is black, flat or broken in any light, upright or wide."""
    frame = SceneRenderer(scene(kind=kind, light=light, framing=Framing.WIDE), *size).frame(0)

    assert frame.mean() > 24
    assert frame.std() > 12


def test_light_grades_the_whole_picture(scene) -> None:
    """Night is darker than day, and dusk is redder."""
    means = {
        light: SceneRenderer(scene(kind=PlaceKind.STREET, light=light), 90, 160)
        .frame(0)
        .mean(axis=(0, 1))
        for light in Light
    }

    assert means[Light.NIGHT].mean() < 0.75 * means[Light.DAY].mean()
    red_share = {light: mean[0] / mean.sum() for light, mean in means.items()}
    assert red_share[Light.DUSK] > red_share[Light.DAY] + 0.01


@pytest.mark.parametrize("weather", [Weather.RAIN, Weather.SNOW, Weather.FOG])
def test_weather_is_seen(scene, weather: Weather) -> None:
    """Rain, snow and fog each change a street, and what falls keeps falling."""
    clear = SceneRenderer(scene(people=0, kind=PlaceKind.STREET), 90, 160)
    wet = SceneRenderer(scene(people=0, kind=PlaceKind.STREET, weather=weather), 90, 160)
    first = wet.frame(0)

    assert np.abs(first.astype(int) - clear.frame(0)).mean() > 6
    assert np.array_equal(first, wet.frame(3)) is (weather is Weather.FOG)


@pytest.mark.parametrize("action", Action)
def test_every_action_moves_the_performer(scene, action: Action) -> None:
    """Within two seconds, something moves inside the performer's mask."""
    people = 2 if action in PAIRS else 1
    renderer = SceneRenderer(scene(people=people, action=action), 90, 160)
    frames = [3, 10, 16, 26]
    drawn = [renderer.frame(index).astype(int) for index in frames]
    masks = [renderer.truth(index).mask("mira") for index in frames]
    changes = [
        np.abs(b - a)[mask_a | mask_b].mean()
        for a, b, mask_a, mask_b in zip(drawn, drawn[1:], masks, masks[1:], strict=False)
        if (mask_a | mask_b).any()
    ]

    assert max(changes) > 1.0


def test_lips_move_only_while_speaking(scene) -> None:
    """Inside speech the mouth changes from frame to frame; outside it rests."""
    spec = scene(framing=Framing.CLOSE, action=Action.IDLE, num_frames=40)
    mute = SceneRenderer(spec, 90, 160)
    performer = replace(spec.performers[0], speech=((10, 30),))
    spoken = SceneRenderer(replace(spec, performers=(performer,)), 90, 160)
    differs = [not np.array_equal(mute.frame(i), spoken.frame(i)) for i in range(40)]
    inside = [spoken.frame(i).astype(int) for i in range(10, 30)]

    assert differs == [10 <= i < 30 for i in range(40)]
    assert max(np.abs(b - a).max() for a, b in pairwise(inside)) > 40


def test_lips_part_below_the_nose(scene) -> None:
    """What speech changes most is in the lower half of the face."""
    spec = scene(framing=Framing.CLOSE, num_frames=12)
    performer = replace(spec.performers[0], speech=((0, 12),))
    mute = SceneRenderer(spec, 90, 160)
    spoken = SceneRenderer(replace(spec, performers=(performer,)), 90, 160)
    change_HW = sum(
        np.abs(mute.frame(i).astype(int) - spoken.frame(i)).sum(axis=2) for i in range(12)
    )
    face = mute.truth(0).part_mask("mira", Part.FACE)
    rows = np.flatnonzero(face.any(axis=1))
    centre = (change_HW.sum(axis=1) * np.arange(160)).sum() / change_HW.sum()

    assert centre > rows.mean()


@pytest.mark.parametrize("emotion", [e for e in Emotion if e is not Emotion.NEUTRAL])
def test_every_emotion_shows_in_the_face(scene, emotion: Emotion) -> None:
    """Each emotion changes the face against a neutral one."""
    spec = scene(framing=Framing.CLOSE)
    moved = replace(spec, performers=(replace(spec.performers[0], emotion=emotion),))
    plain, felt = SceneRenderer(spec, 90, 160), SceneRenderer(moved, 90, 160)
    mask_HW = plain.truth(2).mask("mira")

    assert np.abs(plain.frame(2).astype(int) - felt.frame(2))[mask_HW].mean() > 1.2


@pytest.mark.parametrize("style", [s for s in HairStyle if s is not HairStyle.BALD])
def test_every_hair_style_has_hair_of_its_colour(scene, style: HairStyle) -> None:
    """By day, hair is the colour it is named."""
    spec = scene(framing=Framing.MEDIUM_CLOSE)
    look = replace(spec.performers[0].look, hair_style=style, hair_colour="ginger")
    renderer = SceneRenderer(
        replace(spec, performers=(replace(spec.performers[0], look=look),)), 90, 160
    )
    hair_HW = renderer.truth(0).part_mask("mira", Part.HAIR)
    mean = renderer.frame(0)[hair_HW].mean(axis=0)

    assert hair_HW.sum() > 60
    assert mean[0] > mean[1] + 45 > mean[2] + 45


@pytest.mark.parametrize(
    ("move", "grows"), [(CameraMove.PUSH_IN, True), (CameraMove.PULL_OUT, False)]
)
def test_camera_moves_closer_or_away(scene, move: CameraMove, grows: bool) -> None:
    """A push-in makes the performer larger, a pull-out smaller."""
    camera = Camera(framing=Framing.WIDE, move=move)
    renderer = SceneRenderer(scene(camera=camera), 90, 160)
    first, last = renderer.truth(0).boxes["mira"], renderer.truth(32).boxes["mira"]

    assert (last.area > 1.15 * first.area) is grows


@pytest.mark.parametrize(
    ("move", "axis", "sign"),
    [
        (CameraMove.PAN_LEFT, "left", 1),
        (CameraMove.PAN_RIGHT, "left", -1),
        (CameraMove.TILT_UP, "top", 1),
        (CameraMove.TILT_DOWN, "top", -1),
    ],
)
def test_camera_turns(scene, move: CameraMove, axis: str, sign: int) -> None:
    """When the camera pans left, people move right in the frame; and so on."""
    camera = Camera(framing=Framing.WIDE, move=move)
    renderer = SceneRenderer(scene(camera=camera), 160, 90)
    first, last = renderer.truth(0).boxes["mira"], renderer.truth(32).boxes["mira"]

    assert (getattr(last, axis) - getattr(first, axis)) * sign > 3


def test_handheld_trembles(scene) -> None:
    """A hand-held camera never stands still."""
    camera = Camera(framing=Framing.WIDE, move=CameraMove.HANDHELD)
    renderer = SceneRenderer(scene(people=0, camera=camera), 90, 160)

    assert np.abs(renderer.frame(4).astype(int) - renderer.frame(5)).mean() > 0.3


def test_insert_shows_the_thing_large(scene) -> None:
    """An insert of a letter fills a good part of the frame with the letter."""
    spec = scene(people=0, props=(PropKind.LETTER,), framing=Framing.INSERT)
    box = SceneRenderer(spec, 90, 160).truth(0).boxes["letter"]

    assert box.right - box.left > 30


def test_every_prop_can_be_held_and_shown(scene) -> None:
    """Each thing is drawn in a hand, and alone on a table."""
    for kind in PropKind:
        held = scene(num_frames=1)
        performer = replace(held.performers[0], prop=kind, action=Action.HOLD)
        truth = SceneRenderer(replace(held, performers=(performer,)), 90, 160).truth(0)
        alone = scene(people=0, props=(kind,), framing=Framing.INSERT, num_frames=1)

        assert truth.part_mask("mira", Part.PROP).sum() > 3, kind
        assert SceneRenderer(alone, 90, 160).truth(0).boxes[kind.value].area > 150, kind


def test_a_second_take_of_the_performance_goes_on_where_the_first_ended(scene) -> None:
    """Frames continued by `start_frame` are the frames a longer performance would have had."""
    long = scene(action=Action.WAVE, num_frames=80)
    short = scene(action=Action.WAVE, num_frames=20, start_frame=60)

    assert np.array_equal(
        SceneRenderer(short, 90, 160).frame(5), SceneRenderer(long, 90, 160).frame(65)
    )


def test_frames_outside_the_scene_are_refused(scene) -> None:
    """There is no frame 33 of 33."""
    with pytest.raises(IndexError, match="frame 33 is outside the scene's 33 frames"):
        SceneRenderer(scene(), 90, 160).frame(33)


def test_a_frame_too_small_to_show_anybody_is_refused(scene) -> None:
    """Eight pixels are not a picture."""
    with pytest.raises(ValueError, match="at least 16 pixels a side, got 8x90"):
        SceneRenderer(scene(), 8, 90)
