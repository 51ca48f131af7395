"""
What becomes of a season in one night?

    season ── every episode read, broken down and planned ──┬── all admitted ── filmed ── report
                                                            └── one is not ── nothing is filmed

Admission spends nothing, and says of each episode alone whether and why not. The report is read
from ledgers and takes: it says what an episode has by now, whoever filmed it.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from onestory.continuity.measures import Measure
from onestory.dailies.contact_sheet import thumbnail
from onestory.dailies.rendering import render_season
from onestory.dailies.season import EpisodeReport, Job, SeasonReport
from onestory.documents import Digest, Frozen, canonical_json
from onestory.engines.take import Verdict
from onestory.errors import OneStoryError, OrderError
from onestory.production.dailies import THUMBNAIL_PIXELS, blob_if_whole, put_file
from onestory.production.estimate import cell, price
from onestory.production.season import Season, SeasonEpisode
from onestory.production.unit import Unit
from onestory.vault.events import EventKind

DRIFT_GATES = ("identity", "place", "colour drift", "contrast drift")
"""Gates that hold a take against earlier ones."""
LIKENESSES = ("identity", "place")
"""Of these, those whose number is 1 if nothing drifted."""

ADMITTED = ("episode", "title", "queue", "to film")
"""Heads of what was decided of an episode."""
HINTS: Mapping[Job, str] = {
    "failed": "Failed: its link opens the run. Mend the cause and submit the same season again: "
    "takes that were finished are found, and only what is missing is filmed.",
    "suspended": "Suspended: a person is asked. Its link opens the run; press Resume there.",
    "cancelled": "Cancelled: submit the same season again to have it filmed after all.",
}
"""What a person can do for an episode in one of these states."""


class Admission(Frozen):
    """Whether an episode can be filmed, before anything is spent."""

    episode: str
    title: str = ""
    queue: str
    num_shots: int = 0
    to_film: int = 0
    """Shots that would be filmed."""
    price: str = ""
    """What that would cost, in words."""
    document: Digest | None = None
    """Blob of its breakdown; None if there is none."""
    cause: str = ""
    """Why it cannot be filmed; empty if it can."""

    @property
    def is_admitted(self) -> bool:
        """Whether nothing is in the way."""
        return not self.cause

    @property
    def decision(self) -> str:
        """What is decided of it, in words."""
        if self.cause:
            return f"cannot be filmed: {self.cause}"
        if not self.to_film:
            return "all shots are current"
        to_film = f"{self.to_film} of {self.num_shots} shots would be filmed"
        return ": ".join(filter(None, (to_film, self.price)))


class Outcome(Frozen):
    """What became of an episode's run."""

    episode: str
    job: Job
    why: str = ""
    """Why it is not done."""
    flow_run: str = ""
    """Empty if it was not submitted."""
    earlier_runs: tuple[str, ...] = ()
    """Of the same night, which have ended and left something to do."""
    is_joined: bool = False
    """Whether the run was there already."""
    moved_from: tuple[str, ...] = ()
    """Runs that ended because the film went on elsewhere, for want of device memory."""
    moved_to: str = ""
    """Work pool where it went on; empty if it did not move."""

    @property
    def is_under_way(self) -> bool:
        """Whether it may yet become done."""
        return self.job in ("waiting", "running")


async def admit(
    unit: Unit, episode: SeasonEpisode, admitted: Mapping[str, Admission], tracking_uri: str | None
) -> Admission:
    """
    Say whether an episode can be filmed, and what that would take; spends nothing.

    Args:
        unit: Who would film.
        episode: Which one.
        admitted: What was said of other episodes of the season, by id.
        tracking_uri: Of the MLflow that knows what takes have cost; None if there is none.

    Raises:
        OneStoryError: If a machine's fault is in the way (retryable), which says nothing of the
            episode.
    """
    said = Admission(episode=episode.episode, queue=episode.queue)
    try:
        drafts = {name: one.document for name, one in admitted.items() if one.document}
        sheet = await unit.break_down(episode.order, drafts=drafts)
        sheet = await unit.read_through(sheet, is_entered=False)
        plan = await unit.survey(sheet)
        found = await price(unit, sheet, plan.shots, tracking_uri)
    except OneStoryError as error:
        if error.retryable:
            raise
        return said.model_copy(update={"cause": str(error)})
    return said.model_copy(
        update={
            "title": sheet.title,
            "num_shots": len(plan.shots),
            "to_film": plan.num_to_shoot,
            "price": found.in_words,
            "document": sheet.document,
        }
    )


