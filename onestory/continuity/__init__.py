"""
Owns the judging of takes: measures of frames, gates with thresholds, and the retake ladder.
Refuses to know models, storage, encoders and schedules: numbers come in, verdicts go out.
Its one entry point is `onestory.continuity.gates.judge`.
"""
