"""
What becomes of a season in one night?

    season ── every episode read, broken down and planned ──┬── all admitted ── filmed ── report
                                                            └── one is not ── nothing is filmed

Admission spends nothing, and says of each episode alone whether and why not. The report is read
from ledgers and takes: it says what an episode has by now, whoever filmed it.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
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
    rows = [
        f"| {one.episode} | {cell(one.title)} | {one.queue} | {cell(one.decision)} |"
        for one in admissions
    ]
    return "\n".join(("| episode | title | queue | decision |", "| --- | --- | --- | --- |", *rows))


def report_in_markdown(report: SeasonReport) -> str:
    """What came of every episode, for a dashboard: its runs are linked."""
    heads = ("state", "episode", "title", "queue", "shots", "takes", "seconds", "yield", "drift")
    rows = [f"| {' | '.join(_cells(one))} |" for one in report.episodes]
    return "\n".join(
        (f"**{cell(report.in_words)}**", "", f"| {' | '.join(heads)} |", "| --- " * 9 + "|", *rows)
    )


def _cells(one: EpisodeReport) -> tuple[str, ...]:
    job = f"[{one.job}](/runs/flow-run/{one.flow_run})" if one.flow_run else one.job
    share = "" if one.yield_share is None else f"{100 * one.yield_share:.0f} %"
    return (
        f"{job}: {cell(one.why)}" if one.why else job,
        one.episode,
        cell(one.title),
        one.queue,
        f"{one.num_circled} of {one.num_shots}",
        str(one.num_takes_tonight),
        f"{one.render_seconds:.1f}",
        share,
        one.drift_words,
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
    ledger = unit.ledger(episode.episode)
    ledger.refresh()
    if ledger.state.sheet is None:
        return said
    sheet = unit.sheet_of(episode.episode)
    shots = [ledger.state.shot(slate) for slate in sheet.slates]
    circled = [one for shot in shots if (one := shot.circled)]
    runs = {outcome.flow_run, *outcome.earlier_runs} - {""}
    tonight = [
        event.take
        for event in ledger.history()
        if event.kind is EventKind.RENDERED and event.run in runs and event.take
    ]
    takes = unit.takes([*tonight, *(one.address for one in circled)])
    num_takes = sum(len(shot.takes) for shot in shots)
    entries = [shot.entry(shot.circled.address) for shot in shots if shot.circled]
    verdicts = [unit.verdict_of(entry) for entry in entries if entry]
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
