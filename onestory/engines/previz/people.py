"""
Who is in the caption, and where does it speak of them?

    subjects of the recipe ─ their phrases and names ─┐
    "a weary fisherman", "two old friends"           ─┼─ Person ── Mention, Mention …
    "she", "the man", "one", "who"                   ─┘
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from onestory.engines.previz.lexicon import Hit, Kind, load_table
from onestory.engines.previz.looks import LookWords
from onestory.engines.previz.words import Token, word_set, words_of
from onestory.engines.recipe import Subject
from onestory.storyworld.kinds import Age

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "several": 3, "many": 3}
_DETERMINERS = word_set(
    """
    a an the his her their my our your its this that these those another one some
    """
)
_PLURALS = frozenset({"men", "women", "children", "people", "policemen", "firemen", "fishermen"})
_GENERIC = word_set(
    """
    man woman boy girl person figure lady gentleman teenager child
    """
)
_FEMININE = frozenset({"she", "her", "hers", "herself"})
_MASCULINE = frozenset({"he", "him", "his", "himself"})
_PLURAL_PRONOUNS = frozenset({"they", "them", "both"})
_SUBJECT_PRONOUNS = frozenset({"she", "he"})
_PLACE_PREPOSITIONS = frozenset({"in", "to", "from", "of", "near", "through", "across"})
_AWAY = frozenset({"to", "at", "for", "from", "like", "as"})
"""What makes "somebody" a person who need not be seen: "waves to somebody far below"."""
_MAX_PREMODIFIERS = 5


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens [start, end) that mean somebody."""

    start: int
    end: int
    names: tuple[str, ...]
    """Whom: one, or several for "two friends" and "they"."""
    is_possessive: bool = False
    """Whether it only says whose something is: "her coat", "the man's hat"."""


@dataclass(slots=True)
class Person:
    """Somebody who is seen."""

    name: str
    look: str | None = None
    """The bible's words; None for somebody whom only the caption knows."""
    noun: str = ""
    group: str = "person"
    """Section of `people.yaml`."""
    words: LookWords = field(default_factory=LookWords)
    """What the caption says of the looks of somebody whom the bible does not know."""
    nouns: list[tuple[int, int]] = field(default_factory=list)
    """Noun phrases, from determiner to noun, that the caption introduces this person by."""

    @property
    def feminine(self) -> bool | None:
        """What the noun says: True, False or nothing."""
        if self.group in ("woman", "girl", "old woman"):
            return True
        return False if self.group in ("man", "boy", "old man") else self.words.feminine

    @property
    def age(self) -> Age | None:
        """What the noun says of the age."""
        ages = {"girl": Age.CHILD, "boy": Age.CHILD, "child": Age.CHILD, "teen": Age.TEEN}
        return Age.ELDER if self.group.startswith("old ") else ages.get(self.group)


@dataclass(frozen=True, slots=True)
class PeopleWords:
    """The nouns that mean people."""

    group_of: Mapping[str, str]
    sizes: Mapping[str, int]
    trades: Mapping[str, str]


@lru_cache(maxsize=1)
def people_words() -> PeopleWords:
    """Read the nouns once."""
    table = load_table("people.yaml")
    sizes, trades = table.pop("groups"), table.pop("trades")
    group_of: dict[str, str] = {}
    for group, nouns in table.items():
        for noun in nouns:
            group_of.setdefault(noun.lower(), group)
    return PeopleWords(group_of, sizes, trades)


