"""
How does a shot list become a screenplay? Checked by the schema, then grouped into scenes.

A refusal points at the very key or value of the file that is wrong.
"""

from difflib import get_close_matches
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError

from onestory.screenplay.identity import Claim, identify
from onestory.screenplay.marked import Marked, Path
from onestory.screenplay.names import check_name
from onestory.screenplay.notes import relative_path
from onestory.screenplay.refusal import printable, refuse
from onestory.screenplay.script import (
    NARRATOR,
    CastNote,
    Dialogue,
    Screenplay,
    ScriptScene,
    ScriptShot,
    SetNote,
)
from onestory.screenplay.shot_list import ListedShot, Part, ShotList

_PARTS: dict[tuple[str, ...], str] = {
    (): "the shot list",
    ("cast",): "a cast entry",
    ("sets",): "a set",
    ("shots",): "a shot",
    ("shots", "lines"): "a line",
}


def _fields_at(loc: Path) -> list[str]:
    """The keys that the schema knows in the mapping at `loc`."""
    model: type[BaseModel] = ShotList
    for step in loc:
        if isinstance(step, str) and step in model.model_fields:
            found = [
                part
                for part in get_args(model.model_fields[step].annotation)
                if isinstance(part, type) and issubclass(part, Part)
            ]
            model = found[0] if found else model
    return [field.alias or name for name, field in model.model_fields.items()]


def _refuse_schema(path: str, marked: Marked, error: ValidationError) -> None:
    """
    Refuse for the first fault that the schema found.

    Raises:
        ScriptError: Always.
    """
    errors = error.errors(include_url=False, include_input=False)
    # A misspelt key is also a missing one; the misspelling says more.
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    loc = tuple(first["loc"])
    words = " ".join(str(s) if isinstance(s, str) else f"{s + 1}" for s in loc) or "the file"
    if first["type"] == "extra_forbidden":
        key = str(loc[-1])
        known = _fields_at(loc[:-1])
        where = _PARTS.get(tuple(s for s in loc[:-1] if isinstance(s, str)), "this place")
        close = get_close_matches(key.lower(), known, n=1, cutoff=0.5)
        hint = f'did you mean "{close[0]}"?' if close else "known keys: " + ", ".join(known)
        source = marked.keys.get(loc, marked.place(loc))
        refuse(path, source, f'{where} has no key "{printable(key)}"', hint=hint)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        message = f'the key "{loc[-1]}" is missing'
    sentence = f"{printable(words)}: {message[:1].lower()}{message[1:]}"
    refuse(path, marked.place(loc), printable(sentence, limit=300))


