"""What the verbs do that look back, go back and tidy up: history, revert, gc."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deployments.locks import only_collector, only_producer
from deployments.opening import open_vault
from deployments.studio.settings import StudioSettings
from deployments.verbs import table
from onestory.errors import OrderError

if TYPE_CHECKING:
    from onestory.vault.garbage import Garbage
    from onestory.vault.ledger import EpisodeState, Ledger
    from onestory.vault.store import Vault


def history(episode: str, settings: StudioSettings) -> dict[str, Any]:
    """Every version of an episode, oldest first."""
    from onestory.vault.history import versions_of

    with open_vault(settings) as vault:
        ledger = _ledger_of(episode, vault)
        return {
            "episode": episode,
            "title": ledger.state.title,
            "version": ledger.state.sequence,
            "versions": [one.model_dump(mode="json") for one in versions_of(ledger.history())],
        }


def history_text(document: dict[str, Any]) -> str:
    """The history as a table."""
    rows = [
        (
            str(one["version"]),
            one["at"][:19].replace("T", " "),
            one["what"],
            one["run"][:8] or one["writer"],
        )
        for one in document["versions"]
    ]
    return (
        f"{document['episode']}  {document['title']}\n"
        f"{table(('version', 'when (UTC)', 'what happened', 'run'), rows)}\n"
        f"go back: onestory revert {document['episode']} VERSION"
    )


def revert(episode: str, version: int, settings: StudioSettings) -> dict[str, Any]:
    """Restore a version of an episode; the version that it had can be restored in turn."""
    with open_vault(settings) as vault:
        ledger = _ledger_of(episode, vault)
        with only_producer(settings.home, episode):
            ledger.refresh()
            before, now = ledger.state.sequence, _circled(ledger.state)
            ledger.revert(version)
    restored = _circled(ledger.state)
    return {
        "episode": episode,
        "version": version,
        "is_changed": ledger.state.sequence != before,
        "undo": before,
        "shots": [
            {"slate": slate, "was": now.get(slate), "is": restored.get(slate)}
            for slate in sorted(now.keys() | restored.keys())
            if now.get(slate) != restored.get(slate)
        ],
    }


def revert_text(document: dict[str, Any]) -> str:
    """Which takes are circled now, and how to undo it."""
    episode = document["episode"]
    if not document["is_changed"]:
        return f"{episode} is as it was in version {document['version']} already"
    rows = [(one["slate"], one["was"] or "none", one["is"] or "none") for one in document["shots"]]
    shots = table(("shot", "circled take was", "is now"), rows)
    if not rows:
        shots = "every circled take was circled then, too"
    return (
        f"{episode} is as it was in version {document['version']}\n{shots}\n"
        f"undo: onestory revert {episode} {document['undo']}"
    )


def gc(
    settings: StudioSettings,
    *,
    older_than_days: float | None = None,
    keep_bytes: int | None = None,
    is_dry_run: bool = False,
) -> dict[str, Any]:
    """
    Delete what no ledger reaches, and uncircled takes if age or size asks for it.

    Raises:
        OrderError: If an age or a size is negative.
        CollectorBusyError: If another gc is at work.
    """
    from onestory.vault.garbage import Policy, discard, find_garbage

    policy = Policy.ordered(
        older_than_days=older_than_days,
        keep_bytes=keep_bytes,
        grace_hours=settings.gc_grace_hours,
    )
    with open_vault(settings) as vault, only_collector(settings.home) as filming:
        garbage = find_garbage(vault, policy, now=datetime.now(UTC), is_filming=bool(filming))
        deleted = [] if is_dry_run else discard(vault, garbage)
    return {
        "is_dry_run": is_dry_run,
        "garbage": _garbage_rows(garbage),
        "bytes": garbage.num_bytes,
        "deleted": len(deleted),
        "deleted_bytes": sum(one.stored.num_bytes for one in deleted),
        "kept": {
            "circled_takes": garbage.num_held_takes,
            "uncircled_takes": garbage.num_uncircled_takes,
            "bytes": garbage.kept_bytes,
        },
        "waiting": garbage.num_waiting,
        "being_made": list(filming),
    }


def _garbage_rows(garbage: "Garbage") -> list[dict[str, Any]]:
    return [
        {"key": one.stored.key, "bytes": one.stored.num_bytes, "why": one.why.value}
        for one in garbage.condemned
    ]


def gc_text(document: dict[str, Any]) -> str:
    """What goes and why, and why the rest stays."""
    sums: dict[str, tuple[int, int]] = {}
    for one in document["garbage"]:
        number, size = sums.get(one["why"], (0, 0))
        sums[one["why"]] = number + 1, size + one["bytes"]
    rows = [(str(number), _in_mb(size), why) for why, (number, size) in sums.items()]
    kept, verb = document["kept"], "would be" if document["is_dry_run"] else "were"
    lines = [table(("objects", "MB", "why"), rows)] if rows else []
    number, size = len(document["garbage"]), document["bytes"]
    if not document["is_dry_run"]:
        number, size = document["deleted"], document["deleted_bytes"]
    lines += [
        f"{number} objects, {_in_mb(size)} MB {verb} deleted; {_in_mb(kept['bytes'])} MB stay",
        f"{kept['circled_takes']} takes are circled, were in a version that can be restored, or "
        "are remembered by such: they never go",
        f"{kept['uncircled_takes']} uncircled takes stay: --older-than and --keep-size let them go",
    ]
    if document["waiting"]:
        films = ", ".join(document["being_made"])
        lines.append(f"{document['waiting']} more wait, for films are being made: {films}")
    return "\n".join(lines)


def _in_mb(num_bytes: int) -> str:
    return f"{num_bytes / 1e6:.1f}"


def _ledger_of(episode: str, vault: "Vault") -> "Ledger":
    from onestory.vault.ledger import Ledger

    ledger = Ledger(vault, episode)
    if not ledger.history():
        raise OrderError(f"there is no episode {episode!r}", hint="onestory status lists them all")
    return ledger


def _circled(state: "EpisodeState") -> dict[str, str]:
    return {slate: shot.circled.slate for slate, shot in state.shots.items() if shot.circled}
