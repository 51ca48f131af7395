"""
Shipped test equipment: engines that fail on purpose, tiny worlds.

Refuses to be used by any code that makes a film.
Entry point: `onestory.testing.sabotage.SabotagedEngine`.
"""
