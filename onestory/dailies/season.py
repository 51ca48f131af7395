"""
What does a producer need to see in the morning after a night?

    SeasonReport ── EpisodeReport … ── state, cost, yield and drift of one episode

Plain values: as JSON they are the report, as a page they have pictures beside them.
"""

from typing import ClassVar, Literal, TypeAlias

from onestory.continuity.measures import Measure
from onestory.documents import Digest, Document, Frozen

Job: TypeAlias = Literal["waiting", "running", "suspended", "done", "failed", "cancelled"]


class EpisodeReport(Frozen):
    """What came of one episode."""

    episode: str
    title: str
    queue: str
    job: Job
    why: str = ""
    """Why it is not done."""
    flow_run: str = ""
    """Empty if it was not submitted."""
    earlier_runs: tuple[str, ...] = ()
    """Of the same night, which have ended and left something to do."""
    is_joined: bool = False
    """Whether its run was there already when it was submitted."""
    moved_from: tuple[str, ...] = ()
    """Runs that ended because the film went on elsewhere, for want of device memory."""
    moved_to: str = ""
    """Work pool where it went on; empty if it did not move."""
    is_delivered: bool = False
    """Whether there is a film, of this night or of an earlier one."""
    num_shots: int = 0
    num_circled: int = 0
    num_waiting_for_review: int = 0
    num_takes: int = 0
    """Of all its shots, of this night or of earlier ones."""
    num_takes_tonight: int = 0
    """Takes that its runs rendered, or found to be of use."""
    render_seconds: float = 0.0
    """What these took to render."""
    yield_share: float | None = None
    """Circled takes to all takes, [0, 1]; None if there is no take."""
    drift: tuple[Measure, ...] = ()
    """Means over the circled takes of what gates held against earlier takes."""
    dailies: str | None = None
    """Path of its page from that of the season; None if it is not there."""
    poster: Digest | None = None
    """Blob of a picture."""

    @property
    def drift_words(self) -> str:
        """The drift in words; empty if no gate ran."""
        return ", ".join(f"{one.name} {one.value:.2f} {one.unit}".rstrip() for one in self.drift)


class SeasonReport(Document):
    """What came of a season in one night."""

    schema_name: ClassVar[str] = "SeasonReport.1"

    season: str
    title: str
    night: str
    page: str
    """Path of the page; the report lies beside it."""
    episodes: tuple[EpisodeReport, ...]

    @property
    def prefix(self) -> str:
        """What the page is headed with."""
        return self.night

    def of_job(self, *jobs: Job) -> tuple[EpisodeReport, ...]:
        """The episodes in one of these states."""
        return tuple(one for one in self.episodes if one.job in jobs)

    @property
    def num_waiting_for_review(self) -> int:
        """Shots whose best take is circled provisionally."""
        return sum(one.num_waiting_for_review for one in self.episodes)

    @property
    def in_words(self) -> str:
        """One sentence: how many episodes are done, and which are not."""
        missing = [one for one in self.episodes if one.job != "done"]
        words = f"{len(self.of_job('done'))} of {len(self.episodes)} episodes are done"
        return "; ".join([words, *(f"{one.episode} {one.job}: {one.why}" for one in missing)])
