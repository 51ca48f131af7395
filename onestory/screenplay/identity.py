"""
Which episode is this? Its slug comes from `--episode`, an episode field, or the title.

The file's path never matters: a renamed file is still the same episode.
"""

import re
from typing import NamedTuple

from onestory.screenplay.episode import SourceSpan
from onestory.screenplay.names import check_name, slug_of
from onestory.screenplay.refusal import printable, refuse

MAX_NUMBER = 9999
"""Highest number of an episode or season."""


class Identity(NamedTuple):
    """What names an episode."""

    title: str
    episode: str
    season_number: int
    episode_number: int


class Claim(NamedTuple):
    """A text of the script that says something of its identity, and where."""

    text: str
    source: SourceSpan = SourceSpan()


def number_of(path: str, what: str, claim: Claim | None) -> int | None:
    """
    Read a season's or episode's number.

    Raises:
        ScriptError: If it is not a whole number from 0 to `MAX_NUMBER`.
    """
    if claim is None or not claim.text.strip():
        return None
    text = claim.text.strip()
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > MAX_NUMBER:
        sentence = f'the {what} number "{printable(text)}" is not a number from 0 to {MAX_NUMBER}'
        refuse(path, claim.source, sentence, hint="write 1")
    return int(text)


def identify(
    path: str,
    *,
    title: Claim | None,
    episode: Claim | None,
    season: Claim | None = None,
    number: Claim | None = None,
    wanted: str | None = None,
) -> Identity:
    """
    Say which episode a script is.

    An episode field that is a number names the number; the slug is then made of title and number.

    Args:
        path: The script, for messages.
        title: The title, if the script has one.
        episode: The episode field: a name or a number.
        season: The season's number.
        number: The episode's number, if it has a field of its own.
        wanted: The identity given on the command line; it wins.

    Returns:
        A title and a slug that are never empty.

    Raises:
        ScriptError: If nothing names the episode, or a name or number cannot be used.
    """
    season_number = number_of(path, "season", season)
    episode_number = number_of(path, "episode", number)
    title_text = check_name(path, title.source, "title", title.text) if title else ""
    base = title_text
    if wanted is not None:
        base = check_name(path, SourceSpan(), "episode", wanted)
    elif episode and re.fullmatch(r"[0-9]+", episode.text.strip()):
        episode_number = number_of(path, "episode", episode)
        base = f"{title_text} {_code(season_number, episode_number)}" if title_text else ""
    elif episode and episode.text.strip():
        base = check_name(path, episode.source, "episode", episode.text)
    if not base:
        hint = "add a title to the script, or give --episode NAME"
        refuse(path, SourceSpan(), "nothing says which episode this is", hint=hint)
    return Identity(
        title=title_text or base,
        episode=slug_of(base),
        season_number=1 if season_number is None else season_number,
        episode_number=1 if episode_number is None else episode_number,
    )


def _code(season: int | None, episode: int | None) -> str:
    prefix = "" if season is None else f"s{season:02d}"
    return f"{prefix}e{episode or 0:02d}"
