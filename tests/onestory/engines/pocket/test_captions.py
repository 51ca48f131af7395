"""What does the pocket model read?"""

from pathlib import Path
from typing import Any

from onestory.breakdown.rules import break_down
from onestory.documents import Digest
from onestory.engines.pocket.captions import pocket_caption, pocket_told
from onestory.engines.recipe import EngineFingerprint, Recipe, Subject
from onestory.production.recipes import expanded_caption
from onestory.screenplay.episode import Episode, Shot
from onestory.screenplay.reading import read_screenplay

EXAMPLE = Path(__file__).parents[4] / "deployments/examples/last-train.fountain"
MAN = "a man with curly black hair and a teal jacket"
STREET = "a wet street with blue shop fronts"
REMEMBERED = Digest("sha256:" + "1" * 64)


def recipe(caption: str, *subjects: Subject, **fields: Any) -> Recipe:
    """A recipe of which only the words matter."""
    engine = EngineFingerprint(name="pocket", weights="none", config="none", recipe_version=1)
    usual: dict[str, Any] = {"seed": 1, "width": 90, "height": 160, "num_frames": 3, "fps": "24"}
    return Recipe(engine=engine, caption=caption, subjects=subjects, **(usual | fields))


def recipe_for(shot: Shot, episode: Episode, caption: str | None = None) -> Recipe:
    """A recipe of a shot that remembers something, with its own caption or another."""
    looks = {member.name: member.look for member in episode.cast}
    subjects = [
        Subject(name=one.name, phrase=one.phrase, look=looks[one.name])
        for one in shot.references
        if one.name in looks
    ]
    return recipe(
        caption or shot.caption,
        *subjects,
        set_look=episode.set_design(shot.set_name).look,
        memory=REMEMBERED,
    )


def test_the_breakdowns_captions_are_read_word_for_word() -> None:
    """With a memory, every caption of the example film goes to the model as it is."""
    episode = break_down(read_screenplay(EXAMPLE))

    for shot in episode.shots:
        asked = recipe_for(shot, episode)

        assert pocket_caption(asked) == shot.caption


def test_a_retakes_brackets_become_part_of_the_phrase() -> None:
    """A caption that a retake spells out reads like one that never was anything else."""
    episode = break_down(read_screenplay(EXAMPLE))
    shot = episode.shots[2]
    spelt = recipe_for(shot, episode, expanded_caption(shot, episode))

    assert "(" in spelt.caption
    assert pocket_caption(spelt) == (
        "Two-shot, night, rain: in the same street with blue shop fronts, coral awnings and a "
        "yellow lamp, the same man with curly black hair, brown skin, a teal jacket, charcoal "
        "trousers and round glasses says something to the same woman with short auburn hair, "
        "fair skin, a mustard coat, navy jeans and a red scarf."
    )


def test_without_a_memory_looks_stand_where_the_same_man_stood() -> None:
    """Who can be remembered by nothing is described again, and so is the place."""
    man = Subject(name="JONAS", phrase="the same man", look=MAN)
    asked = recipe("Close-up, day: in the same street, the same man waves.", man, set_look=STREET)

    assert pocket_caption(asked) == f"Close-up, day: in {STREET}, {MAN} waves."
    assert pocket_caption(asked, has_memory=True) == asked.caption


def test_a_sentence_may_begin_with_somebody_who_returns() -> None:
    """A look at the beginning of a sentence has a capital letter."""
    man = Subject(name="JONAS", phrase="The same man", look=MAN)
    asked = recipe("Close-up: in a park. The same man waves.", man)

    assert pocket_caption(asked) == f"Close-up: in a park. A{MAN[1:]} waves."


def test_nobody_is_described_twice() -> None:
    """A look that the caption tells already is not told again."""
    new = Subject(name="JONAS", phrase=MAN, look=MAN)
    again = Subject(name="JONAS", phrase="the man", look=MAN)
    asked = recipe(f"Close-up: in a park, {MAN} waves, and the man runs.", new, again)

    assert pocket_caption(asked) == asked.caption


def test_one_person_does_everything_in_one_sentence() -> None:
    """Training captions have one sentence; who does both may as well do it in one."""
    man = Subject(name="JONAS", phrase="the same man", look=MAN)
    woman = Subject(name="MARA", phrase="the same woman", look="a woman")
    words = "Close-up: in a park, the same man waves. The man says something."

    alone = pocket_caption(recipe(words, man, memory=REMEMBERED))
    together = pocket_caption(recipe(words, man, woman, memory=REMEMBERED))

    assert alone == "Close-up: in a park, the same man waves and says something."
    assert together == words


def test_the_model_is_told_whom_words_are_about() -> None:
    """Of every shot of the example film: everybody on screen, and the set."""
    episode = break_down(read_screenplay(EXAMPLE))

    for shot in episode.shots:
        asked = recipe_for(shot, episode)
        names = [subject.name for subject in asked.subjects]
        told = pocket_told(asked, names)

        assert told.caption == pocket_caption(asked)
        assert told.setting
        for words in (told.first, *told.others, told.setting):
            assert words.lower() in told.caption.lower()
        assert [bool(words) for words in (told.first, *told.others)][: len(names)] == [True] * len(
            names
        )


def test_looks_that_are_told_anew_are_told_of_whom() -> None:
    """The longest words for somebody count, as the model reads them; strangers have none."""
    man = Subject(name="JONAS", phrase="the same man", look=MAN)
    asked = recipe("Close-up, day: in the same street, the same man waves.", man, set_look=STREET)

    first = pocket_told(asked, ["JONAS", "NOBODY"])
    remembered = pocket_told(asked, ["JONAS"], has_memory=True)

    assert (first.first, first.others, first.setting) == (MAN, ("",), f"in {STREET}")
    assert (remembered.first, remembered.setting) == ("the same man", "in the same street")
    assert pocket_told(recipe("A man waves."), []).setting == ""
