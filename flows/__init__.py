"""
Flows: the storyboards. They say what happens in which order, and compute nothing.

Refuse to hold tensors, to open files, and to know a machine by name.
Entry point: `flows.episode.produce_episode`.
"""
