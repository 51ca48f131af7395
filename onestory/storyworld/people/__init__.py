"""
Owns how people look and move: bodies, clothes, hair, faces, and the motion of every action.
Refuses to know where they are or who films them.
Its one entry point is `onestory.storyworld.people.figure.draw_figure`.
"""
