"""
What can be made of plain prose? A paragraph is a scene, a sentence is a shot.

    # The Letter                 the title, if there is one

    Mara waits on the platform. The train is late.
    └──────────┬─────────────┘  └───────┬────────┘
             shot 1                   shot 2

Capitalised words that return inside sentences are taken for names. Quoted speech stays part of
the action: prose does not say reliably who speaks.
"""

import re
from collections import Counter
from typing import NamedTuple

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.headings import light_of
from onestory.screenplay.identity import Claim, identify
from onestory.screenplay.names import fault_of_name
from onestory.screenplay.refusal import printable, refuse
from onestory.screenplay.script import Action, CastNote, Screenplay, ScriptScene

_SENTENCE = re.compile(r"\S.*?(?:[.!?…]+[\"'”’)]*(?=\s|$)|[。！？…]+[”’」』）]*|$)", re.DOTALL)
_ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|No)\.$")
_NAME = re.compile(r"\b[A-Z][a-z]+(?:['’]?[a-z]+)*\b|\b[A-Z]{2,}\b")
_NOT_NAMES_TEXT = (
    "A An And As At But By For From He Her Here His How I If In It Its My No Not Now Of On Or Our "
    "She So Some Still The Their Then There They This To We What When Where Who Why With Yes You "
    "Your After Again All Before Both Every Later Meanwhile Once One Only Outside Inside Suddenly "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May "
    "June July August September October November December God Christmas"
)
_NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())
_PLACES = (
    "kitchen|living room|bedroom|office|cafe|café|bar|shop|hospital|classroom|corridor|train|car|"
    "street|alley|rooftop|park|forest|beach|mountain road|station|platform|restaurant|garden"
)


class Paragraph(NamedTuple):
    """Neighbouring lines without a blank line between them."""

    text: str
    line: int


def sentences_of(text: str) -> list[tuple[int, str]]:
    """Every sentence of a text with the position where it begins; nothing visible is lost."""
    found: list[tuple[int, str]] = []
    for match in _SENTENCE.finditer(text):
        if found and _ABBREVIATION.search(found[-1][1]):
            start = found.pop()[0]
            found.append((start, text[start : match.end()]))
        else:
            found.append((match.start(), match.group()))
    return [(start, sentence.rstrip()) for start, sentence in found]


def paragraphs_of(text: str) -> list[Paragraph]:
    """Split a text at its blank lines."""
    paragraphs: list[Paragraph] = []
    open_lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            open_lines.append(line)
        elif open_lines:
            paragraphs.append(Paragraph("\n".join(open_lines), number - len(open_lines)))
            open_lines = []
    return paragraphs


def _title_of(paragraphs: list[Paragraph]) -> Claim | None:
    """The first paragraph, if it is a heading or a short line without a full stop."""
    if not paragraphs:
        return None
    first = paragraphs[0]
    text = first.text.strip()
    source = SourceSpan(line=first.line)
    if "\n" in text:
        return None
    keyed = re.match(r"^title\s*:\s*(.+)$", text, re.IGNORECASE)
    if keyed:
        return Claim(keyed[1], source)
    if text.startswith("#"):
        return Claim(text.strip("# "), source)
    is_short = len(text) <= 60 and not re.search(r"[.!?…。！？:,;]$", text)
    return Claim(text, source) if is_short and len(paragraphs) > 1 else None


def _names_in(paragraphs: list[Paragraph]) -> tuple[CastNote, ...]:
    """Capitalised words that stand at least twice, and once inside a sentence."""
    counts: Counter[str] = Counter()
    inside: set[str] = set()
    first: dict[str, SourceSpan] = {}
    for paragraph in paragraphs:
        for start, sentence in sentences_of(paragraph.text):
            for found in _NAME.finditer(sentence):
                name = re.sub(r"['’]s$", "", found.group())
                if name in _NOT_NAMES or fault_of_name(name):
                    continue
                counts[name] += 1
                first.setdefault(name, _place(paragraph, start + found.start()))
                if found.start() and sentence[found.start() - 1].isspace():
                    inside.add(name)
    # A word that only ever opens sentences may be any word; twice makes it a name all the same
    # if it is followed by a verb in -s, as "Mara waits".
    text = "\n".join(paragraph.text for paragraph in paragraphs)
    names = [
        name
        for name, count in counts.items()
        if count >= 2 and (name in inside or re.search(rf"\b{name} [a-z]+s\b", text))
    ]
    return tuple(CastNote(name=name, source=first[name]) for name in names)


def _place(paragraph: Paragraph, offset: int) -> SourceSpan:
    before = paragraph.text[:offset]
    return SourceSpan(line=paragraph.line + before.count("\n"), column=offset - before.rfind("\n"))


def _scene(number: int, paragraph: Paragraph, last: ScriptScene | None) -> ScriptScene:
    lowered = paragraph.text.lower()
    found = re.search(rf"\b({_PLACES})\b", lowered)
    set_name = found[1].upper() if found else last.set_name if last else "PLACE"
    time = light_of(paragraph.text) or ""
    elements = tuple(
        Action(text=" ".join(sentence.split()), source=_place(paragraph, start))
        for start, sentence in sentences_of(paragraph.text)
    )
    return ScriptScene(
        heading=f"{set_name} {number}",
        set_name=set_name,
        time=time,
        elements=elements,
        source=SourceSpan(line=paragraph.line),
    )


def read_prose(path: str, text: str, *, wanted: str | None = None) -> Screenplay:
    """
    Make shots of plain prose.

    Args:
        path: The file's name, for messages.
        text: Its content, with `\\n` as its only line break.
        wanted: The identity given on the command line.

    Returns:
        A screenplay of actions only.

    Raises:
        ScriptError: If it has no title, or nothing but a title.
    """
    paragraphs = paragraphs_of(text)
    title = _title_of(paragraphs)
    identity = identify(path, title=title, episode=None, wanted=wanted)
    body = paragraphs[1:] if title else paragraphs
    scenes: list[ScriptScene] = []
    for paragraph in body:
        if not any(character.isalnum() for character in paragraph.text):
            continue
        scenes.append(_scene(len(scenes) + 1, paragraph, scenes[-1] if scenes else None))
    if not scenes:
        sentence = f'nothing to shoot after the title "{printable(identity.title)}"'
        first_line = paragraphs[0].line if paragraphs else 1
        refuse(path, SourceSpan(line=first_line), sentence, hint="write what happens")
    return Screenplay(
        path=path,
        **identity._asdict(),
        format="prose",
        cast=_names_in(body),
        scenes=tuple(scenes),
    )
