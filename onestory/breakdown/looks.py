"""
How does somebody look, if the script does not say?

An invented look depends on the name alone, except that a colour which an earlier member of
the cast already has is passed over: people added at the end change nobody before them.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from onestory.breakdown import vocabulary
from onestory.breakdown.vocabulary import chance

Kind = Literal["woman", "man", "girl", "boy", "person", "narrator"]

PERSON_WORDS = {
    "woman": ("woman", "lady", "mother", "grandmother", "waitress", "nurse", "female"),
    "man": ("man", "gentleman", "father", "grandfather", "waiter", "male"),
    "girl": ("girl", "schoolgirl"),
    "boy": ("boy", "schoolboy"),
    "person": ("person", "child", "teenager", "figure"),
}

_PERSON = "|".join(sorted({word for words in PERSON_WORDS.values() for word in words}))
SAME_PERSON = re.compile(rf"\bthe same (?:[\w'-]+ ){{0,3}}?(?P<head>{_PERSON})\b", re.IGNORECASE)
SOME_PERSON = re.compile(rf"\ban? (?:[\w'-]+ ){{0,3}}?(?P<head>{_PERSON})\b", re.IGNORECASE)


@dataclass
class TakenColours:
    """Colours that the cast so far already wears."""

    hair: set[str] = field(default_factory=set)
    tops: set[str] = field(default_factory=set)

    def take_from(self, look: str) -> None:
        """Note the colours of a look that the script gave."""
        hair = hair_colour_of(look)
        top = top_of(look)
        if hair:
            self.hair.add(hair)
        if top:
            self.tops.add(top[0])


def _colour_before(look: str, nouns: tuple[str, ...] | list[str]) -> tuple[str, str] | None:
    colours = "|".join(
        sorted({*vocabulary.COLOURS, "dark brown", "sky blue", "forest green"}, key=len)[::-1]
    )
    pattern = rf"\b({colours})[- ](?:[\w-]+ )?({'|'.join(map(re.escape, nouns))})\b"
    found = re.search(pattern, look.lower())
    return (found[1], found[2]) if found else None


def hair_colour_of(look: str) -> str | None:
    """The hair's colour in a look, if it names one."""
    found = _colour_before(look, vocabulary.HAIR_WORDS)
    return found[0] if found else None


def colour_of(noun: str, text: str) -> str | None:
    """The colour of a piece of clothing, or of hair, in a text, if it names one."""
    found = _colour_before(text, [noun])
    return found[0] if found else None


def top_of(look: str) -> tuple[str, str] | None:
    """Colour and kind of the top in a look, if it names them."""
    return _colour_before(look, vocabulary.GARMENTS)


def kind_in(text: str) -> Kind | None:
    """The kind of person that a look's words mean, by the first word that says."""
    for word in re.findall(r"[a-z]+", text.lower()):
        for kind in ("woman", "man", "girl", "boy", "person"):
            if word in PERSON_WORDS[kind]:
                return kind
    return None


