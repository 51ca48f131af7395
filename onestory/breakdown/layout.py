"""
How does a language model break a script down? It lays shots out; rules do the rest.

    screenplay ── looks ── scene by scene: shots ── screenplay with laid-out shots ── rules
                  model    model, checked            as if a person had handed it in

Captions, references, lengths and slates are written by the same rules as ever, and the bible is
the script's: a model can neither invent somebody nor change a word. Every answer is kept, so that
a failure loses none, and an edited scene is asked about alone.
"""

from typing import ClassVar, Literal, NamedTuple, TypeAlias

from onestory.breakdown.answers import LookAnswer, SceneAnswer
from onestory.breakdown.asking import AnswerBook, Desk, Fault
from onestory.breakdown.bible import Bible, Unseen, place_noun, unseen, write_bible
from onestory.breakdown.chat import Chat
from onestory.breakdown.checks import check_references, dangling_pronoun
from onestory.breakdown.laying import laid_scene
from onestory.breakdown.looks import SAME_PERSON, SOME_PERSON, hair_colour_of, kind_in, top_of
from onestory.breakdown.mentions import MentionFinder
from onestory.breakdown.questions import (
    PROMPT_VERSION,
    look_question,
    place_question,
    scene_question,
    shot_elements,
)
from onestory.breakdown.rules import break_down
from onestory.documents import Digest, Document, digest_of_json
from onestory.screenplay.episode import Episode, Shot
from onestory.screenplay.refusal import printable
from onestory.screenplay.script import (
    NARRATOR,
    CastNote,
    Dialogue,
    Screenplay,
    ScriptScene,
    ScriptShot,
    SetNote,
)

BreakdownBy: TypeAlias = Literal["rules", "transformers", "server"]
"""Who breaks a script down."""


class BreakdownRecord(Document):
    """By whom, and from what, a script was broken down."""

    schema_name: ClassVar[str] = "BreakdownRecord.1"

    by: BreakdownBy
    model: str = ""
    """What people call the model; empty for rules."""
    fingerprint: str = ""
    """What of the model decides answers."""
    prompt_version: int = 0
    schemas: tuple[Digest, ...] = ()
    """Of the answers."""
    screenplay: Digest
    answers: tuple[str, ...] = ()
    """Names under which the answers are kept, in the order in which they were asked for."""
    instead_of: str = ""
    """Why rules took the place of a model, if an order let them; else empty."""


class LaidOut(NamedTuple):
    """A script that a model broke down."""

    episode: Episode
    record: BreakdownRecord


def screenplay_digest(screenplay: Screenplay) -> Digest:
    """Name a screenplay by what it says, wherever its file lies."""
    return digest_of_json(screenplay.model_dump(mode="json", exclude={"path"}))


def break_down_by_model(
    screenplay: Screenplay, chat: Chat, book: AnswerBook, *, by: BreakdownBy
) -> LaidOut:
    """
    Turn a screenplay into shots that a language model lays out.

    Args:
        screenplay: The script as written.
        chat: The model.
        book: Where its answers are kept; what is found there is not asked for.
        by: What the model is called in an order, for the record.

    Returns:
        The episode, with provisional slates, and what it was made from.

    Raises:
        BreakdownError: If the model cannot be asked, or none of its answers can be used.
        CaptionError: If a ready-made caption says "the same …" of nobody known.
    """
    desk = Desk(chat, book)
    seen = _with_looks(screenplay, desk)
    bible = write_bible(seen)
    laid = _with_shots(seen, bible, desk)
    schemas = [digest_of_json(kind.model_json_schema()) for kind in (LookAnswer, SceneAnswer)]
    record = BreakdownRecord(
        by=by,
        model=chat.name,
        fingerprint=chat.fingerprint,
        prompt_version=PROMPT_VERSION,
        schemas=tuple(schemas),
        screenplay=screenplay_digest(screenplay),
        # Bare, so that nobody takes them for blobs.
        answers=tuple(key.removeprefix("sha256:") for key in desk.keys),
    )
    return LaidOut(break_down(laid, bible), record)


# ── looks ─────────────────────────────────────────────────────────────────


def _with_looks(screenplay: Screenplay, desk: Desk) -> Screenplay:
    """The screenplay with looks for everybody and every place that it has none for."""
    if screenplay.format == "storymem":
        return screenplay  # Its people are known by their prompts only.
    cast = {note.name.casefold(): note for note in screenplay.cast}
    looks = [note.look for note in screenplay.cast if note.look]
    for somebody in unseen(screenplay):
        question = look_question(somebody, list(looks))
        taken = tuple(looks)

        def accept(
            answer: LookAnswer, who: Unseen = somebody, taken: tuple[str, ...] = taken
        ) -> str:
            return _checked_look(answer.look, who, taken)

        look = desk.ask(question, accept)
        looks.append(look)
        note = cast.get(somebody.name.casefold()) or CastNote(name=somebody.name)
        cast[somebody.name.casefold()] = note.model_copy(update={"look": look})
    sets = {note.name.casefold(): note for note in screenplay.sets}
    for scene in screenplay.scenes:
        note_of_set = sets.get(scene.set_name.casefold()) or SetNote(name=scene.set_name)
        if not note_of_set.look and not _is_ready(scene):
            look = desk.ask(place_question(scene), _checked_place)
            sets[scene.set_name.casefold()] = note_of_set.model_copy(update={"look": look})
    return screenplay.model_copy(
        update={"cast": tuple(cast.values()), "sets": tuple(sets.values())}
    )


