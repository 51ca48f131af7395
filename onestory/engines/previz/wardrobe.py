"""
What does everybody in the caption wear?

    bible look            ─┐
    trade ("a nurse")     ─┼─ LookWords ── Look, the same in every take
    caption ("in a red …") ┘   (only for people whom the bible does not know)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from onestory.engines.previz.lexicon import Hit, Lexicon
from onestory.engines.previz.looks import LookWords, make_look, read_body, read_look
from onestory.engines.previz.people import Casting, Mention, Person, people_words
from onestory.engines.previz.words import Token, tokenise
from onestory.storyworld.kinds import Accessory
from onestory.storyworld.look import Look


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """The look of everybody, and what of the caption described it."""

    looks: dict[str, Look]
    """By the person's name."""
    used: frozenset[int]
    """Positions of the caption's words that describe looks."""


def dress(
    tokens: Sequence[Token], hits: Sequence[Hit], casting: Casting, lexicon: Lexicon
) -> Wardrobe:
    """
    Find everybody's look.

    Args:
        tokens: The caption's words.
        hits: Every phrase of it that means something.
        casting: Who is in it.
        lexicon: What words mean, for reading the bible's looks.

    Returns:
        Whole looks. Equal names and bible words give equal looks, whatever the take.
    """
    used: set[int] = set()
    for number, mention in enumerate(casting.mentions):
        end = _region_end(tokens, casting.mentions, number)
        said = read_look(tokens, hits, mention.start, end)
        strangers = [casting.person(n) for n in mention.names if casting.person(n).look is None]
        for person in strangers:
            person.words = said.over(person.words)
        if strangers:
            used.update(said.used)
    for person in casting.persons:
        if person.look is not None:
            continue
        for start, end in person.nouns:
            body = read_body(tokens, hits, start, end)
            person.words = person.words.over(body)
            used.update(body.used)
    looks = {person.name: look_of(person, lexicon) for person in casting.persons}
    return Wardrobe(looks, frozenset(used))


def look_of(person: Person, lexicon: Lexicon) -> Look:
    """The whole look of one person."""
    said = person.words if person.look is None else read_bible(person.look, lexicon)
    # Trades do not dress the bible's people: their look is written out.
    trade = people_words().trades.get(person.noun, "") if said.top is None else ""
    words = said.over(read_bible(trade, lexicon)) if trade else said
    words.feminine = person.feminine if person.feminine is not None else words.feminine
    if words.feminine is None and {Accessory.BEARD, Accessory.MOUSTACHE} & set(words.accessories):
        words.feminine = False
    if person.age is not None and words.age is None:
        words.age = person.age
    return make_look(words, person.name, person.look or person.noun)


def read_bible(text: str, lexicon: Lexicon) -> LookWords:
    """Read a bible noun phrase: "a young woman with short auburn hair and a mustard coat"."""
    tokens = tokenise(text)
    hits = lexicon.hits(tokens)
    look = read_look(tokens, hits, 0, len(tokens))
    return look.over(read_body(tokens, hits, 0, _body_end(tokens)))


def _body_end(tokens: Sequence[Token]) -> int:
    """Position after the noun that says what somebody is."""
    groups = people_words().group_of
    for position, token in enumerate(tokens):
        if token.word in ("with", "in", "wearing"):
            return position
        if token.word in groups and (
            position + 1 == len(tokens) or tokens[position + 1].word not in groups
        ):
            return position + 1
    return len(tokens)


def _region_end(tokens: Sequence[Token], mentions: Sequence[Mention], number: int) -> int:
    """Up to where the words after a mention may describe it: the next one, or the sentence."""
    here = mentions[number]
    later = mentions[number + 1].start if number + 1 < len(mentions) else len(tokens)
    sentence = tokens[here.start].sentence
    while later > here.end and tokens[later - 1].sentence != sentence:
        later -= 1
    return later