def kind_of_name(name: str) -> Kind | None:
    """The kind of person that a name tells of, if it is a known name or a role."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    for word in words:
        for kind in ("woman", "man", "girl", "boy"):
            if word in vocabulary.ROLES[kind]:
                return kind
        if word in vocabulary.WOMEN:
            return "woman"
        if word in vocabulary.MEN:
            return "man"
    if any(letter in vocabulary.FEMALE_CJK for letter in name):
        return "woman"
    return "man" if any(letter in vocabulary.MALE_CJK for letter in name) else None


def kind_by_chance(name: str) -> Kind:
    """A kind for somebody of whom the script says nothing."""
    return "woman" if chance(name, "kind", 2) else "man"


def age_words(text: str) -> str:
    """`young `, `old ` or nothing, out of "30s", "17", "elderly" or an OLD in the name."""
    lowered = text.lower()
    if re.search(
        r"\b(old|elderly|aged|grey-haired|grandmother|grandfather|grandma|grandpa)\b", lowered
    ):
        return "old "
    if re.search(r"\b(young|teen|teenage)\b", lowered):
        return "young "
    number = re.search(r"\b(\d{1,2})('?s)?\b", lowered)
    if number is None:
        return ""
    age = int(number[1])
    return "young " if age < 30 else "old " if age >= 60 else ""


def _free(choices: tuple[str, ...], taken: set[str], start: int) -> str:
    """The first choice from `start` on that nobody has; the one at `start` if all are taken."""
    turned = choices[start:] + choices[:start]
    return next((choice for choice in turned if choice not in taken), turned[0])


def _hair(name: str, kind: Kind, age: str, taken: TakenColours) -> str:
    start = chance(name, "hair colour", len(vocabulary.HAIR_COLOURS))
    colour = "grey" if age == "old " else _free(vocabulary.HAIR_COLOURS, taken.hair, start)
    styles: tuple[str, ...] = (
        vocabulary.WOMENS_HAIR if kind in ("woman", "girl") else vocabulary.MENS_HAIR
    )
    if kind in ("boy", "person"):
        styles = tuple(style for style in styles if "beard" not in style)
    taken.hair.add(colour)
    return styles[chance(name, "hair style", len(styles))].format(colour)


def _clothes(name: str, kind: Kind, taken: TakenColours) -> list[str]:
    tops_colours = tuple(top for top, _ in vocabulary.OUTFITS)
    start = chance(name, "top colour", len(tops_colours))
    colour = _free(tops_colours, taken.tops, start)
    taken.tops.add(colour)
    feminine = kind in ("woman", "girl")
    tops: tuple[str, ...] = vocabulary.WOMENS_TOPS if feminine else vocabulary.MENS_TOPS
    if kind in ("girl", "boy"):
        tops = vocabulary.CHILDRENS_TOPS
    top = tops[chance(name, "top", len(tops))]
    article = "an" if colour[0] in "aeiou" else "a"
    clothes = [f"{article} {colour} {top}"]
    if top != "dress":
        bottoms = vocabulary.WOMENS_BOTTOMS if feminine else vocabulary.MENS_BOTTOMS
        clothes.append(_bottom(dict(vocabulary.OUTFITS)[colour], name, bottoms))
    return clothes


def _bottom(colour: str, name: str, bottoms: tuple[str, ...]) -> str:
    bottom = bottoms[chance(name, "bottom", len(bottoms))]
    if bottom == "jeans" and colour == "denim":
        colour = "blue"
    return f"a {colour} {bottom}" if bottom == "skirt" else f"{colour} {bottom}"


def joined(parts: list[str]) -> str:
    """`a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def invent_look(name: str, kind: Kind, taken: TakenColours, *, given: str = "") -> str:
    """
    Describe somebody for good, keeping what the script gave.

    Args:
        name: The character's name, the only source of chance.
        kind: What a caption calls them.
        taken: Colours that earlier members have; what is invented is added.
        given: Attributes out of the script's introduction: "30s, red coat, tired eyes".

    Returns:
        A noun phrase: "a young woman with long auburn hair, fair skin and a teal coat".
    """
    age = age_words(given) or age_words(name)
    if not age and not re.search(r"\d", given) and kind in ("woman", "man"):
        age = ("young ", "", "")[chance(name, "age", 3)]
    parts = [part for part in (part.strip(" .") for part in re.split(r"[,;]", given)) if part]
    parts = [part for part in parts if not _is_age(part) and part.lower() not in PERSON_WORDS[kind]]
    parts = [re.sub(r"^(wearing|with|in) ", "", part) for part in parts]
    described = " ".join(parts).lower()
    look: list[str] = []
    if not any(word in described for word in vocabulary.HAIR_WORDS):
        look.append(_hair(name, kind, age, taken))
    if "skin" not in described:
        look.append(vocabulary.SKINS[chance(name, "skin", len(vocabulary.SKINS))])
    look.extend(_articled(part) for part in parts)
    if not any(word in described for word in vocabulary.GARMENTS):
        look.extend(_clothes(name, kind, taken))
    accessory = vocabulary.ACCESSORIES[chance(name, "accessory", len(vocabulary.ACCESSORIES))]
    if accessory and not parts:
        look.append(accessory)
    taken.take_from(described)
    article = "an" if age == "old " else "a"
    return f"{article} {age}{kind} with {joined(look)}"


def _is_age(part: str) -> bool:
    bare = re.sub(
        r"\b(in|her|his|their|mid|early|late|about|around|aged?|years?|old|young)\b", "", part
    )
    return not re.sub(r"[\d\s's’-]", "", bare.lower())


def _articled(part: str) -> str:
    """`red coat` becomes `a red coat`; plurals and what has an article stay."""
    words = part.split()
    has_article = words[0].lower() in ("a", "an", "the", "no", "his", "her")
    if has_article or words[-1].endswith("s") or words[-1] in ("hair", "skin"):
        return part
    return f"{'an' if part[0].lower() in 'aeiou' else 'a'} {part}"
