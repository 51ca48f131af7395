"""
What does a recipe ask to be drawn?

    Recipe ─┬─ tokens ── Casting ── Wardrobe ─┐
            │            DeedReader ──────────┼─ SceneSpec, CaptionReport, remarks
            └─ set ───── SettingReader ───────┘

The take's seed only reaches the scene's own seed: blocking, timing and camera. Looks and places
come from words and names, so that a retake shows the same people in the same place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from onestory.engines.previz.deeds import Deed, DeedReader
from onestory.engines.previz.lexicon import Hit, Kind, lexicon
from onestory.engines.previz.people import Casting, people_words
from onestory.engines.previz.report import (
    Accounts,
    camera_words,
    grammar_words,
    look_drawn,
    report_of,
    stopwords,
)
from onestory.engines.previz.setting import Setting, SettingReader
from onestory.engines.previz.staging import performers_of, read_emotions, strongest
from onestory.engines.previz.wardrobe import Wardrobe, dress
from onestory.engines.previz.words import Token, tokenise, words_of
from onestory.engines.recipe import Recipe
from onestory.engines.take import CaptionReport
from onestory.storyworld.kinds import Action, CameraMove, Emotion, Framing, PropKind
from onestory.storyworld.scene import MAX_PERFORMERS, MAX_PROPS, Camera, Performer, SceneSpec

_NEAR = frozenset({Framing.CLOSE, Framing.MEDIUM_CLOSE, Framing.OVER_THE_SHOULDER})
_HANDS = frozenset({"with", "holding", "carrying", "clutching", "gripping"})


@dataclass(frozen=True, slots=True)
class Reading:
    """A recipe, understood."""

    scene: SceneSpec
    report: CaptionReport
    remarks: tuple[str, ...]
    """What a person should know, one sentence each."""


@dataclass(frozen=True, slots=True)
class _Text:
    """The caption, and what stands where in it."""

    tokens: tuple[Token, ...]
    hits: tuple[Hit, ...]
    corrected: tuple[tuple[str, str], ...]
    set_words: frozenset[int]
    """Positions that only describe or recall the set."""


def read_recipe(recipe: Recipe) -> Reading:
    """
    Understand a recipe as a scene that StoryWorld can draw.

    Args:
        recipe: Caption, subjects, set, speech, size and seed.

    Returns:
        The scene, a report that accounts for every word that carries meaning, and remarks on
        whatever had to be left out or guessed.
    """
    text = _read_text(recipe)
    casting = Casting(text.tokens, text.hits, recipe.subjects, text.set_words)
    wardrobe = dress(text.tokens, text.hits, casting, lexicon())
    named = frozenset(i for m in casting.mentions for i in range(m.start, m.end))
    deeds = DeedReader(
        text.tokens, text.hits, casting, named | wardrobe.used | text.set_words
    ).read()
    # Somebody who waves is not at sea.
    verbs = frozenset(deed.start for deed in deeds)
    set_reader = SettingReader(lexicon(), recipe.set_name, recipe.set_look)
    setting = set_reader.read(text.tokens, text.hits, named | wardrobe.used | verbs)
    emotions, drawn = read_emotions(text.hits, casting, deeds, _bible(casting) | text.set_words)
    held, loose, prop_drawn = _read_props(text, casting, deeds, wardrobe, setting)
    names, remarks = _on_screen(casting, recipe)
    performers = performers_of(
        casting,
        deeds,
        wardrobe.looks,
        emotions,
        held,
        recipe.speech,
        names=names,
        num_frames=recipe.num_frames,
    )
    scene = SceneSpec(
        place=setting.place,
        light=setting.light,
        weather=setting.weather,
        performers=performers,
        props=loose,
        camera=_camera(setting, performers, casting, bool(loose)),
        num_frames=recipe.num_frames,
        fps=Fraction(recipe.fps),
        seed=recipe.seed,
    )
    drawn = drawn | prop_drawn | _drawn(text, deeds, wardrobe, setting)
    known = named | text.set_words
    accounts = Accounts(
        text.tokens,
        text.hits,
        known,
        drawn,
        text.corrected,
        _extra(text.tokens, wardrobe.used),
    )
    report, idle = report_of([accounts])
    return Reading(scene, report, (*setting.remarks, *remarks, *_still(performers, deeds), *idle))


# ── words ─────────────────────────────────────────────────────────────────────


def _read_text(recipe: Recipe) -> _Text:
    tokens = tokenise(recipe.caption)
    names = {word for subject in recipe.subjects for word in words_of(subject.name)}
    tokens, corrected = _corrected(tokens, names)
    hits = tuple(hit for hit in lexicon().hits(tokens) if not _is_grammar(tokens, hit))
    return _Text(tokens, hits, corrected, _set_words(tokens, recipe))


def _is_grammar(tokens: Sequence[Token], hit: Hit) -> bool:
    word = tokens[hit.start].word
    return hit.end - hit.start == 1 and (word in grammar_words() or word in camera_words())


def _corrected(
    tokens: Sequence[Token], names: set[str]
) -> tuple[tuple[Token, ...], tuple[tuple[str, str], ...]]:
    """Replace misspelt words by the known ones that they probably are."""
    found = lexicon().hits(tokens)
    covered = {i for hit in found for i in range(hit.start, hit.end)}
    groups = people_words().group_of
    result: list[Token] = []
    corrections: list[tuple[str, str]] = []
    for position, token in enumerate(tokens):
        is_plain = any(form in groups or form in stopwords() for form in token.bases)
        is_left = position in covered or is_plain or token.is_capitalised or token.word in names
        known = None if is_left else lexicon().corrected(token.word)
        if known is not None:
            corrections.append((token.word, known))
            token = replace(token, word=known)
        result.append(token)
    return tuple(result), tuple(corrections)


def _set_words(tokens: Sequence[Token], recipe: Recipe) -> frozenset[int]:
    """Where the caption only repeats the set's bible or recalls it: "the same kitchen"."""
    found: set[int] = set()
    look = words_of(recipe.set_look)
    words = [token.word for token in tokens]
    for start in range(len(words) - len(look) + 1 if look else 0):
        if tuple(words[start : start + len(look)]) == look:
            found.update(range(start, start + len(look)))
    return frozenset(found)


