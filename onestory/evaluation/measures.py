"""
How well does a film remember? Formulas over readings of shots, and over what is true of them.

    character    mean over people, over pairs of their shots, of
                 cos(mean_f identity(a, f), mean_f identity(b, f))                    [-1, 1]
    environment  the same over places, by embeddings of frames without their people   [-1, 1]
    caption      mean over shots of cos(picture, caption)                             [-1, 1]
    subject      mean over frames t >= 2 of (max(0, cos(t, t-1)) + max(0, cos(t, 1))) / 2,
                 identity of the largest person                                       [0, 1]
    background   the same over the places of the frames                               [0, 1]
    dynamic      share of shots in which something moves                              [0, 1]
    read-out     share of attributes that were read right, or as at the first appearance

Character, environment and caption are the OneStory paper's (arXiv:2512.07802, section 5), subject,
background and dynamic VBench's, all with this project's encoders in place of DINOv2, ViCLIP and
RAFT: numbers of two such sets cannot be compared. Means are over shots, pairs and attributes
within a story first, and over stories then.

Which person of a reading is which of the story is not told by the picture: whoever fits their
true look best is taken to be them. A person who is in the story but not in the picture counts as
wrong, and as unlike (0) in every pair.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, permutations

import numpy as np
import torch

from onestory.evaluation.footage import ShotTruth
from onestory.evaluation.reader import PersonReading, ShotReading
from onestory.storyworld.attributes import PERSON, SCENE, Attribute, person_values, scene_values
from onestory.storyworld.look import Look
from onestory.storyworld.stories import Story, StoryShot

MOVES = 16.0
"""Change of a pair of frames from which on something moves, in grey levels, see `motion_of`.

In real shots whoever sleeps, reads or stands stays below, whoever waves or walks is far above."""
MOVING_PAIRS = 0.25
"""Share of moving pairs that makes a shot a moving one: VBench's 4 of 16."""

ALWAYS_NAMED = frozenset({"age", "gender", "light", "weather"})
"""What every first caption says by its words for a person, and every caption by its head."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filmed:
    """A story and the readings of its shots, in order."""

    story: Story
    shots: tuple[ShotReading, ...]

    def __post_init__(self) -> None:
        if len(self.shots) != len(self.story.shots):
            raise ValueError(
                f"a reading is needed for every shot, got {len(self.shots)} for "
                f"{len(self.story.shots)}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """How alike somebody or some place is in two shots."""

    story: int
    """Seed of the story."""
    name: str
    first: int
    second: int
    likeness: float

    @property
    def gap(self) -> int:
        """Shots between the two."""
        return self.second - self.first - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One attribute of one person or place, as it was read in one shot."""

    story: int
    shot: int
    of: str
    """Name of the person or place."""
    attribute: str
    named: bool
    """Whether the caption of the first appearance gives it."""
    returning: bool
    """Whether this is not the first appearance."""
    read: str | None
    """The answer; None if the person is missing."""
    right: bool
    """Whether it agrees with the truth."""
    kept: bool | None
    """Whether it is what was read at the first appearance; None if there is nothing to keep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """How often something is so."""

    share: float
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean with its bootstrap interval."""

    mean: float
    low: float
    high: float


def cosine(one_D: torch.Tensor, other_D: torch.Tensor) -> float:
    """Compute the cosine of two embeddings, in [-1, 1]; 0 if one has no length."""
    return float(torch.nn.functional.cosine_similarity(one_D, other_D, dim=0, eps=1e-6))


# ── who is who ────────────────────────────────────────────────────────────


def assigned(reading: ShotReading, shot: StoryShot, story: Story) -> dict[str, PersonReading]:
    """
    Say which person of a reading is which of the story, by the best fit to their true looks.

    Returns:
        A person of the reading for everybody who was found; nobody twice.
    """
    names = list(shot.people)
    if not names or not reading.people:
        return {}
    fits = {
        (name, number): fit(person, story.people[name].look)
        for name in names
        for number, person in enumerate(reading.people)
    }
    few, many = sorted((len(names), len(reading.people)))
    orders = (
        (tuple(zip(chosen, range(few), strict=True)) for chosen in permutations(names, few))
        if len(names) == many
        else (tuple(zip(names, chosen, strict=True)) for chosen in permutations(range(many), few))
    )
    best = max(orders, key=lambda order: sum(fits[pair] for pair in order))
    return {name: reading.people[number] for name, number in best}


def fit(person: PersonReading, look: Look) -> float:
    """Say how well a look fits: mean log-probability of the true answers, 0 at most."""
    values = person_values(look)
    told = [
        person.looks[attribute.name][attribute.answer_of(value)]
        for attribute in PERSON
        if (value := values[attribute.name]) is not None
    ]
    return float(np.mean(told))


