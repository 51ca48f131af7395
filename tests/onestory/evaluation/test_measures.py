"""Tests of the formulas, on readings that are made up."""

from collections.abc import Mapping
from dataclasses import replace
from math import log

import numpy as np
import pytest
import torch

from onestory.evaluation.coverage import COLUMNS, ROWS, Coverage
from onestory.evaluation.footage import ShotTruth
from onestory.evaluation.measures import (
    MOVES,
    Filmed,
    Item,
    Pair,
    assigned,
    background_consistency,
    bootstrap,
    by_gap,
    caption_agreement,
    character_pairs,
    consistency,
    dynamic_degree,
    environment_pairs,
    is_moving,
    kept_share,
    missing_share,
    named_accuracy,
    read_out,
    read_out_accuracy,
    recalled_accuracy,
    subject_consistency,
    wrong_character_pairs,
    wrong_environment_pairs,
)
from onestory.evaluation.reader import PersonReading, ShotReading
from onestory.storyworld.attributes import PERSON, SCENE, Attribute, person_values, scene_values
from onestory.storyworld.stories import Pattern, Story, StoryShot, tell_story
from onestory.storyworld.truth import Box

STORY = tell_story(11, pattern=Pattern.COMPOSABLE)
OTHER = tell_story(12, pattern=Pattern.COMPOSABLE)


def sure(
    attributes: tuple[Attribute, ...], values: Mapping[str, str | None]
) -> dict[str, dict[str, float]]:
    """Answer rightly, and be sure of it."""
    answers = {}
    for attribute in attributes:
        value = values[attribute.name]
        right = attribute.answers[0] if value is None else attribute.answer_of(value)
        answers[attribute.name] = {
            answer: log(0.9 if answer == right else 0.1 / len(attribute.answers))
            for answer in attribute.answers
        }
    return answers


