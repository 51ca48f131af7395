"""
What did somebody hand in? One door for every format.

    .fountain .spmd ───────────────► Fountain
    .yaml .yml .json ──────────────► shot list, or StoryMem if it has video prompts
    .txt .md ──────────────────────► Fountain if it has scene headings, else prose

Whatever cannot be shot is refused here with `file:line:column:` and a hint.
"""

import re
from pathlib import Path

from PIL import Image

from onestory.screenplay.episode import Aspect, SourceSpan
from onestory.screenplay.fountain import FountainScript, looks_like_fountain, read_fountain
from onestory.screenplay.identity import Claim, identify
from onestory.screenplay.listing import read_shot_list
from onestory.screenplay.marked import load_marked
from onestory.screenplay.prose import read_prose
from onestory.screenplay.refusal import printable, refusal, refuse
from onestory.screenplay.script import (
    NARRATOR,
    Action,
    Dialogue,
    Screenplay,
    ScriptScene,
    ScriptShot,
)
from onestory.screenplay.storymem import looks_like_storymem, read_storymem

MAX_BYTES = 5_000_000
"""Largest script that is read."""
MAX_KEYFRAME_BYTES = 50_000_000
"""Largest keyframe that is opened."""
FORMATS = (".fountain", ".spmd", ".yaml", ".yml", ".json", ".txt", ".md")