# ── likeness across shots ─────────────────────────────────────────────────


def character_pairs(filmed: Filmed) -> list[Pair]:
    """Compare everybody's shots with each other."""
    found = [
        assigned(reading, shot, filmed.story)
        for reading, shot in zip(filmed.shots, filmed.story.shots, strict=True)
    ]
    return [
        Pair(
            story=filmed.story.seed,
            name=name,
            first=a,
            second=b,
            likeness=cosine(found[a][name].identity, found[b][name].identity)
            if name in found[a] and name in found[b]
            else 0.0,
        )
        for name in filmed.story.people
        for a, b in combinations(_shots_with(filmed.story, name), 2)
    ]


def environment_pairs(filmed: Filmed) -> list[Pair]:
    """Compare every place's shots with each other, people left out."""
    return [
        Pair(
            story=filmed.story.seed,
            name=name,
            first=a,
            second=b,
            likeness=cosine(filmed.shots[a].place, filmed.shots[b].place),
        )
        for name in filmed.story.places
        for a, b in combinations(
            [number for number, shot in enumerate(filmed.story.shots) if shot.place == name], 2
        )
    ]


def wrong_character_pairs(films: Sequence[Filmed]) -> list[Pair]:
    """Compare everybody with people of the next story: what no likeness at all amounts to."""
    pairs = []
    for one, other in _neighbours(films):
        for a, b in zip(_people(one), _people(other), strict=False):
            likeness = cosine(a[2].identity, b[2].identity)
            pairs.append(_wrong(one, a[0], a[1], b[1], likeness))
    return pairs


def wrong_environment_pairs(films: Sequence[Filmed]) -> list[Pair]:
    """Compare places with those of the next story: what no likeness at all amounts to."""
    pairs = []
    for one, other in _neighbours(films):
        for number, (a, b) in enumerate(zip(one.shots, other.shots, strict=False)):
            name = one.story.shots[number].place
            pairs.append(_wrong(one, name, number, number, cosine(a.place, b.place)))
    return pairs


def consistency(pairs: Iterable[Pair]) -> dict[int, float]:
    """
    Average pairs.

    Returns:
        For every story with pairs: mean over its people or places of the mean over their pairs.
    """
    grouped: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        grouped[pair.story][pair.name].append(pair.likeness)
    return {
        story: float(np.mean([np.mean(values) for values in names.values()]))
        for story, names in grouped.items()
    }


def by_gap(pairs: Iterable[Pair]) -> dict[int, Share]:
    """Average pairs by how many shots lie between."""
    grouped: dict[int, list[float]] = defaultdict(list)
    for pair in pairs:
        grouped[pair.gap].append(pair.likeness)
    return {
        gap: Share(share=float(np.mean(values)), count=len(values))
        for gap, values in sorted(grouped.items())
    }


# ── one shot ──────────────────────────────────────────────────────────────


def caption_agreement(reading: ShotReading, caption_D: torch.Tensor) -> float:
    """Compare a shot with a caption that `Reader.read_captions` read: [-1, 1]."""
    return cosine(reading.picture_D, caption_D)


def subject_consistency(reading: ShotReading) -> float | None:
    """Compare the largest person from frame to frame: [0, 1], None if seen in fewer than two."""
    return _steadiness(reading.people[0].identity_FD) if reading.people else None


def background_consistency(reading: ShotReading) -> float | None:
    """Compare the place from frame to frame: [0, 1], None for a single frame."""
    return _steadiness(reading.place_FD)


def is_moving(reading: ShotReading) -> bool:
    """Say whether something moves in a shot."""
    moving = sum(change > MOVES for change in reading.motion)
    return moving >= max(1, round(MOVING_PAIRS * len(reading.motion)))


def dynamic_degree(readings: Sequence[ShotReading]) -> float:
    """Say in which share of shots something moves: [0, 1]."""
    return float(np.mean([is_moving(reading) for reading in readings]))


def _steadiness(embedding_FD: torch.Tensor) -> float | None:
    if len(embedding_FD) < 2:
        return None
    values = [
        (max(0.0, cosine(now_D, before_D)) + max(0.0, cosine(now_D, embedding_FD[0]))) / 2
        for before_D, now_D in pairwise(embedding_FD)
    ]
    return float(np.mean(values))


# ── read-out ──────────────────────────────────────────────────────────────


