"""
What does a StoryWorld story look like to a film unit? A shot list: cast, sets, and who does what.

Looks stand in the bible, so that captions name them once and memory has to keep the rest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from onestory.storyworld.stories import HELD_OUT, Pattern, Telling, tell_story

SHOTS = 10
FIRST_SEED = HELD_OUT + 2_000_000
NAMES = {"A": "MARA", "B": "JONAS", "P": "HOME", "Q": "AWAY"}
ACTIONS = ("waves", "sits down", "dances", "jumps", "walks in", "runs", "laughs", "points")
STILL = ("nobody is here", "nothing stirs")
"""What a shot of a place alone says."""
SIZE = "180x320"


@dataclass(frozen=True)
class Beat:
    """Who does what where."""

    people: tuple[str, ...]
    place: str
    action: str

    def listed(self) -> dict[str, Any]:
        """As a shot list has it."""
        who = " and ".join(name.title() for name in self.people)
        verb, *rest = self.action.split()
        action = " ".join([verb.removesuffix("s"), *rest]) if len(self.people) > 1 else self.action
        does = f"{who} {action}." if who else f"{action.capitalize()}."
        return {
            "set": self.place,
            "cast": list(self.people),
            "action": does,
            "duration": "51 frames",
        }


def episode_of(number: int, *, changed: int | None = None) -> dict[str, Any]:
    """The shot list of one story, with another action in one shot."""
    rng = np.random.default_rng([FIRST_SEED, number])
    patterns = tuple(Pattern)
    story = tell_story(
        FIRST_SEED + number,
        pattern=patterns[number % len(patterns)],
        telling=Telling(num_shots=SHOTS),
    )
    beats = [
        Beat(
            people=tuple(NAMES[name] for name in shot.people),
            place=NAMES[shot.place],
            action=actions[int(rng.integers(len(actions)))],
        )
        for shot in story.shots
        for actions in [ACTIONS if shot.people else STILL]
    ]
    if changed is not None:
        before = beats[changed]
        actions = ACTIONS if before.people else STILL
        action = actions[(actions.index(before.action) + 1) % len(actions)]
        beats[changed] = Beat(before.people, before.place, action)
    seen = {name for beat in beats for name in (*beat.people, beat.place)}
    return {
        "schema": "shot-list.1",
        "title": f"Edits {number}",
        "episode": f"edits-{number:02d}",
        "cast": [
            {"name": NAMES[name], "look": person.phrase}
            for name, person in story.people.items()
            if NAMES[name] in seen
        ],
        "sets": [
            {"name": NAMES[name], "look": place.phrase.split(maxsplit=1)[1]}
            for name, place in story.places.items()
            if NAMES[name] in seen
        ],
        "shots": [beat.listed() for beat in beats],
    }