class _Listing:
    """Turns one checked shot list into scenes."""

    def __init__(self, path: str, marked: Marked, listed: ShotList) -> None:
        self.path = path
        self.marked = marked
        self.listed = listed
        self.scenes: list[ScriptScene] = []
        self.slates: dict[str, int] = {}
        self.used: set[str] = set()
        self.declared: dict[str, str] = {}

    def screenplay(self, wanted: str | None) -> Screenplay:
        listed = self.listed
        identity = identify(
            self.path,
            title=self._claim("title", listed.title),
            episode=self._claim("episode", listed.episode),
            season=self._claim("season", str(listed.season)),
            number=self._claim("number", str(listed.number)),
            wanted=wanted,
        )
        cast_notes, sets = self._cast(), self._sets()
        for index, shot in enumerate(listed.shots):
            self._shot(index, shot)
        music = listed.music
        if music:
            music = relative_path(self.path, self.marked.place(("music",)), "music path", music)
        self._refuse_unused()
        return Screenplay(
            path=self.path,
            **identity._asdict(),
            format="shot-list",
            aspect=listed.aspect,
            fps=listed.fps,
            music=music,
            cast=cast_notes,
            sets=sets,
            scenes=tuple(self.scenes),
        )

    def _claim(self, key: str, text: str | None) -> Claim | None:
        return None if text is None else Claim(text, self.marked.place((key,)))

    def _name(self, at: Path, what: str, name: str) -> str:
        return check_name(self.path, self.marked.place(at), what, name)

    def _cast(self) -> tuple[CastNote, ...]:
        notes = []
        for index, member in enumerate(self.listed.cast):
            at: Path = ("cast", index, "name")
            name = self._name(at, "character", member.name)
            if name in self.declared:
                sentence = f'the cast names "{printable(name)}" twice'
                refuse(self.path, self.marked.place(at), sentence, hint="keep one of the two")
            self.declared[name] = name
            source = self.marked.place(at)
            notes.append(CastNote(name=name, look=member.look, kind=member.kind, source=source))
        return tuple(notes)

    def _sets(self) -> tuple[SetNote, ...]:
        notes: dict[str, SetNote] = {}
        for index, listed in enumerate(self.listed.sets):
            at: Path = ("sets", index, "name")
            name = self._name(at, "set", listed.name)
            if name in notes:
                sentence = f'the sets name "{printable(name)}" twice'
                refuse(self.path, self.marked.place(at), sentence, hint="keep one of the two")
            notes[name] = SetNote(name=name, look=listed.look, source=self.marked.place(at))
        return tuple(notes.values())

    def _shot(self, index: int, shot: ListedShot) -> None:
        at: Path = ("shots", index)
        source = self.marked.place(at)
        if not (shot.action.strip() or (shot.caption or "").strip() or shot.lines or shot.keyframe):
            hint = "give it an action, a caption, lines or a keyframe"
            refuse(self.path, source, f"shot {index + 1} has nothing to shoot", hint=hint)
        if shot.slate:
            self._slate((*at, "slate"), index, shot.slate)
        script_shot = ScriptShot(
            slate=shot.slate,
            action=shot.action.strip(),
            caption=shot.caption.strip() if shot.caption and shot.caption.strip() else None,
            framing=shot.framing,
            move=shot.move,
            light=shot.light,
            weather=shot.weather,
            cast=tuple(
                self._member((*at, "cast", number), name) for number, name in enumerate(shot.cast)
            ),
            lines=self._lines(at, shot),
            seconds=shot.duration.seconds if shot.duration else None,
            num_frames=shot.duration.num_frames if shot.duration else None,
            keyframe=self._keyframe((*at, "keyframe"), shot.keyframe),
            is_cut=shot.cut,
            joint=shot.transition,
            source=source,
        )
        self.used.update(name for name in self.declared if _is_named(name, shot))
        scene = self._scene(at, shot)
        self.scenes[-1] = scene.model_copy(update={"elements": (*scene.elements, script_shot)})

    def _keyframe(self, at: Path, keyframe: str | None) -> str | None:
        if not keyframe:
            return None
        return relative_path(self.path, self.marked.place(at), "keyframe", keyframe)

    def _lines(self, at: Path, shot: ListedShot) -> tuple[Dialogue, ...]:
        lines = []
        for number, line in enumerate(shot.lines):
            here: Path = (*at, "lines", number)
            if not line.text.strip():
                sentence = f'the line of "{printable(line.character)}" has no words'
                refuse(self.path, self.marked.place((*here, "text")), sentence, hint="delete it")
            lines.append(
                Dialogue(
                    character=self._member((*here, "character"), line.character),
                    text=line.text,
                    parenthetical=line.parenthetical,
                    extension="O.S." if line.off_screen else "",
                    is_dual=line.dual,
                    source=self.marked.place(here),
                )
            )
        return tuple(lines)

    def _member(self, at: Path, name: str) -> str:
        name = self._name(at, "character", name)
        if self.declared and name not in self.declared and name != NARRATOR:
            close = get_close_matches(name, list(self.declared), n=1)
            hint = f'did you mean "{printable(close[0])}"?' if close else "add them to the cast"
            sentence = f'"{printable(name)}" is not in the cast'
            refuse(self.path, self.marked.place(at), sentence, hint=hint)
        self.used.add(name)
        return name

    def _slate(self, at: Path, index: int, slate: str) -> None:
        source = self.marked.place(at)
        if slate in self.slates:
            sentence = f'the slate "{slate}" is already that of shot {self.slates[slate] + 1}'
            refuse(self.path, source, sentence, hint="give every shot a slate of its own")
        number = slate.rsplit("sh", 1)[1]
        last = max(self.slates, key=lambda s: s.rsplit("sh", 1)[1], default=None)
        if last is not None and number <= last.rsplit("sh", 1)[1]:
            sentence = f'the slate "{slate}" stands after "{last}" but sorts before it'
            refuse(self.path, source, sentence, hint="slates must rise from shot to shot")
        self.slates[slate] = index

    def _scene(self, at: Path, shot: ListedShot) -> ScriptScene:
        """The scene that `shot` belongs to, begun if it is a new one."""
        last = self.scenes[-1] if self.scenes else None
        name = last.set_name if last else ""
        if shot.set is not None:
            name = self._name((*at, "set"), "set", shot.set)
        known = {listed.name for listed in self.listed.sets}
        if known and shot.set is not None and name not in known and shot.set not in known:
            close = get_close_matches(name, list(known), n=1)
            hint = f'did you mean "{printable(close[0])}"?' if close else "add it to the sets"
            sentence = f'"{printable(name)}" is not among the sets'
            refuse(self.path, self.marked.place((*at, "set")), sentence, hint=hint)
        if not name:
            hint = "give the first shot a set"
            refuse(
                self.path, self.marked.place(at), "nothing says where this shot plays", hint=hint
            )
        number = "" if shot.scene is None else str(shot.scene)
        if last and name == last.set_name and number in ("", last.number):
            return last
        source = self.marked.place(at)
        scene = ScriptScene(heading=name, set_name=name, number=number, source=source)
        self.scenes.append(scene)
        return scene

    def _refuse_unused(self) -> None:
        for index, member in enumerate(self.listed.cast):
            name = self._name(("cast", index, "name"), "character", member.name)
            if name not in self.used:
                source = self.marked.place(("cast", index))
                sentence = f'"{printable(name)}" is in the cast but in no shot'
                refuse(self.path, source, sentence, hint="delete the entry, or use it in a shot")


def _is_named(name: str, shot: ListedShot) -> bool:
    text = f"{shot.action} {shot.caption or ''}".casefold()
    return name.casefold() in text


def read_shot_list(path: str, marked: Marked, *, wanted: str | None = None) -> Screenplay:
    """
    Turn a loaded shot list into a screenplay.

    Args:
        path: The file's name, for messages.
        marked: The file's content with its places.
        wanted: The identity given on the command line.

    Returns:
        A screenplay of laid-out shots.

    Raises:
        ScriptError: If it breaks the schema, or names what it does not declare.
    """
    try:
        listed = ShotList.model_validate(marked.value)
    except ValidationError as error:
        _refuse_schema(path, marked, error)
        raise
    return _Listing(path, marked, cast(Any, listed)).screenplay(wanted)