def read_out(filmed: Filmed, truths: Sequence[ShotTruth]) -> list[Item]:
    """
    Compare everything that can be read off a story's shots with what it should be.

    Args:
        filmed: The story and its readings.
        truths: Of every shot, what its real frames show: only that is asked for.

    Returns:
        One item for every attribute that can be seen of somebody or some place in a shot.
    """
    items: list[Item] = []
    first: dict[tuple[str, str], str | None] = {}

    def add(
        number: int,
        name: str,
        attribute: Attribute,
        value: str,
        named: bool,
        answers: Mapping[str, float] | None,
    ) -> None:
        read = None if answers is None else max(answers, key=lambda answer: answers[answer])
        key = (name, attribute.name)
        returning = name not in filmed.story.shots[number].introduces
        kept = read is not None and read == first[key] if returning and key in first else None
        if not returning:
            first[key] = read
        items.append(
            Item(
                story=filmed.story.seed,
                shot=number,
                of=name,
                attribute=attribute.name,
                named=named or attribute.name in ALWAYS_NAMED,
                returning=returning,
                read=read,
                right=read is not None and read in attribute.accepted(value),
                kept=kept,
            )
        )

    story = filmed.story
    for number, (reading, shot, truth) in enumerate(
        zip(filmed.shots, story.shots, truths, strict=True)
    ):
        scene = shot.scene
        values = scene_values(scene.place, scene.light, scene.weather)
        for attribute in SCENE:
            value = values[attribute.name]
            if value is not None and truth.shows(attribute):
                named = attribute.told in story.places[shot.place].named
                told = reading.scene[attribute.name]
                add(number, shot.place, attribute, value, named, told)
        found = assigned(reading, shot, story)
        for name in shot.people:
            person = story.people[name]
            values = person_values(person.look)
            for attribute in PERSON:
                value = values[attribute.name]
                if value is not None and truth.shows(attribute, name):
                    named = attribute.told in person.named
                    read = found[name].looks[attribute.name] if name in found else None
                    add(number, name, attribute, value, named, read)
    return items


def read_out_accuracy(items: Iterable[Item]) -> dict[str, Share]:
    """Say how often every attribute was read right."""
    grouped: dict[str, list[bool]] = defaultdict(list)
    for item in items:
        grouped[item.attribute].append(item.right)
    return {name: _share(values) for name, values in grouped.items()}


def named_accuracy(items: Iterable[Item]) -> Share:
    """Say how often what captions name is right, in every shot."""
    return _share([item.right for item in items if item.named])


def recalled_accuracy(items: Iterable[Item]) -> Share:
    """
    Say how often what no caption names is right, on people and places that return.

    Only a memory that was given the true first appearance can know this; for a film that chose
    it itself, ask `kept_share`.
    """
    return _share([item.right for item in items if item.returning and not item.named])


def kept_share(items: Iterable[Item], *, named: bool | None = None) -> Share:
    """
    Say how often whoever returns is read as at the first appearance.

    Args:
        items: Of any number of stories.
        named: Only what captions name, or only what they do not; None for both.
    """
    return _share(
        [
            item.kept
            for item in items
            if item.kept is not None and (named is None or item.named is named)
        ]
    )


def missing_share(items: Iterable[Item]) -> Share:
    """Say how often a person is not there at all: over all that was asked of people."""
    names = {attribute.name for attribute in PERSON}
    return _share([item.read is None for item in items if item.attribute in names])


def bootstrap(
    values: Sequence[float], *, seed: int = 0, draws: int = 2000, level: float = 0.95
) -> Interval:
    """
    Say how sure a mean over stories is.

    Args:
        values: One a story.
        seed: Of the draws.
        draws: How many.
        level: Of the interval.

    Returns:
        The mean, and percentiles of means of as many values drawn with replacement.

    Raises:
        ValueError: If there is no value.
    """
    if not values:
        raise ValueError("an interval needs at least 1 value, got 0")
    array = np.asarray(values, float)
    rng = np.random.default_rng(seed)
    means = array[rng.integers(0, len(array), (draws, len(array)))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mean=float(array.mean()), low=float(low), high=float(high))


def _share(values: Sequence[bool]) -> Share:
    return Share(share=float(np.mean(values)) if values else float("nan"), count=len(values))


def _shots_with(story: Story, name: str) -> list[int]:
    return [number for number, shot in enumerate(story.shots) if name in shot.people]


def _neighbours(films: Sequence[Filmed]) -> list[tuple[Filmed, Filmed]]:
    if len(films) < 2:
        raise ValueError(f"wrong pairs need at least 2 stories, got {len(films)}")
    return list(zip(films, [*films[1:], films[0]], strict=True))


def _people(filmed: Filmed) -> list[tuple[str, int, PersonReading]]:
    found = []
    for number, (reading, shot) in enumerate(zip(filmed.shots, filmed.story.shots, strict=True)):
        for name, person in assigned(reading, shot, filmed.story).items():
            found.append((name, number, person))
    return found


def _wrong(filmed: Filmed, name: str, first: int, second: int, likeness: float) -> Pair:
    return Pair(story=filmed.story.seed, name=name, first=first, second=second, likeness=likeness)
