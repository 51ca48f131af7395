"""
Which episodes, in which order? A season as a producer writes it down: SEASON.yaml.

    defaults ──┬── episode: script, queue, after, what else is ordered ── EpisodeOrder
               ├── episode …
               └── episode …

Files are named from the folder of SEASON.yaml. An episode's id stands here and wins over the
script's own, so that a season is known before any script is read.
"""

import os
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import Field, ValidationError, model_validator

from onestory.documents import Document, digest_of, digest_of_json
from onestory.errors import OrderError
from onestory.production.order import EpisodeOrder, Order
from onestory.screenplay.marked import Marked, load_marked
from onestory.screenplay.reading import decode_script
from onestory.screenplay.refusal import printable, refuse

Queue: TypeAlias = Literal["rush", "nightly", "preview"]
"""Queues of the work pool, the first of which is emptied first."""
QUEUES: tuple[Queue, ...] = get_args(Queue)
GIVEN_UP = "GivenUp"
"""What the state of a run is called that crashed too often to be begun again."""

Crew: TypeAlias = Literal["workers", "here"]

SLUG = r"^[a-z0-9-]{1,64}$"
MAX_BYTES = 1_000_000
"""Largest SEASON.yaml that is read."""
RANGE = ".."


class SeasonEpisode(EpisodeOrder):
    """One episode of a season: an order, and when its turn comes."""

    episode: str = Field(pattern=SLUG, title="Episode id", description="Identity of the episode.")
    queue: Queue = Field(
        default="nightly",
        title="Queue",
        description="rush is filmed before nightly, nightly before preview.",
    )
    after: tuple[str, ...] = Field(
        default=(),
        title="After",
        description="Ids of episodes of the season that are delivered first.",
    )

    @property
    def order(self) -> EpisodeOrder:
        """What is ordered of it."""
        return EpisodeOrder(**{name: getattr(self, name) for name in EpisodeOrder.model_fields})

    @property
    def waits_for(self) -> frozenset[str]:
        """Ids of the episodes that are done before it is filmed, if they are ordered, too."""
        return frozenset((*self.after, *self.imports))


class Season(Document):
    """Many episodes, as SEASON.yaml has them."""

    schema_name: ClassVar[str] = "season.1"

    season: str = Field(pattern=SLUG)
    """Identity of the season."""
    title: str = Field(min_length=1)
    out: str = "out"
    """Folder of the season's page, and of the deliveries of episodes that name no other."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """What is ordered of every episode that does not say otherwise."""
    episodes: tuple[SeasonEpisode, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _apply_defaults(cls, value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("episodes"), list):
            return value
        defaults = value.get("defaults")
        common = {"out": value.get("out") or "out"} | (defaults if defaults is not None else {})
        ordered = [
            common | one if isinstance(one, dict) else one for one in value.get("episodes", ())
        ]
        return value | {"episodes": ordered}

    @model_validator(mode="after")
    def _check_story(self) -> Self:
        names = [one.episode for one in self.episodes]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"there are {names.count(twice)} episodes {twice}")
        for one in self.episodes:
            if unknown := sorted(set(one.after) - set(names)):
                raise ValueError(f"{one.episode} comes after {unknown[0]}, which is no episode")
        if missing := set(names) - {one.episode for one in self.in_turn()}:
            raise ValueError(f"{', '.join(sorted(missing))} wait for each other")
        return self

    def in_turn(self) -> Iterator[SeasonEpisode]:
        """
        The episodes in the order in which they are submitted.

        Yields:
            Each after all that it waits for; else rush before nightly before preview, and then
            as SEASON.yaml has them. Those that wait for each other never.
        """
        waiting = sorted(self.episodes, key=lambda one: QUEUES.index(one.queue))
        while ready := _next_of(waiting):
            waiting.remove(ready)
            yield ready

    def only(self, names: Collection[str], *, first: Collection[str] = ()) -> "Season":
        """
        The season with some of its episodes.

        Args:
            names: Ids of those that stay.
            first: Ids of those that go to the queue `rush`, whatever theirs is.
        """
        chosen = [one for one in self.episodes if one.episode in names]
        return self.model_copy(
            update={
                "episodes": tuple(
                    one.model_copy(
                        update={
                            "queue": "rush" if one.episode in first else one.queue,
                            "after": tuple(name for name in one.after if name in names),
                        }
                    )
                    for one in chosen
                )
            }
        )

    def chosen(self, words: str | None) -> tuple[str, ...]:
        """
        The ids that a person means.

        Args:
            words: Ids and ranges of them as SEASON.yaml has them, `e04..e06, e09`; None means all.

        Raises:
            OrderError: If there is no such episode, or a range runs backwards.
        """
        names = [one.episode for one in self.episodes]
        if words is None:
            return tuple(names)
        found: dict[str, None] = {}
        for part in filter(None, (part.strip() for part in words.split(","))):
            first, _, last = part.partition(RANGE)
            at = [self._index(names, one) for one in (first.strip(), (last or first).strip())]
            if at[0] > at[1]:
                raise OrderError(f"{part} runs backwards", hint=f"{season_words(names)}")
            found |= dict.fromkeys(names[at[0] : at[1] + 1])
        if not found:
            raise OrderError("no episode is named", hint="leave it empty for all of them")
        return tuple(found)

    def _index(self, names: list[str], name: str) -> int:
        if name not in names:
            raise OrderError(
                f"there is no episode {printable(name)!r} in {self.season}",
                hint=season_words(names),
            )
        return names.index(name)


class SeasonOrder(Order):
    """A season's episodes to be produced in one night."""

    season: str = Field(title="Season", description="Path of SEASON.yaml, which names the scripts.")
    episodes: str | None = Field(
        default=None,
        title="Episodes",
        description="Ids, and ranges of them as in SEASON.yaml: e04..e12, e15. Empty: all.",
    )
    first: str | None = Field(
        default=None,
        title="These first",
        description="Ids of episodes that go to the queue rush tonight, whatever theirs is.",
    )
    night: str | None = Field(
        default=None,
        pattern=r"^[\w .:-]{1,64}$",
        title="Night",
        description="What was submitted under the same name is joined, not submitted again. "
        "Empty: the date of the run, in UTC.",
    )
    hours: float | None = Field(
        default=None,
        gt=0,
        title="Hours",
        description="When the night is over, what is not done is reported as it stands, and goes "
        "on. Empty: the report waits for every episode.",
    )
    crew: Crew = Field(
        default="workers",
        title="Crew",
        description="workers: every episode is a run of its own, on whichever worker is free. "
        "here: one after another in this run.",
    )

    @property
    def name(self) -> str:
        """What the order is called on a dashboard."""
        path = Path(self.season)
        season = path.parent.name if path.stem.lower() == "season" else path.stem
        return " ".join(filter(None, (season, self.episodes)))

    def night_of(self, now: datetime) -> str:
        """The name of the night: the given one, else the date."""
        return self.night or now.date().isoformat()


