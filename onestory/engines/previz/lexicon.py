"""
What can a word mean in StoryWorld, and how near is that meaning?

    word ── StoryWorld's own vocabulary        known
         ├─ neighbours.yaml ("pier" → beach)   mapped, and said so
         └─ a spelling close to one of these   mapped, and said so

One phrase may mean several things ("watch" is a prop and a look); who reads decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from itertools import chain
from typing import Any, cast

import yaml

from onestory.engines.previz.words import Token, base_forms, words_of
from onestory.storyworld import kinds
from onestory.storyworld.palette import PALETTE
from onestory.storyworld.vocabulary import COLOUR_WORDS, WORDS

_LONGEST_PHRASE = 6
_POSSESSIVES = frozenset({"his", "her", "their", "my", "your", "its", "our"})
_SKIPPED_INSIDE = _POSSESSIVES | {"a", "an", "the"}
_SPELLING_CUTOFF = 0.84
"""Similarity from which a misspelling is taken for the word: "umbrela", "kitchn"."""
_SHORTEST_MISSPELLING = 6
"""Shorter words are too near to other words: "table" is no misspelt "tablet"."""


class Kind(StrEnum):
    """What sort of meaning a phrase has; the names are the sections of `neighbours.yaml`."""

    PLACE = "place"
    LIGHT = "light"
    WEATHER = "weather"
    FRAMING = "framing"
    MOVE = "move"
    ACTION = "action"
    EMOTION = "emotion"
    PROP = "prop"
    HAIR = "hair"
    TOP = "top"
    BOTTOM = "bottom"
    ACCESSORY = "accessory"
    AGE = "age"
    BUILD = "build"
    COLOUR = "colour"


_ENUMS: Mapping[Kind, type[StrEnum]] = {
    Kind.PLACE: kinds.PlaceKind,
    Kind.LIGHT: kinds.Light,
    Kind.WEATHER: kinds.Weather,
    Kind.FRAMING: kinds.Framing,
    Kind.MOVE: kinds.CameraMove,
    Kind.ACTION: kinds.Action,
    Kind.EMOTION: kinds.Emotion,
    Kind.PROP: kinds.PropKind,
    Kind.HAIR: kinds.HairStyle,
    Kind.TOP: kinds.TopKind,
    Kind.BOTTOM: kinds.BottomKind,
    Kind.ACCESSORY: kinds.Accessory,
    Kind.AGE: kinds.Age,
    Kind.BUILD: kinds.Build,
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that a phrase may mean."""

    kind: Kind
    value: str
    """Value of the enum member, or palette name of a colour."""
    is_known: bool
    """Whether the phrase is StoryWorld's own; otherwise `value` is only its neighbour."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of the text that means something: tokens [start, end)."""

    start: int
    end: int
    meaning: Meaning

    def contains(self, other: "Hit") -> bool:
        """Whether `other` is a shorter phrase inside this one."""
        is_inside = self.start <= other.start and other.end <= self.end
        return is_inside and self.end - self.start > other.end - other.start


