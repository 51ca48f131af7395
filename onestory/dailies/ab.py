"""
What does a person need to see, to choose between two ways of filming?

    ABPage ─┬─ Side A, Side B … how they were filmed, what they cost, what was measured
            └─ ABShot … ─── the circled take of A beside that of B

Plain values, as on the dailies page: as JSON they are the same, but for the pictures' bytes.
"""

from onestory.continuity.measures import Measure
from onestory.dailies.comparison import ComparedTake
from onestory.documents import Frozen
from onestory.screenplay.episode import Reference


class Side(Frozen):
    """One of two films."""

    name: str
    """"A" or "B"."""
    episode: str
    policy: str
    """How it was filmed, in the words of the command."""
    num_takes: int
    """Takes that were filmed for it, retakes included."""
    num_first_takes: int
    """Shots whose first take was circled."""
    num_waiting_for_review: int
    render_seconds: float
    """Of its circled takes, whenever they were rendered."""
    measures: tuple[Measure, ...] = ()
    """Means over its shots."""


class ABShot(Frozen):
    """One shot, filmed both ways."""

    slate: str
    """`sc04-sh012`."""
    set_name: str
    caption: str
    references: tuple[Reference, ...] = ()
    is_same: bool
    """Whether both films have the very same take."""
    takes: tuple[ComparedTake, ...] = ()
    """That of A, then that of B; one that is missing has no place here."""


class ABPage(Frozen):
    """Two films of one script, on the same seeds."""

    title: str
    episode: str
    """Whose seeds both are drawn from."""
    prefix: str = ""
    sides: tuple[Side, Side]
    shots: tuple[ABShot, ...] = ()

    @property
    def num_different(self) -> int:
        """Shots of which the films have different takes."""
        return sum(not shot.is_same for shot in self.shots)