def refuse_unless_all(season: Season, admissions: Sequence[Admission]) -> None:
    """
    Refuse a season of which an episode cannot be filmed.

    Raises:
        OrderError: Names every such episode and its cause.
    """
    refused = [one for one in admissions if not one.is_admitted]
    if refused:
        causes = "; ".join(f"{one.episode}: {one.cause}" for one in refused)
        raise OrderError(
            f"{len(refused)} of {len(admissions)} episodes of {season.season} cannot be filmed, so "
            f"none is: {causes}",
            hint="mend them, or leave them out: --episodes",
        )


def admissions_in_markdown(admissions: Sequence[Admission]) -> str:
    """What was decided of every episode, for a dashboard."""
    refused = [one for one in admissions if not one.is_admitted]
    said = "**All episodes can be filmed**"
    hint = ""
    if refused:
        said = f"**{len(refused)} of {len(admissions)} episodes cannot be filmed, so none is**"
        hint = "Mend them and submit the season again, or leave them out."
    table = _table(ADMITTED, [_admitted(one) for one in admissions])
    causes = [f"* **{one.episode}** cannot be filmed: {cell(one.cause)}" for one in refused]
    return _page(said, table, "\n".join(causes), hint, _prices(admissions))


def standing_in_markdown(admissions: Sequence[Admission], outcomes: Mapping[str, Outcome]) -> str:
    """
    Where every episode stands while the night goes on, for a dashboard: its runs are linked.

    Args:
        admissions: What was decided of every episode.
        outcomes: What is known of those that were submitted or left out, by id.
    """
    rows = []
    for one in admissions:
        known = outcomes.get(one.episode)
        word = "to be submitted"
        if known is not None:
            # How far its run is by now, the run says.
            is_submitted = known.is_under_way and known.flow_run
            word = _linked("submitted" if is_submitted else known.job, known.flow_run)
        rows.append((word, *_admitted(one)))
    done = sum(one.job == "done" for one in outcomes.values())
    said = f"**{done} of {len(admissions)} episodes are done so far**"
    table = _table(("state", *ADMITTED), rows)
    return _page(said, table, _open_ends(outcomes.values()), _prices(admissions))


def report_in_markdown(report: SeasonReport) -> str:
    """What came of every episode, for a dashboard: its runs are linked."""
    said = f"**{len(report.of_job('done'))} of {len(report.episodes)} episodes are done**"
    heads = ("state", "episode", "title", "shots", "takes", "seconds", "yield")
    table = _table(heads, [_cells(one) for one in report.episodes])
    drift = [f"* {one.episode}: {one.drift_words}" for one in report.episodes if one.drift]
    moved = [
        f"* {one.episode}, to the pool {one.moved_to}" for one in report.episodes if one.moved_to
    ]
    why = "**Moved** for want of device memory:"
    lead = "**Drift** from earlier takes of the same people and places, as means:"
    page = f"The same with pictures and dailies lies in `{report.page}`."
    ends = _open_ends(report.episodes)
    return _page(said, table, ends, _listed(why, moved), _listed(lead, drift), page)


def _admitted(one: Admission) -> tuple[str, ...]:
    to_film = f"{one.to_film} of {one.num_shots} shots" if one.is_admitted else "cannot be filmed"
    return (one.episode, cell(one.title), one.queue, to_film)


def _prices(admissions: Sequence[Admission]) -> str:
    """What filming costs: below the table, whose cells do not wrap; equal prices only once."""
    by_words: dict[str, list[str]] = {}
    for one in admissions:
        if one.price:
            by_words.setdefault(one.price, []).append(one.episode)
    prices = [f"* {', '.join(names)}: {words}" for words, names in by_words.items()]
    return _listed("**What that costs**", prices)


def _listed(lead: str, lines: Sequence[str]) -> str:
    """Some lines and what they are; nothing if there are none."""
    return "\n".join((lead, "", *lines)) if lines else ""


def _page(*parts: str) -> str:
    return "\n\n".join(filter(None, parts))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rules = ("---",) * len(heads)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rules, *rows))


def _linked(word: str, flow_run: str) -> str:
    return f"[{word}](/runs/flow-run/{flow_run})" if flow_run else word


def _open_ends(found: Iterable[Outcome | EpisodeReport]) -> str:
    """Why episodes are not done, and what a person can do: below the table, which does not wrap."""
    ends = [one for one in found if one.why or one.job in HINTS]
    whys = [f"* **{one.episode}**, {one.job}: {cell(one.why)}" for one in ends if one.why]
    hints = [f"* {HINTS[job]}" for job in HINTS if job in {one.job for one in ends}]
    return _page("\n".join(whys), _listed("**What to do**", hints))