def direction(*key: object, num: int = 3) -> torch.Tensor:
    """Make `num` equal embeddings, other ones for every key."""
    seed = sum(ord(letter) * (i + 1) for i, letter in enumerate(repr(key)))
    one_D = torch.randn(64, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(one_D, dim=0).expand(num, -1)


def person(story: Story, name: str, *, cells: float = 100.0) -> PersonReading:
    """Read somebody rightly."""
    return PersonReading(
        boxes={number: Box(left=0, top=0, right=8, bottom=8) for number in range(3)},
        owners=dict.fromkeys(range(3), 1),
        cells=cells,
        looks=sure(PERSON, person_values(story.people[name].look)),
        identity_FD=direction(story.seed, name),
    )


def reading(story: Story, shot: StoryShot, people: tuple[str, ...] | None = None) -> ShotReading:
    """Read a shot rightly, or with other people in it."""
    scene = shot.scene
    return ShotReading(
        frames=(0, 1, 2),
        people=tuple(person(story, name) for name in (shot.people if people is None else people)),
        scene=sure(SCENE, scene_values(scene.place, scene.light, scene.weather)),
        place_FD=direction(story.seed, "place", shot.place),
        picture_D=direction(shot.caption)[0],
        classes_Fhw=np.zeros((3, ROWS, COLUMNS), np.uint8),
        owners_Fhw=np.zeros((3, ROWS, COLUMNS), np.uint8),
        motion=(0.0, 2 * MOVES, 0.0, 0.0),
    )


def filmed(story: Story) -> Filmed:
    """Read a whole story rightly."""
    return Filmed(story=story, shots=tuple(reading(story, shot) for shot in story.shots))


def all_seen(story: Story) -> list[ShotTruth]:
    """Say that everybody and everything fills the picture."""

    class Everything(ShotTruth):
        def shows(self, attribute: Attribute, name: str | None = None) -> bool:
            return True

    return [Everything(seen=()) for _ in story.shots]


def test_a_reading_for_every_shot() -> None:
    """A film with a shot too few is refused."""
    with pytest.raises(ValueError, match="got 5 for 6"):
        Filmed(story=STORY, shots=filmed(STORY).shots[:5])


def test_people_are_found_whatever_their_order() -> None:
    """Who is who follows from looks, not from who was read first."""
    shot = next(shot for shot in STORY.shots if len(shot.people) == 2)
    for order in (("A", "B"), ("B", "A")):
        found = assigned(reading(STORY, shot, order), shot, STORY)
        assert found["A"].identity_FD.equal(direction(STORY.seed, "A"))
        assert found["B"].identity_FD.equal(direction(STORY.seed, "B"))


def test_one_person_cannot_be_two() -> None:
    """If two should be there and one is, it is the one who fits better; a stranger fits nobody."""
    shot = next(shot for shot in STORY.shots if len(shot.people) == 2)
    assert set(assigned(reading(STORY, shot, ("B",)), shot, STORY)) == {"B"}
    assert assigned(reading(STORY, shot, ()), shot, STORY) == {}
    alone = next(shot for shot in STORY.shots if shot.people == ("A",))
    found = assigned(reading(STORY, alone, ("B", "A")), alone, STORY)
    assert found["A"].identity_FD.equal(direction(STORY.seed, "A"))


def test_the_same_people_and_places_are_fully_alike() -> None:
    """A film that never changes anybody has consistency 1."""
    film = filmed(STORY)
    for pairs in (character_pairs(film), environment_pairs(film)):
        assert pairs
        assert consistency(pairs) == {STORY.seed: pytest.approx(1.0, abs=1e-5)}


def test_every_pair_of_shots_with_a_person_is_compared() -> None:
    """Somebody in n shots makes n(n-1)/2 pairs, with the shots between as their gap."""
    pairs = character_pairs(filmed(STORY))
    for name in STORY.people:
        there = [i for i, shot in enumerate(STORY.shots) if name in shot.people]
        mine = [pair for pair in pairs if pair.name == name]
        assert len(mine) == len(there) * (len(there) - 1) // 2
    assert all(pair.gap == pair.second - pair.first - 1 for pair in pairs)


def test_a_swapped_or_missing_person_costs_consistency() -> None:
    """A stranger in one shot lowers the score, and nobody at all counts as 0."""
    film = filmed(STORY)
    number = [i for i, shot in enumerate(STORY.shots) if "A" in shot.people][1]
    wrong = reading(OTHER, replace(STORY.shots[number], people=("A",)))
    nobody = reading(STORY, STORY.shots[number], ())
    whole = consistency(character_pairs(film))[STORY.seed]
    for shot in (wrong, nobody):
        shots = (*film.shots[:number], shot, *film.shots[number + 1 :])
        worse = character_pairs(Filmed(story=STORY, shots=shots))
        assert consistency(worse)[STORY.seed] < whole - 0.1
    gone = [pair.likeness for pair in worse if number in (pair.first, pair.second)]
    assert set(gone) == {0.0}


def test_people_and_places_count_alike_however_often_they_return() -> None:
    """Pairs are averaged within a person first."""
    pairs = [Pair(story=1, name="A", first=0, second=i, likeness=1.0) for i in (1, 2, 3)]
    pairs.append(Pair(story=1, name="B", first=0, second=4, likeness=0.0))
    assert consistency(pairs) == {1: 0.5}
    gaps = by_gap(pairs)
    assert list(gaps) == [0, 1, 2, 3]
    assert (gaps[0].share, gaps[3].share, gaps[3].count) == (1.0, 0.0, 1)


def test_wrong_pairs_are_from_two_stories() -> None:
    """The floor compares strangers, and needs two stories to do so."""
    films = [filmed(STORY), filmed(OTHER)]
    for pairs in (wrong_character_pairs(films), wrong_environment_pairs(films)):
        assert np.mean([pair.likeness for pair in pairs]) < 0.3
    with pytest.raises(ValueError, match="got 1"):
        wrong_character_pairs(films[:1])


def test_a_shot_agrees_with_its_own_caption() -> None:
    """Agreement is the cosine with the caption's embedding."""
    shot = STORY.shots[0]
    read = reading(STORY, shot)
    assert caption_agreement(read, direction(shot.caption)[0]) == pytest.approx(1.0, abs=1e-5)
    assert caption_agreement(read, -direction(shot.caption)[0]) == pytest.approx(-1.0, abs=1e-5)


def test_steadiness_is_that_of_vbench() -> None:
    """Each frame is compared with the one before and the first; negative cosines count as 0."""
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    shot = STORY.shots[0]
    read = replace(reading(STORY, shot), place_FD=torch.stack([one, other, one]))
    # Frame 2: 0 and 0. Frame 3: 0 against the one before, 1 against the first.
    assert background_consistency(read) == pytest.approx(0.25)
    read = replace(read, place_FD=torch.stack([one, -one]))
    assert background_consistency(read) == 0.0
    assert background_consistency(replace(read, place_FD=one[None])) is None
    assert subject_consistency(reading(STORY, shot, ())) is None
    assert subject_consistency(reading(STORY, shot, ("A",))) == pytest.approx(1.0, abs=1e-5)


def test_one_moving_pair_in_four_makes_a_moving_shot() -> None:
    """A quarter of the pairs must move."""
    still = replace(reading(STORY, STORY.shots[0]), motion=(0.0,) * 8)
    moving = replace(still, motion=(*(0.0,) * 6, 2 * MOVES, 2 * MOVES))
    hardly = replace(still, motion=(*(0.0,) * 7, 2 * MOVES))
    assert [is_moving(one) for one in (still, moving, hardly)] == [False, True, False]
    assert dynamic_degree([still, moving]) == 0.5


def test_a_right_film_is_read_as_right() -> None:
    """Whoever is as they should be is right in everything, and has kept everything."""
    items = read_out(filmed(STORY), all_seen(STORY))
    assert {share.share for share in read_out_accuracy(items).values()} == {1.0}
    assert named_accuracy(items).share == recalled_accuracy(items).share == 1.0
    assert kept_share(items).share == 1.0
    assert missing_share(items).share == 0.0
    assert {item.attribute for item in items} > {"hair style", "top colour", "place", "light"}


def test_named_and_unnamed_are_counted_apart() -> None:
    """What the first caption gives is named, in every shot; the rest can only be remembered."""
    items = read_out(filmed(STORY), all_seen(STORY))
    named = STORY.people["A"].named
    for item in items:
        if item.of == "A" and item.attribute in ("skin", "hair style", "top colour"):
            assert item.named is (item.attribute in named)
        if item.attribute in ("gender", "light", "place"):
            assert item.named
    first = next(i for i, shot in enumerate(STORY.shots) if "A" in shot.introduces)
    assert {item.returning for item in items if item.of == "A" and item.shot == first} == {False}
    assert all(item.kept is None for item in items if not item.returning)
    both = named_accuracy(items).count + len([item for item in items if not item.named])
    assert both == len(items)
    assert recalled_accuracy(items).count < len([item for item in items if item.returning])


def test_a_missing_person_is_wrong_in_everything() -> None:
    """Nobody in the picture is no way to avoid mistakes."""
    film = filmed(STORY)
    number = [i for i, shot in enumerate(STORY.shots) if "A" in shot.people][1]
    gone = reading(STORY, replace(STORY.shots[number], people=()))
    shots = (*film.shots[:number], gone, *film.shots[number + 1 :])
    items = read_out(Filmed(story=STORY, shots=shots), all_seen(STORY))
    lost = [item for item in items if item.shot == number and item.of == "A"]
    assert lost
    assert not any(item.right for item in lost)
    assert {item.read for item in lost} == {None}
    assert missing_share(items).share > 0


def test_what_is_not_seen_is_not_asked_for() -> None:
    """Without cells that show it, nothing of a person counts."""
    nothing = Coverage(
        classes_HW=np.zeros((ROWS, COLUMNS), np.uint8),
        owners_HW=np.zeros((ROWS, COLUMNS), np.uint8),
        people=(),
    )
    truths = [ShotTruth(seen=(nothing,)) for _ in STORY.shots]
    items = read_out(filmed(STORY), truths)
    assert {item.attribute for item in items} == {"place", "light", "weather"}


def test_an_interval_holds_its_mean_and_narrows() -> None:
    """More stories make a mean surer, and equal draws make equal intervals."""
    rng = np.random.default_rng(1)
    few, many = list(rng.random(16)), list(rng.random(256))
    narrow, wide = bootstrap(many), bootstrap(few)
    assert wide.low < wide.mean < wide.high
    assert narrow.high - narrow.low < 0.5 * (wide.high - wide.low)
    assert bootstrap(few) == wide
    with pytest.raises(ValueError, match="got 0"):
        bootstrap([])


def test_items_without_a_first_reading_have_nothing_to_keep() -> None:
    """Shares over nothing are not numbers, and say so."""
    item = Item(
        story=1,
        shot=0,
        of="A",
        attribute="top",
        named=False,
        returning=False,
        read="coat",
        right=True,
        kept=None,
    )
    assert kept_share([item]).count == 0
    assert np.isnan(kept_share([item]).share)


def test_a_changed_coat_is_neither_right_nor_kept() -> None:
    """Whoever returns in another colour has not kept it; what went before is untouched."""
    film = filmed(STORY)
    number = [i for i, shot in enumerate(STORY.shots) if "A" in shot.people][-1]
    was = STORY.people["A"].look.top_colour
    colour = "green" if was in ("red", "coral", "pink", "rust", "orange") else "red"
    people = tuple(
        replace(one, looks={**one.looks, "top colour": {**one.looks["top colour"], colour: 0.0}})
        if name == "A"
        else one
        for name, one in zip(STORY.shots[number].people, film.shots[number].people, strict=True)
    )
    shots = (*film.shots[:number], replace(film.shots[number], people=people))
    items = read_out(
        Filmed(story=STORY, shots=(*shots, *film.shots[number + 1 :])), all_seen(STORY)
    )
    wrong = [item for item in items if item.kept is False]
    assert [(item.of, item.attribute, item.shot) for item in wrong] == [("A", "top colour", number)]
    assert [item for item in items if not item.right] == wrong


def test_only_what_returns_unnamed_is_recalled() -> None:
    """What a first appearance leaves open is not asked of memory."""
    items = read_out(filmed(STORY), all_seen(STORY))
    unnamed = [item for item in items if not item.named]
    returning = [item for item in unnamed if item.returning]
    assert 0 < len(returning) < len(unnamed)
    assert recalled_accuracy(items).count == len(returning)