def _bytes_of(path: Path) -> bytes:
    """
    Read a script's bytes, never more than the limit.

    Raises:
        ScriptError: If there is no such file, or it is no file, unreadable or too large.
    """
    name, start = str(path), SourceSpan()
    try:
        if path.is_dir():
            refuse(name, start, "this is a folder", hint="give the script in it")
        if not path.exists():
            refuse(name, start, "there is no such file", hint="check the path")
        if not path.is_file():
            refuse(name, start, "this is not an ordinary file", hint="give a script file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        num_bytes = path.stat().st_size
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refusal(name, start, f"the file cannot be read: {printable(reason)}") from error
    if len(content) > MAX_BYTES:
        size = (
            f"{max(num_bytes, len(content)) / 1e6:.1f} MB, over the limit {MAX_BYTES / 1e6:.0f} MB"
        )
        refuse(name, start, f"the script has {size}", hint="split it into episodes")
    return content


def decode_script(path: str, content: bytes) -> str:
    """
    Turn a script's bytes into text with `\\n` as its only line break.

    Args:
        path: The file's name, for messages.
        content: UTF-8, with or without a byte-order mark.

    Returns:
        The text, never blank.

    Raises:
        ScriptError: If it is empty, binary, not UTF-8, or holds control characters.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse(path, SourceSpan(), "the file is UTF-16, not UTF-8", hint="save it as UTF-8")
    if b"\0" in content:
        before = content[: content.index(b"\0")]
        source = SourceSpan(line=before.count(b"\n") + 1, column=len(before) - before.rfind(b"\n"))
        refuse(path, source, "the file is binary (a NUL byte)", hint="give a text file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        source = SourceSpan(line=before.count(b"\n") + 1, column=len(before) - before.rfind(b"\n"))
        byte = error.object[error.start]
        raise refusal(
            path, source, f"byte 0x{byte:02x} is not UTF-8", hint="save the file as UTF-8"
        ) from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    for separator in ("\u2028", "\u2029", "\x85"):
        text = text.replace(separator, "\n")
    if not text.strip("\n\t \ufeff"):
        refuse(path, SourceSpan(), "the file is empty", hint="write a screenplay first")
    control = re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]", text)
    if control:
        before_text = text[: control.start()]
        source = SourceSpan(
            line=before_text.count("\n") + 1, column=len(before_text) - before_text.rfind("\n")
        )
        code = f"U+{ord(control.group()):04X}"
        refuse(path, source, f"the control character {code} stands here", hint="delete it")
    return text


def _aspect(path: str, claim: Claim | None) -> Aspect:
    if claim is None:
        return Aspect.VERTICAL
    text = claim.text.replace(" ", "")
    if text not in tuple(Aspect):
        known = " or ".join(Aspect)
        sentence = f'the aspect "{printable(claim.text)}" is not {known}'
        refuse(path, claim.source, sentence, hint="write Aspect: 9:16")
    return Aspect(text)


def _frame_rate(path: str, claim: Claim | None) -> str:
    if claim is None:
        return "24"
    if not re.fullmatch(r"[1-9][0-9]{0,5}(/[1-9][0-9]{0,4})?", claim.text):
        sentence = f'the frame rate "{printable(claim.text)}" is not a rational'
        refuse(path, claim.source, sentence, hint="write 24 or 24000/1001")
    return claim.text


def _from_fountain(path: str, script: FountainScript, wanted: str | None) -> Screenplay:
    def claim(*keys: str) -> Claim | None:
        found = next((script.title_page[key] for key in keys if key in script.title_page), None)
        return Claim(found.text, found.source) if found and found.text else None

    identity = identify(
        path,
        title=claim("title"),
        episode=claim("episode"),
        season=claim("season"),
        number=claim("episode number", "number"),
        wanted=wanted,
    )
    if not script.scenes:
        hint = "add a heading such as INT. KITCHEN - DAY and what happens there"
        refuse(path, SourceSpan(), "there is no scene to shoot", hint=hint)
    return Screenplay(
        path=path,
        **identity._asdict(),
        format="fountain",
        aspect=_aspect(path, claim("aspect")),
        fps=_frame_rate(path, claim("fps")),
        music=script.notes.music,
        cast=script.notes.cast,
        sets=script.notes.sets,
        scenes=script.scenes,
    )


def _is_shootable(scene: ScriptScene) -> bool:
    return any(
        isinstance(element, Dialogue | ScriptShot)
        or (isinstance(element, Action) and not element.is_centered)
        for element in scene.elements
    )


def _check_shootable(screenplay: Screenplay) -> None:
    for scene in screenplay.scenes:
        if not _is_shootable(scene):
            sentence = f'the scene "{printable(scene.heading)}" has nothing to shoot'
            hint = "write what happens there, or delete the heading"
            refuse(screenplay.path, scene.source, sentence, hint=hint)


def _check_used(screenplay: Screenplay) -> None:
    """Refuse a declared person or place of whom the story makes no use."""
    speakers = {speech.character.casefold() for speech in screenplay.speeches()}
    seen = "\n".join(
        element.text.casefold()
        for scene in screenplay.scenes
        for element in scene.elements
        if isinstance(element, Action)
    )
    for note in screenplay.cast:
        name = note.name.casefold()
        if name not in speakers and name not in seen and note.name != NARRATOR:
            sentence = f'"{printable(note.name)}" has a look but is in no scene'
            refuse(
                screenplay.path, note.source, sentence, hint="delete the note, or check the name"
            )
    places = {scene.set_name.casefold() for scene in screenplay.scenes}
    for place in screenplay.sets:
        if place.name.casefold() not in places:
            known = ", ".join(sorted({scene.set_name for scene in screenplay.scenes})[:8])
            sentence = f'no scene plays in the set "{printable(place.name)}"'
            hint = f"sets of this script: {printable(known, limit=200)}"
            refuse(screenplay.path, place.source, sentence, hint=hint)


def _check_keyframes(screenplay: Screenplay, folder: Path) -> None:
    """Refuse keyframes that are missing, outside the script's folder, or no images."""
    for scene in screenplay.scenes:
        for element in scene.elements:
            if isinstance(element, ScriptShot) and element.keyframe:
                fault = _fault_of_image(folder, element.keyframe)
                if fault:
                    sentence = f'the keyframe "{printable(element.keyframe)}" {fault}'
                    hint = "give a PNG or JPEG beside the script"
                    refuse(screenplay.path, element.source, sentence, hint=hint)


def _fault_of_image(folder: Path, keyframe: str) -> str | None:
    place = (folder / keyframe).resolve()
    if not place.is_relative_to(folder.resolve()):
        return "leaves the folder of the script"
    if not place.is_file():
        return "does not exist"
    if place.stat().st_size > MAX_KEYFRAME_BYTES:
        return f"is larger than {MAX_KEYFRAME_BYTES // 1_000_000} MB"
    try:
        with Image.open(place) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "cannot be read as an image"
    return None


def parse_screenplay(
    content: bytes, *, path: str, suffix: str, episode: str | None = None
) -> Screenplay:
    """
    Read a screenplay that is already in memory.

    Args:
        content: The file's bytes.
        path: The file's name, for messages only.
        suffix: Its suffix, which chooses the format.
        episode: Identity given on the command line; it wins over the script's own.

    Returns:
        The script as written, with something to shoot in every scene.

    Raises:
        ScriptError: If it cannot be shot as written.
    """
    text = decode_script(path, content)
    suffix = suffix.lower()
    if suffix not in FORMATS:
        sentence = f'nothing is known about "{printable(suffix) or "no suffix"}" files'
        refuse(path, SourceSpan(), sentence, hint="known: " + ", ".join(FORMATS))
    if suffix in (".yaml", ".yml", ".json"):
        marked = load_marked(path, text, is_json=suffix == ".json")
        read = read_storymem if looks_like_storymem(marked.value) else read_shot_list
        screenplay = read(path, marked, wanted=episode)
    elif suffix in (".fountain", ".spmd") or looks_like_fountain(text):
        screenplay = _from_fountain(path, read_fountain(path, text), episode)
    else:
        screenplay = read_prose(path, text, wanted=episode)
    _check_shootable(screenplay)
    if screenplay.format == "fountain":
        _check_used(screenplay)
    return screenplay


def read_screenplay(path: Path, *, episode: str | None = None) -> Screenplay:
    """
    Read a screenplay in whatever format it was handed in.

    Args:
        path: A Fountain, shot list, StoryMem or prose file.
        episode: Identity given on the command line; it wins over the script's own.

    Returns:
        The script as written, with something to shoot in every scene.

    Raises:
        ScriptError: If the file is missing, too large, not text, or cannot be shot as written;
            the message begins with `file:line:column:`.
    """
    content = _bytes_of(path)
    name = str(path)
    screenplay = parse_screenplay(content, path=name, suffix=path.suffix, episode=episode)
    _check_keyframes(screenplay, path.parent)
    return screenplay
