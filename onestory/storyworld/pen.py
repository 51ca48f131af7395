"""
How is a shape put on paper? By a pen, in metres, y upwards: the only file that knows Skia.

    Pen       draws colours, graded by the light of the scene
    LabelPen  draws the same shapes as labels, without soft edges: the truth
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import skia

from onestory.storyworld.kinds import Part
from onestory.storyworld.light import Grade
from onestory.storyworld.palette import Rgb

Point = tuple[float, float]
"""A point in metres, x to the right, y up."""

Shape = Any
"""A Skia path; Skia ships no types."""

SOLID = 0.5
"""Alpha from which a shape hides what is behind it, for the truth."""

PARTS = tuple(Part)
"""Parts in the order of their labels: the label of `PARTS[i]` is i + 1."""


def blob(points: Sequence[Point], tension: float = 0.5) -> Shape:
    """Make a smooth closed shape through points (a Catmull-Rom loop)."""
    path = skia.Path()
    count = len(points)
    path.moveTo(*points[0])
    k = tension / 3.0 * 2.0 / 2.0
    for i in range(count):
        x0, y0 = points[i - 1]
        x1, y1 = points[i]
        x2, y2 = points[(i + 1) % count]
        x3, y3 = points[(i + 2) % count]
        path.cubicTo(
            x1 + (x2 - x0) * k, y1 + (y2 - y0) * k, x2 - (x3 - x1) * k, y2 - (y3 - y1) * k, x2, y2
        )
    path.close()
    return path


def polygon(points: Sequence[Point]) -> Shape:
    """Make a closed shape with straight edges."""
    path = skia.Path()
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    path.close()
    return path


def quad_curve(start: Point, bend: Point, end: Point) -> Shape:
    """Make an open curve that leaves for `bend` and arrives at `end`."""
    path = skia.Path()
    path.moveTo(*start)
    path.quadTo(*bend, *end)
    return path


def oval(x: float, y: float, rx: float, ry: float) -> Shape:
    """Make an ellipse around a centre."""
    path = skia.Path()
    path.addOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry))
    return path


def limb(joints: Sequence[tuple[float, float, float]]) -> Shape:
    """Make a limb of tapering segments through (x, y, radius) joints."""
    path = skia.Path()
    for x, y, r in joints:
        path.addCircle(x, y, r, skia.PathDirection.kCW)
    for (x0, y0, r0), (x1, y1, r1) in itertools.pairwise(joints):
        length = math.hypot(x1 - x0, y1 - y0)
        if length < 1e-6:
            continue
        nx, ny = -(y1 - y0) / length, (x1 - x0) / length
        # Wound as the circles are, so that overlaps add up instead of cutting holes.
        path.moveTo(x0 - nx * r0, y0 - ny * r0)
        path.lineTo(x1 - nx * r1, y1 - ny * r1)
        path.lineTo(x1 + nx * r1, y1 + ny * r1)
        path.lineTo(x0 + nx * r0, y0 + ny * r0)
        path.close()
    return path


class Pen:
    """Draws shapes into an RGBA array, in metres, with the colours of the hour."""

    def __init__(self, rgba_HWC: npt.NDArray[np.uint8], grade: Grade) -> None:
        self.height, self.width = rgba_HWC.shape[:2]
        self.grade = grade
        self.surface = skia.Surface(rgba_HWC, colorType=skia.kRGBA_8888_ColorType)
        self.canvas = self.surface.getCanvas()
        self._fills: dict[tuple[Rgb, float], Any] = {}

    def part(self, part: Part | None) -> None:
        """Say what the next shapes belong to; only the truth listens."""

    def look_at(self, x: float, y: float, scale: float) -> None:
        """Put a point of the world in the middle; `scale` is pixels per metre."""
        self.canvas.resetMatrix()
        self.canvas.translate(self.width / 2, self.height / 2)
        self.canvas.scale(scale, -scale)
        self.canvas.translate(-x, -y)

    def pixels(self) -> None:
        """Draw in pixels from now on, y down, as overlays on the finished frame do."""
        self.canvas.resetMatrix()

    def wash(self, colour: Rgb, alpha: float) -> None:
        """Lay one thin even colour over everything so far: air between two layers."""
        self.canvas.drawColor(skia.Color(*colour, round(255 * alpha)), skia.BlendMode.kSrcOver)

    def vignette(self, strength: float) -> None:
        """Darken the corners of the frame."""
        self.canvas.resetMatrix()
        radius = math.hypot(self.width, self.height) / 2
        colours = [0, 0, skia.Color(16, 10, 36, round(255 * strength))]
        shader = skia.GradientShader.MakeRadial(
            (self.width / 2, self.height * 0.48), radius, colours, [0.0, 0.5, 1.0]
        )
        self.canvas.drawPaint(skia.Paint(Shader=shader, Dither=True))

    @contextmanager
    def placed(
        self, x: float = 0.0, y: float = 0.0, angle: float = 0.0, sx: float = 1.0, sy: float = 1.0
    ) -> Iterator[None]:
        """Draw in a frame of its own: moved, turned by radians, and scaled, in this order."""
        self.canvas.save()
        self.canvas.translate(x, y)
        if angle:
            self.canvas.rotate(math.degrees(angle))
        if sx != 1.0 or sy != 1.0:
            self.canvas.scale(sx, sy)
        try:
            yield
        finally:
            self.canvas.restore()

    @contextmanager
    def clipped(self, shape: Shape) -> Iterator[None]:
        """Draw only inside a shape."""
        self.canvas.save()
        self.canvas.clipPath(shape, skia.ClipOp.kIntersect, self._soft_edges())
        try:
            yield
        finally:
            self.canvas.restore()

    def fill(self, shape: Shape, colour: Rgb, alpha: float = 1.0) -> None:
        """Fill a shape."""
        paint = self._fill(colour, alpha)
        if paint is not None:
            self.canvas.drawPath(shape, paint)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        colour: Rgb,
        *,
        radius: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """Fill a box whose lower left corner is (x, y)."""
        paint = self._fill(colour, alpha)
        if paint is None:
            return
        box = skia.Rect.MakeLTRB(x, y, x + width, y + height)
        if radius:
            self.canvas.drawRoundRect(box, radius, radius, paint)
        else:
            self.canvas.drawRect(box, paint)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, colour: Rgb, alpha: float = 1.0
    ) -> None:
        """Fill an ellipse around (x, y)."""
        paint = self._fill(colour, alpha)
        if paint is not None:
            self.canvas.drawOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry), paint)

    def circle(self, x: float, y: float, radius: float, colour: Rgb, alpha: float = 1.0) -> None:
        """Fill a circle around (x, y)."""
        paint = self._fill(colour, alpha)
        if paint is not None:
            self.canvas.drawCircle(x, y, radius, paint)

    def poly(self, points: Sequence[Point], colour: Rgb, alpha: float = 1.0) -> None:
        """Fill a shape with straight edges."""
        self.fill(polygon(points), colour, alpha)

    def blob(
        self, points: Sequence[Point], colour: Rgb, alpha: float = 1.0, tension: float = 0.5
    ) -> None:
        """Fill a smooth shape through points."""
        self.fill(blob(points, tension), colour, alpha)

    def stroke(self, shape: Shape, width: float, colour: Rgb, alpha: float = 1.0) -> None:
        """Draw along a shape with a round nib."""
        paint = self._fill(colour, alpha)
        if paint is None:
            return
        paint = skia.Paint(paint)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        paint.setStrokeJoin(skia.Paint.kRound_Join)
        self.canvas.drawPath(shape, paint)

    def line(self, points: Sequence[Point], width: float, colour: Rgb, alpha: float = 1.0) -> None:
        """Draw along straight segments with a round nib."""
        path = skia.Path()
        path.moveTo(*points[0])
        for point in points[1:]:
            path.lineTo(*point)
        self.stroke(path, width, colour, alpha)

    def fade(
        self,
        shape: Shape,
        start: Point,
        end: Point,
        stops: Sequence[tuple[Rgb, float]],
        *,
        graded: bool = True,
    ) -> None:
        """Fill a shape with (colour, alpha) stops, evenly spaced from `start` to `end`."""
        colours = [self._argb(colour, alpha, graded) for colour, alpha in stops]
        shader = skia.GradientShader.MakeLinear([start, end], colours)
        self._shaded(shape, shader)

    def glow(
        self,
        x: float,
        y: float,
        radius: float,
        colour: Rgb,
        alpha: float,
        *,
        add: bool = True,
        squash: float = 1.0,
    ) -> None:
        """Lay a soft round light (or, without `add`, a soft round tint) over the picture."""
        colours = [
            skia.Color(*colour, round(255 * alpha)),
            skia.Color(*colour, round(255 * alpha * 0.38)),
            skia.Color(*colour, 0),
        ]
        shader = skia.GradientShader.MakeRadial((0, 0), radius, colours, [0.0, 0.45, 1.0])
        paint = skia.Paint(AntiAlias=True, Shader=shader, Dither=True)
        if add:
            paint.setBlendMode(skia.BlendMode.kScreen)
        with self.placed(x, y, sy=squash):
            self.canvas.drawCircle(0, 0, radius, paint)

    def raw(self, shape: Shape, colour: Rgb, alpha: float = 1.0) -> None:
        """Fill a shape with a colour that shines by itself, so that no light changes it."""
        self.canvas.drawPath(
            shape, skia.Paint(AntiAlias=True, Color=skia.Color(*colour, round(255 * alpha)))
        )

    def cut(self, shape: Shape) -> None:
        """Cut a hole, through which the layers behind are seen."""
        self.canvas.drawPath(shape, skia.Paint(AntiAlias=True, BlendMode=skia.BlendMode.kClear))

    def blurred(self, shape: Shape, colour: Rgb, sigma: float, alpha: float) -> None:
        """Fill a shape with soft edges, `sigma` metres wide: a contact shadow."""
        paint = skia.Paint(
            AntiAlias=True,
            Color=self._argb(colour, alpha, True),
            MaskFilter=skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, sigma),
        )
        self.canvas.drawPath(shape, paint)

    def _soft_edges(self) -> bool:
        return True

    def _argb(self, colour: Rgb, alpha: float, graded: bool) -> int:
        red, green, blue = self.grade.apply(colour) if graded else colour
        return int(skia.Color(red, green, blue, round(255 * alpha)))

    def _fill(self, colour: Rgb, alpha: float) -> Any:
        paint = self._fills.get((colour, alpha))
        if paint is None:
            paint = skia.Paint(AntiAlias=True, Color=self._argb(colour, alpha, True))
            self._fills[colour, alpha] = paint
        return paint

    def _shaded(self, shape: Shape, shader: Any) -> None:
        self.canvas.drawPath(shape, skia.Paint(AntiAlias=True, Shader=shader, Dither=True))


class Plate:
    """A picture that was painted once, to be laid into many frames."""

    def __init__(self, width: int, height: int, grade: Grade) -> None:
        self.rgba_HWC: npt.NDArray[np.uint8] = np.zeros((height, width, 4), np.uint8)
        self.pen = Pen(self.rgba_HWC, grade)
        self._image: Any = None

    def soften(self, sigma: float) -> None:
        """Blur the plate by `sigma` pixels, as a lens does out of focus."""
        if sigma <= 0.3:
            return
        image = skia.Image.fromarray(self.rgba_HWC.copy(), colorType=skia.kRGBA_8888_ColorType)
        tile = skia.TileMode.kClamp
        paint = skia.Paint(ImageFilter=skia.ImageFilters.Blur(sigma, sigma, tile))
        canvas = self.pen.canvas
        canvas.save()
        canvas.resetMatrix()
        canvas.clear(0)
        canvas.drawImage(image, 0, 0, skia.SamplingOptions(), paint)
        canvas.restore()

    def lay(self, pen: Pen, x: float, y: float, ratio: float) -> None:
        """Lay the plate into a frame: its upper left corner in pixels, and its enlargement."""
        if self._image is None:
            self._image = skia.Image.fromarray(
                self.rgba_HWC, colorType=skia.kRGBA_8888_ColorType, copy=False
            )
        canvas = pen.canvas
        canvas.save()
        canvas.resetMatrix()
        canvas.translate(x, y)
        canvas.scale(ratio, ratio)
        canvas.drawImage(self._image, 0, 0, skia.SamplingOptions(skia.FilterMode.kLinear), None)
        canvas.restore()


class LabelPen(Pen):
    """Draws instance labels into the red channel and part labels into the green one."""

    def __init__(self, rgba_HWC: npt.NDArray[np.uint8]) -> None:
        super().__init__(rgba_HWC, Grade())
        self.label = 0
        self._part = 0

    def part(self, part: Part | None) -> None:
        """Label the next shapes as `part`; `None` labels them as nothing."""
        self._part = 0 if part is None else PARTS.index(part) + 1

    def fade(
        self,
        shape: Shape,
        start: Point,
        end: Point,
        stops: Sequence[tuple[Rgb, float]],
        *,
        graded: bool = True,
    ) -> None:
        """Label the shape if the gradient is solid throughout."""
        self.fill(shape, stops[0][0], min(alpha for _, alpha in stops))

    def glow(
        self,
        x: float,
        y: float,
        radius: float,
        colour: Rgb,
        alpha: float,
        *,
        add: bool = True,
        squash: float = 1.0,
    ) -> None:
        """Label nothing: light hides nothing."""

    def raw(self, shape: Shape, colour: Rgb, alpha: float = 1.0) -> None:
        """Label the shape."""
        self.fill(shape, colour, alpha)

    def blurred(self, shape: Shape, colour: Rgb, sigma: float, alpha: float) -> None:
        """Label nothing: a shadow hides nothing."""

    def _soft_edges(self) -> bool:
        return False

    def _fill(self, colour: Rgb, alpha: float) -> Any:
        if alpha < SOLID:
            return None
        key = ((self.label, self._part, 0), 1.0)
        paint = self._fills.get(key)
        if paint is None:
            paint = skia.Paint(AntiAlias=False, Color=skia.Color(self.label, self._part, 0, 255))
            self._fills[key] = paint
        return paint
