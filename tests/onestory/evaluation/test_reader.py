"""Tests of the shipped encoders, on held-out stories."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from onestory.errors import WeightsError
from onestory.evaluation.coverage import HEIGHT, WIDTH
from onestory.evaluation.footage import ShotTruth, noise_frames, real_frames, truth_of
from onestory.evaluation.measures import (
    Filmed,
    caption_agreement,
    character_pairs,
    consistency,
    environment_pairs,
    missing_share,
    read_out,
    read_out_accuracy,
    wrong_character_pairs,
    wrong_environment_pairs,
)
from onestory.evaluation.reader import (
    WEIGHTS,
    Reader,
    frames_of,
    motion_of,
    shared_reader,
)
from onestory.storyworld.attributes import PERSON, SCENE, SURE
from onestory.storyworld.stories import HELD_OUT, Story, tell_story

STORIES = [tell_story(HELD_OUT + 4_000_000 + number) for number in range(6)]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Leave the other cores to others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def footage() -> dict[int, list[np.ndarray]]:
    """Draw the stories."""
    return {story.seed: [real_frames(shot.scene) for shot in story.shots] for story in STORIES}


@pytest.fixture(scope="module")
def films(footage: dict[int, list[np.ndarray]]) -> list[Filmed]:
    """Read the stories."""
    return [
        Filmed(story=story, shots=tuple(shared_reader().read_shots(footage[story.seed])))
        for story in STORIES
    ]


@pytest.fixture(scope="module")
def truths() -> dict[int, list[ShotTruth]]:
    """Find out what can be seen."""
    return {story.seed: [truth_of(shot.scene) for shot in story.shots] for story in STORIES}


def mean(pairs: list) -> float:
    """Average stories."""
    return float(np.mean(list(consistency(pairs).values())))


def test_weights_are_small_and_those_of_the_encoders() -> None:
    """What is shipped weighs a few megabytes; other files are refused."""
    assert WEIGHTS.stat().st_size < 9_000_000
    with pytest.raises(WeightsError, match="no weights"):
        Reader(Path("nowhere.safetensors"))


def test_frames_that_are_read_are_spread_evenly() -> None:
    """Long shots are sampled, short ones read whole."""
    assert frames_of(3) == (0, 1, 2)
    assert frames_of(17) == (1, 5, 8, 11, 15)
    assert frames_of(1000, most=2) == (250, 750)


def test_motion_is_that_of_the_strongest_changes() -> None:
    """A still shot does not move, a jumping square does, by its contrast."""
    frames = np.zeros((3, HEIGHT, WIDTH, 3), np.uint8)
    frames[1:, 40:140, 20:100] = 100
    assert motion_of(frames) == pytest.approx((100.0, 0.0), abs=0.1)


def test_what_is_no_shot_is_refused() -> None:
    """Floats, pictures and shots without frames are none."""
    reader = shared_reader()
    with pytest.raises(ValueError, match="T H W 3"):
        reader.read_shot(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(ValueError, match="T > 0"):
        reader.read_shot(np.zeros((0, HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        reader.read_shot(np.zeros((1, HEIGHT, WIDTH, 3)))  # type: ignore[arg-type]


def test_real_shots_are_read_right(films: list[Filmed], truths: dict[int, list[ShotTruth]]) -> None:
    """Colours of people are read as they are, and nobody is overlooked."""
    items = [item for film in films for item in read_out(film, truths[film.story.seed])]
    sure = [item for item in items if item.attribute in SURE]
    assert len(sure) > 80
    assert np.mean([item.right for item in sure]) >= 0.95
    assert missing_share(items).share < 0.02


@pytest.mark.parametrize(
    ("attribute", "least"), [("light", 0.85), ("place", 0.85), ("hair style", 0.7)]
)
def test_the_rest_is_read_better_than_by_chance(
    films: list[Filmed], truths: dict[int, list[ShotTruth]], attribute: str, least: float
) -> None:
    """What is not sure is still far from a guess."""
    items = [item for film in films for item in read_out(film, truths[film.story.seed])]
    assert read_out_accuracy(items)[attribute].share >= least


def test_noise_is_read_by_chance(films: list[Filmed], truths: dict[int, list[ShotTruth]]) -> None:
    """Of a shot of nothing the same is read in every story: right as often as a guess is."""
    reader = shared_reader()
    noise = reader.read_shots([noise_frames(5, number) for number in range(6)])
    nothing = [Filmed(story=story, shots=tuple(noise)) for story in STORIES]
    many = {one.name for one in (*PERSON, *SCENE) if len(one.answers) >= 10}

    def right(shown: list[Filmed]) -> list[bool]:
        items = [item for film in shown for item in read_out(film, truths[film.story.seed])]
        return [item.right for item in items if item.attribute in many]

    assert len(right(nothing)) > 100
    assert np.mean(right(nothing)) < 0.25
    assert np.mean(right(films)) > 0.85


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_empty_picture_has_nobody_in_it(grey: int) -> None:
    """A shot without people is read like any other, and everything but people is there."""
    reading = shared_reader().read_shot(np.full((3, 288, 160, 3), grey, np.uint8))

    assert reading.people == ()
    assert reading.place_FD.shape == (3, 64)
    assert np.isfinite(reading.picture_D.numpy()).all()


def test_people_and_places_are_known_again(films: list[Filmed]) -> None:
    """The same person and place are much more alike than others."""
    same, other = [], []
    for film in films:
        same += character_pairs(film)
    other = wrong_character_pairs(films)
    assert mean(same) > mean(other) + 0.3
    places = [pair for film in films for pair in environment_pairs(film)]
    assert mean(places) > mean(wrong_environment_pairs(films)) + 0.3


def test_a_swapped_person_is_noticed(
    films: list[Filmed], footage: dict[int, list[np.ndarray]]
) -> None:
    """The same shot with somebody else in it is less consistent with the others."""
    story = next(story for story in STORIES if len(story.people) == 2)
    film = next(film for film in films if film.story is story)
    number = next(i for i, shot in enumerate(story.shots) if i and shot.people == ("A",))
    scene = story.shots[number].scene
    stranger = story.people["B"].look
    performers = tuple(replace(one, look=stranger) for one in scene.performers)
    swapped = real_frames(replace(scene, performers=performers))
    shots = list(film.shots)
    shots[number] = shared_reader().read_shot(swapped)
    worse = Filmed(story=story, shots=tuple(shots))

    def of(film: Filmed) -> float:
        return float(
            np.mean(
                [
                    pair.likeness
                    for pair in character_pairs(film)
                    if pair.name == "A" and number in (pair.first, pair.second)
                ]
            )
        )

    assert of(worse) < of(film) - 0.2


def test_the_same_shot_is_the_same_in_any_company(
    films: list[Filmed], footage: dict[int, list[np.ndarray]]
) -> None:
    """Reading a shot alone or among others gives the same."""
    story = STORIES[1]
    alone = shared_reader().read_shot(footage[story.seed][2])
    among = next(film for film in films if film.story is story).shots[2]
    assert torch.allclose(alone.place_FD, among.place_FD, atol=1e-4)
    assert torch.allclose(alone.place, among.place, atol=1e-4)
    assert np.mean(alone.classes_Fhw == among.classes_Fhw) > 0.999
    assert [one.answer("top colour") for one in alone.people] == [
        one.answer("top colour") for one in among.people
    ]


def test_a_larger_picture_is_read_alike(footage: dict[int, list[np.ndarray]]) -> None:
    """Frames of twice the size are read as if they were not."""
    frames = footage[STORIES[0].seed][0]
    large = frames.repeat(2, axis=1).repeat(2, axis=2)
    one, two = shared_reader().read_shots([frames, large])
    assert one.answer("place") == two.answer("place")
    assert float(one.place @ two.place) > 0.95


def test_captions_fit_their_own_shots_best(films: list[Filmed]) -> None:
    """A shot agrees more with its caption than with those of other stories."""
    reader = shared_reader()

    def agreement(told: list[Story]) -> float:
        values = []
        for film, story in zip(films, told, strict=True):
            captions = reader.read_captions([shot.caption for shot in story.shots])
            values += [caption_agreement(*pair) for pair in zip(film.shots, captions, strict=True)]
        return float(np.mean(values))

    assert agreement(STORIES) > agreement([*STORIES[1:], STORIES[0]]) + 0.2
