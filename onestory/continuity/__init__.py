"""
Owns the judging of takes: measures of frames, readings by encoders, gates, the retake ladder.
Refuses to know storage, schedules and who trained the encoders: frames come in, verdicts go out.
Its one entry point is `onestory.continuity.gates.judge`.
"""
