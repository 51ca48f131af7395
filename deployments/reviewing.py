"""What the verbs do by which a person decides on a take: circle, reject."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from deployments.locks import only_producer
from deployments.opening import READING, open_unit
from deployments.studio.settings import StudioSettings
from onestory.engines.take import NgReason
from onestory.errors import OrderError

if TYPE_CHECKING:
    from onestory.production.call_sheet import CallSheet
    from onestory.production.unit import Unit
    from onestory.vault.ledger import TakeEntry


def circle(
    episode: str, shot: str, take: int | None, settings: StudioSettings, *, note: str, by: str
) -> dict[str, Any]:
    """Circle a take of a shot; nobody is asked of it any more."""
    from onestory.production.review import circle

    def decide(unit: "Unit", sheet: "CallSheet") -> "TakeEntry":
        return circle(unit, sheet, shot, take, note=note, person=by)

    return _decided("circled", episode, settings, by, decide)


def reject(
    episode: str,
    shot: str,
    take: int | None,
    settings: StudioSettings,
    *,
    reason: str,
    note: str,
    by: str,
) -> dict[str, Any]:
    """
    Reject a take of a shot; if it is circled, the next film has another one.

    Raises:
        OrderError: If the reason is none of the vocabulary.
    """
    from onestory.production.review import reject

    words = [one.value for one in NgReason]
    if reason not in words:
        raise OrderError(f"{reason!r} is no reason", hint=f"one of: {', '.join(words)}")

    def decide(unit: "Unit", sheet: "CallSheet") -> "TakeEntry":
        return reject(unit, sheet, shot, take, reason=NgReason(reason), note=note, person=by)

    return _decided("rejected", episode, settings, by, decide)


def decision_text(document: dict[str, Any]) -> str:
    """What was decided, and what is circled now."""
    circled = document["circled"] or "nothing: onestory produce films another take"
    return f"{document['take']} {document['decision']}\ncircled now: {circled}"


def _decided(
    decision: str,
    episode: str,
    settings: StudioSettings,
    by: str,
    decide: "Callable[[Unit, CallSheet], TakeEntry]",
) -> dict[str, Any]:
    with _held(episode, settings) as (unit, sheet):
        entry = decide(unit, sheet)
    shots = unit.records.ledger(episode).state.shots
    slate, coverage = next(
        (slate, shot) for slate, shot in shots.items() if shot.entry(entry.address)
    )
    return {
        "episode": episode,
        "shot": slate,
        "take": entry.slate,
        "decision": decision,
        "by": by,
        "circled": coverage.circled.slate if coverage.circled else None,
    }


@contextmanager
def _held(episode: str, settings: StudioSettings) -> "Iterator[tuple[Unit, CallSheet]]":
    """An episode whose ledger nobody else writes meanwhile."""
    with open_unit(settings, READING) as (unit, _):
        sheet = unit.records.sheet_of(episode)
        with only_producer(settings.home, episode):
            unit.records.ledger(episode).refresh()
            yield unit, sheet