def _cells(one: EpisodeReport) -> tuple[str, ...]:
    return (
        _linked(one.job, one.flow_run),
        one.episode,
        cell(one.title),
        f"{one.num_circled} of {one.num_shots}" if one.num_shots else "",
        str(one.num_takes_tonight),
        f"{one.render_seconds:.1f}",
        "" if one.yield_share is None else f"{100 * one.yield_share:.0f} %",
    )


async def report(
    unit: Unit, season: Season, night: str, outcomes: Sequence[Outcome]
) -> SeasonReport:
    """
    Say what came of a night, as a page and as JSON in the season's folder.

    Args:
        unit: Whose vault.
        season: What was ordered.
        night: Its name.
        outcomes: What became of every episode's run.
    """
    return await asyncio.to_thread(_report, unit, season, night, outcomes)


def _report(unit: Unit, season: Season, night: str, outcomes: Sequence[Outcome]) -> SeasonReport:
    folder = Path(season.out) / season.season
    folder.mkdir(parents=True, exist_ok=True)
    ordered = {one.episode: one for one in season.episodes}
    told = SeasonReport(
        season=season.season,
        title=season.title,
        night=night,
        page=str(folder / "season.html"),
        episodes=tuple(_episode(unit, ordered[one.episode], one, folder) for one in outcomes),
    )
    pictures = {
        one.episode: thumbnail(blob_if_whole(unit, one.poster), THUMBNAIL_PIXELS)
        for one in told.episodes
        if one.poster
    }
    put_file(folder / "season.html", render_season(told, pictures).encode())
    put_file(folder / "season.json", canonical_json(told.model_dump(mode="json")))
    return told


def _episode(unit: Unit, episode: SeasonEpisode, outcome: Outcome, folder: Path) -> EpisodeReport:
    said = EpisodeReport(title="", queue=episode.queue, **outcome.model_dump())
    ledger = unit.records.ledger(episode.episode)
    ledger.refresh()
    if ledger.state.sheet is None:
        return said
    sheet = unit.records.sheet_of(episode.episode)
    shots = [ledger.state.shot(slate) for slate in sheet.slates]
    circled = [one for shot in shots if (one := shot.circled)]
    runs = {outcome.flow_run, *outcome.earlier_runs, *outcome.moved_from} - {""}
    tonight = [
        event.take
        for event in ledger.history()
        if event.kind is EventKind.RENDERED and event.run in runs and event.take
    ]
    takes = unit.records.takes([*tonight, *(one.address for one in circled)])
    num_takes = sum(len(shot.takes) for shot in shots)
    entries = [shot.entry(shot.circled.address) for shot in shots if shot.circled]
    verdicts = [unit.records.verdict_of(entry) for entry in entries if entry]
    page = Path(episode.out) / episode.episode / "dailies.html"
    posters = [takes[one.address].media.poster for one in circled if one.address in takes]
    return said.model_copy(
        update={
            "title": sheet.title,
            "is_delivered": ledger.state.delivery is not None,
            "num_shots": len(shots),
            "num_circled": len(circled),
            "num_waiting_for_review": sum(one.is_waiting_for_review for one in circled),
            "num_takes": num_takes,
            "num_takes_tonight": len(tonight),
            "render_seconds": sum(
                takes[one].timings.render_seconds for one in tonight if one in takes
            ),
            "yield_share": len(circled) / num_takes if num_takes else None,
            "drift": _drift([verdict for verdict in verdicts if verdict]),
            "dailies": os.path.relpath(page, folder) if page.is_file() else None,
            "poster": posters[0] if posters else None,
        }
    )


def _drift(verdicts: Sequence[Verdict]) -> tuple[Measure, ...]:
    """Means of what gates held against earlier takes; 0 is no drift, but 1 for a ratio."""
    measures = []
    for gate in DRIFT_GATES:
        found = [
            one
            for verdict in verdicts
            for one in verdict.results
            if one.gate == gate and one.value is not None
        ]
        if not found:
            continue
        mean = sum(one.value for one in found if one.value is not None) / len(found)
        is_likeness = gate in LIKENESSES
        measures.append(
            Measure(
                name=gate.removesuffix(" drift"),
                value=round(1 - mean if is_likeness else mean, 4),
                unit="" if is_likeness else found[0].unit,
            )
        )
    return tuple(measures)
