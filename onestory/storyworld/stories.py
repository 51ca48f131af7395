"""
What does a story of several shots look like, when everything about it is known?

    tell_story(seed) ── Story ─┬─ people, places: looks, and the words that introduce them
                               └─ shots: SceneSpec + caption + who is there, first or again

Captions read like those of the breakdown: whoever appears for the first time is described, in
part; whoever returns is "the same woman". What a caption does not name can only be remembered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

import numpy as np

from onestory.storyworld.kinds import (
    Action,
    Age,
    CameraMove,
    Emotion,
    Framing,
    Light,
    PlaceKind,
    PropKind,
    TopKind,
    Weather,
)
from onestory.storyworld.look import Look, Place, random_look
from onestory.storyworld.palette import CLOTH_COLOURS
from onestory.storyworld.scene import Camera, Performer, SceneSpec
from onestory.storyworld.telling import (
    ACCESSORY_PHRASES,
    DEEDS,
    EMOTION_TAILS,
    FRAMING_PHRASES,
    HAIR_PHRASES,
    INSERTS,
    MOVE_PHRASES,
    PLACE_PHRASES,
    SKIN_PHRASES,
    TOGETHER,
    colour_word,
    with_article,
)

T = TypeVar("T")

HELD_OUT = 1 << 40
"""Stories from this seed on are never trained on: benchmarks and validation take theirs there."""

PLACE_SLOTS = ("wall", "accent", "furniture")
"""What the colours of a place's palette belong to, in its order."""

WHOLE_BODY = frozenset(
    {
        Action.WALK,
        Action.RUN,
        Action.JUMP,
        Action.DANCE,
        Action.FALL,
        Action.KNEEL,
        Action.ENTER,
        Action.LEAVE,
        Action.SIT,
        Action.STAND_UP,
        Action.SLEEP,
    }
)
"""Actions that are lost if the frame cuts off the legs."""


