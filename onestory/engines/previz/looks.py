"""
What does "a young woman with short auburn hair, a mustard coat and round glasses" look like?

    tokens ─ heads (coat, hair, glasses …) ─ what stands before each head ─ LookWords ─ Look

What the words leave open is filled by chance of the name and the bible's words, never of the
take: a retake keeps the look.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from onestory.engines.previz.lexicon import Hit, Kind
from onestory.engines.previz.words import Token, word_set
from onestory.storyworld.chance import chance
from onestory.storyworld.kinds import Accessory, Age, BottomKind, Build, HairStyle, TopKind
from onestory.storyworld.look import Look, random_look
from onestory.storyworld.palette import PALETTE, luma

_HEAD_KINDS = (Kind.TOP, Kind.BOTTOM, Kind.ACCESSORY)
_LINKS = frozenset({"with", "in", "wearing", "over", "under", "wears", "plus", "dressed"})
_HAIR_WORDS = frozenset({"hair", "haired", "locks", "hairstyle", "tresses", "mane"})
_SKIN_WORDS = frozenset({"skin", "skinned", "complexion", "complexioned"})
_SHOE_WORDS = word_set(
    """
    shoes shoe boots boot sneakers sneaker trainers sandals heels loafers slippers flats pumps
    stilettos wellingtons moccasins clogs brogues footwear
    """
)
_SIGHT_WORDS = frozenset({"eyes", "eye", "eyed"})
_HAIR_THAT_STANDS_ALONE = word_set(
    """
    bald balding bob ponytail bun afro braids braid curls dreadlocks plaits plait cornrows
    mohawk pigtails chignon topknot ringlets hairless locs updo buzz pixie crew
    """
)
_SKINS = {
    "porcelain": "porcelain pale pallid ivory white alabaster",
    "fair": "fair light rosy pink freckled creamy",
    "peach": "peach golden warm medium beige",
    "olive skin": "olive tan mediterranean",
    "bronze": "bronze tanned bronzed sunburnt caramel honey copper weathered",
    "umber": "umber brown chestnut",
    "sepia": "sepia dark chocolate",
    "ebony": "ebony black deep",
}
_SKIN_OF_WORD = {word: skin for skin, words in _SKINS.items() for word in words.split()}
_OUTERMOST = (
    TopKind.COAT,
    TopKind.SUIT,
    TopKind.JACKET,
    TopKind.APRON,
    TopKind.HOODIE,
    TopKind.UNIFORM,
    TopKind.SWEATER,
    TopKind.DRESS,
    TopKind.SHIRT,
    TopKind.T_SHIRT,
    TopKind.TANK_TOP,
)
"""What hides what, outermost first."""
_MORE_HEIGHT = {"tall": 0.1, "towering": 0.16, "short": -0.1, "petite": -0.08, "giant": 0.2}
_LIGHT_CLOTH = 190
"""Luma from which cloth counts as light."""
_MIN_HEIGHT, _MAX_HEIGHT = 0.8, 2.1


@dataclass(slots=True)
class LookWords:
    """What words say of a look; None or empty where they are silent."""

    skin: str | None = None
    hair_style: HairStyle | None = None
    hair_colour: str | None = None
    top: TopKind | None = None
    top_colour: str | None = None
    bottom: BottomKind | None = None
    bottom_colour: str | None = None
    shoes_colour: str | None = None
    accessories: tuple[Accessory, ...] = ()
    accessory_colour: str | None = None
    age: Age | None = None
    build: Build | None = None
    feminine: bool | None = None
    more_height: float = 0.0
    """Metres above what is usual."""
    used: set[int] = field(default_factory=set)
    """Positions of the tokens that were understood."""

    def over(self, other: "LookWords") -> "LookWords":
        """These words where they speak, `other` where they are silent."""
        merged = replace(other, used=self.used | other.used)
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name != "used" and value not in (None, ()) and value != 0.0:
                setattr(merged, item.name, value)
        return merged

    @property
    def is_silent(self) -> bool:
        """Whether no hair, garment or accessory was named."""
        return not (self.accessories or self.hair_style or self.hair_colour or self.top)


def read_look(tokens: Sequence[Token], hits: Iterable[Hit], start: int, end: int) -> LookWords:
    """
    Read clothes, hair and skin from tokens [start, end).

    Each head owns the colours between it and the head or link word before it, so that "a red
    coat and blue jeans" mixes nothing up.

    Args:
        tokens: The text.
        hits: Every phrase of the text that means something.
        start: First position to read.
        end: Position after the last one.

    Returns:
        What the words say. Age and build are `read_body`'s business.
    """
    inside = [hit for hit in hits if start <= hit.start and hit.end <= end]
    look = LookWords()
    floor = start
    for head_start, head_end, heads in _heads(tokens, inside, start, end):
        first = _first_of_chunk(tokens, floor, head_start)
        modifiers = [hit for hit in inside if first <= hit.start and hit.end <= head_end]
        _read_head(look, tokens, heads, modifiers, first, head_start, head_end, inside)
        look.used.update(range(head_start, head_end))
        floor = head_end
    _read_lone_hair(look, tokens, inside)
    return look


def read_body(tokens: Sequence[Token], hits: Iterable[Hit], start: int, end: int) -> LookWords:
    """
    Read age, build, height and colouring from the words around a person's noun.

    Args:
        tokens: The text.
        hits: Every phrase of the text that means something.
        start: First word of the noun phrase.
        end: Position after its noun.

    Returns:
        What the words say of the body.
    """
    look = LookWords()
    for hit in hits:
        if not (start <= hit.start and hit.end <= end):
            continue
        if hit.meaning.kind is Kind.AGE:
            look.age = look.age if look.age in (Age.CHILD, Age.ELDER) else Age(hit.meaning.value)
        elif hit.meaning.kind is Kind.BUILD:
            look.build = Build(hit.meaning.value)
        elif hit.meaning.value in (Accessory.BEARD, Accessory.MOUSTACHE, Accessory.GLASSES):
            look.accessories = (*look.accessories, Accessory(hit.meaning.value))
        elif hit.meaning.kind is Kind.COLOUR and hit.meaning.value in _HAIR_ONLY:
            look.hair_colour = hit.meaning.value
        elif hit.meaning.value == HairStyle.BALD:
            look.hair_style = HairStyle.BALD
        else:
            continue
        look.used.update(range(hit.start, hit.end))
    for position in range(start, end):
        if tokens[position].word in _MORE_HEIGHT:
            look.more_height += _MORE_HEIGHT[tokens[position].word]
            look.used.add(position)
    return look


_HAIR_ONLY = frozenset({"ginger", "blond", "platinum", "chestnut", "raven", "auburn", "dark brown"})
"""Colours that, said of a person, mean the hair: "a ginger boy"."""


def make_look(words: LookWords, *names: str) -> Look:
    """
    Finish a look: what words leave open is drawn by chance of `names`.

    Args:
        words: What is said of the person.
        names: Who this is: name and the bible's words. Equal names give equal looks.

    Returns:
        A whole look that obeys every word.
    """
    rng = chance(0, "look", *names)
    drawn = random_look(rng, age=words.age or Age.ADULT, feminine=words.feminine)
    said: dict[str, Any] = {
        item.name: getattr(words, item.name)
        for item in fields(words)
        if item.name not in ("used", "more_height") and getattr(words, item.name) not in (None, ())
    }
    if not words.is_silent:
        # A bible that names clothes and no hat means: no hat.
        said.setdefault("accessories", ())
    if words.top is TopKind.APRON and words.top_colour is not None:
        said["top_colour"] = _under_apron(words.top_colour, rng)
    if words.top is TopKind.DRESS and words.bottom_colour is None and words.top_colour:
        said["bottom_colour"] = words.top_colour
    height = round(min(_MAX_HEIGHT, max(_MIN_HEIGHT, drawn.height + words.more_height)), 2)
    return replace(drawn, **said, height=height)


def _under_apron(colour: str, rng: np.random.Generator) -> str:
    """
    Find the shirt that brings out an apron.

    StoryWorld draws the bib in cream over a dark shirt and in charcoal over a light one.
    """
    if luma(PALETTE[colour]) >= _LIGHT_CLOTH:
        dark = ("teal", "denim", "burgundy", "olive", "brown")
        return dark[int(rng.integers(len(dark)))]
    return "white" if colour in ("black", "charcoal", "navy", "chocolate", "brown") else colour


def _heads(
    tokens: Sequence[Token], inside: Sequence[Hit], start: int, end: int
) -> list[tuple[int, int, list[Hit]]]:
    """Where garments, accessories, hair, skin and shoes are named, in order."""
    spans: dict[tuple[int, int], list[Hit]] = {}
    for hit in inside:
        if hit.meaning.kind in _HEAD_KINDS:
            spans.setdefault((hit.start, hit.end), []).append(hit)
    for position in range(start, end):
        word = tokens[position].word
        if word in _HAIR_WORDS | _SKIN_WORDS | _SHOE_WORDS | _SIGHT_WORDS:
            spans.setdefault((position, position + 1), [])
    return [(first, last, spans[first, last]) for first, last in sorted(spans)]


def _first_of_chunk(tokens: Sequence[Token], floor: int, head: int) -> int:
    """Where the words that belong to a head begin."""
    for position in range(head - 1, floor - 1, -1):
        if tokens[position].word in _LINKS:
            return position + 1
        if tokens[position + 1].has_pause_before and position + 1 < head:
            return position + 1
    return floor


def _read_head(
    look: LookWords,
    tokens: Sequence[Token],
    heads: Sequence[Hit],
    modifiers: Sequence[Hit],
    first: int,
    head_start: int,
    head_end: int,
    inside: Sequence[Hit],
) -> None:
    word = tokens[head_start].word
    colour = _colour(look, modifiers, head_start)
    if word in _HAIR_WORDS:
        after = [h for h in inside if head_end <= h.start < head_end + 4]
        _read_hair(look, [*modifiers, *after], colour)
    elif word in _SKIN_WORDS:
        for position in range(first, head_start):
            look.skin = _SKIN_OF_WORD.get(tokens[position].word, look.skin)
            look.used.add(position)
    elif word in _SHOE_WORDS:
        look.shoes_colour = colour or look.shoes_colour
    for hit in heads:
        _wear(look, hit, colour)
    if any(hit.meaning.value in (Accessory.BEARD, Accessory.MOUSTACHE) for hit in heads):
        look.hair_colour = look.hair_colour or colour


def _wear(look: LookWords, hit: Hit, colour: str | None) -> None:
    if hit.meaning.kind is Kind.TOP:
        top = TopKind(hit.meaning.value)
        if look.top is None or _OUTERMOST.index(top) < _OUTERMOST.index(look.top):
            look.top, look.top_colour = top, colour
    elif hit.meaning.kind is Kind.BOTTOM:
        look.bottom = BottomKind(hit.meaning.value)
        look.bottom_colour = colour or look.bottom_colour
        if look.bottom is BottomKind.JEANS and look.bottom_colour in (None, "blue"):
            look.bottom_colour = "denim"
    elif hit.meaning.kind is Kind.ACCESSORY:
        accessory = Accessory(hit.meaning.value)
        look.accessories = tuple(dict.fromkeys((*look.accessories, accessory)))
        if accessory not in (Accessory.BEARD, Accessory.MOUSTACHE):
            look.accessory_colour = look.accessory_colour or colour


def _colour(look: LookWords, modifiers: Iterable[Hit], head_start: int) -> str | None:
    """The first colour before a head; "dark red" counts as one if the palette has it."""
    for hit in modifiers:
        if hit.meaning.kind is Kind.COLOUR and hit.start < head_start:
            look.used.update(range(hit.start, hit.end))
            return hit.meaning.value if hit.meaning.value in PALETTE else None
    return None


def _read_hair(look: LookWords, modifiers: Iterable[Hit], colour: str | None) -> None:
    # A shape says more than a length: "long curly hair" is drawn curly.
    plain = (HairStyle.SHORT, HairStyle.LONG)
    look.hair_colour = colour or look.hair_colour
    for hit in modifiers:
        if hit.meaning.kind is Kind.HAIR:
            style = HairStyle(hit.meaning.value)
            if look.hair_style in (None, *plain) or style not in plain:
                look.hair_style = style
            look.used.update(range(hit.start, hit.end))
        elif hit.meaning.kind is Kind.COLOUR and look.hair_colour is None:
            look.hair_colour = hit.meaning.value
            look.used.update(range(hit.start, hit.end))


def _read_lone_hair(look: LookWords, tokens: Sequence[Token], inside: Sequence[Hit]) -> None:
    """Hair that is named without the word hair: "a blonde bob", "bald"."""
    for hit in inside:
        if hit.meaning.kind is not Kind.HAIR or hit.start in look.used:
            continue
        if not set(_words(tokens, hit)) & _HAIR_THAT_STANDS_ALONE:
            continue
        look.hair_style = HairStyle(hit.meaning.value)
        look.used.update(range(hit.start, hit.end))
        before = [
            h
            for h in inside
            if h.meaning.kind is Kind.COLOUR and hit.start - 3 <= h.start < hit.start
        ]
        fresh = [h for h in before if h.start not in look.used]
        if fresh:
            look.hair_colour = fresh[-1].meaning.value
            look.used.update(range(fresh[-1].start, fresh[-1].end))


def _words(tokens: Sequence[Token], hit: Hit) -> list[str]:
    return [token.word for token in tokens[hit.start : hit.end]]
