"""
How is Fountain read? Line by line, as fountain.io describes it, keeping every line's number.

    title page ── blank line ── scene heading ── action ── CUE ── (parenthetical) ── dialogue …

The parser is our own: `screenplay-tools` keeps no line numbers and takes FADE IN: for a scene.
Our notes (`[[look: …]]` and kin) are described in `onestory.screenplay.notes`.
"""

import re
from typing import NamedTuple

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.headings import is_heading, parse_heading
from onestory.screenplay.markup import SourceLine, lift_remarks, plain
from onestory.screenplay.names import check_name
from onestory.screenplay.notes import KeyedNotes, read_notes
from onestory.screenplay.refusal import printable, refuse
from onestory.screenplay.script import (
    Action,
    Dialogue,
    Element,
    Joint,
    Lyric,
    ScriptScene,
    ShotDirection,
    Transition,
)

_KEY = re.compile(r"^(?P<key>[^\W\d_][\w /-]*?)\s*:\s*(?P<value>.*)$")
_FADES = re.compile(r"^(FADE (IN|OUT|TO [A-Z ]+)|CUT TO BLACK|DISSOLVE|SMASH CUT)\s*[:.]?$")
_TO = re.compile(r"^[^a-z]*\bTO:$")
_CUE = re.compile(r"^(?P<name>[^(^]+?)\s*(?P<brackets>(?:\([^()]*\)\s*)*)(?P<dual>\^?)$")
_CONTINUED = re.compile(r"^CONT(?:['’]?D|INUED|INUING)\.?$", re.IGNORECASE)


class TitleValue(NamedTuple):
    """One value of the title page."""

    text: str
    source: SourceSpan


class FountainScript(NamedTuple):
    """A Fountain file, read but not yet known to be an episode."""

    title_page: dict[str, TitleValue]
    scenes: tuple[ScriptScene, ...]
    notes: KeyedNotes


class Cue(NamedTuple):
    """A character cue, taken apart."""

    name: str
    extension: str
    is_dual: bool


def looks_like_fountain(text: str) -> bool:
    """Whether a text without a telling suffix has a scene heading on a line of its own."""
    return any(
        is_heading(line) or re.match(r"^\.[^\W_]", line) for line in text.splitlines()[:5000]
    )


def joint_of(text: str) -> Joint:
    """What a transition's words ask of the next shot."""
    lowered = text.lower()
    return "dissolve" if "dissolve" in lowered else "fade" if "fade" in lowered else "cut"


def parse_cue(text: str) -> Cue | None:
    """Take a cue apart; None if it cannot be one."""
    found = _CUE.match(text.strip())
    if not found:
        return None
    extensions = re.findall(r"\(([^()]*)\)", found["brackets"])
    kept = [word.strip() for word in extensions if not _CONTINUED.match(word.strip())]
    return Cue(plain(found["name"]).strip(), ", ".join(kept), bool(found["dual"]))


def _is_upper(text: str) -> bool:
    name = re.sub(r"\([^()]*\)", "", text)
    return any(c.isalpha() for c in name) and name == name.upper() and name != name.lower()


