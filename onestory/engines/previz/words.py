"""
Where does a word begin, and what is its base form?

    "Close-up: the fisherman's hands" ── close · up · the · fisherman · 's · hands

Hyphens part words, so that "close-up" and "close up" are one and the same.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_PIECE = re.compile(r"[^\W_]+|['’]s\b|['’](?:t|re|ve|ll|d|m)\b|[.!?…;:,()\"“”—–]|\n")

_SENTENCE_ENDS = frozenset(".!?…;:\n")
_PAUSES = frozenset(',()"“”—–')

_IRREGULAR = {
    line.split()[0]: tuple(line.split()[1:])
    for line in """
    sat sit|stood stand|ran run|wept weep|held hold|gave give|took take|fell fall|slept sleep
    spoke speak|said say|told tell|knelt kneel|wrote write|ate eat|drank drink|left leave
    went go|lit light|came come|caught catch|threw throw|sang sing|saw see|rode ride|drove drive
    brought bring|bought buy|sold sell|fought fight|struck strike|shook shake|rose rise|hid hide
    hung hang|woke wake|lay lie|lying lie|dying die|tying tie|made make|met meet|read read
    broke break|drew draw|swam swim|swung swing|spun spin|sprang spring|fled flee|crept creep
    leapt leap|felt feel|heard hear|found find|kept keep|led lead|paid pay|shot shoot
    won win|wore wear|men man|women woman|children child|feet foot|knives knife|wives wife
    thieves thief|leaves leave leaf|scarves scarf|loaves loaf|selves self|wolves wolf|teeth tooth
    policemen policeman|policewomen policewoman|firemen fireman|fishermen fisherman|dug dig
    businessmen businessman|businesswomen businesswoman|flung fling|slid slide|stuck stick
    grown grown|worn wear|given give|taken take|fallen fall|spoken speak|written write|shaken shake
    drunk drunk drink|eaten eat|hidden hide|asleep asleep|glasses glasses glass|stung sting
    """.replace("\n", "|").split("|")
    if line.strip()
}
"""Base forms that no rule finds, dearest first."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text."""

    text: str
    """As written."""
    word: str
    """Lower case, plain apostrophes."""
    sentence: int
    """Which sentence it stands in, from 0."""
    is_first: bool
    """Whether it opens its sentence."""
    has_pause_before: bool
    """Whether a comma, a dash or a bracket stands right before it."""

    @property
    def is_capitalised(self) -> bool:
        """Whether it looks like a name: a capital that no sentence start explains."""
        return self.text[:1].isupper() and not self.is_first

    @property
    def bases(self) -> tuple[str, ...]:
        """Forms under which a word list may hold it; the word itself first."""
        return base_forms(self.word)


def tokenise(text: str) -> tuple[Token, ...]:
    """Cut a text into words, in order; punctuation survives as sentences and pauses."""
    tokens: list[Token] = []
    sentence, is_first, has_pause = 0, True, False
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece in _SENTENCE_ENDS:
            sentence, is_first, has_pause = sentence + (not is_first), True, False
        elif piece in _PAUSES:
            has_pause = True
        else:
            word = piece.lower().replace("’", "'")
            tokens.append(Token(piece, word, sentence, is_first, has_pause))
            is_first, has_pause = False, False
    return tuple(tokens)


def word_set(words: str) -> frozenset[str]:
    """A set of words that are written as a text."""
    return frozenset(words.split())


def words_of(phrase: str) -> tuple[str, ...]:
    """The lower-case words of a phrase, cut as `tokenise` cuts a text."""
    return tuple(token.word for token in tokenise(phrase))


@lru_cache(maxsize=4096)
def base_forms(word: str) -> tuple[str, ...]:
    """
    Guess the base forms of an inflected word.

    Args:
        word: One lower-case word.

    Returns:
        The word itself, then every form that the endings -s, -ed, -ing, -er and -ly allow, without
        repeats. Most are no words at all; only a word list can tell.
    """
    forms = [word, *_IRREGULAR.get(word, ())]
    if len(word) > 3:
        forms += _without_s(word)
    for ending in ("ed", "ing"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            forms += _stems(word[: -len(ending)])
    if word.endswith("ied") and len(word) > 4:
        forms.append(word[:-3] + "y")
    return tuple(dict.fromkeys(forms))


def _without_s(word: str) -> list[str]:
    if word.endswith("ies"):
        return [word[:-3] + "y", word[:-1]]
    if word.endswith("ves"):
        return [word[:-1], word[:-3] + "f"]
    if word.endswith(("ses", "shes", "ches", "xes", "zes", "oes")):
        return [word[:-2], word[:-1]]
    if word.endswith("s") and not word.endswith(("ss", "us")):
        return [word[:-1]]
    return []


def _stems(stem: str) -> list[str]:
    stems = [stem, stem + "e"]
    if len(stem) > 2 and stem[-1] == stem[-2]:
        stems.append(stem[:-1])
    return stems
