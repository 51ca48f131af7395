"""
What does a person need to see, to judge a day's takes?

    DailiesPage ─┬─ film, subtitles, totals, warnings, provenance
                 └─ DailiesShot … ─┬─ scene, set, caption, dialogue, states, what it remembered
                                   └─ DailiesTake … ── poster, strip, gates, remarks

Plain values with the pictures in them: whoever builds a page has fetched everything, and
whoever renders it fetches nothing.
"""

from fractions import Fraction

from pydantic import Field

from onestory.documents import Digest, Frozen
from onestory.engines.take import CaptionReport, GateResult
from onestory.screenplay.episode import Line, Reference


class JudgedTake(Frozen):
    """One take of a shot, and what was said of it."""

    slate: str
    """`s01e03-sc04-sh012-tk02`."""
    address: Digest
    """The recipe's digest."""
    engine: str = ""
    seed: int = 0
    render_seconds: float = 0.0
    rung: str = ""
    """Rung of the retake ladder it was shot on, in words; empty for the first take."""
    results: tuple[GateResult, ...] = ()
    """What every gate said; empty if the take was not judged."""
    verdict: str = ""
    """"passed", "NG", "circled" or "waiting for review"."""
    is_circled: bool = False
    is_waiting_for_review: bool = False
    remarks: tuple[str, ...] = ()
    """What the engine wants a person to know."""
    caption_report: CaptionReport | None = None


class Evidence(Frozen):
    """Two pictures that a gate compared."""

    gate: str
    here: bytes
    """JPEG, of the take."""
    there: bytes
    """JPEG, of the take that it was held against."""
    there_from: str
    """Slate of that take."""


class DailiesTake(JudgedTake):
    """One take of a shot, as it is shown among the dailies."""

    poster: bytes = b""
    """JPEG; empty if there is no picture to show."""
    strip: tuple[bytes, ...] = ()
    """JPEGs of a few frames in order, to run the pointer over."""
    evidence: tuple[Evidence, ...] = ()

    def evidence_for(self, gate: str) -> Evidence | None:
        """What a gate compared, if there are pictures of it."""
        return next((one for one in self.evidence if one.gate == gate), None)


class RememberedShot(Frozen):
    """An earlier shot that a shot remembered."""

    shot: str
    """The earlier shot's slate, as in `DailiesShot.slate`."""
    num_frames: int = Field(ge=1)
    """How many of its frames were remembered."""
    score: float = 1.0
    """Highest relevance among them."""


class DailiesShot(Frozen):
    """One shot with its coverage."""

    slate: str
    """`sc04-sh012`."""
    scene: int
    set_name: str
    setting: str = ""
    """Light, weather, framing and move in words."""
    caption: str
    references: tuple[Reference, ...] = ()
    lines: tuple[Line, ...] = ()
    num_frames: int = 0
    film_start_frame: int | None = None
    """Where it begins in the film; None if it is not in it."""
    job: str = ""
    """"waiting", "running", "suspended", "done", "failed" or "cancelled"."""
    freshness: str = ""
    """"current", "stale", "missing" or "blocked"."""
    why: str = ""
    """What changed since it was filmed, or what is missing; empty if it is current."""
    hold: str = ""
    """"to be kept", "kept" or "frozen": a person wants the circled take to stay."""
    ordered: tuple[str, ...] = ()
    """What a person ordered in place of the script's: "caption", "seed" …"""
    verdict: str = ""
    """"circled", "passed", "NG" or "waiting for review"."""
    circled: str | None = None
    """Slate of the circled take."""
    circled_why: str = ""
    circled_by: str = ""
    is_waiting_for_review: bool = False
    remembered: tuple[RememberedShot, ...] = ()
    takes: tuple[DailiesTake, ...] = ()

    @property
    def shown_take(self) -> DailiesTake | None:
        """The take that stands for the shot: the circled one, else the latest."""
        circled = [take for take in self.takes if take.is_circled]
        return next(iter(circled or self.takes[-1:]), None)


class SheetPicture(Frozen):
    """A candidate for the reference sheet of somebody, or of a place."""

    name: str
    """Whose."""
    number: int = Field(ge=1)
    picture: bytes = b""
    """JPEG; empty if there is no picture to show."""
    is_circled: bool = False
    """Whether first frames start from it."""


class DailiesPage(Frozen):
    """A whole page."""

    title: str
    episode: str
    prefix: str = ""
    """`s01e03`."""
    fps: str = "24"
    film_name: str | None = None
    """File name of the film, which lies beside the page; None if there is no film."""
    film: bytes | None = None
    """The film itself, if it may be put into the page (it is, when small)."""
    film_poster: bytes = b""
    """JPEG."""
    subtitles: str = ""
    """WebVTT."""
    language: str = "en"
    """Of the subtitles."""
    shots: tuple[DailiesShot, ...] = ()
    sheets: tuple[SheetPicture, ...] = ()
    """Reference sheets of cast and sets."""
    warnings: tuple[str, ...] = ()
    num_to_film: int = 0
    """Shots that the next production would film."""
    price: str = ""
    """What that would cost, in words; empty if nobody asked."""
    provenance: tuple[tuple[str, str], ...] = ()
    """(what, value) pairs that hold for the whole episode."""
    made_at: str = ""
    """UTC, in words."""

    @property
    def num_takes(self) -> int:
        """Takes of all shots."""
        return sum(len(shot.takes) for shot in self.shots)

    @property
    def render_seconds(self) -> float:
        """Wall seconds that rendering all takes took, whenever that was."""
        return sum(take.render_seconds for shot in self.shots for take in shot.takes)

    @property
    def num_circled(self) -> int:
        """Shots with a circled take."""
        return sum(any(take.is_circled for take in shot.takes) for shot in self.shots)

    @property
    def takes_per_circled_shot(self) -> float:
        """How many takes a circled shot cost; 0 if none is circled."""
        return self.num_takes / self.num_circled if self.num_circled else 0.0

    @property
    def waiting(self) -> tuple[DailiesShot, ...]:
        """Shots that a person should look at."""
        return tuple(
            shot
            for shot in self.shots
            if shot.is_waiting_for_review or any(t.is_waiting_for_review for t in shot.takes)
        )

    def seconds_of(self, num_frames: int) -> float:
        """Length of so many frames, for the screen."""
        return float(num_frames / Fraction(self.fps))
