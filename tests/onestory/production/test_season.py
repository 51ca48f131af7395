"""SEASON.yaml: what it may say, in which order its episodes come, and what it is refused for."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from onestory.errors import OneStoryError, OrderError, ScriptError
from onestory.production.season import Season, SeasonOrder, night_key, read_season

WHOLE = """\
schema: season.1
season: harbour
title: Harbour Lights
out: films
defaults: {max_takes: 3, queue: preview}
episodes:
  - {episode: e04, script: e04.fountain}
  - {episode: e05, script: e05.fountain, after: [e04], queue: rush, seed: 7}
  - {episode: e06, script: scripts/e06.yaml, queue: nightly, max_takes: 1, out: other}
  - {episode: e07, script: e07.fountain, queue: rush}
"""


def _read(folder: Path, text: str = WHOLE, **order: str) -> Season:
    path = folder / "SEASON.yaml"
    path.write_text(text)
    return read_season(SeasonOrder(season=str(path), **order))


def test_an_order_for_every_episode(tmp_path: Path) -> None:
    """Defaults hold where an episode says nothing; files are named from the season's folder."""
    season = _read(tmp_path)

    orders = [one.order for one in season.episodes]
    assert [order.max_takes for order in orders] == [3, 3, 1, 3]
    assert [order.seed for order in orders] == [0, 7, 0, 0]
    assert orders[2].script == str(tmp_path / "scripts/e06.yaml")
    assert [order.out for order in orders[1:3]] == [
        str(tmp_path / one) for one in ("films", "other")
    ]
    assert [one.queue for one in season.episodes] == ["preview", "rush", "nightly", "rush"]


def test_whose_turn_it_is(tmp_path: Path) -> None:
    """By queue, but never before what an episode comes after."""
    assert [one.episode for one in _read(tmp_path).in_turn()] == ["e07", "e06", "e04", "e05"]


def test_some_episodes_and_some_first(tmp_path: Path) -> None:
    """Ranges are as in the file; what is not ordered tonight is waited for by nobody."""
    season = _read(tmp_path, episodes="e05..e06, e07", first="e06")

    assert [one.episode for one in season.in_turn()] == ["e05", "e06", "e07"]
    assert season.episodes[0].after == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("season.1", "season.2", "found season.2"),
        ("seed: 7", "seeds: 7", r"SEASON.yaml:8:.*seeds: is no key of a season"),
        ("max_takes: 1", "max_takes: 99", r"SEASON.yaml:9:.*less than or equal to 20"),
        ("queue: nightly", "queue: now", r"SEASON.yaml:9:.*'rush', 'nightly' or 'preview'"),
        ("episode: e06", "episode: e04", "there are 2 episodes e04"),
        ("after: [e04]", "after: [e01]", "e05 comes after e01, which is no episode"),
        ("e04.fountain}", "e04.fountain, after: [e05]}", "e04, e05 wait for each other"),
        ("episode: e07, ", "", r"SEASON.yaml:10:.*episode: is missing"),
        ("schema: season.1\n", "", "this is no season"),
        ("episodes:", "episodes: [", "not YAML"),
    ],
)
def test_what_no_season_can_be(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Refused with the place in the file and what is wrong there."""
    assert old in WHOLE
    with pytest.raises(ScriptError, match=words):
        _read(tmp_path, WHOLE.replace(old, new))


@pytest.mark.parametrize(
    ("episodes", "words"),
    [("e99", "'e99' in harbour"), ("e07..e04", "backwards"), (" , ", "no episode is named")],
)
def test_episodes_that_nobody_has(tmp_path: Path, episodes: str, words: str) -> None:
    """An order for other episodes than the season's is refused, and told which there are."""
    with pytest.raises(OrderError, match=words) as refused:
        _read(tmp_path, episodes=episodes)
    assert refused.value.hint


def test_a_season_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is bad input, like a folder."""
    with pytest.raises(OneStoryError, match="there is no season"):
        read_season(SeasonOrder(season=str(tmp_path)))


def test_a_night_knows_its_episodes(tmp_path: Path) -> None:
    """One key from wherever the folder is seen; another for another script, order, or attempt."""
    seen_from = {}
    for folder in (tmp_path, tmp_path / "moved"):
        folder.mkdir(exist_ok=True)
        (folder / "e04.fountain").write_text("a script")
        episode = (season := _read(folder)).episodes[0]
        seen_from[folder] = night_key(season, episode, night="tonight", attempt=1)
    assert len(set(seen_from.values())) == 1

    known = set(seen_from.values())
    known.add(night_key(season, episode, night="tonight", attempt=2))
    known.add(night_key(season, episode, night="tomorrow", attempt=1))
    another = episode.model_copy(update={"seed": 1})
    known.add(night_key(season, another, night="tonight", attempt=1))
    (tmp_path / "moved/e04.fountain").write_text("another script")
    known.add(night_key(season, episode, night="tonight", attempt=1))
    assert len(known) == 5


def test_a_night_without_a_name(tmp_path: Path) -> None:
    """Is called by its date."""
    order = SeasonOrder(season=str(tmp_path))

    assert order.night_of(datetime(2026, 1, 2, 22, tzinfo=UTC)) == "2026-01-02"
    assert SeasonOrder(season="x", night="premiere").night_of(datetime.now(UTC)) == "premiere"


def test_the_season_that_the_manual_shows(tmp_path: Path) -> None:
    """Can be read as it stands there."""
    manual = (Path(__file__).parents[3] / "docs/seasons.md").read_text()
    (shown,) = re.findall(r"```yaml\n(.*?)```", manual, flags=re.DOTALL)

    season = _read(tmp_path, shown)

    assert [one.episode for one in season.in_turn()] == ["e04", "e05", "e06", "e07"]
