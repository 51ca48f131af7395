"""
Can the shots be trusted? Two proofs that are run before anything is rendered.

    check_references   every "the same …" means somebody whom an earlier shot introduced
    check_dialogue     the words of all shots, in order, are the script's words

`dangling_pronoun` finds what no proof refuses: "she" in a shot that shows nobody.
"""

import re

from onestory.breakdown.looks import SAME_PERSON
from onestory.errors import CaptionError, ScriptError
from onestory.screenplay.episode import Episode, Line, Reference, Shot
from onestory.screenplay.refusal import printable, refusal
from onestory.screenplay.script import Dialogue, Screenplay

# "They" and "it" may be things.
_PRONOUN = re.compile(r"(?<!\w)(?:she|he|her|hers|his|him)(?!\w)", re.IGNORECASE)


def _same_phrases(episode: Episode) -> list[re.Pattern[str]]:
    """Patterns of everything that claims to be seen again."""
    nouns = {design.reference.rsplit(" ", 1)[-1] for design in episode.sets}
    own = {m.reference for m in episode.cast} | {design.reference for design in episode.sets}
    patterns = [SAME_PERSON]
    if nouns:
        heads = "|".join(map(re.escape, sorted(nouns)))
        patterns.append(re.compile(rf"\bthe same (?:[\w'-]+ ){{0,2}}?(?:{heads})\b", re.IGNORECASE))
    patterns += [re.compile(rf"{re.escape(phrase)}\b", re.IGNORECASE) for phrase in sorted(own)]
    return patterns


def _spans(caption: str, references: tuple[Reference, ...]) -> list[tuple[int, int]]:
    return [
        (found.start(), found.end())
        for reference in references
        for found in re.finditer(re.escape(reference.phrase), caption)
    ]


def _check_shot(
    shot: Shot, names: set[str], introduced: set[str], patterns: list[re.Pattern[str]]
) -> None:
    for reference in shot.references:
        phrase = printable(reference.phrase)
        if not reference.phrase or reference.phrase not in shot.caption:
            raise CaptionError(
                f'the caption does not say "{phrase}", which is listed for "{reference.name}"',
                slate=shot.slate,
                hint="drop the reference, or put the phrase back",
            )
        if reference.name not in names:
            raise CaptionError(
                f'"{phrase}" means "{printable(reference.name)}", who is neither cast nor set',
                slate=shot.slate,
                hint="add them to the cast",
            )
        is_again = reference.phrase.casefold().startswith("the same")
        if is_again and reference.name not in introduced:
            raise CaptionError(
                f'"{phrase}" means "{printable(reference.name)}", whom no earlier shot introduces',
                slate=shot.slate,
                hint="describe them here, or introduce them in an earlier shot",
            )
    spans = _spans(shot.caption, shot.references)
    for pattern in patterns:
        for found in pattern.finditer(shot.caption):
            if not any(start <= found.start() and found.end() <= end for start, end in spans):
                raise CaptionError(
                    f'the caption says "{printable(found.group())}", but no reference says who',
                    slate=shot.slate,
                    hint="use a phrase of the bible, or describe them anew",
                )


def check_references(episode: Episode) -> None:
    """
    Prove that every referential phrase can be resolved.

    Args:
        episode: The episode, in story order.

    Raises:
        CaptionError: If a "the same …" is not listed, a listed phrase is not in its caption, it
            means nobody of the bible, or somebody whom no earlier shot introduced.
    """
    names = {member.name for member in episode.cast} | {design.name for design in episode.sets}
    patterns = _same_phrases(episode)
    introduced: set[str] = set()
    for shot in episode.shots:
        _check_shot(shot, names, introduced, patterns)
        introduced.update(reference.name for reference in shot.references)


def dangling_pronoun(shot: Shot) -> str | None:
    """The pronoun of a caption in which nobody is seen whom it could mean, if there is one."""
    if shot.on_screen:
        return None
    found = _PRONOUN.search(shot.caption)
    return found.group() if found else None


def _refuse_words(screenplay: Screenplay, speech: Dialogue, found: str) -> None:
    """
    Say which speech was not carried over.

    Raises:
        ScriptError: Always.
    """
    said = f'{printable(speech.character)} says "{printable(speech.text)}"'
    raise refusal(
        screenplay.path,
        speech.source,
        f'{said} in the script, but "{printable(found)}" in the shots',
        hint="dialogue must be carried verbatim",
    )


def check_dialogue(screenplay: Screenplay, episode: Episode) -> None:
    """
    Prove that the shots say the script's words: all of them, in order, and no others.

    Args:
        screenplay: The script as written.
        episode: What it was broken down into.

    Raises:
        ScriptError: If a speech is missing, changed, moved, added, or given to somebody else.
    """
    lines: list[Line] = [line for shot in episode.shots for line in shot.lines]
    position = 0
    for speech in screenplay.speeches():
        said = ""
        while position < len(lines) and len(said) < len(speech.text):
            line = lines[position]
            if line.character.casefold() != speech.character.casefold():
                break
            said += line.text
            position += 1
        if said != speech.text:
            _refuse_words(screenplay, speech, said)
    if position < len(lines):
        extra = lines[position]
        raise ScriptError(
            f'{printable(extra.character)} says "{printable(extra.text)}", not so in the script',
            hint="dialogue must be carried verbatim",
        )
