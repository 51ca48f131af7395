"""
How well do gates tell good takes from bad ones? Takes whose faults are known are asked.

    stories ─┬─ drawn, through the codec ─┐          ┌─ as they are ── good
             └─ filmed by pocket ─────────┴── takes ─┼─ with a fault ── bad
                                                     └─ held against strangers ── bad
    first half of the stories ── limits at a false-alarm rate
    second half, other people, other places ── recall, precision, ROC

Nobody and no place of these stories was ever seen by eyes or engine in training.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from onestory.bench.cases import Case
from onestory.bench.faults import FRAME_FAULTS, Frames, with_other_hair
from onestory.continuity.content import (
    CONTENT_GATES,
    Limit,
    Seen,
    content_results,
)
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
ANY = "any"
"""The verdict as a whole: whether some gate says NG."""
FALSE_ALARM = 0.05
"""Share of good takes that a gate may call NG."""
LEAST_RECALL = 0.3
"""Share of the bad takes, of one fault at least, that a gate must find to be worth its retakes."""
FEWEST_CELLS = 24
"""Cells of a frame that somebody covers who is to be seen in it."""
NO_LIMITS = {gate: Limit(least=-1e9, false_alarm=0.0, num_good=0) for gate in CONTENT_GATES}
"""Everything is measured, nothing decided."""
WORDED_OTHERWISE = frozenset({"caption"})
"""Gates that hang on how stories are worded. Scripts are worded otherwise: a quarter of the shots
of four scripts were called NG for their captions, and a retake rescued one of 22."""
MEANT: Mapping[str, tuple[str, ...]] = {
    "wrong person": ("identity",),
    "other hair": ("identity",),
    "wrong place": ("place",),
    "wrong caption": ("caption",),
    "wrong action": ("caption",),
    "black": ("black",),
    "frozen": ("frozen", "motion"),
    "flicker": ("flicker",),
    "colour cast": ("colour drift", "identity", "place"),
    "soft": ("sharpness",),
    "cut-off figure": ("identity",),
    "torn": ("background", "subject"),
}
"""By fault: the gates that should find it, first the one that answers for it."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What came of the takes of one source."""

    limits: Mapping[str, Limit]
    """Of the content gates, by the first half of the stories."""
    asked: Sequence[Asked]
    """Of the second half."""


def examine(
    cases: Sequence[Case],
    films_of: Callable[[Case], Sequence[Frames]],
    eyes: Eyes,
    source: str,
    *,
    codec: BlockCodec | None = None,
    say: Say,
) -> Found:
    """
    Draw limits by half of the stories, and ask of the other half.

    Args:
        cases: The stories, at least four.
        films_of: Gives the takes of one.
        eyes: Who looks.
        source: What the takes are, in a word.
        codec: See `ask`.
        say: Tells a person how far it is.

    Raises:
        ValueError: If there are fewer stories.
    """
    if len(cases) < 4:
        raise ValueError(f"two halves need two stories each, got {len(cases)}")
    half = len(cases) // 2
    first, second = (
        ask(
            [(case, clips_of(case, films_of(case), eyes, source)) for case in part],
            eyes,
            codec=codec,
            say=lambda line: say(f"{source}: {line}"),
        )
        for part in (cases[:half], cases[half:])
    )
    return Found(limits=limits_of(first), asked=second)


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


def limits_of(asked: Iterable[Asked], *, false_alarm: float = FALSE_ALARM) -> dict[str, Limit]:
    """
    Draw the limits of the content gates.

    Args:
        asked: Of good takes; others are left out.
        false_alarm: Share of them that may lie under a limit.

    Returns:
        By gate; a gate that was never asked has none.
    """
    values: dict[str, list[float]] = defaultdict(list)
    for one in asked:
        if one.fault == GOOD and one.gate in CONTENT_GATES:
            values[one.gate].append(one.value)
    limits = {}
    for gate, good in values.items():
        least = float(np.quantile(good, false_alarm, method="lower"))
        under = float(np.mean([value < least for value in good]))
        limits[gate] = Limit(least=round(least, 4), false_alarm=round(under, 4), num_good=len(good))
    return limits


def worth_asking(found: Found, source: str) -> dict[str, Limit]:
    """
    Leave out the limits of gates that add nothing with the takes of a source.

    Every gate calls `FALSE_ALARM` of good takes NG. One that misses most of the bad takes of every
    fault it answers for, or that answers for none, would cost retakes and rescue no shot; so would
    one that is `WORDED_OTHERWISE`.
    """
    finders = {
        row["gate"]
        for row in told_apart(found.asked, found.limits, source)
        if row["gate"] == MEANT[row["fault"]][0] and row["recall"] >= LEAST_RECALL
    }
    asked = finders - WORDED_OTHERWISE
    return {gate: limit for gate, limit in found.limits.items() if gate in asked}


