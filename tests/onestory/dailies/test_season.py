"""The page of a season says what a producer asks in the morning, and trusts no text."""

import html
import re

from onestory.continuity.measures import Measure
from onestory.dailies.page import DailiesPage
from onestory.dailies.rendering import render_season
from onestory.dailies.season import EpisodeReport, SeasonReport

EVIL = "<script>document.title='owned'</script>\"'><img src=x>"

DONE = EpisodeReport(
    episode="e04",
    title="The Lamp",
    queue="rush",
    job="done",
    flow_run="run-4",
    is_delivered=True,
    num_shots=12,
    num_circled=12,
    num_waiting_for_review=1,
    num_takes=16,
    num_takes_tonight=5,
    render_seconds=754.0,
    yield_share=0.75,
    drift=(
        Measure(name="identity", value=0.08, unit=""),
        Measure(name="colour", value=3.5, unit="delta E"),
    ),
    dailies="../e04/dailies.html",
)
FAILED = EpisodeReport(
    episode="e05", title="", queue="nightly", job="failed", why=EVIL, moved_to=EVIL
)


def _report(*episodes: EpisodeReport) -> SeasonReport:
    return SeasonReport(
        season="harbour", title="Harbour Lights", night="2026-01-02", page="x", episodes=episodes
    )


def _words(document: str) -> str:
    body = re.sub(r"<style>.*?</style>", "", document, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_everything_about_a_night_is_on_the_page(page: DailiesPage) -> None:
    """State, cost, yield and drift of every episode, its picture, and the way to its dailies."""
    pictures = {"e04": page.shots[0].takes[0].poster}

    document = render_season(_report(DONE, FAILED), pictures)

    words = _words(document)
    for told in (
        "Harbour Lights",
        "2026-01-02",
        "episodes done 1 of 2",
        "The Lamp e04 rush done 1 shot waits for review 12 of 12 5 12 min 34 s 75 %",
        "identity 0.08 colour 3.5 delta E",
        "e05 e05 nightly failed",
        "0 of 0 0 0.0 s – not measured",
    ):
        assert told in words
    assert document.count("<img") == 1
    assert set(re.findall(r'href="([^"]*)"', document)) == {"data:,", "#top", "../e04/dailies.html"}


def test_wicked_causes_are_only_words() -> None:
    """Whatever an error says is shown as text."""
    document = render_season(_report(FAILED.model_copy(update={"title": EVIL})), {})

    assert "<script" not in document
    assert _words(document).count("document.title='owned'") == 3


def test_a_night_in_one_sentence() -> None:
    """How many are done, and of the others which and why."""
    told = _report(DONE, FAILED.model_copy(update={"why": "no disk"}))

    assert told.in_words == "1 of 2 episodes are done; e05 failed: no disk"
    assert told.of_job("failed") == (told.episodes[1],)
    assert told.episodes[0].drift_words == "identity 0.08, colour 3.50 delta E"
