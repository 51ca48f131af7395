"""What does one ride in? A train or bus carriage, and a car, seen from the side."""

from onestory.storyworld.kinds import PlaceKind
from onestory.storyworld.palette import Rgb, darker, lighter
from onestory.storyworld.pen import Pen, blob, polygon
from onestory.storyworld.places import fixtures as fix
from onestory.storyworld.places.homes import FURNITURE
from onestory.storyworld.places.stage import Layer, PlaceArt, Stage

BASE = 0.3


def _train_back(pen: Pen, stage: Stage) -> None:
    wall = stage.colour(0, ((222, 226, 222), (232, 218, 190), (198, 214, 220)))
    seat = stage.colour(1, FURNITURE)
    steel: Rgb = (180, 188, 196)
    left, right = stage.left, stage.right
    pen.rect(left, BASE, right - left, 5, wall)
    pen.rect(left, 2.55, right - left, 3, lighter(wall, 0.3))
    pen.rect(left, 2.5, right - left, 0.06, darker(wall, 0.2))
    for _, x in stage.along(1.5):
        pen.rect(x + 0.1, 1.2, 1.3, 1.0, darker(wall, 0.2), radius=0.12)
        pen.cut(
            blob([(x + 0.16, 1.26), (x + 1.34, 1.26), (x + 1.34, 2.14), (x + 0.16, 2.14)], 0.12)
        )
        pen.poly(
            [(x + 0.3, 1.26), (x + 0.5, 1.26), (x + 0.85, 2.14), (x + 0.65, 2.14)],
            (255, 255, 255),
            0.13,
        )
        pen.rect(x + 0.1, 2.3, 1.3, 0.2, stage.choose("advert", FURNITURE), radius=0.02)
        pen.rect(x + 0.2, 2.35, 0.5, 0.1, (250, 246, 236), radius=0.01)
    for _i, x in stage.along(0.75):
        pen.rect(x + 0.03, BASE + 0.4, 0.69, 0.58, seat, radius=0.09)
        pen.rect(x + 0.03, BASE + 0.18, 0.69, 0.26, lighter(seat, 0.1), radius=0.06)
        pen.rect(x + 0.08, BASE + 0.76, 0.59, 0.14, lighter(seat, 0.24), radius=0.05)
    pen.rect(left, BASE - 0.02, right - left, 0.22, darker(wall, 0.4))
    pen.rect(left, 2.72, right - left, 0.035, steel)
    for _, x in stage.along(0.5):
        pen.rect(x + 0.2, 2.5, 0.02, 0.22, (110, 112, 120))
        pen.stroke(
            polygon([(x + 0.13, 2.32), (x + 0.29, 2.32), (x + 0.21, 2.5)]), 0.024, (240, 222, 170)
        )
    for _, x in stage.along(3.0):
        pen.rect(x - 0.02, BASE, 0.04, 4.0, (238, 196, 92) if stage.flip("pole") else steel)
    if stage.lamps_on:
        for _, x in stage.along(1.5):
            pen.glow(x, 2.9, 1.3, (255, 244, 214), 0.4)
    pen.rect(left, 2.86, right - left, 0.07, (255, 252, 240))


def _train_ground(pen: Pen, stage: Stage) -> None:
    fix.floor(
        pen,
        stage,
        stage.colour(2, ((128, 136, 146), (146, 132, 118), (110, 126, 132))),
        pattern="none",
    )
    pen.rect(stage.left, -0.5, stage.right - stage.left, 0.03, (238, 202, 100))


def _car_far(pen: Pen, stage: Stage) -> None:
    fix.view_outside(pen, stage)
    pen.rect(stage.left, -2, stage.right - stage.left, 2.75, (110, 114, 124))


def _car_back(pen: Pen, stage: Stage) -> None:
    paint = stage.colour(
        0, ((186, 70, 66), (66, 108, 140), (222, 178, 96), (96, 132, 110), (214, 214, 212))
    )
    lining = stage.colour(1, ((206, 194, 176), (98, 100, 112), (150, 120, 100)))
    left, right = stage.left - 0.2, stage.right + 0.2
    pen.rect(left, -2, right - left, 7, lining)
    pen.rect(left, 1.78, right - left, 4, lighter(lining, 0.16))
    for x in (-1.42, 0.06):
        pen.cut(
            blob(
                [
                    (x + (0.3 if x < 0 else 0.0), 0.88),
                    (x + 1.36, 0.88),
                    (x + (1.36 if x < 0 else 1.0), 1.66),
                    (x + (0.46 if x < 0 else 0.0), 1.66),
                ],
                0.1,
            )
        )
    pen.rect(-0.05, 0.5, 0.1, 1.3, darker(lining, 0.3))
    pen.rect(left, 0.76, right - left, 0.09, darker(lining, 0.2))
    pen.rect(left, 0.83, right - left, 0.025, paint)


def _car_ground(pen: Pen, stage: Stage) -> None:
    """Paint the seats; there is no floor, because the door is nearer and hides it."""
    seat = stage.colour(2, ((112, 78, 66), (72, 76, 90), (170, 140, 110), (128, 54, 58)))
    for x in (-0.66, 0.38):
        pen.blob(
            [
                (x - 0.3, 0.1),
                (x - 0.34, 0.75),
                (x - 0.26, 1.12),
                (x - 0.02, 1.14),
                (x + 0.06, 0.7),
                (x + 0.02, 0.1),
            ],
            darker(seat, 0.1),
            tension=0.34,
        )
        pen.rect(x - 0.28, 1.16, 0.24, 0.2, seat, radius=0.07)
        pen.rect(x - 0.3, 0.16, 0.66, 0.22, seat, radius=0.08)


def _car_front(pen: Pen, stage: Stage) -> None:
    paint = stage.colour(
        0, ((186, 70, 66), (66, 108, 140), (222, 178, 96), (96, 132, 110), (214, 214, 212))
    )
    left, right = stage.left - 0.2, stage.right + 0.2
    pen.rect(left, -4, right - left, 4.62, paint)
    pen.rect(left, 0.58, right - left, 0.07, lighter(paint, 0.24))
    pen.rect(left, 0.3, right - left, 0.05, darker(paint, 0.2))
    pen.rect(-0.012, -4, 0.024, 4.6, darker(paint, 0.34))
    for x in (-0.55, 0.6):
        pen.rect(x, 0.42, 0.24, 0.055, (226, 230, 234), radius=0.025)


_WINDOW = {Layer.SKY: fix.sky, Layer.FAR: fix.view_outside}

ART = {
    PlaceKind.TRAIN: PlaceArt(
        layers={**_WINDOW, Layer.BACK: _train_back, Layer.GROUND: _train_ground}, roam=2.6
    ),
    PlaceKind.CAR: PlaceArt(
        layers={
            Layer.SKY: fix.sky,
            Layer.FAR: _car_far,
            Layer.BACK: _car_back,
            Layer.GROUND: _car_ground,
            Layer.FRONT: _car_front,
        },
        seated=True,
    ),
}
