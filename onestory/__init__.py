"""
OneStory: the domain library, which knows film and diffusion.

It has never heard of Prefect; it owns screenplay, breakdown, engines, gates, cut and vault.

Pixels, everywhere in this library: frames are `T H W C`, uint8, sRGB, at every door but the
VAE's, where they are `T C H W`, float, in [-1, 1]. Nothing else in between.
"""

__version__ = "0.1.0"
