"""
Who does what, to whom, with what?

    "The baker hands a loaf to the girl, who smiles"
     agent ─┘    └ action └ prop     └ target └ agent of the next verb

A verb's agent is the person of its own clause; a clause without one goes on with the agent of
the verb before ("… and walks away"); a clause about a thing ("fog rolls in") has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from onestory.engines.previz.lexicon import Hit, Kind
from onestory.engines.previz.people import Casting, Mention
from onestory.engines.previz.words import Token, word_set
from onestory.storyworld.kinds import Action, PropKind

_BOUNDARIES = word_set(
    """
    while when where as and but then who which that before after until
    """
)
_RELATIVES = frozenset({"who", "which", "that"})
_DETERMINERS = word_set(
    """
    a an the his her their my your its this that these those no some of 's
    """
)
_LIGHT_VERBS = word_set(
    """
    give gives gave giving have has having take takes took taking share shares do does did let
    lets make makes goes go for in on into
    """
)
_AUXILIARIES = word_set(
    """
    is are was were be been being gets get
    """
)
_MUTUAL_OBJECTS = frozenset({"other", "another"})
_FINITE_ENDINGS = ("s", "ed")
_LOOKS = word_set(
    """
    look stare gaze glance study examine inspect watch regard check scroll light smoke
    """
)
"""Verbs that mean handling the thing that they are followed by: "looks at his phone"."""
_HANDLED = {
    PropKind.PHONE: Action.PHONE,
    PropKind.LETTER: Action.READ,
    PropKind.BOOK: Action.READ,
    PropKind.NEWSPAPER: Action.READ,
    PropKind.MAP: Action.READ,
    PropKind.NOTEBOOK: Action.READ,
}
_THINGS = word_set(
    """
    fog mist snow rain light sun moon wind smoke music
    """
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One verb, and who has to do with it."""

    start: int
    end: int
    """The verb's tokens; its objects follow up to the next deed."""
    action: Action
    agents: tuple[str, ...]
    targets: tuple[str, ...] = ()
    prop: PropKind | None = None


