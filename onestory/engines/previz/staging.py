"""
Which one action, emotion and prop does each performer get, out of all that the caption tells?

    deeds ── the strongest of each person ── Performer
             (walking while reading is reading; sitting while reading is reading, seated)
"""

from collections.abc import Mapping, Sequence

from onestory.engines.previz.deeds import Deed
from onestory.engines.previz.lexicon import Hit, Kind
from onestory.engines.previz.people import Casting
from onestory.engines.recipe import Speech
from onestory.storyworld.kinds import Action, Emotion, PropKind
from onestory.storyworld.look import Look
from onestory.storyworld.scene import Performer

MUTUAL = frozenset({Action.HUG, Action.KISS, Action.HOLD_HANDS, Action.SHAKE_HANDS, Action.ARGUE})
"""Actions that the one does whom they are done to."""

_STRENGTH = {
    Action.IDLE: 0,
    Action.LISTEN: 1,
    Action.LOOK_AROUND: 1,
    Action.THINK: 1,
    Action.HOLD: 2,
    Action.SIT: 2,
    Action.STAND_UP: 2,
    Action.WALK: 2,
    Action.ENTER: 3,
    Action.LEAVE: 3,
    Action.TALK: 3,
}
_STRONG = 4
_STRONGEST = 5
_STANDING = frozenset(
    {
        Action.SIT,
        Action.STAND_UP,
        Action.WALK,
        Action.RUN,
        Action.FALL,
        Action.DANCE,
        Action.JUMP,
        Action.ENTER,
        Action.LEAVE,
        Action.KNEEL,
        Action.SLEEP,
        Action.HUG,
        Action.KISS,
        Action.KNOCK,
        Action.OPEN_DOOR,
        Action.COOK,
    }
)
"""Actions that nobody does sitting."""
_MOODS = {
    Action.CRY: Emotion.SAD,
    Action.LAUGH: Emotion.HAPPY,
    Action.ARGUE: Emotion.ANGRY,
    Action.HUG: Emotion.TENDER,
    Action.KISS: Emotion.TENDER,
    Action.SLAP: Emotion.ANGRY,
    Action.DANCE: Emotion.HAPPY,
    Action.CLAP: Emotion.HAPPY,
    Action.FALL: Emotion.SURPRISED,
}
_ANSWERS = {Action.HAND_OVER: Action.TAKE, Action.TALK: Action.LISTEN}
"""What the one does to whom something is done, who does nothing else."""


def performers_of(
    casting: Casting,
    deeds: Sequence[Deed],
    looks: Mapping[str, Look],
    emotions: Mapping[str, Emotion],
    held: Mapping[str, PropKind],
    speech: Sequence[Speech],
    *,
    names: Sequence[str],
    num_frames: int,
) -> tuple[Performer, ...]:
    """
    Cast the shot.

    Args:
        casting: Who is in the caption.
        deeds: What they do.
        looks: How they look, by name.
        emotions: What their faces show, by name, where the caption says.
        held: What they hold without a verb, by name.
        speech: When who speaks.
        names: Who of them performs, in order.
        num_frames: Length of the shot.

    Returns:
        One performer for each name.
    """
    chosen = {name: strongest(name, deeds) for name in names}
    actions = {name: deed.action if deed else None for name, deed in chosen.items()}
    targets = {name: _target(name, deed, names) for name, deed in chosen.items()}
    for name in names:
        deed = chosen[name]
        if deed is not None:
            _let_others_answer(name, deed, actions, targets, names)
    spoken = {name: _intervals(name, speech, num_frames) for name in names}
    _let_speakers_talk(names, spoken, actions, targets)
    performers = []
    for name in names:
        action = actions[name] or Action.IDLE
        performers.append(
            Performer(
                name=name,
                look=looks[name],
                action=action,
                emotion=emotions.get(name, _MOODS.get(action, Emotion.NEUTRAL)),
                prop=_prop(name, chosen[name], deeds, held),
                target=targets[name],
                speech=spoken[name],
                seated=_sits(name, deeds) and action not in _STANDING,
            )
        )
    return tuple(performers)


