"""What truth promises: labels that match the pixels, boxes that hold them, names that are right."""

from dataclasses import replace

import numpy as np
import pytest

from onestory.storyworld.palette import PALETTE
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.scene import (
    Action,
    Camera,
    Framing,
    Light,
    Part,
    PlaceKind,
    PropKind,
    TopKind,
)


def test_boxes_hold_their_masks_tightly(scene) -> None:
    """Every labelled pixel lies in its box, and touches each of its edges."""
    truth = SceneRenderer(scene(people=3, framing=Framing.WIDE), 160, 90).truth(6)
    for name, box in truth.boxes.items():
        rows, columns = np.nonzero(truth.mask(name))

        assert (rows.min(), rows.max() + 1) == (box.top, box.bottom)
        assert (columns.min(), columns.max() + 1) == (box.left, box.right)


def test_names_are_performers_then_props(scene) -> None:
    """Instances are named in the order of the scene."""
    spec = scene(people=2, props=(PropKind.CUP, PropKind.CUP, PropKind.DOG), framing=Framing.WIDE)
    truth = SceneRenderer(spec, 160, 90).truth(0)

    assert truth.names == ("mira", "tom", "cup", "cup 2", "dog")
    assert set(truth.boxes) == set(truth.names)


def test_labels_never_exceed_the_names(scene) -> None:
    """No pixel is labelled with an instance that is not there."""
    for action in (Action.HUG, Action.TALK, Action.WALK):
        truth = SceneRenderer(scene(people=2, action=action), 90, 160).truth(10)

        assert set(np.unique(truth.labels_HW)) == {0, 1, 2}


@pytest.mark.parametrize("colour", ["red", "teal", "mustard", "navy", "white", "pink"])
def test_top_colour_can_be_read_back_by_day(scene, colour: str) -> None:
    """The mean colour of the top, by day, is near the colour it is named."""
    spec = scene(framing=Framing.MEDIUM)
    look = replace(spec.performers[0].look, top_colour=colour, top=TopKind.T_SHIRT)
    renderer = SceneRenderer(
        replace(spec, performers=(replace(spec.performers[0], look=look),)), 90, 160
    )
    top_HW = renderer.truth(0).part_mask("mira", Part.TOP)
    seen = renderer.frame(0)[top_HW].mean(axis=0)
    distances = {name: np.abs(seen - PALETTE[name]).sum() for name in PALETTE}

    assert top_HW.sum() > 400
    assert distances[colour] < 75
    assert colour in sorted(distances, key=distances.__getitem__)[:4]


def test_parts_are_where_they_belong(scene) -> None:
    """Hair is above the top, the top above the bottom, and shoes lowest."""
    truth = SceneRenderer(scene(), 90, 160).truth(0)
    height = [
        np.nonzero(truth.part_mask("mira", part))[0].mean()
        for part in (Part.HAIR, Part.TOP, Part.BOTTOM, Part.SHOES)
    ]

    assert height == sorted(height)


def test_light_reaches_people(scene) -> None:
    """The same top is darker at night."""
    means = []
    for light in (Light.DAY, Light.NIGHT):
        renderer = SceneRenderer(scene(kind=PlaceKind.STREET, light=light), 90, 160)
        means.append(renderer.frame(0)[renderer.truth(0).part_mask("mira", Part.TOP)].mean())

    assert means[1] < 0.9 * means[0]


def test_hugging_people_touch(scene) -> None:
    """Two people who only stand are apart; two who hug overlap in the frame."""
    idle = SceneRenderer(scene(people=2, framing=Framing.WIDE), 160, 90).truth(28)
    hug = SceneRenderer(scene(people=2, action=Action.HUG, framing=Framing.WIDE), 160, 90).truth(28)

    def overlap(truth) -> int:
        return truth.boxes["mira"].right - truth.boxes["tom"].left

    assert overlap(idle) < overlap(hug) - 4
    assert _touch(hug.mask("mira"), hug.mask("tom"))
    feet = [np.nonzero(hug.part_mask(name, Part.SHOES))[1].mean() for name in ("mira", "tom")]
    assert abs(feet[1] - feet[0]) < 0.2 * (hug.boxes["tom"].bottom - hug.boxes["tom"].top)


