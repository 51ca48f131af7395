"""
Pocket: the real OneStory code with weights that two CPU cores can bear, trained on StoryWorld.

Refuses to know about episodes, vaults and training: a recipe and remembered frames come in.
Entry point: `onestory.engines.pocket.engine.PocketEngine`.
"""
