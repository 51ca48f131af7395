"""Where is everything? One `PlaceArt` for every kind of place."""

from collections.abc import Mapping
from types import MappingProxyType

from onestory.storyworld.kinds import PlaceKind
from onestory.storyworld.pen import Pen
from onestory.storyworld.places import homes, nature, public, streets, vehicles
from onestory.storyworld.places.stage import Layer, PlaceArt, Stage

ATLAS: Mapping[PlaceKind, PlaceArt] = MappingProxyType(
    {**homes.ART, **public.ART, **streets.ART, **nature.ART, **vehicles.ART}
)
"""How every kind of place is painted."""


def draw_layer(pen: Pen, stage: Stage, layer: Layer) -> None:
    """Paint one layer of a place, if it has it."""
    pen.part(None)
    artist = ATLAS[stage.place.kind].layers.get(layer)
    if artist is not None:
        artist(pen, stage)