def load_table(name: str) -> dict[str, Any]:
    """Read one of the word tables that lie beside this module."""
    text = files("onestory.engines.previz").joinpath(name).read_text("utf-8")
    return cast(dict[str, Any], yaml.safe_load(text))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every phrase that can be read, by its words."""

    meanings: Mapping[tuple[str, ...], tuple[Meaning, ...]]
    by_first: Mapping[str, tuple[tuple[str, ...], ...]]
    """Phrases by first word, longest first."""
    spellings: tuple[str, ...] = field(repr=False)
    """Single words that a misspelling may stand for."""

    def hits(self, tokens: Sequence[Token], blocked: Iterable[int] = ()) -> tuple[Hit, ...]:
        """
        Find every phrase that means something.

        Args:
            tokens: The text.
            blocked: Positions that are spoken for, such as names.

        Returns:
            Hits in order of their start. A phrase inside a longer one is left out; phrases of
            equal length with several meanings all stand.
        """
        free = set(range(len(tokens))) - set(blocked)
        found = [hit for start in sorted(free) for hit in self._hits_at(tokens, start, free)]
        return tuple(hit for hit in found if not any(other.contains(hit) for other in found))

    def corrected(self, word: str) -> str | None:
        """The known word that a misspelt one probably is; None if none is near enough."""
        if len(word) < _SHORTEST_MISSPELLING:
            return None
        near = get_close_matches(word, self.spellings, n=3, cutoff=_SPELLING_CUTOFF)
        return next((known for known in near if known[0] == word[0]), None)

    def has(self, word: str) -> bool:
        """Whether a phrase consists of this word in any of its base forms."""
        return any((form,) in self.meanings for form in base_forms(word))

    def _hits_at(self, tokens: Sequence[Token], start: int, free: set[int]) -> Iterator[Hit]:
        done: set[Kind] = set()
        phrases = chain.from_iterable(self.by_first.get(f, ()) for f in tokens[start].bases)
        for phrase in sorted(set(phrases), key=lambda phrase: _preference(tokens, start, phrase)):
            end = _match_end(tokens, start, phrase, free)
            if end is None:
                continue
            for meaning in self.meanings[phrase]:
                if meaning.kind not in done:
                    done.add(meaning.kind)
                    yield Hit(start, end, meaning)


def _preference(
    tokens: Sequence[Token], start: int, phrase: tuple[str, ...]
) -> tuple[int, int, tuple[str, ...]]:
    """Longest phrase first, then the form nearest to the written word."""
    return -len(phrase), tokens[start].bases.index(phrase[0]), phrase


def _match_end(
    tokens: Sequence[Token], start: int, phrase: tuple[str, ...], free: set[int]
) -> int | None:
    """Where `phrase` ends if it begins at `start`: "open door" matches "opened the door"."""
    position = start + 1
    for word in phrase[1:]:
        if position < len(tokens) and not _is_form(tokens[position], word):
            position += tokens[position].word in _SKIPPED_INSIDE
        if position >= len(tokens) or position not in free:
            return None
        token = tokens[position]
        if token.is_first or token.has_pause_before or not _is_form(token, word):
            return None
        position += 1
    return position


def _is_form(token: Token, word: str) -> bool:
    return word in token.bases or (word in _POSSESSIVES and token.word in _POSSESSIVES)


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The one lexicon: StoryWorld's vocabulary first, its neighbours where that is silent."""
    meanings: dict[tuple[str, ...], dict[Kind, Meaning]] = {}
    for phrase, meaning in chain(_own_phrases(), _neighbour_phrases()):
        words = words_of(phrase)
        if 0 < len(words) <= _LONGEST_PHRASE:
            meanings.setdefault(words, {}).setdefault(meaning.kind, meaning)
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for words in sorted(meanings, key=lambda words: (-len(words), words)):
        by_first.setdefault(words[0], []).append(words)
    return Lexicon(
        {words: tuple(of_kind.values()) for words, of_kind in meanings.items()},
        {first: tuple(phrases) for first, phrases in by_first.items()},
        tuple(sorted(words[0] for words in meanings if len(words) == 1 and len(words[0]) > 3)),
    )


def _own_phrases() -> Iterator[tuple[str, Meaning]]:
    for kind, enum in _ENUMS.items():
        for phrase, member in WORDS.get(enum, {}).items():
            yield phrase, Meaning(kind, member.value, True)
        for member in enum:
            yield member.value, Meaning(kind, member.value, True)
    for phrase, colour in COLOUR_WORDS.items():
        yield phrase, Meaning(Kind.COLOUR, colour, True)
    for colour in PALETTE:
        yield colour, Meaning(Kind.COLOUR, colour, True)


def _neighbour_phrases() -> Iterator[tuple[str, Meaning]]:
    for section, members in load_table("neighbours.yaml").items():
        for value, phrases in members.items():
            for phrase in phrases:
                yield phrase, Meaning(Kind(section), value, False)
