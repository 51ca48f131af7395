"""
May another take be filmed? What an order allows for a shot, and for an episode.

    takes ── of the shot: number, seconds ──┬── within the order ── retake
             retakes of the run: the same ──┘            beyond ── best of those so far
"""

from onestory.production.order import EpisodeOrder


class Spending:
    """What one run has spent on takes. A take that was found costs no seconds."""

    def __init__(self, order: EpisodeOrder) -> None:
        self._order = order
        self._retakes = 0
        self._retake_seconds = 0.0
        self._takes_of_shot = 0
        self._seconds_of_shot = 0.0

    def begin_shot(self, *, num_tried: int) -> None:
        """
        Begin to count for another shot.

        Args:
            num_tried: How many takes of it a person has seen already.
        """
        self._takes_of_shot = num_tried
        self._seconds_of_shot = 0.0

    def add(self, seconds: float) -> None:
        """Count a take that rendered for so many seconds; a shot's later ones are retakes."""
        if self._takes_of_shot:
            self._retakes += 1
            self._retake_seconds += seconds
        self._takes_of_shot += 1
        self._seconds_of_shot += seconds

    @property
    def allows_retake(self) -> bool:
        """Whether the order allows another take of the shot."""
        order = self._order
        return (
            self._takes_of_shot < order.max_takes
            and (order.shot_seconds is None or self._seconds_of_shot < order.shot_seconds)
            and (order.max_retakes is None or self._retakes < order.max_retakes)
            and (order.retake_seconds is None or self._retake_seconds < order.retake_seconds)
        )
