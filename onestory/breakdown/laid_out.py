"""
How is a shot captioned that a shot list lays out?

From its action, as any other; or with the caption it brings, in which only names are replaced
and every "the same …" is traced to the cast, to the set, or refused.
"""

import re
from collections.abc import Callable, Sequence

from onestory.breakdown.blocking import framing_of_action, framing_of_speech, move_of
from onestory.breakdown.captions import CaptionWriter, Draft
from onestory.breakdown.looks import PERSON_WORDS, SAME_PERSON, SOME_PERSON
from onestory.errors import CaptionError
from onestory.screenplay.episode import Line
from onestory.screenplay.refusal import printable
from onestory.screenplay.script import ScriptShot


def _kinds(head: str) -> set[str]:
    return {kind for kind, words in PERSON_WORDS.items() if head.lower() in words}


class _Tracer:
    """Traces the phrases of one ready caption."""

    def __init__(self, writer: CaptionWriter, draft: Draft, cast: Sequence[str]) -> None:
        self.writer = writer
        self.draft = draft
        # Of a StoryMem prompt's people only the words are known; they are named after them.
        implied = [m.name for m in writer.members.values() if m.name == m.kind.upper()]
        self.cast = cast or implied

    def trace(self, caption: str, set_name: str) -> str | None:
        """Note whom every phrase means; give the first "the same …" that means nobody."""
        for found in SOME_PERSON.finditer(caption):
            self._introduce(found)
        for found in SAME_PERSON.finditer(caption):
            name = self._same(found)
            if name is None:
                return found.group()
            self._see(found.group(), name)
        design = self.writer.design(set_name)
        for phrase in (design.look, design.reference):
            at = caption.casefold().find(phrase.casefold())
            if at >= 0:
                self.draft.refer(caption[at : at + len(phrase)], design.name)
        return None

    def _see(self, phrase: str, name: str) -> None:
        self.draft.refer(phrase, name)
        if name not in self.draft.people:
            self.draft.people.append(name)

    def _introduce(self, found: re.Match[str]) -> None:
        kinds = _kinds(found["head"])
        fits = [
            name
            for name in self.cast
            if self.writer.members[name].kind in kinds and name not in self.draft.people
        ]
        if len(fits) == 1:
            self._see(found.group(), fits[0])

    def _same(self, found: re.Match[str]) -> str | None:
        known = self.writer.introduced | set(self.draft.people)
        members = [member for name, member in self.writer.members.items() if name in known]
        exact = [m.name for m in members if m.reference.casefold() == found.group().casefold()]
        kinds = _kinds(found["head"])
        fits = [m.name for m in members if m.kind in kinds]
        here = [name for name in fits if name in self.cast]
        for names in (exact, here, fits):
            if len(names) == 1:
                return names[0]
        return None


def _ready(
    writer: CaptionWriter, draft: Draft, shot: ScriptShot, path: str, set_name: str, cast: list[str]
) -> str:
    """
    The caption that the shot brings, with names replaced.

    Raises:
        CaptionError: If it says "the same …" of nobody known.
    """
    caption = shot.caption or ""
    if writer.members:
        caption = writer.resolve(draft, caption)
        caption = caption[:1].upper() + caption[1:]
        for reference in list(draft.references):
            if caption.startswith(reference.phrase[:1].upper() + reference.phrase[1:]):
                draft.refer(caption[: len(reference.phrase)], reference.name)
    draft.references = [r for r in draft.references if r.phrase in caption]
    stray = _Tracer(writer, draft, cast).trace(caption, set_name)
    if stray:
        place = f"{printable(path, limit=200)}:{shot.source.line}:{shot.source.column}"
        raise CaptionError(
            f'{place}: the caption says "{printable(stray)}", but nobody before fits it',
            slate=shot.slate,
            hint="introduce them in an earlier caption, or list them in the shot's cast",
        )
    return caption


def _written(writer: CaptionWriter, draft: Draft, shot: ScriptShot, lines: list[Line]) -> str:
    """What happens, who else is there, and who speaks."""
    body = writer.body_of_action(draft, shot.action).rstrip(". ") if shot.action else ""
    speakers = dict.fromkeys(line.character for line in lines if not line.off_screen)
    for name in speakers:
        words = f"{writer.person(draft, name, opens=bool(body))} says something"
        body = f"{body}. {words}" if body else words
    return body


def caption_laid_out(
    writer: CaptionWriter,
    shot: ScriptShot,
    *,
    path: str,
    set_name: str,
    cast: list[str],
    lines: list[Line],
    head_of: Callable[[str, str], str],
) -> dict[str, object]:
    """
    Caption a laid-out shot.

    Args:
        writer: Knows who was introduced before.
        shot: The shot as the list has it.
        path: The script, for messages.
        set_name: Where it plays.
        cast: Cast members whom the list puts into the shot.
        lines: What is said in it.
        head_of: Makes the caption's head of framing and move.

    Returns:
        The fields of a `Shot` that the caption decides.

    Raises:
        CaptionError: If a ready caption says "the same …" of nobody known.
    """
    draft = Draft()
    is_new = writer.is_new(set_name)
    if shot.caption:
        caption = _ready(writer, draft, shot, path, set_name, cast)
        framing = shot.framing or _framing(shot, draft, cast, lines, is_new=False)
        move = shot.move or "static"
        writer.introduced.update(reference.name for reference in draft.references)
    else:
        body = _written(writer, draft, shot, lines)
        framing = shot.framing or _framing(shot, draft, cast, lines, is_new=is_new)
        move = shot.move or move_of(shot.action, framing)
        for name in cast:
            if name not in draft.people:
                joint = ", with " if body else ""
                tail = " close by" if body else " is here"
                body = f"{body}{joint}{writer.person(draft, name)}{tail}"
        body = body or "all is quiet"
        caption = writer.compose(draft, head_of(framing, move), set_name, body)
    people = [*cast, *(name for name in draft.people if name not in cast)]
    return {
        "framing": framing,
        "move": move,
        "action": shot.action or shot.caption or "",
        "caption": caption,
        "on_screen": tuple(people),
        "references": tuple(draft.references),
    }


def _framing(
    shot: ScriptShot, draft: Draft, cast: list[str], lines: list[Line], *, is_new: bool
) -> str:
    if is_new:
        return "wide shot"
    num_people = len({*cast, *draft.people})
    if lines and not shot.action:
        return framing_of_speech(lines[0].text, has_listener=num_people > 1)
    return framing_of_action(shot.action or shot.caption or "", num_people)
