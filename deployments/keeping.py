"""What the verbs do that look back, go back and tidy up: history, revert, gc."""

from typing import TYPE_CHECKING, Any

from deployments.locks import only_producer
from deployments.studio.settings import StudioSettings
from deployments.verbs import open_vault, table
from onestory.errors import OrderError

if TYPE_CHECKING:
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


def _ledger_of(episode: str, vault: "Vault") -> "Ledger":
    from onestory.vault.ledger import Ledger

    ledger = Ledger(vault, episode)
    if not ledger.history():
        raise OrderError(f"there is no episode {episode!r}", hint="onestory status lists them all")
    return ledger


def _circled(state: "EpisodeState") -> dict[str, str]:
    return {slate: shot.circled.slate for slate, shot in state.shots.items() if shot.circled}
