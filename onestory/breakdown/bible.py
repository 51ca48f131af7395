"""
Who is in the film and where does it play, with looks that hold for all its shots?

Looks come from the script's notes, then from an introduction in the action ("MARA (30s, red
coat)"), and are invented from the name where the script is silent.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from onestory.breakdown import vocabulary
from onestory.breakdown.looks import (
    SAME_PERSON,
    SOME_PERSON,
    Kind,
    TakenColours,
    age_words,
    hair_colour_of,
    invent_look,
    kind_by_chance,
    kind_in,
    kind_of_name,
    top_of,
)
from onestory.breakdown.mentions import MentionFinder
from onestory.breakdown.vocabulary import chance
from onestory.screenplay.episode import CastMember, SetDesign
from onestory.screenplay.names import fault_of_name
from onestory.screenplay.script import NARRATOR, Action, CastNote, Dialogue, Screenplay, ScriptShot

_ORDINALS = ("second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_INTRODUCED = re.compile(
    r"(?<!\w)(?P<name>[A-Z][A-Z'’.-]+(?: [A-Z][A-Z'’.-]+){0,2})\s*\((?P<look>[^()\n]+)\)"
)


class Bible(NamedTuple):
    """Everybody and every place of an episode."""

    cast: tuple[CastMember, ...]
    sets: tuple[SetDesign, ...]
    names: dict[str, str]
    """By any spelling, case-folded: the cast member's name."""


class Unseen(NamedTuple):
    """Somebody whose look the script leaves to others, or a part of it."""

    name: str
    kind: Kind | None
    """None if neither the name nor the script's words tell it."""
    said: str
    """What stands in brackets where they are introduced: "30s, red coat"; may be empty."""


def action_texts(screenplay: Screenplay) -> Iterator[str]:
    """What happens, paragraph by paragraph."""
    for scene in screenplay.scenes:
        for element in scene.elements:
            if isinstance(element, Action) and not element.is_centered:
                yield element.text
            elif isinstance(element, ScriptShot) and screenplay.format != "storymem":
                yield element.caption or element.action


def _introductions(screenplay: Screenplay) -> dict[str, str]:
    """By name: what stands in brackets after it in an action line."""
    found: dict[str, str] = {}
    for text in action_texts(screenplay):
        for match in _INTRODUCED.finditer(text):
            name = re.sub(r"^(?:THE|A|AN) ", "", match["name"])
            if not fault_of_name(name):
                found.setdefault(name, match["look"])
    return found


def _names_of(screenplay: Screenplay, introduced: dict[str, str]) -> list[str]:
    """Everybody, notes first, then in the order they appear."""
    names = [note.name for note in screenplay.cast]
    capitals = {
        word
        for text in action_texts(screenplay)
        for word in re.findall(r"(?<!\w)[A-Z]{3,}(?!\w)", text)
        if word.casefold() in vocabulary.WOMEN | vocabulary.MEN
    }
    for scene in screenplay.scenes:
        for element in scene.elements:
            if isinstance(element, Dialogue):
                names.append(element.character)
            elif isinstance(element, ScriptShot):
                names.extend(element.cast)
                names.extend(line.character for line in element.lines)
            elif isinstance(element, Action):
                here = re.findall(r"(?<!\w)[A-Z]{3,}(?!\w)", element.text)
                names.extend(name for name in introduced if name in element.text)
                names.extend(word for word in here if word in capitals)
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(name.casefold(), name)
    first_words = {n.split()[0].casefold() for n in unique.values() if len(n.split()) > 1}
    spoken = {speech.character.casefold() for speech in screenplay.speeches()}
    return [
        name
        for key, name in unique.items()
        if key not in first_words
        or key in spoken
        or any(key == n.name.casefold() for n in screenplay.cast)
    ]


def _pronoun_kind(name: str, finder: MentionFinder, texts: list[str]) -> Kind | None:
    """The kind that pronouns tell of, in paragraphs that name nobody else."""
    she = he = 0
    for text in texts:
        if finder.named_in(text) == [name]:
            pronouns = [m.pronoun for m in finder.find(text) if m.pronoun]
            she += sum(pronoun in ("she", "her", "hers", "她") for pronoun in pronouns)
            he += sum(pronoun in ("he", "his", "him", "他") for pronoun in pronouns)
    return "woman" if she > he else "man" if he > she else None


def noun_phrase(look: str) -> str:
    """Make a look stand in the middle of a sentence: article first, no full stop."""
    look = " ".join(look.split()).rstrip(" .;,")
    if re.match(r"(?i)(a|an|the|two|some) ", look):
        return look[0].lower() + look[1:]
    if not look[:1].isascii():
        return look
    return f"{'an' if look[:1].lower() in tuple('aeiou') else 'a'} {look[:1].lower()}{look[1:]}"


