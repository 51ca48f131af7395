"""
What is left of Fountain text when remarks and emphasis are taken out?

    lift_remarks   /* boneyard */ and [[notes]] leave; every kept line remembers its number
    plain          *italics*, **bold**, _underline_ lose their marks; \\* is a star
"""

import re
from typing import NamedTuple

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.refusal import refuse

_EMPHASIS = tuple(
    re.compile(rf"(?<!\\){mark}(?=[^\s*_])(?P<inner>(?:[^\n\\]|\\.)*?)(?<=[^\s\\]){mark}")
    for mark in (r"\*\*\*", r"\*\*", r"\*", "_")
)
_ESCAPE = re.compile(r"\\([*_\\~@!.>#=\[(])")
_OPENING = re.compile(r"/\*|\[\[")


class SourceLine(NamedTuple):
    """A line of the script after its remarks were lifted out."""

    number: int
    text: str

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands on the line."""
        return not self.text.strip()

    @property
    def source(self) -> SourceSpan:
        """Where its first visible character stands."""
        indent = len(self.text) - len(self.text.lstrip())
        return SourceSpan(line=self.number, column=indent + 1)


class Note(NamedTuple):
    """The inside of `[[ ]]`, line breaks turned into spaces."""

    text: str
    source: SourceSpan


class Lifted(NamedTuple):
    """A script without its remarks, and its notes."""

    lines: list[SourceLine]
    notes: list[Note]


def plain(text: str) -> str:
    """Take emphasis marks off; a mark that stands alone or is escaped stays a character."""
    for pattern in _EMPHASIS:
        text = pattern.sub(lambda found: found["inner"], text)
    return _ESCAPE.sub(r"\1", text)


def _end_of(path: str, text: str, start: int, source: SourceSpan) -> int:
    """Where the remark that opens at `start` is closed."""
    is_note = text.startswith("[[", start)
    closing = text.find("]]" if is_note else "*/", start + 2)
    blank = re.search(r"\n[ \t]?\n", text[start:closing]) if is_note and closing > 0 else None
    if closing < 0 or blank:
        what, mark = ("note", "]]") if is_note else ("boneyard", "*/")
        refuse(
            path, source, f"the {what} opened here is never closed", hint=f"close it with {mark}"
        )
    return closing + 2


def lift_remarks(path: str, text: str) -> Lifted:
    """
    Take boneyards and notes out of a script.

    A line that held nothing but remarks vanishes, so that a note inside a speech does not end it.

    Args:
        path: The script, for messages.
        text: The whole script, with `\\n` as its only line break.

    Returns:
        The lines that are left, with the numbers they had, and the notes in order.

    Raises:
        ScriptError: If a remark is opened and never closed, or a note runs over a blank line.
    """
    kept: dict[int, str] = {}
    touched: set[int] = set()
    notes: list[Note] = []
    position, line, column = 0, 1, 1

    def keep(piece: str) -> None:
        nonlocal line, column
        for index, part in enumerate(piece.split("\n")):
            if index:
                line, column = line + 1, 1
            kept[line] = kept.get(line, "") + part
            column += len(part)

    while found := _OPENING.search(text, position):
        if text[max(found.start() - 1, 0) : found.start()] == "\\":
            keep(text[position : found.end()])
            position = found.end()
            continue
        keep(text[position : found.start()])
        source = SourceSpan(line=line, column=column)
        end = _end_of(path, text, found.start(), source)
        remark = text[found.start() : end]
        if found.group() == "[[":
            notes.append(Note(" ".join(remark[2:-2].split()), source))
        num_breaks = remark.count("\n")
        touched.update(range(line, line + num_breaks + 1))
        column = len(remark) - remark.rfind("\n") if num_breaks else column + len(remark)
        line += num_breaks
        position = end
    keep(text[position:])
    lines = [
        SourceLine(number, kept[number])
        for number in sorted(kept)
        if kept[number].strip() or number not in touched
    ]
    return Lifted(lines, notes)
