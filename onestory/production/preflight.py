"""
What is wrong with a film before it is filmed? Contradictions, named while they cost nothing.

    nobody's look ── a look that a shot contradicts ── a prop that changes colour
    a reference to nobody ── a shot longer than the model makes ── a size it was not trained for

What the model cannot make is refused; everything else is said, and filmed if that is wanted.
"""

import itertools
import math
import re
from collections.abc import Collection, Iterator
from typing import Literal

from onestory.breakdown import vocabulary
from onestory.breakdown.checks import check_references, dangling_pronoun
from onestory.breakdown.looks import colour_of
from onestory.breakdown.mentions import MentionFinder
from onestory.documents import Frozen
from onestory.engine_server.messages import Health
from onestory.errors import CaptionError, PreflightError
from onestory.production.table_read import TableRead
from onestory.screenplay.episode import Episode, Shot

_SHAPE_TOLERANCE = 0.03
"""How far the shape of a picture may be from a trained one, as the logarithm of their ratio."""

_ORDINARY = frozenset(
    vocabulary.words_of(
        "rose lily will mark grace daisy iris ivy violet flora bill sue ray jack frank max june"
    )
)
"""First names that may begin a sentence without being one."""


class Finding(Frozen):
    """One contradiction."""

    kind: Literal["look", "prop", "reference", "length", "size"]
    slate: str = ""
    """Of the shot in which it is seen; empty if it is the whole film's."""
    sentence: str
    hint: str
    is_fatal: bool = False
    """Whether the model cannot make it at all."""

    @property
    def in_words(self) -> str:
        """Slate, sentence and hint, as an error says them."""
        slate = f"[{self.slate}] " if self.slate else ""
        return f"{slate}{self.sentence} ({self.hint})"


def preflight(
    episode: Episode,
    read: TableRead,
    health: Health,
    size: tuple[int, int],
    *,
    to_film: Collection[str],
) -> tuple[Finding, ...]:
    """
    Look for what contradicts itself, or the model.

    Args:
        episode: As ordered.
        read: How long its shots are.
        health: What the engine can do.
        size: (width, height) of the film in pixels.
        to_film: Slates of the shots that the engine is to make: nobody is told of the others'
            lengths.

    Returns:
        Findings, those that nothing can be filmed with first.
    """
    found = [
        *_lengths(episode, read, health, to_film),
        *_references(episode),
        *_looks(episode),
        *_contradicted_looks(episode),
        *_props(episode),
        *(_size(size, health) if to_film else ()),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.is_fatal))


def refuse_fatal(findings: Collection[Finding]) -> None:
    """
    Stop before a GPU is spent on what cannot be made.

    Raises:
        PreflightError: For the first fatal finding, with the number of the others.
    """
    fatal = [finding for finding in findings if finding.is_fatal]
    if not fatal:
        return
    more = f"; so it is with {len(fatal) - 1} more shots" if len(fatal) > 1 else ""
    raise PreflightError(fatal[0].sentence + more, slate=fatal[0].slate, hint=fatal[0].hint)


def _lengths(
    episode: Episode, read: TableRead, health: Health, to_film: Collection[str]
) -> Iterator[Finding]:
    for shot in read.shots:
        if shot.slate in to_film and shot.num_frames > health.max_frames:
            yield Finding(
                kind="length",
                slate=shot.slate,
                sentence=f"the shot has {shot.num_frames} frames at {episode.fps} a second, and "
                f"{health.engine.name} makes {health.max_frames} at most",
                hint="split it, or shorten what is said in it",
                is_fatal=True,
            )