class Pattern(StrEnum):
    """What a story asks of memory: the three test patterns of the OneStory paper."""

    MAIN_SUBJECT = "main subject"
    """One person, shot after shot, through two places."""
    INSERT_AND_RECALL = "insert and recall"
    """A person and a place, then something else, then both again; in three shots or more."""
    COMPOSABLE = "composable"
    """Two people, introduced apart, later together; in three shots or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryPerson:
    """Somebody of a story."""

    name: str
    look: Look
    phrase: str
    """Words of the first appearance."""
    reference: str
    """Words of every later one: "the same woman"."""
    named: frozenset[str]
    """Attributes that `phrase` gives, as `FrameTruth.attributes` calls them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryPlace:
    """Somewhere in a story."""

    name: str
    place: Place
    phrase: str
    reference: str
    named: frozenset[str]
    """"place", and those of `PLACE_SLOTS` whose colour `phrase` gives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoryShot:
    """One shot of a story."""

    scene: SceneSpec
    caption: str
    people: tuple[str, ...]
    place: str
    introduces: frozenset[str]
    """Names of people and places that this caption describes for the first time."""
    words: Mapping[str, str]
    """The caption's words for each of the people, and for the place, by name."""

    @property
    def cast(self) -> tuple[str, ...]:
        """Names of the people, as the scene counts them."""
        return tuple(performer.name for performer in self.scene.performers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """Several shots with people and places that return."""

    seed: int
    pattern: Pattern
    people: Mapping[str, StoryPerson]
    places: Mapping[str, StoryPlace]
    shots: tuple[StoryShot, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """How stories are told."""

    num_shots: int = 6
    num_frames: int = 17
    fps: int = 8
    named_share: float = 0.75
    """How likely an attribute is given in words at the first appearance."""


def tell_story(
    seed: int, *, pattern: Pattern | None = None, telling: Telling | None = None
) -> Story:
    """
    Invent a story.

    Args:
        seed: Decides everything; equal seeds tell equal stories.
        pattern: What it asks of memory; None lets the seed decide.
        telling: Number and length of shots; None for the usual ones.

    Returns:
        A story of `telling.num_shots` shots.

    Raises:
        ValueError: If it is to have fewer than two shots.
    """
    telling = telling or Telling()
    if telling.num_shots < 2:
        raise ValueError(f"num_shots must be at least 2, got {telling.num_shots}")
    rng = np.random.default_rng([seed, 7])
    chosen = pick(rng, tuple(Pattern)) if pattern is None else pattern
    return _Teller(seed, chosen, telling, rng).tell()


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """Choose one of several, all equally likely."""
    return choices[int(rng.integers(len(choices)))]


class _Teller:
    """Writes one story."""

    def __init__(
        self, seed: int, pattern: Pattern, telling: Telling, rng: np.random.Generator
    ) -> None:
        self.seed, self.pattern, self.telling, self.rng = seed, pattern, telling, rng
        self.people: dict[str, StoryPerson] = {}
        self.places: dict[str, StoryPlace] = {}
        self.introduced: set[str] = set()
        self.light, self.weather = self._weather()

    def tell(self) -> Story:
        """Tell it from the first shot to the last."""
        number = 1 if self.pattern is Pattern.MAIN_SUBJECT and self.rng.random() < 0.6 else 2
        for name in ("A", "B")[:number]:
            self.people[name] = self._person(name)
        for name in ("P", "Q"):
            self.places[name] = self._place(name)
        shots = [self._shot(people, place) for people, place in self._outline(number)]
        return Story(
            seed=self.seed,
            pattern=self.pattern,
            people=self.people,
            places=self.places,
            shots=tuple(shots),
        )

    # ── outline ───────────────────────────────────────────────────────────

    def _outline(self, number: int) -> list[tuple[tuple[str, ...], str]]:
        """Who is where, shot by shot."""
        length = self.telling.num_shots
        if self.pattern is Pattern.MAIN_SUBJECT:
            change = int(self.rng.integers(2, max(3, length - 1)))
            plan: list[tuple[tuple[str, ...], str]] = [
                (("A",), "P" if i < change else "Q") for i in range(length)
            ]
            if number == 2 and length > 3:
                guest = int(self.rng.integers(1, length - 1))
                plan[guest] = (("A", "B"), plan[guest][1])
            if self.rng.random() < 0.5 and length > 3:
                plan[-1] = (("A",), "P")
            return plan
        if self.pattern is Pattern.INSERT_AND_RECALL:
            start = int(self.rng.integers(1, max(2, length - 2)))
            gap = int(self.rng.integers(1, max(2, length - start)))
            other: tuple[str, ...] = ("B",) if self.rng.random() < 0.75 else ()
            return [
                ((other, "Q") if start <= i < start + gap else (("A",), "P")) for i in range(length)
            ]
        apart = [(("A",), "P"), (("B",), "Q")]
        # Drawn for short stories too, which have no time for it.
        if self.rng.random() < 0.5 and length > 3:
            apart.append((("A",), "P"))
        rest = length - len(apart)
        together = [
            (pick(self.rng, (("A", "B"), ("A", "B"), ("A",), ("B",))), pick(self.rng, "PQ"))
            for _ in range(max(0, rest - 1))
        ]
        plan = [*apart, *together, (("A", "B"), pick(self.rng, "PQ"))]
        return plan[:length]

    def _weather(self) -> tuple[Light, Weather]:
        light = pick(self.rng, (Light.DAY, Light.DAY, Light.DAWN, Light.DUSK, Light.NIGHT))
        weather = pick(self.rng, (Weather.CLEAR,) * 5 + (Weather.RAIN, Weather.SNOW, Weather.FOG))
        return light, weather

    # ── people and places ─────────────────────────────────────────────────

    def _names_it(self) -> bool:
        return bool(self.rng.random() < self.telling.named_share)

    def _person(self, name: str) -> StoryPerson:
        rng = self.rng
        taken = {person.reference for person in self.people.values()}
        for _ in range(20):
            look = random_look(rng)
            kind, reference = kind_of(look)
            if reference not in taken:
                break
        else:
            reference = f"the other {kind}"
        if look.top_colour == "denim":
            look = replace(look, top_colour=pick(rng, CLOTH_COLOURS))
        phrase, named = self._describe(look, kind)
        return StoryPerson(
            name=name, look=look, phrase=phrase, reference=reference, named=frozenset(named)
        )

    def _describe(self, look: Look, kind: str) -> tuple[str, set[str]]:
        """Say some of what a person looks like, and note what was said."""
        rng, parts, named = self.rng, list[str](), set[str]()
        if self._names_it():
            hair = HAIR_PHRASES[look.hair_style].format(
                c=colour_word(rng, look.hair_colour, "hair")
            )
            parts.append(hair)
            named.add("hair style")
            if "{c}" in HAIR_PHRASES[look.hair_style]:
                named.add("hair colour")
        if rng.random() < self.telling.named_share * 0.7:
            parts.append(SKIN_PHRASES[look.skin])
            named.add("skin")
        if self._names_it():
            top = f"{colour_word(rng, look.top_colour)} {look.top.value}"
            parts.append(with_article(top))
            named |= {"top", "top colour"}
        if look.top is not TopKind.DRESS and rng.random() < self.telling.named_share * 0.8:
            bottom = f"{colour_word(rng, look.bottom_colour)} {look.bottom.value}"
            plural = look.bottom.value.endswith("s")
            parts.append(bottom if plural else with_article(bottom))
            named |= {"bottom", "bottom colour"}
        said = [worn for worn in look.accessories if self._names_it()]
        for worn in said:
            parts.append(
                ACCESSORY_PHRASES[worn].format(
                    c=colour_word(rng, look.accessory_colour),
                    h=colour_word(rng, look.hair_colour, "hair"),
                )
            )
        if len(said) == len(look.accessories):
            named.add("accessories")
        young = look.age is Age.ADULT and rng.random() < 0.35
        head = with_article(f"young {kind}" if young else kind)
        if not parts:
            return head, named
        listed = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
        return f"{head} with {listed}", named

    def _place(self, name: str) -> StoryPlace:
        rng = self.rng
        taken = {place.place.kind for place in self.places.values()}
        kind = pick(rng, [kind for kind in PlaceKind if kind not in taken])
        words = PLACE_PHRASES[kind]
        palette = tuple(pick(rng, CLOTH_COLOURS) for _ in range(3)) if rng.random() < 0.7 else ()
        place = Place(kind=kind, variant=int(rng.integers(1 << 24)), palette=palette)
        noun = pick(rng, words.nouns)
        parts, named = list[str](), {"place"}
        for slot, colour, thing in zip(PLACE_SLOTS, palette, words.things, strict=False):
            if thing and self._names_it():
                said = f"{colour_word(rng, colour)} {thing}"
                parts.append(said if thing.endswith("s") or slot == "wall" else with_article(said))
                named.add(slot)
        size = pick(rng, ("", "", "", "small ", "quiet ", "narrow ", "old "))
        head = with_article(f"{size}{noun}")
        if parts:
            head += " with " + (
                f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]
            )
        return StoryPlace(
            name=name,
            place=place,
            phrase=f"{words.preposition} {head}",
            reference=f"{words.preposition} the same {noun}",
            named=frozenset(named),
        )

    # ── shots ─────────────────────────────────────────────────────────────

    def _shot(self, people: tuple[str, ...], place: str) -> StoryShot:
        rng = self.rng
        if rng.random() < 0.12:
            self.light, self.weather = self._weather()
        setting = self.places[place]
        new = {name for name in (*people, place) if name not in self.introduced}
        where = setting.phrase if place in new else setting.reference
        words = {
            name: self.people[name].phrase if name in new else self.people[name].reference
            for name in people
        }
        performers, props, body = self._action(people, words)
        camera = self._camera(people, bool(props), performers)
        head = self._head(camera)
        scene = SceneSpec(
            place=setting.place,
            light=self.light,
            weather=self.weather,
            performers=performers,
            props=props,
            camera=camera,
            num_frames=self.telling.num_frames,
            fps=self.telling.fps,
            seed=int(rng.integers(1 << 31)),
        )
        self.introduced |= new
        caption = f"{head}: {where}, {body}."
        return StoryShot(
            scene=scene,
            caption=caption[:1].upper() + caption[1:],
            people=people,
            place=place,
            introduces=frozenset(new),
            words={**words, place: where},
        )

    def _head(self, camera: Camera) -> str:
        rng = self.rng
        parts = [pick(rng, FRAMING_PHRASES[camera.framing])]
        if camera.move is not CameraMove.STATIC:
            parts.append(pick(rng, MOVE_PHRASES[camera.move]))
        parts.append(self.light.value)
        if self.weather is not Weather.CLEAR:
            parts.append(self.weather.value)
        return ", ".join(parts)

    def _action(
        self, people: tuple[str, ...], words: Mapping[str, str]
    ) -> tuple[tuple[Performer, ...], tuple[PropKind, ...], str]:
        rng = self.rng
        if not people:
            props, text = pick(rng, INSERTS)
            return (), props, text
        if len(people) == 2:
            action, other_action, text = pick(rng, TOGETHER)
            a, b = people if rng.random() < 0.5 else people[::-1]
            performers = (
                self._performer(a, action, target=b),
                self._performer(b, other_action, target=a),
            )
            return performers, (), text.format(a=words[a], b=words[b])
        action, texts, prop = pick(rng, DEEDS)
        emotion = pick(rng, (Emotion.NEUTRAL,) * 4 + tuple(EMOTION_TAILS))
        tail = EMOTION_TAILS.get(emotion, "")
        text = f"{words[people[0]]} {pick(rng, texts)}{tail}"
        return (self._performer(people[0], action, emotion=emotion, prop=prop),), (), text

    def _performer(
        self,
        name: str,
        action: Action,
        *,
        target: str | None = None,
        emotion: Emotion = Emotion.NEUTRAL,
        prop: PropKind | None = None,
    ) -> Performer:
        speaks = action is Action.TALK
        return Performer(
            name=name,
            look=self.people[name].look,
            action=action,
            emotion=emotion,
            prop=prop,
            target=target,
            speech=((1, self.telling.num_frames),)
            if speaks and self.telling.num_frames > 1
            else (),
        )

    def _camera(
        self, people: tuple[str, ...], has_props: bool, performers: Sequence[Performer]
    ) -> Camera:
        rng = self.rng
        framings: tuple[Framing, ...]
        if not people:
            framings = (Framing.INSERT,) if has_props else (Framing.WIDE,)
        elif len(people) == 2:
            framings = (Framing.TWO_SHOT,) * 4 + (Framing.WIDE, Framing.MEDIUM)
        elif performers[0].action in WHOLE_BODY:
            framings = (Framing.WIDE, Framing.FULL, Framing.FULL)
        else:
            framings = (
                *(Framing.WIDE, Framing.FULL, Framing.MEDIUM, Framing.MEDIUM),
                *(Framing.MEDIUM_CLOSE, Framing.MEDIUM_CLOSE, Framing.CLOSE),
            )
        moves = (CameraMove.STATIC,) * 7 + tuple(MOVE_PHRASES)
        return Camera(framing=pick(rng, framings), move=pick(rng, moves))


def kind_of(look: Look) -> tuple[str, str]:
    """Say what a person is called, and what the same person is called later."""
    if look.age is Age.CHILD:
        kind = "girl" if look.feminine else "boy"
        return f"little {kind}", f"the same little {kind}"
    if look.age is Age.TEEN:
        kind = "girl" if look.feminine else "boy"
        return f"teenage {kind}", f"the same {kind}"
    kind = "woman" if look.feminine else "man"
    if look.age is Age.ELDER:
        return f"old {kind}", f"the same old {kind}"
    return kind, f"the same {kind}"
