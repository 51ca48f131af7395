"""
Owns what every kind of place looks like, layer by layer, in any of its variants.
Refuses to know who stands in it.
Its one entry point is `onestory.storyworld.places.atlas.draw_layer`.
"""
