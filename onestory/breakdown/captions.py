"""
What does the model read? Framing, light, place, and who does what, with no name left in.

    first time   Wide shot, night: in a narrow street with blue shop fronts, a young woman with
                 short auburn hair and a mustard coat walks home.
    later        Close-up, night: in the same street, the same woman reads a letter.

Every phrase that means somebody or the place is kept as a `Reference`.
"""

import re
from dataclasses import dataclass, field

from onestory.breakdown import vocabulary
from onestory.breakdown.bible import Bible
from onestory.breakdown.mentions import Mention, MentionFinder
from onestory.screenplay.episode import CastMember, Reference, SetDesign

_SHE = frozenset(("woman", "girl", "person"))
_HE = frozenset(("man", "boy", "person"))


@dataclass
class Draft:
    """A caption while it is written."""

    references: list[Reference] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    """Who was spoken of so far, in order."""
    prologue: list[str] = field(default_factory=list)
    """Looks that must be said before the sentence, for want of a place in it."""

    def refer(self, phrase: str, name: str) -> str:
        """Note that `phrase` means `name`."""
        reference = Reference(phrase=phrase, name=name)
        if reference not in self.references:
            self.references.append(reference)
        return phrase


class CaptionWriter:
    """Writes the captions of one episode in story order, remembering who was introduced."""

    def __init__(self, bible: Bible) -> None:
        self.members = {member.name: member for member in bible.cast}
        self.designs = {design.name.casefold(): design for design in bible.sets}
        self.finder = MentionFinder([m.name for m in bible.cast if m.kind != "narrator"])
        self.introduced: set[str] = set()
        self.recent: list[str] = []
        """Whom the script spoke of, the latest last."""

    def design(self, set_name: str) -> SetDesign:
        """The set of a scene."""
        return self.designs[set_name.casefold()]

    def is_new(self, set_name: str) -> bool:
        """Whether no shot has shown the set yet."""
        return self.design(set_name).name not in self.introduced

    # ── people ────────────────────────────────────────────────────────────

    def person(self, draft: Draft, name: str, *, case: str = "subject", opens: bool = False) -> str:
        """The words for somebody at this place of the caption; `opens` if a sentence begins."""
        member = self.members[name]
        is_again = name in draft.people
        if not is_again:
            draft.people.append(name)
        if name in self.introduced:
            phrase = member.reference
        elif not is_again and case != "possessive":
            phrase = member.look
        else:
            if not is_again:
                draft.prologue.append(draft.refer(_capital(member.look), name))
            phrase = _again(member)
        if is_again:
            phrase = _again(member)
        phrase = draft.refer(_capital(phrase) if opens else phrase, name)
        return f"{phrase}'s" if case == "possessive" else phrase

    def resolve(self, draft: Draft, text: str, *, is_quiet: bool = False) -> str:
        """Put words for names and far pronouns; `is_quiet` lowers shouted words between them."""
        between = _quiet if is_quiet else str
        written, position = "", 0
        for mention in self.finder.find(text):
            words = self._words(
                draft, mention, text, opens=_opens(written + text[position : mention.start])
            )
            if words is None:
                continue
            written += between(text[position : mention.start])
            wide = bool(written) and not written[-1].isascii()
            after = text[mention.end : mention.end + 1]
            tail = " " if after and not after.isascii() and after.isalnum() else ""
            written += (" " if wide else "") + words + tail
            position = mention.end
        return written + between(text[position:])

    def _words(self, draft: Draft, mention: Mention, text: str, *, opens: bool) -> str | None:
        if mention.name is not None:
            self._spoke_of(mention.name)
            return self.person(draft, mention.name, case=mention.case, opens=opens)
        names = self._antecedents(draft, mention.pronoun or "")
        if not names or all(name in draft.people for name in names):
            return None
        phrases = [
            self.person(draft, name, case="subject", opens=opens and index == 0)
            for index, name in enumerate(names)
        ]
        joined = " and ".join(phrases)
        return f"{joined}'s" if mention.case == "possessive" else joined

    def _spoke_of(self, name: str) -> None:
        self.recent = [other for other in self.recent if other != name] + [name]

    def _antecedents(self, draft: Draft, pronoun: str) -> list[str]:
        """Whom a pronoun means: somebody of this caption if possible, else of the scene."""
        if pronoun in ("they", "them", "their", "the two", "both", "他们", "她们"):
            people = draft.people if len(draft.people) > 1 else self.recent
            return people[-2:] if len(people) > 1 else []
        kinds = _SHE if pronoun in ("she", "her", "hers", "她") else _HE
        for people in (draft.people, self.recent):
            for name in reversed(people):
                if self.members[name].kind in kinds:
                    return [name]
        return []

    # ── whole captions ────────────────────────────────────────────────────

    def place(self, draft: Draft, set_name: str) -> str:
        """`in the same street`, or the street described."""
        design = self.design(set_name)
        phrase = design.look if self.is_new(set_name) else design.reference
        noun = design.reference.rsplit(" ", 1)[-1]
        preposition = "on" if noun in vocabulary.ON_PLACES else "in"
        return f"{preposition} {draft.refer(phrase, design.name)}"

    def body_of_action(self, draft: Draft, text: str) -> str:
        """What happens, ready to follow a place and a comma."""
        text = " ".join(text.split())
        text = re.sub(r"^(?:INSERT|CLOSE ON|ANGLE ON|CLOSE UP|WIDE ON)\s*[:–—-]*\s*", "", text)
        spoken = self.resolve(draft, _without_asides(text, self.finder), is_quiet=True)
        if draft.prologue:
            seen = " ".join(f"{look} is here." for look in draft.prologue)
            draft.prologue = []
            return f"{seen} {_capital(spoken)}" if spoken else seen
        return _lower_first(spoken)

    def compose(self, draft: Draft, head: str, set_name: str, body: str) -> str:
        """
        Put a caption together and count everybody in it as introduced.

        Args:
            draft: What was noted while the body was written.
            head: Framing, move, light and weather.
            set_name: Where it plays.
            body: Who does what.

        Returns:
            The caption, with a full stop.
        """
        where = self.place(draft, set_name)
        is_sentence = body[:1].isupper() and any(
            body.startswith(r.phrase) for r in draft.references
        )
        caption = f"{head}: {where}. {body}" if is_sentence else f"{head}: {where}, {body}"
        self.introduced.update(reference.name for reference in draft.references)
        caption = _capital(caption).rstrip()
        # A phrase may have come to stand at the beginning of a sentence.
        spelt = [(p, r.name) for r in draft.references for p in (r.phrase, _capital(r.phrase))]
        draft.references = []
        for phrase, name in spelt:
            if phrase in caption:
                draft.refer(phrase, name)
        return caption if re.search(r"[.!?…。！？\"”]$", caption) else f"{caption}."


def _again(member: CastMember) -> str:
    return member.reference.replace("the same ", "the ", 1)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _opens(before: str) -> bool:
    """Whether a sentence begins after these words (the first one follows a comma)."""
    return bool(re.search(r"[.!?…。！？][\"”']?\s*$", before))


def _lower_first(text: str) -> str:
    first = re.match(r"[^\W\d_]+", text)
    if (
        first is None
        or (len(first.group()) > 1 and first.group().isupper())
        or text.startswith("I ")
    ):
        return text
    return text[0].lower() + text[1:]


def _quiet(text: str) -> str:
    """Shouted words (sounds, props) in lower case."""
    return re.sub(r"(?<!\w)[A-Z][A-Z'’-]{3,}(?!\w)", lambda found: found.group().lower(), text)


def _without_asides(text: str, finder: MentionFinder) -> str:
    """Drop the brackets in which a script introduces somebody."""
    for mention in reversed(list(finder.find(text))):
        if mention.is_aside:
            words = text[mention.start : mention.end]
            bare = re.sub(r"\s*\([^()]*\),?", "", words)
            text = text[: mention.start] + bare + text[mention.end :]
    return text
