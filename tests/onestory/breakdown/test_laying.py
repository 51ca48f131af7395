"""What a model may do with a scene: lay out its shots, and not change a word of it."""

import copy
from typing import Any

import pytest

from onestory.breakdown.answers import SceneAnswer
from onestory.breakdown.asking import Fault
from onestory.breakdown.bible import write_bible
from onestory.breakdown.laying import laid_scene
from onestory.breakdown.questions import scene_question
from onestory.screenplay.reading import parse_screenplay
from onestory.screenplay.script import ScriptScene, ScriptShot, Transition
from onestory.testing.chatting import good_answer

SCRIPT = """Title: Tiny

INT. KITCHEN - NIGHT

Mara waits at the table.

MARA
(softly)
It is late. I have waited for an hour, and the soup is cold.

FADE TO:

[[shot: close-up, 3s]]
Jonas opens the door.

JONAS
Sorry.

MARA ^
Finally.
"""
SCREENPLAY = parse_screenplay(SCRIPT.encode(), path="tiny.fountain", suffix=".fountain")
(SCENE,) = SCREENPLAY.scenes
GOOD = good_answer(scene_question(1, SCENE, {}).told)
# Spoken at the same time is shot together.
GOOD["shots"][3]["elements"] = [4, 5]
GOOD["shots"][3]["lines"] += GOOD["shots"].pop()["lines"]


def laid(answer: dict[str, Any], scene: ScriptScene = SCENE) -> ScriptScene:
    """The scene as that answer has it."""
    return laid_scene(
        scene,
        SceneAnswer.model_validate(answer),
        names=write_bible(SCREENPLAY).names,
        light="night",
        weather="clear",
    )


def shots_of(scene: ScriptScene) -> list[ScriptShot]:
    """Its shots."""
    return [element for element in scene.elements if isinstance(element, ScriptShot)]


