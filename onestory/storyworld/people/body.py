"""How long is an arm? Every measure of a body, from its look."""

from dataclasses import dataclass

from onestory.storyworld.kinds import Age, Build
from onestory.storyworld.look import Look


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """The measures of one person, in metres."""

    height: float
    head: float
    """Chin to crown."""
    head_width: float
    neck: float
    """Chin to shoulder line."""
    hip: float
    """Height of the hip joints above the sole."""
    torso: float
    """Hip joints to shoulder line."""
    shoulder: float
    """Half the distance between the shoulder joints, from the front."""
    waist: float
    pelvis: float
    """Half the distance between the hip joints, from the front."""
    arm: float
    """Upper arm; the forearm is as long."""
    leg: float
    """Thigh; the shin is as long."""
    arm_girth: float
    leg_girth: float
    ankle: float
    """Height of the ankle above the sole."""
    stoop: float
    """Lean of the torso at rest, in radians."""

    @property
    def reach(self) -> float:
        """Shoulder to palm with a straight arm."""
        return 2 * self.arm


def body_of(look: Look) -> Body:
    """Measure the person that has this look."""
    h = look.height
    head = {Age.CHILD: 0.232, Age.TEEN: 0.185, Age.ADULT: 0.17, Age.ELDER: 0.174}[look.age] * h
    hip = {Age.CHILD: 0.4, Age.TEEN: 0.455, Age.ADULT: 0.465, Age.ELDER: 0.455}[look.age] * h
    wide = {Build.SLIM: 0.9, Build.AVERAGE: 1.0, Build.BROAD: 1.12, Build.HEAVY: 1.14}[look.build]
    belly = {Build.SLIM: 0.88, Build.AVERAGE: 1.0, Build.BROAD: 1.06, Build.HEAVY: 1.5}[look.build]
    girth = {Build.SLIM: 0.86, Build.AVERAGE: 1.0, Build.BROAD: 1.16, Build.HEAVY: 1.24}[look.build]
    grown = look.age in (Age.ADULT, Age.ELDER)
    if look.feminine:
        shoulder, waist, pelvis = 0.093, 0.064, 0.05
    else:
        shoulder, waist, pelvis = (0.113, 0.078, 0.046) if grown else (0.1, 0.074, 0.046)
    girth *= 0.88 if look.feminine else 1.0
    neck = 0.035 * h
    ankle = 0.042 * h
    return Body(
        height=h,
        head=head,
        head_width=head * 0.84,
        neck=neck,
        hip=hip,
        torso=h - head - neck - hip,
        shoulder=shoulder * h * wide,
        waist=waist * h * belly * (0.5 + 0.5 * wide),
        pelvis=pelvis * h * (0.6 + 0.4 * belly),
        arm=0.162 * h,
        leg=(hip - ankle) / 2 * 1.003,
        arm_girth=0.034 * h * girth,
        leg_girth=0.05 * h * girth,
        ankle=ankle,
        stoop=0.1 if look.age is Age.ELDER else 0.0,
    )
