"""
How can a place be drawn once and filmed for a whole shot? Paint every layer as far as the
camera will see it, then only lay the plates into each frame; flatten them, if it never moves.
"""

from dataclasses import dataclass

import numpy as np

from onestory.storyworld.camera import EYE_LEVEL, REFERENCE_HEIGHT, View
from onestory.storyworld.kinds import Framing, Light, Weather
from onestory.storyworld.light import Grade, grade_for, sky_for
from onestory.storyworld.palette import Rgb, mix
from onestory.storyworld.pen import Pen, Plate
from onestory.storyworld.places.atlas import ATLAS, draw_layer
from onestory.storyworld.places.stage import PARALLAX, Layer, Stage
from onestory.storyworld.scene import SceneSpec

BEHIND = (Layer.SKY, Layer.FAR, Layer.BACK, Layer.GROUND)
"""Layers behind the people, from far to near."""

MAX_PLATE_PIXELS = 12_000_000
"""Larger plates are painted coarser."""

_DEFOCUS = {
    Framing.CLOSE: 0.006,
    Framing.MEDIUM_CLOSE: 0.0036,
    Framing.INSERT: 0.007,
    Framing.OVER_THE_SHOULDER: 0.003,
    Framing.MEDIUM: 0.0012,
}
"""Blur of the back layer by framing, as a share of the frame's height."""


def layer_scale(view: View, layer: Layer, pixels: int) -> float:
    """Pixels per metre of a layer: near layers grow with the picture, far ones hardly."""
    parallax = PARALLAX[layer]
    base = pixels / REFERENCE_HEIGHT
    return float(base * (view.scale(pixels) / base) ** parallax)


def layer_middle(view: View, layer: Layer) -> tuple[float, float]:
    """Find the point of a layer that is in the middle of the frame."""
    parallax = PARALLAX[layer]
    return (view.x * parallax, EYE_LEVEL + (view.y - EYE_LEVEL) * parallax)


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerPlate:
    """One painted layer, and where its upper left corner is."""

    layer: Layer
    plate: Plate
    left: float
    top: float
    scale: float


