"""
Previz: StoryWorld draws the caption directly, with no network, at once and the same every time.

Refuses to know about weights, memory and episodes: it reads one recipe's own words.
Entry point: `onestory.engines.previz.engine.PrevizEngine`.
"""