def changed(*path: str | int, to: object) -> dict[str, Any]:
    """The good answer with one value changed."""
    answer = copy.deepcopy(GOOD)
    place: Any = answer["shots"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return answer


def test_a_good_answer_becomes_laid_out_shots() -> None:
    """The model's words are seen, the script's are said: brackets, places in the file and all."""
    shots = shots_of(laid(GOOD))

    assert [shot.action for shot in shots][:3] == [
        "Mara waits at the table.",
        "MARA waits by the lamp",
        "Jonas opens the door.",
    ]
    (line,) = shots[1].lines
    assert (line.parenthetical, line.character) == ("softly", "MARA")
    assert [line.is_dual for line in shots[3].lines] == [False, True]
    assert [shot.source.line for shot in shots] == [5, 9, 14, 17]
    assert {shot.light for shot in shots} == {"night"}


def test_what_the_script_fixed_holds() -> None:
    """Framings and lengths of its notes win over the model's; transitions stay where they are."""
    scene = laid(changed(2, "framing", to="wide shot"))

    third = shots_of(scene)[2]
    assert (third.framing, third.seconds) == ("close-up", 3.0)
    kinds = [type(element) for element in scene.elements]
    assert kinds == [ScriptShot, ScriptShot, Transition, ScriptShot, ScriptShot]


def test_a_speech_may_be_cut_where_the_model_likes() -> None:
    """The pieces are the script's own slices: joined they are the speech, letter for letter."""
    answer = copy.deepcopy(GOOD)
    answer["shots"].insert(2, copy.deepcopy(answer["shots"][1]))
    pieces = ("It is late.", "I have waited for an hour, and the soup is cold.")
    for shot, piece in zip(answer["shots"][1:3], pieces, strict=True):
        shot["lines"][0]["text"] = piece

    texts = [shot.lines[0].text for shot in shots_of(laid(answer))[1:3]]

    assert texts == ["It is late. ", "I have waited for an hour, and the soup is cold."]


def test_one_shot_may_hold_a_look_and_a_speech() -> None:
    """Paragraphs that follow one another may be one shot."""
    answer = copy.deepcopy(GOOD)
    answer["shots"][1] |= {"elements": [1, 2], "action": "Mara waits and speaks."}
    del answer["shots"][0]

    assert shots_of(laid(answer))[0].action == "Mara waits and speaks."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            changed(1, "lines", 0, "text", to="It is late."),
            "MARA says .I have waited",
        ),
        (
            changed(3, "lines", to=GOOD["shots"][3]["lines"][:1]),
            "element 5 and does not say it",
        ),
        (
            changed(3, "lines", 0, "text", to="I am sorry."),
            'JONAS says "I am sorry." in shot 4, but in the script JONAS says "Sorry."',
        ),
        (changed(3, "lines", 0, "character", to="MARA"), "in the script JONAS says"),
        (changed(3, "lines", to=[]), "shot 4 covers element 4 and does not say it"),
        (changed(1, "lines", to=[]), "shot 2 covers element 2 and does not say it"),
        (changed(0, "lines", to=GOOD["shots"][1]["lines"]), "the shot does not cover it"),
        (
            changed(3, "lines", to=[*GOOD["shots"][3]["lines"], GOOD["shots"][1]["lines"][0]]),
            "the script has nothing more to say",
        ),
        (changed(0, "elements", to=[2]), "element 2 follows element 0"),
        (
            changed(3, "elements", to=[4]),
            "which is element 5, and the shot does not cover it|in no shot",
        ),
        (changed(0, "elements", to=[9]), "covers element 9 of 5"),
        (changed(1, "elements", to=[2, 3]), "transition stands before element 3, inside shot 2"),
        (changed(2, "elements", to=[3, 4]), "element 3 must have one shot to itself"),
        (
            changed(0, "cast", to=["MARRA"]),
            'shows "MARRA", who is not in people; did you mean "MARA"',
        ),
        (changed(0, "action", to="Mara greets Anna."), 'speaks of "Anna", who is not in people'),
        (changed(0, "action", to="Mara:\nwaits."), "line breaks or control characters"),
        (
            changed(
                1,
                "action",
                to="Mara says it is late, I have waited for an hour and the soup is cold.",
            ),
            "the action of shot 2 has spoken words in it",
        ),
    ],
)
def test_an_unfaithful_answer_is_refused(answer: dict[str, Any], words: str) -> None:
    """Words, order, people: what is wrong is said so that the model can mend it."""
    with pytest.raises(Fault, match=words):
        laid(answer)


def test_too_much_speech_in_one_shot_is_refused() -> None:
    """Nobody listens for a minute to one picture."""
    long = SCRIPT.replace("Sorry.", "Sorry, " * 40 + "I am.").replace("MARA ^", "MARA")
    (scene,) = parse_screenplay(long.encode(), path="a.fountain", suffix=".fountain").scenes
    answer = good_answer(scene_question(1, scene, {}).told)
    answer["shots"][3]["elements"] = [4, 5]
    answer["shots"][3]["lines"] += answer["shots"].pop()["lines"]

    with pytest.raises(Fault, match=r"shot 4 has \d\d seconds of speech, more than 12"):
        laid(answer, scene)


def test_a_laid_out_shot_keeps_what_a_person_decided() -> None:
    """Of a shot list only what it leaves open is the model's: slate, length, lines are not."""
    own = ScriptShot(slate="sc01-sh001", action="Mara waves.", seconds=4.0, cast=("MARA",))
    ready = ScriptShot(caption="A woman waves.", framing="full shot")
    scene = SCENE.model_copy(update={"elements": (own, ready)})
    answer = good_answer(scene_question(1, scene, {}).told)
    answer["shots"][0] |= {"action": "Mara waves with both hands.", "move": "pan left"}

    first, second = shots_of(laid(answer, scene))

    assert (first.slate, first.seconds, first.cast) == ("sc01-sh001", 4.0, ("MARA",))
    assert (first.action, first.framing, first.move) == (
        "Mara waves with both hands.",
        "medium shot",
        "pan left",
    )
    assert second == ready