class FountainReader:
    """Walks the lines of one script once and collects its scenes."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        lifted = lift_remarks(path, text)
        self.lines = lifted.lines
        self.notes = read_notes(path, lifted.notes)
        self.position = 0
        self.scenes: list[ScriptScene] = []
        self.elements: list[Element] = []
        self.pending = list(self.notes.directions)

    def read(self) -> FountainScript:
        """
        Read the whole script.

        Raises:
            ScriptError: If something is written that cannot be shot.
        """
        title_page = self._title_page()
        while self.position < len(self.lines):
            self._block(self.lines[self.position])
        self._close_scene()
        self._refuse_speechless_cues()
        return FountainScript(title_page, tuple(self.scenes), self.notes)

    # ── title page ────────────────────────────────────────────────────────

    def _title_page(self) -> dict[str, TitleValue]:
        while self.position < len(self.lines) and self.lines[self.position].is_blank:
            self.position += 1
        values: dict[str, TitleValue] = {}
        if self.position == len(self.lines) or not self._opens_title_page():
            return values
        key = ""
        while self.position < len(self.lines) and not self.lines[self.position].is_blank:
            line = self.lines[self.position]
            found = _KEY.match(line.text)
            if found and not line.text.startswith((" ", "\t")):
                key = " ".join(found["key"].lower().split())
                column = found.start("value") + 1
                source = SourceSpan(line=line.number, column=column)
                values[key] = TitleValue(plain(found["value"].strip()), source)
            else:
                value = values[key]
                more = plain(line.text.strip())
                source = value.source if value.text else line.source
                values[key] = TitleValue(f"{value.text}\n{more}".strip(), source)
            self.position += 1
        return values

    def _opens_title_page(self) -> bool:
        text = self.lines[self.position].text
        found = _KEY.match(text)
        return bool(found) and not _is_transition(text.strip()) and not is_heading(text)

    # ── blocks ────────────────────────────────────────────────────────────

    def _block(self, line: SourceLine) -> None:
        text = line.text.strip()
        if not text or re.match(r"^={3,}$", text) or re.match(r"^(#+|=)", text):
            self.position += 1
        elif text.startswith("!"):
            self._action()
        elif re.match(r"^\.[^.\s]", text) or (self._after_blank() and is_heading(text)):
            self._heading(line, text.removeprefix("."))
        elif text.startswith("@"):
            self._forced_cue(line, text[1:])
        elif text.startswith("~"):
            self.elements.append(Lyric(text=plain(text[1:].strip()), source=line.source))
            self.position += 1
        elif text.startswith(">"):
            self._pointed(line, text)
        elif self._after_blank() and self._before_blank() and _is_transition(text):
            self._transition(line, text)
        elif self._after_blank() and not self._before_blank() and _is_upper(text):
            self._cue(line, text)
        else:
            self._action()

    def _after_blank(self) -> bool:
        return self.position == 0 or self.lines[self.position - 1].is_blank

    def _before_blank(self) -> bool:
        following = self.position + 1
        return following >= len(self.lines) or self.lines[following].is_blank

    def _heading(self, line: SourceLine, text: str) -> None:
        heading = parse_heading(plain(text))
        if not heading.set_name:
            refuse(
                self.path,
                line.source,
                "the scene heading names no place",
                hint="INT. KITCHEN - DAY",
            )
        self._close_scene()
        name = check_name(self.path, line.source, "set", heading.set_name)
        self.scenes.append(
            ScriptScene(
                heading=text.strip(),
                set_name=name,
                number=heading.number,
                is_interior=heading.is_interior,
                time=heading.time,
                source=line.source,
            )
        )
        self.position += 1

    def _close_scene(self) -> None:
        """Put what was collected into the scene that ends here."""
        if not self.scenes:
            self._refuse_headless()
            # A FADE IN: above the first heading belongs to the first scene.
            self.elements = [e for e in self.elements if isinstance(e, Transition)]
            return
        last = self.scenes[-1]
        end = self.lines[self.position].number if self.position < len(self.lines) else 1 << 60
        inside = [w for at, w in self.notes.weathers if last.source.line <= at.line < end]
        update = {"elements": tuple(self.elements), "weather": inside[-1] if inside else None}
        self.scenes[-1] = last.model_copy(update=update)
        self.elements = []

    def _refuse_headless(self) -> None:
        for element in self.elements:
            if isinstance(element, Dialogue | Lyric) or (
                isinstance(element, Action) and not element.is_centered
            ):
                sentence = "something happens before the first scene heading"
                hint = "begin with a heading such as INT. KITCHEN - DAY"
                refuse(self.path, element.source, sentence, hint=hint)

    def _pointed(self, line: SourceLine, text: str) -> None:
        if text.endswith("<"):
            centered = plain(text[1:-1].strip())
            self.elements.append(Action(text=centered, is_centered=True, source=line.source))
            self.position += 1
        else:
            self._transition(line, text[1:].strip())

    def _transition(self, line: SourceLine, text: str) -> None:
        text = plain(text)
        self.elements.append(Transition(text=text, joint=joint_of(text), source=line.source))
        self.position += 1

    def _direction(self, source: SourceSpan) -> ShotDirection | None:
        """The last `[[shot: …]]` that stands before `source` and was not used yet."""
        due = [note for note in self.pending if note[0].line <= source.line]
        self.pending = [note for note in self.pending if note[0].line > source.line]
        return due[-1][1] if due else None

    def _action(self) -> None:
        first = self.lines[self.position]
        texts: list[str] = []
        while self.position < len(self.lines) and not self.lines[self.position].is_blank:
            text = self.lines[self.position].text.strip()
            if texts and re.match(r"^([@~>#!=]|\.[^.\s])", text):
                break
            texts.append(plain(text.removeprefix("!").strip()))
            self.position += 1
        body = "\n".join(texts).strip()
        if body:
            direction = self._direction(first.source)
            self.elements.append(Action(text=body, direction=direction, source=first.source))

    # ── dialogue ──────────────────────────────────────────────────────────

    def _forced_cue(self, line: SourceLine, text: str) -> None:
        if self._before_blank():
            self._refuse_silence(line.source, text.strip())
        self._cue(line, text)

    def _cue(self, line: SourceLine, text: str) -> None:
        cue = parse_cue(text)
        if cue is None:
            self._action()
            return
        name = check_name(self.path, line.source, "character", cue.name)
        self.position += 1
        direction = self._direction(line.source)
        speeches = self._speeches(Cue(name, cue.extension, cue.is_dual), direction)
        if not speeches:
            self._refuse_silence(line.source, name)
        self.elements.extend(speeches)

    def _speeches(self, cue: Cue, direction: ShotDirection | None) -> list[Dialogue]:
        """One speech for every parenthetical under a cue."""
        speeches: list[Dialogue] = []
        texts: list[str] = []
        parenthetical, source = "", SourceSpan()

        def end_speech() -> None:
            if any(texts):
                speech = Dialogue(
                    character=cue.name,
                    text="\n".join(texts).strip("\n"),
                    parenthetical=parenthetical,
                    extension=cue.extension,
                    is_dual=cue.is_dual and not speeches,
                    direction=None if speeches else direction,
                    source=source,
                )
                speeches.append(speech)

        while self.position < len(self.lines):
            line = self.lines[self.position]
            text = line.text.strip()
            if not text and line.text != "  ":
                break
            self.position += 1
            if re.match(r"^\(.*\)$", text):
                end_speech()
                texts, parenthetical = [], plain(text[1:-1].strip())
                continue
            if not any(texts):
                source = line.source
            texts.append(plain(text.removeprefix("~").strip()))
        end_speech()
        return speeches

    def _refuse_silence(self, source: SourceSpan, name: str) -> None:
        sentence = f'the cue "{printable(name)}" is followed by no dialogue'
        hint = "write the speech on the next line, or start the line with ! if it is action"
        refuse(self.path, source, sentence, hint=hint)

    def _refuse_speechless_cues(self) -> None:
        """A known character's name alone on a line is a cue whose speech was forgotten."""
        speakers = {
            element.character
            for scene in self.scenes
            for element in scene.elements
            if isinstance(element, Dialogue)
        } | {note.name for note in self.notes.cast}
        for scene in self.scenes:
            for element in scene.elements:
                if not isinstance(element, Action) or element.is_centered:
                    continue
                cue = parse_cue(element.text)
                if cue and _is_upper(element.text) and (cue.name in speakers or cue.extension):
                    self._refuse_silence(element.source, cue.name)


def _is_transition(text: str) -> bool:
    return bool(_FADES.match(text) or _TO.match(text))


def read_fountain(path: str, text: str) -> FountainScript:
    """
    Read a Fountain script.

    Args:
        path: The file's name, for messages.
        text: Its content, with `\\n` as its only line break.

    Returns:
        Title page, scenes and notes, each with its place in the file.

    Raises:
        ScriptError: If something is written that cannot be shot.
    """
    return FountainReader(path, text).read()