# ── people and things ─────────────────────────────────────────────────────────


def _bible(casting: Casting) -> frozenset[int]:
    """Positions of mentions of the bible's people: their words are looks, not moods."""
    return frozenset(
        i
        for mention in casting.mentions
        if any(casting.person(name).look is not None for name in mention.names)
        for i in range(mention.start, mention.end)
    )


def _on_screen(casting: Casting, recipe: Recipe) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who performs; more people than fit are left out, the bible's and the speakers last."""
    if len(casting.persons) <= MAX_PERFORMERS:
        return tuple(person.name for person in casting.persons), ()
    speakers = {speech.name for speech in recipe.speech}
    ranked = sorted(
        casting.persons, key=lambda person: (person.name not in speakers, person.look is None)
    )
    kept = {person.name for person in ranked[:MAX_PERFORMERS]}
    names = tuple(person.name for person in casting.persons if person.name in kept)
    lost = [person.name for person in casting.persons if person.name not in kept]
    number = len(casting.persons)
    sentence = f"Only {MAX_PERFORMERS} of {number} people fit: {', '.join(lost)} left out."
    return names, (sentence,)


def _read_props(
    text: _Text,
    casting: Casting,
    deeds: Sequence[Deed],
    wardrobe: Wardrobe,
    setting: Setting,
) -> tuple[dict[str, PropKind], tuple[PropKind, ...], set[tuple[int, Kind]]]:
    """Props in somebody's hands without a verb, and props that nobody holds."""
    held: dict[str, PropKind] = {}
    loose: list[PropKind] = []
    drawn: set[tuple[int, Kind]] = set()
    blocked = wardrobe.used | text.set_words | _mentioned(casting)
    for hit in text.hits:
        if hit.meaning.kind is not Kind.PROP or not blocked.isdisjoint(range(hit.start, hit.end)):
            continue
        if any(h.start == hit.start and h.meaning.kind is Kind.PLACE for h in text.hits):
            continue
        prop = PropKind(hit.meaning.value)
        drawn.add((hit.start, Kind.PROP))
        if any(d.start <= hit.start < d.end and d.prop is prop for d in deeds):
            continue
        holder = _holder(text, casting, hit)
        if holder is not None and holder not in held:
            held[holder] = prop
        elif prop not in loose and len(loose) < MAX_PROPS:
            loose.append(prop)
    return held, tuple(loose), drawn