class Backdrop:
    """The painted place of one scene."""

    def __init__(
        self,
        scene: SceneSpec,
        views: list[View],
        width: int,
        height: int,
        *,
        grade: Grade | None = None,
    ) -> None:
        self.scene, self.width, self.height = scene, width, height
        self.art = ATLAS[scene.place.kind]
        self.sky = sky_for(scene.light, scene.weather)
        self.grade = grade or grade_for(scene.light, scene.weather, outside=not self.art.indoor)
        self.is_still = len(set(views)) == 1
        self._plates = {layer: self._paint(layer, views) for layer in Layer if self._has(layer)}
        self._overlay = self._paint_overlay()
        self._flat: Plate | None = None
        self._front: Plate | None = None
        if self.is_still:
            self._flat = Plate(width, height, self.grade)
            self._lay_behind(self._flat.pen, views[0])
            self._front = Plate(width, height, self.grade)
            self._lay_front(self._front.pen, views[0])

    def lay_behind(self, pen: Pen, view: View, rgba_HWC: np.ndarray) -> None:
        """Fill a frame with everything behind the people."""
        if self._flat is not None:
            np.copyto(rgba_HWC, self._flat.rgba_HWC)
            return
        self._lay_behind(pen, view)

    def lay_front(self, pen: Pen, view: View) -> None:
        """Lay what is nearer than the people, and the light of the lens, over a frame."""
        if self._front is not None:
            self._front.lay(pen, 0, 0, 1)
            return
        self._lay_front(pen, view)

    def label_front(self, pen: Pen, view: View) -> None:
        """Draw the shapes of the front layer for the truth, so that they hide people there too."""
        if Layer.FRONT not in self._plates:
            return
        pen.look_at(*layer_middle(view, Layer.FRONT), layer_scale(view, Layer.FRONT, self.height))
        draw_layer(pen, self._stage(Layer.FRONT, [view]), Layer.FRONT)

    def _has(self, layer: Layer) -> bool:
        return layer in self.art.layers

    def _reach(self, layer: Layer, views: list[View]) -> tuple[float, float, float, float]:
        lefts, rights, bottoms, tops = [], [], [], []
        for view in views:
            scale = layer_scale(view, layer, self.height)
            x, y = layer_middle(view, layer)
            half_w, half_h = self.width / 2 / scale + 0.02, self.height / 2 / scale + 0.02
            lefts.append(x - half_w)
            rights.append(x + half_w)
            bottoms.append(y - half_h)
            tops.append(y + half_h)
        return min(lefts), max(rights), min(bottoms), max(tops)

    def _stage(self, layer: Layer, views: list[View]) -> Stage:
        left, right, bottom, top = self._reach(layer, views)
        return Stage(
            place=self.scene.place,
            light=self.scene.light,
            weather=self.scene.weather,
            sky=self.sky,
            left=left,
            right=right,
            bottom=bottom,
            top=top,
        )

    def _paint(self, layer: Layer, views: list[View]) -> LayerPlate:
        stage = self._stage(layer, views)
        scale = max(layer_scale(view, layer, self.height) for view in views)
        pixels = (stage.right - stage.left) * (stage.top - stage.bottom) * scale * scale
        if pixels > MAX_PLATE_PIXELS:
            scale *= (MAX_PLATE_PIXELS / pixels) ** 0.5
        width = max(1, round((stage.right - stage.left) * scale + 0.5))
        height = max(1, round((stage.top - stage.bottom) * scale + 0.5))
        plate = Plate(width, height, self.grade)
        plate.pen.look_at(stage.left + width / 2 / scale, stage.top - height / 2 / scale, scale)
        draw_layer(plate.pen, stage, layer)
        plate.soften(self._blur(layer))
        return LayerPlate(layer=layer, plate=plate, left=stage.left, top=stage.top, scale=scale)

    def _blur(self, layer: Layer) -> float:
        share = _DEFOCUS.get(self.scene.camera.framing, 0.0)
        factor = {
            Layer.SKY: 1.2,
            Layer.FAR: 1.2,
            Layer.BACK: 1.0,
            Layer.GROUND: 0.6,
            Layer.FRONT: 1.6,
        }
        return share * factor[layer] * self.height

    def _lay(self, pen: Pen, layer: Layer, view: View) -> None:
        painted = self._plates.get(layer)
        if painted is None:
            return
        scale = layer_scale(view, layer, self.height)
        x, y = layer_middle(view, layer)
        left = self.width / 2 + (painted.left - x) * scale
        top = self.height / 2 + (y - painted.top) * scale
        painted.plate.lay(pen, left, top, scale / painted.scale)

    def _lay_behind(self, pen: Pen, view: View) -> None:
        haze = self._haze()
        for layer in BEHIND:
            self._lay(pen, layer, view)
            if layer in haze:
                pen.wash(self._air(), haze[layer])

    def _lay_front(self, pen: Pen, view: View) -> None:
        self._lay(pen, Layer.FRONT, view)
        self._overlay.lay(pen, 0, 0, 1)

    def _air(self) -> Rgb:
        return mix(self.sky.horizon, self.sky.middle, 0.4)

    def _haze(self) -> dict[Layer, float]:
        weather = self.scene.weather
        if self.art.indoor:
            return {Layer.FAR: 0.45} if weather is Weather.FOG else {}
        return {
            Weather.CLEAR: {Layer.FAR: 0.08},
            Weather.RAIN: {Layer.FAR: 0.3, Layer.BACK: 0.1},
            Weather.SNOW: {Layer.FAR: 0.26, Layer.BACK: 0.1},
            Weather.FOG: {Layer.FAR: 0.66, Layer.BACK: 0.46, Layer.GROUND: 0.08},
        }[weather]

    def _paint_overlay(self) -> Plate:
        """Paint what the lens adds: darker corners, and fog near the ground."""
        plate = Plate(self.width, self.height, self.grade)
        pen = plate.pen
        night = self.scene.light is Light.NIGHT
        pen.vignette(0.42 if night else 0.2)
        if self.scene.weather is Weather.FOG and not self.art.indoor:
            pen.wash(self._air(), 0.16)
        return plate
