"""
Does a model's layout of a scene keep to the script? Then it becomes the scene's laid-out shots.

    every element covered, in order ── every speech said, letter for letter ── nobody invented

What the script itself fixed holds against the model: framings, lengths and ready shots. What is
wrong is said as a `Fault`, in words that the model can mend.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from onestory.breakdown import vocabulary
from onestory.breakdown.answers import ModelShot, SceneAnswer
from onestory.breakdown.asking import Fault
from onestory.breakdown.questions import MOST_SPOKEN_SECONDS, Shot, shot_elements
from onestory.breakdown.timing import speech_seconds
from onestory.screenplay.refusal import printable
from onestory.screenplay.script import (
    Action,
    Dialogue,
    Element,
    Light,
    ScriptScene,
    ScriptShot,
    ShotDirection,
    Transition,
    Weather,
)

_FEWEST_SPOKEN_WORDS = 3
"""From so many words on, a speech that stands in an action is taken for one."""


def laid_scene(
    scene: ScriptScene,
    answer: SceneAnswer,
    *,
    names: Mapping[str, str],
    light: Light,
    weather: Weather,
) -> ScriptScene:
    """
    Put a model's shots in place of what a scene has.

    Args:
        scene: As written.
        answer: What the model said.
        names: By any spelling, case-folded: the cast member's name.
        light: Of the scene.
        weather: Of the scene.

    Returns:
        The scene with laid-out shots that say exactly its words.

    Raises:
        Fault: If the answer leaves something out, changes a word, or speaks of nobody known.
    """
    elements = shot_elements(scene)
    _check_coverage(elements, answer, _joints(scene))
    lines = _Lines(elements)
    shots: list[ScriptShot] = []
    for number, shot in enumerate(answer.shots, start=1):
        _check_words(number, shot, scene, names)
        spoken = lines.of(number, shot)
        _check_length(number, spoken)
        shots.append(_shot(shot, elements, spoken, names, light, weather))
    lines.check_all_said()
    return scene.model_copy(update={"elements": tuple(_with_transitions(scene, answer, shots))})


def _joints(scene: ScriptScene) -> set[int]:
    """Numbers of the elements before which the script has a transition."""
    return {number for number, _ in _transitions(scene)}


def _transitions(scene: ScriptScene) -> Iterator[tuple[int, Transition]]:
    """Every transition, with the number of the element that follows it."""
    coming = 1
    shot = {id(element) for element in shot_elements(scene)}
    for element in scene.elements:
        if isinstance(element, Transition):
            yield coming, element
        coming += id(element) in shot


def _with_transitions(
    scene: ScriptScene, answer: SceneAnswer, shots: list[ScriptShot]
) -> Iterator[Element]:
    """The shots, with the script's transitions where they stood."""
    waiting = list(_transitions(scene))
    for said, shot in zip(answer.shots, shots, strict=True):
        while waiting and waiting[0][0] <= said.elements[0]:
            yield waiting.pop(0)[1]
        yield shot
    yield from (transition for _, transition in waiting)


def _check_coverage(elements: list[Shot], answer: SceneAnswer, joints: set[int]) -> None:
    covered = 0
    for number, shot in enumerate(answer.shots, start=1):
        for element in shot.elements:
            if not 1 <= element <= len(elements):
                raise Fault(f"shot {number} covers element {element} of {len(elements)}")
            if element not in (covered, covered + 1):
                raise Fault(f"element {element} follows element {covered} in shot {number}")
            covered = element
        crossed = joints & set(shot.elements[1:])
        if crossed:
            raise Fault(f"a transition stands before element {min(crossed)}, inside shot {number}")
    if covered < len(elements):
        raise Fault(f"element {covered + 1} of {len(elements)} is in no shot")
    for at, each in enumerate(elements, start=1):
        shots = [shot for shot in answer.shots if at in shot.elements]
        is_alone = len(shots) == 1 and set(shots[0].elements) == {at}
        if _is_whole(each) and not is_alone:
            raise Fault(f"element {at} must have one shot to itself")
        if isinstance(each, Dialogue) and each.is_dual and at > 1:
            together = any({at - 1, at} <= set(shot.elements) for shot in shots)
            if not together or len(shots) > 1:
                raise Fault(f"element {at} is spoken at the same time as the one before it")


def _is_whole(element: Shot) -> bool:
    """Whether an element is one shot, by the script's word."""
    return isinstance(element, ScriptShot) or (
        element.direction is not None and element.direction.seconds is not None
    )