def _checked_phrase(look: str) -> str:
    look = look.strip().rstrip(".")
    if not look.isprintable() or "." in look:
        raise Fault("the look is more than one noun phrase")
    if not look.lower().startswith(("a ", "an ")):
        raise Fault("the look does not begin with a or an")
    if SAME_PERSON.search(look) or "the same" in look.lower():
        raise Fault('the look says "the same"')
    return look


def _checked_look(look: str, who: Unseen, taken: tuple[str, ...]) -> str:
    look = _checked_phrase(look)
    kind = kind_in(look)
    is_open = who.kind in (None, "person")
    if kind is None or not (is_open or kind == who.kind):
        wanted = who.kind or "woman, man, girl, boy or person"
        raise Fault(f'the look of "{printable(who.name)}" does not say {wanted}')
    if MentionFinder([who.name]).named_in(look):
        raise Fault(f'the look names "{printable(who.name)}"')
    for part in (part.strip(" .").lower() for part in who.said.replace(";", ",").split(",")):
        # An age is said in other words: "30s" is young.
        if part and not any(character.isdigit() for character in part) and part not in look.lower():
            raise Fault(f'the look leaves out "{printable(part)}", which the script says')
    for other in taken:
        is_told_apart = kind_in(other) != kind or (hair_colour_of(other), top_of(other)) != (
            hair_colour_of(look),
            top_of(look),
        )
        if not is_told_apart:
            raise Fault(f'hair and clothes are those of "{printable(other)}"')
    return look


def _checked_place(answer: LookAnswer) -> str:
    look = _checked_phrase(answer.look)
    if SOME_PERSON.search(look):
        raise Fault("there is somebody in the look of a place")
    if place_noun(look) is None and " with " not in look:
        raise Fault('the look says no place and nothing that is in it ("… with …")')
    return look


# ── shots ─────────────────────────────────────────────────────────────────


def _is_ready(scene: ScriptScene) -> bool:
    """Whether a scene has captions of its own for all that is shot."""
    shots = shot_elements(scene)
    return all(isinstance(element, ScriptShot) and bool(element.caption) for element in shots)


def _with_shots(screenplay: Screenplay, bible: Bible, desk: Desk) -> Screenplay:
    """The screenplay with every scene laid out."""
    by_rules = {shot.scene: shot for shot in reversed(break_down(screenplay, bible).shots)}
    scenes: list[ScriptScene] = []
    for number, scene in enumerate(screenplay.scenes, start=1):
        if _is_ready(scene):
            scenes.append(scene)
            continue
        first = by_rules[number]
        before = tuple(scenes)

        def accept(
            answer: SceneAnswer,
            scene: ScriptScene = scene,
            first: Shot = first,
            before: tuple[ScriptScene, ...] = before,
        ) -> ScriptScene:
            laid = laid_scene(
                scene, answer, names=bible.names, light=first.light, weather=first.weather
            )
            _check(screenplay.model_copy(update={"scenes": (*before, laid)}), bible)
            return laid

        question = scene_question(number, scene, _people_of(scene, bible))
        scenes.append(desk.ask(question, accept))
    return screenplay.model_copy(update={"scenes": tuple(scenes)})


def _people_of(scene: ScriptScene, bible: Bible) -> dict[str, str]:
    """Who may be seen in a scene: whom it names, or everybody if it names nobody."""
    kinds: dict[str, str] = {m.name: m.kind for m in bible.cast if m.name != NARRATOR}
    finder = MentionFinder(list(kinds))
    named: dict[str, None] = {}
    for element in shot_elements(scene):
        if isinstance(element, ScriptShot):
            names = [*element.cast, *(line.character for line in element.lines)]
            named.update((bible.names[name.casefold()], None) for name in names)
            named.update((name, None) for name in finder.named_in(element.action))
        elif isinstance(element, Dialogue):
            named[bible.names.get(element.character.casefold(), NARRATOR)] = None
        else:
            named.update((name, None) for name in finder.named_in(element.text))
    return {name: kinds[name] for name in named if name in kinds} or kinds


def _check(laid_so_far: Screenplay, bible: Bible) -> None:
    """
    See that every caption of the last scene means somebody.

    Raises:
        CaptionError: If a phrase means nobody.
        Fault: If a pronoun does.
    """
    episode = break_down(laid_so_far, bible)
    check_references(episode)
    shots = [shot for shot in episode.shots if shot.scene == len(laid_so_far.scenes)]
    for number, shot in enumerate(shots, start=1):
        pronoun = dangling_pronoun(shot)
        if pronoun:
            raise Fault(f'the action of shot {number} says "{pronoun}", and shows nobody by name')
