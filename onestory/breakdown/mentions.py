"""
Who is meant by the words of an action line? Names and pronouns, in the order they stand.

    "Mara hands him the letter."  ->  name MARA · pronoun him
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from onestory.breakdown import vocabulary

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")
_TITLES = frozenset(("mr", "mrs", "ms", "dr", "miss", "old", "young", "the", "a", "an"))
_PRONOUNS = r"(?<!\w)(?P<pronoun>she|he|her|hers|his|him|they|them|their|the two|both)(?!\w)"
_CJK_PRONOUNS = r"(?P<cjk>她们|他们|她|他)"
_AFTER_OBJECT_WORDS = (
    "a an the to in on at from with and or by into as for up down away back out off over his her "
    "their its my your some that this across through while before after until again alone"
)
_AFTER_OBJECT = frozenset(_AFTER_OBJECT_WORDS.split())

Case = Literal["subject", "object", "possessive"]


class Mention(NamedTuple):
    """Words that mean somebody."""

    start: int
    end: int
    name: str | None
    """The character, if named."""
    pronoun: str | None
    """The pronoun in lower case, if it is one."""
    case: Case
    is_aside: bool = False
    """Whether a bracket with age or looks was swallowed with the name."""


def _forms(name: str) -> list[str]:
    """How a name may be written in an action line, as patterns."""
    name = re.sub(r"(?i)^(?:the|an?) (?=\S)", "", name)
    escaped = re.escape(name)
    if _CJK.search(name):
        return [escaped]
    forms = {name, name.upper(), name.title(), name.capitalize()}
    words = [word.casefold() for word in name.split()]
    patterns = [rf"(?:(?:the|The|THE)\s+)?{re.escape(form)}" for form in sorted(forms)]
    roles = {role for names in vocabulary.ROLES.values() for role in names}
    if words and words[-1] in roles:
        patterns.append(rf"(?:the|The|a|A|an|An)\s+{re.escape(name.lower())}")
    return [rf"(?<!\w){pattern}(?!\w)" for pattern in patterns]


def _first_names(names: Sequence[str]) -> dict[str, str]:
    """First names that mean one member of the cast only."""
    firsts: dict[str, list[str]] = {}
    for name in names:
        words = name.split()
        if (
            len(words) > 1
            and words[0].casefold().rstrip(".") not in _TITLES
            and not _CJK.search(name)
        ):
            firsts.setdefault(words[0].casefold(), []).append(name)
    taken = {name.casefold() for name in names}
    return {
        first: owners[0]
        for first, owners in firsts.items()
        if len(owners) == 1 and first not in taken
    }


class MentionFinder:
    """Finds the members of one cast in any text."""

    def __init__(self, names: Sequence[str]) -> None:
        self._owners = {name.casefold(): name for name in names} | _first_names(names)
        forms: list[tuple[str, str]] = []
        for spelling in sorted(self._owners, key=len, reverse=True):
            owner = self._owners[spelling]
            written = owner if owner.casefold() == spelling else owner.split()[0]
            forms.append((owner, "|".join(_forms(written))))
        self._groups = [owner for owner, _ in forms]
        named = "|".join(f"(?P<n{index}>{pattern})" for index, (_, pattern) in enumerate(forms))
        tail = r"(?P<aside>\s*\([^()\n]*\),?(?=\s|$))?(?P<own>['’]s?(?!\w))?"
        people = rf"(?:{named}){tail}|" if forms else ""
        self._pattern = re.compile(f"{people}(?i:{_PRONOUNS})|{_CJK_PRONOUNS}")

    def find(self, text: str) -> Iterator[Mention]:
        """Every mention in `text`, in order."""
        for found in self._pattern.finditer(text):
            pronoun = found["pronoun"] or found["cjk"]
            if pronoun:
                case = _case_of(pronoun.lower(), text[found.end() :])
                yield Mention(found.start(), found.end(), None, pronoun.lower(), case)
                continue
            groups = found.groupdict()
            name = next(n for i, n in enumerate(self._groups) if groups[f"n{i}"] is not None)
            case = "possessive" if groups["own"] else "subject"
            yield Mention(found.start(), found.end(), name, None, case, bool(groups["aside"]))

    def named_in(self, text: str) -> list[str]:
        """Names in `text`, each once, in order."""
        return list(dict.fromkeys(m.name for m in self.find(text) if m.name is not None))


def _case_of(pronoun: str, after: str) -> Case:
    if pronoun in ("his", "their", "hers"):
        return "possessive"
    if pronoun in ("him", "them"):
        return "object"
    if pronoun == "her":
        following = re.match(r"\s+([\w-]+)", after)
        is_object = following is None or following[1].lower() in _AFTER_OBJECT
        return "object" if is_object else "possessive"
    return "subject"
