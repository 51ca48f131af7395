"""
What does the pocket model read? The recipe's caption, as near as can be to what it was trained on.

    training    In the same park, the same man reads a book.
    breakdown   In the same park, the same man reads a book.                  word for word
    retake      … the same man (a man with a red coat) reads …     →  the same man with a red coat
    no memory   … the same man reads …                             →  a man with a red coat reads
    one person  … waves. The man says something.                   →  waves and says something.

Looks stand in a caption once, at the first appearance; after that "the same man" is left to the
memory. Where there is no memory to leave it to, the bible's look takes its place.

The model is also told whom words are about, as far as the recipe knows.
"""

import re
from collections.abc import Sequence

from onestory.diffusion.told import Told
from onestory.engines.recipe import NOTHING_REMEMBERED, Recipe

_AGAIN = re.compile(r"the same\b", re.IGNORECASE)
_SETTING = re.compile(r": ((?:in|on|at|inside) )")
_PLACE_AGAIN = re.compile(r"(?<=: )((?:in|on) )the same [^,.]+")
_SPEAKS = re.compile(r"\. The [\w' -]+? (says something)\b")


def pocket_caption(recipe: Recipe, *, has_memory: bool | None = None) -> str:
    """
    Write the caption that the model reads for a recipe.

    Args:
        recipe: Whose caption; bible and subjects complete it.
        has_memory: Whether anything is remembered; None for what the recipe itself says. Who
            asks before the memory is chosen knows better.

    Returns:
        The caption, without brackets, and with the looks of people and place if they can
        neither be remembered nor were told before.
    """
    if has_memory is None:
        has_memory = recipe.memory != NOTHING_REMEMBERED
    caption = recipe.caption
    for look in (*(subject.look for subject in recipe.subjects), recipe.set_look):
        if look:
            caption = caption.replace(f" ({look})", _tail(look))
    if not has_memory:
        caption = _told_anew(caption, recipe)
    if len({subject.name for subject in recipe.subjects}) == 1:
        caption = _SPEAKS.sub(r" and \1", caption)
    return caption


def pocket_told(recipe: Recipe, names: Sequence[str], *, has_memory: bool | None = None) -> Told:
    """
    Write the caption of a recipe, and say whom its words are about.

    Args:
        recipe: Whose caption.
        names: Of the people, as their scene counts them.
        has_memory: As for `pocket_caption`.

    Returns:
        The caption; words that are found nowhere in it are nobody's.
    """
    caption = pocket_caption(recipe, has_memory=has_memory)
    first, *others = [_words_for(name, recipe, caption) for name in names] or [""]
    return Told(
        caption=caption,
        first=first,
        others=tuple(others),
        setting=_words_for_set(recipe, caption),
    )


def _words_for(name: str, recipe: Recipe, caption: str) -> str:
    """The longest words for somebody that stand in a caption."""
    known = [
        words
        for subject in recipe.subjects
        if subject.name == name
        for words in (subject.phrase + _tail(subject.look), subject.look, subject.phrase)
        if words.lower() in caption.lower()
    ]
    return max(known, key=len, default="")


def _words_for_set(recipe: Recipe, caption: str) -> str:
    found = _SETTING.search(caption)
    if found is None:
        return ""
    place = caption[found.end() :]
    if recipe.set_look and place.startswith(recipe.set_look):
        return found[1] + recipe.set_look
    again = re.match(r"the same [^,.]+", place)
    if again is None:
        return ""
    words = again[0]
    tail = _tail(recipe.set_look)
    return found[1] + max(
        (whole for whole in (words, words.split(" with ")[0] + tail) if place.startswith(whole)),
        key=len,
    )


def _tail(look: str) -> str:
    """` with a red coat` of "a man with a red coat"; nothing of "a man"."""
    _, cut, rest = look.partition(" with ")
    return f"{cut}{rest}"


def _told_anew(caption: str, recipe: Recipe) -> str:
    for subject in recipe.subjects:
        phrase, look = subject.phrase, subject.look
        if not look or not _AGAIN.match(phrase) or _tail(look) in caption:
            continue
        if phrase[:1].isupper():
            look = look[:1].upper() + look[1:]
        caption = caption.replace(phrase, look, 1)
    if recipe.set_look:
        caption = _PLACE_AGAIN.sub(lambda found: found[1] + recipe.set_look, caption, count=1)
    return caption
