"""Stories whose every attribute is known: who returns, and what words give away."""

import re

import pytest

from onestory.storyworld.kinds import TopKind
from onestory.storyworld.render import SceneRenderer
from onestory.storyworld.stories import (
    HELD_OUT,
    PLACE_SLOTS,
    Pattern,
    Story,
    StoryPerson,
    StoryPlace,
    Telling,
    tell_story,
)
from onestory.storyworld.telling import (
    ACCESSORY_PHRASES,
    HAIR_PHRASES,
    PLACE_PHRASES,
    SKIN_PHRASES,
)
from onestory.storyworld.words import COLOURS

SEEDS = range(150)
HAIR_WORDS = {"raven": "black", "platinum": "platinum blond"}


@pytest.fixture(scope="module", name="stories")
def _stories() -> list[Story]:
    return [tell_story(seed) for seed in SEEDS]


def people_of(stories: list[Story]) -> list[StoryPerson]:
    """Everybody of all stories."""
    return [person for story in stories for person in story.people.values()]


def places_of(stories: list[Story]) -> list[StoryPlace]:
    """All places of all stories."""
    return [place for story in stories for place in story.places.values()]


def parts_of(phrase: str) -> list[str]:
    """What comes after "with", one thing each, without articles."""
    _, _, listed = phrase.partition(" with ")
    parts = re.split(r", | and ", listed) if listed else []
    return [re.sub(r"^an? ", "", part) for part in parts]


def said_of(colour: str, thing: str) -> set[str]:
    """Every way to say that a thing has a colour."""
    words = [colour, *(word.strip() for word in COLOURS.get(colour, "").split(","))]
    return {f"{word} {thing}" for word in words if word}


def hair(person: StoryPerson) -> str:
    """Somebody's hair in words."""
    colour = HAIR_WORDS.get(person.look.hair_colour, person.look.hair_colour)
    return HAIR_PHRASES[person.look.hair_style].format(c=colour).removeprefix("a ")


def accessories(person: StoryPerson) -> list[set[str]]:
    """For everything that somebody wears beside clothes, the ways to say it."""
    look = person.look
    colour = HAIR_WORDS.get(look.hair_colour, look.hair_colour)
    skeletons = [ACCESSORY_PHRASES[worn].removeprefix("a ") for worn in look.accessories]
    return [
        said_of(look.accessory_colour, skeleton.removeprefix("{c} "))
        if "{c}" in skeleton
        else {skeleton.format(h=colour)}
        for skeleton in skeletons
    ]


def attributes_in(person: StoryPerson) -> tuple[set[str], list[str]]:
    """Attributes that a person's phrase gives truly, and whatever else it says."""
    look = person.look
    given: set[str] = set()
    strange: list[str] = []
    worn = accessories(person)
    for part in parts_of(person.phrase):
        if part == hair(person):
            given |= {"hair style"} | ({"hair colour"} if "bald" not in part else set())
        elif part == SKIN_PHRASES[look.skin]:
            given.add("skin")
        elif part in said_of(look.top_colour, look.top.value):
            given |= {"top", "top colour"}
        elif part in said_of(look.bottom_colour, look.bottom.value):
            given |= {"bottom", "bottom colour"}
        elif any(part in ways for ways in worn):
            worn = [ways for ways in worn if part not in ways]
        else:
            strange.append(part)
    if not worn:
        given.add("accessories")
    return given, strange


def test_words_give_what_is_named_and_nothing_else(stories: list[Story]) -> None:
    """What `named` leaves out can only be remembered: no word of the introduction tells it."""
    for person in people_of(stories):
        given, strange = attributes_in(person)

        assert strange == [], person.phrase
        assert given == person.named, person.phrase


def test_named_attributes_are_called_as_the_truth_calls_them(stories: list[Story]) -> None:
    """What is said at first can be looked up in the truth of a frame."""
    story = stories[0]
    truth = SceneRenderer(story.shots[0].scene, 32, 48).truth(0)
    named = frozenset().union(*(person.named for person in people_of(stories)))

    assert len(named) == 8
    assert named <= truth.attributes[story.shots[0].people[0]].keys()


def test_a_dress_has_no_bottom(stories: list[Story]) -> None:
    """Nobody is said to wear trousers that a dress hides."""
    dressed = [person for person in people_of(stories) if person.look.top is TopKind.DRESS]

    assert dressed
    assert not any("bottom" in person.named for person in dressed)


def test_a_place_is_described_by_its_own_colours(stories: list[Story]) -> None:
    """Of a place only those colours are named that it really has, by what has them."""
    for place in places_of(stories):
        things = PLACE_PHRASES[place.place.kind].things
        named = {"place"}
        for part in parts_of(place.phrase):
            slots = [
                slot
                for slot, colour, thing in zip(
                    PLACE_SLOTS, place.place.palette, things, strict=False
                )
                if thing and part in said_of(colour, thing)
            ]
            assert len(slots) == 1, (place.phrase, part)
            named |= set(slots)
        assert named == place.named, place.phrase


