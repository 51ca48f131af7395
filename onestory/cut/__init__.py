"""
Owns the cut: timeline, captions, scratch voice, sound, conform, encode, and the probe of the film.
Refuses to know storage, schedules and models; it takes plain values and local files.
Its one entry point is `onestory.cut.assemble.assemble`.
"""