class DeedReader:
    """Reads the deeds of one caption, in order."""

    def __init__(
        self,
        tokens: Sequence[Token],
        hits: Sequence[Hit],
        casting: Casting,
        blocked: frozenset[int],
    ) -> None:
        """
        Prepare to read.

        Args:
            tokens: The caption's words.
            hits: Every phrase of it that means something.
            casting: Who is in it.
            blocked: Positions that cannot act: names, looks, the set.
        """
        self.tokens = tokens
        self.hits = hits
        self.casting = casting
        self.blocked = blocked
        self.mentions = [m for m in casting.mentions if not m.is_possessive]

    def read(self) -> tuple[Deed, ...]:
        """Every deed of somebody in the caption, in order."""
        verbs = [hit for hit in self.hits if hit.meaning.kind is Kind.ACTION and self._is_verb(hit)]
        verbs = [verb for verb in verbs if not self._is_only_light(verb, verbs)]
        deeds: list[Deed] = []
        for number, verb in enumerate(verbs):
            agents = self._agents(verb, deeds)
            if not agents:
                continue
            later = [other.start for other in verbs[number + 1 :]]
            end = min([*later[:1], self._sentence_end(verb.start)])
            deeds.append(self._deed(verb, agents, end))
        return tuple(deeds)

    # ── which words are verbs ─────────────────────────────────────────────

    def _is_verb(self, hit: Hit) -> bool:
        if not self.blocked.isdisjoint(range(hit.start, hit.end)):
            return False
        before = self._word(hit.start - 1) if not self.tokens[hit.start].is_first else ""
        if before in _LIGHT_VERBS - _AUXILIARIES and before in ("in", "on", "into", "for"):
            return self.tokens[hit.start].word in ("tears", "asleep")
        if before in _DETERMINERS or self._is_after_adjective(hit.start):
            return any(
                self._word(back) in _LIGHT_VERBS for back in range(hit.start - 4, hit.start)
            ) and not self._has_other_noun(hit)
        return True

    def _is_only_light(self, verb: Hit, verbs: Sequence[Hit]) -> bool:
        """Whether the verb only carries a deed that is told as a noun: "gives him a hug"."""
        return self._word(verb.start) in _LIGHT_VERBS and any(
            verb.end < noun.start <= verb.end + 3 and self._word(noun.start - 1) in _DETERMINERS
            for noun in verbs
        )

    def _has_other_noun(self, hit: Hit) -> bool:
        """Whether the word is at least as much a thing: "takes the watch"."""
        return any(
            h.start == hit.start and h.meaning.kind in (Kind.PROP, Kind.ACCESSORY, Kind.PLACE)
            for h in self.hits
        )

    def _is_after_adjective(self, position: int) -> bool:
        """Whether "the pouring" or "a long" comes before, so that this is a noun."""
        is_after_person = any(mention.end == position for mention in self.casting.mentions)
        if position < 2 or self.tokens[position].is_first or is_after_person:
            return False
        adjectives = (Kind.COLOUR, Kind.AGE, Kind.BUILD, Kind.HAIR, Kind.EMOTION)
        is_adjective = any(h.end == position and h.meaning.kind in adjectives for h in self.hits)
        return is_adjective and self._word(position - 2) in _DETERMINERS

    def _word(self, position: int) -> str:
        return self.tokens[position].word if 0 <= position < len(self.tokens) else ""

    def _sentence_end(self, position: int) -> int:
        sentence = self.tokens[position].sentence
        return max(i for i, token in enumerate(self.tokens) if token.sentence == sentence) + 1

    # ── agents ────────────────────────────────────────────────────────────

    def _agents(self, verb: Hit, deeds: Sequence[Deed]) -> tuple[str, ...]:
        start = self._clause_start(verb.start)
        inside = [m for m in self.mentions if start <= m.start and m.end <= verb.start]
        if inside:
            agents = self._joined(inside[0] if self._spans(start, inside) else inside[-1])
            return self._or_passive(verb, agents)
        if self._word(start - 1) in _RELATIVES or self._word(start) in _RELATIVES:
            return self._nearest(verb.start)
        if self._is_about_a_thing(start, verb.start):
            return ()
        same_sentence = [
            d for d in deeds if self.tokens[d.start].sentence == self.tokens[verb.start].sentence
        ]
        if same_sentence:
            return same_sentence[-1].agents
        return self._nearest(verb.start) or self._next(verb.start)

    def _spans(self, start: int, inside: Sequence[Mention]) -> bool:
        """Whether no verb stands between the first and the last of several mentions."""
        return bool(inside) and start <= inside[0].start

    def _clause_start(self, position: int) -> int:
        for back in range(position, 0, -1):
            token = self.tokens[back]
            if token.is_first or (token.has_pause_before and not self._is_list_pause(back)):
                return back
            if self._word(back - 1) in _BOUNDARIES and back - 1 not in self.blocked:
                return back
        return 0

    def _is_list_pause(self, position: int) -> bool:
        """Whether the comma here only parts the things that somebody wears."""
        return position in self.blocked and position - 1 in self.blocked

    def _joined(self, mention: Mention) -> tuple[str, ...]:
        """A mention with those before it: "Mara and Tom", "a man, a woman and a girl"."""
        names = list(mention.names)
        first = mention.start
        for other in reversed([m for m in self.mentions if m.end <= first]):
            gap = [self._word(i) for i in range(other.end, first) if i not in self.blocked]
            is_near = gap in (["and"], ["with"]) or (
                not gap and self.tokens[first].has_pause_before
            )
            if not is_near or self.tokens[other.start].sentence != self.tokens[first].sentence:
                break
            names = [*other.names, *names]
            first = other.start
        return tuple(dict.fromkeys(names))

    def _or_passive(self, verb: Hit, agents: tuple[str, ...]) -> tuple[str, ...]:
        if self._word(verb.start - 1) in _AUXILIARIES and self._word(verb.end) == "by":
            behind = [m for m in self.mentions if m.start == verb.end + 1]
            if behind:
                return behind[0].names
        return agents

    def _is_about_a_thing(self, start: int, end: int) -> bool:
        """Whether the clause has a subject, but nobody: "fog rolls in", "plates fly"."""
        for position in range(start, end):
            word = self._word(position)
            if position in self.blocked or word in _AUXILIARIES | _DETERMINERS | _BOUNDARIES:
                continue
            if word.endswith("ly") or len(word) < 3:
                continue
            named = [h for h in self.hits if h.start <= position < h.end]
            things = (Kind.WEATHER, Kind.PROP, Kind.LIGHT)
            if word in _THINGS or any(h.meaning.kind in things for h in named):
                return self._opens(position, start)
            if not named and self._word(start) not in _PREPOSITIONS:
                return self._opens(position, start) and position == end - 1
        return False

    def _opens(self, position: int, start: int) -> bool:
        """Whether only articles and adjectives stand between the clause's start and here."""
        return not any(self._word(i) in _PREPOSITIONS for i in range(start, position))

    def _nearest(self, position: int) -> tuple[str, ...]:
        before = [m for m in self.mentions if m.end <= position and self._is_near(m, position)]
        return self._joined(before[-1]) if before else ()

    def _is_near(self, mention: Mention, position: int) -> bool:
        return self.tokens[position].sentence - self.tokens[mention.start].sentence <= 1

    def _next(self, position: int) -> tuple[str, ...]:
        after = [m for m in self.mentions if m.start >= position]
        return after[0].names if after else ()

    # ── objects ───────────────────────────────────────────────────────────

    def _deed(self, verb: Hit, agents: tuple[str, ...], end: int) -> Deed:
        action = Action(verb.meaning.value)
        objects = [m for m in self.mentions if verb.end <= m.start < end]
        targets = [n for m in objects for n in m.names if n not in agents][:2]
        is_passive = self._word(verb.start - 1) in _AUXILIARIES and self._word(verb.end) == "by"
        if is_passive:
            start = self._clause_start(verb.start)
            inside = [m for m in self.mentions if start <= m.start < verb.start]
            targets = list(inside[-1].names) if inside else []
        if not targets and len(agents) > 1:
            targets = [agents[1]]
        props = [
            h
            for h in self.hits
            if h.meaning.kind is Kind.PROP and verb.start <= h.start < end and self._is_free(h)
        ]
        outside = [h for h in props if h.start >= verb.end]
        chosen = outside or [h for h in props if action in (Action.PHONE,)]
        prop = PropKind(chosen[0].meaning.value) if chosen else None
        if prop is not None and _LOOKS & set(self.tokens[verb.start].bases):
            action = _HANDLED.get(prop, Action.HOLD)
        return Deed(verb.start, end, action, agents, tuple(targets), prop)

    def _is_free(self, hit: Hit) -> bool:
        return self.blocked.isdisjoint(range(hit.start, hit.end))


_PREPOSITIONS = word_set(
    """
    in on at of by with to from into over under through across along beside behind near past
    """
)