@pytest.mark.parametrize("action", [Action.SHAKE_HANDS, Action.HAND_OVER, Action.HOLD_HANDS])
def test_hands_meet(scene, action: Action) -> None:
    """When two act on each other's hands, their masks touch in the middle of the act."""
    truth = SceneRenderer(scene(people=2, action=action), 160, 284).truth(17)

    assert _touch(truth.mask("mira"), truth.mask("tom"))


def test_a_thing_changes_hands(scene) -> None:
    """Handed over, the letter is first in one hand, then in the other."""
    spec = scene(people=2, action=Action.HAND_OVER, num_frames=48)
    giver = replace(spec.performers[0], prop=PropKind.LETTER)
    renderer = SceneRenderer(replace(spec, performers=(giver, spec.performers[1])), 90, 160)
    before, after = renderer.truth(4), renderer.truth(46)

    assert before.props == {"mira": PropKind.LETTER}
    assert after.props == {"tom": PropKind.LETTER}
    assert after.part_mask("tom", Part.PROP).any()
    assert not after.part_mask("mira", Part.PROP).any()


@pytest.mark.parametrize("size", [(90, 160), (160, 90)])
@pytest.mark.parametrize("framing", [Framing.WIDE, Framing.MEDIUM])
@pytest.mark.parametrize("people", [1, 2, 3])
def test_people_stay_in_frame(scene, people: int, framing: Framing, size: tuple[int, int]) -> None:
    """Nobody is cut by the left, right or upper edge in wide and medium shots."""
    truth = SceneRenderer(scene(people=people, framing=framing), *size).truth(12)

    assert len(truth.boxes) == people
    for box in truth.boxes.values():
        assert box.left > 0
        assert box.right < size[0]
        assert box.top > 0


def test_closer_framings_show_larger_heads(scene) -> None:
    """From wide to close, the hair of the same person covers ever more of the frame."""
    order = (Framing.WIDE, Framing.FULL, Framing.MEDIUM, Framing.MEDIUM_CLOSE, Framing.CLOSE)
    hair = [
        SceneRenderer(scene(framing=framing), 160, 90).truth(0).part_mask("mira", Part.HAIR).sum()
        for framing in order
    ]

    assert hair == sorted(hair)
    assert hair[-1] > 12 * hair[0]


def test_over_the_shoulder_keeps_the_listener_near(scene) -> None:
    """The subject's face is seen past somebody larger, who shows no face."""
    camera = Camera(framing=Framing.OVER_THE_SHOULDER, subject="tom")
    truth = SceneRenderer(scene(people=2, camera=camera), 160, 90).truth(0)

    assert truth.part_mask("tom", Part.FACE).sum() > 30
    assert truth.part_mask("mira", Part.FACE).sum() == 0
    assert truth.mask("mira").any()


def test_runner_stays_in_frame(scene) -> None:
    """The camera follows whoever runs through the park."""
    renderer = SceneRenderer(scene(action=Action.RUN, kind=PlaceKind.PARK), 90, 160)
    middles = [
        (box.left + box.right) / 2
        for box in (renderer.truth(index).boxes["mira"] for index in range(0, 33, 4))
    ]

    assert min(middles) > 15
    assert max(middles) < 75


def test_attributes_say_it_in_words(scene) -> None:
    """Attributes repeat the scene, so that a reader needs no other source."""
    spec = scene(action=Action.WAVE, light=Light.DUSK, kind=PlaceKind.CAFE)
    rows = SceneRenderer(spec, 90, 160).truth(0).attributes

    assert rows["scene"] == {
        "place": "cafe",
        "variant": "2",
        "light": "dusk",
        "weather": "clear",
    }
    assert rows["mira"]["action"] == "wave"
    assert rows["mira"]["top colour"] == "teal"


def _touch(first_HW: np.ndarray, second_HW: np.ndarray) -> bool:
    grown_HW = first_HW.copy()
    grown_HW[1:] |= first_HW[:-1]
    grown_HW[:, 1:] |= first_HW[:, :-1]
    grown_HW[:, :-1] |= first_HW[:, 1:]
    return bool((grown_HW & second_HW).any())
