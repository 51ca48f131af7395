"""
Owns motion: for every action, how a pose changes with time.
Refuses to know pixels; it bends poses and nothing else.
Its one entry point is `onestory.storyworld.people.motions.repertoire.perform`.
"""