def _reference_of(kind: str, look: str, taken: set[str]) -> str:
    """The shortest phrase that nobody before has; no phrase begins another."""
    age, hair, top = age_words(look.split(" with ")[0]), hair_colour_of(look), top_of(look)
    beard = "bearded " if "beard" in look else ""
    hair_word = f"{hair.replace(' ', '-')}-haired " if hair else ""
    top_word = f"{top[0].replace(' ', '-')}-clad " if top else ""
    words = ["", age, beard, hair_word, top_word, *(f"{ordinal} " for ordinal in _ORDINALS)]
    phrases = [f"the same {word}{kind}" for word in words]
    phrases += [f"the same {number}th {kind}" for number in range(11, 11 + len(taken))]
    return next(phrase for phrase in phrases if phrase not in taken)


def _narrator() -> CastMember:
    return CastMember(
        name=NARRATOR, look="a voice that nobody sees", kind="narrator", reference="the narrator"
    )


def _guessed_kind(name: str, finder: MentionFinder, texts: list[str]) -> Kind | None:
    return kind_of_name(name) or _pronoun_kind(name, finder, texts)


def unseen(screenplay: Screenplay) -> list[Unseen]:
    """Everybody whose look is not written down in a note, in order; never the narrator."""
    introduced = _introductions(screenplay)
    names = _names_of(screenplay, introduced)
    notes = {note.name.casefold(): note for note in screenplay.cast}
    finder, texts = MentionFinder(names), list(action_texts(screenplay))
    found = []
    for name in names:
        noted = notes.get(name.casefold())
        if name == NARRATOR or (noted and noted.look):
            continue
        said = introduced.get(name, introduced.get(name.upper(), ""))
        kind = (noted.kind if noted else None) or kind_in(said)
        found.append(Unseen(name, kind or _guessed_kind(name, finder, texts), said))
    return found


def _member(
    name: str, note: CastNote | None, guessed: Kind | None, given: str, colours: TakenColours
) -> tuple[Kind, str]:
    """Kind and look of one member."""
    look = note.look if note and note.look else ""
    kind = (note.kind if note else None) or kind_in(look) or kind_in(given) or guessed
    kind = kind or kind_by_chance(name)
    if look and (kind_in(look) or not look.isascii()):
        colours.take_from(look)
        return kind, noun_phrase(look)
    return kind, invent_look(name, kind, colours, given=look or given)


def _implied_cast(screenplay: Screenplay) -> list[CastMember]:
    """Whoever StoryMem's prompts call "the same …" after an earlier prompt described them."""
    members: dict[str, CastMember] = {}
    described: dict[Kind, str] = {}
    for prompt in _prompts(screenplay):
        for found in SAME_PERSON.finditer(prompt):
            kind = kind_in(found["head"])
            if kind and kind in described:
                member = CastMember(
                    name=kind.upper(),
                    look=noun_phrase(described[kind]),
                    kind=kind,
                    reference=f"the same {kind}",
                )
                members.setdefault(member.name, member)
        for found in SOME_PERSON.finditer(prompt):
            kind = kind_in(found["head"])
            if kind:
                described.setdefault(kind, re.split(r"[.,;]", prompt[found.start() :])[0])
    return list(members.values())


def _prompts(screenplay: Screenplay) -> Iterator[str]:
    for scene in screenplay.scenes:
        for element in scene.elements:
            if isinstance(element, ScriptShot):
                yield element.caption or ""


def _cast(screenplay: Screenplay) -> list[CastMember]:
    introduced = _introductions(screenplay)
    names = _names_of(screenplay, introduced)
    if screenplay.format == "storymem":
        return _implied_cast(screenplay)
    notes = {note.name.casefold(): note for note in screenplay.cast}
    finder, texts = MentionFinder(names), list(action_texts(screenplay))
    colours, references = TakenColours(), set[str]()
    # Looks that the script gives come first, so that an invented one keeps clear of them.
    for note in screenplay.cast:
        colours.take_from(note.look or "")
    members: list[CastMember] = []
    for name in names:
        if name == NARRATOR:
            members.append(_narrator())
            continue
        own = notes.get(name.casefold())
        guessed = _guessed_kind(name, finder, texts)
        given = introduced.get(name, introduced.get(name.upper(), ""))
        kind, look = _member(name, own, guessed, given, colours)
        reference = _reference_of(kind, look, references)
        references.add(reference)
        is_invented = not given and not (own and own.look)
        members.append(
            CastMember(
                name=name,
                look=look,
                kind=kind,
                reference=reference,
                is_look_invented=is_invented,
            )
        )
    return members


