"""
What left the house, and what does a producer read of it?

    Delivery ── DeliveredShot … ── which take of every shot is in the film, and how it stands
       └────── Links ── film, dailies and pictures as the dashboard opens them
"""

from pathlib import Path
from typing import Any

from onestory.documents import Frozen
from onestory.production.estimate import cell
from onestory.vault.store import LINK_LIFE


class DeliveredShot(Frozen):
    """One shot of a delivered film."""

    slate: str
    verdict: str
    freshness: str
    takes: int
    recipe: str
    """Address of the circled take."""
    take: str
    """Slate of the circled take."""


class Links(Frozen):
    """Presigned addresses, for the dashboard; they expire."""

    film: str
    dailies: str
    contact_sheet: str
    memory: str = ""
    """Which shots each shot remembered; empty if none did."""


class Delivery(Frozen):
    """What left the house."""

    episode: str
    title: str
    film: str
    """Path, like all that follow."""
    subtitles: tuple[str, ...]
    otio: str
    dailies: str
    continuity: str
    manifest: str
    poster: str
    shots: tuple[DeliveredShot, ...]
    num_frames: int
    integrated_lufs: float
    mlflow_run: str
    gate_table: tuple[dict[str, Any], ...]
    links: Links
    is_reused: bool
    """Whether the film was found as it is."""

    @property
    def num_waiting_for_review(self) -> int:
        """Shots whose best take is circled provisionally."""
        return sum(shot.verdict == "waiting for review" for shot in self.shots)

    @property
    def in_markdown(self) -> str:
        """What left the house, for a dashboard."""
        waiting = [shot.slate for shot in self.shots if shot.verdict == "waiting for review"]
        asked = f"{', '.join(waiting)} for review: look at the dailies, then circle or retake."
        said = [
            f"**{cell(self.title)} is delivered: {len(self.shots)} shots**",
            f"[Watch the film]({self.links.film}) · [Dailies: every take]({self.links.dailies})",
            f"**Waiting** {asked}" if waiting else "",
            f"![the circled take of every shot]({self.links.contact_sheet})",
        ]
        if self.links.memory:
            said += [
                "**Memory.** An arc leads from each shot back to the earlier shots whose frames "
                "it saw while it was made: thicker is more frames, brighter is more relevant.",
                f"![what each shot remembered]({self.links.memory})",
            ]
        said.append(
            f"All of it lies in `{Path(self.film).parent}`. The links above open for "
            f"{LINK_LIFE.days} days; `onestory screen {self.episode}` always shows the dailies."
        )
        return "\n\n".join(filter(None, said))
