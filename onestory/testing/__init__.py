"""
Shipped test equipment: tiny stories, and a person who types `onestory`.

Refuses to be used by any code that makes a film.
Entry points: `onestory.testing.stories` and `onestory.testing.producing.Producer`.
"""
