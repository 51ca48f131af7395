"""
What does the hour do to colours? Paint by daylight, then grade: one affine map per light.

Night outdoors turns everything blue and dark but keeps lamps; night indoors is
lamp light, warm and low. Day leaves every colour as the palette names it.
"""

from dataclasses import dataclass

from onestory.storyworld.kinds import Light, Weather
from onestory.storyworld.palette import Rgb, mix


@dataclass(frozen=True, kw_only=True, slots=True)
class Grade:
    """An affine map of sRGB colours: towards grey, then times `gain`, plus `lift`."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    lift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    fade: float = 0.0
    """How far colours lose their saturation, in [0, 1]."""

    def apply(self, colour: Rgb) -> Rgb:
        """Grade one colour."""
        grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
        graded = [
            min(255, max(0, round((c + (grey - c) * self.fade) * gain + lift)))
            for c, gain, lift in zip(colour, self.gain, self.lift, strict=True)
        ]
        return graded[0], graded[1], graded[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sky:
    """The colours of the sky, from the zenith down, and of what stands against it."""

    zenith: Rgb
    middle: Rgb
    horizon: Rgb
    cloud: Rgb
    far: Rgb
    """What distance fades to."""
    orb: Rgb
    """The sun or the moon."""


_SKIES = {
    Light.DAY: Sky(
        zenith=(86, 164, 226),
        middle=(142, 202, 240),
        horizon=(222, 240, 246),
        cloud=(255, 253, 248),
        far=(176, 208, 228),
        orb=(255, 244, 206),
    ),
    Light.DAWN: Sky(
        zenith=(116, 138, 196),
        middle=(232, 176, 186),
        horizon=(255, 222, 178),
        cloud=(255, 226, 214),
        far=(214, 178, 194),
        orb=(255, 240, 200),
    ),
    Light.DUSK: Sky(
        zenith=(72, 62, 128),
        middle=(206, 98, 118),
        horizon=(255, 184, 112),
        cloud=(238, 142, 134),
        far=(142, 92, 132),
        orb=(255, 214, 138),
    ),
    Light.NIGHT: Sky(
        zenith=(14, 20, 48),
        middle=(28, 40, 84),
        horizon=(62, 78, 128),
        cloud=(48, 60, 104),
        far=(34, 46, 88),
        orb=(246, 240, 214),
    ),
}

_OUTSIDE = {
    Light.DAY: Grade(),
    Light.DAWN: Grade(gain=(0.98, 0.86, 0.84), lift=(14, 8, 12), fade=0.08),
    Light.DUSK: Grade(gain=(0.9, 0.78, 0.74), lift=(14, 4, 18), fade=0.1),
    Light.NIGHT: Grade(gain=(0.44, 0.48, 0.62), lift=(8, 12, 34), fade=0.22),
}

_INSIDE = {
    Light.DAY: Grade(),
    Light.DAWN: Grade(gain=(1.0, 0.9, 0.84), lift=(8, 4, 8), fade=0.05),
    Light.DUSK: Grade(gain=(0.96, 0.8, 0.72), lift=(10, 2, 12), fade=0.03),
    Light.NIGHT: Grade(gain=(0.82, 0.69, 0.58), lift=(6, 2, 16), fade=0.02),
}

_KEY_LIGHT = Grade(gain=(0.66, 0.66, 0.78), lift=(10, 10, 30), fade=0.1)
"""People outdoors at night are lit a little, as every film does, or nobody would be recognised."""

_VEILS = {
    Weather.CLEAR: Grade(),
    Weather.RAIN: Grade(gain=(0.8, 0.85, 0.92), fade=0.24),
    Weather.SNOW: Grade(gain=(0.94, 0.97, 1.02), lift=(6, 8, 12), fade=0.14),
    Weather.FOG: Grade(gain=(0.86, 0.88, 0.9), lift=(22, 24, 26), fade=0.28),
}

_OVERCAST: dict[Light, Rgb] = {
    Light.DAY: (186, 198, 208),
    Light.DAWN: (208, 190, 192),
    Light.DUSK: (142, 116, 136),
    Light.NIGHT: (36, 44, 70),
}


def grade_for(light: Light, weather: Weather, *, outside: bool) -> Grade:
    """Find how colours change; weather dims the inside only a little, so it is left out there."""
    if not outside:
        return _INSIDE[light]
    first, second = _OUTSIDE[light], _VEILS[weather]
    gain = tuple(a * b for a, b in zip(first.gain, second.gain, strict=True))
    lift = tuple(a * g + b for a, b, g in zip(first.lift, second.lift, second.gain, strict=True))
    if light is Light.NIGHT:
        lift = first.lift
    return Grade(
        gain=(gain[0], gain[1], gain[2]),
        lift=(lift[0], lift[1], lift[2]),
        fade=1 - (1 - first.fade) * (1 - second.fade),
    )


def people_grade_for(light: Light, weather: Weather, *, outside: bool) -> Grade:
    """Find how the colours of people change: as the place's, but lit at night."""
    if outside and light is Light.NIGHT:
        return _KEY_LIGHT
    return grade_for(light, weather, outside=outside)


def sky_for(light: Light, weather: Weather) -> Sky:
    """Find the colours of the sky; clouds of rain, snow and fog grey it."""
    sky = _SKIES[light]
    grey = _OVERCAST[light]
    amount = {Weather.CLEAR: 0.0, Weather.RAIN: 0.72, Weather.SNOW: 0.62, Weather.FOG: 0.85}
    cover = amount[weather]
    return Sky(
        zenith=mix(sky.zenith, grey, cover),
        middle=mix(sky.middle, grey, cover),
        horizon=mix(sky.horizon, grey, cover),
        cloud=mix(sky.cloud, grey, cover * 0.6),
        far=mix(sky.far, grey, cover * 0.8),
        orb=mix(sky.orb, grey, cover * 0.9),
    )