def told_apart(
    asked: Sequence[Asked], limits: Mapping[str, Limit], source: str
) -> list[dict[str, Any]]:
    """
    Say how well every gate finds the faults that it is meant for.

    Args:
        asked: Of stories by which no limit was drawn.
        limits: Of the content gates.
        source: What the takes are, in a word.

    Returns:
        One row for a gate and a fault: `recall` of bad takes, `false_alarm` among good ones,
        `precision` if there are as many of both, how many there were, and of the ROC curve (None
        for gates that answer by yes or no) the `area` and `recall_at`, the recall where it has
        `FALSE_ALARM`, wherever the limit is.
    """
    rows = []
    for fault, gates in MEANT.items():
        for gate in (*gates, ANY):
            good, bad = (_answers(asked, gate, one, limits) for one in (GOOD, fault))
            if not good or not bad:
                continue
            false_alarm = float(np.mean([ng for _, ng in good]))
            recall = float(np.mean([ng for _, ng in bad]))
            called = recall + false_alarm
            rows.append(
                {
                    "source": source,
                    "gate": gate,
                    "fault": fault,
                    "recall": round(recall, 4),
                    "false_alarm": round(false_alarm, 4),
                    "precision": round(recall / called, 4) if called else None,
                    "area": _area(good, bad) if gate in CONTENT_GATES else None,
                    "recall_at": _recall_at(good, bad) if gate in CONTENT_GATES else None,
                    "good": len(good),
                    "bad": len(bad),
                }
            )
    return rows


def curves_of(asked: Sequence[Asked]) -> dict[str, tuple[list[float], list[float]]]:
    """
    Draw the ROC curves of the content gates.

    Returns:
        By gate and fault: false alarms and recall, from the strictest limit to the most lenient.
    """
    curves = {}
    for fault, gates in MEANT.items():
        for gate in set(gates) & set(CONTENT_GATES):
            good, bad = (
                np.sort([one.value for one in asked if (one.gate, one.fault) == (gate, what)])
                for what in (GOOD, fault)
            )
            if good.size and bad.size:
                cuts = np.unique(np.concatenate([good, bad]))
                curves[f"{gate}: {fault}"] = (
                    [0.0, *(np.searchsorted(good, cuts, "right") / good.size).tolist()],
                    [0.0, *(np.searchsorted(bad, cuts, "right") / bad.size).tolist()],
                )
    return curves


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


def _answers(
    asked: Sequence[Asked], gate: str, fault: str, limits: Mapping[str, Limit]
) -> list[tuple[float, bool]]:
    """Value, and whether it is NG, of every take that a gate was asked of."""
    if gate == ANY:
        return _verdicts(asked, fault, limits)
    return [
        (one.value, _is_ng(one, limits)) for one in asked if (one.gate, one.fault) == (gate, fault)
    ]


def _verdicts(
    asked: Sequence[Asked], fault: str, limits: Mapping[str, Limit]
) -> list[tuple[float, bool]]:
    verdicts: dict[int, bool] = {}
    for one in asked:
        if one.fault == fault:
            verdicts[one.take] = verdicts.get(one.take, False) or _is_ng(one, limits)
    return [(0.0, is_ng) for is_ng in verdicts.values()]


def _is_ng(one: Asked, limits: Mapping[str, Limit]) -> bool:
    if one.gate in CONTENT_GATES:
        return one.gate in limits and one.value < limits[one.gate].least
    return not one.is_passed


def _recall_at(good: Sequence[tuple[float, bool]], bad: Sequence[tuple[float, bool]]) -> float:
    least = np.quantile([value for value, _ in good], FALSE_ALARM, method="lower")
    return round(float(np.mean([value < least for value, _ in bad])), 4)


def _area(good: Sequence[tuple[float, bool]], bad: Sequence[tuple[float, bool]]) -> float:
    """How likely a good take has a larger value than a bad one (Mann and Whitney), [0, 1]."""
    values_G = np.array([value for value, _ in good])
    values_B = np.array([value for value, _ in bad])
    above = (values_G[:, None] > values_B[None]).mean()
    equal = (values_G[:, None] == values_B[None]).mean()
    return round(float(above + equal / 2), 4)
