"""
Screenplays, as written: Fountain, shot list, StoryMem JSON and prose become one `Screenplay`.

Refuses to know how a shot is filmed, stored or scheduled.
Entry point: `onestory.screenplay.reading.read_screenplay`.
"""
