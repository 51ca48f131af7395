"""
Evaluation: what a shot shows, read by small encoders, and how far that agrees with the truth.

Refuses to know engines, files of takes and Prefect.
Entry points: `onestory.evaluation.reader.Reader.read_shots`, and `onestory.evaluation.measures`.
"""
