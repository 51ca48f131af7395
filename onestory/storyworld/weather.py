"""What falls? Rain and snow over the finished frame, the same for the same seed and frame."""

import math

from onestory.storyworld.chance import chance
from onestory.storyworld.kinds import Light, Weather
from onestory.storyworld.palette import Rgb
from onestory.storyworld.pen import Pen


class Fall:
    """The drops or flakes of one scene."""

    def __init__(self, weather: Weather, light: Light, seed: int, width: int, height: int) -> None:
        self.weather, self.width, self.height = weather, width, height
        rng = chance(seed, "weather", weather)
        count = {Weather.RAIN: 110, Weather.SNOW: 100}.get(weather, 0)
        self._drops = [tuple(float(v) for v in row) for row in rng.random((count, 4))]
        night = light is Light.NIGHT
        self._colour: Rgb = (170, 190, 226) if night else (232, 240, 248)
        if weather is Weather.SNOW:
            self._colour = (214, 222, 244) if night else (255, 255, 255)

    def draw(self, pen: Pen, seconds: float) -> None:
        """Draw the drops at a time, in pixels."""
        pen.pixels()
        if self.weather is Weather.RAIN:
            self._rain(pen, seconds)
        elif self.weather is Weather.SNOW:
            self._snow(pen, seconds)

    def _rain(self, pen: Pen, seconds: float) -> None:
        h, w = self.height, self.width
        for x, y, near, _ in self._drops:
            speed = h * (1.5 + 0.9 * near)
            top = (y * h * 1.2 + seconds * speed) % (h * 1.2) - h * 0.1
            left = (x * w * 1.2 - 0.14 * seconds * speed) % (w * 1.2) - 0.1 * w
            length = h * (0.022 + 0.028 * near)
            nib = max(0.7, h * (0.0011 + 0.0012 * near))
            pen.line(
                [(left, top), (left - 0.14 * length, top + length)],
                nib,
                self._colour,
                0.25 + 0.25 * round(near),
            )

    def _snow(self, pen: Pen, seconds: float) -> None:
        h, w = self.height, self.width
        for x, y, near, phase in self._drops:
            speed = h * (0.07 + 0.09 * near)
            top = (y * h * 1.1 + seconds * speed) % (h * 1.1) - h * 0.05
            drift = 0.02 * h * math.sin(1.3 * seconds + 6.283 * phase)
            left = (x * w * 1.1 + drift - 0.03 * h * seconds) % (w * 1.1) - 0.05 * w
            pen.circle(left, top, h * (0.0022 + 0.0048 * near**2), self._colour, 0.85)