class Casting:
    """Finds the people of one caption; `persons` and `mentions` are the result, in order."""

    def __init__(
        self,
        tokens: Sequence[Token],
        hits: Sequence[Hit],
        subjects: Sequence[Subject],
        blocked: frozenset[int],
    ) -> None:
        """
        Read a caption.

        Args:
            tokens: The caption's words.
            hits: Every phrase of it that means something.
            subjects: Whom the recipe knows.
            blocked: Positions that describe the set and mean nobody.
        """
        self.tokens = tokens
        self.hits = hits
        self.persons: list[Person] = []
        self.mentions: list[Mention] = []
        self._taken = set(blocked)
        self._find_subjects(subjects)
        self._walk()
        known = [subject.name for subject in subjects]
        said = [name for mention in self.mentions for name in mention.names]
        order = {name: place for place, name in reversed(list(enumerate(said)))}
        self.persons.sort(key=lambda p: (order.get(p.name, len(said)), p.name not in known))

    def person(self, name: str) -> Person:
        """The person of that name."""
        return next(person for person in self.persons if person.name == name)

    # ── subjects of the recipe ────────────────────────────────────────────

    def _find_subjects(self, subjects: Sequence[Subject]) -> None:
        phrases: list[tuple[tuple[str, ...], Subject]] = []
        for subject in subjects:
            self._add_subject(subject)
            again = subject.phrase.replace("the same ", "the ", 1)
            for phrase in {subject.phrase, again, subject.name, subject.look}:
                phrases.append((words_of(phrase), subject))
        for words, subject in sorted(phrases, key=lambda pair: (-len(pair[0]), pair[0])):
            self._find_phrase(words, subject.name)
        self.mentions.sort(key=lambda mention: mention.start)

    def _add_subject(self, subject: Subject) -> None:
        if any(person.name == subject.name for person in self.persons):
            return
        words = people_words().group_of
        said = [w for text in (subject.look, subject.phrase) for w in words_of(text) if w in words]
        noun = said[0] if said else ""
        self.persons.append(
            Person(subject.name, subject.look or subject.phrase, noun, words.get(noun, "person"))
        )

    def _find_phrase(self, words: tuple[str, ...], name: str) -> None:
        if not words:
            return
        for start in range(len(self.tokens) - len(words) + 1):
            span = range(start, start + len(words))
            if self._taken.isdisjoint(span) and all(
                self.tokens[i].word == word for i, word in zip(span, words, strict=True)
            ):
                self._mention(start, start + len(words), (name,))

    def _mention(self, start: int, end: int, names: tuple[str, ...], own: bool = False) -> None:
        own = own or (end < len(self.tokens) and self.tokens[end].word == "'s")
        self.mentions.append(Mention(start, end + own if self._is_s(end) else end, names, own))
        self._taken.update(range(start, end))

    def _is_s(self, position: int) -> bool:
        return position < len(self.tokens) and self.tokens[position].word == "'s"

    # ── everybody else ────────────────────────────────────────────────────

    def _walk(self) -> None:
        position = 0
        while position < len(self.tokens):
            if position not in self._taken:
                self._read(position)
            position += 1
        self.mentions.sort(key=lambda mention: mention.start)

    def _read(self, position: int) -> None:
        token = self.tokens[position]
        size = people_words().sizes.get(token.word)
        noun = self._noun_at(position)
        if token.word in _FEMININE | _MASCULINE:
            self._read_pronoun(position)
        elif token.word in _PLURAL_PRONOUNS:
            names = tuple(person.name for person in self._before(position))
            if len(names) > 1:
                self._mention(position, position + 1, names)
        elif token.word in ("one", "other", "another") and self._is_bare(position):
            self._read_one(position, 0 if token.word == "one" else 1)
        elif size and not self._is_s(position + 1):
            self._read_noun(position, token.word, "person", size)
        elif noun and not self._is_s(position + 1) and not self._is_in_compound(position):
            self._read_noun(position, noun, people_words().group_of[noun], self._count(position))
        elif self._is_name(position):
            self._read_name(position)

    def _noun_at(self, position: int) -> str | None:
        groups = people_words().group_of
        for form in self.tokens[position].bases:
            group = groups.get(form, "nobody")
            if group == "somebody" and position and self.tokens[position - 1].word in _AWAY:
                continue
            if group not in ("nobody", "crowd"):
                return form
        return None

    def _is_in_compound(self, position: int) -> bool:
        """Whether a noun only belongs to a longer phrase ("police officer")."""
        following = position + 1
        if following < len(self.tokens) and not self.tokens[following].has_pause_before:
            is_next_noun = self._noun_at(following) and not self._is_s(following + 1)
            # "guards", "cooks" and "judges" after a person are what that person does.
            if is_next_noun and self.tokens[following].word == self._noun_at(following):
                return True
        before = self.tokens[position - 1].word if position else ""
        longer = any(
            hit.start <= position < hit.end
            and hit.end - hit.start > 1
            and hit.meaning.kind in (Kind.PLACE, Kind.PROP, Kind.TOP, Kind.ACCESSORY, Kind.FRAMING)
            for hit in self.hits
        )
        return longer or (before == "to" and self._is_verb(position)) or self._acts(position)

    def _is_verb(self, position: int) -> bool:
        return any(h.start == position and h.meaning.kind is Kind.ACTION for h in self.hits)

    def _acts(self, position: int) -> bool:
        """Whether the word is a deed of the person right before it: "the woman cooks"."""
        follows = any(mention.end == position for mention in self.mentions)
        return follows and self._is_verb(position) and not self.tokens[position].has_pause_before

    def _count(self, position: int) -> int:
        token = self.tokens[position]
        for back in range(position - 1, max(-1, position - 1 - _MAX_PREMODIFIERS), -1):
            if self.tokens[back].sentence != token.sentence:
                break
            if self.tokens[back].word in _NUMBERS:
                return _NUMBERS[self.tokens[back].word]
            if self.tokens[back].word in ("a", "an"):
                return 1
        noun = self._noun_at(position)
        is_plural = token.word in _PLURALS or (token.word.endswith("s") and token.word != noun)
        return 2 if is_plural else 1

    def _first_of_phrase(self, position: int) -> int:
        """Where the noun phrase that ends in the noun at `position` begins."""
        start = position
        for back in range(position - 1, max(-1, position - 1 - _MAX_PREMODIFIERS), -1):
            token = self.tokens[back]
            if back in self._taken or token.sentence != self.tokens[position].sentence:
                break
            if self.tokens[back + 1].has_pause_before and token.word not in _DETERMINERS:
                is_listed = any(h.start == back and h.meaning.kind in _BODILY for h in self.hits)
                if not is_listed:
                    break
            if token.word in _DETERMINERS or token.word in _NUMBERS:
                return back
            if token.word in _NO_MODIFIERS or (back > 0 and token.word == "'s"):
                break
            start = back
        return start

    def _read_noun(self, position: int, noun: str, group: str, count: int) -> None:
        start = self._first_of_phrase(position)
        opener = self.tokens[start].word
        is_definite = opener in ("the", "that", "this") or "same" in self._span(start, position)
        same = self._same_as(noun, group, position) if is_definite and count == 1 else None
        same = same or self._apposed_to(start, noun, group)
        if same is not None:
            same.nouns.append((start, position + 1))
            if same.look is None and same.group == "person":
                same.group = group
            self._mention(start, position + 1, (same.name,))
            return
        names = []
        for _ in range(count):
            name = self._fresh_name(noun)
            person = Person(name, None, noun, group)
            person.nouns.append((start, position + 1))
            self.persons.append(person)
            names.append(name)
        self._mention(start, position + 1, tuple(names))

    def _span(self, start: int, end: int) -> list[str]:
        return [token.word for token in self.tokens[start:end]]

    def _fresh_name(self, noun: str) -> str:
        taken = {person.name for person in self.persons}
        number = 2
        name = noun
        while name in taken:
            name, number = f"{noun} {number}", number + 1
        return name

    def _before(self, position: int) -> list[Person]:
        """People spoken of before `position`, the latest last."""
        said: list[str] = []
        for mention in sorted(self.mentions, key=lambda mention: mention.start):
            if mention.start < position:
                said = [name for name in said if name not in mention.names] + [*mention.names]
        return [self.person(name) for name in said]

    def _same_as(self, noun: str, group: str, position: int) -> Person | None:
        """Whom "the man" means, if somebody spoken of before is one."""
        for person in reversed(self._before(position)):
            if person.noun == noun:
                return person
        if noun not in _GENERIC:
            return None
        wanted = Person("", None, noun, group)
        for person in reversed(self._before(position)):
            is_same_sex = person.feminine is not None and person.feminine == wanted.feminine
            if is_same_sex and (person.age == wanted.age or person.look is not None):
                return person
        return None

    def _apposed_to(self, start: int, noun: str, group: str) -> Person | None:
        """Whom ", a tall man" describes further: "the detective, a tall man in a coat"."""
        if noun not in _GENERIC or not start or not self.tokens[start].has_pause_before:
            return None
        if self.tokens[start].word not in ("a", "an"):
            return None
        ended = [mention for mention in self.mentions if mention.end == start]
        if not ended or len(ended[-1].names) > 1:
            return None
        person = self.person(ended[-1].names[0])
        wanted = Person("", None, noun, group).feminine
        if person.noun in _GENERIC:
            return None
        clashes = None not in (person.feminine, wanted) and person.feminine != wanted
        return None if clashes else person

    # ── pronouns and names ────────────────────────────────────────────────

    def _read_pronoun(self, position: int) -> None:
        word = self.tokens[position].word
        is_own = word in ("his", "hers") or (word == "her" and self._owns(position))
        feminine = word in _FEMININE
        fits = [p for p in self._before(position) if p.feminine in (None, feminine)]
        sure = [person for person in fits if person.feminine is not None]
        best = sure or fits
        person = best[-1] if best else None
        if person is None:
            absent = [p for p in self.persons if p.look is not None and p.feminine == feminine]
            person = absent[0] if absent else None
        if person is None and (word in _SUBJECT_PRONOUNS or not is_own):
            person = Person(self._fresh_name("woman" if feminine else "man"))
            self.persons.append(person)
        if person is None:
            return
        if person.look is None and person.feminine is None:
            person.words.feminine = feminine
        self._mention(position, position + 1, (person.name,), own=is_own)

    def _owns(self, position: int) -> bool:
        """Whether "her" says whose: something that can be had follows."""
        if position + 1 >= len(self.tokens):
            return False
        following = self.tokens[position + 1]
        if following.is_first or following.has_pause_before or following.word in _NO_MODIFIERS:
            return False
        return not following.word.endswith("ly")

    def _is_bare(self, position: int) -> bool:
        """Whether "one" stands alone: "one in a crimson coat"."""
        following = self.tokens[position + 1].word if position + 1 < len(self.tokens) else ""
        return following in ("in", "with", "wearing", "of") and len(self._before(position)) > 1

    def _read_one(self, position: int, index: int) -> None:
        groups = [m.names for m in self.mentions if m.start < position and len(m.names) > 1]
        if groups:
            self._mention(position, position + 1, (groups[-1][min(index, 1)],))

    def _is_name(self, position: int) -> bool:
        token = self.tokens[position]
        before = self.tokens[position - 1].word if position else ""
        if not token.is_capitalised or before in _PLACE_PREPOSITIONS or len(token.word) < 2:
            return False
        if token.text.isupper() or any(h.start <= position < h.end for h in self.hits):
            return False
        return len(self.persons) < 3 and not self._is_s(position + 1)

    def _read_name(self, position: int) -> None:
        text = self.tokens[position].text
        if all(person.name != text for person in self.persons):
            self.persons.append(Person(text))
        self._mention(position, position + 1, (text,))


_BODILY = (Kind.AGE, Kind.BUILD, Kind.EMOTION, Kind.COLOUR)
_NO_MODIFIERS = word_set(
    """
    in on at of by with to from into and or but as while when where who whose which is are was
    were be has have had then for past near over under through across along up down beside
    behind before after around toward towards
    """
)
"""Words at which a noun phrase cannot go on."""
