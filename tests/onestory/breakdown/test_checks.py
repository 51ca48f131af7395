"""Before a GPU is spent: every reference resolves, and every word is the script's."""

from pathlib import Path
from typing import Any

import pytest

from onestory.breakdown.checks import check_dialogue, check_references
from onestory.breakdown.rules import break_down
from onestory.errors import CaptionError, ScriptError
from onestory.screenplay.episode import Episode, Reference
from onestory.screenplay.reading import read_screenplay

SCRIPT = read_screenplay(
    Path(__file__).parents[3] / "deployments" / "examples" / "last-train.fountain"
)
EPISODE = break_down(SCRIPT)


def with_shot(index: int, **changes: Any) -> Episode:
    """The example with one shot changed."""
    shots = list(EPISODE.shots)
    shots[index] = shots[index].model_copy(update=changes)
    return EPISODE.model_copy(update={"shots": tuple(shots)})


def test_the_example_passes() -> None:
    """What breakdown writes passes both proofs."""
    check_references(EPISODE)
    check_dialogue(SCRIPT, EPISODE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"caption": "The same woman waves."}, 'caption does not say "the same woman"'),
        ({"references": ()}, 'says "the same woman", but no reference says who'),
        (
            {"references": (*EPISODE.shots[3].references, Reference(phrase="night", name="ZOE"))},
            '"night" means "ZOE", who is neither cast nor set',
        ),
        (
            {
                "caption": EPISODE.shots[3].caption + " The same old man waves.",
                "references": (
                    *EPISODE.shots[3].references,
                    Reference(phrase="The same old man", name="THE CONDUCTOR"),
                ),
            },
            "whom no earlier shot introduces",
        ),
        (
            {"caption": EPISODE.shots[3].caption + " The same tall lady waves."},
            'says "The same tall lady"',
        ),
        (
            {"caption": EPISODE.shots[3].caption + " Later, in the same cafe."},
            'says "the same cafe"',
        ),
    ],
)
def test_captions_that_point_at_nobody(changes: dict[str, Any], words: str) -> None:
    """A phrase that is unlisted, unsaid, unknown or not yet introduced is refused by slate."""
    with pytest.raises(CaptionError, match=words) as caught:
        check_references(with_shot(3, **changes))

    assert (caught.value.slate, caught.value.hint is not None) == ("sc01-sh004", True)


def test_the_same_time_is_nobody() -> None:
    """Words that merely contain "the same" need no reference."""
    check_references(
        with_shot(3, caption=EPISODE.shots[3].caption + " At the same time, rain falls.")
    )


@pytest.mark.parametrize(
    ("index", "lines", "words"),
    [
        (
            2,
            {"text": "Mara! Do not get on that train."},
            r"fountain:\d+:1: JONAS says \"Mara! Don't",
        ),
        (2, {"text": "Mara! Don't get on that Train."}, "but .*that Train"),
        (2, {"character": "MARA"}, r"JONAS says .* but \"\" in the shots"),
        (2, None, r"JONAS says .* but \"\" in the shots"),
    ],
)
def test_changed_words_are_found(index: int, lines: dict[str, str] | None, words: str) -> None:
    """A changed, dropped or reassigned speech is named with its line in the script."""
    said = EPISODE.shots[index].lines
    changed = tuple(line.model_copy(update=lines) for line in said) if lines else ()

    with pytest.raises(ScriptError, match=words):
        check_dialogue(SCRIPT, with_shot(index, lines=changed))


def test_added_words_are_found() -> None:
    """A speech that the script does not have is refused."""
    line = EPISODE.shots[2].lines[0].model_copy(update={"text": "And another thing!"})

    with pytest.raises(ScriptError, match="And another thing!"):
        check_dialogue(SCRIPT, with_shot(-1, lines=(*EPISODE.shots[-1].lines, line)))
