"""
What do gates say of takes whose faults are known? Of the same takes with every fault there is.

    takes of a story ─┬─ as they are ── good
                      ├─ with a fault ── bad
                      └─ held against strangers ── bad

What they are held against is what a production holds a take against.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from onestory.bench.cases import Case
from onestory.bench.faults import FRAME_FAULTS, Frames, with_other_hair
from onestory.continuity.content import CONTENT_GATES, Limit, Seen, content_results
from onestory.continuity.eyes import Eyes
from onestory.continuity.gates import judge
from onestory.continuity.likeness import frames_of
from onestory.continuity.measures import FrameMeasures, measure
from onestory.diffusion.codec import BlockCodec
from onestory.documents import Digest
from onestory.engines.recipe import EngineFingerprint, Recipe
from onestory.engines.take import Comparison, GateResult, Reference
from onestory.evaluation.coverage import FIRST_SLOT
from onestory.evaluation.footage import ShotTruth, coded, real_frames
from onestory.storyworld.stories import StoryShot

GOOD = ""
"""The fault of a take that has none."""
FEWEST_CELLS = 24
"""Cells of a frame that somebody covers who is to be seen in it."""
NO_LIMITS = {gate: Limit(least=-1e9, false_alarm=0.0, num_good=0) for gate in CONTENT_GATES}
"""Everything is measured, nothing decided."""

Say = Callable[[str], None]


class Asked(NamedTuple):
    """What one gate said of one take."""

    story: int
    take: int
    """Number of the take among all that were asked of."""
    gate: str
    fault: str
    value: float
    is_passed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """One take of a story."""

    shot: StoryShot
    visible: frozenset[str]
    """Who is really to be seen: some sit behind the back of a seat."""
    frames_THW3: Frames
    measures: FrameMeasures
    seen: Seen
    recipe: Recipe


def clips_of(case: Case, films: Sequence[Frames], eyes: Eyes, source: str) -> list[Clip]:
    """Measure and read all takes of a story."""
    return [
        _clip(case, number, frames_THW3, eyes, source) for number, frames_THW3 in enumerate(films)
    ]


def ask(
    stories: Sequence[tuple[Case, list[Clip]]],
    eyes: Eyes,
    *,
    codec: BlockCodec | None = None,
    say: Say,
) -> list[Asked]:
    """
    Ask all gates of all takes: as they are, and with every fault.

    Args:
        stories: With their takes; strangers are of the next one in the list.
        eyes: Who looks.
        codec: Of stories that are drawn; with it people are drawn with other hair, too.
        say: Tells a person how far it is.
    """
    found: list[Asked] = []
    take = 0
    for number, (case, clips) in enumerate(stories):
        other = stories[(number + 1) % len(stories)][1]
        for shot in range(len(clips)):
            for fault, results in _asked(case, clips, shot, other, eyes, codec):
                take += 1
                found += [
                    Asked(case.seed, take, one.gate, fault, one.value, bool(one.is_passed))
                    for one in results
                    if one.value is not None and one.is_passed is not None
                ]
        say(f"asked of story {number + 1} of {len(stories)}")
    return found


def _clip(case: Case, number: int, frames_THW3: Frames, eyes: Eyes, source: str) -> Clip:
    shot = case.story.shots[number]
    recipe = _recipe(case, shot, frames_THW3, source)
    numbers = frames_of(len(frames_THW3))
    seen = Seen(
        take=recipe.digest,
        slate=f"{case.seed}-sh{number + 1:03d}",
        names=shot.people,
        reading=eyes.read(numbers, frames_THW3[list(numbers)]),
        strip="",
    )
    return Clip(
        shot=shot,
        visible=_visible(case.truths[number], shot),
        frames_THW3=frames_THW3,
        measures=measure(frames_THW3),
        seen=seen,
        recipe=recipe,
    )


def _visible(truth: ShotTruth, shot: StoryShot) -> frozenset[str]:
    cells = {
        name: [one.cells_of(name, tuple(range(1, FIRST_SLOT))) for one in truth.seen]
        for name in shot.people
    }
    return frozenset(
        name for name, counts in cells.items() if sum(count >= FEWEST_CELLS for count in counts) > 1
    )


def _recipe(case: Case, shot: StoryShot, frames_THW3: Frames, source: str) -> Recipe:
    return Recipe(
        engine=EngineFingerprint(name=source, weights="none", config="none", recipe_version=1),
        caption=shot.caption,
        seed=case.seed,
        width=frames_THW3.shape[2],
        height=frames_THW3.shape[1],
        num_frames=len(frames_THW3),
        fps=str(shot.scene.fps),
    )


def _held_against(clips: Sequence[Clip], shot: int) -> tuple[Comparison, dict[Digest, Seen]]:
    """The comparison that a production makes: the first take that shows the same, and the last."""
    earlier, now = clips[:shot], clips[shot].shot
    people = {
        name: [clip.seen.take for clip in earlier if name in clip.visible]
        for name in sorted(clips[shot].visible)
    }
    place = [clip.seen.take for clip in earlier if clip.shot.place == now.place]
    alike = [clip for clip in earlier if _look(clip.shot) == _look(now)]
    comparison = Comparison(
        anchor=alike[0].seen.take if alike else None,
        people=tuple(
            Reference(name=name, takes=_ends(takes)) for name, takes in people.items() if takes
        ),
        place=_ends(place),
    )
    return comparison, {clip.seen.take: clip.seen for clip in earlier}


def _ends(takes: Sequence[Digest]) -> tuple[Digest, ...]:
    return tuple(dict.fromkeys([*takes[:1], *takes[-2:]]))


def _look(shot: StoryShot) -> tuple[object, ...]:
    return shot.place, shot.scene.light, shot.scene.weather, shot.scene.camera.framing


def _asked(
    case: Case,
    clips: Sequence[Clip],
    number: int,
    other: Sequence[Clip],
    eyes: Eyes,
    codec: BlockCodec | None,
) -> Iterator[tuple[str, Sequence[GateResult]]]:
    clip = clips[number]
    comparison, known = _held_against(clips, number)
    anchors = {one.seen.take: one.measures for one in clips}
    anchor = anchors[comparison.anchor] if comparison.anchor else None

    def results(
        taken: Clip,
        *,
        caption: str = clip.shot.caption,
        against: tuple[Comparison, Mapping[Digest, Seen]] = (comparison, known),
    ) -> tuple[GateResult, ...]:
        content = content_results(
            taken.seen,
            taken.measures,
            caption_D=eyes.captions([caption])[0],
            comparison=against[0],
            known=against[1],
            limits=NO_LIMITS,
        )
        return judge(taken.recipe, taken.measures, anchor=anchor, content=content).results

    def spoilt(frames_THW3: Frames) -> Clip:
        again = _clip(case, number, frames_THW3, eyes, clip.recipe.engine.name)
        # What was asked for stays as it was.
        return replace(again, recipe=clip.recipe)

    yield GOOD, results(clip)
    for name, fault in FRAME_FAULTS.items():
        yield name, results(spoilt(fault.put_into(clip.frames_THW3)))
    middle = len(clip.frames_THW3) // 2
    stranger = other[number % len(other)]
    torn = np.concatenate([clip.frames_THW3[:middle], stranger.frames_THW3[middle:]])
    yield "torn", results(spoilt(torn))
    strangers = _strangers(clip, other)
    if comparison.people and strangers is not None:
        yield "wrong person", _only(results(clip, against=strangers), "identity")
    elsewhere = _elsewhere(other)
    if comparison.place:
        yield "wrong place", _only(results(clip, against=elsewhere), "place")
    yield "wrong caption", _only(results(clip, caption=stranger.shot.caption), "caption")
    same = [
        one.shot.caption
        for one in clips
        if one.shot.people == clip.shot.people
        and one.shot.place == clip.shot.place
        and _actions(one.shot) != _actions(clip.shot)
    ]
    if same:
        yield "wrong action", _only(results(clip, caption=same[0]), "caption")
    returning = [reference.name for reference in comparison.people]
    if codec is not None and returning:
        scene = with_other_hair(clip.shot.scene, returning[0])
        drawn = coded(real_frames(scene), codec, clip.shot.scene)
        yield "other hair", _only(results(spoilt(drawn)), "identity")


def _actions(shot: StoryShot) -> tuple[object, ...]:
    return tuple(performer.action for performer in shot.scene.performers)


def _only(results: Sequence[GateResult], gate: str) -> list[GateResult]:
    """What else is asked of a take that is good, but for what it is held against, says nothing."""
    return [result for result in results if result.gate == gate]


def _strangers(
    clip: Clip, other: Sequence[Clip]
) -> tuple[Comparison, Mapping[Digest, Seen]] | None:
    """Takes of as many people of another story, under the names of this one's."""
    alone = {one.shot.people[0]: one.seen for one in reversed(other) if len(one.shot.people) == 1}
    if len(alone) < len(clip.shot.people):
        return None
    pairs = list(zip(clip.shot.people, alone.values(), strict=False))
    return (
        Comparison(people=tuple(Reference(name=name, takes=(seen.take,)) for name, seen in pairs)),
        {seen.take: seen.model_copy(update={"names": (name,)}) for name, seen in pairs},
    )


def _elsewhere(other: Sequence[Clip]) -> tuple[Comparison, Mapping[Digest, Seen]]:
    takes = [one.seen for one in other if one.shot.place == other[0].shot.place]
    return (
        Comparison(place=_ends([seen.take for seen in takes])),
        {seen.take: seen for seen in takes},
    )
