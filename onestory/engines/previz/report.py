"""
How well was the caption understood? Every word that carries meaning is accounted for.

    known to StoryWorld        counted
    a neighbour is drawn       counted, and listed in `mapped`
    nothing near enough drawn  counted, and listed in `unknown`
    known, but not drawn here  counted, and a remark
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from onestory.engines.previz.lexicon import Hit, Kind, load_table
from onestory.engines.previz.people import people_words
from onestory.engines.previz.words import Token, word_set
from onestory.engines.take import CaptionReport

_PLAIN_PEOPLE = word_set(
    """
    man woman boy girl person child
    """
)
_LOOK_KINDS = (
    Kind.HAIR,
    Kind.TOP,
    Kind.BOTTOM,
    Kind.ACCESSORY,
    Kind.COLOUR,
    Kind.AGE,
    Kind.BUILD,
)


@lru_cache(maxsize=1)
def stopwords() -> frozenset[str]:
    """Words that carry no meaning of their own for a picture."""
    table = load_table("stopwords.yaml")
    return frozenset(word for words in table.values() for word in words)


@lru_cache(maxsize=1)
def grammar_words() -> frozenset[str]:
    """Stop words that never mean anything else either, unless inside a longer phrase."""
    return frozenset(load_table("stopwords.yaml")["grammar"])


@lru_cache(maxsize=1)
def camera_words() -> frozenset[str]:
    """Words of the trade, "shot" and "film", which nobody in the picture does."""
    return frozenset(load_table("stopwords.yaml")["camera"])


@dataclass(frozen=True, slots=True)
class Accounts:
    """What became of the words of one text."""

    tokens: Sequence[Token]
    hits: Sequence[Hit]
    named: Collection[int]
    """Positions that name or refer to somebody or the set."""
    drawn: Collection[tuple[int, Kind]]
    """Where a phrase was used, as what."""
    corrected: Sequence[tuple[str, str]]
    """(word, known word that it was taken for)."""
    extra_known: Collection[str] = ()
    """Words that were understood without the lexicon: shoes, skin, height."""


def report_of(accounts: Sequence[Accounts]) -> tuple[CaptionReport, tuple[str, ...]]:
    """
    Account for every word of the caption and of the looks.

    Args:
        accounts: One for each text that was read, the caption first.

    Returns:
        The report, and remarks on words that were understood but are not in the picture.
    """
    num_words = 0
    unknown: list[str] = []
    mapped: list[tuple[str, str]] = []
    idle: list[str] = []
    for account in accounts:
        mapped.extend(account.corrected)
        for position, token in enumerate(account.tokens):
            if not _is_meaningful(account, position):
                continue
            num_words += 1
            found = [hit for hit in account.hits if hit.start <= position < hit.end]
            noun = _person_noun(token)
            if position in account.named and not noun:
                continue
            if noun and not _is_drawn(account, found):
                if noun not in _PLAIN_PEOPLE:
                    mapped.append((token.word, people_words().group_of[noun]))
            elif found:
                _account_for(account, found, unknown, mapped, idle)
            elif token.word not in account.extra_known:
                unknown.append(token.word)
    remarks = (f"Understood but not drawn: {', '.join(dict.fromkeys(idle))}.",) if idle else ()
    report = CaptionReport(
        num_words=num_words,
        unknown=tuple(dict.fromkeys(unknown)),
        mapped=tuple(dict.fromkeys(mapped)),
    )
    return report, remarks


def _account_for(
    account: Accounts,
    found: Sequence[Hit],
    unknown: list[str],
    mapped: list[tuple[str, str]],
    idle: list[str],
) -> None:
    used = [hit for hit in found if (hit.start, hit.meaning.kind) in account.drawn]
    hit = min(used or found, key=lambda hit: not hit.meaning.is_known)
    phrase = " ".join(token.word for token in account.tokens[hit.start : hit.end])
    if not used and not hit.meaning.is_known:
        unknown.append(phrase)
    elif not used:
        idle.append(phrase)
    elif not hit.meaning.is_known:
        mapped.append((phrase, hit.meaning.value))


def _is_drawn(account: Accounts, found: Sequence[Hit]) -> bool:
    return any((hit.start, hit.meaning.kind) in account.drawn for hit in found)


def _is_meaningful(account: Accounts, position: int) -> bool:
    token = account.tokens[position]
    if len(token.word) < 2 or token.word.startswith("'") or token.word.isdigit():
        return False
    if token.word in stopwords():
        return any(
            hit.start == position and (hit.start, hit.meaning.kind) in account.drawn
            for hit in account.hits
        )
    return not (token.word.endswith("ly") and token.word[:-2] in stopwords())


def _person_noun(token: Token) -> str | None:
    groups = people_words().group_of
    return next((f for f in token.bases if groups.get(f, "nobody") != "nobody"), None)


def look_drawn(hits: Sequence[Hit], used: Collection[int]) -> set[tuple[int, Kind]]:
    """Which phrases about looks were used, given the positions that were."""
    return {
        (hit.start, hit.meaning.kind)
        for hit in hits
        if hit.meaning.kind in _LOOK_KINDS and hit.start in used
    }
