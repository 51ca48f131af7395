"""
Owns the cartoon world: its places, people, props, light, and the truth of every frame it draws.
Refuses to know screenplays, models, storage and schedules; it takes a scene and gives pixels.
Its one entry point is `onestory.storyworld.render.draw_scene`.
"""
