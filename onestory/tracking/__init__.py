"""
Owns the record of experiments: one MLflow run an episode, with a nested run for every take.
Refuses to know flows, vaults and services: it takes values and an address, and writes them down.
Its one entry point is `onestory.tracking.mlflow_log.EpisodeRun`.
"""