def season_words(names: Collection[str]) -> str:
    """The episodes of a season, for a hint."""
    return f"its episodes: {printable(', '.join(names), limit=200)}"


def read_season(order: SeasonOrder) -> Season:
    """
    Read SEASON.yaml, and choose what the order asks for.

    Returns:
        A season whose files are named as this process can open them.

    Raises:
        ScriptError: If it cannot be read, or says what no season can be; begins
            `file:line:column:`.
        OrderError: If there is no such file, or the order names other episodes.
    """
    path = Path(order.season)
    if not path.is_file():
        raise OrderError(f"there is no season {printable(str(path), limit=200)!r}")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OrderError(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB")
    text = decode_script(str(path), content)
    marked = load_marked(str(path), text, is_json=path.suffix == ".json")
    season = _validated(str(path), marked)
    rush = season.chosen(order.first) if order.first else ()
    tonight = season.only(season.chosen(order.episodes), first=rush)
    return _named_from(path.parent, tonight)


def night_key(season: Season, episode: SeasonEpisode, *, night: str, attempt: int) -> str:
    """
    What an episode's run of a night is known by: two submissions of it are one run.

    Another script or order is another run; so is the next attempt, after one that failed. Where
    the season's folder lies, as seen by who submits it, makes no difference.
    """
    asked = episode.order.model_dump(mode="json")
    asked["script"] = digest_of(Path(episode.script).read_bytes())
    for name in ("out", "music"):
        asked[name] = asked[name] and os.path.relpath(asked[name], season.out)
    return f"{season.season}/{night}/{episode.episode}/{digest_of_json(asked)[7:23]}/{attempt}"


def _next_of(waiting: Collection[SeasonEpisode]) -> SeasonEpisode | None:
    names = {one.episode for one in waiting}
    return next((one for one in waiting if not one.waits_for & names), None)


def _named_from(folder: Path, season: Season) -> Season:
    """The season with every file named as seen from here."""

    def named(one: SeasonEpisode) -> SeasonEpisode:
        files = {name: getattr(one, name) for name in ("script", "out", "music")}
        return one.model_copy(
            update={name: str(folder / path) for name, path in files.items() if path is not None}
        )

    return season.model_copy(
        update={
            "out": str(folder / season.out),
            "episodes": tuple(named(one) for one in season.episodes),
        }
    )


def _validated(path: str, marked: Marked) -> Season:
    value = marked.value
    if not isinstance(value, dict) or "schema" not in value:
        refuse(path, marked.place(()), "this is no season", hint="write: schema: season.1")
    try:
        return Season.model_validate(value)
    except ValidationError as error:
        # A misspelt key is also a missing one; the misspelling says more.
        found = error.errors(include_url=False, include_input=False)
        first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
        at = tuple(first["loc"])
        source = marked.keys.get(at, marked.place(at))
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "missing":
            message = "is missing"
        elif first["type"] == "extra_forbidden":
            message = "is no key of a season"
        words = " ".join(str(one + 1) if isinstance(one, int) else one for one in at)
        sentence = f"{words}: {message[:1].lower()}{message[1:]}" if words else message
        refuse(path, source, printable(sentence, limit=300))
