"""
What is a language model asked? One thing at a time, about as little of the script as decides it.

    look of MARA ── look of JONAS ── look of the KITCHEN ── scene 1 ── scene 2 ── …

A question holds nothing of the rest of the script, so that an edited scene is asked about again and
no other: its answer is kept under the name of the question.
"""

import json
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from onestory.breakdown.answers import LookAnswer, SceneAnswer
from onestory.breakdown.bible import Unseen
from onestory.breakdown.chat import Message
from onestory.breakdown.timing import MAX_SECONDS
from onestory.documents import Digest, Frozen, digest_of_json
from onestory.screenplay.script import Action, Dialogue, ScriptScene, ScriptShot

PROMPT_VERSION = 1
"""Raised by hand whenever words below change: answers to other words are other answers."""

MOST_SPOKEN_SECONDS = 2 * MAX_SECONDS
"""Longest speech in one shot that a model may ask for, in seconds."""

Shot = Action | Dialogue | ScriptShot
"""Elements of a scene that are shot."""

Answer = TypeVar("Answer", bound=Frozen)

_FORM = (
    "Answer with one JSON object that follows this JSON Schema, and with nothing before or after "
    "it:\n{schema}"
)
_LOOK = (
    "You design the look of a film that a video model draws. You are told of one person or one "
    "place, as JSON. Say how they look, in one noun phrase of 8 to 25 words that begins with a or "
    "an: things that can be seen and that stay the same through the film. Of a person: age, hair, "
    "clothes with their colours; use the word for the kind of person that you are told, keep every "
    "detail in `said` word for word, and choose other colours than `others`. Of a place: what kind "
    "of place it is, colours, two or three things in it; no people. No names, no story, no full "
    "stop."
)
_SCENE = (
    "You break a scene of a screenplay down into shots for a film that a video model draws. You "
    "are told the scene as JSON, its paragraphs and speeches numbered. Lay out shots in story "
    "order:\n"
    "- Every numbered element is covered by a shot, in order; a shot may cover several that follow "
    "one another, and an element may go on in the next shot. An element of the kind `shot`, or "
    "with a fixed length, has one shot to itself.\n"
    "- `lines` holds the speeches of the shot, verbatim: the same characters, the same words, "
    "none left out. A long speech may be cut between sentences and go on in the next shot; "
    f"no shot has more than {MOST_SPOKEN_SECONDS:g} seconds of speech. A speech that is spoken at "
    "the same time as the one before it is in the same shot.\n"
    "- `action` says what is seen, in one or two plain sentences in the present tense, with the "
    "people's names: who does what, where they stand, what their faces show. No camera words, no "
    "spoken words, nobody who is not in `people`, nothing that the script contradicts.\n"
    "- `cast` names who is seen, from `people`. `framing` and `move` are the camera's; most shots "
    "are static."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question(Generic[Answer]):
    """One thing that a model is asked."""

    about: str
    """What it is about, for people: `scene 3`."""
    instructions: str
    told: dict[str, Any]
    """What the model is told, as JSON; nothing else decides its answer."""
    kind: type[Answer]

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the answer."""
        return self.kind.model_json_schema()

    @property
    def messages(self) -> list[Message]:
        """The conversation that begins with it."""
        schema = json.dumps(self.schema, separators=(",", ":"))
        return [
            {"role": "system", "content": f"{self.instructions}\n{_FORM.format(schema=schema)}"},
            {"role": "user", "content": json.dumps(self.told, ensure_ascii=False)},
        ]

    def key(self, model: str) -> Digest:
        """The name under which the answer is kept of the model with that fingerprint."""
        return digest_of_json(
            {
                "prompt": PROMPT_VERSION,
                "model": model,
                "schema": digest_of_json(self.schema),
                "told": digest_of_json(self.told),
                "instructions": digest_of_json(self.instructions),
            }
        )


def look_question(somebody: Unseen, others: list[str]) -> Question[LookAnswer]:
    """Ask how somebody looks, whom those `others` must not be taken for."""
    told = {"name": somebody.name, "kind": somebody.kind, "said": somebody.said, "others": others}
    return Question(
        about=f"the look of {somebody.name}", instructions=_LOOK, told=told, kind=LookAnswer
    )


def place_question(scene: ScriptScene) -> Question[LookAnswer]:
    """Ask how the set of a scene looks."""
    where = {True: "indoors", False: "outdoors", None: ""}[scene.is_interior]
    told = {"place": scene.set_name, "where": where}
    return Question(
        about=f"the look of {scene.set_name}", instructions=_LOOK, told=told, kind=LookAnswer
    )


def scene_question(
    number: int, scene: ScriptScene, people: dict[str, str]
) -> Question[SceneAnswer]:
    """
    Ask for the shots of a scene.

    Args:
        number: Which scene, from 1.
        scene: As written.
        people: Who may be seen: kind by name.
    """
    told = {
        "scene": scene.heading,
        "people": people,
        "elements": [_told(at, one) for at, one in enumerate(shot_elements(scene), start=1)],
    }
    return Question(about=f"scene {number}", instructions=_SCENE, told=told, kind=SceneAnswer)


def shot_elements(scene: ScriptScene) -> list[Shot]:
    """The elements of a scene that are shot, in order."""
    return [
        element
        for element in scene.elements
        if isinstance(element, Dialogue | ScriptShot)
        or (isinstance(element, Action) and not element.is_centered)
    ]


def _told(number: int, element: Shot) -> dict[str, Any]:
    told: dict[str, Any] = {"number": number, "kind": element.kind}
    if isinstance(element, Dialogue):
        return told | _speech(element) | _direction(element)
    if isinstance(element, Action):
        return told | {"text": element.text} | _direction(element)
    given = {
        "text": element.action,
        "cast": list(element.cast),
        "lines": [_speech(line) for line in element.lines],
        "framing": element.framing,
        "move": element.move,
    }
    return told | {name: value for name, value in given.items() if value}


def _speech(speech: Dialogue) -> dict[str, Any]:
    told = {
        "character": speech.character,
        "manner": speech.parenthetical,
        "unseen": speech.is_off_screen,
        "at the same time": speech.is_dual,
    }
    return {name: value for name, value in told.items() if value} | {"text": speech.text}


def _direction(element: Action | Dialogue) -> dict[str, Any]:
    wanted = element.direction.model_dump() if element.direction else {}
    return {name: value for name, value in wanted.items() if value is not None}