def place_noun(text: str) -> str | None:
    """The word for a place in a set's name or look: the last known one before "with"."""
    lowered = text.lower().split(" with ")[0]
    best: tuple[int, int, str] | None = None
    for noun in (*vocabulary.PLACES, *vocabulary.PLACE_SYNONYMS):
        pattern = rf"(?<!\w){re.escape(noun)}(?!\w)" if noun.isascii() else re.escape(noun)
        for found in re.finditer(pattern, lowered):
            candidate = (found.end(), len(noun), noun)
            best = candidate if best is None or candidate > best else best
    return best[2] if best else None


def _place_in(captions: str) -> str | None:
    """The first place that ready captions speak of, with its adjectives: "a grey beach"."""
    if not captions.strip():
        return None
    nouns = sorted(
        (n for n in (*vocabulary.PLACES, *vocabulary.PLACE_SYNONYMS) if n.isascii()), key=len
    )
    pattern = rf"\b(?:an?|the) ((?:[\w-]+ ){{0,3}}?(?:{'|'.join(map(re.escape, nouns[::-1]))}))\b"
    found = re.search(pattern, captions.lower())
    return noun_phrase(found[1]) if found else "a place"


def _head_of(name: str, look: str | None) -> str:
    noun = (place_noun(look) if look else None) or place_noun(name)
    if noun:
        return noun if noun.isascii() else vocabulary.PLACE_SYNONYMS[noun]
    words = re.findall(r"[a-z]+", re.sub(r"['’]s\b", "", name.lower())) if name.isascii() else []
    return words[-1] if words else "place"


def _invent_set(name: str, head: str, is_interior: bool | None, taken: set[str]) -> str:
    kind = vocabulary.PLACE_SYNONYMS.get(head, head)
    indoors = ("{a} walls and {b} lamps", "{a} walls and a {b} door")
    outdoors = ("{a} stones and {b} plants", "{a} walls and {b} lamps")
    templates = vocabulary.PLACES.get(kind, indoors if is_interior else outdoors)
    colours = vocabulary.PLACE_COLOURS
    size = ("small", "quiet", "narrow", "bright", "old")[chance(name, "size", 5)]
    template = templates[chance(name, "furniture", len(templates))]
    first = chance(name, "first colour", len(colours))
    step = 1 + chance(name, "second colour", len(colours) - 1)
    article = "an" if size[0] in "aeiou" else "a"
    for turn in range(len(colours)):
        a, b = colours[(first + turn) % len(colours)], colours[(first + turn + step) % len(colours)]
        look = f"{article} {size} {head} with {template.format(a=a, b=b)}"
        look = re.sub(r"\ba (?=olive)", "an ", look)
        if look not in taken:
            return look
    return look


def _set_reference(head: str, look: str, taken: set[str]) -> str:
    colour = next((w for w in re.findall(r"[a-z]+", look.lower()) if w in vocabulary.COLOURS), "")
    before = re.search(rf"([a-z-]+) {re.escape(head)}\b", look.lower())
    adjective = before[1] if before and before[1] not in ("a", "an", "the") else ""
    words = ["", adjective, colour, *_ORDINALS, *(f"{n}th" for n in range(11, 12 + len(taken)))]
    phrases = [f"the same {word} {head}".replace("  ", " ") for word in words]
    return next(phrase for phrase in phrases if phrase not in taken)


def _sets(screenplay: Screenplay) -> list[SetDesign]:
    notes = {note.name.casefold(): note for note in screenplay.sets}
    designs: dict[str, SetDesign] = {}
    looks, references = set[str](), set[str]()
    for scene in screenplay.scenes:
        key = scene.set_name.casefold()
        if key in designs:
            continue
        note = notes.get(key)
        given = note.look if note else None
        ready = " ".join(e.caption or "" for e in scene.elements if isinstance(e, ScriptShot))
        given = given or _place_in(ready)
        head = _head_of(scene.set_name, given)
        look = noun_phrase(given) if given else None
        look = look or _invent_set(scene.set_name, head, scene.is_interior, looks)
        reference = _set_reference(head, look, references)
        looks.add(look)
        references.add(reference)
        designs[key] = SetDesign(name=scene.set_name, look=look, reference=reference)
    return list(designs.values())


def write_bible(screenplay: Screenplay) -> Bible:
    """
    Fix the looks of everybody and every place.

    Args:
        screenplay: The script as written.

    Returns:
        Cast and sets with unique references.
    """
    cast = _cast(screenplay)
    names = {member.name.casefold(): member.name for member in cast}
    return Bible(tuple(cast), tuple(_sets(screenplay)), names)