def read_emotions(
    hits: Sequence[Hit], casting: Casting, deeds: Sequence[Deed], blocked: frozenset[int]
) -> tuple[dict[str, Emotion], set[tuple[int, Kind]]]:
    """
    Find whose face shows what.

    Args:
        hits: Every phrase of the caption that means something.
        casting: Who is in it.
        deeds: What they do.
        blocked: Positions that are spoken for.

    Returns:
        Emotions by name, and which phrases told them.
    """
    emotions: dict[str, Emotion] = {}
    used: set[tuple[int, Kind]] = set()
    for hit in hits:
        if hit.meaning.kind is not Kind.EMOTION or hit.start in blocked:
            continue
        for name in _who_feels(hit, casting, deeds):
            if emotions.get(name, Emotion.NEUTRAL) is Emotion.NEUTRAL:
                emotions[name] = Emotion(hit.meaning.value)
                used.add((hit.start, Kind.EMOTION))
    return emotions, used


def _who_feels(hit: Hit, casting: Casting, deeds: Sequence[Deed]) -> tuple[str, ...]:
    for person in casting.persons:
        if any(start <= hit.start < end for start, end in person.nouns):
            return (person.name,)
    acting = [deed for deed in deeds if deed.start <= hit.start < deed.end]
    if acting:
        return acting[-1].agents
    before = [m for m in casting.mentions if m.end <= hit.start]
    after = [m for m in casting.mentions if m.start >= hit.end]
    nearest = before[-1:] or after[:1]
    return nearest[0].names if nearest else ()


def _strength(deed: Deed) -> int:
    # What two do together is what the shot is about, whatever leads up to it.
    together = deed.action in MUTUAL or deed.action is Action.HAND_OVER
    return _STRONGEST if together else _STRENGTH.get(deed.action, _STRONG)


def strongest(name: str, deeds: Sequence[Deed]) -> Deed | None:
    """The deed that one person is shown doing; None for somebody who does nothing."""
    own = [deed for deed in deeds if name in deed.agents]
    # `max` keeps the first of equals: what is told first is what the shot is about.
    return max(own, key=_strength) if own else None


def _target(name: str, deed: Deed | None, names: Sequence[str]) -> str | None:
    if deed is None:
        return None
    others = [n for n in (*deed.targets, *deed.agents) if n != name and n in names]
    if others:
        return others[0]
    needs_two = deed.action in MUTUAL | {Action.HAND_OVER, Action.TALK, Action.SLAP, Action.POINT}
    rest = [other for other in names if other != name]
    return rest[0] if needs_two and len(rest) == 1 else None


def _let_others_answer(
    name: str,
    deed: Deed,
    actions: dict[str, Action | None],
    targets: dict[str, str | None],
    names: Sequence[str],
) -> None:
    """Let the one to whom something is done do the other half of it."""
    other = targets[name]
    if other is None or other in deed.agents or other not in names:
        return
    is_idle = actions[other] in (None, Action.IDLE)
    if deed.action in MUTUAL and (is_idle or actions[other] is Action.WALK):
        actions[other], targets[other] = deed.action, name
    elif is_idle:
        actions[other] = _ANSWERS.get(deed.action, actions[other])
        targets[other] = targets[other] or name


def _let_speakers_talk(
    names: Sequence[str],
    spoken: Mapping[str, tuple[tuple[int, int], ...]],
    actions: dict[str, Action | None],
    targets: dict[str, str | None],
) -> None:
    speakers = [name for name in names if spoken[name]]
    if not speakers:
        return
    for name in names:
        if actions[name] not in (None, Action.IDLE, Action.LISTEN):
            continue
        actions[name] = Action.TALK if spoken[name] else Action.LISTEN
        others = [n for n in (*speakers, *names) if n != name]
        targets[name] = targets[name] or (others[0] if others else None)


def _intervals(name: str, speech: Sequence[Speech], num_frames: int) -> tuple[tuple[int, int], ...]:
    """When somebody's lips move: in order, inside the shot, never twice at once."""
    merged: list[tuple[int, int]] = []
    own = [s for s in speech if s.name.casefold() == name.casefold()]
    for said in sorted(own, key=lambda said: said.start_frame):
        start = max(said.start_frame, merged[-1][1] if merged else 0)
        end = min(said.end_frame, num_frames)
        if start < end:
            merged.append((start, end))
    return tuple(merged)


def _prop(
    name: str, chosen: Deed | None, deeds: Sequence[Deed], held: Mapping[str, PropKind]
) -> PropKind | None:
    own = [deed for deed in (chosen, *deeds) if deed is not None and name in deed.agents]
    props = [deed.prop for deed in own if deed.prop is not None]
    return props[0] if props else held.get(name)


def _sits(name: str, deeds: Sequence[Deed]) -> bool:
    return any(deed.action is Action.SIT and name in deed.agents for deed in deeds)