def test_whoever_returns_is_the_same(stories: list[Story]) -> None:
    """At first in full, later by reference alone, and never the other way round."""
    for story in stories:
        seen: set[str] = set()
        for shot in story.shots:
            there = {**story.people, **story.places}
            for name in (*shot.people, shot.place):
                one = there[name]
                words = one.phrase if name not in seen else one.reference
                assert words.lower() in shot.caption.lower()
                if name in seen and one.phrase != one.reference:
                    assert one.phrase.lower() not in shot.caption.lower()
            assert shot.introduces == {*shot.people, shot.place} - seen
            seen |= {*shot.people, shot.place}


def test_references_point_at_one_person(stories: list[Story]) -> None:
    """Two people of a story are never called by the same words, nor are two places."""
    for story in stories:
        references = [one.reference for one in (*story.people.values(), *story.places.values())]

        assert len(set(references)) == len(references)
        assert all("the same " in words for words in references)


def test_main_subject_stays_in_every_shot() -> None:
    """One person is seen from the first shot to the last, through two places."""
    for seed in SEEDS:
        story = tell_story(seed, pattern=Pattern.MAIN_SUBJECT)

        assert all("A" in shot.people for shot in story.shots)
        assert {shot.place for shot in story.shots} == {"P", "Q"}


@pytest.mark.parametrize("num_shots", [3, 4, 6])
def test_insert_and_recall_comes_back(num_shots: int) -> None:
    """Something else is shown in between, and then the person and the place of the beginning."""
    for seed in SEEDS:
        story = tell_story(
            seed, pattern=Pattern.INSERT_AND_RECALL, telling=Telling(num_shots=num_shots)
        )
        houses = [shot.place for shot in story.shots]

        assert (houses[0], houses[-1]) == ("P", "P")
        assert "Q" in houses
        assert (story.shots[0].people, story.shots[-1].people) == (("A",), ("A",))
        assert not any("A" in shot.people for shot in story.shots if shot.place == "Q")


@pytest.mark.parametrize("num_shots", [3, 4, 6])
def test_composable_people_meet_after_they_were_introduced_apart(num_shots: int) -> None:
    """Each of the two is seen alone first, and the last shot shows both."""
    for seed in SEEDS:
        story = tell_story(seed, pattern=Pattern.COMPOSABLE, telling=Telling(num_shots=num_shots))

        assert [shot.people for shot in story.shots[:2]] == [("A",), ("B",)]
        assert story.shots[-1].people == ("A", "B")
        assert len(story.shots) == num_shots


def test_all_patterns_are_told(stories: list[Story]) -> None:
    """Left to the seed, each pattern has a fair share."""
    shares = [sum(story.pattern is pattern for story in stories) for pattern in Pattern]

    assert min(shares) > len(stories) // 5


def test_equal_seeds_tell_equal_stories(stories: list[Story]) -> None:
    """A story is its seed; another seed, another story."""
    assert [tell_story(seed) for seed in SEEDS[:20]] == stories[:20]
    assert len({story.shots[0].caption for story in stories}) > 0.98 * len(stories)


def test_the_length_of_shots_changes_nothing_else() -> None:
    """A longer telling has the same people in the same places."""
    short, long = (tell_story(3, telling=Telling(num_frames=n)) for n in (5, 17))

    assert [shot.caption for shot in short.shots] == [shot.caption for shot in long.shots]
    assert short.people == long.people
    assert [shot.scene.num_frames for shot in short.shots] == [5] * 6


def test_held_out_stories_are_told_to_nobody_in_training(stories: list[Story]) -> None:
    """Held-out seeds begin behind every training seed, and tell other stories."""
    held_out = [tell_story(HELD_OUT + seed) for seed in SEEDS[:50]]

    def fingerprints(told: list[Story]) -> set[object]:
        return {tuple(shot.caption for shot in story.shots) for story in told} | {
            (person.look, story.places["P"].place)
            for story in told
            for person in story.people.values()
        }

    assert not fingerprints(held_out) & fingerprints(stories)


def test_what_is_not_named_varies() -> None:
    """Without a word about looks, people of one kind look different: nothing can be guessed."""
    stories = [tell_story(seed, telling=Telling(named_share=0.0)) for seed in SEEDS]
    women = [person for person in people_of(stories) if person.reference == "the same woman"]

    assert {person.phrase for person in women} <= {"a woman", "a young woman"}
    assert all(person.named <= {"accessories"} for person in women)
    for attribute in ("skin", "hair_style", "hair_colour", "top", "top_colour", "bottom"):
        assert len({getattr(person.look, attribute) for person in women}) >= 4, attribute


def test_words_do_not_choose_looks() -> None:
    """The main person of a seed is the same, described in full or not at all."""
    described, silent = (
        tell_story(5, pattern=Pattern.MAIN_SUBJECT, telling=Telling(named_share=share))
        for share in (1.0, 0.0)
    )

    assert described.people["A"].look == silent.people["A"].look
    assert len(described.people["A"].named) > len(silent.people["A"].named)


def test_people_keep_their_looks(stories: list[Story]) -> None:
    """In every scene somebody wears what the story says, and no scene holds anybody else."""
    for story in stories:
        for shot in story.shots:
            looks = {performer.name: performer.look for performer in shot.scene.performers}

            assert looks == {name: story.people[name].look for name in shot.people}
            assert shot.scene.place == story.places[shot.place].place


def test_one_shot_is_no_story() -> None:
    """Nothing returns in a story of one shot."""
    with pytest.raises(ValueError, match="num_shots must be at least 2, got 1"):
        tell_story(0, telling=Telling(num_shots=1))
