"""When are we, and with whom? What a motion may know of the scene, and the clocks it moves by."""

import math
from dataclasses import dataclass

from onestory.storyworld.kinds import Emotion, PropKind
from onestory.storyworld.pen import Point
from onestory.storyworld.people.body import Body


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """One instant of one performer's shot."""

    seconds: float
    """Since the performance began."""
    progress: float
    """Share of the performance that is over, in [0, 1]."""
    duration: float
    """Of the performance, in seconds."""
    body: Body
    emotion: Emotion = Emotion.NEUTRAL
    phase: float = 0.0
    """Where this performer's idle clocks start, in radians: people do not breathe in step."""
    walked: float = 0.0
    """Path covered since the start, in metres; steps are taken by it, so that feet do not slide."""
    walking: float = 0.0
    """How much of the body is walking, in [0, 1]."""
    running: bool = False
    gap: float | None = None
    """Metres forward to the partner's mark, if there is a partner."""
    partner: Body | None = None
    leads: bool = True
    """Whether this performer is the one who acts in an action of two."""
    prop: PropKind | None = None
    speaking: float = 0.0
    """How far speech parts the lips now, in [0, 1]."""
    seated: bool = False
    crowded: bool = False
    """Whether somebody stands so close that wide gestures would hit them."""

    def meeting(self, height: float) -> Point:
        """Find the point halfway to the partner, `height` being a share of the shorter one."""
        if self.gap is None or self.partner is None:
            return (self.body.reach * 0.9, height * self.body.height)
        shorter = min(self.body.height, self.partner.height)
        return (self.gap / 2, height * shorter)


def ramp(value: float, start: float, end: float) -> float:
    """Rise smoothly from 0 at `start` to 1 at `end`."""
    if end <= start:
        return 1.0 if value >= end else 0.0
    x = min(1.0, max(0.0, (value - start) / (end - start)))
    return x * x * (3 - 2 * x)


def swell(value: float, start: float, end: float, edge: float) -> float:
    """Rise at `start`, stay, and fall at `end`, each within `edge`."""
    return ramp(value, start, start + edge) * (1 - ramp(value, end - edge, end))


def wave(seconds: float, hertz: float, phase: float = 0.0) -> float:
    """Swing between -1 and 1."""
    return math.sin(2 * math.pi * hertz * seconds + phase)


def pulse(seconds: float, hertz: float, phase: float = 0.0, sharp: float = 2.0) -> float:
    """Beat between 0 and 1, resting low."""
    return math.pow(0.5 + 0.5 * wave(seconds, hertz, phase), sharp)
