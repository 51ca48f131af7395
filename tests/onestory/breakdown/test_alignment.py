"""A shot keeps its slate for life; a slate never names a second shot."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onestory.breakdown.alignment import align
from onestory.breakdown.slates import number_between, parts_of, provisional_slates
from onestory.screenplay.episode import Episode, Line, Shot

ACTIONS = st.lists(
    st.sampled_from(
        [
            "Mara walks down the long street.",
            "Tom opens a letter.",
            "Rain.",
            "They dance on the roof until dawn.",
            "A dog barks at the passing train.",
            "Mara walks down the long street again.",
        ]
    ),
    min_size=1,
    max_size=8,
)
NEW = "Zoë juggles quinces, vexing a quiz jury."


def episode(actions: list[str], *, scenes: list[int] | None = None) -> Episode:
    """An episode of one shot for every action, with provisional slates."""
    scenes = scenes or [1] * len(actions)
    slates = provisional_slates(scenes, [])
    return Episode(
        episode="e",
        title="E",
        shots=tuple(
            Shot(
                slate=slate,
                scene=scene,
                set_name="ROOM",
                framing="medium shot",
                move="static",
                action=action,
                caption=f"Medium shot: {action}",
                num_frames=48,
            )
            for slate, scene, action in zip(slates, scenes, actions, strict=True)
        ),
    )


def slates(of: Episode) -> list[str]:
    """The slates in story order."""
    return [shot.slate for shot in of.shots]


def by_action(of: Episode) -> list[tuple[str, str]]:
    """Action and slate of every shot."""
    return [(shot.action, shot.slate) for shot in of.shots]


@given(ACTIONS)
def test_nothing_changes_if_nothing_changed(actions: list[str]) -> None:
    """An unchanged script keeps every slate."""
    assert align(episode(actions), episode(actions)) == episode(actions)


@given(ACTIONS, st.integers(0, 8))
def test_an_inserted_shot_moves_nobody(actions: list[str], position: int) -> None:
    """Whatever is inserted wherever, all others keep their slates and it gets a new one."""
    position = min(position, len(actions))
    after = align(episode(actions), episode([*actions[:position], NEW, *actions[position:]]))

    others = [pair for pair in by_action(after) if pair[0] != NEW]
    assert others == by_action(episode(actions))
    assert slates(after) == sorted(set(slates(after)))


@given(ACTIONS, st.integers(0, 7))
def test_a_deleted_shot_moves_nobody(actions: list[str], position: int) -> None:
    """Deleting a shot leaves the others' slates as a part of what they were, in order."""
    position = min(position, len(actions) - 1)
    rest = actions[:position] + actions[position + 1 :]
    after = align(episode(actions), episode(rest)) if rest else episode([NEW])

    if rest:
        assert set(by_action(after)) <= set(by_action(episode(actions)))


@given(ACTIONS, ACTIONS, ACTIONS)
@settings(max_examples=150, deadline=None)
def test_slates_are_unique_sorted_and_never_reused(
    first: list[str], second: list[str], third: list[str]
) -> None:
    """Through any rewriting, slates rise, and a slate that was retired names no new shot."""
    one = episode(first)
    two = align(one, episode(second))
    retired = frozenset(slates(one)) - frozenset(slates(two))
    three = align(two, episode(third), retired=retired)

    for of in (two, three):
        numbers = [parts_of(slate).number for slate in slates(of)]
        assert numbers == sorted(set(numbers))
        assert slates(of) == sorted(slates(of))
    assert not retired & frozenset(slates(three))


def test_inserted_shots_get_letters() -> None:
    """After sh001 come A and B; before the first comes sh000A; at the end the next number."""
    before = episode(["Mara walks.", "Tom runs."])
    after = align(
        before, episode(["Fog.", "Mara walks.", "Snow!", "Drums 1234.", "Tom runs.", "Joy?"])
    )

    assert slates(after) == [
        "sc01-sh000A",
        "sc01-sh001",
        "sc01-sh001A",
        "sc01-sh001B",
        "sc01-sh002",
        "sc01-sh003",
    ]


def test_a_retired_letter_is_passed_over() -> None:
    """A slate that once named a deleted shot stays that shot's."""
    before = episode(["Mara walks.", "Tom runs."])
    today = episode(["Mara walks.", "Snow!", "Tom runs."])

    assert slates(align(before, today, retired=frozenset({"sc01-sh001A"})))[1] == "sc01-sh001B"


def test_an_edited_shot_keeps_its_slate_and_a_rewritten_one_does_not() -> None:
    """Half of the words make it the same shot; fewer make it a new one."""
    before = episode(["Mara walks down the street.", "Tom opens a letter.", "Rain falls."])
    after = align(
        before, episode(["Mara runs down the street.", "Someone juggles quinces.", "Rain falls."])
    )

    assert slates(after) == ["sc01-sh001", "sc01-sh001A", "sc01-sh003"]


def test_a_changed_word_of_dialogue_keeps_the_slate() -> None:
    """Shots that only speak are compared by their lines."""
    before, after = episode(["", ""]), episode(["", ""])
    lines = [
        ["I was too slow again.", "Goodbye."],
        ["New words entirely 123", "I was so slow again."],
    ]
    before, after = (
        of.model_copy(
            update={
                "shots": tuple(
                    shot.model_copy(update={"lines": (Line(character="M", text=text),)})
                    for shot, text in zip(of.shots, texts, strict=True)
                )
            }
        )
        for of, texts in zip((before, after), lines, strict=True)
    )

    assert slates(align(before, after)) == ["sc01-sh000A", "sc01-sh001"]


def test_of_two_shots_with_the_same_words_the_same_caption_is_meant() -> None:
    """If a line stands twice and one is deleted, the caption tells which one is left."""
    before = episode(["Rain.", "Rain."])
    first, second = before.shots
    second = second.model_copy(update={"caption": "Close-up: rain."})
    before = before.model_copy(update={"shots": (first, second)})
    left = before.model_copy(update={"shots": (second.model_copy(update={"slate": "sc01-sh001"}),)})

    assert slates(align(before, left)) == ["sc01-sh002"]


def test_a_new_scene_in_between_keeps_names_sortable() -> None:
    """Later scenes keep the numbers of their slates, and the new scene's sort before them."""
    before = episode(["Mara walks.", "Tom runs."], scenes=[1, 2])
    after = align(before, episode(["Mara walks.", "Snow!", "Tom runs."], scenes=[1, 2, 3]))

    assert slates(after) == ["sc01-sh001", "sc02-sh001A", "sc02-sh002"]
    assert [shot.scene for shot in after.shots] == [1, 2, 3]


@pytest.mark.parametrize(
    ("before", "after", "number"),
    [
        ("005", "006", "005A"),
        ("005A", "006", "005B"),
        ("005Z", "006", "005ZA"),
        ("005A", "005B", "005AA"),
        ("005", "005A", "005.A"),
        ("000", "001", "000A"),
    ],
)
def test_numbers_between(before: str, after: str, number: str) -> None:
    """There is always a number between two others, and it sorts between them."""
    assert number_between(before, after, set()) == number
    assert before < number < after
