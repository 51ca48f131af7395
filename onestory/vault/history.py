"""
What happened to an episode, version by version, in words that a person reads?

Entry point: `versions_of`; a version is restored by `Ledger.revert`.
"""

from collections.abc import Mapping, Sequence

from onestory.documents import Digest, Frozen
from onestory.vault.events import Event, EventKind


class Version(Frozen):
    """What made a version of an episode out of the one before."""

    version: int
    """Number to revert to. Two writers who saw the same share one: it holds what both said."""
    at: str
    """UTC, ISO 8601."""
    kind: EventKind
    what: str
    """One phrase."""
    shot: str
    """Slate of the shot within the episode; empty if it concerns them all."""
    run: str
    """The flow run that wrote it; empty if a person's command did."""
    writer: str
    """Host and process."""


def versions_of(events: Sequence[Event]) -> tuple[Version, ...]:
    """Every version that these events made, oldest first."""
    slates = {event.take: event.slate for event in events if event.take and event.slate}
    return tuple(
        Version(
            version=event.sequence,
            at=event.at,
            kind=event.kind,
            what=_what(event, slates),
            shot=event.shot,
            run=event.run,
            writer=event.writer,
        )
        for event in events
    )


def _what(event: Event, slates: Mapping[Digest, str]) -> str:
    take = slates.get(event.take, event.take) if event.take else ""
    why = f": {event.why}" if event.why else ""
    phrases = {
        EventKind.BROKEN_DOWN: "script broken down and read through",
        EventKind.KEYFRAME: f"keyframe of {event.shot} {'drawn' if event.take else 'brought'}",
        EventKind.RENDERED: f"{take} rendered",
        EventKind.VERDICT: f"{take} passed"
        if event.is_passed
        else f"{take} NG: {', '.join(event.reasons) or 'no gate ran'}",
        EventKind.CIRCLED: f"{take} circled by {event.person or event.by}{why}",
        EventKind.REJECTED: f"{take} rejected by {event.person or 'person'}{why}",
        EventKind.QUARANTINED: f"media of {event.shot} quarantined{why}",
        EventKind.CRASHED: f"{event.shot} waits for a person{why}",
        EventKind.MOVED: f"filming moved at {event.shot or 'some shot'}{why}",
        EventKind.DELIVERED: "film delivered",
        EventKind.REVERTED: f"version {event.version} restored",
        EventKind.ORDERED: _ordered(event),
        EventKind.IMPORTED: f"looks of {', '.join(event.names) or 'nobody'} taken from "
        f"{event.source}{why}",
        EventKind.KEPT: f"{', '.join(hold.shot for hold in event.holds)} kept as filmed",
    }
    return phrases.get(event.kind, event.kind.value)


def _ordered(event: Event) -> str:
    words = [f"{' and '.join(order.words)} of {order.shot} ordered" for order in event.orders]
    words += [f"{hold.shot} {'frozen' if hold.is_frozen else 'kept'}" for hold in event.holds]
    words += [f"orders of {slate} withdrawn" for slate in event.withdrawn]
    by = f" by {event.person}" if event.person else ""
    return f"{'; '.join(words)}{by}"