def _check_words(
    number: int, shot: ModelShot, scene: ScriptScene, names: Mapping[str, str]
) -> None:
    """See that an action is plain text about people who are known."""
    if not shot.action.isprintable():
        raise Fault(f"the action of shot {number} has line breaks or control characters")
    for name in shot.cast:
        if name.casefold() not in names:
            close = get_close_matches(name.casefold(), names, n=1)
            meant = f'; did you mean "{names[close[0]]}"?' if close else ""
            raise Fault(f'shot {number} shows "{printable(name)}", who is not in people{meant}')
    texts = [text for element in shot_elements(scene) for text in _texts(element)]
    known = {word for name in names for word in _words(name)}
    known |= {word for text in texts for word in _words(text)}
    for word in re.findall(r"[^\W\d_]+", shot.action):
        is_name = word[0].isupper() and word.casefold() in vocabulary.WOMEN | vocabulary.MEN
        if is_name and word.casefold() not in known:
            raise Fault(f'the action of shot {number} speaks of "{word}", who is not in people')
    for speech in _speeches(shot_elements(scene)):
        said = " ".join(_words(speech.text))
        is_long = len(said.split()) >= _FEWEST_SPOKEN_WORDS
        if is_long and said in " ".join(_words(shot.action)):
            raise Fault(f"the action of shot {number} has spoken words in it")


def _texts(element: Shot) -> Iterable[str]:
    if isinstance(element, ScriptShot):
        return (element.action, *(line.text for line in element.lines))
    return (element.text,)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


def _speeches(elements: Iterable[Shot]) -> Iterator[Dialogue]:
    for element in elements:
        if isinstance(element, Dialogue):
            yield element
        elif isinstance(element, ScriptShot):
            yield from element.lines


def _check_length(number: int, spoken: list[Dialogue]) -> None:
    seconds = sum(speech_seconds(one.text) for one in spoken if not one.is_dual)
    if len(spoken) > 1 and seconds > MOST_SPOKEN_SECONDS:
        raise Fault(
            f"shot {number} has {seconds:.0f} seconds of speech, more than "
            f"{MOST_SPOKEN_SECONDS:g}: make more shots"
        )


class _Lines:
    """Goes through the speeches of a scene while its shots say them."""

    def __init__(self, elements: list[Shot]) -> None:
        self._speeches = [
            (at, speech)
            for at, element in enumerate(elements, start=1)
            for speech in _speeches([element])
        ]
        self._at = 0
        """Which speech is being said."""
        self._said = 0
        """How many of its characters were said."""

    def of(self, number: int, shot: ModelShot) -> list[Dialogue]:
        """
        The script's own words for the lines of a shot.

        Raises:
            Fault: If they are not the next words of the script, or of another element.
        """
        spoken = [self._piece(number, shot, line.character, line.text) for line in shot.lines]
        said = {at for at, _ in spoken}
        silent = {at for at, _ in self._speeches if at in shot.elements} - said
        if silent:
            raise Fault(f"shot {number} covers element {min(silent)} and does not say it")
        return [speech for _, speech in spoken]

    def check_all_said(self) -> None:
        """
        See that no words are left.

        Raises:
            Fault: If some are.
        """
        if self._at < len(self._speeches):
            at, speech = self._speeches[self._at]
            left = printable(speech.text[self._said :].strip())
            raise Fault(f'nobody says "{left}" of element {at}: lines must be verbatim')

    def _piece(
        self, number: int, shot: ModelShot, character: str, text: str
    ) -> tuple[int, Dialogue]:
        said = f'{printable(character)} says "{printable(text)}" in shot {number}'
        if self._at == len(self._speeches):
            raise Fault(f"{said}, and the script has nothing more to say")
        at, speech = self._speeches[self._at]
        left = speech.text[self._said :]
        # Only white space around a piece may differ: it goes with the piece before.
        lead = len(left) - len(left.lstrip())
        piece = text.strip()
        is_verbatim = piece and left[lead:].startswith(piece)
        if character.casefold() != speech.character.casefold() or not is_verbatim:
            wanted = f'{printable(speech.character)} says "{printable(left.strip())}"'
            raise Fault(f"{said}, but in the script {wanted}: lines must be verbatim")
        if at not in shot.elements:
            raise Fault(f"{said}, which is element {at}, and the shot does not cover it")
        end = lead + len(piece)
        end += len(left[end:]) - len(left[end:].lstrip())
        self._said += end
        if self._said == len(speech.text):
            self._at, self._said = self._at + 1, 0
        return at, speech.model_copy(update={"text": left[:end]})


def _shot(
    said: ModelShot,
    elements: list[Shot],
    spoken: list[Dialogue],
    names: Mapping[str, str],
    light: Light,
    weather: Weather,
) -> ScriptShot:
    first = elements[said.elements[0] - 1]
    cast = tuple(dict.fromkeys(names[name.casefold()] for name in said.cast))
    if isinstance(first, ScriptShot):
        if first.caption:
            return first
        wanted = {
            "action": said.action,
            "framing": first.framing or said.framing,
            "move": first.move or said.move,
            "cast": first.cast or cast,
        }
        return first.model_copy(update=wanted)
    directed = [
        one.direction
        for one in (elements[at - 1] for at in said.elements)
        if isinstance(one, Action | Dialogue) and one.direction
    ]
    direction = directed[0] if directed else ShotDirection()
    return ScriptShot(
        action=said.action,
        framing=direction.framing or said.framing,
        move=direction.move or said.move,
        light=light,
        weather=weather,
        cast=cast,
        lines=tuple(spoken),
        seconds=direction.seconds,
        source=first.source,
    )
