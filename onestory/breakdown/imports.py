"""
Whom does this script know from earlier episodes, and how do they look?

    earlier episodes ── cast and sets ──┬── named by this script, which notes no look: theirs
                                        └── all others: no part of this episode

What the script itself notes wins. An import wins over an introduction in the action, for whoever
is known needs none, and over what would be invented.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from onestory.breakdown.bible import action_texts, write_bible
from onestory.breakdown.mentions import MentionFinder
from onestory.screenplay.episode import Episode
from onestory.screenplay.script import CastNote, Screenplay, SetNote


class Imported(NamedTuple):
    """A script that knows how they look."""

    screenplay: Screenplay
    names: dict[str, tuple[str, ...]]
    """By earlier episode: names of this script that are known from it."""


def import_looks(screenplay: Screenplay, earlier: Sequence[Episode]) -> Imported:
    """
    Carry the looks of cast and sets over from earlier episodes.

    Args:
        screenplay: The script as written.
        earlier: Where looks come from; of two that know a name, the later one in this list.

    Returns:
        The script with a note on everybody and every place that is known. A StoryMem script names
        nobody, so that nothing carries over to it.
    """
    if screenplay.format == "storymem" or not earlier:
        return Imported(screenplay, {})
    bible = write_bible(screenplay)
    people = {
        one.name.casefold(): (episode.episode, one)
        for episode in earlier
        for one in episode.cast
        if one.kind != "narrator"
    }
    places = {
        one.name.casefold(): (episode.episode, one) for episode in earlier for one in episode.sets
    }
    cast = {note.name.casefold(): note for note in screenplay.cast}
    sets = {note.name.casefold(): note for note in screenplay.sets}
    names: dict[str, list[str]] = {}
    seen = [member.name for member in bible.cast]
    # Who is known needs no capitals to be recognised.
    finder = MentionFinder([member.name for _, member in people.values()])
    seen += [name for text in action_texts(screenplay) for name in finder.named_in(text)]
    for name in _without_look(seen, screenplay.cast):
        if name.casefold() in people:
            source, member = people[name.casefold()]
            cast[name.casefold()] = CastNote(name=name, look=member.look, kind=member.kind)
            names.setdefault(source, []).append(name)
    for name in _without_look([design.name for design in bible.sets], screenplay.sets):
        if name.casefold() in places:
            source, design = places[name.casefold()]
            sets[name.casefold()] = SetNote(name=name, look=design.look)
            names.setdefault(source, []).append(name)
    told = {"cast": tuple(cast.values()), "sets": tuple(sets.values())}
    return Imported(
        screenplay.model_copy(update=told),
        {source: tuple(found) for source, found in names.items()},
    )


def _without_look(names: Iterable[str], notes: Iterable[CastNote | SetNote]) -> list[str]:
    """The names of which the script notes no look, each once."""
    noted = {note.name.casefold() for note in notes if note.look}
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(name.casefold(), name)
    return [name for key, name in unique.items() if key not in noted]
