"""
What does a person change in a script? A draft as short as a film can be, and one edit of it.

    Draft ── edited("cut", 2) ── Draft ── written ── script.json

Two people and two places, so that some shots are kin and some are not. Whatever an edit counts,
it counts round: there is no edit that does not fit a draft.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, TypeVar

NAMES = ("MARA", "JONAS")
PLACES = ("KITCHEN", "STREET")
ACTIONS = ("waves", "dances", "jumps", "sits down")
LENGTHS = (8, 12)
"""In frames."""
LENGTH_WITH_A_LINE = 40
LOOKS = {
    "MARA": ("a young woman with short red hair", "a young woman with long black hair"),
    "JONAS": ("an old man with a white beard", "an old man with a grey hat"),
    "KITCHEN": ("a small kitchen with teal cupboards", "a small kitchen with oak cupboards"),
    "STREET": ("a wet street with yellow lamps", "a dry street with yellow lamps"),
}
NAMED = tuple(LOOKS)
LINES = ("", "Hello.", "Good day.")

AnyValue = TypeVar("AnyValue", str, int)

EditKind: TypeAlias = Literal[
    "action",
    "length",
    "line",
    "picture",
    "who",
    "place",
    "joint",
    "look",
    "remove",
    "insert",
    "move",
    "film seed",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Beat:
    """One shot, as somebody writes it down."""

    name: str = NAMES[0]
    place: str = PLACES[0]
    action: str = ACTIONS[0]
    num_frames: int = LENGTHS[0]
    line: str = ""
    """What they say; nothing if empty."""
    picture: str = ""
    """File of the first frame, beside the script; none if empty."""
    is_cut: bool = True


class Edit(NamedTuple):
    """One change of a draft: of what, where, and into which of the possibilities."""

    kind: EditKind
    where: int = 0
    what: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A script, and the seed that its film is ordered with."""

    beats: tuple[Beat, ...]
    looks: dict[str, str] = field(default_factory=lambda: {name: LOOKS[name][0] for name in LOOKS})
    seed: int = 0

    def edited(self, edit: Edit, *, pictures: tuple[str, ...] = ("",)) -> "Draft":
        """
        The draft after an edit.

        Args:
            edit: What is changed.
            pictures: Files of first frames that an edit may bring; "" takes one away.
        """
        where = edit.where % len(self.beats)
        match edit.kind:
            case "look":
                name = NAMED[edit.where % len(NAMED)]
                look = _another(self.looks[name], LOOKS[name], edit.what)
                return replace(self, looks={**self.looks, name: look})
            case "film seed":
                return replace(self, seed=self.seed + 1)
            case "remove" | "insert" | "move":
                return replace(self, beats=self._reordered(edit.kind, where, edit.what))
        beat = self.beats[where]
        match edit.kind:
            case "action":
                beat = replace(beat, action=_another(beat.action, ACTIONS, edit.what))
            case "length":
                beat = replace(beat, num_frames=_another(beat.num_frames, LENGTHS, edit.what))
            case "line":
                beat = replace(beat, line=_another(beat.line, LINES, edit.what))
            case "picture":
                beat = replace(beat, picture=_another(beat.picture, pictures, edit.what))
            case "who":
                beat = replace(beat, name=_another(beat.name, NAMES, edit.what))
            case "place":
                beat = replace(beat, place=_another(beat.place, PLACES, edit.what))
            case "joint":
                beat = replace(beat, is_cut=not beat.is_cut)
        return replace(self, beats=(*self.beats[:where], beat, *self.beats[where + 1 :]))

    def _reordered(
        self, kind: Literal["remove", "insert", "move"], where: int, what: int
    ) -> tuple[Beat, ...]:
        before, after = self.beats[:where], self.beats[where:]
        if kind == "insert":
            return (*before, Beat(name=NAMES[what % 2], action="sings"), *after)
        rest = before + after[1:]
        if kind == "remove":
            return rest or self.beats
        to = what % len(self.beats)
        return (*rest[:to], self.beats[where], *rest[to:])

    def written(self, path: Path, *, episode: str) -> Path:
        """Write it as a shot list."""
        document = {
            "schema": "shot-list.1",
            "title": f"Film {episode}",
            "episode": episode,
            "cast": self._described({beat.name for beat in self.beats}),
            "sets": self._described({beat.place for beat in self.beats}),
            "shots": [_listed(beat) for beat in self.beats],
        }
        path.write_text(json.dumps(document))
        return path

    def _described(self, names: set[str]) -> list[dict[str, str]]:
        return [{"name": name, "look": self.looks[name]} for name in sorted(names)]


def _another(now: AnyValue, possible: Sequence[AnyValue], what: int) -> AnyValue:
    """One of the possibilities, but not what it is now."""
    others = [one for one in possible if one != now]
    return others[what % len(others)] if others else now


def _listed(beat: Beat) -> dict[str, Any]:
    num_frames = LENGTH_WITH_A_LINE if beat.line else beat.num_frames
    shot: dict[str, Any] = {
        "set": beat.place,
        "cast": [beat.name],
        "action": f"{beat.name.title()} {beat.action}.",
        "duration": f"{num_frames} frames",
        "cut": beat.is_cut,
    }
    if beat.line:
        shot["lines"] = [{"character": beat.name, "text": beat.line}]
    if beat.picture:
        shot["keyframe"] = beat.picture
    return shot
