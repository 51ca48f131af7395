"""
What could be read off a shot, and who could know it? The caption says it, or a memory shows it.

Shape suffixes, for this module only:
    N  shots   A  figures of a shot, `FIGURES`   K  attributes of a person   S  of a scene, `ASKED`
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from onestory.storyworld.attributes import PERSON, SCENE, indices, person_values, scene_values
from onestory.storyworld.stories import Story, StoryShot

ASKED = SCENE[:4]
"""Of a scene: what kind of place, light, weather, and the colour of the wall."""

ALWAYS_TOLD = ("place", "light", "weather")
"""What every caption says of a scene, at a return, too."""

FIGURES = 2
"""People of a glimpse: the first of the scene, and another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """What could be read off the people and the place of some shots; -1 where there is nothing."""

    people_NAK: torch.Tensor
    """Index of the class, int64."""
    told_NAK: torch.Tensor
    """Whether the caption says it, bool."""
    returns_NA: torch.Tensor
    """Whether the figure was seen before, bool."""
    scene_NS: torch.Tensor
    scene_told_NS: torch.Tensor
    scene_returns_N: torch.Tensor


def looks_note(story: Story, shot: StoryShot) -> dict[str, object]:
    """Say what could be read off a shot, for `looks_of`."""
    figures = [(story.people[name], name in shot.introduces) for name in shot.cast[:FIGURES]]
    place, scene = story.places[shot.place], shot.scene
    is_new = shot.place in shot.introduces
    return {
        "people": [indices(PERSON, person_values(person.look)) for person, _ in figures],
        "told": [
            [is_first and one.told in person.named for one in PERSON]
            for person, is_first in figures
        ],
        "returns": [not is_first for _, is_first in figures],
        "scene": indices(ASKED, scene_values(scene.place, scene.light, scene.weather)),
        "scene_told": [
            one.name in ALWAYS_TOLD or (is_new and one.told in place.named) for one in ASKED
        ],
        "scene_returns": not is_new,
    }


def looks_of(notes: Sequence[Any]) -> Looks:
    """Put what `looks_note` says of some shots into tensors."""
    num, people = len(notes), len(PERSON)
    found = Looks(
        people_NAK=torch.full((num, FIGURES, people), -1),
        told_NAK=torch.zeros(num, FIGURES, people, dtype=torch.bool),
        returns_NA=torch.zeros(num, FIGURES, dtype=torch.bool),
        scene_NS=torch.tensor([note["scene"] for note in notes]),
        scene_told_NS=torch.tensor([note["scene_told"] for note in notes]),
        scene_returns_N=torch.tensor([note["scene_returns"] for note in notes]),
    )
    for row, note in enumerate(notes):
        for into, name in (
            (found.people_NAK, "people"),
            (found.told_NAK, "told"),
            (found.returns_NA, "returns"),
        ):
            value = torch.tensor(note[name])
            if len(value):
                into[row, : len(value)] = value
    return found
