"""
Wan: OneStory's memory on stock Wan weights that a studio has on disk.

Refuses to know about episodes, vaults and training: a recipe and remembered frames come in.
Entry point: `onestory.engines.wan.engine.WanEngine`.
"""
