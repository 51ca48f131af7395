"""
What will a plan cost? As much as takes of the same engine at the same size have cost.

    history ─┬─ takes that a shot needed ──┐
             └─ seconds for each frame ────┴── the plan's shots, filmed 2000 times in mind
                                               middle, and the 5th and 95th of a hundred

A short history is uncertain about itself, too: every imagined film draws from another sample of
it, with replacement, so that the interval is wide where little is known. Without any history
nothing is said.

Reference: Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence

import numpy as np

from onestory.documents import Frozen
from onestory.production.call_sheet import CallSheet
from onestory.production.plan import ShotPlan
from onestory.production.preflight import Finding
from onestory.production.unit import Unit
from onestory.tracking.history import PastTake, past_takes

FILMS = 2000
"""How often the plan is filmed in mind."""

TAIL = 5.0
"""Percent of these films that lie below the interval, and above it."""


class Span(Frozen):
    """A number that is not known yet."""

    middle: float
    low: float
    high: float


class Estimate(Frozen):
    """What is still to be paid for a film."""

    takes: Span
    seconds: Span
    """Rendering, encoding and storing, one after another."""
    based_on: int
    """Takes that it is concluded from."""


class Price(Frozen):
    """What a plan comes to."""

    to_film: int
    """Shots that would be filmed."""
    estimate: Estimate | None = None
    """None if nothing is to be filmed, or nothing like it was filmed before."""

    @property
    def in_words(self) -> str:
        """What filming would cost; empty if there is nothing to film."""
        if not self.to_film:
            return ""
        if self.estimate is None:
            return "no take of this engine and size was logged yet, so nobody knows what they cost"
        takes, seconds = self.estimate.takes, self.estimate.seconds
        return (
            f"{_told(takes, 'takes')}, {_told(seconds, 's')} in nine of ten cases, "
            f"judging by {self.estimate.based_on} earlier takes"
        )


def _told(span: Span, unit: str) -> str:
    """Its middle and its ends, which are left out if nobody would tell them apart."""
    middle, low, high = (f"{one:.0f}" for one in (span.middle, span.low, span.high))
    return f"{middle} {unit}" if low == high else f"{middle} {unit} ({low} to {high})"


def plan_in_markdown(
    shots: Collection[ShotPlan], price: Price, findings: Collection[Finding] = ()
) -> str:
    """
    Write a plan down for a dashboard.

    Args:
        shots: Every shot, as `onestory plan` tells it.
        price: What filming them costs.
        findings: What contradicts itself.
    """
    rows = [
        f"| {shot.slate} | {shot.standing} | {shot.verdict} | {cell(shot.why)} |" for shot in shots
    ]
    to_film = f"**{price.to_film} of {len(shots)} shots would be filmed**"
    heads = ("| shot | freshness | verdict | why |", "| --- | --- | --- | --- |")
    named = [f"* {cell(finding.in_words)}" for finding in findings]
    lines = (": ".join(filter(None, (to_film, price.in_words))), "", *heads, *rows)
    return "\n".join((*lines, *("", *named) * bool(named)))


def cell(words: str) -> str:
    """Text that stays in its cell: captions may hold anything."""
    return words.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")


async def price(
    unit: Unit, sheet: CallSheet, shots: Collection[ShotPlan], tracking_uri: str | None
) -> Price:
    """
    Say what a plan comes to, as far as history tells.

    Args:
        unit: Who would film.
        sheet: Which episode.
        shots: Of its plan; those that are not to be filmed cost nothing.
        tracking_uri: Of the MLflow that holds the history; None if there is none.
    """
    if tracking_uri is None:
        return Price(to_film=sum(shot.is_to_be_filmed for shot in shots))
    work = await unit.workload(sheet, shots)
    if not work.frames:
        return Price(to_film=0)
    history = await asyncio.to_thread(
        past_takes, tracking_uri, engine=work.engine, width=work.width, height=work.height
    )
    return Price(to_film=len(work.frames), estimate=estimate(work.frames, history))


def estimate(frames: Sequence[int], history: Sequence[PastTake]) -> Estimate | None:
    """
    Say what filming shots will cost.

    Args:
        frames: Frames of every shot that is to be filmed.
        history: What takes have cost.

    Returns:
        Equal estimates for equal arguments; None if there is no history.
    """
    if not history:
        return None
    per_frame_N = np.array([take.seconds / take.num_frames for take in history])
    per_shot_S = np.array(list(Counter(take.shot for take in history).values()))
    rng = np.random.default_rng(0)
    takes, seconds = np.zeros(FILMS), np.zeros(FILMS)
    for film in range(FILMS):
        known_N, known_S = (rng.choice(known, len(known)) for known in (per_frame_N, per_shot_S))
        needed = rng.choice(known_S, len(frames))
        filmed = np.repeat(np.asarray(frames, dtype=np.float64), needed)
        takes[film] = needed.sum()
        seconds[film] = filmed @ rng.choice(known_N, len(filmed))
    return Estimate(takes=_span(takes), seconds=_span(seconds), based_on=len(history))


def _span(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Span:
    low, middle, high = np.percentile(values, (TAIL, 50, 100 - TAIL)).tolist()
    return Span(middle=middle, low=low, high=high)