def _mentioned(casting: Casting) -> frozenset[int]:
    return frozenset(i for m in casting.mentions for i in range(m.start, m.end))


def _holder(text: _Text, casting: Casting, hit: Hit) -> str | None:
    """Who holds a thing by the words before it: "a boy … with a flashlight"."""
    before = [token.word for token in text.tokens[max(0, hit.start - 4) : hit.start]]
    near = [
        m
        for m in casting.mentions
        if m.end <= hit.start and text.tokens[m.start].sentence == text.tokens[hit.start].sentence
    ]
    return near[-1].names[0] if near and _HANDS & set(before) else None


def _camera(
    setting: Setting, performers: Sequence[Performer], casting: Casting, has_props: bool
) -> Camera:
    framing = setting.framing
    if framing is None:
        usual = {0: Framing.INSERT if has_props else Framing.WIDE, 1: Framing.MEDIUM}
        usual[2] = Framing.TWO_SHOT
        framing = usual.get(len(performers), Framing.FULL)
        if any(p.action in _WHOLE_BODY for p in performers):
            framing = Framing.FULL
        if any(p.action in (Action.SLEEP, Action.FALL) for p in performers):
            framing = Framing.WIDE
    subject = None
    if framing in _NEAR and performers:
        speakers = [p.name for p in performers if p.speech]
        said = [n for m in casting.mentions for n in m.names]
        on_screen = [p.name for p in performers]
        order = [name for name in (*speakers, *said, *on_screen) if name in on_screen]
        subject = order[0]
    move = setting.move
    if not performers and move is CameraMove.STATIC:
        # Nothing moves in a shot of things alone: a still camera would film a photograph.
        move = CameraMove.PUSH_IN
    return Camera(framing=framing, move=move, subject=subject)


_WHOLE_BODY = frozenset(
    {
        Action.WALK,
        Action.RUN,
        Action.FALL,
        Action.DANCE,
        Action.JUMP,
        Action.KNEEL,
        Action.SLEEP,
        Action.ENTER,
        Action.LEAVE,
        Action.SIT,
        Action.STAND_UP,
    }
)
"""Actions that are lost if the frame cuts off the legs."""


# ── accounts ──────────────────────────────────────────────────────────────────


def _drawn(
    text: _Text, deeds: Sequence[Deed], wardrobe: Wardrobe, setting: Setting
) -> set[tuple[int, Kind]]:
    names = {name for deed in deeds for name in deed.agents}
    chosen = [strongest(name, deeds) for name in names]
    shown = {deed.action for deed in chosen if deed is not None} | {Action.SIT}
    verbs = {deed.start for deed in deeds if deed.action in shown}
    places = (Kind.PLACE, Kind.LIGHT, Kind.WEATHER, Kind.FRAMING, Kind.MOVE)
    drawn = look_drawn(text.hits, wardrobe.used)
    for hit in text.hits:
        if hit.meaning.kind is Kind.ACTION and hit.start in verbs:
            drawn.add((hit.start, Kind.ACTION))
        if hit.meaning.kind in places and hit.start in setting.used:
            drawn.add((hit.start, hit.meaning.kind))
    return drawn


def _extra(tokens: Sequence[Token], used: frozenset[int]) -> frozenset[str]:
    return frozenset(tokens[position].word for position in used)


def _still(performers: Sequence[Performer], deeds: Sequence[Deed]) -> tuple[str, ...]:
    acting = {name for deed in deeds for name in deed.agents}
    still = [
        p.name
        for p in performers
        if p.action is Action.IDLE
        and p.name not in acting
        and p.emotion is Emotion.NEUTRAL
        and p.target is None
    ]
    return (f"No action was found for {', '.join(still)}: they only stand.",) if still else ()