def _references(episode: Episode) -> Iterator[Finding]:
    try:
        check_references(episode)
    except CaptionError as error:
        yield Finding(
            kind="reference",
            slate=error.slate or "",
            sentence=error.message,
            hint=error.hint or "describe them anew",
            is_fatal=True,
        )
    names = [one.name for one in episode.cast] + [one.name for one in episode.sets]
    known = {word for name in names for word in _words(name)}
    for shot in episode.shots:
        pronoun = dangling_pronoun(shot)
        if pronoun:
            yield Finding(
                kind="reference",
                slate=shot.slate,
                sentence=f'the caption says "{pronoun}", and nobody is in the shot',
                hint="name them in the script",
            )
        for name in _strangers(shot, known):
            yield Finding(
                kind="reference",
                slate=shot.slate,
                sentence=f'the shot speaks of "{name}", who is nobody of the cast',
                hint=f"write their name in capitals, or [[look: {name.upper()}: a …]]",
            )


def _strangers(shot: Shot, known: Collection[str]) -> list[str]:
    """First names in an action that are nobody's: a model knows nobody by name."""
    strangers = (vocabulary.WOMEN | vocabulary.MEN) - _ORDINARY - set(known)
    found = dict.fromkeys(re.findall(r"[^\W\d_]+", shot.action))
    return [word for word in found if word[0].isupper() and word.casefold() in strangers]


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name.casefold())


def _looks(episode: Episode) -> Iterator[Finding]:
    seen = {name for shot in episode.shots for name in shot.on_screen}
    for member in episode.cast:
        if member.is_look_invented and member.name in seen:
            yield Finding(
                kind="look",
                sentence=f'nobody says how {member.name} looks; "{member.look}" was made up',
                hint=f"write [[look: {member.name}: a …]], or a look into the shot list's cast",
            )


def _contradicted_looks(episode: Episode) -> Iterator[Finding]:
    """Clothes and hair that an action gives somebody in other colours than their look."""
    finder = MentionFinder([member.name for member in episode.cast])
    parts = (*vocabulary.GARMENTS, *vocabulary.BOTTOMS, "hair")
    for shot in episode.shots:
        named = finder.named_in(shot.action)
        if len(named) != 1:
            continue  # Whose coat it is, only a reader can tell.
        look = episode.member(named[0]).look
        for part in parts:
            here, always = colour_of(part, shot.action), colour_of(part, look)
            if here and always and here != always:
                yield Finding(
                    kind="look",
                    slate=shot.slate,
                    sentence=f"the {part} of {named[0]} is {here} here, and {always} in their look",
                    hint="say the same in both places",
                )


def _props(episode: Episode) -> Iterator[Finding]:
    """Things that are held, and whose colour is another one in a later shot."""
    for prop in vocabulary.PROPS:
        coloured = [(shot, colours) for shot in episode.shots if (colours := _colours(prop, shot))]
        if any(len(colours) > 1 for _, colours in coloured):
            continue  # There are two of them.
        for (_, before), (shot, now) in itertools.pairwise(coloured):
            if now != before:
                yield Finding(
                    kind="prop",
                    slate=shot.slate,
                    sentence=f"the {prop} is {now[0]} here, and {before[0]} before",
                    hint="if it is the same one, give it one colour",
                )


def _colours(prop: str, shot: Shot) -> tuple[str, ...]:
    colours = "|".join(sorted(vocabulary.COLOURS, key=len)[::-1])
    found = re.findall(rf"\b({colours}) (?:[\w-]+ )?{re.escape(prop)}\b", shot.action.lower())
    return tuple(dict.fromkeys(found))


def _size(size: tuple[int, int], health: Health) -> Iterator[Finding]:
    if not health.trained_sizes or any(_fits(size, one, health) for one in health.trained_sizes):
        return
    known = ", ".join(f"{width}x{height}" for width, height in health.trained_sizes)
    what = "shape" if health.resamples else "size"
    yield Finding(
        kind="size",
        sentence=f"{health.engine.name} was not trained for the {what} of {size[0]}x{size[1]}, but "
        f"for {known}",
        hint="film at a trained one: --size WIDTHxHEIGHT",
    )


def _fits(size: tuple[int, int], trained: tuple[int, int], health: Health) -> bool:
    if not health.resamples:
        return size == trained
    return abs(math.log(size[0] / size[1] * trained[1] / trained[0])) <= _SHAPE_TOLERANCE
